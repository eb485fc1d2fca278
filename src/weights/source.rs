//! Where the bytes of a weights file come from.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;

use safetensors::tensor::{Metadata, TensorInfo};

use crate::alloc;
use crate::error::{Error, Result};

/// Bytes of the header at the most: some fifty tensors take a few kilobytes.
const MAX_HEADER: u64 = 1 << 20;
/// Bytes that are made of a byte of it, at the most: of `1,` in a list that grows, two times 32.
const PARSED: usize = 64;

#[derive(Debug)]
pub(super) enum Source<'a> {
    Memory(&'a [u8]),
    #[cfg(feature = "fs")]
    File {
        file: std::fs::File,
        len: u64,
        /// Where the data begins, known once the header is read.
        data: u64,
    },
}

impl Source<'_> {
    #[cfg(feature = "fs")]
    pub fn open(path: &std::path::Path) -> Result<Self> {
        let open = || {
            let file = std::fs::File::open(path)?;
            let found = file.metadata()?;
            Ok((file, found))
        };
        let (file, found) = open().map_err(|e: std::io::Error| Error::weights(format!("cannot be read: {e}")))?;
        match found.is_file() {
            true => Ok(Source::File { file, len: found.len(), data: 0 }),
            false => Err(Error::weights("cannot be read: a regular file expected, another kind found")),
        }
    }

    /// Reads the header; afterwards [`Source::bytes`] counts from the first byte of data.
    pub fn header(&mut self) -> Result<Metadata> {
        let len = match self {
            Source::Memory(bytes) => bytes.len() as u64,
            #[cfg(feature = "fs")]
            Source::File { len, .. } => *len,
        };
        let not = |found: String| Error::weights(format!("a safetensors file expected, {found} found"));
        if len < 8 {
            return Err(not(format!("{len} bytes")));
        }
        let header = u64::from_le_bytes(self.bytes(0..8)?[..].try_into().expect("eight bytes"));
        let data = header.saturating_add(8);
        if header > MAX_HEADER || data > len {
            return Err(not(format!("a header of {header} bytes in a file of {len}")));
        }
        let json = self.bytes(8..data as usize)?;
        alloc::try_alloc(PARSED * json.len())?;
        let metadata: Metadata = serde_json::from_slice(&json)
            .map_err(|e| misfit(&json).unwrap_or_else(|| not(format!("a header with {e}"))))?;
        drop(json);
        if data + metadata.data_len() as u64 != len {
            let expected = data as u128 + metadata.data_len() as u128;
            return Err(Error::weights(format!("{expected} bytes expected by the header, {len} found")));
        }
        match self {
            Source::Memory(bytes) => *bytes = &bytes[data as usize..],
            #[cfg(feature = "fs")]
            Source::File { data: start, .. } => *start = data,
        }
        Ok(metadata)
    }

    /// The bytes of `range`, which lies inside the file.
    pub fn bytes(&mut self, range: Range<usize>) -> Result<Cow<'_, [u8]>> {
        match self {
            Source::Memory(bytes) => Ok(Cow::Borrowed(&bytes[range])),
            #[cfg(feature = "fs")]
            Source::File { file, data, .. } => {
                use std::io::{Read, Seek, SeekFrom};
                let mut bytes = alloc::try_filled(0, range.len())?;
                let read =
                    file.seek(SeekFrom::Start(*data + range.start as u64)).and_then(|_| file.read_exact(&mut bytes));
                read.map_err(|e| Error::weights(format!("cannot be read: {e}")))?;
                Ok(Cow::Owned(bytes))
            }
        }
    }
}

/// The tensor of a refused header whose entry is malformed, or whose shape and type contradict its offsets.
fn misfit(json: &[u8]) -> Option<Error> {
    let entries: BTreeMap<String, serde_json::Value> = serde_json::from_slice(json).ok()?;
    entries.into_iter().filter(|(name, _)| name != "__metadata__").find_map(|(name, entry)| {
        let TensorInfo { dtype, shape, data_offsets: (start, end) } = match serde_json::from_value(entry) {
            Ok(info) => info,
            Err(e) => return Some(Error::weights(format!("tensor {name}: {e}"))),
        };
        let bits = shape.iter().try_fold(dtype.bitsize() as u128, |bits, side| bits.checked_mul(*side as u128));
        let found = (end as u128).checked_sub(start as u128);
        (bits.is_none() || bits != found.map(|bytes| bytes * 8)).then(|| {
            Error::weights(format!(
                "tensor {name}: {dtype:?} {shape:?} expected to fill its bytes, offsets {start} to {end} found"
            ))
        })
    })
}
