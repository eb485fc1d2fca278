//! Floats on a cache line, zeroed and allocated once by a fallible call, to be divided among owners.

#![allow(unsafe_code)]

use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ops::{Deref, DerefMut};
use std::ptr::NonNull;
use std::sync::Arc;

use crate::error::{Error, Result};

/// Floats on a 64-byte boundary.
pub(crate) struct Buffer {
    /// What it is a part of; nobody else has this part.
    allocation: Arc<Allocation>,
    data: NonNull<f32>,
    len: usize,
}

struct Allocation {
    /// Its start, up to a line before the first float. Asked for at a float's own alignment, zeroed memory comes from the
    /// system untouched, page by page when first used.
    base: NonNull<u8>,
    layout: Layout,
}

// SAFETY: it is only a place in memory, and released by the last who has it.
unsafe impl Send for Allocation {}
// SAFETY: as above.
unsafe impl Sync for Allocation {}
// SAFETY: a buffer owns its floats as a Vec<f32> does.
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
        Ok(Self { allocation: Arc::new(Allocation { base, layout }), data, len })
    }

    /// Splits the first `len` floats off. What is left starts on a cache line.
    ///
    /// # Panics
    ///
    /// If there are fewer.
    pub fn split_front(&mut self, len: usize) -> Self {
        assert!(len <= self.len, "expected {len} floats or more, found {}", self.len);
        let front = Self { allocation: self.allocation.clone(), data: self.data, len };
        let taken = len.next_multiple_of(Self::LINE).min(self.len);
        self.len -= taken;
        // SAFETY: no more floats are skipped than there were.
        self.data = unsafe { self.data.add(taken) };
        front
    }
}

/// `len` zero bytes, which the system gives page by page when first used.
pub fn try_zeroed(len: usize) -> Result<Vec<u8>> {
    let none = || Error::limits(format!("no memory for {len} bytes"));
    if len == 0 {
        return Ok(Vec::new());
    }
    let layout = Layout::array::<u8>(len).map_err(|_| none())?;
    // SAFETY: the layout has at least a byte.
    let bytes = NonNull::new(unsafe { alloc_zeroed(layout) }).ok_or_else(none)?;
    // SAFETY: the allocator of lists gave these bytes for a list of `len`, and all of them are 0.
    Ok(unsafe { Vec::from_raw_parts(bytes.as_ptr(), len, len) })
}

/// Asks the system to back a large allocation by huge pages where it spans some, else by all of its pages now: a fault for
/// each page would cost more than the pages.
#[cfg(all(feature = "huge-pages", target_os = "linux", not(miri)))]
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

#[cfg(not(all(feature = "huge-pages", target_os = "linux", not(miri))))]
fn advise(_: NonNull<u8>, _: usize) {}

/// Whether the system has `bytes` more, whatever the allocator keeps; true where the system cannot be asked.
#[cfg(all(feature = "parallel", target_os = "linux", not(miri)))]
pub(crate) fn system_has(bytes: usize) -> bool {
    let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
    // SAFETY: memory at an address of the system's choice, released before anybody uses it.
    unsafe {
        let probe = libc::mmap(std::ptr::null_mut(), bytes, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        probe != libc::MAP_FAILED && libc::munmap(probe, bytes) == 0
    }
}

#[cfg(all(feature = "parallel", not(all(target_os = "linux", not(miri)))))]
pub(crate) fn system_has(_: usize) -> bool {
    true
}

impl Drop for Allocation {
    fn drop(&mut self) {
        // SAFETY: allocated in `Buffer::zeroed` with this layout.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_buffer_is_aligned_and_zero() {
        for len in [0, 1, 15, 16, 17, 5000, if cfg!(miri) { 0 } else { 2_000_000 }] {
            let mut buffer = Buffer::zeroed(len).unwrap();
            assert!(buffer.len() == len && buffer.iter().all(|v| *v == 0.0));
            assert_eq!(buffer.as_ptr() as usize % 64, 0);
            buffer.fill(1.0);
        }
        let mut rest = Buffer::zeroed(40).unwrap();
        let mut front = rest.split_front(17);
        rest.fill(2.0);
        front.fill(1.0);
        assert_eq!((rest.len(), rest.as_ptr() as usize % 64), (8, 0));
        drop(front);
        assert!(rest.iter().all(|v| *v == 2.0));
        assert_eq!(Buffer::zeroed(usize::MAX / 2).err().map(|e| e.kind()), Some(crate::ErrorKind::Limits));
    }
}
