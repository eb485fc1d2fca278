//! Rectangles of a level's pixels.

use std::ops::Range;

/// A rectangle of pixels of the image at some scale. It may reach beyond the image.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Frame {
    pub x: isize,
    pub y: isize,
    pub width: usize,
    pub height: usize,
}

impl Frame {
    /// Of these columns and rows.
    pub fn new(columns: &Range<isize>, rows: &Range<isize>) -> Self {
        let len = |range: &Range<isize>| (range.end - range.start).max(0) as usize;
        Self { x: columns.start, y: rows.start, width: len(columns), height: len(rows) }
    }

    pub fn columns(&self) -> Range<isize> {
        self.x..self.x + self.width as isize
    }

    pub fn rows(&self) -> Range<isize> {
        self.y..self.y + self.height as isize
    }

    /// Pixels.
    pub fn area(&self) -> usize {
        self.width.saturating_mul(self.height)
    }

    /// The part that lies in an image of this size.
    pub fn inside(&self, width: usize, height: usize) -> Self {
        let clip = |range: Range<isize>, end: usize| {
            let start = range.start.clamp(0, end as isize);
            start..range.end.clamp(start, end as isize)
        };
        Self::new(&clip(self.columns(), width), &clip(self.rows(), height))
    }
}
