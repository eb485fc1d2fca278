//! What decoders say of a file they cannot decode, in plain words.

use ::image::ImageError;

use crate::error::{Error, Result};

pub(super) fn damaged(e: impl std::fmt::Display) -> Error {
    Error::input(format!("cannot be decoded: {e}").replace('\n', " "))
}

pub(super) fn cut_short(bytes: &[u8], expected: &str) -> Error {
    Error::input(format!("cut short: {expected} expected, {} bytes without it found", bytes.len()))
}

/// An error of a decoder of the `image` crate, of a file of `bytes`, where that is known.
pub(super) fn of_decoder(e: ImageError, bytes: Option<usize>) -> Error {
    if let ImageError::Limits(_) = e {
        return Error::limits(format!("cannot be decoded: {e}"));
    }
    let text = e.to_string();
    let is_cut = ["failed to fill whole buffer", "Not enough data", "unexpected end of file", "unexpected EOF"]
        .iter()
        .any(|words| text.contains(words));
    match bytes {
        Some(bytes) if is_cut => Error::input(format!("cut short: more than the {bytes} bytes found are expected")),
        _ => damaged(in_plain_words(&text)),
    }
}

/// The decoder's words without what only its authors know.
fn in_plain_words(text: &str) -> String {
    // "Format error decoding Png: …"
    let text =
        text.strip_prefix("Format error decoding ").and_then(|rest| rest.split_once(": ")).map_or(text, |of| of.1);
    let text = text.strip_prefix("Format error: ").unwrap_or(text).trim_end_matches('.');
    // "Image too large (one of (70000, 1) > soft limit of 65535)", "… Image dimensions (0x0 w/3 channels) are too large"
    if text.starts_with("Image too large") || text.contains("Image dimensions (") {
        return format!("sides of 1 to {} pixels expected, others found", super::MAX_SIDE);
    }
    if text.starts_with("CRC error") {
        return format!("damaged: the checksum of {} does not match", chunk(text).unwrap_or("a chunk".into()));
    }
    if let Some(chunk) = chunk(text) {
        return format!("damaged: {chunk} is missing, there twice or out of place");
    }
    if text.to_lowercase().contains("flate") || text.contains("InsufficientInput") || text.contains("Huffman") {
        return "damaged: the compressed pixels cannot be unpacked".to_owned();
    }
    let mut words = text.chars();
    let first = words.next().map(|c| c.to_ascii_lowercase());
    first.into_iter().chain(words).collect()
}

/// The chunk that a text of the `png` crate is about: `ChunkType { type: PLTE, critical: true, … }`.
fn chunk(text: &str) -> Option<String> {
    let (_, name) = text.split_once("ChunkType { type: ")?;
    Some(format!("its {} chunk", name.split_once(',')?.0))
}

/// Refuses sides of no pixels and of more than are read.
pub(super) fn check_sides(width: u32, height: u32) -> Result<()> {
    let is_side = |side| (1..=super::MAX_SIDE).contains(&side);
    if is_side(width) && is_side(height) {
        return Ok(());
    }
    Err(Error::input(format!("sides of 1 to {} pixels expected, {width}×{height} found", super::MAX_SIDE)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_of_decoders_become_plain() {
        for (theirs, ours) in [
            (
                "Format error decoding Png: Chunk ChunkType { type: PLTE, critical: true, private: false } must appear at most once.",
                "damaged: its PLTE chunk is missing, there twice or out of place",
            ),
            (
                "Format error decoding Png: CRC error: expected 0x1 have 0x2 while decoding ChunkType { type: IDAT, critical: true } chunk.",
                "damaged: the checksum of its IDAT chunk does not match",
            ),
            (
                "Format error decoding Png: Corrupt deflate stream. InsufficientInput",
                "damaged: the compressed pixels cannot be unpacked",
            ),
            ("Format error decoding WebP: Invalid Chunk header", "invalid Chunk header"),
            (
                "The decoder for Bmp does not support the format features Image dimensions (0x0 w/3 channels) are too large",
                "sides of 1 to 65535 pixels expected, others found",
            ),
        ] {
            assert_eq!(in_plain_words(theirs), ours);
        }
    }
}
