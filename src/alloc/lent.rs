//! Memory lent by a caller or cut from a [`Buffer`], and typed values kept in it.

#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};

use super::Buffer;

/// The floats of `bytes` from the first cache line on.
pub(crate) fn lines(bytes: &mut [u8]) -> &mut [f32] {
    let skip = bytes.as_ptr().align_offset(size_of::<f32>() * Buffer::LINE).min(bytes.len());
    // SAFETY: every pattern of bits is an f32, and an f32 written is bytes again.
    unsafe { bytes[skip..].align_to_mut().1 }
}

/// Bytes that hold `floats` from a cache line on, whatever the address of the first byte.
pub(crate) fn lines_bytes(floats: usize) -> usize {
    size_of::<f32>().saturating_mul(floats.saturating_add(Buffer::LINE))
}

/// Splits `count` words of a mask, of any content, off the front of `memory`, which begins on a cache line. They end on one.
pub(crate) fn split_mask(memory: &mut [f32], count: usize) -> (&mut [u64], &mut [f32]) {
    let (words, rest) = memory.split_at_mut(mask_floats(count));
    // SAFETY: every pattern of bits is a u64, and a u64 written is floats again.
    (unsafe { &mut words.align_to_mut().1[..count] }, rest)
}

/// Floats that [`split_mask`] takes for `count` words.
pub(crate) fn mask_floats(count: usize) -> usize {
    count.saturating_mul(2).next_multiple_of(Buffer::LINE)
}

/// Splits `count` aligned words, of any content, off the front of `bytes`. `None` where there are too few bytes:
/// [`words_bytes`] are enough.
#[cfg(feature = "capi")]
pub(crate) fn split_words(bytes: &mut [u8], count: usize) -> Option<(&mut [u64], &mut [u8])> {
    let skip = bytes.as_ptr().align_offset(align_of::<u64>());
    let (words, rest) = bytes.get_mut(skip..)?.split_at_mut_checked(count.checked_mul(size_of::<u64>())?)?;
    // SAFETY: every pattern of bits is a u64, and a u64 written is bytes again.
    Some((unsafe { words.align_to_mut().1 }, rest))
}

/// Bytes that hold `count` words, wherever they start.
#[cfg(feature = "capi")]
pub(crate) fn words_bytes(count: usize) -> usize {
    count.saturating_mul(size_of::<u64>()).saturating_add(align_of::<u64>() - 1)
}

/// A type whose values may be kept in memory meant for floats.
///
/// # Safety
///
/// Every pattern of bits is a value, there is no padding, and the alignment is at most that of f32.
pub unsafe trait Plain: Copy {}

// SAFETY: a float of four bytes.
unsafe impl Plain for f32 {}
// SAFETY: an integer of one byte.
unsafe impl Plain for u8 {}
// SAFETY: an integer of one byte.
unsafe impl Plain for i8 {}
// SAFETY: an integer of two bytes.
unsafe impl Plain for u16 {}
// SAFETY: an integer of two bytes.
unsafe impl Plain for i16 {}
// SAFETY: an integer of four bytes.
unsafe impl Plain for u32 {}
// SAFETY: an integer of four bytes.
unsafe impl Plain for i32 {}
// SAFETY: four bytes.
unsafe impl Plain for [u8; 4] {}

/// Floats that hold `count` values; more than any memory holds where a `usize` overflows.
pub(crate) fn floats_for<T: Plain>(count: usize) -> usize {
    count.saturating_mul(size_of::<T>()).div_ceil(size_of::<f32>())
}

/// `memory` as values of another type, as many as it holds.
pub(crate) fn values<T: Plain>(memory: &[f32]) -> &[T] {
    let count = size_of_val(memory).checked_div(size_of::<T>()).unwrap_or(0);
    // SAFETY: `T` is plain and aligned as floats are at most, and the memory is as long as `count` of it.
    unsafe { std::slice::from_raw_parts(memory.as_ptr().cast(), count) }
}

/// `memory` as values of another type, as many as it holds.
pub(crate) fn values_mut<T: Plain>(memory: &mut [f32]) -> &mut [T] {
    let count = size_of_val(memory).checked_div(size_of::<T>()).unwrap_or(0);
    // SAFETY: as above, and every pattern of bits written is a float.
    unsafe { std::slice::from_raw_parts_mut(memory.as_mut_ptr().cast(), count) }
}

/// Splits `count` values, of any content, off the front of `memory`.
pub(crate) fn split<T: Plain>(memory: &mut [f32], count: usize) -> (&mut [T], &mut [f32]) {
    let (part, rest) = memory.split_at_mut(floats_for::<T>(count));
    (&mut values_mut(part)[..count], rest)
}

/// A list in memory that is lent to it.
pub(crate) struct List<'m, T> {
    memory: &'m mut [T],
    len: usize,
}

impl<'m, T> List<'m, T> {
    /// An empty list for `memory.len()` values.
    pub fn new(memory: &'m mut [T]) -> Self {
        Self { memory, len: 0 }
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends `item`.
    ///
    /// # Panics
    ///
    /// If the memory is full.
    pub fn push(&mut self, item: T) {
        self.memory[self.len] = item;
        self.len += 1;
    }

    /// The items, and the memory that is left.
    pub fn into_parts(self) -> (&'m mut [T], &'m mut [T]) {
        self.memory.split_at_mut(self.len)
    }
}

impl<T> Deref for List<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.memory[..self.len]
    }
}

impl<T> DerefMut for List<'_, T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.memory[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lent_memory_keeps_values_apart() {
        let mut bytes = [0xff; 4 * 16 * 4 + 3];
        for skip in 0..4 {
            let memory = lines(&mut bytes[skip..]);
            assert!(memory.as_ptr().addr().is_multiple_of(64) && memory.len() >= 3 * 16);
            let (small, memory) = split::<u8>(memory, 5);
            let (large, memory) = split::<u32>(memory, 7);
            let mut list = List::new(small);
            (0..5).for_each(|v| list.push(v));
            large.fill(u32::MAX);
            memory.fill(-1.0);
            assert_eq!(*list, [0, 1, 2, 3, 4]);
            assert!(large.iter().all(|v| *v == u32::MAX));
        }
        assert!(lines(&mut bytes[..0]).is_empty());
    }

    #[test]
    #[cfg(feature = "capi")]
    fn lent_words_are_aligned_from_any_address() {
        let mut bytes = [0xff; 8 * 4 + 14];
        for skip in 0..8 {
            let lent = &mut bytes[skip..][..words_bytes(4)];
            let (words, rest) = split_words(lent, 4).unwrap();
            assert_eq!((words.len(), words.as_ptr().addr() % 8, rest.len() < 8), (4, 0, true));
            words.fill(7);
        }
        assert!(split_words(&mut bytes, 7).is_none() && split_words(&mut bytes, usize::MAX / 4).is_none());
        assert!(split_words(&mut bytes[..0], 1).is_none());
    }
}
