//! Where a file's bytes come from: - is stdin.

use std::path::Path;

use inpaint_edge::Result;
use inpaint_edge::image::{Header, Photo, held_bytes, read_within};

use crate::names;

pub fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// A file, or what came through stdin.
pub enum Source<'a> {
    File(&'a Path),
    Piped(Vec<u8>),
}

impl<'a> Source<'a> {
    pub fn read(path: &'a Path, limit: u64) -> Result<Self> {
        if !is_pipe(path) {
            return Ok(Self::File(path));
        }
        read_within(std::io::stdin().lock(), limit).map(Self::Piped).map_err(|e| e.of("-"))
    }

    pub fn name(&self) -> std::path::Display<'_> {
        match self {
            Self::File(path) => path.display(),
            Self::Piped(_) => Path::new("-").display(),
        }
    }

    pub fn piped_bytes(&self) -> usize {
        match self {
            Self::File(_) => 0,
            Self::Piped(bytes) => bytes.len(),
        }
    }

    /// Bytes that are read to look at the header.
    pub fn file_bytes(&self) -> Result<usize> {
        match self {
            Self::File(path) => held_bytes(path).map_err(|e| names::of_file(e, path)),
            Self::Piped(_) => Ok(0),
        }
    }

    pub fn decode(self) -> Result<Photo> {
        match self {
            Self::File(path) => Photo::open(path).map_err(|e| names::of_file(e, path)),
            Self::Piped(bytes) => Photo::decode(&bytes).map_err(|e| e.of("-")),
        }
    }

    pub fn header(&self) -> Result<Header> {
        match self {
            Self::File(path) => Photo::header(path).map_err(|e| names::of_file(e, path)),
            Self::Piped(bytes) => Photo::header_of(bytes).map_err(|e| e.of("-")),
        }
    }
}
