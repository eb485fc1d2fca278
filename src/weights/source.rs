//! The bytes of a weights file, from memory or from disk.

use std::borrow::Cow;
#[cfg(feature = "fs")]
pub(super) use std::fs::File;
use std::ops::Range;

use super::header::Header;
use crate::alloc;
use crate::error::{Error, Result};

/// The most bytes of a header: some fifty tensors take a few kilobytes.
const MAX_HEADER: u64 = 1 << 20;
/// The most bytes that parsing takes for each byte of the header: `"":"",` becomes two strings of 24 in a list that doubles.
const PARSED: usize = 24;

#[derive(Debug)]
pub(super) enum Source<'a> {
    Memory(&'a [u8]),
    #[cfg(feature = "fs")]
    File {
        file: File,
        len: u64,
        /// First byte of the data, known once the header is read.
        data: u64,
    },
}

impl Source<'_> {
    #[cfg(feature = "fs")]
    pub fn open(path: &std::path::Path) -> Result<Self> {
        Self::from_file(File::open(path).map_err(unreadable)?)
    }

    #[cfg(feature = "fs")]
    pub fn from_file(file: File) -> Result<Self> {
        let found = file.metadata().map_err(unreadable)?;
        match found.is_file() {
            true => Ok(Source::File { file, len: found.len(), data: 0 }),
            false => Err(Error::weights("cannot be read: expected a regular file, found another kind")),
        }
    }

    /// Reads the header; afterwards [`Source::bytes`] counts from the first byte of data.
    pub fn header(&mut self) -> Result<Header> {
        let len = match self {
            Source::Memory(bytes) => bytes.len() as u64,
            #[cfg(feature = "fs")]
            Source::File { len, .. } => *len,
        };
        let not = |found: String| Error::weights(format!("expected a safetensors file, found {found}"));
        if len < 8 {
            return Err(not(format!("{len} bytes")));
        }
        let size = u64::from_le_bytes(self.bytes(0..8)?[..].try_into().expect("eight bytes"));
        let data = size.saturating_add(8);
        if size > MAX_HEADER || data > len {
            return Err(not(format!("a header of {size} bytes in a file of {len}")));
        }
        let json = self.bytes(8..data)?;
        alloc::try_alloc(PARSED * json.len())?;
        let header = Header::parse(&json)?;
        drop(json);
        if header.data != len - data {
            // Offsets may reach u64::MAX, so that their sum needs more bits.
            let expected = u128::from(data) + u128::from(header.data);
            return Err(Error::weights(format!("expected {expected} bytes, as its header says, found {len}")));
        }
        match self {
            Source::Memory(bytes) => *bytes = &bytes[data as usize..],
            #[cfg(feature = "fs")]
            Source::File { data: start, .. } => *start = data,
        }
        Ok(header)
    }

    /// The bytes of `range`, which lies inside the file.
    pub fn bytes(&mut self, range: Range<u64>) -> Result<Cow<'_, [u8]>> {
        match self {
            Source::Memory(bytes) => Ok(Cow::Borrowed(&bytes[range.start as usize..range.end as usize])),
            #[cfg(feature = "fs")]
            Source::File { file, data, .. } => {
                use std::io::{Read, Seek, SeekFrom};
                let len = usize::try_from(range.end - range.start).unwrap_or(usize::MAX);
                let mut bytes = alloc::try_filled(0, len)?;
                let read = file.seek(SeekFrom::Start(*data + range.start)).and_then(|_| file.read_exact(&mut bytes));
                read.map_err(unreadable)?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

#[cfg(feature = "fs")]
fn unreadable(e: std::io::Error) -> Error {
    Error::weights(format!("cannot be read: {e}")).with_source(e)
}
