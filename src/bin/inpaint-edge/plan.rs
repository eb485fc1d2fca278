//! `inpaint-edge info --plan`: what an image of a size takes.

use inpaint_edge::{Error, ErrorKind, Inpainter, Result};
use ndarray::ArrayView2;

/// Shares of the image that are hole.
const RATIOS: [f64; 6] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75];

/// Memory and work for images of one size.
pub struct Plan {
    pub width: usize,
    pub height: usize,
    /// Bytes a run uses beside the weights and the image.
    pub bytes: usize,
    /// Share of the image that is hole, and multiply-accumulates where it is one rectangle in the middle, and where it is
    /// bars across the whole image.
    pub rows: Vec<(f64, u64, u64)>,
}

impl Plan {
    pub fn new(inpainter: &Inpainter, (width, height): (usize, usize)) -> Result<Self> {
        let bytes = inpainter.plan_bytes(width, height)?;
        // The work of a run is counted in its own memory, by a mask.
        let needed = bytes.saturating_add(width * height);
        let had = Vec::<u8>::new().try_reserve_exact(needed);
        had.map_err(|_| Error::new(ErrorKind::Limits, format!("{width}×{height}: no memory for {needed} bytes")))?;
        let mut mask = vec![0; width * height];
        let mut rows = Vec::new();
        for ratio in RATIOS {
            let mut work = |is_hole: &dyn Fn(usize, usize) -> bool| {
                for (i, v) in mask.iter_mut().enumerate() {
                    *v = if is_hole(i % width, i / width) { 255 } else { 0 };
                }
                let mask = ArrayView2::from_shape((height, width), &mask).expect("a byte a pixel");
                match inpainter.estimate(mask) {
                    Ok(report) => Ok(Some(report.macs)),
                    // An image so small that nothing of it stays known has no such row.
                    Err(e) if e.kind() == ErrorKind::Input => Ok(None),
                    Err(e) => Err(e),
                }
            };
            let side = |end: usize| ((end as f64 * ratio.sqrt()).round() as usize).clamp(1, end);
            let middle = |v: usize, end: usize| (end - side(end)) / 2 <= v && v < (end - side(end)) / 2 + side(end);
            let (period, bar) = (64, (64.0 * ratio).round().max(1.0) as usize);
            let in_middle = work(&|x, y| middle(x, width) && middle(y, height))?;
            let in_bars = work(&|x, y| (x + 2 * y) % period < bar)?;
            if let (Some(middle), Some(bars)) = (in_middle, in_bars) {
                rows.push((ratio, middle, bars));
            }
        }
        Ok(Self { width, height, bytes, rows })
    }

    pub fn text(&self) -> String {
        let Self { width, height, bytes, .. } = self;
        let mut text = format!("plan      {width}×{height}: {bytes} bytes of scratch memory\n");
        text += "hole      GMAC, one rectangle / bars      seconds at 1 GFLOP/s\n";
        for (ratio, middle, bars) in &self.rows {
            let (middle, bars) = (*middle as f64 / 1e9, *bars as f64 / 1e9);
            text += &format!(
                "{:>4.0} %    {middle:>12.4} / {bars:<12.4}    {:>12.3} / {:<.3}\n",
                100.0 * ratio,
                2.0 * middle,
                2.0 * bars
            );
        }
        text
    }

    pub fn json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|(ratio, middle, bars)| {
            let seconds = |macs: u64| 2.0 * macs as f64 / 1e9;
            serde_json::json!({
                "hole_ratio": ratio,
                "macs": {"rectangle": middle, "bars": bars},
                "seconds_at_1_gflops": {"rectangle": seconds(*middle), "bars": seconds(*bars)},
            })
        });
        serde_json::json!({
            "width": self.width,
            "height": self.height,
            "plan_bytes": self.bytes,
            "holes": rows.collect::<Vec<_>>(),
        })
    }
}
