//! The schema: metadata and shapes, and what contradicts them.

use super::config::{Config, LayerShape, MAX_CHANNELS, MAX_KERNEL, MAX_LEVELS, Output, Prior, inputs};
use super::header::{Tensor, position};
use crate::error::{Error, Result};

/// The widest bounded context: the longest side of an image.
const MAX_CONTEXT: usize = 1 << 16;

/// Checks a header against the schema; under IEEE 754's defaults, since the standard library's parser of numbers divides.
pub(super) fn check(metadata: Vec<(String, String)>, tensors: &[(String, Tensor)]) -> Result<Config> {
    let mut text = Keys(metadata);
    text.fixed("format", "inpaint-edge/1")?;
    text.fixed("arch", "pconv-unet")?;
    text.fixed("color", "rgb")?;
    text.fixed("encoder_activation", "relu")?;
    let levels = text.take("levels")?;
    let levels = match levels.parse() {
        Ok(levels @ 1..=MAX_LEVELS) => levels,
        _ => return Err(mismatch("metadata levels", format!("1 … {MAX_LEVELS}"), &levels)),
    };
    let mean = text.rgb("input_mean")?;
    let std = text.rgb("input_std")?;
    if std.iter().any(|s| *s <= 0.0) {
        return Err(mismatch("metadata input_std", "three positive numbers", format!("{std:?}")));
    }
    let slope = text.take("decoder_slope")?;
    let slope = number(&slope).ok_or_else(|| mismatch("metadata decoder_slope", "a number", &slope))?;
    let prior = match text.optional("prior").as_deref() {
        None | Some("none") => Prior::None,
        Some("harmonic") => Prior::Harmonic,
        Some(other) => return Err(mismatch("metadata prior", "none or harmonic", other)),
    };
    let output = match text.optional("output").as_deref() {
        None | Some("linear") => Output::Linear,
        Some("tanh") => Output::Tanh,
        Some("sigmoid") => Output::Sigmoid,
        Some(other) => return Err(mismatch("metadata output", "linear, tanh or sigmoid", other)),
    };
    let prior_input = match text.optional("prior_input").as_deref() {
        None | Some("false") => false,
        Some("true") if prior != Prior::None => true,
        Some("true") => return Err(mismatch("metadata prior_input", "false without a prior", "true")),
        Some(other) => return Err(mismatch("metadata prior_input", "true or false", other)),
    };
    let context = match text.optional("context") {
        None => None,
        Some(found) => match found.parse() {
            Ok(context @ 1..=MAX_CONTEXT) => Some(context),
            _ => return Err(mismatch("metadata context", format!("1 … {MAX_CONTEXT} pixels"), &found)),
        },
    };
    if let Some(key) = text.0.iter().map(|(key, _)| key).find(|key| !key.starts_with("provenance.")) {
        return Err(Error::weights(format!("metadata {key}: not a key of this format")));
    }
    let (layers, head) = layers(tensors, levels, inputs(prior_input))?;
    Config { levels, mean, std, slope, prior, prior_input, context, head, output, layers }.addressable()
}

/// The layers on `inputs` channels in the order they run, each checked against the one before, and whether there is a
/// head.
fn layers(tensors: &[(String, Tensor)], levels: usize, inputs: usize) -> Result<(Vec<LayerShape>, bool)> {
    let mut tensors: Vec<(&String, &Tensor)> = tensors.iter().map(|(name, tensor)| (name, tensor)).collect();
    let shape = |tensors: &mut Vec<(&String, &Tensor)>, name: &str, expected: &str| -> Result<Vec<usize>> {
        let at = position(tensors, name).ok_or_else(|| Error::weights(format!("tensor {name}: missing")))?;
        let (_, tensor) = tensors.remove(at);
        if tensor.number_bytes().is_none() {
            return Err(mismatch(&format!("tensor {name}"), "f32 or f16", &tensor.dtype));
        }
        if tensor.shape.contains(&0) {
            return Err(mismatch(&format!("tensor {name}"), expected, format!("{:?}", tensor.shape)));
        }
        Ok(tensor.shape.clone())
    };
    let mut layer = |name: String, c_up: usize, c_skip: usize, c_out: Option<usize>, kernel: Option<usize>| {
        let c_in = c_up + c_skip;
        let out = c_out.map_or(format!("1 … {MAX_CHANNELS}"), |c| c.to_string());
        let side = kernel.map_or("k, k".to_owned(), |k| format!("{k}, {k}"));
        let expected = format!("[{out}, {c_in}, {side}]");
        let found = shape(&mut tensors, &format!("{name}.weight"), &expected)?;
        let kernel_fits = |k: usize| kernel.map_or(k % 2 == 1 && k <= MAX_KERNEL, |kernel| k == kernel);
        match found[..] {
            [o, i, h, w]
                if i == c_in && h == w && kernel_fits(h) && o <= MAX_CHANNELS && c_out.is_none_or(|c| o == c) =>
            {
                let bias = shape(&mut tensors, &format!("{name}.bias"), &format!("[{o}]"))?;
                if bias != [o] {
                    return Err(mismatch(&format!("tensor {name}.bias"), format!("[{o}]"), format!("{bias:?}")));
                }
                Ok(LayerShape { name, c_out: o, c_in: c_up, c_skip, kernel: h })
            }
            _ => Err(mismatch(&format!("tensor {name}.weight"), expected, format!("{found:?}"))),
        }
    };

    let mut layers: Vec<LayerShape> = Vec::new();
    for i in 1..=levels {
        let c_in = layers.last().map_or(inputs, |l| l.c_out);
        layers.push(layer(format!("enc{i}"), c_in, 0, None, None)?);
    }
    for i in (1..=levels).rev() {
        let c_up = layers[layers.len() - 1].c_out;
        let (c_skip, c_out) = if i == 1 { (inputs, Some(3)) } else { (layers[i - 2].c_out, None) };
        layers.push(layer(format!("dec{i}"), c_up, c_skip, c_out, Some(3))?);
    }
    let head = ["head.weight", "head.bias"].iter().any(|name| position(&tensors, name).is_some());
    if head {
        for (name, expected) in [("head.weight", &[3, 3, 1, 1][..]), ("head.bias", &[3])] {
            let found = shape(&mut tensors, name, &format!("{expected:?}"))?;
            if found != expected {
                return Err(mismatch(&format!("tensor {name}"), format!("{expected:?}"), format!("{found:?}")));
            }
        }
    }
    match tensors.first() {
        Some((name, _)) => Err(Error::weights(format!("tensor {name}: not part of a network of {levels} levels"))),
        None => Ok((layers, head)),
    }
}

/// The metadata that has not been checked yet.
struct Keys(Vec<(String, String)>);

impl Keys {
    fn optional(&mut self, key: &str) -> Option<String> {
        let at = self.0.iter().position(|(other, _)| other == key)?;
        Some(self.0.remove(at).1)
    }

    fn take(&mut self, key: &str) -> Result<String> {
        self.optional(key).ok_or_else(|| Error::weights(format!("metadata {key}: missing")))
    }

    fn fixed(&mut self, key: &str, expected: &str) -> Result<()> {
        let found = self.take(key)?;
        if found == expected { Ok(()) } else { Err(mismatch(&format!("metadata {key}"), expected, found)) }
    }

    fn rgb(&mut self, key: &str) -> Result<[f32; 3]> {
        let found = self.take(key)?;
        let numbers: Option<Vec<f32>> = found.split(',').map(number).collect();
        numbers
            .and_then(|n| n.try_into().ok())
            .ok_or_else(|| mismatch(&format!("metadata {key}"), "three numbers r,g,b", found))
    }
}

fn number(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|v: &f32| v.is_finite())
}

fn mismatch(subject: &str, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
    Error::weights(format!("{subject}: expected {expected}, found {found}"))
}
