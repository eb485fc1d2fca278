//! Image files: decode by content, work upright, encode with the metadata carried, replace the target in one step.

mod atomic;
mod fill;

use std::io::Cursor;
use std::path::Path;

use ::image::codecs::jpeg::JpegEncoder;
use ::image::codecs::png::{CompressionType, FilterType, PngEncoder};
use ::image::codecs::webp::WebPEncoder;
use ::image::metadata::Orientation;
use ::image::{DynamicImage, GrayImage, ImageDecoder, ImageEncoder, ImageError, ImageFormat, ImageReader, Limits};

use crate::error::{Error, ErrorKind, Result};

pub use atomic::write_atomically;

/// The most pixels a side of an image file, and the most bytes its pixels may take.
const MAX_SIDE: u32 = 65_535;
const MAX_BYTES: u64 = 4 << 30;

/// A decoded image file: pixels as stored, and what is carried to the output.
///
/// Palettes become RGB or RGBA, 1-, 2- and 4-bit grey becomes 8-bit by exact scaling; 16 bits stay 16 bits.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Grey, grey + alpha, RGB or RGBA with 8 or 16 bits, upright.
    pub pixels: DynamicImage,
    /// EXIF orientation that `pixels` has been turned by.
    orientation: Orientation,
    icc: Option<Vec<u8>>,
    exif: Option<Vec<u8>>,
}

/// A format that results can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Lossless, 8 and 16 bits.
    Png,
    /// Lossless, 8 bits.
    WebP,
    /// Lossy, 8 bits, no alpha; quality 1 … 100.
    Jpeg(u8),
}

impl OutputFormat {
    /// By file name ending.
    ///
    /// # Errors
    ///
    /// Usage, where the ending is none of png, webp, jpg and jpeg.
    pub fn of_path(path: &Path, jpeg_quality: u8) -> Result<Self> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
        match &*ending {
            "png" => Ok(Self::Png),
            "webp" => Ok(Self::WebP),
            "jpg" | "jpeg" => Ok(Self::Jpeg(jpeg_quality)),
            _ => Err(Error::usage(format!("a name ending in .png, .webp, .jpg or .jpeg expected, {ending:?} found"))),
        }
    }
}

impl Photo {
    /// Decodes a PNG, JPEG or WebP file, known by its content.
    ///
    /// # Errors
    ///
    /// Input, where `bytes` is no such file or is damaged; limits, where it is too large.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        let reader = ImageReader::new(Cursor::new(bytes)).with_guessed_format();
        let mut reader = reader.map_err(|e| Error::input(format!("cannot be read: {e}")))?;
        if !matches!(reader.format(), Some(ImageFormat::Png | ImageFormat::Jpeg | ImageFormat::WebP)) {
            return Err(Error::input(format!(
                "a PNG, JPEG or WebP file expected, {} bytes of neither found",
                bytes.len()
            )));
        }
        let mut limits = Limits::no_limits();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_BYTES);
        reader.limits(limits);
        let mut decoder = reader.into_decoder().map_err(decode_error)?;
        let icc = decoder.icc_profile().map_err(decode_error)?;
        let exif = decoder.exif_metadata().map_err(decode_error)?;
        let orientation = decoder.orientation().map_err(decode_error)?;
        let mut pixels = DynamicImage::from_decoder(decoder).map_err(decode_error)?;
        pixels.apply_orientation(orientation);
        Ok(Self { pixels, orientation, icc, exif })
    }

    /// The image as one 8-bit grey plane, upright: how a mask is read. Colour by its luma, 16 bits by their high byte,
    /// alpha left out.
    pub fn into_mask(self) -> GrayImage {
        match self.pixels {
            DynamicImage::ImageLuma16(grey) => {
                let (width, height) = grey.dimensions();
                let high = grey.into_raw().into_iter().map(|v| (v >> 8) as u8).collect();
                GrayImage::from_raw(width, height, high).expect("one byte a pixel")
            }
            other => other.into_luma8(),
        }
    }

    /// The same file with other pixels, upright.
    pub fn with_pixels(&self, pixels: DynamicImage) -> Self {
        Self { pixels, orientation: self.orientation, icc: self.icc.clone(), exif: self.exif.clone() }
    }

    /// The pixels turned back to how the file stores them.
    pub fn stored(&self) -> DynamicImage {
        let mut pixels = self.pixels.clone();
        pixels.apply_orientation(match self.orientation {
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            mirrored => mirrored,
        });
        pixels
    }

    /// Encodes the stored pixels with the ICC profile and the EXIF block, both byte for byte.
    ///
    /// # Errors
    ///
    /// Usage, where the format cannot hold these pixels.
    pub fn encode(&self, format: OutputFormat) -> Result<Vec<u8>> {
        let stored = self.stored();
        let mut out = Vec::new();
        match format {
            OutputFormat::Png => {
                self.write(PngEncoder::new_with_quality(&mut out, CompressionType::Fast, FilterType::Adaptive), &stored)
            }
            OutputFormat::WebP => self.write(WebPEncoder::new_lossless(&mut out), &stored),
            OutputFormat::Jpeg(quality) => self.write(JpegEncoder::new_with_quality(&mut out, quality), &stored),
        }?;
        Ok(out)
    }

    fn write(&self, mut encoder: impl ImageEncoder, stored: &DynamicImage) -> Result<()> {
        let fail = |e: &dyn std::fmt::Display| Error::usage(format!("this format cannot hold the image: {e}"));
        if let Some(icc) = &self.icc {
            encoder.set_icc_profile(icc.clone()).map_err(|e| fail(&e))?;
        }
        if let Some(exif) = &self.exif {
            encoder.set_exif_metadata(exif.clone()).map_err(|e| fail(&e))?;
        }
        let (width, height) = (stored.width(), stored.height());
        encoder.write_image(stored.as_bytes(), width, height, stored.color().into()).map_err(|e| fail(&e))
    }
}

fn decode_error(e: ImageError) -> Error {
    let kind = if matches!(e, ImageError::Limits(_)) { ErrorKind::Limits } else { ErrorKind::Input };
    Error::new(kind, format!("cannot be decoded: {e}").replace('\n', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn photo(orientation: Orientation) -> Photo {
        let mut n = 0u8;
        let pixels = ::image::RgbImage::from_fn(5, 3, |_, _| {
            n += 1;
            ::image::Rgb([n, n + 50, n + 100])
        });
        let mut upright = DynamicImage::from(pixels);
        upright.apply_orientation(orientation);
        Photo { pixels: upright, orientation, icc: None, exif: None }
    }

    #[test]
    fn every_orientation_turns_back() {
        for tag in 1..=8 {
            let orientation = Orientation::from_exif(tag).unwrap();
            assert_eq!(photo(orientation).stored(), photo(Orientation::NoTransforms).pixels, "orientation {tag}");
        }
    }

    #[test]
    fn formats_that_lose_channels_refuse() {
        let deep = photo(Orientation::NoTransforms).with_pixels(DynamicImage::new_rgb16(2, 2));
        assert!(deep.encode(OutputFormat::Png).is_ok());
        assert_eq!(deep.encode(OutputFormat::WebP).unwrap_err().kind(), ErrorKind::Usage);
        let clear = photo(Orientation::NoTransforms).with_pixels(DynamicImage::new_rgba8(2, 2));
        assert!(clear.encode(OutputFormat::WebP).is_ok());
        assert_eq!(clear.encode(OutputFormat::Jpeg(95)).unwrap_err().kind(), ErrorKind::Usage);
    }

    #[test]
    fn endings_name_the_format() {
        assert_eq!(OutputFormat::of_path(Path::new("a.PNG"), 95), Ok(OutputFormat::Png));
        assert_eq!(OutputFormat::of_path(Path::new("a.jpeg"), 80), Ok(OutputFormat::Jpeg(80)));
        assert!(OutputFormat::of_path(Path::new("a.tiff"), 95).unwrap_err().to_string().contains("\"tiff\""));
    }
}
