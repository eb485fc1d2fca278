//! One affine map from crop to photograph: place, size, aspect, rotation and flips in a single resampling.

use super::photo::Photo;

/// Where the pixels of a crop lie in a photograph, in pixels of the photograph; pixel centres are at integers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Warp {
    /// The point under the crop's first pixel.
    pub origin: [f64; 2],
    /// The step from one pixel of a row to the next.
    pub across: [f64; 2],
    /// The step from one row to the next.
    pub down: [f64; 2],
}

/// Fixed point: 16 bits of fraction in coordinates, 8 in each bilinear weight.
const ONE: f64 = 65536.0;

impl Warp {
    /// The crop, `[size, size, 3]`, values 0 … 1.
    ///
    /// Samples are bilinear, on the coarsest level of the pyramid whose pixels are not larger than the crop's; from
    /// 1.25 pixels a step on, each is the mean of four. Points outside take the nearest pixel of the border. Steps of
    /// exactly one pixel between integer points copy pixels exactly.
    pub fn crop(&self, photo: &Photo, size: usize) -> Vec<f32> {
        let step = (self.across[0] * self.down[1] - self.across[1] * self.down[0]).abs().sqrt();
        let (level, halvings) = photo.level(step.max(1.0).log2() as usize);
        let shrink = (1 << halvings) as f64;
        // A halved pixel's centre is the mean of its four pixels' centres.
        let onto = |at: f64| (at + 0.5) / shrink - 0.5;
        let [across, down] = [self.across, self.down].map(|step| step.map(|v| v / shrink));
        let subs: &[f64] = if step / shrink < 1.25 { &[0.0] } else { &[-0.25, 0.25] };
        let scale = 1.0 / (ONE as f32 * (subs.len() * subs.len()) as f32);

        let fixed = |v: f64| (v * ONE).round() as i64;
        let step = across.map(fixed);
        let (right, bottom) = (((level.width - 1) as i64) << 16, ((level.height - 1) as i64) << 16);
        let mut out = Vec::with_capacity(size * size * 3);
        let mut row = vec![[0u32; 3]; size];
        for y in 0..size {
            row.fill([0; 3]);
            for (sub_y, sub_x) in subs.iter().flat_map(|y| subs.iter().map(move |x| (y, x))) {
                let start = |axis: usize| {
                    fixed(onto(self.origin[axis]) + (y as f64 + sub_y) * down[axis] + sub_x * across[axis])
                };
                let mut at = [start(0), start(1)];
                for sum in &mut row {
                    let (x, y) = (at[0].clamp(0, right), at[1].clamp(0, bottom));
                    at = [at[0] + step[0], at[1] + step[1]];
                    let (column, line) = ((x >> 16) as usize, (y >> 16) as usize);
                    let (fx, fy) = ((x >> 8 & 255) as u32, (y >> 8 & 255) as u32);
                    let above = (line * level.width + column) * 3;
                    let beside = if column + 1 < level.width { 3 } else { 0 };
                    let below = if line + 1 < level.height { above + level.width * 3 } else { above };
                    for (c, sum) in sum.iter_mut().enumerate() {
                        let pixel = |i: usize| u32::from(level.pixels[i + c]);
                        let top = pixel(above) * (256 - fx) + pixel(above + beside) * fx;
                        let bottom = pixel(below) * (256 - fx) + pixel(below + beside) * fx;
                        *sum += top * (256 - fy) + bottom * fy;
                    }
                }
            }
            out.extend(row.iter().flatten().map(|&sum| sum as f32 * scale / 255.0));
        }
        out
    }
}
