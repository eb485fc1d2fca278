//! The hole of an image, a bit a pixel: what is left of a mask when memory counts.

use std::ops::Range;

use ndarray::ArrayView2;

use crate::error::Result;
use crate::mask::disc_reach;
use crate::room;

/// The pixels to fill, a bit each: an eighth of a mask's memory.
#[derive(Clone, Debug)]
pub struct Holes {
    width: usize,
    height: usize,
    /// Words of a row.
    stride: usize,
    /// `[height, stride]`, 1 = hole, columns from the lowest bit up; bits beyond the width are 0.
    words: Vec<u64>,
}

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

impl Holes {
    /// Where `mask` is a hole, grown by a disc of radius `grow`.
    pub(crate) fn of(mask: ArrayView2<'_, u8>, is_hole: impl Fn(u8) -> bool, grow: usize) -> Result<Self> {
        let (height, width) = mask.dim();
        let mut holes = Self::none(width, height)?;
        for (y, row) in mask.outer_iter().enumerate() {
            let words = &mut holes.words[y * holes.stride..][..holes.stride];
            for (x, &m) in row.iter().enumerate() {
                words[x / 64] |= u64::from(is_hole(m)) << (x % 64);
            }
        }
        holes.grown(grow)
    }

    /// Width, pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height, pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Pixels of the hole.
    pub fn pixels(&self) -> usize {
        self.words.iter().map(|w| w.count_ones() as usize).sum()
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        Self::bytes_for(self.width, self.height)
    }

    /// Bytes that the holes of an image of this size take.
    pub fn bytes_for(width: usize, height: usize) -> usize {
        width.div_ceil(64).saturating_mul(height).saturating_mul(size_of::<u64>())
    }

    /// An image of this size without a hole.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn none(width: usize, height: usize) -> Result<Self> {
        let stride = width.div_ceil(64);
        let words = room::filled(0, stride.saturating_mul(height))?;
        Ok(Self { width, height, stride, words })
    }

    /// The same hole once more.
    pub(crate) fn copy(&self) -> Result<Self> {
        let mut out = Self::none(self.width, self.height)?;
        out.words.copy_from_slice(&self.words);
        Ok(out)
    }

    pub(crate) fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// Whether the pixel is to be filled. Outside the image the answer means nothing, and may be a panic.
    #[inline]
    pub fn is_hole(&self, x: usize, y: usize) -> bool {
        debug_assert!(x < self.width && y < self.height, "a pixel inside the image");
        self.words[y * self.stride + x / 64] >> (x % 64) & 1 == 1
    }

    /// The hole's runs in `columns` of row `y`, left to right.
    pub(crate) fn runs(&self, y: usize, columns: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut at = columns.start;
        std::iter::from_fn(move || {
            let start = self.next(y, at, columns.end, 0)?;
            at = self.next(y, start, columns.end, u64::MAX).unwrap_or(columns.end);
            Some(start..at)
        })
    }

    /// The first column of `from..end` whose bit differs from `flip`'s.
    fn next(&self, y: usize, from: usize, end: usize, flip: u64) -> Option<usize> {
        let row = &self.words[y * self.stride..][..self.stride];
        let mut x = from;
        while x < end {
            match (row[x / 64] ^ flip) >> (x % 64) {
                0 => x = (x / 64 + 1) * 64,
                word => return Some(x + word.trailing_zeros() as usize).filter(|x| *x < end),
            }
        }
        None
    }

    /// Sets a run of row `y`, or clears it.
    fn set(&mut self, y: usize, run: Range<usize>, hole: bool) {
        let row = &mut self.words[y * self.stride..][..self.stride];
        let mut x = run.start;
        while x < run.end {
            let end = ((x / 64 + 1) * 64).min(run.end);
            let bits = (u64::MAX >> (64 - (end - x))) << (x % 64);
            row[x / 64] = if hole { row[x / 64] | bits } else { row[x / 64] & !bits };
            x = end;
        }
    }

    /// Adds the pixels of a box.
    ///
    /// # Panics
    ///
    /// Where the box is not inside the image.
    pub fn add_box(&mut self, columns: Range<usize>, rows: Range<usize>) {
        assert!(columns.end <= self.width && rows.end <= self.height, "a box inside the image");
        rows.for_each(|y| self.set(y, columns.clone(), true));
    }

    /// Adds a pixel.
    ///
    /// # Panics
    ///
    /// As [`Holes::add_box`].
    pub fn add(&mut self, x: usize, y: usize) {
        self.add_box(x..x + 1, y..y + 1);
    }

    pub(crate) fn clear(&mut self, area: Rect) {
        area.rows().for_each(|y| self.set(y, area.columns(), false));
    }

    /// Adds the holes of `other`, of the same size.
    pub(crate) fn add_all(&mut self, other: &Holes) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a |= b);
    }

    /// How often a pixel of the hole and a known one stand side by side.
    pub fn edge(&self) -> usize {
        let ends = |run: Range<usize>| usize::from(run.start > 0) + usize::from(run.end < self.width);
        let across = (0..self.height).flat_map(|y| self.runs(y, 0..self.width)).map(ends).sum::<usize>();
        let below = self.words.get(self.stride..).unwrap_or_default();
        let down = self.words.iter().zip(below).map(|(a, b)| (a ^ b).count_ones() as usize);
        across + down.sum::<usize>()
    }

    /// Takes the holes of `other`, of the same size, away.
    pub(crate) fn remove(&mut self, other: &Holes) {
        self.words.iter_mut().zip(&other.words).for_each(|(a, b)| *a &= !b);
    }

    pub(crate) fn crop(&self, area: Rect) -> Result<Self> {
        let mut out = Self::none(area.width, area.height)?;
        for y in area.rows() {
            for run in self.runs(y, area.columns()) {
                out.set(y - area.y, run.start - area.x..run.end - area.x, true);
            }
        }
        Ok(out)
    }

    /// The smallest rectangle that holds the hole's pixels in `area`.
    pub(crate) fn bounds(&self, area: Rect) -> Option<Rect> {
        let (mut left, mut right, mut rows) = (usize::MAX, 0, None);
        for y in area.rows() {
            for run in self.runs(y, area.columns()) {
                left = left.min(run.start);
                right = right.max(run.end);
                rows = Some((rows.map_or(y, |(top, _)| top), y));
            }
        }
        rows.map(|(top, bottom)| Rect { x: left, y: top, width: right - left, height: bottom + 1 - top })
    }

    /// Whether `area` is all hole.
    pub(crate) fn is_all_hole(&self, area: Rect) -> bool {
        area.rows().all(|y| self.next(y, area.x, area.x + area.width, u64::MAX).is_none())
    }

    /// Side of the largest square in `area` that is all hole.
    pub(crate) fn widest(&self, area: Rect) -> Result<usize> {
        // sides[x]: the largest square whose lower right corner is the pixel, of this row or, not yet reached, of the last.
        let mut sides = room::filled(0u32, area.width + 1)?;
        let mut widest = 0;
        for y in area.rows() {
            let (mut x, mut diagonal) = (area.x, 0);
            for run in self.runs(y, area.columns()) {
                if x < run.start {
                    diagonal = sides[run.start - area.x];
                    sides[x - area.x + 1..run.start - area.x + 1].fill(0);
                }
                for side in run.start - area.x..run.end - area.x {
                    let above = sides[side + 1];
                    sides[side + 1] = 1 + sides[side].min(above).min(diagonal);
                    diagonal = above;
                    widest = widest.max(sides[side + 1]);
                }
                x = run.end;
            }
            sides[x - area.x + 1..].fill(0);
        }
        Ok(widest as usize)
    }

    /// A grid of half the size: a cell is hole where all the pixels under it are.
    pub(crate) fn halved(&self) -> Result<Self> {
        let mut out = Self::none(self.width.div_ceil(2), self.height.div_ceil(2))?;
        for y in 0..out.height {
            let below = (2 * y + 1).min(self.height - 1);
            for run in self.runs(2 * y, 0..self.width) {
                for run in self.runs(below, run) {
                    let end = if run.end == self.width { run.end.div_ceil(2) } else { run.end / 2 };
                    let cells = run.start.div_ceil(2)..end;
                    if cells.start < cells.end {
                        out.set(y, cells, true);
                    }
                }
            }
        }
        Ok(out)
    }

    /// What is more than `radius` rows or columns away from everything known; what lies outside is not known.
    pub(crate) fn eroded(&self, radius: usize) -> Result<Self> {
        let mut shrunk = Self::none(self.width, self.height)?;
        for y in 0..self.height {
            for run in self.runs(y, 0..self.width) {
                let start = if run.start == 0 { 0 } else { run.start + radius };
                let end = if run.end == self.width { run.end } else { run.end.saturating_sub(radius) };
                if start < end {
                    shrunk.set(y, start..end, true);
                }
            }
        }
        let mut out = shrunk.copy()?;
        for (i, word) in out.words.iter_mut().enumerate().filter(|(_, word)| **word != 0) {
            let (y, x) = (i / self.stride, i % self.stride);
            let rows = y.saturating_sub(radius)..(y + radius + 1).min(self.height);
            *word = rows.fold(*word, |word, y| word & shrunk.words[y * self.stride + x]);
        }
        Ok(out)
    }

    /// Grown by a disc of `radius` pixels.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn grown(self, radius: usize) -> Result<Self> {
        if radius == 0 { Ok(self) } else { self.grown_copy(radius) }
    }

    /// As [`Holes::grown`], beside the hole itself.
    pub(crate) fn grown_copy(&self, radius: usize) -> Result<Self> {
        let radius = radius.min(self.width + self.height);
        let mut out = Self::none(self.width, self.height)?;
        let Some(bounds) = self.bounds(self.whole()) else { return Ok(out) };
        // reach[d]: how far the disc goes along a row d rows from its centre's.
        let mut reach = room::filled(0, radius.min(self.height) + 1)?;
        reach.iter_mut().enumerate().for_each(|(away, reach)| *reach = disc_reach(radius, away));
        let first = bounds.y.saturating_sub(radius);
        let last = (bounds.y + bounds.height + radius).min(self.height);
        let mut nearest = room::filled(None, bounds.width)?;
        self.grow_along(&mut out, bounds, bounds.y..last, &reach, &mut nearest);
        nearest.fill(None);
        self.grow_along(&mut out, bounds, (first..bounds.y + bounds.height).rev(), &reach, &mut nearest);
        Ok(out)
    }

    /// Adds to `out`, in each of `rows` in turn, what the holes of that row and of those before it reach: of a column, the
    /// nearest reaches farthest. `nearest` is its row for each column of `bounds`.
    fn grow_along(
        &self,
        out: &mut Self,
        bounds: Rect,
        rows: impl Iterator<Item = usize>,
        reach: &[usize],
        nearest: &mut [Option<u32>],
    ) {
        for y in rows {
            if bounds.rows().contains(&y) {
                for run in self.runs(y, bounds.columns()) {
                    nearest[run.start - bounds.x..run.end - bounds.x].fill(Some(y as u32));
                }
            }
            let spans = || {
                nearest.iter().enumerate().filter_map(|(x, row)| {
                    let reach = *reach.get((*row)?.abs_diff(y as u32) as usize)?;
                    Some((x + bounds.x, reach))
                })
            };
            // Spans to the right of their centres overlap or follow each other, and so do those to the left.
            let mut open = 0..0;
            for (x, reach) in spans() {
                if x > open.end {
                    out.set(y, open, true);
                    open = x..x;
                }
                open.end = open.end.max((x + reach + 1).min(self.width));
            }
            out.set(y, open, true);
            let mut open = self.width..self.width;
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

    /// What is left of the hole when everything known grows by a disc of `radius` pixels; beyond the image nothing is known.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn shrunk(self, radius: usize) -> Result<Self> {
        Ok(self.swapped().grown(radius)?.swapped())
    }

    /// Hole and known, swapped.
    fn swapped(mut self) -> Self {
        let rest = self.width % 64;
        let last = if rest == 0 { u64::MAX } else { (1 << rest) - 1 };
        for row in self.words.chunks_exact_mut(self.stride.max(1)) {
            row.iter_mut().for_each(|word| *word = !*word);
            if let Some(word) = row.last_mut() {
                *word &= last;
            }
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ndarray::Array2;

    /// Rectangles of white on black, from a fixed sequence.
    fn mask(width: usize, height: usize, seed: usize) -> Array2<u8> {
        let mut mask = Array2::zeros((height, width));
        for i in 1..5 {
            let v = |k: usize, end: usize| (seed * 7919 + i * 104_729 + k * 15_485_863) / 13 % end;
            let (x, y) = (v(1, width), v(2, height));
            let (right, bottom) = ((x + v(3, width)).min(width), (y + v(4, height)).min(height));
            mask.slice_mut(ndarray::s![y..bottom, x..right]).fill(255);
        }
        mask
    }

    fn of(mask: &Array2<u8>) -> Holes {
        Holes::of(mask.view(), |m| m > 0, 0).unwrap()
    }

    /// Scattered pixels and blocks, where the nearest of a column is not the nearest of all.
    #[test]
    fn discs_around_scattered_pixels_are_whole() {
        for (seed, radius) in [1, 2, 5, 9, 24, 70, 200].into_iter().enumerate() {
            let (width, height) = (67 + 13 * seed, 71 - 9 * seed);
            let mut state = seed as u32 + 1;
            let mask = Array2::from_shape_simple_fn((height, width), || {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                if state >> 24 < 2 { 255u8 } else { 0 }
            });
            let grown = of(&mask).grown(radius).unwrap();
            let centres: Vec<_> = mask.indexed_iter().filter(|(_, m)| **m == 255).map(|(at, _)| at).collect();
            for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                let near =
                    |&(cy, cx): &(usize, usize)| cy.abs_diff(y).pow(2) + cx.abs_diff(x).pow(2) <= radius * radius;
                assert_eq!(grown.is_hole(x, y), centres.iter().any(near), "{x} {y} of {width}×{height}, {radius}");
            }
        }
    }

    /// Every operation beside its definition, pixel by pixel.
    #[test]
    fn bits_agree_with_definitions() {
        for (seed, (width, height)) in
            [(1, 1), (64, 3), (65, 40), (130, 67), (63, 64), (200, 31)].into_iter().enumerate()
        {
            let mask = mask(width, height, seed);
            let holes = of(&mask);
            let at = |x: isize, y: isize| {
                let inside = (0..width as isize).contains(&x) && (0..height as isize).contains(&y);
                inside.then(|| mask[[y as usize, x as usize]] == 255)
            };
            assert_eq!(holes.pixels(), mask.iter().filter(|m| **m == 255).count());
            for radius in [1, 3] {
                let (eroded, grown) = (holes.eroded(radius).unwrap(), holes.clone().grown(radius).unwrap());
                let shrunk = holes.clone().shrunk(radius).unwrap();
                let r = radius as isize;
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let near = |dy: isize, dx: isize| at(x as isize + dx, y as isize + dy);
                    let mut square = (-r..=r).flat_map(|dy| (-r..=r).map(move |dx| (dy, dx)));
                    let disc = square.clone().filter(|(dy, dx)| dy * dy + dx * dx <= r * r);
                    assert_eq!(eroded.is_hole(x, y), square.all(|(dy, dx)| near(dy, dx) != Some(false)), "{x} {y}");
                    let reached = disc.clone().any(|(dy, dx)| near(dy, dx) == Some(true));
                    assert_eq!(grown.is_hole(x, y), reached, "{x} {y}");
                    let kept = disc.clone().all(|(dy, dx)| near(dy, dx) != Some(false));
                    assert_eq!(shrunk.is_hole(x, y), kept, "{x} {y}");
                }
            }
            let sides = (0..height).flat_map(|y| (0..width).map(move |x| (y as isize, x as isize)));
            let differ = |a: Option<bool>, b: Option<bool>| usize::from(a.is_some() && b.is_some() && a != b);
            let edge = sides.map(|(y, x)| differ(at(x, y), at(x + 1, y)) + differ(at(x, y), at(x, y + 1)));
            assert_eq!(holes.edge(), edge.sum::<usize>());
            let halved = holes.halved().unwrap();
            for (y, x) in (0..halved.height).flat_map(|y| (0..halved.width).map(move |x| (y, x))) {
                let mut under = [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter();
                let all = under.all(|(dy, dx)| at((2 * x + dx) as isize, (2 * y + dy) as isize) != Some(false));
                assert_eq!(halved.is_hole(x, y), all, "{x} {y}");
            }
            let area = Rect { x: width / 3, y: height / 3, width: width - width / 3, height: height - height / 3 };
            let is_hole = |x: usize, y: usize| mask[[y, x]] == 255;
            let inside: Vec<_> = area
                .rows()
                .flat_map(|y| area.columns().map(move |x| (x, y)))
                .filter(|(x, y)| is_hole(*x, *y))
                .collect();
            let bounds = holes.bounds(area);
            assert_eq!(bounds.is_none(), inside.is_empty());
            if let Some(b) = bounds {
                let xs = || inside.iter().map(|p| p.0);
                let ys = || inside.iter().map(|p| p.1);
                assert_eq!((b.x, b.x + b.width - 1), (xs().min().unwrap(), xs().max().unwrap()));
                assert_eq!((b.y, b.y + b.height - 1), (ys().min().unwrap(), ys().max().unwrap()));
            }
            let crop = holes.crop(area).unwrap();
            assert!(
                (0..area.height)
                    .all(|y| (0..area.width).all(|x| crop.is_hole(x, y) == is_hole(x + area.x, y + area.y)))
            );
            let fits = |side: usize| {
                (area.y..area.y + area.height + 1 - side.min(area.height)).any(|y| {
                    (area.x..area.x + area.width + 1 - side.min(area.width))
                        .any(|x| (y..y + side).all(|y| (x..x + side).all(|x| at(x as isize, y as isize) == Some(true))))
                })
            };
            let widest = holes.widest(area).unwrap();
            assert!(widest == 0 || fits(widest), "{width}×{height}: {widest}");
            assert!(widest == area.width.min(area.height) || !fits(widest + 1), "{width}×{height}: {widest}");
            let mut left = holes.clone();
            left.clear(area);
            assert_eq!(left.pixels() + inside.len(), holes.pixels());
            left.add_box(area.columns(), area.rows());
            assert_eq!(left.pixels(), holes.pixels() - inside.len() + area.width * area.height);
            assert_eq!(
                left.swapped().pixels(),
                width * height - holes.pixels() + inside.len() - area.width * area.height
            );
        }
    }
}
