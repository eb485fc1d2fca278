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

    /// How many pixels it has.
    pub fn area(self) -> usize {
        self.width * self.height
    }

    /// Index of (x, y) among its pixels, row by row, where it is one.
    pub fn index(self, x: usize, y: usize) -> Option<usize> {
        let (column, row) = (x.wrapping_sub(self.x), y.wrapping_sub(self.y));
        (column < self.width && row < self.height).then(|| row * self.width + column)
    }

    /// Column and row of its pixel of this index.
    pub fn place(self, index: usize) -> (usize, usize) {
        (self.x + index % self.width, self.y + index / self.width)
    }

    /// The smallest rectangle that holds runs of pixels, each a row and its columns, top to bottom.
    pub fn around(runs: impl Iterator<Item = (usize, Range<usize>)>) -> Option<Self> {
        let (mut left, mut right, mut rows) = (usize::MAX, 0, None);
        for (y, run) in runs {
            left = left.min(run.start);
            right = right.max(run.end);
            rows = Some((rows.map_or(y, |(top, _)| top), y));
        }
        rows.map(|(top, bottom)| Self { x: left, y: top, width: right - left, height: bottom + 1 - top })
    }

    /// The part that both have, empty where there is none.
    pub fn common(self, other: Self) -> Self {
        let common = |a: Range<usize>, b: Range<usize>| {
            let start = a.start.max(b.start);
            (start, a.end.min(b.end).saturating_sub(start))
        };
        let (x, width) = common(self.columns(), other.columns());
        let (y, height) = common(self.rows(), other.rows());
        Self { x, y, width, height }
    }

    /// With `margin` pixels more on every side, where `image` has them.
    pub fn grown(self, margin: usize, image: Self) -> Self {
        let (x, y) = (self.x.saturating_sub(margin), self.y.saturating_sub(margin));
        let right = (self.x + self.width).saturating_add(margin).min(image.width);
        let bottom = (self.y + self.height).saturating_add(margin).min(image.height);
        Self { x, y, width: right - x, height: bottom - y }
    }
}
