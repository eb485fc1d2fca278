//! Writes weights files: makes the header for a [`Config`], which the numbers follow tensor by tensor.

use std::collections::BTreeMap;

use half::f16;
use serde_json::{Value, json};

use super::{Config, MapScale, Output, Prior};

/// The number type of a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 16 bits, rounded to the nearest f32 and then to the nearest f16.
    F16,
}

impl Dtype {
    fn name(self) -> &'static str {
        match self {
            Dtype::F32 => "F32",
            Dtype::F16 => "F16",
        }
    }

    fn bytes(self) -> usize {
        match self {
            Dtype::F32 => 4,
            Dtype::F16 => 2,
        }
    }

    /// Appends `value`, rounded to the type, the same on every machine. Returns false where it is not finite in this type.
    pub fn encode(self, value: f64, bytes: &mut Vec<u8>) -> bool {
        match self {
            Dtype::F32 => {
                bytes.extend((value as f32).to_le_bytes());
                (value as f32).is_finite()
            }
            Dtype::F16 => {
                // `half` converts an f64 differently from machine to machine.
                let half = f16::from_f32_const(value as f32);
                bytes.extend(half.to_le_bytes());
                half.is_finite()
            }
        }
    }
}

/// The beginning of a weights file. The numbers of [`Config::tensors`] follow it, without gaps; `dtype` is that of a network of
/// floats. The same arguments give the same bytes. `provenance` adds metadata keys `provenance.KEY`.
pub fn header(config: &Config, dtype: Dtype, provenance: &BTreeMap<String, String>) -> Vec<u8> {
    let rgb = |v: [f32; 3]| v.map(|v| v.to_string()).join(",");
    let mut metadata: BTreeMap<String, String> =
        provenance.iter().map(|(key, value)| (format!("provenance.{key}"), value.clone())).collect();
    let prior = match config.prior {
        Prior::None => "none",
        Prior::Harmonic => "harmonic",
    };
    for (key, value) in [
        ("format", if config.integers.is_some() { "inpaint-edge/2" } else { "inpaint-edge/1" }.to_owned()),
        ("arch", "pconv-unet".to_owned()),
        ("levels", config.levels.to_string()),
        ("color", "rgb".to_owned()),
        ("input_mean", rgb(config.mean)),
        ("input_std", rgb(config.std)),
        ("encoder_activation", "relu".to_owned()),
        ("decoder_slope", config.slope.to_string()),
        ("prior", prior.to_owned()),
    ] {
        metadata.insert(key.to_owned(), value);
    }
    let output = match config.output {
        Output::Linear => None,
        Output::Tanh => Some("tanh"),
        Output::Sigmoid => Some("sigmoid"),
    };
    metadata.extend(output.map(|output| ("output".to_owned(), output.to_owned())));
    metadata.extend(config.context.map(|context| ("context".to_owned(), context.to_string())));
    metadata.extend(config.prior_input.then(|| ("prior_input".to_owned(), "true".to_owned())));
    if let Some(integers) = &config.integers {
        let list = |number: fn(&MapScale) -> String| integers.maps().iter().map(number).collect::<Vec<_>>().join(",");
        metadata.insert("wide_levels".to_owned(), integers.wide().to_string());
        metadata.insert("steps".to_owned(), list(|map| map.step.to_string()));
        metadata.insert("zeros".to_owned(), list(|map| map.zero.to_string()));
    }
    let mut header = serde_json::Map::from_iter([("__metadata__".to_owned(), json!(metadata))]);
    let mut end = 0;
    for (name, shape) in config.tensors() {
        let first = end;
        let is_float = ["scale", "bias"].iter().any(|end| name.ends_with(end)) || name.starts_with("head");
        let (dtype, bytes) = match config.integers {
            None => (dtype.name(), dtype.bytes()),
            Some(_) if is_float => (Dtype::F32.name(), Dtype::F32.bytes()),
            // Two weights of 16 bits lie where four of 8 do.
            Some(_) if shape.last() == Some(&2) => ("I16", 2),
            Some(_) => ("I8", 1),
        };
        end += shape.iter().product::<usize>() * bytes;
        header.insert(name, json!({ "dtype": dtype, "shape": shape, "data_offsets": [first, end] }));
    }
    let mut header = Value::Object(header).to_string();
    // The numbers start at a multiple of 8.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    file
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_are_rounded_the_same_way_everywhere() {
        let power = |n: i32| 2f64.powi(n);
        for (value, expected) in [
            (1.0 + power(-11) + power(-22), 0x3c01u16),
            (1.0 + power(-11) + power(-40), 0x3c00),
            (1.0 + 3.0 * power(-11) - power(-40), 0x3c02),
            (power(-24), 1),
            (-65519.0, 0xfbff),
        ] {
            let mut bytes = Vec::new();
            assert!(Dtype::F16.encode(value, &mut bytes));
            assert_eq!(bytes, expected.to_le_bytes(), "{value:e}");
        }
        assert!(!Dtype::F16.encode(65520.0, &mut Vec::new()));
    }
}
