//! The format of the weights by its description: made and read apart from the engine.

#![allow(dead_code)]

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

#[derive(Clone)]
pub struct Tensor {
    pub dtype: &'static str,
    pub shape: Vec<usize>,
    pub data: Vec<u8>,
}

pub type Meta = BTreeMap<String, String>;
pub type Tensors = BTreeMap<String, Tensor>;

const DTYPES: [&str; 3] = ["F32", "F16", "U8"];

pub fn serialize(meta: &Meta, tensors: &Tensors) -> Vec<u8> {
    let mut header = Map::from_iter([("__metadata__".to_owned(), json!(meta))]);
    let mut data = Vec::new();
    for (name, Tensor { dtype, shape, data: bytes }) in tensors {
        let start = data.len();
        data.extend(bytes);
        header.insert(name.clone(), json!({"dtype": dtype, "shape": shape, "data_offsets": [start, data.len()]}));
    }
    let mut header = Value::Object(header).to_string().into_bytes();
    // The data begin at a multiple of 8.
    header.resize(header.len().next_multiple_of(8), b' ');
    [&(header.len() as u64).to_le_bytes(), &header[..], &data].concat()
}

pub fn deserialize(bytes: &[u8]) -> (Meta, Tensors) {
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (header, data) = rest.split_at(u64::from_le_bytes(*length) as usize);
    let mut header: Map<String, Value> = serde_json::from_slice(header).unwrap();
    let text = |value: Value| value.as_str().unwrap().to_owned();
    let meta = match header.remove("__metadata__") {
        Some(Value::Object(meta)) => meta.into_iter().map(|(key, value)| (key, text(value))).collect(),
        _ => Meta::new(),
    };
    let tensor = |entry: &Value| {
        let numbers = |key: &str| -> Vec<usize> {
            entry[key].as_array().unwrap().iter().map(|number| number.as_u64().unwrap() as usize).collect()
        };
        let dtype = DTYPES.into_iter().find(|dtype| entry["dtype"] == **dtype).unwrap();
        let offsets = numbers("data_offsets");
        Tensor { dtype, shape: numbers("shape"), data: data[offsets[0]..offsets[1]].to_vec() }
    };
    (meta, header.iter().map(|(name, entry)| (name.clone(), tensor(entry))).collect())
}
