//! PyTorch: `torch.save` as an archive (1.6 and later) and as pickles followed by storages (before).

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;

use inpaint_edge::Result;
use zip::ZipArchive;

use super::pickle::{Object, Pickle, View};
use crate::checkpoint::{Checkpoint, Place, Source, Stored};
use crate::fault::refused;
use crate::fault::{damaged, one_line};
use crate::input::{Input, unreadable};

/// What the first pickle of an old file holds.
const MAGIC: i128 = 0x1950_a86a_20f9_469c_fc6c;
const PROTOCOL: i128 = 1001;
/// The most dicts inside each other, entries of all of them, and bytes of a tensor's name.
const MAX_DEPTH: usize = 16;
const MAX_ENTRIES: usize = 1 << 16;
const MAX_NAME: usize = 256;

/// Where each storage is: its place and how many bytes are there.
type Places = BTreeMap<String, (Place, u64)>;

/// An archive: `NAME/data.pkl` beside `NAME/data/KEY`. `names` are those of its entries, the `pickle`-th the pickle's.
pub(super) fn archive<'a>(
    mut archive: ZipArchive<Input<'a>>,
    names: &[String],
    len: u64,
    pickle: usize,
) -> Result<Checkpoint<'a>> {
    let folder = names[pickle].strip_suffix("data.pkl").unwrap_or_default();
    let mut places = Places::new();
    for (index, name) in names.iter().enumerate() {
        if let Some(key) = name.strip_prefix(folder).and_then(|name| name.strip_prefix("data/")) {
            let size = archive.by_index_raw(index).map_err(damaged)?.size();
            places.insert(key.to_owned(), (Place::Entry { index, skip: 0 }, size));
        }
    }
    if let Ok(mut entry) = archive.by_name(&format!("{folder}byteorder")) {
        let mut order = [0; 16];
        let count = entry.read(&mut order).map_err(unreadable)?;
        if &order[..count] != b"little" {
            return Err(refused("expected little-endian numbers, found others"));
        }
    }
    let mut entry = archive.by_index(pickle).map_err(damaged)?;
    let size = entry.size();
    let pickle = Pickle::read(&mut entry, size)?;
    // The checksum is compared at the end of the entry.
    io::copy(&mut entry, &mut io::sink()).map_err(unreadable)?;
    drop(entry);
    checkpoint("PyTorch", &pickle, &places, Source::Zip { archive: Box::new(archive), len })
}

/// Five pickles (a magic number, a version, the machine, the object, the names of its storages), then each storage: how
/// many numbers, and the numbers.
pub(super) fn legacy(mut input: Input<'_>) -> Result<Checkpoint<'_>> {
    let len = input.len();
    input.seek(SeekFrom::Start(0)).map_err(unreadable)?;
    let mut next = || Pickle::read(&mut input, len);
    if !matches!(next()?.root(), Object::Int(MAGIC)) {
        return Err(refused("expected a file of torch.save, found another pickle"));
    }
    if !matches!(next()?.root(), Object::Int(PROTOCOL)) {
        return Err(refused("expected a file of torch.save, found one of an unknown version"));
    }
    let machine = next()?;
    let little = match machine.root() {
        Object::Dict(entries) => entries.iter().any(|(key, value)| {
            machine.text(*key) == Some("little_endian") && matches!(machine.get(*value), Object::Bool(true))
        }),
        _ => false,
    };
    if !little {
        return Err(refused("expected little-endian numbers, found others"));
    }
    let pickle = next()?;
    let names = next()?;
    let Object::List(keys) = names.root() else { return Err(refused("the names of its storages are missing")) };
    let sizes = pickle.storage_sizes();
    let mut at = input.stream_position().map_err(unreadable)?;
    let mut places = Places::new();
    for key in keys {
        let key = names.text(*key).ok_or_else(|| refused("the names of its storages are missing"))?;
        let size = *sizes.get(key).ok_or_else(|| refused(format!("storage {}: of no tensor", one_line(key))))?;
        let mut count = [0; 8];
        input.seek(SeekFrom::Start(at)).and_then(|_| input.read_exact(&mut count)).map_err(unreadable)?;
        let bytes = u64::from_le_bytes(count).checked_mul(size).filter(|bytes| *bytes <= len - (at + 8));
        let bytes = bytes.ok_or_else(|| unreadable(io::ErrorKind::UnexpectedEof.into()))?;
        if places.insert(key.to_owned(), (Place::Offset(at + 8), bytes)).is_some() {
            return Err(refused(format!("storage {}: there twice", one_line(key))));
        }
        at += 8 + bytes;
    }
    if at != len {
        return Err(refused(format!("expected {at} bytes, as its storages say, found {len}")));
    }
    checkpoint("PyTorch before 1.6", &pickle, &places, Source::Flat(input))
}

/// What a pickle holds under names.
#[derive(Default)]
struct Found {
    tensors: BTreeMap<String, Stored>,
    opaque: BTreeMap<String, Arc<str>>,
    optimizer: bool,
}

/// The tensors of nested dicts, their keys joined by dots.
fn checkpoint<'a>(
    format: &'static str,
    pickle: &Pickle,
    places: &Places,
    source: Source<'a>,
) -> Result<Checkpoint<'a>> {
    let names: Vec<Arc<str>> = pickle.skipped().iter().map(|name| name.as_str().into()).collect();
    let (mut found, mut left) = (Found::default(), MAX_ENTRIES);
    walk(pickle, pickle.root(), "", 0, &mut left, &mut |name, home, object| {
        match object {
            Object::Tensor(view) => {
                let mut stored = tensor(pickle, *view, places)?;
                stored.home = home;
                if found.tensors.insert(name.to_owned(), stored).is_some() {
                    return Err(refused("there twice"));
                }
            }
            Object::Opaque(global) => _ = found.opaque.insert(name.to_owned(), names[*global as usize].clone()),
            _ => found.optimizer |= name[home..] == *"param_groups",
        }
        Ok(())
    })?;
    let mut checkpoint = Checkpoint::new(format, found.tensors, source);
    (checkpoint.opaque, checkpoint.optimizer) = (found.opaque, found.optimizer);
    checkpoint.skipped = pickle.skipped().to_vec();
    Ok(checkpoint)
}

fn tensor(pickle: &Pickle, view: View, places: &Places) -> Result<Stored> {
    let tensor = pickle.tensor(view)?;
    let (place, bytes) =
        places.get(tensor.key).ok_or_else(|| refused(format!("storage {}: missing", one_line(tensor.key))))?;
    let dtype = tensor.storage.dtype;
    let there = usize::try_from(bytes / dtype.bytes() as u64).unwrap_or(usize::MAX);
    let (first, count) = (tensor.storage.offset, tensor.storage.count);
    let end = first.checked_add(count).filter(|end| *end <= there);
    let end = end
        .ok_or_else(|| refused(format!("storage {}: expected {count} numbers, found {there}", one_line(tensor.key))))?;
    let offset = first.checked_add(tensor.offset).ok_or_else(|| refused("its offset is absurd"))?;
    Stored::new(dtype, tensor.shape, tensor.strides, offset, end, place.clone())
}

/// Calls `each` on everything in `object` that is no dict, with its name and how many bytes of that are its dict's.
fn walk(
    pickle: &Pickle,
    object: &Object,
    name: &str,
    depth: usize,
    left: &mut usize,
    each: &mut dyn FnMut(&str, usize, &Object) -> Result<()>,
) -> Result<()> {
    let Object::Dict(entries) = object else { return each(name, 0, object) };
    if depth > MAX_DEPTH {
        return Err(refused("its dicts are nested deeper than a checkpoint's"));
    }
    let home = if name.is_empty() { String::new() } else { format!("{name}.") };
    for (key, value) in entries {
        *left = left.checked_sub(1).ok_or_else(|| refused("more entries than a checkpoint has"))?;
        // Other keys, as the optimizer's numbers are, name no weights.
        let Some(key) = pickle.text(*key) else { continue };
        let name = format!("{home}{key}");
        if name.len() > MAX_NAME {
            return Err(refused(format!("a name of {} bytes: {}", name.len(), one_line(&name))));
        }
        match pickle.get(*value) {
            dict @ Object::Dict(_) => walk(pickle, dict, &name, depth + 1, left, each)?,
            other => each(&name, home.len(), other).map_err(|e| e.of(format!("tensor {}", one_line(&name))))?,
        }
    }
    Ok(())
}
