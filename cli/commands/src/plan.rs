//! `inpaint-edge info --plan`: memory, work and time for images of one size.

use inpaint_edge::{Error, ErrorKind, Inpainter, Mask, Report, Request, Result};
use ndarray::Array3;

use crate::hole::add_boxes;
use crate::spec::Area;

/// Shares of the image that are hole.
const RATIOS: [f64; 6] = [0.0001, 0.001, 0.01, 0.05, 0.25, 0.75];

/// Period of the bars, pixels. Bars thinner than a pixel become bars of a pixel further apart.
const PERIOD: usize = 64;

/// Memory and work for images of one size.
pub struct Plan {
    pub width: usize,
    pub height: usize,
    speed: Speed,
    /// Peak memory of all rows.
    bytes: usize,
    rows: Vec<Row>,
}

/// What a run does in a second here.
#[derive(Clone, Copy)]
struct Speed {
    macs: f64,
    /// Pixels that get texture.
    texture: f64,
}

/// Cost of a hole.
struct Row {
    /// Share of the image that is hole.
    ratio: f64,
    shape: &'static str,
    cost: Cost,
}

#[derive(Clone, Copy)]
struct Cost {
    regions: usize,
    macs: u64,
    /// Pixels that get texture.
    texture: usize,
    /// Memory of the run, beside the weights and the image.
    bytes: usize,
}

impl Plan {
    /// A plan for images of 3 channels of 8 bits, and this hole; without one for holes of several sizes, each as one
    /// rectangle in the middle and as bars across the whole image.
    pub fn new(inpainter: &Inpainter, (width, height): (usize, usize), hole: Option<Area>) -> Result<Self> {
        let named = |e: Error| e.of(format_args!("{width}×{height}"));
        let masks: Vec<(&str, Result<Mask>)> = match hole {
            Some(hole) => vec![("hole", boxed(width, height, hole))],
            None => {
                let of =
                    |ratio: f64| [("rectangle", rectangle(width, height, ratio)), ("bars", bars(width, height, ratio))];
                RATIOS.into_iter().flat_map(of).collect()
            }
        };
        let mut rows = Vec::new();
        for (shape, mask) in masks {
            let mask = mask.map_err(named)?;
            let ratio = mask.count() as f64 / (width * height) as f64;
            match cost(inpainter, &mask).map_err(named)? {
                Some(cost) => rows.push(Row { ratio, shape, cost }),
                None if hole.is_some() => {
                    return Err(named(Error::usage(
                        "expected a --hole that leaves pixels to fill from, found one of all",
                    )));
                }
                None => {}
            }
        }
        let bytes = rows.iter().map(|row| row.cost.bytes).max().unwrap_or(0);
        Ok(Self { width, height, speed: speed(inpainter)?, bytes, rows })
    }

    pub fn text(&self) -> String {
        let Self { width, height, speed, .. } = self;
        let mut text = format!("plan      {width}×{height}; here {:.1} GMAC/s\n", speed.macs / 1e9);
        text += "hole                   regions  scratch MB     GMAC   seconds here  at 1 GFLOP/s\n";
        for Row { ratio, shape, cost } in &self.rows {
            text += &format!(
                "{:>7.3} %  {shape:<11} {:>7}  {:>10.1} {:>8.3}   {:>12.3}  {:>12.2}\n",
                100.0 * ratio,
                cost.regions,
                cost.bytes as f64 / 1e6,
                cost.macs as f64 / 1e9,
                self.seconds(cost),
                seconds_at_1_gflops(cost),
            );
        }
        text
    }

    fn seconds(&self, cost: &Cost) -> f64 {
        cost.macs as f64 / self.speed.macs + cost.texture as f64 / self.speed.texture
    }

    pub fn json(&self) -> serde_json::Value {
        let rows = self.rows.iter().map(|Row { ratio, shape, cost }| {
            serde_json::json!({
                "hole_ratio": ratio,
                "shape": shape,
                "regions": cost.regions,
                "plan_bytes": cost.bytes,
                "macs": cost.macs,
                "texture_pixels": cost.texture,
                "seconds": (self.seconds(cost) * 1e3).round() / 1e3,
                "seconds_at_1_gflops": seconds_at_1_gflops(cost),
            })
        });
        serde_json::json!({
            "width": self.width,
            "height": self.height,
            "plan_bytes": self.bytes,
            "macs_per_second": self.speed.macs.round(),
            "texture_pixels_per_second": self.speed.texture.round(),
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
        Ok(Report { regions, macs, texture_pixels, plan_bytes, .. }) => {
            Ok(Some(Cost { regions, macs, texture: texture_pixels, bytes: plan_bytes }))
        }
        Err(e) if e.kind() == ErrorKind::Input => Ok(None),
        Err(e) => Err(e),
    }
}

fn boxed(width: usize, height: usize, hole: Area) -> Result<Mask> {
    let mut mask = Mask::new(width, height)?;
    add_boxes(&mut mask, &[hole], &mut Vec::new())?;
    Ok(mask)
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

/// Measures what is done in a second, in short runs: a small one, which also starts the threads, a larger one if the small one
/// took but a moment, and one with texture.
fn speed(inpainter: &Inpainter) -> Result<Speed> {
    let mut macs_per_second = 1.0;
    for side in [64, 256] {
        let mut image = Array3::<u8>::from_elem((side, side, 3), 127);
        let mask = bars(side, side, 0.1)?;
        let Report { macs, times, .. } = inpainter.run(Request::new(image.view_mut(), &mask))?;
        let seconds = times.total().as_secs_f64();
        macs_per_second = macs as f64 / seconds.max(1e-6);
        // The next one takes some ten times as long.
        if seconds > 0.04 {
            break;
        }
    }
    // Pixels unlike each other, so that searching takes as long as in a photograph.
    let mut image =
        Array3::from_shape_fn((256, 256, 3), |(y, x, c)| ((x * 37 + y * 59 + c * 83 + x * y % 97) % 251) as u8);
    let mut mask = Mask::new(256, 256)?;
    mask.add_box(78..178, 78..178);
    let Report { texture_pixels, times, .. } = inpainter.run(Request::new(image.view_mut(), &mask))?;
    let texture = texture_pixels as f64 / times.synthesis.as_secs_f64().max(1e-6);
    Ok(Speed { macs: macs_per_second, texture: texture.max(1.0) })
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
