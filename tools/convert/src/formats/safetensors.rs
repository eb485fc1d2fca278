//! safetensors files.

use std::collections::BTreeMap;
use std::fmt;

use inpaint_edge::Result;
use safetensors::tensor::{Dtype as Type, Metadata};
use serde::de::{Deserializer, IgnoredAny, MapAccess, Visitor};

use crate::checkpoint::{Checkpoint, Dtype, Place, Source, Stored};
use crate::fault::{one_line, refused};
use crate::input::Input;

/// The most bytes of a header; a tensor takes a hundred.
const MAX_HEADER: u64 = 1 << 22;

pub(super) fn open(mut input: Input<'_>) -> Result<Checkpoint<'_>> {
    let len = input.len();
    let count = input.bytes(0, 8)?.try_into().map(u64::from_le_bytes).unwrap_or(u64::MAX);
    let start = count.saturating_add(8);
    if count > MAX_HEADER || start > len {
        return Err(refused(format!(
            "expected a safetensors file, found a header of {count} bytes in a file of {len}"
        )));
    }
    let json = input.bytes(8, count)?;
    let damaged =
        |e: serde_json::Error| refused(format!("its header is damaged: {}", one_line(&e.to_string()))).with_source(e);
    let mut keys = serde_json::Deserializer::from_slice(&json);
    keys.deserialize_map(Keys).map_err(damaged)?;
    let metadata: Metadata = serde_json::from_slice(&json).map_err(damaged)?;
    let expected = start as u128 + metadata.data_len() as u128;
    if expected != len.into() {
        return Err(refused(format!("expected {expected} bytes, as its header says, found {len}")));
    }
    if metadata.metadata().as_ref().is_some_and(|m| m.get("format").is_some_and(|f| f.starts_with("inpaint-edge/"))) {
        return Err(refused("it is in the engine's format already"));
    }
    let mut tensors = BTreeMap::new();
    for (name, info) in metadata.tensors() {
        let dtype = match info.dtype {
            Type::F16 => Dtype::F16,
            Type::BF16 => Dtype::BF16,
            Type::F32 => Dtype::F32,
            Type::F64 => Dtype::F64,
            Type::I8 => Dtype::I8,
            Type::U8 => Dtype::U8,
            Type::I16 => Dtype::I16,
            Type::I32 => Dtype::I32,
            Type::I64 => Dtype::I64,
            Type::BOOL => Dtype::Bool,
            _ => Dtype::Other(1),
        };
        let place = Place::Offset(start + info.data_offsets.0 as u64);
        let bytes = info.data_offsets.1 - info.data_offsets.0;
        let stored = match dtype {
            Dtype::Other(_) => Stored::other(bytes, place),
            dtype => Stored::contiguous(dtype, info.shape.clone(), bytes / dtype.bytes(), place),
        };
        tensors.insert(name.clone(), stored.map_err(|e| e.of(format!("tensor {}", one_line(&name))))?);
    }
    Ok(Checkpoint::new("safetensors", tensors, Source::Flat(input)))
}

/// Refuses a key that is there twice, of which a map would keep one.
struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<(), A::Error> {
        let mut seen = BTreeMap::new();
        while let Some(key) = map.next_key::<String>()? {
            map.next_value::<IgnoredAny>()?;
            if let Some((key, ())) = seen.remove_entry(&key) {
                return Err(serde::de::Error::custom(format!("tensor {key}: there twice")));
            }
            seen.insert(key, ());
        }
        Ok(())
    }
}
