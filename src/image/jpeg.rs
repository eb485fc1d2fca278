//! JPEG, decoded strictly: the `image` crate's decoder draws grey where the data is damaged.

use std::io::{self, Write};

use ::image::codecs::jpeg::JpegEncoder;
use ::image::{DynamicImage, GrayImage, ImageEncoder, ImageError, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::errors::DecodeErrors;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use super::metadata::{Metadata, Native};
use super::structure::{self, JPEG_XMP, add_jpeg_segment};
use super::{Header, MAX_SIDE, cannot_hold, check_size, exif, unwritable};
use crate::error::{Error, Result};
use crate::room;

/// Bytes of a segment's content.
const MAX_SEGMENT: usize = 65_533;
/// SOI and the JFIF header, with which every file begins that the encoder writes.
const HEAD: usize = 2 + 18;

type Decoder<'a> = JpegDecoder<ZCursor<&'a [u8]>>;

fn decoder(bytes: &[u8]) -> Result<Decoder<'_>> {
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
    Ok(opened(bytes)?.2)
}

/// A decoder past the headers, what the file carries, and what decoding takes.
fn opened(bytes: &[u8]) -> Result<(Decoder<'_>, Metadata, Header)> {
    let metadata = structure::jpeg(bytes)?;
    let decoder = decoder(bytes)?;
    let exif = decoder.exif().map(|exif| room::copied(exif).and_then(exif::carried)).transpose()?;
    let metadata = Metadata { icc: decoder.icc_profile(), exif, ..metadata };
    let (width, height) = decoder.dimensions().expect("the headers are decoded");
    let channels = if decoder.input_colorspace() == Some(ColorSpace::Luma) { 1 } else { 3 };
    check_size(width as u64 * height as u64 * channels as u64)?;
    // A progressive file is decoded from the coefficients of the whole image, 16 bits each, in blocks of up to 32 pixels.
    let blocks = width.next_multiple_of(32) * height.next_multiple_of(32);
    let coefficients = if decoder.info().is_some_and(|i| i.sof.is_progressive()) { 2 * channels * blocks } else { 0 };
    let orientation = exif::orientation(metadata.exif.as_deref());
    let size = super::turned((width as u32, height as u32), orientation);
    let header = Header { channels, decoder_bytes: bytes.len() + metadata.copies() + coefficients, ..size };
    Ok((decoder, metadata, header))
}

/// Decodes to grey or RGB of 8 bits.
pub(super) fn decode(bytes: &[u8]) -> Result<(DynamicImage, Metadata)> {
    let (mut decoder, metadata, header) = opened(bytes)?;
    room::check(header.decode_bytes() - bytes.len())?;
    let (width, height) = decoder.dimensions().expect("the headers are decoded");
    let grey = header.channels == 1;
    let space = if grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(decoder.options().jpeg_set_out_colorspace(space));
    let mut data = room::filled(0, decoder.output_buffer_size().expect("the headers are decoded"))?;
    decoder.decode_into(&mut data).map_err(decode_error)?;
    let (width, height) = (width as u32, height as u32);
    let pixels = match grey {
        true => GrayImage::from_raw(width, height, data).map(DynamicImage::from),
        false => RgbImage::from_raw(width, height, data).map(DynamicImage::from),
    };
    Ok((pixels.expect("a sample per pixel and channel"), metadata))
}

/// Writes grey or RGB of 8 bits.
pub(super) fn write(out: &mut dyn Write, pixels: &DynamicImage, metadata: &Metadata, quality: u8) -> Result<()> {
    let mut of_xmp = Vec::new();
    let segments = match (&metadata.native, &metadata.xmp) {
        (Native::Jpeg(segments), _) => segments,
        (_, Some(xmp)) => {
            add_xmp(&mut of_xmp, xmp)?;
            &of_xmp
        }
        _ => &of_xmp,
    };
    // The EXIF segment is to be the first after the JFIF header.
    let exif = metadata.exif.as_ref().map_or(0, |exif| 10 + exif.len());
    let mut encoder = JpegEncoder::new_with_quality(Insert { out, after: HEAD + exif, insert: segments }, quality);
    if let Some(density) = metadata.density.and_then(|density| density.jfif()) {
        encoder.set_pixel_density(density);
    }
    if let Some(icc) = &metadata.icc {
        encoder.set_icc_profile(room::copied(icc)?).map_err(cannot_hold)?;
    }
    if let Some(exif) = &metadata.exif {
        let (most, found) = (MAX_SEGMENT - 6, exif.len());
        if found > most {
            return Err(cannot_hold(format!("EXIF of at most {most} bytes expected, {found} found")));
        }
        encoder.set_exif_metadata(room::copied(exif)?).map_err(cannot_hold)?;
    }
    let (width, height) = (pixels.width(), pixels.height());
    encoder.write_image(pixels.as_bytes(), width, height, pixels.color().into()).map_err(|e| match e {
        ImageError::IoError(e) => unwritable(e),
        e => cannot_hold(e),
    })
}

fn add_xmp(segments: &mut Vec<u8>, xmp: &[u8]) -> Result<()> {
    let most = MAX_SEGMENT - JPEG_XMP.len();
    if xmp.len() > most {
        return Err(cannot_hold(format!("XMP of at most {most} bytes expected, {} found", xmp.len())));
    }
    add_jpeg_segment(segments, 0xE1, JPEG_XMP, xmp)
}

/// Passes on what is written, and behind the first `after` bytes of it what is to be inserted.
struct Insert<'a> {
    out: &'a mut dyn Write,
    after: usize,
    insert: &'a [u8],
}

impl Write for Insert<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.after == 0 {
            self.out.write_all(std::mem::take(&mut self.insert))?;
            return self.out.write(bytes);
        }
        let written = self.out.write(&bytes[..bytes.len().min(self.after)])?;
        self.after -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

fn decode_error(e: DecodeErrors) -> Error {
    super::damaged(match e {
        DecodeErrors::Format(detail) => detail,
        DecodeErrors::FormatStatic(detail) => detail.to_owned(),
        other => format!("{other:?}"),
    })
}
