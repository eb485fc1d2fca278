//! Memory on cache-line boundaries, allocated once and by a fallible call.

#![allow(unsafe_code)]

use std::ops::{Deref, DerefMut};

use crate::error::{Error, Result};

/// A cache line of floats.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; Buffer::LINE]);

/// Floats on a 64-byte boundary.
#[derive(Default)]
pub(crate) struct Buffer {
    lines: Vec<Line>,
    len: usize,
}

impl Buffer {
    /// Floats in a cache line.
    pub const LINE: usize = 16;

    /// `len` zeros.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn zeroed(len: usize) -> Result<Self> {
        let count = len.div_ceil(Self::LINE);
        let mut lines = Vec::new();
        lines
            .try_reserve_exact(count)
            .map_err(|_| Error::limits(format!("no memory for {} bytes", len as u128 * 4)))?;
        lines.resize(count, Line([0.0; Self::LINE]));
        Ok(Self { lines, len })
    }
}

impl Deref for Buffer {
    type Target = [f32];

    fn deref(&self) -> &[f32] {
        // SAFETY: `lines` holds at least `len` initialised floats, without padding between lines.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast(), self.len) }
    }
}

impl DerefMut for Buffer {
    fn deref_mut(&mut self) -> &mut [f32] {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast(), self.len) }
    }
}
