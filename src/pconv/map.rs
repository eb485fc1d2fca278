//! Feature maps and their pixels.

use super::frame::Frame;
use super::plane::Plane;
use crate::alloc::{Plain, floats_for};

/// The number type of a map, and for integers the one that stands for 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Values {
    F32,
    I16,
    U8 { zero: u8 },
}

/// The part of a feature map that a run uses, [height, width, channels] values in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub frame: Frame,
    /// In few bytes: a run has many maps on the stack, and some callers have little of that.
    channels: u16,
    pub values: Values,
    /// First float in the arena.
    pub offset: usize,
}

impl Map {
    /// A map of f32 at offset 0.
    pub fn new(frame: Frame, channels: usize) -> Self {
        Self { frame, channels: channels.try_into().expect("at most 4096 channels"), values: Values::F32, offset: 0 }
    }

    /// Values of a pixel.
    pub fn channels(&self) -> usize {
        self.channels.into()
    }

    /// Values of a row.
    pub fn row_stride(&self) -> usize {
        self.frame.width * self.channels()
    }

    /// Values.
    pub fn len(&self) -> usize {
        self.frame.height * self.row_stride()
    }

    /// Floats of the arena that it takes. Windows of integers are whole groups and may reach beyond the last value.
    pub fn floats(&self) -> usize {
        match self.values {
            Values::F32 => self.len(),
            Values::I16 => floats_for::<i16>(self.len()) + 1,
            Values::U8 { .. } => floats_for::<u8>(self.len()) + 1,
        }
    }

    /// First value of pixel (x, y) of the frame, relative to the map.
    pub fn at(&self, x: isize, y: isize) -> usize {
        (y - self.frame.y) as usize * self.row_stride() + (x - self.frame.x) as usize * self.channels()
    }

    /// Makes pixels of `data` holes where they are not marked: `zero` stands for 0.
    ///
    /// # Panics
    ///
    /// If the marks are of another frame.
    pub fn clear_unmarked<T: Copy>(&self, data: &mut [T], zero: T, marks: &Plane<'_>) {
        assert!(marks.frame == self.frame, "marks of the map's own pixels");
        if data.is_empty() {
            return;
        }
        for (row, y) in data.chunks_exact_mut(self.row_stride()).zip(self.frame.rows()) {
            let mut end = 0;
            for run in marks.runs(y) {
                row[end * self.channels()..run.start * self.channels()].fill(zero);
                end = run.end;
            }
            row[end * self.channels()..].fill(zero);
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
