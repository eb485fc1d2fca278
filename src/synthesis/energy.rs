//! Energy, the fourth channel: how strong the texture around a pixel is (Newson et al. 2014, doi 10.1137/140954933). The
//! network's fill is smooth; by its energy a patch is looked for that is not.

use super::level::{Picture, SIDE, Shape, mark};
use crate::alloc::{floats_for, split};
use crate::mask::Rect;
use crate::prior::{CYCLES, Harmonic};

/// Pixels to every side over which differences are averaged.
const RADIUS: usize = 6;

/// Energy of a mean difference of 1.
const SCALE: u32 = 2;

/// Where energy is continued into the hole, by the solver for that.
pub(super) struct Energy {
    window: Rect,
    solver: Harmonic,
}

impl Energy {
    pub fn new(shape: &Shape) -> crate::error::Result<Self> {
        let whole = Rect { x: 0, y: 0, width: shape.width, height: shape.height };
        let window = shape.fill.grown(SIDE, whole);
        Ok(Self { window, solver: Harmonic::new(window.width, window.height)? })
    }

    /// Floats of memory that [`Energy::write`] takes.
    pub fn floats(&self, shape: &Shape) -> usize {
        2 * floats_for::<u32>(shape.width) + 3 * self.window.area() + self.solver.scratch_len()
    }

    /// Writes the energy of every pixel.
    pub fn write(&self, picture: &mut Picture<'_>, memory: &mut [f32]) {
        let Shape { width, height, .. } = picture.shape;
        let (sums, memory) = split::<u32>(memory, width);
        let (counts, memory) = split::<u32>(memory, width);
        sums.fill(0);
        counts.fill(0);
        // Sums over the rows of the window, which move down with it.
        for y in 0..height {
            let mut add = |y: usize, is_new: bool, picture: &Picture<'_>| {
                for x in 0..width.saturating_sub(1) {
                    if let Some(v) = difference(picture, x, y) {
                        let (sum, count) = (&mut sums[x], &mut counts[x]);
                        (*sum, *count) = if is_new { (*sum + v, *count + 1) } else { (*sum - v, *count - 1) };
                    }
                }
            };
            match y {
                0 => (0..=RADIUS.min(height - 1)).for_each(|y| add(y, true, picture)),
                _ if y + RADIUS < height => add(y + RADIUS, true, picture),
                _ => {}
            }
            if y > RADIUS {
                add(y - RADIUS - 1, false, picture);
            }
            let (mut sum, mut count) = (0, 0);
            (0..RADIUS.min(width)).for_each(|x| (sum, count) = (sum + sums[x], count + counts[x]));
            for x in 0..width {
                if x + RADIUS < width {
                    (sum, count) = (sum + sums[x + RADIUS], count + counts[x + RADIUS]);
                }
                if x > RADIUS {
                    (sum, count) = (sum - sums[x - RADIUS - 1], count - counts[x - RADIUS - 1]);
                }
                let at = y * width + x;
                // Differences are of brightness times 4.
                let energy = (sum * SCALE + 2 * count) / (4 * count).max(1);
                picture.pixels[at][3] = energy.min(255) as u8;
                if count == 0 {
                    picture.marks[at] |= mark::BLANK;
                }
            }
        }
        self.continue_inside(picture, memory);
    }

    fn continue_inside(&self, picture: &mut Picture<'_>, memory: &mut [f32]) {
        let (width, window) = (picture.shape.width, self.window);
        let (image, scratch) = memory.split_at_mut(3 * window.area());
        for (row, y) in image.chunks_exact_mut(3 * window.width).zip(window.rows()) {
            let pixels = &picture.pixels[y * width + window.x..];
            row.chunks_exact_mut(3).zip(pixels).for_each(|(out, pixel)| out.fill(f32::from(pixel[3])));
        }
        let hole = |y: usize| picture.runs(window, y, mark::UNKNOWN | mark::BLANK);
        self.solver.fill_runs(image, hole, CYCLES, scratch);
        for (row, y) in image.chunks_exact(3 * window.width).zip(window.rows()) {
            for (value, x) in row.chunks_exact(3).zip(window.columns()) {
                if picture.is(x, y, mark::UNKNOWN | mark::BLANK) {
                    picture.pixels[y * width + x][3] = (value[0] + 0.5) as u8;
                }
            }
        }
    }
}

/// Four times the brightness differences to the right and below, where all three pixels are known.
fn difference(picture: &Picture<'_>, x: usize, y: usize) -> Option<u32> {
    let Shape { width, height, .. } = picture.shape;
    if x + 1 >= width || y + 1 >= height {
        return None;
    }
    let at = y * width + x;
    if (picture.marks[at] | picture.marks[at + 1] | picture.marks[at + width]) & mark::UNKNOWN != 0 {
        return None;
    }
    let brightness = |i: usize| {
        let [r, g, b, _] = picture.pixels[i].map(u32::from);
        r + 2 * g + b
    };
    let own = brightness(at);
    Some(own.abs_diff(brightness(at + 1)) + own.abs_diff(brightness(at + width)))
}
