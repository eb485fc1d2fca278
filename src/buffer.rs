//! Memory on cache-line boundaries, zeroed and allocated once by a fallible call, and what is kept in memory so lent.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;

use crate::error::{Error, Result};

/// Floats on a 64-byte boundary.
pub(crate) struct Buffer {
    /// Of the allocation, which starts up to a line before the first float: asked for at a float's own alignment, zeroed
    /// memory comes from the system untouched, page by page when first used.
    base: NonNull<u8>,
    layout: Layout,
    data: NonNull<f32>,
    len: usize,
}

// SAFETY: a buffer owns its memory as a Vec<f32> does.
unsafe impl Send for Buffer {}
// SAFETY: as above.
unsafe impl Sync for Buffer {}

impl Buffer {
    /// Floats in a cache line.
    pub const LINE: usize = 16;

    /// `len` zeros.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn zeroed(len: usize) -> Result<Self> {
        let none = || Error::limits(format!("no memory for {} bytes", len as u128 * 4));
        let padded = len.checked_add(Self::LINE).ok_or_else(none)?;
        let layout = Layout::array::<f32>(padded).map_err(|_| none())?;
        // SAFETY: the layout has at least a line of bytes.
        let base = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(none)?;
        advise(base, layout.size());
        let align = size_of::<f32>() * Self::LINE;
        // SAFETY: the allocation is a line longer than `len` floats, and is a float's multiple away from the boundary.
        let data = unsafe { base.add(base.align_offset(align)) }.cast();
        Ok(Self { base, layout, data, len })
    }
}

/// Tells the system what a large allocation is for: huge pages where it holds some, or else all of its pages now, since a
/// fault a page would cost more than the pages.
#[cfg(all(target_os = "linux", not(miri)))]
fn advise(base: NonNull<u8>, bytes: usize) {
    const PAGE: usize = 4096;
    const HUGE: usize = 2 << 20;
    let skip = base.align_offset(PAGE);
    let advice = if bytes >= 2 * HUGE { libc::MADV_HUGEPAGE } else { libc::MADV_POPULATE_WRITE };
    if bytes >= 32 * PAGE {
        // SAFETY: whole pages of an allocation of ours; the advice changes no content, and a refusal no behaviour.
        unsafe {
            libc::madvise(base.add(skip).as_ptr().cast(), (bytes - skip) / PAGE * PAGE, advice);
        }
    }
}

#[cfg(not(all(target_os = "linux", not(miri))))]
fn advise(_: NonNull<u8>, _: usize) {}

/// Whether the system has so many bytes more, whatever the allocator keeps; where that cannot be asked, it has.
#[cfg(all(feature = "parallel", target_os = "linux", not(miri)))]
pub(crate) fn system_has(bytes: usize) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: memory at an address of the system's choice, given back before anybody uses it.
    unsafe {
        let room = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        room != libc::MAP_FAILED && libc::munmap(room, bytes) == 0
    }
}

#[cfg(all(feature = "parallel", not(all(target_os = "linux", not(miri)))))]
pub(crate) fn system_has(_: usize) -> bool {
    true
}

impl Drop for Buffer {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout.
        unsafe { dealloc(self.base.as_ptr(), self.layout) }
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `len` floats from `data` lie in the allocation and were zeroed.
        unsafe { std::slice::from_raw_parts(self.data.as_ptr(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.data.as_ptr(), self.len) }
    }
}

/// The floats of `bytes` from the first cache line on.
pub(crate) fn lines(bytes: &mut [u8]) -> &mut [f32] {
    let skip = bytes.as_ptr().align_offset(size_of::<f32>() * Buffer::LINE).min(bytes.len());
    // SAFETY: every pattern of bits is an f32, and an f32 written is bytes again.
    unsafe { bytes[skip..].align_to_mut().1 }
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
// SAFETY: an integer of four bytes.
unsafe impl Plain for u32 {}

/// Floats that hold `count` values; for more bytes than a `usize` counts, more than any memory holds.
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

/// Splits `count` values off the front of `memory`; what they are is unspecified.
pub(crate) fn split<T: Plain>(memory: &mut [f32], count: usize) -> (&mut [T], &mut [f32]) {
    let (part, rest) = memory.split_at_mut(floats_for::<T>(count));
    // SAFETY: `T` is plain, and the part has room for `count` of it.
    (unsafe { std::slice::from_raw_parts_mut(part.as_mut_ptr().cast(), count) }, rest)
}

/// A list in memory that is lent to it.
pub(crate) struct List<'m, T> {
    room: &'m mut [T],
    len: usize,
}

impl<'m, T> List<'m, T> {
    /// Nothing yet, and room for `room.len()`.
    pub fn new(room: &'m mut [T]) -> Self {
        Self { room, len: 0 }
    }

    pub fn clear(&mut self) {
        self.len = 0;
    }

    /// Appends `item`.
    ///
    /// # Panics
    ///
    /// If there is no room left.
    pub fn push(&mut self, item: T) {
        self.room[self.len] = item;
        self.len += 1;
    }

    /// The items, and the room that is left.
    pub fn finish(self) -> (&'m mut [T], &'m mut [T]) {
        self.room.split_at_mut(self.len)
    }
}

impl<T> Deref for List<'_, T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.room[..self.len]
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
    fn on_a_line_and_zero() {
        for len in [0, 1, 15, 16, 17, 5000, if cfg!(miri) { 0 } else { 2_000_000 }] {
            let mut buffer = Buffer::zeroed(len).unwrap();
            assert!(buffer.len() == len && buffer.iter().all(|v| *v == 0.0));
            assert_eq!(buffer.as_ptr() as usize % 64, 0);
            buffer.fill(1.0);
        }
        assert_eq!(Buffer::zeroed(usize::MAX / 2).err().map(|e| e.kind()), Some(crate::ErrorKind::Limits));
    }
}
