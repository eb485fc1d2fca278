//! Feature maps and their pixels.

use super::frame::Frame;
use super::plane::Plane;
use crate::alloc::Plain;

/// The part of a feature map that a run uses, [height, width, channels] values in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub frame: Frame,
    pub channels: usize,
    /// First float in the arena.
    pub offset: usize,
}

impl Map {
    /// Values of a row.
    pub fn row_stride(&self) -> usize {
        self.frame.width * self.channels
    }

    /// Values.
    pub fn len(&self) -> usize {
        self.frame.height * self.row_stride()
    }

    /// First value of pixel (x, y) of the frame, relative to the map.
    pub fn at(&self, x: isize, y: isize) -> usize {
        (y - self.frame.y) as usize * self.row_stride() + (x - self.frame.x) as usize * self.channels
    }

    /// Zeros the pixels of `data` that are not marked.
    ///
    /// # Panics
    ///
    /// If the marks are of another frame.
    pub fn clear_unmarked<T: Copy + Default>(&self, data: &mut [T], marks: &Plane<'_>) {
        assert!(marks.frame == self.frame, "marks of the map's own pixels");
        if data.is_empty() {
            return;
        }
        for (row, y) in data.chunks_exact_mut(self.row_stride()).zip(self.frame.rows()) {
            let mut end = 0;
            for run in marks.runs(y) {
                row[end * self.channels..run.start * self.channels].fill(T::default());
                end = run.end;
            }
            row[end * self.channels..].fill(T::default());
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
