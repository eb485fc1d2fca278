//! A byte for each pixel of a frame: which pixels are known, needed or computed.

use std::ops::Range;

use super::frame::Frame;

/// A byte a pixel, 0 or not. What lies beyond the frame counts as 0.
#[derive(Debug)]
pub(crate) struct Plane<'m> {
    pub frame: Frame,
    /// The part of the frame that the image has.
    pub inside: Frame,
    pub data: &'m mut [u8],
}

impl Plane<'_> {
    /// A row of the frame.
    pub fn row(&self, y: isize) -> &[u8] {
        &self.data[(y - self.frame.y) as usize * self.frame.width..][..self.frame.width]
    }

    /// A row of the frame.
    pub fn row_mut(&mut self, y: isize) -> &mut [u8] {
        &mut self.data[(y - self.frame.y) as usize * self.frame.width..][..self.frame.width]
    }

    /// Columns of the frame, counted from its left.
    pub fn indices(&self, columns: Range<isize>) -> Range<usize> {
        let clip = |x: isize| (x - self.frame.x).clamp(0, self.frame.width as isize) as usize;
        clip(columns.start)..clip(columns.end)
    }

    /// The runs of bytes that are not 0 in row `y`, counted from the frame's left.
    pub fn runs(&self, y: isize) -> impl Iterator<Item = Range<usize>> {
        let row = self.row(y);
        let mut at = 0;
        std::iter::from_fn(move || {
            let start = at + row[at..].iter().position(|v| *v != 0)?;
            at = row[start..].iter().position(|v| *v == 0).map_or(row.len(), |len| start + len);
            Some(start..at)
        })
    }

    /// Sets the bytes of these rows and columns to 1, where the image has them.
    pub fn mark(&mut self, columns: Range<isize>, rows: Range<isize>) {
        let clip = |a: Range<isize>, b: Range<isize>| a.start.max(b.start)..a.end.min(b.end);
        let columns = self.indices(clip(columns, self.inside.columns()));
        for y in clip(rows, self.inside.rows()) {
            self.row_mut(y)[columns.clone()].fill(1);
        }
    }

    /// Adds 1 to each column's sum where the byte of row `y` is not 0.
    pub fn add_row(&self, y: isize, sums: &mut [u32]) {
        if self.frame.rows().contains(&y) {
            sums.iter_mut().zip(self.row(y)).for_each(|(sum, &v)| *sum += u32::from(v != 0));
        }
    }
}
