//! A decoded photograph and its halved copies.

use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage};
use std::{fs, io::Cursor, path::Path};

/// A photograph with a shorter side than this teaches nothing.
pub const SMALLEST: usize = 32;

/// An RGB picture of 8 bits a channel, `[height, width, 3]`.
pub(super) struct Level {
    pub width: usize,
    pub height: usize,
    pub pixels: Vec<u8>,
}

/// A photograph as a pyramid: each level half the size of the one before, 2×2 box-filtered (Williams 1983).
pub struct Photo {
    levels: Vec<Level>,
}

impl Photo {
    /// Decodes a JPEG, PNG or WebP file, turned upright as its EXIF orientation says.
    ///
    /// # Errors
    /// What is wrong with the file: unreadable, broken, or smaller than [`SMALLEST`] px.
    pub fn decode(path: &Path) -> Result<Self, String> {
        let bytes = fs::read(path).map_err(|error| error.to_string())?;
        let read = || {
            let mut decoder = ImageReader::new(Cursor::new(&bytes)).with_guessed_format()?.into_decoder()?;
            let orientation = decoder.orientation()?;
            let mut image = DynamicImage::from_decoder(decoder)?;
            image.apply_orientation(orientation);
            Ok(image.into_rgb8())
        };
        let image = read().map_err(|error: image::ImageError| error.to_string())?;
        match image.width().min(image.height()) as usize {
            side if side < SMALLEST => Err(format!("shorter side: expected at least {SMALLEST} px, found {side}")),
            _ => Ok(Self::from(image)),
        }
    }

    /// Columns of the full picture.
    pub fn width(&self) -> usize {
        self.levels[0].width
    }

    /// Rows of the full picture.
    pub fn height(&self) -> usize {
        self.levels[0].height
    }

    /// Memory the pixels take, all levels.
    pub fn bytes(&self) -> usize {
        self.levels.iter().map(|level| level.pixels.len()).sum()
    }

    /// The level halved `n` times, or the smallest there is, and how often that one is halved.
    pub(super) fn level(&self, n: usize) -> (&Level, usize) {
        let n = n.min(self.levels.len() - 1);
        (&self.levels[n], n)
    }
}

impl From<RgbImage> for Photo {
    fn from(image: RgbImage) -> Self {
        let (width, height) = (image.width() as usize, image.height() as usize);
        let mut levels = vec![Level { width, height, pixels: image.into_raw() }];
        while let last = &levels[levels.len() - 1]
            && last.width.min(last.height) >= 2 * SMALLEST
        {
            levels.push(halved(last));
        }
        Self { levels }
    }
}

/// Means of 2×2 pixels, halves rounded up; an odd last row or column is left out.
fn halved(level: &Level) -> Level {
    let (width, height) = (level.width / 2, level.height / 2);
    let mut pixels = Vec::with_capacity(width * height * 3);
    for rows in level.pixels.chunks_exact(2 * level.width * 3) {
        let (above, below) = rows.split_at(level.width * 3);
        for (a, b) in above.chunks_exact(6).zip(below.chunks_exact(6)) {
            pixels.extend((0..3).map(|c| {
                let sum = u16::from(a[c]) + u16::from(a[c + 3]) + u16::from(b[c]) + u16::from(b[c + 3]);
                ((sum + 2) / 4) as u8
            }));
        }
    }
    Level { width, height, pixels }
}
