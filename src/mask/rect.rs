//! Rectangles of pixels.

use std::ops::Range;

/// A part of an image, pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Rect {
    pub x: usize,
    pub y: usize,
    pub width: usize,
    pub height: usize,
}

impl Rect {
    pub fn columns(self) -> Range<usize> {
        self.x..self.x + self.width
    }

    pub fn rows(self) -> Range<usize> {
        self.y..self.y + self.height
    }

    /// Whether the two have a pixel in common.
    pub fn meets(self, other: Self) -> bool {
        let overlap = |a: Range<usize>, b: Range<usize>| a.start < b.end && b.start < a.end;
        overlap(self.columns(), other.columns()) && overlap(self.rows(), other.rows())
    }
}
