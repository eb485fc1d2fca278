//! JPEG, decoded strictly: the `image` crate's decoder draws grey where the data is damaged.

use ::image::{DynamicImage, GrayImage, ImageFormat, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::{Decoded, Header, MAX_SIDE, check_size};
use crate::error::{Error, Result};

fn decoder(bytes: &[u8]) -> Result<JpegDecoder<ZCursor<&[u8]>>> {
    let options = DecoderOptions::default()
        .set_strict_mode(true)
        .set_max_width(MAX_SIDE as usize)
        .set_max_height(MAX_SIDE as usize);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().map_err(decode_error)?;
    Ok(decoder)
}

/// What decoding takes, `bytes` included.
pub(super) fn header(bytes: &[u8]) -> Result<Header> {
    super::structure::check(bytes, ImageFormat::Jpeg)?;
    let decoder = decoder(bytes)?;
    let (width, height) = decoder.dimensions().expect("the headers are decoded");
    let channels = if decoder.input_colorspace() == Some(ColorSpace::Luma) { 1 } else { 3 };
    check_size(width as u64 * height as u64 * channels as u64)?;
    // A progressive file is decoded from the coefficients of the whole image, 16 bits each, in blocks of up to 32 pixels.
    let blocks = width.next_multiple_of(32) * height.next_multiple_of(32);
    let coefficients = if decoder.info().is_some_and(|i| i.sof.is_progressive()) { 2 * channels * blocks } else { 0 };
    let orientation = super::orientation_of(decoder.exif().map(Vec::as_slice));
    let size = super::turned((width as u32, height as u32), orientation);
    Ok(Header { channels, decoder_bytes: bytes.len() + coefficients, ..size })
}

/// Decodes to grey or RGB of 8 bits.
pub(super) fn decode(bytes: &[u8]) -> Result<Decoded> {
    super::check_memory(header(bytes)?.decode_bytes() - bytes.len())?;
    let mut decoder = decoder(bytes)?;
    let (width, height) = decoder.dimensions().expect("the headers are decoded");
    let grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let (space, channels) = if grey { (ColorSpace::Luma, 1) } else { (ColorSpace::RGB, 3) };
    check_size(width as u64 * height as u64 * channels)?;
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let mut data = Vec::new();
    let size = decoder.output_buffer_size().expect("the headers are decoded");
    data.try_reserve_exact(size).map_err(|_| Error::limits(format!("no memory for {size} bytes")))?;
    data.resize(size, 0);
    decoder.decode_into(&mut data).map_err(decode_error)?;
    let (width, height) = (width as u32, height as u32);
    let pixels = match grey {
        true => GrayImage::from_raw(width, height, data).map(DynamicImage::from),
        false => RgbImage::from_raw(width, height, data).map(DynamicImage::from),
    };
    let pixels = pixels.expect("a sample per pixel and channel");
    Ok((pixels, decoder.icc_profile(), decoder.exif().cloned()))
}

fn decode_error(e: DecodeErrors) -> Error {
    super::damaged(match e {
        DecodeErrors::Format(detail) => detail,
        DecodeErrors::FormatStatic(detail) => detail.to_owned(),
        other => format!("{other:?}"),
    })
}
