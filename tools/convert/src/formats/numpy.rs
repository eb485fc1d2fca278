//! NumPy's `.npz`, which Chainer writes: an archive of `NAME.npy`, each a header and the numbers.

use std::collections::BTreeMap;
use std::io::{self, Read};

use inpaint_edge::Result;
use zip::ZipArchive;

use crate::checkpoint::{Checkpoint, Dtype, MAX_AXES, Place, Source, Stored, row_major};
use crate::fault::refused;
use crate::fault::{damaged, one_line};
use crate::input::{Input, unreadable};

/// The most bytes of an array's header.
const MAX_HEADER: u64 = 1 << 14;

/// `names` are those of the archive's entries.
pub(super) fn open<'a>(mut archive: ZipArchive<Input<'a>>, names: &[String], len: u64) -> Result<Checkpoint<'a>> {
    let mut tensors = BTreeMap::new();
    for (index, name) in names.iter().enumerate() {
        let Some(name) = name.strip_suffix(".npy") else { continue };
        let mut entry = archive.by_index(index).map_err(damaged)?;
        let size = entry.size();
        let stored = array(&mut entry, index, size).map_err(|e| e.of(format!("array {}", one_line(name))))?;
        tensors.insert(name.to_owned(), stored);
    }
    Ok(Checkpoint::new("NumPy", tensors, Source::Zip { archive: Box::new(archive), len }))
}

fn array(entry: &mut dyn Read, index: usize, size: u64) -> Result<Stored> {
    let mut fixed = [0; 8];
    entry.read_exact(&mut fixed).map_err(unreadable)?;
    let mut length = [0; 4];
    let wide = match fixed {
        [0x93, b'N', b'U', b'M', b'P', b'Y', 1, _] => 2,
        [0x93, b'N', b'U', b'M', b'P', b'Y', 2 | 3, _] => 4,
        _ => return Err(refused("expected an array of NumPy, found something else")),
    };
    entry.read_exact(&mut length[..wide]).map_err(unreadable)?;
    let count = u64::from(u32::from_le_bytes(length));
    if count > MAX_HEADER {
        return Err(refused(format!("a header of {count} bytes")));
    }
    let mut text = Vec::new();
    entry.take(count).read_to_end(&mut text).map_err(unreadable)?;
    if (text.len() as u64) < count {
        return Err(unreadable(io::ErrorKind::UnexpectedEof.into()));
    }
    let text = String::from_utf8(text).map_err(|_| refused("its header is no text"))?;
    let skip = 8 + wide as u64 + count;
    let Header { dtype, fortran, shape } =
        Header::parse(&text).ok_or_else(|| refused(format!("its header is not understood: {}", one_line(&text))))?;
    let dtype = match &dtype[..] {
        "<f2" => Dtype::F16,
        "<f4" => Dtype::F32,
        "<f8" => Dtype::F64,
        "|i1" => Dtype::I8,
        "|u1" => Dtype::U8,
        "<i2" => Dtype::I16,
        "<i4" => Dtype::I32,
        "<i8" => Dtype::I64,
        "|b1" => Dtype::Bool,
        _ => Dtype::Other(1),
    };
    let there = usize::try_from(size.saturating_sub(skip) / dtype.bytes() as u64).unwrap_or(usize::MAX);
    let place = Place::Entry { index, skip };
    if let Dtype::Other(_) = dtype {
        return Stored::other(there, place);
    }
    if !fortran {
        return Stored::contiguous(dtype, shape, there, place);
    }
    let reversed: Vec<usize> = shape.iter().rev().copied().collect();
    let mut strides = row_major(&reversed).ok_or_else(|| refused(format!("shape {shape:?} is absurd")))?;
    strides.reverse();
    Stored::new(dtype, shape, strides, 0, there, place)
}

/// `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`
struct Header {
    dtype: String,
    fortran: bool,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Option<Self> {
        let mut rest = text.trim().strip_prefix('{')?.strip_suffix('}')?.trim();
        let (mut dtype, mut fortran, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, value) = rest.strip_prefix('\'')?.split_once('\'')?;
            let value = value.trim_start().strip_prefix(':')?.trim_start();
            rest = match key {
                "descr" if dtype.is_none() => {
                    let (text, rest) = value.strip_prefix('\'')?.split_once('\'')?;
                    dtype = Some(text.to_owned());
                    rest
                }
                "fortran_order" if fortran.is_none() => {
                    let is = value.starts_with("True");
                    fortran = Some(is);
                    value.strip_prefix(if is { "True" } else { "False" })?
                }
                "shape" if shape.is_none() => {
                    let (sides, rest) = value.strip_prefix('(')?.split_once(')')?;
                    let sides = sides.trim().trim_end_matches(',');
                    let sides = sides.split(',').filter(|_| !sides.is_empty()).map(|side| side.trim().parse().ok());
                    shape = Some(sides.take(MAX_AXES + 1).collect::<Option<Vec<usize>>>()?);
                    rest
                }
                _ => return None,
            };
            rest = rest.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        Some(Self { dtype: dtype?, fortran: fortran?, shape: shape? })
    }
}
