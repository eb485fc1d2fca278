//! Makes the blocks that a hole touches from filled pixels.

use image::DynamicImage;
use image::metadata::Orientation;
use inpaint_edge::{Mask, Result, alloc};

use super::super::frame::{Component, Frame};
use super::dct::{self, POINT};
use super::round::rounded;
use crate::exif;

/// Pixels per side of a cell.
const CELL: usize = 8;

/// How many times the sum of squared errors of a block made anew a stored block may have in the hole.
const NEAR: i64 = 2;

/// Red, green and blue of a luma, blue and red sample, and of samples that are red, green and blue; times 2^16.
const YCBCR: [[i64; 3]; 3] = [[19_595, 38_470, 7_471], [-11_059, -21_709, 32_768], [32_768, -27_439, -5_329]];
const RGB: [[i64; 3]; 3] = [[1 << 16, 0, 0], [0, 1 << 16, 0], [0, 0, 1 << 16]];

/// Bytes that a [`Hole`] in this many pixels takes.
pub(super) fn bytes(width: usize, height: usize) -> usize {
    width.div_ceil(CELL) * height.div_ceil(CELL)
}

/// A hole in what a file stores.
pub(super) struct Hole<'a> {
    frame: &'a Frame,
    /// Upright by `orientation`.
    mask: &'a Mask,
    orientation: Orientation,
    /// For each cell of the stored picture, whether it holds a pixel of the hole.
    cells: Vec<bool>,
}

impl<'a> Hole<'a> {
    /// `mask` is upright by `orientation`.
    ///
    /// # Errors
    ///
    /// Limits, if memory runs out.
    pub fn new(frame: &'a Frame, mask: &'a Mask, orientation: Orientation) -> Result<Self> {
        let mut cells = alloc::try_filled(false, bytes(frame.width, frame.height))?;
        let back = exif::inverse(orientation);
        let size = (mask.width(), mask.height());
        for y in 0..size.1 {
            for x in mask.runs(y, 0..size.0).flatten() {
                let (x, y) = turned((x, y), size, back);
                cells[y / CELL * frame.width.div_ceil(CELL) + x / CELL] = true;
            }
        }
        Ok(Self { frame, mask, orientation, cells })
    }

    /// Whether the hole touches one of these rows of blocks of a component.
    pub fn touches_rows(&self, component: usize, rows: std::ops::Range<usize>) -> bool {
        let down = Grid::new(self.frame, component).down;
        let across = self.frame.width.div_ceil(CELL);
        let cells = across * (rows.start * down)..across * (rows.end * down);
        let end = self.cells.len();
        self.cells[cells.start.min(end)..cells.end.min(end)].contains(&true)
    }

    /// Whether the hole touches a block.
    pub fn touches(&self, Place { component, x, y }: Place) -> bool {
        let grid = Grid::new(self.frame, component);
        let (across, down) = (self.frame.width.div_ceil(CELL), self.frame.height.div_ceil(CELL));
        let columns = (x * grid.across).min(across)..((x + 1) * grid.across).min(across);
        let mut rows = (y * grid.down).min(down)..((y + 1) * grid.down).min(down);
        rows.any(|y| self.cells[y * across..][columns.clone()].contains(&true))
    }
}

/// A block: that at column `x` of row `y` of a component.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub component: usize,
    pub x: usize,
    pub y: usize,
}

/// A hole and its filled pixels.
pub(super) struct Filled<'a> {
    hole: &'a Hole<'a>,
    /// Samples of `channels` a pixel, upright.
    pixels: &'a [u8],
    channels: usize,
    colours: &'static [[i64; 3]; 3],
}

impl<'a> Filled<'a> {
    /// `pixels` are upright as the hole's mask is; `is_rgb` says what the components of its frame are.
    pub fn new(hole: &'a Hole<'a>, is_rgb: bool, pixels: &'a DynamicImage) -> Self {
        let channels = usize::from(pixels.color().channel_count());
        Self { hole, pixels: pixels.as_bytes(), channels, colours: if is_rgb { &RGB } else { &YCBCR } }
    }

    /// The coefficients of a block with the samples of the hole instead of its own, row by row. What is known of it is changed
    /// by the quantisation alone, and not at all if the block holds the filled samples nearly as well as one made anew.
    pub fn block(&self, Place { component, x, y }: Place, coefficients: &[i16; 64]) -> [i16; 64] {
        let frame = self.hole.frame;
        let grid = Grid::new(frame, component);
        // A picture of whole scans has a table for each component.
        let Some(table) = &frame.components[component].table else { return *coefficients };
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
        let Hole { frame, mask, orientation, .. } = self.hole;
        let columns = x * grid.across..((x + 1) * grid.across).min(frame.width);
        let rows = y * grid.down..((y + 1) * grid.down).min(frame.height);
        let count = (columns.len() * rows.len()) as i64;
        let places = rows.flat_map(|y| columns.clone().map(move |x| (x, y)));
        let upright = places.map(|at| turned(at, (frame.width, frame.height), *orientation));
        let hole = upright.filter(|(x, y)| mask.is_hole(*x, *y));
        let (sum, filled) = hole.fold((0, 0), |(sum, filled), at| (sum + self.value(component, at), filled + 1));
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
        let at = (y * self.hole.mask.width() + x) * self.channels;
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

/// A component's samples among the pixels.
struct Grid {
    /// Pixels per sample, across and down.
    across: usize,
    down: usize,
    /// Samples, without padding.
    width: usize,
    height: usize,
}

impl Grid {
    fn new(frame: &Frame, component: usize) -> Self {
        let Component { h, v, .. } = frame.components[component];
        let (width, height) = ((frame.width * h).div_ceil(frame.max_h()), (frame.height * v).div_ceil(frame.max_v()));
        Self { across: frame.max_h() / h, down: frame.max_v() / v, width, height }
    }
}

/// Where a pixel of a picture of `size` lies once that is turned by `orientation`.
fn turned((x, y): (usize, usize), (width, height): (usize, usize), orientation: Orientation) -> (usize, usize) {
    let (right, below) = (width - 1 - x, height - 1 - y);
    match orientation {
        Orientation::NoTransforms => (x, y),
        Orientation::FlipHorizontal => (right, y),
        Orientation::Rotate180 => (right, below),
        Orientation::FlipVertical => (x, below),
        Orientation::Rotate90 => (below, x),
        Orientation::Rotate270 => (y, right),
        Orientation::Rotate90FlipH => (y, x),
        Orientation::Rotate270FlipH => (below, right),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pixels_are_turned_as_pictures_are() {
        let stored = image::GrayImage::from_fn(5, 3, |x, y| image::Luma([(10 * y + x) as u8]));
        for tag in 1..=8 {
            let orientation = Orientation::from_exif(tag).unwrap();
            let mut upright = DynamicImage::from(stored.clone());
            upright.apply_orientation(orientation);
            for (x, y, pixel) in stored.enumerate_pixels() {
                let (x, y) = turned((x as usize, y as usize), (5, 3), orientation);
                assert_eq!(upright.as_luma8().unwrap().get_pixel(x as u32, y as u32), pixel, "orientation {tag}");
            }
        }
    }
}
