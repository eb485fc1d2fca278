//! A trained network as the engine's weights file.

use super::{
    arch::{Arch, Prior},
    norm::EPSILON,
    params::{Params, places},
};
pub use inpaint_edge::weights::Dtype;
use inpaint_edge::weights::{self, Config};
use std::collections::BTreeMap;

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
        return Err(format!("expected {count} tensors, found {}", params.tensors.len()));
    }
    let mut tensors = BTreeMap::new();
    for (layer, place) in layers.iter().zip(places) {
        let data = |tensor: usize, len: usize| match &params.tensors[tensor] {
            tensor if tensor.data.len() == len => Ok(&tensor.data[..]),
            tensor => Err(format!("{}: expected {len} numbers, found {}", tensor.name, tensor.data.len())),
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
        tensors.insert(format!("{}.weight", layer.name), weight);
        tensors.insert(format!("{}.bias", layer.name), bias);
    }
    let encoder: Vec<(usize, usize)> = layers[..arch.levels()].iter().map(|l| (l.c_out, l.kernel)).collect();
    let decoder: Vec<usize> = layers[arch.levels()..].iter().rev().map(|l| l.c_out).collect();
    let prior = match arch.prior {
        Prior::None => weights::Prior::None,
        Prior::Harmonic => weights::Prior::Harmonic,
    };
    let config = || -> inpaint_edge::Result<Config> {
        let mut config = Config::new(prior, arch.prior_input, &encoder, &decoder)?;
        config.set_normalisation(arch.mean, arch.std)?;
        config.set_slope(arch.slope)?;
        config.set_context(arch.context)?;
        Ok(config)
    };
    let config = config().map_err(|error| error.to_string())?;
    let mut file = weights::header(&config, dtype, provenance);
    for name in config.tensors().keys() {
        for &value in &tensors[name] {
            if !dtype.encode(value, &mut file) {
                return Err(format!("{name}: expected finite numbers, found {value} after folding"));
            }
        }
    }
    Ok(file)
}
