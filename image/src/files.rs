//! Pictures in files: opened by their content, held no longer than memory allows, replaced in one step.

use std::fs::File;
use std::io::{BufRead, BufReader, Error as IoError, Read, Seek, Write};
use std::path::{Path, PathBuf};

use inpaint_edge::{Error, Result};

use crate::encoded::Encoded;
use crate::fault::{unreadable, unwritable};
use crate::kind::format_of;
use crate::limits::MAX_BYTES;
use crate::photo::Photo;

impl Encoded<'_> {
    /// Opens a file; a PNG is never held as a whole.
    ///
    /// # Errors
    ///
    /// As [`Encoded::new`]; input, where the file cannot be read; limits, where it is too long.
    pub fn open(path: &Path) -> Result<Encoded<'static>> {
        Opened::new(path)?.encoded()
    }
}

impl Photo {
    /// As [`Photo::decode`], from a file; a PNG is never held as a whole.
    ///
    /// # Errors
    ///
    /// As [`Photo::decode`]; input, where the file cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        Encoded::open(path)?.decode()
    }
}

/// A file that is open, and of which the first bytes are read.
pub struct Opened {
    reader: BufReader<File>,
    /// Its length, unless it is a PNG that can be read where it is.
    held: Option<u64>,
}

impl Opened {
    /// Opens a file.
    ///
    /// # Errors
    ///
    /// Input, where it cannot be read or is no picture.
    pub fn new(path: &Path) -> Result<Self> {
        let mut reader = BufReader::with_capacity(1 << 16, File::open(path).map_err(unreadable)?);
        // A pipe cannot be rewound, and is held.
        let is_png = reader.fill_buf().map_err(unreadable)?.starts_with(b"\x89PNG\r\n\x1a\n");
        if is_png && reader.stream_position().is_ok() {
            return Ok(Self { reader, held: None });
        }
        let (is_file, len) = reader.get_ref().metadata().map(|of| (of.is_file(), of.len())).map_err(unreadable)?;
        // A device may have no end. The first bytes that a pipe gives may be too few to tell, unless there are none.
        if reader.buffer().is_empty() || reader.buffer().len() >= 64 {
            format_of(reader.buffer(), is_file.then_some(len))?;
        }
        Ok(Self { reader, held: Some(len) })
    }

    /// Bytes of the file that [`Opened::encoded`] holds: all, but of a PNG none. Nothing where the file has no length, as a
    /// pipe.
    pub fn held_bytes(&self) -> Option<usize> {
        let is_file = self.reader.get_ref().metadata().is_ok_and(|of| of.is_file());
        is_file.then(|| usize::try_from(self.held.unwrap_or(0)).unwrap_or(usize::MAX))
    }

    /// Reads what has to be held.
    ///
    /// # Errors
    ///
    /// As [`Encoded::open`].
    pub fn encoded(self) -> Result<Encoded<'static>> {
        match self.held {
            None => Encoded::png(self.reader, 0),
            Some(len) if len > MAX_BYTES => Err(too_long(MAX_BYTES)),
            Some(_) => Encoded::held(read_within(self.reader, MAX_BYTES)?),
        }
    }
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
    Error::limits(format!("expected at most {limit} bytes, found more"))
}

/// Replaces a file in one step, as [`inpaint_edge_atomic::write`] says, by `bytes`.
///
/// # Errors
///
/// Output, naming the file; `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically_with(path, |out| out.write_all(bytes).map_err(unwritable))
}

/// As [`write_atomically`], by what `write` writes.
///
/// # Errors
///
/// As [`write_atomically`], and those of `write`, which name the file.
pub fn write_atomically_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    struct Failed(Error);
    impl From<IoError> for Failed {
        fn from(e: IoError) -> Self {
            Self(unwritable(e))
        }
    }
    let written = inpaint_edge_atomic::write_with(path, |out| write(out).map_err(Failed));
    written.map_err(|Failed(e)| e.of(path.display()))
}

/// The file that writing to `path` makes or replaces: where a symbolic link leads, or `path` itself.
///
/// # Errors
///
/// Output, naming `path`, where a link leads nowhere, or something is there that is no regular file.
pub fn target_of(path: &Path) -> Result<PathBuf> {
    inpaint_edge_atomic::target_of(path).map_err(|e| unwritable(e).of(path.display()))
}

/// Refuses, before there is anything to write, what [`write_atomically`] would refuse then, as far as that can be known.
///
/// # Errors
///
/// Output, naming `path`.
pub fn check_writable(path: &Path) -> Result<()> {
    inpaint_edge_atomic::check_writable(path).map_err(|e| unwritable(e).of(path.display()))
}
