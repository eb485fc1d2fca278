//! Where the numbers of a batch of feature maps lie.

/// `n` feature maps, each `[height + 2·halo, width + 2·halo, channels]`, in one buffer. The halo holds zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Map {
    /// Images.
    pub n: usize,
    /// Pixels from top to bottom, without the halo.
    pub height: usize,
    /// Pixels from left to right, without the halo.
    pub width: usize,
    /// Numbers of a pixel.
    pub channels: usize,
    /// Pixels around each image.
    pub halo: usize,
}

impl Map {
    /// Numbers of a row, with the halo.
    pub fn row_stride(&self) -> usize {
        (self.width + 2 * self.halo) * self.channels
    }

    /// Numbers of an image, with the halo.
    pub fn image_len(&self) -> usize {
        (self.height + 2 * self.halo) * self.row_stride()
    }

    /// Numbers of the batch.
    #[allow(clippy::len_without_is_empty)] // A map is never empty.
    pub fn len(&self) -> usize {
        self.n * self.image_len()
    }

    /// Pixels of the batch, without halos.
    pub fn pixels(&self) -> usize {
        self.n * self.height * self.width
    }

    /// First number of the pixel (x, y) of an image; `-halo` ≤ x, y.
    pub fn at(&self, image: usize, y: isize, x: isize) -> usize {
        let halo = self.halo as isize;
        debug_assert!(y >= -halo && x >= -halo);
        image * self.image_len() + (y + halo) as usize * self.row_stride() + (x + halo) as usize * self.channels
    }

    /// Numbers of a row of an image, without the halo.
    pub fn row(&self, image: usize, y: usize) -> std::ops::Range<usize> {
        let first = self.at(image, y as isize, 0);
        first..first + self.width * self.channels
    }
}
