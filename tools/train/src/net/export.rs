//! A trained network as the engine's weights file.

use super::{
    arch::{Arch, Prior},
    norm::EPSILON,
    params::{Params, places},
};
use half::f16;
use safetensors::tensor::TensorView;
use std::collections::{BTreeMap, HashMap};

/// Numbers of a weights file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Dtype {
    /// 32 bits.
    F32,
    /// 16 bits, rounded to nearest.
    F16,
}

/// The weights file of a network: batch norm with its running statistics folded, in f64, into weights and biases, in
/// the engine's schema. `provenance` adds metadata keys `provenance.KEY`.
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
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
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
            tensors.push((name.clone(), shape, bytes(&name, &values, dtype)?));
        }
    }
    let rgb = |v: [f32; 3]| v.map(|v| v.to_string()).join(",");
    let mut metadata: HashMap<String, String> =
        provenance.iter().map(|(key, value)| (format!("provenance.{key}"), value.clone())).collect();
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
    let dtype = match dtype {
        Dtype::F32 => safetensors::Dtype::F32,
        Dtype::F16 => safetensors::Dtype::F16,
    };
    let views = tensors.iter().map(|(name, shape, data)| {
        (name, TensorView::new(dtype, shape.clone(), data).expect("as many bytes as the shape says"))
    });
    safetensors::serialize(views, Some(metadata)).map_err(|error| error.to_string())
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
            return Err(format!("{name}: finite numbers expected, {value} found after folding"));
        }
    }
    Ok(bytes)
}
