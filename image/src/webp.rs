//! Writes lossless WebP with the encoder that the `image` crate uses, but with XMP, which that crate leaves out.

use std::io::Write;

use ::image_webp::{EncodingError, WebPEncoder};
use image::{ColorType, DynamicImage};
use inpaint_edge::{Result, alloc};

use crate::fault::{cannot_hold, unencodable, unwritable};
use crate::metadata::Metadata;

/// Writes pixels of 8 bits.
pub(crate) fn write(out: &mut dyn Write, pixels: &DynamicImage, metadata: &Metadata) -> Result<()> {
    let color = match pixels.color() {
        ColorType::L8 => ::image_webp::ColorType::L8,
        ColorType::La8 => ::image_webp::ColorType::La8,
        ColorType::Rgb8 => ::image_webp::ColorType::Rgb8,
        ColorType::Rgba8 => ::image_webp::ColorType::Rgba8,
        _ => return Err(cannot_hold("expected 8 bits a sample, found 16")),
    };
    let mut encoder = WebPEncoder::new(out);
    let copied = |block: &Option<Vec<u8>>| alloc::try_to_vec(block.as_deref().unwrap_or_default());
    encoder.set_icc_profile(copied(&metadata.icc)?);
    encoder.set_exif_metadata(copied(&metadata.exif)?);
    encoder.set_xmp_metadata(copied(&metadata.xmp)?);
    encoder.encode(pixels.as_bytes(), pixels.width(), pixels.height(), color).map_err(|e| match e {
        EncodingError::IoError(e) => unwritable(e),
        e => unencodable(e),
    })
}
