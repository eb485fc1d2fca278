//! Files to decode: opened by their content, held no longer than memory allows.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::Path;

use super::kind::format_of;
use super::{MAX_BYTES, unreadable};
use crate::error::{Error, Result};

/// A file to decode.
pub(super) enum Source {
    Png(BufReader<File>),
    Other(Vec<u8>),
}

/// Opens a file: a PNG is read where it is, others are held.
///
/// # Errors
///
/// Input, where it cannot be read or is no picture; limits, where it is too long.
pub(super) fn open(path: &Path) -> Result<Source> {
    match opened(path)? {
        (reader, None) => Ok(Source::Png(reader)),
        (_, Some(len)) if len > MAX_BYTES => Err(too_long(MAX_BYTES)),
        (reader, Some(_)) => read_within(reader, MAX_BYTES).map(Source::Other),
    }
}

/// Bytes of a file that [`Photo::header`](super::Photo::header) holds: all, but of a PNG none.
///
/// # Errors
///
/// Input, where the file cannot be read.
pub fn held_bytes(path: &Path) -> Result<usize> {
    let (reader, held) = opened(path)?;
    if !reader.get_ref().metadata().map_err(unreadable)?.is_file() {
        return Err(Error::input("a file that can be read twice, or -, expected under a limit of memory"));
    }
    Ok(usize::try_from(held.unwrap_or(0)).unwrap_or(usize::MAX))
}

/// A file, and its length, unless it is a PNG that can be read where it is.
fn opened(path: &Path) -> Result<(BufReader<File>, Option<u64>)> {
    let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
    // A pipe cannot be rewound, and is held.
    let is_png = reader.fill_buf().map_err(unreadable)?.starts_with(b"\x89PNG\r\n\x1a\n");
    if is_png && reader.stream_position().is_ok() {
        return Ok((reader, None));
    }
    let (is_file, len) = reader.get_ref().metadata().map(|of| (of.is_file(), of.len())).map_err(unreadable)?;
    // A device may have no end. The first bytes that a pipe gives may be too few to tell, unless there are none.
    if reader.buffer().is_empty() || reader.buffer().len() >= 64 {
        format_of(reader.buffer(), is_file.then_some(len))?;
    }
    Ok((reader, Some(len)))
}

/// All of `reader`, which must not be more than `limit` bytes, nor more than pixels may take.
///
/// # Errors
///
/// Input, where it cannot be read; limits, where it is longer, or memory cannot be had.
pub fn read_within(reader: impl Read, limit: u64) -> Result<Vec<u8>> {
    let limit = limit.min(MAX_BYTES);
    let mut bytes = Vec::new();
    reader.take(limit + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(too_long(limit));
    }
    Ok(bytes)
}

fn too_long(limit: u64) -> Error {
    Error::limits(format!("at most {limit} bytes expected, more found"))
}
