//! Contact sheets: many small pictures in one, to be looked at.

use image::{Rgb, RgbImage};

/// Pictures of one size on a grey ground, row by row.
pub struct Sheet {
    image: RgbImage,
    columns: usize,
    cell: usize,
    next: usize,
}

const GAP: usize = 4;

impl Sheet {
    /// A sheet for `count` square pictures of `size` px in rows of `columns`.
    pub fn new(size: usize, columns: usize, count: usize) -> Self {
        let cell = size + GAP;
        let (width, height) = (columns * cell + GAP, count.div_ceil(columns) * cell + GAP);
        Self { image: RgbImage::from_pixel(width as u32, height as u32, Rgb([96; 3])), columns, cell, next: 0 }
    }

    /// Puts the next picture, `[size, size]` pixels.
    pub fn push(&mut self, pixels: impl Iterator<Item = [u8; 3]>) {
        let (column, row) = (self.next % self.columns, self.next / self.columns);
        let size = self.cell - GAP;
        for (at, pixel) in pixels.take(size * size).enumerate() {
            let (x, y) = (GAP + column * self.cell + at % size, GAP + row * self.cell + at / size);
            self.image.put_pixel(x as u32, y as u32, Rgb(pixel));
        }
        self.next += 1;
    }

    /// The sheet as far as it is filled.
    pub fn image(&self) -> &RgbImage {
        &self.image
    }
}
