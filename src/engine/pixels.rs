//! Photographs of every sample type, as stages see them: rows of red, green and blue from 0 to 1.

use std::ops::Range;

use ndarray::{ArrayBase, Axis, DataMut, Ix3};

use crate::mask::Rect;
use crate::sample::Sample;

/// Channels of a photograph that are filled: red, green and blue, or grey.
pub(super) fn colours(channels: usize) -> usize {
    if channels < 3 { 1 } else { 3 }
}

/// A photograph, `[height, width]` pixels.
pub(crate) trait Pixels {
    /// Width and height.
    fn size(&self) -> (usize, usize);

    /// Channels that are filled: 3, or 1 of grey.
    fn colours(&self) -> usize;

    /// Reads `columns` of row `y` into the first three of every `stride` floats of `out`; grey counts as equal red, green
    /// and blue.
    fn read(&self, y: usize, columns: Range<usize>, out: &mut [f32], stride: usize);

    /// Whether a pixel shows little or nothing: its alpha is below a half.
    fn is_transparent(&self, x: usize, y: usize) -> bool;

    /// Writes a pixel, rounded to the photograph's type. A grey photograph takes the first value.
    fn write(&mut self, x: usize, y: usize, rgb: [f32; 3]);
}

impl<T: Sample, S: DataMut<Elem = T>> Pixels for ArrayBase<S, Ix3> {
    fn size(&self) -> (usize, usize) {
        (self.dim().1, self.dim().0)
    }

    fn colours(&self) -> usize {
        colours(self.dim().2)
    }

    fn read(&self, y: usize, columns: Range<usize>, out: &mut [f32], stride: usize) {
        let row = self.index_axis(Axis(0), y);
        let row = row.slice(ndarray::s![columns, ..]);
        let channels = row.dim().1;
        let out = out.chunks_mut(stride);
        match (row.as_slice(), self.colours()) {
            (Some(row), 3) => {
                for (out, pixel) in out.zip(row.chunks_exact(channels)) {
                    (0..3).for_each(|c| out[c] = pixel[c].to_unit());
                }
            }
            (_, colours) => {
                for (out, pixel) in out.zip(row.outer_iter()) {
                    (0..3).for_each(|c| out[c] = pixel[c.min(colours - 1)].to_unit());
                }
            }
        }
    }

    fn is_transparent(&self, x: usize, y: usize) -> bool {
        let channels = self.dim().2;
        channels.is_multiple_of(2) && self[[y, x, channels - 1]].to_byte() < 128
    }

    fn write(&mut self, x: usize, y: usize, rgb: [f32; 3]) {
        for c in 0..self.colours() {
            self[[y, x, c]] = T::from_unit(rgb[c]);
        }
    }
}

/// A part of a photograph.
pub(super) struct Crop<'p> {
    pub image: &'p mut dyn Pixels,
    pub area: Rect,
}

impl Pixels for Crop<'_> {
    fn size(&self) -> (usize, usize) {
        (self.area.width, self.area.height)
    }

    fn colours(&self) -> usize {
        self.image.colours()
    }

    fn read(&self, y: usize, columns: Range<usize>, out: &mut [f32], stride: usize) {
        let left = self.area.x;
        self.image.read(y + self.area.y, columns.start + left..columns.end + left, out, stride);
    }

    fn is_transparent(&self, x: usize, y: usize) -> bool {
        self.image.is_transparent(x + self.area.x, y + self.area.y)
    }

    fn write(&mut self, x: usize, y: usize, rgb: [f32; 3]) {
        self.image.write(x + self.area.x, y + self.area.y, rgb);
    }
}

/// The scale of the network's values: (v − `mean`)/`std` of v in 0 … 1, per channel.
#[derive(Clone, Copy)]
pub(super) struct Scale {
    pub mean: [f32; 3],
    pub std: [f32; 3],
}

impl Scale {
    /// Reads `columns` of row `y` of `image` into the first three of every `stride` floats of `out`, scaled.
    pub fn read(self, image: &dyn Pixels, y: usize, columns: Range<usize>, out: &mut [f32], stride: usize) {
        let Self { mean, std } = self;
        image.read(y, columns, out, stride);
        let scaled = |pixel: &mut [f32; 3]| (0..3).for_each(|c| pixel[c] = (pixel[c] - mean[c]) / std[c]);
        // Pixels that follow each other are scaled several at a time.
        match stride {
            3 => out.as_chunks_mut().0.iter_mut().for_each(scaled),
            _ => out.chunks_mut(stride).filter_map(|pixel| pixel.first_chunk_mut()).for_each(scaled),
        }
    }

    /// The scaled value `v` of channel `c` back in 0 … 1, clipped.
    pub fn unit(self, v: f32, c: usize) -> f32 {
        crate::numerics::clip_unit(v * self.std[c] + self.mean[c])
    }
}
