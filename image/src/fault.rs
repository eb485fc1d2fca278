//! Errors of decoders and encoders, in plain words.

use std::error::Error as _;
use std::fmt::Display;
use std::io;

use image::ImageError;
use inpaint_edge::{Error, ErrorKind};

use crate::limits::MAX_SIDE;

/// An error that can become the source of another.
pub(crate) trait Cause: std::error::Error + Send + Sync + 'static {}

impl<E: std::error::Error + Send + Sync + 'static> Cause for E {}

/// A file whose content contradicts its format.
pub(crate) fn damaged(detail: impl Display) -> Error {
    Error::input(format!("cannot be decoded: {detail}").replace('\n', " "))
}

/// A file that a decoder refuses with `e`.
pub(crate) fn undecodable(e: impl Cause) -> Error {
    damaged(&e).with_source(e)
}

pub(crate) fn cut_short(bytes: &[u8], expected: &str) -> Error {
    Error::input(format!("cut short: expected {expected}, found {} bytes without it", bytes.len()))
}

pub(crate) fn cannot_hold(detail: impl Display) -> Error {
    Error::usage(format!("this format cannot hold the image: {detail}"))
}

/// An image that an encoder refuses with `e`.
pub(crate) fn unencodable(e: impl Cause) -> Error {
    cannot_hold(&e).with_source(e)
}

pub(crate) fn unwritable(e: io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {e}")).with_source(e)
}

pub(crate) fn unreadable(e: io::Error) -> Error {
    let kind = if e.kind() == io::ErrorKind::OutOfMemory { ErrorKind::Limits } else { ErrorKind::Input };
    Error::new(kind, format!("cannot be read: {e}")).with_source(e)
}

/// The error for an animated picture.
pub(crate) fn animated(format: &str) -> Error {
    Error::input(format!("expected a still picture, found an animated {format}"))
}

/// The error `e` of a decoder of the `image` crate; `bytes` is the length of the file, if known.
pub(crate) fn of_decoder(e: ImageError, bytes: Option<usize>) -> Error {
    without_source(&e, bytes).with_source(e)
}

fn without_source(e: &ImageError, bytes: Option<usize>) -> Error {
    if let ImageError::Limits(_) = e {
        return Error::limits(format!("cannot be decoded: {e}"));
    }
    let text = e.to_string();
    let is_cut = ends_early(e) || ["Not enough data", "unexpected EOF"].iter().any(|words| text.contains(words));
    match bytes {
        Some(bytes) if is_cut => Error::input(format!("cut short: expected more than {bytes} bytes, found no more")),
        _ => damaged(in_plain_words(&text)),
    }
}

/// Whether a decoder reached the end of its input too early.
fn ends_early(e: &ImageError) -> bool {
    let ends = |e: &io::Error| e.kind() == io::ErrorKind::UnexpectedEof;
    match e {
        ImageError::IoError(e) => ends(e),
        e => std::iter::successors(e.source(), |e| (*e).source()).filter_map(|e| e.downcast_ref()).any(ends),
    }
}

/// The decoder's message without terms that only its authors know.
fn in_plain_words(text: &str) -> String {
    // "Format error decoding Png: …"
    let text =
        text.strip_prefix("Format error decoding ").and_then(|rest| rest.split_once(": ")).map_or(text, |of| of.1);
    let text = text.strip_prefix("Format error: ").unwrap_or(text).trim_end_matches('.');
    // "Image too large (one of (70000, 1) > soft limit of 65535)", "… Image dimensions (0x0 w/3 channels) are too large"
    if text.starts_with("Image too large") || text.contains("Image dimensions (") {
        return format!("expected sides of 1 to {MAX_SIDE} pixels, found others");
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
    if let Some((_, feature)) = text.split_once(" does not support the format features ") {
        return format!("expected a kind that is read, found {feature}");
    }
    if text.starts_with("Missing header line") {
        return "expected a PAM header with WIDTH, HEIGHT, DEPTH and MAXVAL, found one that lacks some".to_owned();
    }
    if text.starts_with("Non-ASCII-digit character") {
        return "expected a number, found other characters".to_owned();
    }
    if text.contains("does not have enough data for image") {
        return "cut short: expected more pixels, found the end".to_owned();
    }
    let mut words = text.chars();
    // Names such as IDAT stay as they are.
    let is_word = text.chars().nth(1).is_some_and(char::is_lowercase);
    let first = words.next().map(|c| if is_word { c.to_ascii_lowercase() } else { c });
    first.into_iter().chain(words).collect()
}

/// The chunk that a message of the `png` crate names: `ChunkType { type: PLTE, critical: true, … }`.
fn chunk(text: &str) -> Option<String> {
    let (_, name) = text.split_once("ChunkType { type: ")?;
    Some(format!("its {} chunk", name.split_once(',')?.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decoder_messages_become_plain_words() {
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
            (
                "Format error decoding Png: IDAT or fDAT chunk does not have enough data for image.",
                "cut short: expected more pixels, found the end",
            ),
            (
                "The decoder for Bmp does not support the format features JPEG compression",
                "expected a kind that is read, found JPEG compression",
            ),
            (
                "Format error decoding Pnm: Missing header line: have height=None, width=Some(4), depth=None, maxval=None",
                "expected a PAM header with WIDTH, HEIGHT, DEPTH and MAXVAL, found one that lacks some",
            ),
            (
                "Format error decoding Pnm: Non-ASCII-digit character when parsing number in sample",
                "expected a number, found other characters",
            ),
            ("Format error decoding WebP: Invalid Chunk header", "invalid Chunk header"),
            (
                "The decoder for Bmp does not support the format features Image dimensions (0x0 w/3 channels) are too large",
                "expected sides of 1 to 65535 pixels, found others",
            ),
            ("Format error decoding Png: IHDR has no room", "IHDR has no room"),
        ] {
            assert_eq!(in_plain_words(theirs), ours);
        }
    }
}
