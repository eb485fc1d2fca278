//! A checkpoint whose tensors have been found and whose numbers are still in the file.

use std::collections::BTreeMap;
use std::fmt;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use half::{bf16, f16};
use hdf5_reader::Hdf5File;
use inpaint_edge::Result;
use zip::{CompressionMethod, ZipArchive};

use crate::fault::refused;
use crate::input::{Input, unreadable};

/// The most axes of a tensor.
pub const MAX_AXES: usize = 8;
/// The most numbers of a tensor that are more than it spans in its storage, as with a stride of 0.
const MAX_EXPANDED: usize = 1 << 16;
/// The most a compressed tensor may grow, beside a small one's allowance.
const MAX_RATIO: u64 = 16;
const SMALL: u64 = 1 << 20;

/// Type of the numbers of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Dtype {
    F16,
    BF16,
    F32,
    F64,
    I8,
    U8,
    I16,
    I32,
    I64,
    Bool,
    /// What no weights are made of, of so many bytes each.
    Other(u8),
}

impl Dtype {
    /// Bytes of one number.
    pub fn bytes(self) -> usize {
        match self {
            Dtype::I8 | Dtype::U8 | Dtype::Bool => 1,
            Dtype::F16 | Dtype::BF16 | Dtype::I16 => 2,
            Dtype::F32 | Dtype::I32 => 4,
            Dtype::F64 | Dtype::I64 => 8,
            Dtype::Other(bytes) => bytes.into(),
        }
    }

    fn is_float(self) -> bool {
        matches!(self, Dtype::F16 | Dtype::BF16 | Dtype::F32 | Dtype::F64)
    }
}

impl fmt::Display for Dtype {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self {
            Dtype::Other(_) => f.write_str("another type"),
            dtype => write!(f, "{dtype:?}"),
        }
    }
}

/// Where the storage of a tensor begins.
#[derive(Clone, Debug)]
pub(crate) enum Place {
    /// A byte of the file.
    Offset(u64),
    /// A byte of an entry of the archive.
    Entry { index: usize, skip: u64 },
    /// A dataset of an HDF5 file, by its path.
    Dataset(String),
}

/// A tensor in the file: shape and strides, in numbers, over a storage that other tensors may share.
#[derive(Clone, Debug)]
pub struct Stored {
    /// Type of its numbers.
    pub dtype: Dtype,
    /// Length of each axis.
    pub shape: Vec<usize>,
    strides: Vec<usize>,
    offset: usize,
    storage: usize,
    place: Place,
    /// Bytes of its name that name the dicts around it, and not itself.
    pub(crate) home: usize,
}

impl Stored {
    /// A tensor that begins at number `offset` of a storage of `storage` numbers.
    ///
    /// # Errors
    ///
    /// Weights, where it does not lie inside its storage.
    pub(crate) fn new(
        dtype: Dtype,
        shape: Vec<usize>,
        strides: Vec<usize>,
        offset: usize,
        storage: usize,
        place: Place,
    ) -> Result<Self> {
        if shape.len() > MAX_AXES || shape.len() != strides.len() {
            return Err(refused(format!("expected at most {MAX_AXES} axes, each with a stride, found {shape:?}")));
        }
        let overflow = || refused(format!("shape {shape:?} is absurd"));
        let count = shape.iter().try_fold(1usize, |n, &side| n.checked_mul(side)).ok_or_else(overflow)?;
        if count > 0 {
            let reach = shape.iter().zip(&strides).try_fold(offset, |last, (&side, &stride)| {
                (side - 1).checked_mul(stride).and_then(|step| last.checked_add(step))
            });
            if reach.is_none_or(|last| last >= storage) {
                return Err(refused(format!(
                    "shape {shape:?} with strides {strides:?} from {offset} on lies outside its storage of {storage}"
                )));
            }
        }
        let stored = Self { dtype, shape, strides, offset, storage, place, home: 0 };
        // Its span is read, its count is made of that: what a storage is said to hold may not be there.
        if count > MAX_EXPANDED && count > stored.span() {
            let (shape, span) = (&stored.shape, stored.span());
            return Err(refused(format!(
                "shape {shape:?} is absurd over a storage of {storage}, of which it spans {span}"
            )));
        }
        Ok(stored)
    }

    /// As [`Stored::new`], row by row without gaps, from the first number on.
    pub(crate) fn contiguous(dtype: Dtype, shape: Vec<usize>, storage: usize, place: Place) -> Result<Self> {
        let strides = row_major(&shape).ok_or_else(|| refused(format!("shape {shape:?} is absurd")))?;
        Self::new(dtype, shape, strides, 0, storage, place)
    }

    /// An array of what no weights are made of, as so many bytes.
    pub(crate) fn other(bytes: usize, place: Place) -> Result<Self> {
        Self::contiguous(Dtype::Other(1), vec![bytes], bytes, place)
    }

    /// Numbers in it.
    pub fn count(&self) -> usize {
        self.shape.iter().product()
    }

    fn is_contiguous(&self) -> bool {
        let dense = row_major(&self.shape);
        let axes = |strides: &[usize]| -> Vec<usize> {
            self.shape.iter().zip(strides).filter(|(side, _)| **side > 1).map(|(_, stride)| *stride).collect()
        };
        dense.is_some_and(|dense| axes(&dense) == axes(&self.strides))
    }

    /// Numbers from its first to its last one in the storage.
    fn span(&self) -> usize {
        let last: usize = self.shape.iter().zip(&self.strides).map(|(side, stride)| (side - 1) * stride).sum();
        last + 1
    }
}

/// Strides of a tensor without gaps, `None` where they overflow.
pub(crate) fn row_major(shape: &[usize]) -> Option<Vec<usize>> {
    let mut strides = vec![1usize; shape.len()];
    for i in (1..shape.len()).rev() {
        strides[i - 1] = strides[i].checked_mul(shape[i])?;
    }
    Some(strides)
}

/// The numbers of a tensor, row by row.
pub struct Values {
    dtype: Dtype,
    bytes: Vec<u8>,
}

impl Values {
    /// How many.
    pub fn len(&self) -> usize {
        self.bytes.len() / self.dtype.bytes()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// The `i`-th.
    #[inline]
    pub fn get(&self, i: usize) -> f64 {
        number(self.dtype, &self.bytes[i * self.dtype.bytes()..])
    }
}

#[inline]
fn number(dtype: Dtype, b: &[u8]) -> f64 {
    match dtype {
        Dtype::F32 => f32::from_le_bytes([b[0], b[1], b[2], b[3]]).into(),
        Dtype::F16 => f16::from_le_bytes([b[0], b[1]]).into(),
        Dtype::BF16 => bf16::from_le_bytes([b[0], b[1]]).into(),
        Dtype::F64 => f64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]),
        Dtype::I8 => f64::from(b[0] as i8),
        Dtype::U8 | Dtype::Bool => f64::from(b[0]),
        Dtype::I16 => f64::from(i16::from_le_bytes([b[0], b[1]])),
        Dtype::I32 => f64::from(i32::from_le_bytes([b[0], b[1], b[2], b[3]])),
        Dtype::I64 => i64::from_le_bytes([b[0], b[1], b[2], b[3], b[4], b[5], b[6], b[7]]) as f64,
        Dtype::Other(_) => f64::NAN,
    }
}

pub(crate) enum Source<'a> {
    Flat(Input<'a>),
    Zip { archive: Box<ZipArchive<Input<'a>>>, len: u64 },
    Hdf5(Box<Hdf5File>),
}

/// The tensors of a checkpoint by name.
pub struct Checkpoint<'a> {
    /// The kind of file, for messages.
    pub format: &'static str,
    /// Every tensor, under the name its program gives it.
    pub tensors: BTreeMap<String, Stored>,
    /// What a pickle holds under a name beside tensors and plain data: the global that it would call.
    pub opaque: BTreeMap<String, Arc<str>>,
    /// The globals that a pickle names and that were not called.
    pub skipped: Vec<String>,
    /// Whether the state of an optimizer is in it.
    pub optimizer: bool,
    source: Source<'a>,
}

impl<'a> Checkpoint<'a> {
    pub(crate) fn new(format: &'static str, tensors: BTreeMap<String, Stored>, source: Source<'a>) -> Self {
        Self { format, tensors, opaque: BTreeMap::new(), skipped: Vec::new(), optimizer: false, source }
    }

    /// The numbers of a tensor, all finite.
    ///
    /// # Errors
    ///
    /// Weights, naming the tensor.
    pub fn read(&mut self, name: &str) -> Result<Values> {
        let stored = self.tensors.get(name).ok_or_else(|| refused(format!("tensor {name}: missing")))?;
        if !stored.dtype.is_float() {
            return Err(refused(format!("tensor {name}: expected f16, bf16, f32 or f64, found {}", stored.dtype)));
        }
        let values = read(&mut self.source, stored).map_err(|e| e.of(format!("tensor {name}")))?;
        match (0..values.len()).find(|&i| !values.get(i).is_finite()) {
            None => Ok(values),
            Some(i) => {
                Err(refused(format!("tensor {name}: expected finite numbers, found {} at index {i}", values.get(i))))
            }
        }
    }

    /// Whether every number of a tensor is `value`, without holding them all.
    ///
    /// # Errors
    ///
    /// Weights, naming the tensor, where it cannot be read.
    pub fn all(&mut self, name: &str, value: f64) -> Result<bool> {
        let stored = self.tensors.get(name).ok_or_else(|| refused(format!("tensor {name}: missing")))?;
        let whole = stored.is_contiguous() && !matches!(stored.place, Place::Dataset(_));
        let all = if whole {
            all(&mut self.source, stored, value)
        } else {
            read(&mut self.source, stored).map(|values| (0..values.len()).all(|i| values.get(i) == value))
        };
        all.map_err(|e| e.of(format!("tensor {name}")))
    }
}

/// Calls `with` with a reader that stands at the tensor's first number, with the bytes of its span, and with whether
/// these may be taken on the file's word.
fn open<T>(
    source: &mut Source,
    stored: &Stored,
    with: impl FnOnce(&mut dyn Read, u64, bool) -> io::Result<T>,
) -> Result<T> {
    let size = stored.dtype.bytes() as u64;
    let (skip, count) = (stored.offset as u64 * size, stored.span() as u64 * size);
    match (source, &stored.place) {
        (Source::Flat(input), Place::Offset(start)) => {
            let from = input.seek(SeekFrom::Start(start + skip));
            from.and_then(|_| with(input, count, true)).map_err(unreadable)
        }
        (Source::Zip { archive, len }, Place::Entry { index, skip: header }) => {
            let mut entry = archive.by_index(*index).map_err(crate::fault::damaged)?;
            let there = entry.compressed_size().min(*len);
            let most = match entry.compression() {
                CompressionMethod::Stored => there,
                _ => there.saturating_mul(MAX_RATIO).saturating_add(SMALL),
            };
            let honest = (header + skip).saturating_add(count) <= most;
            let done = (|| {
                let skipped = io::copy(&mut (&mut entry).take(header + skip), &mut io::sink())?;
                if skipped < header + skip {
                    return Err(io::ErrorKind::UnexpectedEof.into());
                }
                let done = with(&mut entry, count, honest)?;
                // The checksum is compared at the end of the entry.
                io::copy(&mut entry, &mut io::sink())?;
                Ok(done)
            })();
            done.map_err(unreadable)
        }
        _ => Err(refused("its place is in another kind of file")),
    }
}

/// Reads a tensor row by row.
fn read(source: &mut Source, stored: &Stored) -> Result<Values> {
    let dtype = stored.dtype;
    if stored.count() == 0 {
        return Ok(Values { dtype, bytes: Vec::new() });
    }
    let bytes = match (&mut *source, &stored.place) {
        (Source::Hdf5(file), Place::Dataset(path)) => {
            let data = file.dataset(path).and_then(|set| set.read_native_bytes());
            let mut data = data.map_err(|e| refused(crate::fault::one_line(&e.to_string())))?;
            if cfg!(target_endian = "big") {
                data.chunks_exact_mut(dtype.bytes()).for_each(<[u8]>::reverse);
            }
            if data.len() != stored.storage * dtype.bytes() {
                return Err(refused("the file is cut short"));
            }
            data
        }
        _ => open(source, stored, |reader, count, honest| {
            if !honest {
                return Err(io::Error::other("more bytes are declared than can be in the file"));
            }
            let mut bytes = Vec::new();
            bytes.try_reserve_exact(count as usize).map_err(|_| io::ErrorKind::OutOfMemory)?;
            reader.take(count).read_to_end(&mut bytes)?;
            if (bytes.len() as u64) < count {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            Ok(bytes)
        })?,
    };
    if stored.is_contiguous() {
        return Ok(Values { dtype, bytes });
    }
    // Row by row out of the span.
    let size = dtype.bytes();
    let mut dense = Vec::new();
    dense.try_reserve_exact(stored.count() * size).map_err(|_| unreadable(io::ErrorKind::OutOfMemory.into()))?;
    let mut index = vec![0; stored.shape.len()];
    for _ in 0..stored.count() {
        let at: usize = index.iter().zip(&stored.strides).map(|(i, stride)| i * stride).sum();
        dense.extend(&bytes[at * size..][..size]);
        for axis in (0..index.len()).rev() {
            index[axis] += 1;
            if index[axis] < stored.shape[axis] {
                break;
            }
            index[axis] = 0;
        }
    }
    Ok(Values { dtype, bytes: dense })
}

fn all(source: &mut Source, stored: &Stored, value: f64) -> Result<bool> {
    if stored.count() == 0 {
        return Ok(true);
    }
    let size = stored.dtype.bytes();
    open(source, stored, |reader, count, _| {
        let mut chunk = [0; 1 << 14];
        let (mut left, mut all) = (count as usize, true);
        while left > 0 {
            let part = &mut chunk[..left.min(1 << 14)];
            reader.read_exact(part)?;
            all &= part.chunks_exact(size).all(|b| number(stored.dtype, b) == value);
            left -= part.len();
        }
        Ok(all)
    })
}
