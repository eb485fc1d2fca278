//! Which blocks of a file a mask touches.

use std::ops::Range;

use image::metadata::Orientation;
use inpaint_edge::{Mask, Result, alloc};

use super::frame::{Component, Frame};
use crate::exif;

/// Pixels per side of a cell.
const CELL: usize = 8;

/// Bytes that [`Cells`] of this many pixels take.
pub(super) fn bytes(width: usize, height: usize) -> usize {
    width.div_ceil(CELL) * height.div_ceil(CELL)
}

/// The cells of a stored picture, 8×8 pixels each, that hold something of a mask.
pub(super) struct Cells<'a> {
    frame: &'a Frame,
    marked: Vec<bool>,
}

impl<'a> Cells<'a> {
    /// `mask` is upright by `orientation`.
    ///
    /// # Errors
    ///
    /// Limits, if memory runs out.
    pub fn new(frame: &'a Frame, mask: &Mask, orientation: Orientation) -> Result<Self> {
        let mut marked = alloc::try_filled(false, bytes(frame.width, frame.height))?;
        let back = exif::inverse(orientation);
        let size = (mask.width(), mask.height());
        for y in 0..size.1 {
            for x in mask.runs(y, 0..size.0).flatten() {
                let (x, y) = turned((x, y), size, back);
                marked[y / CELL * frame.width.div_ceil(CELL) + x / CELL] = true;
            }
        }
        Ok(Self { frame, marked })
    }

    /// Whether the mask touches one of these rows of blocks of a component.
    pub fn touch_rows(&self, component: usize, rows: Range<usize>) -> bool {
        let down = Grid::new(self.frame, component).down;
        let across = self.frame.width.div_ceil(CELL);
        let cells = across * (rows.start * down)..across * (rows.end * down);
        let end = self.marked.len();
        self.marked[cells.start.min(end)..cells.end.min(end)].contains(&true)
    }

    /// Whether the mask touches a block.
    pub fn touch(&self, Place { component, x, y }: Place) -> bool {
        let grid = Grid::new(self.frame, component);
        let (across, down) = (self.frame.width.div_ceil(CELL), self.frame.height.div_ceil(CELL));
        let columns = (x * grid.across).min(across)..((x + 1) * grid.across).min(across);
        let mut rows = (y * grid.down).min(down)..((y + 1) * grid.down).min(down);
        rows.any(|y| self.marked[y * across..][columns.clone()].contains(&true))
    }
}

/// A block: that at column `x` of row `y` of a component.
#[derive(Clone, Copy)]
pub(super) struct Place {
    pub component: usize,
    pub x: usize,
    pub y: usize,
}

/// A component's samples among the pixels.
pub(super) struct Grid {
    /// Pixels per sample, across and down.
    pub across: usize,
    pub down: usize,
    /// Samples, without padding.
    pub width: usize,
    pub height: usize,
}

impl Grid {
    pub fn new(frame: &Frame, component: usize) -> Self {
        let Component { h, v, .. } = frame.components[component];
        let (width, height) = ((frame.width * h).div_ceil(frame.max_h()), (frame.height * v).div_ceil(frame.max_v()));
        Self { across: frame.max_h() / h, down: frame.max_v() / v, width, height }
    }
}

/// Where a pixel of a picture of `size` lies once that is turned by `orientation`.
pub(super) fn turned(
    (x, y): (usize, usize),
    (width, height): (usize, usize),
    orientation: Orientation,
) -> (usize, usize) {
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
    use image::DynamicImage;

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
