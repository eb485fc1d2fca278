//! Samples of images, and their values from 0 to 1.

use crate::numerics;

/// A channel sample: `u8`, `u16` (0 … max) or `f32` (0 … 1).
pub trait Sample: Copy + Default + Send + Sync + 'static {
    /// Converts to 0 … 1.
    fn to_unit(self) -> f32;
    /// Converts from 0 … 1, clipped; integers round halves up, as [`numerics::quantize`] does.
    fn from_unit(v: f32) -> Self;
    /// The byte that masks and thresholds count: the high byte of 16 bits, the nearest byte of 0 … 1.
    fn to_byte(self) -> u8;
}

impl Sample for u8 {
    fn to_unit(self) -> f32 {
        f32::from(self) / 255.0
    }

    fn from_unit(v: f32) -> Self {
        numerics::quantize(v, 255) as u8
    }

    fn to_byte(self) -> u8 {
        self
    }
}

impl Sample for u16 {
    fn to_unit(self) -> f32 {
        f32::from(self) / 65535.0
    }

    fn from_unit(v: f32) -> Self {
        numerics::quantize(v, 65535)
    }

    fn to_byte(self) -> u8 {
        (self >> 8) as u8
    }
}

impl Sample for f32 {
    fn to_unit(self) -> f32 {
        self
    }

    fn from_unit(v: f32) -> Self {
        numerics::clip_unit(v)
    }

    fn to_byte(self) -> u8 {
        u8::from_unit(self)
    }
}
