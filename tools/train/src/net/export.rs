//! A trained network as the engine's weights file.

use super::{
    arch::{Arch, Prior},
    norm::EPSILON,
    params::{Params, Tensor, places},
};
use half::f16;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// Numbers of a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 16 bits, rounded to nearest.
    F16,
}

/// The weights file of a network: batch norm with its running statistics folded, in f64, into weights and biases, in
/// the engine's schema. `provenance` is added to the metadata.
///
/// # Errors
/// One line that names the tensor, where `params` are another architecture's or a number is not finite.
pub fn export(
    arch: &Arch,
    params: &Params,
    dtype: Dtype,
    provenance: &BTreeMap<String, String>,
) -> Result<Vec<u8>, String> {
    arch.check()?;
    let layers = arch.layers();
    let places = places(&layers);
    let count = places.last().map_or(0, |place| place.norm + 1);
    if params.tensors.len() != count {
        return Err(format!("{count} tensors expected, {} found", params.tensors.len()));
    }
    let mut tensors: Tensors = BTreeMap::new();
    for (layer, place) in layers.iter().zip(places) {
        let data = |tensor: usize, len: usize| match &params.tensors[tensor] {
            tensor if tensor.data.len() == len => Ok(&tensor.data[..]),
            tensor => Err(format!("{}: {len} numbers expected, {} found", tensor.name, tensor.data.len())),
        };
        let (taps, c_out) = (layer.kernel * layer.kernel, layer.c_out);
        let channel =
            |offset: usize, c: usize| -> Result<f64, String> { Ok(data(place.norm + offset, c_out)?[c].into()) };
        let c_in = layer.c_in + layer.c_skip;
        let mut weight = vec![0.0; c_out * c_in * taps];
        let mut bias = vec![0.0; c_out];
        let mut parts = vec![(data(place.weights, taps * layer.c_in * c_out)?, layer.c_in, 0)];
        if layer.c_skip > 0 {
            parts.push((data(place.weights + 1, taps * layer.c_skip * c_out)?, layer.c_skip, layer.c_in));
        }
        for o in 0..c_out {
            let scale = if layer.batch_norm {
                let scale = channel(0, o)? / (channel(3, o)? + EPSILON).sqrt();
                bias[o] = channel(1, o)? - channel(2, o)? * scale;
                scale
            } else {
                bias[o] = channel(0, o)?;
                1.0
            };
            for &(from, channels, before) in &parts {
                for (i, from) in from.chunks_exact(c_out).enumerate() {
                    let (tap, c) = (i / channels, before + i % channels);
                    weight[(o * c_in + c) * taps + tap] = f64::from(from[o]) * scale;
                }
            }
        }
        let shape = vec![c_out, c_in, layer.kernel, layer.kernel];
        for (name, shape, values) in [("weight", shape, weight), ("bias", vec![c_out], bias)] {
            let name = format!("{}.{name}", layer.name);
            let data = bytes(&name, &values, dtype)?;
            tensors.insert(name, (shape, data));
        }
    }
    let rgb = |v: [f32; 3]| v.map(|v| v.to_string()).join(",");
    let mut metadata = provenance.clone();
    let prior = match arch.prior {
        Prior::None => "none",
        Prior::Harmonic => "harmonic",
    };
    for (key, value) in [
        ("format", "inpaint-edge/1".to_owned()),
        ("arch", "pconv-unet".to_owned()),
        ("levels", arch.levels().to_string()),
        ("color", "rgb".to_owned()),
        ("input_mean", rgb(arch.mean)),
        ("input_std", rgb(arch.std)),
        ("encoder_activation", "relu".to_owned()),
        ("decoder_slope", arch.slope.to_string()),
        ("prior", prior.to_owned()),
    ] {
        metadata.insert(key.to_owned(), value);
    }
    Ok(file(dtype, &tensors, &metadata))
}

/// Every tensor as it is trained, under the name `ema.NAME`.
///
/// # Errors
/// One line that names a tensor with a number that is not finite.
pub fn unfolded(params: &Params, dtype: Dtype, metadata: &BTreeMap<String, String>) -> Result<Vec<u8>, String> {
    let mut tensors: Tensors = BTreeMap::new();
    for Tensor { name, shape, data, .. } in &params.tensors {
        let values: Vec<_> = data.iter().map(|&value| value.into()).collect();
        tensors.insert(format!("ema.{name}"), (shape.clone(), bytes(name, &values, dtype)?));
    }
    Ok(file(dtype, &tensors, metadata))
}

/// Shape and numbers by name.
type Tensors = BTreeMap<String, (Vec<usize>, Vec<u8>)>;

/// A safetensors file with its header in the order of the names, so that the same weights make the same bytes.
fn file(dtype: Dtype, tensors: &Tensors, metadata: &BTreeMap<String, String>) -> Vec<u8> {
    let dtype = match dtype {
        Dtype::F32 => "F32",
        Dtype::F16 => "F16",
    };
    let mut header = serde_json::Map::from_iter([("__metadata__".to_owned(), json!(metadata))]);
    let mut end = 0;
    for (name, (shape, data)) in tensors {
        let first = end;
        end += data.len();
        header.insert(name.clone(), json!({ "dtype": dtype, "shape": shape, "data_offsets": [first, end] }));
    }
    let mut header = Value::Object(header).to_string();
    // The numbers start at a multiple of 8.
    header.extend(std::iter::repeat_n(' ', header.len().next_multiple_of(8) - header.len()));
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header.as_bytes());
    tensors.values().for_each(|(_, data)| file.extend(data));
    file
}

fn bytes(name: &str, values: &[f64], dtype: Dtype) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    for &value in values {
        let finite = match dtype {
            Dtype::F32 => {
                bytes.extend((value as f32).to_le_bytes());
                (value as f32).is_finite()
            }
            Dtype::F16 => {
                bytes.extend(f16::from_f64(value).to_le_bytes());
                f16::from_f64(value).is_finite()
            }
        };
        if !finite {
            return Err(format!("{name}: finite numbers expected, {value} found"));
        }
    }
    Ok(bytes)
}
