//! The bytes of a checkpoint, in memory or on disk, read as they are needed.

use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use hdf5_reader::storage::{BytesStorage, DynStorage, RangeRequestStorage};
use inpaint_edge::Result;

use crate::fault::refused;

/// The bytes of a checkpoint.
pub struct Input<'a> {
    place: Place<'a>,
    len: u64,
}

enum Place<'a> {
    Memory(Cursor<&'a [u8]>),
    Disk(BufReader<File>),
}

impl<'a> Input<'a> {
    /// A file in memory.
    pub fn from_bytes(bytes: &'a [u8]) -> Self {
        Self { place: Place::Memory(Cursor::new(bytes)), len: bytes.len() as u64 }
    }

    /// A file on disk, read as it is needed.
    ///
    /// # Errors
    ///
    /// Weights, where it cannot be opened.
    pub fn open(path: &Path) -> Result<Input<'static>> {
        let open = || {
            let file = File::open(path)?;
            let metadata = file.metadata()?;
            if !metadata.is_file() {
                return Err(io::Error::other("not a file"));
            }
            Ok(Input { place: Place::Disk(BufReader::with_capacity(1 << 16, file)), len: metadata.len() })
        };
        open().map_err(unreadable)
    }

    /// Bytes in all.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Up to `count` bytes from `offset` on.
    pub(crate) fn bytes(&mut self, offset: u64, count: u64) -> Result<Vec<u8>> {
        let there = count.min(self.len.saturating_sub(offset));
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(there as usize).map_err(|_| refused(format!("no memory for {there} bytes")))?;
        self.seek(SeekFrom::Start(offset)).map_err(unreadable)?;
        self.take(count).read_to_end(&mut bytes).map_err(unreadable)?;
        Ok(bytes)
    }

    /// `count` bytes from `start` on, for the reader of HDF5: of a file on disk, those that it asks for.
    pub(crate) fn into_storage(self, start: u64, count: u64) -> Result<DynStorage> {
        if start.checked_add(count).is_none_or(|end| end > self.len) {
            return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
        }
        let file = match self.place {
            Place::Disk(reader) => Mutex::new(reader.into_inner()),
            Place::Memory(bytes) => {
                let part = &bytes.into_inner()[start as usize..][..count as usize];
                return Ok(Arc::new(BytesStorage::new(part.to_vec())));
            }
        };
        Ok(Arc::new(RangeRequestStorage::new(count, move |at, count| {
            let mut file = file.lock().unwrap_or_else(PoisonError::into_inner);
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(count).map_err(|_| io::Error::from(io::ErrorKind::OutOfMemory))?;
            file.seek(SeekFrom::Start(start + at))?;
            (&mut *file).take(count as u64).read_to_end(&mut bytes)?;
            Ok(bytes)
        })))
    }
}

impl Read for Input<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &mut self.place {
            Place::Memory(bytes) => bytes.read(buffer),
            Place::Disk(file) => file.read(buffer),
        }
    }
}

impl Seek for Input<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        match &mut self.place {
            Place::Memory(bytes) => bytes.seek(to),
            Place::Disk(file) => file.seek(to),
        }
    }
}

pub(crate) fn unreadable(error: io::Error) -> inpaint_edge::Error {
    let detail = match error.kind() {
        io::ErrorKind::UnexpectedEof => "the file is cut short".to_owned(),
        _ => format!("cannot be read: {error}"),
    };
    refused(detail).with_source(error)
}
