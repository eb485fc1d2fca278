//! Decodes JPEG as libjpeg does, but strictly: it refuses damaged and cut files, where libjpeg warns and draws grey.

mod blocks;
mod fault;
mod frame;
mod photoshop;
mod planes;
mod scan;
mod segments;
mod sequential;
mod write;

use std::borrow::Cow;

use image::{DynamicImage, GrayImage, RgbImage};
use inpaint_edge::{Error, Result, alloc};
use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder};

use self::planes::{Painter, Plane};

use crate::exif;
use crate::fault::damaged;
use crate::header::Header;
use crate::limits::{MAX_SIDE, check_size};
use crate::metadata::Metadata;

pub(crate) use blocks::Original;
pub(crate) use segments::{Contents, read as contents};
pub(crate) use write::write;

/// The header, with the memory that decoding takes, `bytes` included.
pub(crate) fn header(bytes: &[u8], contents: &Contents) -> Result<Header> {
    let Contents { frame, metadata, .. } = contents;
    if frame.width.max(frame.height) > MAX_SIDE as usize {
        return Err(Error::limits(format!("expected at most {MAX_SIDE} pixels a side, found more")));
    }
    let channels = frame.components.len();
    let pixels = frame.width as u64 * frame.height as u64 * channels as u64;
    check_size(pixels)?;
    // In whole MCUs, a narrow picture may take many times its pixels.
    check_size(frame.samples() as u64)?;
    let samples = frame.samples();
    let decoder = match frame.is_sequential() {
        true => sequential::plane_bytes(contents),
        // First coefficients of 16 bits and a number per block, with the planes; then the planes, with the pixels.
        false => (3 * samples + samples / 64).saturating_sub(pixels as usize).max(samples),
    };
    let decoder_bytes = bytes.len() + metadata.copies() + contents.table_bytes + Painter::bytes(frame) + decoder;
    let size = Header::of_stored((frame.width as u32, frame.height as u32), exif::orientation(metadata));
    let (kept_bytes, block_bytes) = match Original::can_be(contents) {
        true => (bytes.len() + sequential::mark_bytes(contents), blocks::encoder_bytes(bytes.len(), contents)),
        false => (0, 0),
    };
    let has_seal = contents.seal.is_some();
    Ok(Header { channels, decoder_bytes, kept_bytes, block_bytes, has_seal, ..size })
}

/// Decodes to grey or RGB of 8 bits, and keeps the file.
pub(crate) fn decode(bytes: Cow<[u8]>, contents: Contents) -> Result<(DynamicImage, Metadata, Option<Original>)> {
    let header = header(&bytes, &contents)?;
    alloc::try_alloc(header.decode_bytes() - bytes.len())?;
    let frame = &contents.frame;
    let size = frame.width * frame.height * header.channels;
    let mut marks = Vec::new();
    let data = if frame.is_sequential() {
        let mut data = alloc::try_filled(0, size)?;
        marks = sequential::decode(&bytes, &contents, &mut data)?;
        data
    } else {
        let planes = planes_of(&bytes, &contents)?;
        let mut painter = Painter::new(frame, contents.is_rgb)?;
        let mut data = alloc::try_filled(0, size)?;
        let lines = data.chunks_exact_mut(size / frame.height);
        lines.enumerate().for_each(|(y, line)| painter.paint(&planes, y, line));
        data
    };
    let (width, height) = (frame.width as u32, frame.height as u32);
    let pixels = match header.channels {
        1 => GrayImage::from_raw(width, height, data).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, data).map(DynamicImage::from),
    };
    let original = if Original::can_be(&contents) {
        let bytes = match bytes {
            Cow::Owned(bytes) => bytes,
            Cow::Borrowed(bytes) => alloc::try_to_vec(bytes)?,
        };
        Some(Original::new(bytes, &contents, marks))
    } else {
        None
    };
    Ok((pixels.expect("a sample per pixel and channel"), contents.metadata, original))
}

/// The planes of a progressive picture, or of one in arithmetic coding.
fn planes_of(bytes: &[u8], contents: &Contents) -> Result<Vec<Plane>> {
    if contents.has_changing_tables {
        let kind = "one whose tables change from scan to scan";
        return Err(Error::input(format!("expected a progressive JPEG of one table a component, found {kind}")));
    }
    let side = MAX_SIDE as usize;
    let limits = DecodeLimits { max_width: side, max_height: side, max_pixels: u64::MAX, ..DecodeLimits::default() };
    let decoder = Decoder::new_with_limits(bytes, limits);
    let (raw, warnings) = decoder.and_then(Decoder::decode_raw_with_warnings).map_err(fault::failed)?;
    if let Some(warning) = warnings.iter().find(|w| !matches!(w, DecodeWarning::ExtraneousData { .. })) {
        return Err(damaged(warning));
    }
    let frame = &contents.frame;
    let (across, down) = frame.mcus();
    let expected = frame.components.iter().map(|c| (8 * c.h * across, 8 * c.v * down));
    if !raw.plane_widths.iter().copied().zip(raw.plane_heights).eq(expected) {
        return Err(damaged("expected segments that all readers tell apart in the same way, found others"));
    }
    Ok(raw.planes.into_iter().zip(raw.plane_widths).map(|(data, stride)| Plane::of_samples(data, stride)).collect())
}
