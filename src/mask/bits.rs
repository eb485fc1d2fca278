//! The mask's bits: read, set, walked in runs.

use std::ops::Range;

use ndarray::{ArrayView2, Axis};

use super::rect::Rect;
use super::rule::MaskRule;
use crate::alloc;
use crate::error::{Error, Result};

/// Which pixels of an image are to be filled, a bit a pixel.
///
/// Its words lie in a `Vec`, or in memory that a caller lends ([`Mask::in_words`]).
///
/// ```
/// # fn main() -> inpaint_edge::Result<()> {
/// use inpaint_edge::{Mask, MaskRule};
///
/// let mut mask = Mask::new(640, 480)?; // nothing to fill
/// mask.add_box(300..360, 200..240);
/// let mask = mask.dilated(2)?;
/// assert!(mask.is_hole(298, 200) && !mask.is_hole(298, 199)); // by a disc
///
/// let bytes = ndarray::Array2::<u8>::from_elem((480, 640), 255);
/// let all = Mask::from_bytes(bytes.view(), MaskRule::default())?;
/// assert_eq!(all.count(), 640 * 480);
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Mask<W = Vec<u64>> {
    width: usize,
    height: usize,
    /// Words from a row to the next.
    stride: usize,
    /// The bit of a row's first word that is its first pixel: 0 except in a region of a mask.
    first: usize,
    /// `[height, stride]`, 1 = hole, columns from the lowest bit up. Bits beyond a row are 0, except in a region of a mask.
    words: W,
}

/// A mask, or a region of one, that borrows its words.
pub type MaskView<'m> = Mask<&'m [u64]>;

impl Mask {
    /// A mask without a hole, for an image of this size.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn new(width: usize, height: usize) -> Result<Self> {
        let words = alloc::try_filled(0, Self::words_for(width, height))?;
        Ok(Self { width, height, stride: width.div_ceil(64), first: 0, words })
    }

    /// Reads a mask from bytes `[height, width]` by `rule`.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn from_bytes(bytes: ArrayView2<'_, u8>, rule: MaskRule) -> Result<Self> {
        let mut mask = Self::new(bytes.dim().1, bytes.dim().0)?;
        mask.add_bytes(bytes, rule);
        Ok(mask)
    }

    /// Words that the mask of an image of this size takes.
    pub fn words_for(width: usize, height: usize) -> usize {
        width.div_ceil(64).saturating_mul(height)
    }

    /// Bytes that the mask of an image of this size takes.
    pub fn bytes_for(width: usize, height: usize) -> usize {
        Self::words_for(width, height).saturating_mul(size_of::<u64>())
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        Self::bytes_for(self.width, self.height)
    }
}

impl<'m> Mask<&'m mut [u64]> {
    /// A mask without a hole, for an image of this size, in the first [`Mask::words_for`] of `words`, which are cleared.
    ///
    /// # Errors
    ///
    /// Usage, where there are fewer words.
    pub fn in_words(width: usize, height: usize, words: &'m mut [u64]) -> Result<Self> {
        let (needed, found) = (Mask::words_for(width, height), words.len());
        let Some((words, _)) = words.split_at_mut_checked(needed) else {
            return Err(Error::usage(format!("expected {needed} words for {width}×{height} pixels, found {found}")));
        };
        words.fill(0);
        Ok(Self { width, height, stride: width.div_ceil(64), first: 0, words })
    }
}

impl<W: AsRef<[u64]>> Mask<W> {
    /// Width, pixels.
    pub fn width(&self) -> usize {
        self.width
    }

    /// Height, pixels.
    pub fn height(&self) -> usize {
        self.height
    }

    /// Pixels of the hole.
    pub fn count(&self) -> usize {
        (0..self.height).flat_map(|y| self.words_of(y)).map(|word| word.count_ones() as usize).sum()
    }

    /// Whether there is no hole.
    pub fn is_empty(&self) -> bool {
        (0..self.height).flat_map(|y| self.words_of(y)).all(|word| word == 0)
    }

    /// Whether the pixel is to be filled. Outside the image the answer is unspecified, or a panic.
    #[inline]
    pub fn is_hole(&self, x: usize, y: usize) -> bool {
        debug_assert!(x < self.width && y < self.height, "a pixel inside the image");
        let bit = x + self.first;
        self.words.as_ref()[y * self.stride + bit / 64] >> (bit % 64) & 1 == 1
    }

    /// The hole's runs in `columns` of row `y`, left to right.
    pub fn runs(&self, y: usize, columns: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let mut at = columns.start;
        std::iter::from_fn(move || {
            let start = self.next(y, at, columns.end, 0)?;
            at = self.next(y, start, columns.end, u64::MAX).unwrap_or(columns.end);
            Some(start..at)
        })
    }

    /// Length of the hole's edge: pairs of neighbours of which one is hole and the other known.
    pub fn edge(&self) -> usize {
        let ends = |run: Range<usize>| usize::from(run.start > 0) + usize::from(run.end < self.width);
        let across = (0..self.height).flat_map(|y| self.runs(y, 0..self.width)).map(ends).sum::<usize>();
        let down = (1..self.height).flat_map(|y| self.words_of(y - 1).zip(self.words_of(y)));
        across + down.map(|(above, word)| (above ^ word).count_ones() as usize).sum::<usize>()
    }

    /// Borrows the mask.
    pub fn view(&self) -> MaskView<'_> {
        let Self { width, height, stride, first, ref words } = *self;
        Mask { width, height, stride, first, words: words.as_ref() }
    }

    /// Borrows a part of the mask.
    pub(crate) fn region(&self, area: Rect) -> MaskView<'_> {
        debug_assert!(area.x + area.width <= self.width && area.y + area.height <= self.height, "inside the mask");
        let bit = area.x + self.first;
        let words = &self.words.as_ref()[area.y * self.stride + bit / 64..];
        Mask { width: area.width, height: area.height, stride: self.stride, first: bit % 64, words }
    }

    /// A copy of the mask.
    pub(crate) fn copy(&self) -> Result<Mask> {
        let mut out = Mask::new(self.width, self.height)?;
        for (y, row) in out.words.chunks_exact_mut(out.stride.max(1)).enumerate() {
            row.iter_mut().zip(self.words_of(y)).for_each(|(to, word)| *to = word);
        }
        Ok(out)
    }

    pub(crate) fn whole(&self) -> Rect {
        Rect { x: 0, y: 0, width: self.width, height: self.height }
    }

    /// Columns and rows of the smallest box that holds the hole; `None` without one.
    pub fn extents(&self) -> Option<(Range<usize>, Range<usize>)> {
        self.bounds(self.whole()).map(|bounds| (bounds.columns(), bounds.rows()))
    }

    /// The smallest rectangle that holds the hole's pixels in `area`.
    pub(crate) fn bounds(&self, area: Rect) -> Option<Rect> {
        Rect::around(area.rows().filter_map(|y| self.extent(y, area.columns()).map(|run| (y, run))))
    }

    /// From the first to the last pixel of hole in `columns` of row `y`.
    pub(crate) fn extent(&self, y: usize, columns: Range<usize>) -> Option<Range<usize>> {
        Some(self.first(y, columns.clone())?..self.last(y, columns)? + 1)
    }

    /// Row `y` in words from its first pixel on, bits beyond the row 0.
    fn words_of(&self, y: usize) -> impl Iterator<Item = u64> {
        let Self { width, first, .. } = *self;
        let words = self.words.as_ref().get(y * self.stride..).unwrap_or_default();
        (0..width.div_ceil(64)).map(move |i| {
            let next = if first == 0 { 0 } else { words.get(i + 1).map_or(0, |word| word << (64 - first)) };
            let left = width - 64 * i;
            (words[i] >> first | next) & if left < 64 { (1 << left) - 1 } else { u64::MAX }
        })
    }

    /// The first of `columns` of row `y` that is hole.
    pub(super) fn first(&self, y: usize, columns: Range<usize>) -> Option<usize> {
        self.next(y, columns.start, columns.end, 0)
    }

    /// The last of `columns` of row `y` that is hole.
    pub(super) fn last(&self, y: usize, columns: Range<usize>) -> Option<usize> {
        let row = &self.words.as_ref()[y * self.stride..];
        let (start, mut end) = (columns.start + self.first, columns.end + self.first);
        while start < end {
            let word = (end - 1) / 64;
            match row[word] << (64 * (word + 1) - end) {
                0 => end = word * 64,
                bits => {
                    let bit = end - 1 - bits.leading_zeros() as usize;
                    return (bit >= start).then(|| bit - self.first);
                }
            }
        }
        None
    }

    /// The first column of `from..end` that is hole, or known where all bits of `flip` are set.
    fn next(&self, y: usize, from: usize, end: usize, flip: u64) -> Option<usize> {
        let row = &self.words.as_ref()[y * self.stride..];
        let (mut bit, end) = (from + self.first, end + self.first);
        while bit < end {
            match (row[bit / 64] ^ flip) >> (bit % 64) {
                0 => bit = (bit / 64 + 1) * 64,
                word => {
                    bit += word.trailing_zeros() as usize;
                    return (bit < end).then(|| bit - self.first);
                }
            }
        }
        None
    }
}

impl<W: AsRef<[u64]> + AsMut<[u64]>> Mask<W> {
    /// Adds the pixels that bytes `[height, width]` make hole by `rule`.
    ///
    /// # Panics
    ///
    /// Where the sizes differ.
    pub fn add_bytes(&mut self, bytes: ArrayView2<'_, u8>, rule: MaskRule) {
        assert_eq!(bytes.dim(), (self.height, self.width), "bytes of the mask's size");
        for (words, row) in self.words.as_mut().chunks_exact_mut(self.stride.max(1)).zip(bytes.outer_iter()) {
            for (word, bytes) in words.iter_mut().zip(row.axis_chunks_iter(Axis(0), 64)) {
                // Most words are all hole or none of it, which the least and the greatest byte tell.
                let least = bytes.iter().fold(u8::MAX, |least, byte| least.min(*byte));
                let most = bytes.iter().fold(0, |most, byte| most.max(*byte));
                *word |= match (rule.is_hole(least), rule.is_hole(most)) {
                    (false, false) => 0,
                    (true, true) => u64::MAX >> (64 - bytes.len()),
                    _ => bytes.iter().rev().fold(0, |bits, byte| bits << 1 | u64::from(rule.is_hole(*byte))),
                };
            }
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
    /// As [`Mask::add_box`].
    pub fn add(&mut self, x: usize, y: usize) {
        self.add_box(x..x + 1, y..y + 1);
    }

    /// Adds the hole of `other`.
    ///
    /// # Panics
    ///
    /// Where the sizes differ.
    pub fn add_all(&mut self, other: &Mask<impl AsRef<[u64]>>) {
        self.combine(other, |a, b| a | b);
    }

    /// Removes the hole of `other`.
    ///
    /// # Panics
    ///
    /// Where the sizes differ.
    pub fn remove(&mut self, other: &Mask<impl AsRef<[u64]>>) {
        self.combine(other, |a, b| a & !b);
    }

    fn combine(&mut self, other: &Mask<impl AsRef<[u64]>>, with: impl Fn(u64, u64) -> u64) {
        assert_eq!((self.width, self.height, 0), (other.width, other.height, other.first), "masks of one size");
        self.words.as_mut().iter_mut().zip(other.words.as_ref()).for_each(|(a, b)| *a = with(*a, *b));
    }

    pub(crate) fn clear(&mut self, area: Rect) {
        area.rows().for_each(|y| self.set(y, area.columns(), false));
    }

    /// Makes a run of row `y` hole, or known; a run that ends before it starts is empty.
    pub(super) fn set(&mut self, y: usize, run: Range<usize>, hole: bool) {
        let row = &mut self.words.as_mut()[y * self.stride..][..self.stride];
        let mut x = run.start;
        while x < run.end {
            let end = ((x / 64 + 1) * 64).min(run.end);
            let bits = (u64::MAX >> (64 - (end - x))) << (x % 64);
            row[x / 64] = if hole { row[x / 64] | bits } else { row[x / 64] & !bits };
            x = end;
        }
    }

    /// Makes every pixel of the hole known, and every other one hole.
    pub(super) fn invert(&mut self) {
        let width = self.width;
        for row in self.words.as_mut().chunks_exact_mut(self.stride.max(1)) {
            row.iter_mut().for_each(|word| *word = !*word);
            if let (Some(word), 1..) = (row.last_mut(), width % 64) {
                *word &= (1 << (width % 64)) - 1;
            }
        }
    }
}
