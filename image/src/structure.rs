//! Checks a PNG or WebP before a pixel is decoded: is it whole, is it one still picture, which metadata does it carry.
//! Decoders fill what a cut file lacks with grey; those samples must never count as known.
//!
//! Bytes after the end of the picture are allowed: cameras keep further pictures there.

use std::io::{Read, Seek, SeekFrom};

use inpaint_edge::{Error, Result, alloc};

use crate::fault::{animated, cut_short, unreadable};
use crate::limits::{MAX_METADATA, check_metadata};
use crate::metadata::{COPIES, Density, Metadata, Native};
use crate::{raw_profile, xmp};

/// PNG chunks that stay true for every picture of the same size and pixel values, whatever its colour type.
const CARRIED: [&[u8; 4]; 10] =
    [b"gAMA", b"cHRM", b"sRGB", b"cICP", b"mDCV", b"cLLI", b"pHYs", b"tEXt", b"zTXt", b"iTXt"];

/// How an iTXt chunk of an uncompressed XMP packet begins: keyword, no compression.
pub(crate) const PNG_XMP: &[u8] = b"XML:com.adobe.xmp\0\0\0";
/// The same for a compressed packet.
const PNG_FOLDED_XMP: &[u8] = b"XML:com.adobe.xmp\0\x01";

/// The most bytes that one byte of deflate unpacks to.
const UNFOLDED: u64 = 1032;

/// Walks a PNG: signature, then chunks of length, type, data and CRC up to IEND. Leaves `file` at its first byte.
///
/// Returns the metadata, except the ICC profile and compressed XMP, which the decoder reads.
///
/// # Errors
///
/// Input, if the file cannot be read, is cut short or is animated; limits, if its metadata is too long, or memory for a
/// decoder's copies of it runs out.
pub(crate) fn png(file: &mut (impl Read + Seek)) -> Result<Metadata> {
    let len = file.seek(SeekFrom::End(0)).map_err(unreadable)?;
    file.seek(SeekFrom::Start(8)).map_err(unreadable)?;
    let cut = || Error::input(format!("cut short: expected an IEND chunk, found {len} bytes without one"));
    let mut metadata = Metadata::default();
    let mut chunks = Vec::new();
    let (mut at, mut carried, mut unfolded) = (8, 0, 0);
    loop {
        if at + 8 > len {
            return Err(cut());
        }
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
                alloc::try_alloc(COPIES * (carried as usize + unfolded))?;
                file.rewind().map_err(unreadable)?;
                return Ok(Metadata { native: Native::Png(chunks), ..metadata });
            }
            b"acTL" => return Err(animated("PNG")),
            b"caBX" => metadata.has_credentials = true,
            _ if is_carried || matches!(&kind, b"IHDR" | b"eXIf") => {
                carried += end - at;
                check_metadata(usize::try_from(carried).unwrap_or(usize::MAX))?;
                file.by_ref().take(end - at - 8).read_to_end(&mut chunk).map_err(unreadable)?;
            }
            b"iCCP" => unfolded = unfolding(unfolded, end - at),
            _ => {}
        }
        if kind == *b"iTXt"
            && let Some(data) = chunk.len().checked_sub(4).and_then(|end| chunk.get_mut(8..end))
            && data.starts_with(PNG_XMP)
        {
            metadata.note(xmp::quiet(&mut data[PNG_XMP.len()..])?);
        }
        // A compressed packet is not copied: the result carries it unpacked.
        let is_folded_xmp = kind == *b"iTXt" && chunk[8..].starts_with(PNG_FOLDED_XMP);
        if is_carried && !is_folded_xmp && !raw_profile::may_hold_thumbnail(&kind, &chunk[8..]) {
            alloc::try_extend(&mut chunks, &chunk)?;
        }
        if chunk.len() >= 12 {
            let data = &chunk[8..chunk.len() - 4];
            match &kind {
                // The colour type.
                b"IHDR" => metadata.has_palette = data.get(9) == Some(&3),
                b"eXIf" => metadata.exif = Some(alloc::try_to_vec(data)?),
                b"tEXt" | b"zTXt" if metadata.exif.is_none() => metadata.exif = raw_profile::exif(&kind, data)?,
                b"pHYs" => metadata.density = Density::of_phys(data),
                b"iTXt" if data.starts_with(PNG_FOLDED_XMP) => unfolded = unfolding(unfolded, end - at),
                b"iTXt" if metadata.xmp.is_none() => metadata.xmp = png_xmp(data).map(alloc::try_to_vec).transpose()?,
                _ => {}
            }
        }
        // Bytes in the reader's buffer are not read again.
        file.seek_relative((end - at - chunk.len() as u64) as i64).map_err(unreadable)?;
        at = end;
    }
}

/// The packet of an iTXt chunk: keyword, compression, language, translated keyword, text.
fn png_xmp(chunk: &[u8]) -> Option<&[u8]> {
    let mut parts = chunk.strip_prefix(PNG_XMP)?.splitn(3, |byte| *byte == 0);
    parts.nth(2)
}

/// Bytes that a compressed chunk may unpack to, with `before`. Decoders stop at [`MAX_METADATA`].
fn unfolding(before: usize, chunk: u64) -> usize {
    let unfolded = chunk.saturating_mul(UNFOLDED).min(MAX_METADATA as u64);
    (before + unfolded as usize).min(MAX_METADATA)
}

/// Walks a WebP: a RIFF whose length counts all that follows it, in chunks of type, length and data, padded to even.
///
/// Of the metadata, only content credentials are looked for: the decoder reads the rest.
///
/// # Errors
///
/// Input, where the file is cut short or is animated; limits, as for PNG.
pub(crate) fn webp(bytes: &[u8]) -> Result<Metadata> {
    let total = bytes.get(4..8).map_or(usize::MAX, le32).saturating_add(8);
    let cut = || cut_short(bytes, &format!("a RIFF container of {total} bytes"));
    let mut rest = bytes.get(12..total).ok_or_else(cut)?;
    let mut metadata = Metadata::default();
    let (mut canvas, mut carried) = (None, 0);
    while let Some((head, tail)) = rest.split_first_chunk::<8>() {
        if matches!(&head[..4], b"ANIM" | b"ANMF") {
            return Err(animated("WebP"));
        }
        let length = le32(&head[4..]);
        if length > tail.len() {
            let found = tail.len();
            return Err(Error::input(format!("cut short: expected a chunk of {length} bytes, found {found} of it")));
        }
        match (&head[..4], tail) {
            (b"C2PA", _) => metadata.has_credentials = true,
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
                    return Err(Error::input(format!("expected a frame of {width}×{height}, found {w}×{h}")));
                }
            }
            _ => {}
        }
        rest = &tail[length.next_multiple_of(2).min(tail.len())..];
    }
    alloc::try_alloc(COPIES * carried)?;
    Ok(metadata)
}

fn be32(bytes: &[u8]) -> usize {
    u32::from_be_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
}

fn le32(bytes: &[u8]) -> usize {
    u32::from_le_bytes([bytes[0], bytes[1], bytes[2], bytes[3]]) as usize
}
