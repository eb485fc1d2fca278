//! Dilation and erosion by a disc, by exact Euclidean distances, in time proportional to the pixels, whatever the radius.

use super::bits::Mask;
use super::rect::Rect;
use crate::alloc;
use crate::error::Result;

/// No pixel of the hole yet.
const NONE: u32 = u32::MAX;

impl Mask {
    /// Adds every pixel that is no more than `radius` away from the hole.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn dilated(self, radius: usize) -> Result<Self> {
        if radius == 0 { Ok(self) } else { self.dilated_copy(radius) }
    }

    /// Keeps the hole's pixels that are more than `radius` away from every known one; beyond the image nothing is known.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn eroded(mut self, radius: usize) -> Result<Self> {
        self.invert();
        let mut eroded = self.dilated(radius)?;
        eroded.invert();
        Ok(eroded)
    }

    /// [`Mask::dilated`] by `pixels`, or [`Mask::eroded`] where they are below 0.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn resized(self, pixels: i64) -> Result<Self> {
        let radius = pixels.unsigned_abs().try_into().unwrap_or(usize::MAX);
        if pixels < 0 { self.eroded(radius) } else { self.dilated(radius) }
    }
}

impl<W: AsRef<[u64]>> Mask<W> {
    /// As [`Mask::dilated`], in a copy.
    pub(crate) fn dilated_copy(&self, radius: usize) -> Result<Mask> {
        let mut out = Mask::new(self.width(), self.height())?;
        let mut lines = alloc::try_filled(0, dilation_lines(self.width(), self.height()))?;
        self.dilate_into(&mut out, radius, &mut lines);
        Ok(out)
    }

    /// Adds to `out`, of the same size, every pixel that is no more than `radius` away from the hole. `lines` are
    /// [`dilation_lines`] numbers of any content.
    pub(crate) fn dilate_into(
        &self,
        out: &mut Mask<impl AsRef<[u64]> + AsMut<[u64]>>,
        radius: usize,
        lines: &mut [u32],
    ) {
        let radius = radius.min(self.width() + self.height());
        let Some(bounds) = self.bounds(self.whole()) else { return };
        let (nearest, lines) = lines.split_at_mut(bounds.width);
        // reach[d]: how far the disc goes along a row d rows from its centre's.
        let reach = &mut lines[..radius.min(self.height()) + 1];
        reach.iter_mut().enumerate().for_each(|(away, reach)| *reach = disc_reach(radius, away) as u32);
        let first = bounds.y.saturating_sub(radius);
        let last = (bounds.y + bounds.height + radius).min(self.height());
        nearest.fill(NONE);
        self.dilate_along(out, bounds, bounds.y..last, reach, nearest);
        nearest.fill(NONE);
        self.dilate_along(out, bounds, (first..bounds.y + bounds.height).rev(), reach, nearest);
    }

    /// Adds to `out`, in each of `rows` in turn, the pixels that hole pixels of that row and of the rows before it reach. In
    /// a column the nearest hole pixel reaches farthest: `nearest` holds its row for each column of `bounds`.
    fn dilate_along(
        &self,
        out: &mut Mask<impl AsRef<[u64]> + AsMut<[u64]>>,
        bounds: Rect,
        rows: impl Iterator<Item = usize>,
        reach: &[u32],
        nearest: &mut [u32],
    ) {
        for y in rows {
            if bounds.rows().contains(&y) {
                for run in self.runs(y, bounds.columns()) {
                    nearest[run.start - bounds.x..run.end - bounds.x].fill(y as u32);
                }
            }
            let spans = || {
                nearest.iter().enumerate().filter(|(_, row)| **row != NONE).filter_map(|(x, row)| {
                    let reach = *reach.get(row.abs_diff(y as u32) as usize)?;
                    Some((x + bounds.x, reach as usize))
                })
            };
            // Spans to the right of their centres overlap or follow each other, and so do those to the left.
            let mut open = 0..0;
            for (x, reach) in spans() {
                if x > open.end {
                    out.set(y, open, true);
                    open = x..x;
                }
                open.end = open.end.max((x + reach + 1).min(self.width()));
            }
            out.set(y, open, true);
            let mut open = self.width()..self.width();
            for (x, reach) in spans().rev() {
                if x + 1 < open.start {
                    out.set(y, open, true);
                    open = x + 1..x + 1;
                }
                open.start = open.start.min(x.saturating_sub(reach));
            }
            out.set(y, open, true);
        }
    }
}

/// Numbers that [`Mask::dilate_into`] works with: one for each column, and one for each row that a disc can reach.
pub(crate) fn dilation_lines(width: usize, height: usize) -> usize {
    width + height + 1
}

/// How far a disc of `radius` reaches along a row `away` from its centre's.
fn disc_reach(radius: usize, away: usize) -> usize {
    // A 32-bit word is too small for the square of an image's side.
    let square = |v: usize| v as u64 * v as u64;
    (square(radius) - square(away)).isqrt() as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::MaskRule;
    use ndarray::Array2;

    #[test]
    fn discs_reach_as_far_as_images_do() {
        assert_eq!([0, 3, 4, 5].map(|away| disc_reach(5, away)), [5, 4, 3, 0]);
        assert_eq!([disc_reach(65_536, 0), disc_reach(131_072, 1)], [65_536, 131_071]);
    }

    /// Scattered pixels, where the nearest of a column is not the nearest of all.
    #[test]
    fn discs_around_scattered_pixels_are_whole() {
        for (seed, radius) in [1, 2, 5, 9, 24, 70, 200].into_iter().enumerate() {
            let (width, height) = (67 + 13 * seed, 71 - 9 * seed);
            let mut state = seed as u32 + 1;
            let bytes = Array2::from_shape_simple_fn((height, width), || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 24 < 2 { 255u8 } else { 0 }
            });
            let mask = Mask::from_bytes(bytes.view(), MaskRule::default()).unwrap();
            let dilated = mask.clone().dilated(radius).unwrap();
            let mut words = vec![u64::MAX; Mask::words_for(width, height)];
            let mut lent = Mask::in_words(width, height, &mut words).unwrap();
            mask.dilate_into(&mut lent, radius, &mut vec![7; dilation_lines(width, height)]);
            let centres: Vec<_> = bytes.indexed_iter().filter(|(_, m)| **m == 255).map(|(at, _)| at).collect();
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let near =
                    |&(cy, cx): &(usize, usize)| cy.abs_diff(y).pow(2) + cx.abs_diff(x).pow(2) <= radius * radius;
                let expected = centres.iter().any(near);
                assert_eq!(dilated.is_hole(x, y), expected, "{x} {y} of {width}×{height}, {radius}");
                assert_eq!(lent.is_hole(x, y), expected, "{x} {y} of {width}×{height}, {radius}, in lent words");
            }
        }
    }
}
