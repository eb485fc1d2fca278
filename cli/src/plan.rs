//! `inpaint-edge info --plan`: memory, work and time for images of one size.

use inpaint_edge::{Error, ErrorKind, Inpainter, Mask, Report, Request, Result, Strategy};
use ndarray::Array3;

/// Shares of the image that are hole, for runs on the whole image and for runs in regions.
const RATIOS: [f64; 6] = [0.01, 0.05, 0.1, 0.25, 0.5, 0.75];
const REGION_RATIOS: [f64; 4] = [0.001, 0.01, 0.05, 0.25];

/// Period of the bars, pixels. Bars thinner than a pixel become bars of a pixel further apart.
const PERIOD: usize = 64;

/// Memory and work for images of one size.
pub struct Plan {
    pub width: usize,
    pub height: usize,
    strategy: Strategy,
    /// Multiply–accumulates a second that a run does here.
    speed: f64,
    /// Peak memory of all rows.
    bytes: usize,
    rows: Vec<Row>,
}

/// Cost of a hole, as one rectangle in the middle and as bars across the whole image.
struct Row {
    /// Share of the image that is hole.
    ratio: f64,
    rectangle: Cost,
    bars: Cost,
}

#[derive(Clone, Copy)]
struct Cost {
    macs: u64,
    /// Memory of the run, beside the weights and the image.
    bytes: usize,
}

impl Plan {
    /// A plan for images of 3 channels of 8 bits.
    pub fn new(inpainter: &Inpainter, strategy: Strategy, (width, height): (usize, usize)) -> Result<Self> {
        let named = |e: Error| e.of(format_args!("{width}×{height}"));
        let strategy = strategy.for_size(width, height);
        let mut most = 0;
        if strategy == Strategy::Native {
            most = inpainter.config().plan_bytes(width, height)?;
        }
        let mut rows = Vec::new();
        let ratios: &[f64] = if strategy == Strategy::Window { &REGION_RATIOS } else { &RATIOS };
        for &ratio in ratios {
            let rectangle = rectangle(width, height, ratio).and_then(|mask| cost(inpainter, &mask)).map_err(named)?;
            let bars = bars(width, height, ratio).and_then(|mask| cost(inpainter, &mask)).map_err(named)?;
            if let (Some(rectangle), Some(bars)) = (rectangle, bars) {
                most = most.max(rectangle.bytes).max(bars.bytes);
                rows.push(Row { ratio, rectangle, bars });
            }
        }
        Ok(Self { width, height, strategy, speed: speed(inpainter)?, bytes: most, rows })
    }

    pub fn text(&self) -> String {
        let Self { width, height, strategy, speed, .. } = self;
        let way = if *strategy == Strategy::Window { "in regions" } else { "as a whole" };
        let mut text =
            format!("plan      {width}×{height} {way}, by one rectangle / bars; here {:.1} GMAC/s\n", speed / 1e9);
        text += "hole        scratch MB         GMAC                 seconds here       at 1 GFLOP/s\n";
        for Row { ratio, rectangle, bars } in &self.rows {
            let pair = |of: &dyn Fn(&Cost) -> f64, digits: usize, width: usize| {
                format!("{:<width$}", format!("{:.digits$} / {:.digits$}", of(rectangle), of(bars)))
            };
            let line = format!(
                "{:>5} %     {} {} {} {}",
                100.0 * ratio,
                pair(&|cost| cost.bytes as f64 / 1e6, 1, 18),
                pair(&|cost| cost.macs as f64 / 1e9, 4, 20),
                pair(&|cost| self.seconds(cost), 2, 18),
                pair(&seconds_at_1_gflops, 3, 0),
            );
            text += &format!("{}\n", line.trim_end());
        }
        text
    }

    fn seconds(&self, cost: &Cost) -> f64 {
        cost.macs as f64 / self.speed
    }

    pub fn json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|Row { ratio, rectangle, bars }| {
            let seconds = |cost: &Cost| (self.seconds(cost) * 1e3).round() / 1e3;
            serde_json::json!({
                "hole_ratio": ratio,
                "plan_bytes": {"rectangle": rectangle.bytes, "bars": bars.bytes},
                "macs": {"rectangle": rectangle.macs, "bars": bars.macs},
                "seconds": {"rectangle": seconds(rectangle), "bars": seconds(bars)},
                "seconds_at_1_gflops": {
                    "rectangle": seconds_at_1_gflops(rectangle), "bars": seconds_at_1_gflops(bars),
                },
            })
        });
        serde_json::json!({
            "width": self.width,
            "height": self.height,
            "strategy": self.strategy.name(),
            "plan_bytes": self.bytes,
            "macs_per_second": self.speed.round(),
            "holes": rows.collect::<Vec<_>>(),
        })
    }
}

fn seconds_at_1_gflops(cost: &Cost) -> f64 {
    2.0 * cost.macs as f64 / 1e9
}

/// Cost of a run; `None` if the image is so small that no pixel of it stays known.
fn cost(inpainter: &Inpainter, mask: &Mask) -> Result<Option<Cost>> {
    match inpainter.estimate(mask, 3) {
        Ok(Report { macs, plan_bytes, .. }) => Ok(Some(Cost { macs, bytes: plan_bytes })),
        Err(e) if e.kind() == ErrorKind::Input => Ok(None),
        Err(e) => Err(e),
    }
}

fn rectangle(width: usize, height: usize, ratio: f64) -> Result<Mask> {
    let mut mask = Mask::new(width, height)?;
    let middle = |end: usize| {
        let side = ((end as f64 * ratio.sqrt()).round() as usize).clamp(1, end);
        (end - side) / 2..(end - side) / 2 + side
    };
    mask.add_box(middle(width), middle(height));
    Ok(mask)
}

fn bars(width: usize, height: usize, ratio: f64) -> Result<Mask> {
    let mut mask = Mask::new(width, height)?;
    let (period, bar) = if ratio * PERIOD as f64 >= 1.0 {
        (PERIOD, (PERIOD as f64 * ratio).round() as usize)
    } else {
        ((1.0 / ratio).round() as usize, 1)
    };
    for y in 0..height {
        // The hole is where (x + 2 y) mod period < bar; a bar may begin left of the image.
        let first = (period - 2 * y % period) % period;
        for start in (first..first + width + period).step_by(period) {
            let columns = start.saturating_sub(period)..(start + bar).saturating_sub(period).min(width);
            if !columns.is_empty() {
                mask.add_box(columns, y..y + 1);
            }
        }
    }
    Ok(mask)
}

/// Measures multiply–accumulates a second in short runs: a small one, which also starts the threads, and a larger one
/// if the small one took but a moment.
fn speed(inpainter: &Inpainter) -> Result<f64> {
    let mut speed = 1.0;
    for side in [64, 256] {
        let mut image = Array3::<u8>::from_elem((side, side, 3), 127);
        let mask = bars(side, side, 0.1)?;
        let Report { macs, times, .. } = inpainter.run(Request::new(image.view_mut(), &mask))?;
        let seconds = times.total().as_secs_f64();
        speed = macs as f64 / seconds.max(1e-6);
        // The next one takes some ten times as long.
        if seconds > 0.04 {
            break;
        }
    }
    Ok(speed)
}

#[cfg(test)]
mod tests {
    use super::bars;

    #[test]
    fn bars_are_where_the_formula_says() {
        for (width, height, ratio, bar, period) in [
            (200, 70, 0.25, 16, 64),
            (64, 64, 0.75, 48, 64),
            (5, 90, 0.05, 3, 64),
            (1, 1, 0.5, 32, 64),
            (400, 90, 0.01, 1, 100),
        ] {
            let mask = bars(width, height, ratio).unwrap();
            for (x, y) in (0..height).flat_map(|y| (0..width).map(move |x| (x, y))) {
                assert_eq!(mask.is_hole(x, y), (x + 2 * y) % period < bar, "{x}, {y} of {width}×{height}");
            }
        }
    }
}
