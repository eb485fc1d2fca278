//! Feature maps and their pixels.

use crate::alloc::Plain;

/// A feature map, [height + 2·halo, width + 2·halo, channels] values in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub halo: usize,
    /// First float in the arena.
    pub offset: usize,
}

impl Map {
    /// Values of a row, halo included.
    pub fn row_stride(&self) -> usize {
        (self.width + 2 * self.halo) * self.channels
    }

    /// Values, halo included.
    pub fn len(&self) -> usize {
        (self.height + 2 * self.halo) * self.row_stride()
    }

    /// First value of pixel (x, y) relative to the map, `-halo` ≤ x, y.
    pub fn at(&self, x: isize, y: isize) -> usize {
        let halo = self.halo as isize;
        (y + halo) as usize * self.row_stride() + (x + halo) as usize * self.channels
    }

    /// Zeros the halo of `data`.
    pub fn clear_halo<T: Copy + Default>(&self, data: &mut [T]) {
        let (stride, side) = (self.row_stride(), self.halo * self.channels);
        for (y, row) in data.chunks_exact_mut(stride).enumerate() {
            if (self.halo..self.halo + self.height).contains(&y) {
                row[..side].fill(T::default());
                row[stride - side..].fill(T::default());
            } else {
                row.fill(T::default());
            }
        }
    }
}

/// A pixel to compute, and its K/s.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Pixel {
    pub x: u16,
    pub y: u16,
    pub ratio: f32,
}

#[allow(unsafe_code)]
// SAFETY: two integers of two bytes and then a float.
unsafe impl Plain for Pixel {}
