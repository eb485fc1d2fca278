//! The header of a safetensors file: JSON that gives each tensor its type, shape and bytes.

use std::fmt;

use serde_core::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, Visitor};

use crate::error::{Error, Result};

/// The entries of a header, in the order of names.
#[derive(Debug)]
pub(super) struct Header {
    pub metadata: Vec<(String, String)>,
    pub tensors: Vec<(String, Tensor)>,
    /// Bytes of all tensors.
    pub data: u64,
}

/// The type, shape and place of a tensor's numbers.
#[derive(Debug)]
pub(super) struct Tensor {
    /// As the file calls it: `F32`, `F16`, `BF16`, …
    pub dtype: String,
    pub shape: Vec<usize>,
    /// Bytes of the data, from their first on.
    pub start: u64,
    pub end: u64,
}

impl Header {
    /// Reads a header, whose tensors follow each other without gaps.
    ///
    /// # Errors
    ///
    /// Weights, naming the tensor or key that is malformed, misplaced or there twice.
    pub fn parse(json: &[u8]) -> Result<Self> {
        let Entries { metadata: Pairs(mut metadata), mut tensors } = serde_json::from_slice(json).map_err(|e| {
            // The visitors below begin every message about a tensor with its name.
            let text = e.to_string();
            let detail = match text.starts_with(TENSOR) {
                true => text,
                false => format!("expected a safetensors file, found a header with {text}"),
            };
            Error::weights(detail).with_source(e)
        })?;
        tensors.sort_unstable_by_key(|(_, tensor)| (tensor.start, tensor.end));
        let mut data = 0;
        for (name, Tensor { start, end, .. }) in &tensors {
            if *start != data || end < start {
                let detail = format!("{TENSOR}{name}: expected offsets from {data} on, found {start} to {end}");
                return Err(Error::weights(detail));
            }
            data = *end;
        }
        tensors.sort_unstable_by(|(a, _), (b, _)| a.cmp(b));
        metadata.sort_unstable();
        let twice = |what: &str, name: &str| Error::weights(format!("{what}{name}: expected once, found twice"));
        if let Some([(name, _), _]) = tensors.array_windows().find(|[(a, _), (b, _)]| a == b) {
            return Err(twice(TENSOR, name));
        }
        if let Some([(key, _), _]) = metadata.array_windows().find(|[(a, _), (b, _)]| a == b) {
            return Err(twice("metadata ", key));
        }
        Ok(Self { metadata, tensors, data })
    }
}

/// The index of `name` in `tensors`, which are in the order of names.
pub(super) fn position<T>(tensors: &[(impl AsRef<str>, T)], name: &str) -> Option<usize> {
    tensors.binary_search_by(|(other, _)| other.as_ref().cmp(name)).ok()
}

impl Tensor {
    /// Bytes of a number, of the types that a network has.
    pub fn number_bytes(&self) -> Option<u64> {
        match &self.dtype[..] {
            "F32" => Some(4),
            "F16" => Some(2),
            "I8" => Some(1),
            _ => None,
        }
    }

    /// Whether type and shape need as many bytes as the offsets give.
    fn fits(&self) -> bool {
        let Some(bytes) = self.number_bytes() else { return true };
        let bytes = self.shape.iter().try_fold(bytes, |bytes, side| bytes.checked_mul(*side as u64));
        bytes.is_some() && bytes == self.end.checked_sub(self.start)
    }
}

/// The beginning of every message about a tensor.
const TENSOR: &str = "tensor ";

/// A header in its own order.
struct Entries {
    metadata: Pairs,
    tensors: Vec<(String, Tensor)>,
}

/// A JSON object of strings.
#[derive(Default)]
struct Pairs(Vec<(String, String)>);

impl<'de> Deserialize<'de> for Entries {
    fn deserialize<D: Deserializer<'de>>(json: D) -> std::result::Result<Self, D::Error> {
        json.deserialize_map(EntriesVisitor)
    }
}

struct EntriesVisitor;

impl<'de> Visitor<'de> for EntriesVisitor {
    type Value = Entries;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("tensors by name")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Entries, A::Error> {
        let mut entries = Entries { metadata: Pairs::default(), tensors: Vec::new() };
        while let Some(name) = map.next_key::<String>()? {
            if name == "__metadata__" {
                entries.metadata.0.append(&mut map.next_value::<Pairs>()?.0);
                continue;
            }
            let of_tensor = |detail: &dyn fmt::Display| A::Error::custom(format_args!("{TENSOR}{name}: {detail}"));
            let tensor: Tensor = map.next_value().map_err(|e| of_tensor(&e))?;
            if !tensor.fits() {
                let Tensor { dtype, shape, start, end } = tensor;
                let detail = format_args!("expected offsets that hold {dtype} {shape:?}, found {start} to {end}");
                return Err(of_tensor(&detail));
            }
            entries.tensors.push((name, tensor));
        }
        Ok(entries)
    }
}

impl<'de> Deserialize<'de> for Pairs {
    fn deserialize<D: Deserializer<'de>>(json: D) -> std::result::Result<Self, D::Error> {
        json.deserialize_map(PairsVisitor)
    }
}

struct PairsVisitor;

impl<'de> Visitor<'de> for PairsVisitor {
    type Value = Pairs;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("strings by key")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Pairs, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: Deserializer<'de>>(json: D) -> std::result::Result<Self, D::Error> {
        json.deserialize_map(TensorVisitor)
    }
}

struct TensorVisitor;

impl<'de> Visitor<'de> for TensorVisitor {
    type Value = Tensor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("dtype, shape and data_offsets")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Tensor, A::Error> {
        let (mut dtype, mut shape, mut offsets) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            match &key[..] {
                "dtype" if dtype.is_none() => dtype = Some(map.next_value()?),
                "shape" if shape.is_none() => shape = Some(map.next_value()?),
                "data_offsets" if offsets.is_none() => offsets = Some(map.next_value()?),
                "dtype" | "shape" | "data_offsets" => {
                    return Err(A::Error::custom(format_args!("{key}: expected once, found twice")));
                }
                _ => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        let missing = A::Error::missing_field;
        let (start, end) = offsets.ok_or_else(|| missing("data_offsets"))?;
        let (dtype, shape) = (dtype.ok_or_else(|| missing("dtype"))?, shape.ok_or_else(|| missing("shape"))?);
        Ok(Tensor { dtype, shape, start, end })
    }
}
