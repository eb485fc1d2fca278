//! Decodes JPEG as libjpeg does, but strictly: it refuses damaged and cut files, where libjpeg warns and draws grey.

mod blocks;
mod cells;
mod fault;
mod frame;
mod photoshop;
mod planes;
mod scan;
mod segments;
mod sequential;
mod write;

use std::borrow::Cow;

use image::metadata::Orientation;
use image::{DynamicImage, GrayImage, RgbImage};
use inpaint_edge::{Error, Mask, Result, alloc};
use libjpeg_turbo_rs::{DecodeLimits, DecodeWarning, Decoder};

use self::planes::{Painter, Plane};

use crate::exif;
use crate::fault::damaged;
use crate::header::Header;
use crate::limits::{MAX_SIDE, check_size};

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
    let (has_seal, in_part) = (contents.seal.is_some(), in_part(contents));
    Ok(Header { channels, decoder_bytes, kept_bytes, block_bytes, has_seal, in_part, ..size })
}

/// Whether [`decode`] can leave out what is not seen.
pub(crate) fn in_part(contents: &Contents) -> bool {
    contents.frame.is_sequential() && contents.is_interleaved
}

/// The part of a file that [`decode`] decodes where only `seen` counts, a mask that is upright by `orientation`; `None` is all.
pub(crate) fn part_of(seen: Mask, contents: &Contents, orientation: Orientation) -> Option<Mask> {
    let frame = &contents.frame;
    let size = Header::of_stored((frame.width as u32, frame.height as u32), orientation);
    let is_its_size = (seen.width(), seen.height()) == (size.width as usize, size.height as usize);
    (in_part(contents) && is_its_size && seen.count() < frame.width * frame.height).then_some(seen)
}

/// Decodes to grey or RGB of 8 bits, upright by `orientation`, and keeps the file. Leaves black what is not in a [part](part_of).
pub(crate) fn decode(
    bytes: Cow<[u8]>,
    (contents, header): (&Contents, &Header),
    orientation: Orientation,
    part: Option<&Mask>,
) -> Result<(DynamicImage, Option<Original>)> {
    let frame = &contents.frame;
    let channels = frame.components.len();
    let size = frame.width * frame.height * channels;
    let mut marks = Vec::new();
    let data = if frame.is_sequential() {
        let mut data = alloc::try_zeroed(size)?;
        marks = sequential::decode(&bytes, contents, &mut data, part.map(|part| (part, orientation)))?;
        data
    } else {
        let planes = planes_of(&bytes, contents)?;
        let mut painter = Painter::new(frame, contents.is_rgb)?;
        let mut data = alloc::try_zeroed(size)?;
        let lines = data.chunks_exact_mut(size / frame.height);
        lines.enumerate().for_each(|(y, line)| painter.paint(&planes, y, line));
        data
    };
    let pixels = match part {
        Some(part) if orientation != Orientation::NoTransforms => {
            let upright = turned_part(&data, (frame.width, channels), part, orientation)?;
            pixels_of(upright, (part.width(), part.height()), channels)
        }
        _ => {
            let mut stored = pixels_of(data, (frame.width, frame.height), channels);
            exif::turn(&mut stored, orientation)?;
            stored
        }
    };
    let original = if Original::can_be(contents) {
        let bytes = match bytes {
            Cow::Owned(bytes) => bytes,
            Cow::Borrowed(bytes) => alloc::try_to_vec(bytes)?,
        };
        Some(Original::new(bytes, contents, marks, header.block_bytes))
    } else {
        None
    };
    Ok((pixels, original))
}

fn pixels_of(data: Vec<u8>, (width, height): (usize, usize), channels: usize) -> DynamicImage {
    let (width, height) = (width as u32, height as u32);
    let pixels = match channels {
        1 => GrayImage::from_raw(width, height, data).map(DynamicImage::from),
        _ => RgbImage::from_raw(width, height, data).map(DynamicImage::from),
    };
    pixels.expect("a sample per pixel and channel")
}

/// A part of stored pixels, turned upright by `orientation`; all else is black.
fn turned_part(
    stored: &[u8],
    (stored_width, channels): (usize, usize),
    part: &Mask,
    orientation: Orientation,
) -> Result<Vec<u8>> {
    let mut upright = alloc::try_zeroed(stored.len())?;
    let size = (part.width(), part.height());
    let back = exif::inverse(orientation);
    for y in 0..size.1 {
        for x in part.runs(y, 0..size.0).flatten() {
            let (from_x, from_y) = cells::turned((x, y), size, back);
            let [to, from] = [y * size.0 + x, from_y * stored_width + from_x].map(|pixel| pixel * channels);
            upright[to..to + channels].copy_from_slice(&stored[from..from + channels]);
        }
    }
    Ok(upright)
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
