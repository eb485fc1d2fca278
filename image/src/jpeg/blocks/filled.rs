//! Makes the blocks that a hole touches from filled pixels.

use image::DynamicImage;
use image::metadata::Orientation;
use inpaint_edge::Mask;

use super::super::cells::{Grid, Place, turned};
use super::super::frame::Frame;
use super::dct::{self, POINT};
use super::round::rounded;

/// How many times the sum of squared errors of a block made anew a stored block may have in the hole.
const NEAR: i64 = 2;

/// Red, green and blue of a luma, blue and red sample, and of samples that are red, green and blue; times 2^16.
const YCBCR: [[i64; 3]; 3] = [[19_595, 38_470, 7_471], [-11_059, -21_709, 32_768], [32_768, -27_439, -5_329]];
const RGB: [[i64; 3]; 3] = [[1 << 16, 0, 0], [0, 1 << 16, 0], [0, 0, 1 << 16]];

/// A hole and its filled pixels.
pub(super) struct Filled<'a> {
    frame: &'a Frame,
    /// Upright by `orientation`, as the pixels are.
    hole: &'a Mask,
    orientation: Orientation,
    /// Samples of `channels` a pixel, upright.
    pixels: &'a [u8],
    channels: usize,
    colours: &'static [[i64; 3]; 3],
}

impl<'a> Filled<'a> {
    /// `pixels` and `hole` are upright by `orientation`; `is_rgb` says what the components of the frame are.
    pub fn new(
        (frame, is_rgb): (&'a Frame, bool),
        (pixels, hole): (&'a DynamicImage, &'a Mask),
        orientation: Orientation,
    ) -> Self {
        let (channels, pixels) = (usize::from(pixels.color().channel_count()), pixels.as_bytes());
        let colours = if is_rgb { &RGB } else { &YCBCR };
        Self { frame, hole, orientation, pixels, channels, colours }
    }

    /// The coefficients of a block with the samples of the hole instead of its own, row by row. What is known of it is changed
    /// by the quantisation alone, and not at all if the block holds the filled samples nearly as well as one made anew.
    pub fn block(&self, Place { component, x, y }: Place, coefficients: &[i16; 64]) -> [i16; 64] {
        let grid = Grid::new(self.frame, component);
        // A picture of whole scans has a table for each component.
        let Some(table) = &self.frame.components[component].table else { return *coefficients };
        let mut samples = dct::inverse(coefficients, table);
        let mut known = [true; 64];
        for (i, sample) in samples.iter_mut().enumerate() {
            // Samples past the edge go with the last ones before it.
            let at = ((8 * x + i % 8).min(grid.width - 1), (8 * y + i / 8).min(grid.height - 1));
            if let Some(filled) = self.sample(&grid, component, at, *sample) {
                (*sample, known[i]) = (filled, false);
            }
        }
        let anew = rounded(&dct::forward(&samples), table, &known);
        let off = |coefficients| {
            let found = dct::inverse(coefficients, table);
            (0..64).filter(|i| !known[*i]).map(|i| (found[i] - samples[i]).pow(2)).sum::<i64>()
        };
        if off(coefficients) <= NEAR * off(&anew) { *coefficients } else { anew }
    }

    /// A sample, less 128, with the pixels of the hole instead of their share of it; `None` if none of its pixels is hole.
    fn sample(&self, grid: &Grid, component: usize, (x, y): (usize, usize), stored: i64) -> Option<i64> {
        let Self { frame, hole, orientation, .. } = self;
        let columns = x * grid.across..((x + 1) * grid.across).min(frame.width);
        let rows = y * grid.down..((y + 1) * grid.down).min(frame.height);
        let count = (columns.len() * rows.len()) as i64;
        let places = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
        let upright = places.map(|at| turned(at, (frame.width, frame.height), *orientation));
        let inside = upright.filter(|(x, y)| hole.is_hole(*x, *y));
        let (sum, filled) = inside.fold((0, 0), |(sum, filled), at| (sum + self.value(component, at), filled + 1));
        if filled == 0 {
            return None;
        }
        let is_centred = self.channels == 3 && self.colours[component].iter().sum::<i64>() == 0;
        let middle = if is_centred { 0 } else { 128 << 16 };
        let sum = sum - filled * middle + (count - filled) * (stored << (16 - POINT));
        let divisor = count << (16 - POINT);
        Some((sum + divisor / 2).div_euclid(divisor))
    }

    /// The sample of a pixel, times 2^16.
    fn value(&self, component: usize, (x, y): (usize, usize)) -> i64 {
        let at = (y * self.hole.width() + x) * self.channels;
        match self.pixels[at..at + self.channels] {
            [r, g, b] => {
                let [of_red, of_green, of_blue] = self.colours[component];
                of_red * i64::from(r) + of_green * i64::from(g) + of_blue * i64::from(b)
            }
            [grey] => i64::from(grey) << 16,
            _ => unreachable!("grey or RGB"),
        }
    }
}
