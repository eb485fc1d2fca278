//! The structure of an image file, looked at before a pixel is decoded: is it whole, is it one still picture, what does it
//! carry. Decoders fill what a cut file lacks with grey; those samples must never count as known.
//!
//! Bytes after the end of the picture are allowed: cameras keep further pictures there.

use std::io::{Read, Seek, SeekFrom};

use fdeflate::Decompressor;

use super::metadata::{Density, Metadata, Native};
use super::{MAX_METADATA, check_metadata, photoshop, unreadable};
use crate::error::{Error, Result};
use crate::room;

/// PNG chunks that hold for any picture of the same size and pixel values, whatever its colour type.
const CARRIED: [&[u8; 4]; 10] =
    [b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"tEXt", b"zTXt", b"iTXt"];

/// How an iTXt chunk of an uncompressed XMP packet begins: keyword, no compression.
pub(super) const PNG_XMP: &[u8] = b"XML:com.adobe.xmp\0\0\0";
/// The same of a compressed one.
const PNG_FOLDED_XMP: &[u8] = b"XML:com.adobe.xmp\0\x01";

/// How segments of JPEG begin: APP0, APP1 with the XMP packet and with what does not fit into it, APP13.
const JFIF: &[u8] = b"JFIF\0";
pub(super) const JPEG_XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const JPEG_MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";

/// Bytes that deflate makes of one, at the most.
const UNFOLDED: u64 = 1032;

/// Copies of metadata that a decoder holds at the most: as it is read, as it is kept and as it is handed over.
pub(super) const COPIES: usize = 3;

/// Walks a PNG: signature, then chunks of length, type, data and CRC up to IEND.
///
/// What it carries is known but for the ICC profile and compressed XMP.
///
/// # Errors
///
/// Input, where the file cannot be read, is cut short or is animated; limits, where its metadata is too long, or memory
/// for a decoder's copies of it cannot be had.
pub(super) fn png(file: &mut (impl Read + Seek)) -> Result<Metadata> {
    let len = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    let cut = || Error::input(format!("cut short: IEND chunk expected, {len} bytes without it found"));
    let mut metadata = Metadata::default();
    let mut chunks = Vec::new();
    let (mut at, mut carried, mut unfolded) = (8, 0, 0);
    loop {
        if at + 8 > len {
            return Err(cut());
        }
        file.seek(SeekFrom::Start(at)).map_err(unreadable)?;
        let mut chunk = vec![0; 8];
        file.read_exact(&mut chunk).map_err(unreadable)?;
        let end = at + be32(&chunk) as u64 + 12;
        if end > len {
            return Err(cut());
        }
        let kind = [chunk[4], chunk[5], chunk[6], chunk[7]];
        let is_carried = CARRIED.contains(&&kind);
        match &kind {
            b"IEND" => {
                room::check(COPIES * (carried as usize + unfolded))?;
                return Ok(Metadata { native: Native::Png(chunks), ..metadata });
            }
            b"acTL" => return Err(animated("PNG")),
            _ if is_carried || matches!(&kind, b"IHDR" | b"eXIf") => {
                carried += end - at;
                check_metadata(usize::try_from(carried).unwrap_or(usize::MAX))?;
                file.take(end - at - 8).read_to_end(&mut chunk).map_err(unreadable)?;
            }
            b"iCCP" => unfolded = unfolding(unfolded, end - at),
            _ => {}
        }
        if is_carried && !may_hold_thumbnail(&kind, &chunk[8..]) {
            room::append(&mut chunks, &chunk)?;
        }
        if chunk.len() >= 12 {
            let data = &chunk[8..chunk.len() - 4];
            match &kind {
                // The colour type.
                b"IHDR" => metadata.has_palette = data.get(9) == Some(&3),
                b"eXIf" => metadata.exif = Some(room::copied(data)?),
                b"pHYs" => metadata.density = Density::of_phys(data),
                b"iTXt" if data.starts_with(PNG_FOLDED_XMP) => unfolded = unfolding(unfolded, end - at),
                b"iTXt" if metadata.xmp.is_none() => metadata.xmp = png_xmp(data).map(room::copied).transpose()?,
                _ => {}
            }
        }
        at = end;
    }
}

/// Whether a text chunk is a profile in hexadecimal digits, as ImageMagick writes them, of a kind that has a thumbnail, which
/// shows what is taken out of the photograph.
fn may_hold_thumbnail(kind: &[u8; 4], chunk: &[u8]) -> bool {
    let profile = chunk.strip_prefix(b"Raw profile type ").unwrap_or_default();
    match profile.strip_prefix(b"iptc\0") {
        Some(text) => !is_iptc_alone(kind, text),
        None => [&b"8bim\0"[..], b"exif\0", b"APP1\0"].iter().any(|name| profile.starts_with(name)),
    }
}

/// Whether the text of a profile by the name of IPTC begins as IPTC does; GraphicsMagick puts all of Photoshop's resources
/// there.
fn is_iptc_alone(kind: &[u8; 4], text: &[u8]) -> bool {
    let mut start = [0; 64];
    let text = match (kind, text) {
        (b"tEXt", text) => text,
        // Behind the method of compression.
        (b"zTXt", [_, folded @ ..]) if Decompressor::new().read(folded, &mut start, 0, true).is_ok() => &start,
        _ => return false,
    };
    // Lines: none, the name, the length, digits.
    text.split(|byte| *byte == b'\n').nth(3).is_some_and(|digits| digits.starts_with(b"1c"))
}

/// The packet of an iTXt chunk: keyword, compression, language, translated keyword, text.
fn png_xmp(chunk: &[u8]) -> Option<&[u8]> {
    let mut parts = chunk.strip_prefix(PNG_XMP)?.splitn(3, |byte| *byte == 0);
    parts.nth(2)
}

/// What a compressed chunk may unfold to, with those before; decoders stop at the most that metadata may be.
fn unfolding(before: usize, chunk: u64) -> usize {
    let unfolded = chunk.saturating_mul(UNFOLDED).min(MAX_METADATA as u64);
    (before + unfolded as usize).min(MAX_METADATA)
}

/// Walks a JPEG: segments of marker and length, entropy-coded data, up to EOI.
///
/// What it carries is known but for ICC profile and EXIF.
///
/// # Errors
///
/// Input, where the file is cut short or is in CMYK; limits, as for PNG.
pub(super) fn jpeg(bytes: &[u8]) -> Result<Metadata> {
    let cut = || cut_short(bytes, "end of image (EOI)");
    let mut metadata = Metadata::default();
    let (mut segments, mut resources) = (Vec::new(), Vec::new());
    let (mut at, mut held) = (2, 0);
    loop {
        // In entropy-coded data 0xFF is followed by 0 or is a restart marker; between segments 0xFF may be repeated.
        let is_marker = |pair: &[u8]| pair[0] == 0xFF && !matches!(pair[1], 0 | 0xD0..=0xD7 | 0xFF);
        at += bytes[at.min(bytes.len())..].windows(2).position(is_marker).ok_or_else(cut)?;
        let marker = bytes[at + 1];
        at += 2;
        match marker {
            0xD9 => break,
            // SOI and TEM have no length.
            0xD8 | 0x01 => continue,
            _ => {}
        }
        let length = bytes.get(at..at + 2).ok_or_else(cut)?;
        let segment = bytes.get(at..at + usize::from(u16::from_be_bytes([length[0], length[1]]))).ok_or_else(cut)?;
        let data = segment.get(2..).unwrap_or_default();
        // A frame header: precision, height, width, components.
        let is_frame = matches!(marker, 0xC0..=0xCF) && !matches!(marker, 0xC4 | 0xC8 | 0xCC);
        if is_frame && data.get(5) == Some(&4) {
            return Err(Error::input("a JPEG in grey or RGB expected, CMYK (4 components) found"));
        }
        match marker {
            0xE0 if data.starts_with(JFIF) => metadata.density = Density::of_jfif(&data[JFIF.len()..]),
            0xE1 if data.starts_with(JPEG_XMP) => {
                if metadata.xmp.is_none() {
                    metadata.xmp = Some(room::copied(&data[JPEG_XMP.len()..])?);
                }
                add_jpeg_segment(&mut segments, marker, data, &[])?;
            }
            0xE1 if data.starts_with(JPEG_MORE_XMP) => add_jpeg_segment(&mut segments, marker, data, &[])?,
            0xED => room::append(&mut resources, data.strip_prefix(photoshop::PREFIX).unwrap_or_default())?,
            // A comment.
            0xFE => add_jpeg_segment(&mut segments, marker, data, &[])?,
            _ => {}
        }
        if matches!(marker, 0xE0..=0xEF | 0xFE) {
            held += segment.len();
        }
        check_metadata(segments.len() + resources.len())?;
        at += segment.len();
    }
    photoshop::carry(&mut resources);
    for part in resources.chunks(photoshop::MAX_PART) {
        add_jpeg_segment(&mut segments, 0xED, photoshop::PREFIX, part)?;
    }
    room::check(COPIES * held)?;
    Ok(Metadata { native: Native::Jpeg(segments), ..metadata })
}

/// Adds a segment of JPEG: marker, length, data of at most 65,533 bytes, in two parts.
pub(super) fn add_jpeg_segment(segments: &mut Vec<u8>, marker: u8, data: &[u8], more: &[u8]) -> Result<()> {
    let length = u16::try_from(data.len() + more.len() + 2).expect("no segment is longer");
    let [high, low] = length.to_be_bytes();
    [&[0xFF, marker, high, low], data, more].into_iter().try_for_each(|part| room::append(segments, part))
}

/// Walks a WebP: a RIFF whose length counts all that follows it, in chunks of type, length and data, padded to even.
///
/// # Errors
///
/// Input, where the file is cut short or is animated; limits, as for PNG.
pub(super) fn webp(bytes: &[u8]) -> Result<()> {
    let total = bytes.get(4..8).map_or(usize::MAX, le32).saturating_add(8);
    let cut = || cut_short(bytes, &format!("RIFF container of {total} bytes"));
    let mut rest = bytes.get(12..total).ok_or_else(cut)?;
    let (mut canvas, mut carried) = (None, 0);
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        if matches!(&head[..4], b"ANIM" | b"ANMF") {
            return Err(animated("WebP"));
        }
        let length = le32(&head[4..]);
        if length > tail.len() {
            return Err(cut());
        }
        match (&head[..4], tail) {
            (b"ICCP" | b"EXIF" | b"XMP ", _) => {
                carried += length;
                check_metadata(carried)?;
            }
            (b"VP8X", [_, _, _, _, size @ ..]) if size.len() >= 6 => {
                let side = |at: usize| u32::from_le_bytes([size[at], size[at + 1], size[at + 2], 0]) + 1;
                canvas = Some((side(0), side(3)));
            }
            // The decoder takes memory for the frame before it sees that the sizes differ.
            (b"VP8 ", [_, _, _, _, _, _, size @ ..]) if size.len() >= 4 => {
                let side = |at: usize| u32::from(u16::from_le_bytes([size[at], size[at + 1]]) & 0x3FFF);
                let frame = (side(0), side(2));
                if let Some((width, height)) = canvas.filter(|canvas| *canvas != frame) {
                    let (w, h) = frame;
                    return Err(Error::input(format!("a frame of {width}×{height} expected, {w}×{h} found")));
                }
            }
            _ => {}
        }
        rest = &tail[length.next_multiple_of(2).min(tail.len())..];
    }
    room::check(COPIES * carried)
}

fn be32(bytes: &[u8]) -> usize {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
}

fn le32(bytes: &[u8]) -> usize {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
}

fn cut_short(bytes: &[u8], expected: &str) -> Error {
    Error::input(format!("cut short: {expected} expected, {} bytes without it found", bytes.len()))
}

pub(super) fn animated(format: &str) -> Error {
    Error::input(format!("a still picture expected, an animated {format} found"))
}
