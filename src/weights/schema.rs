//! The schema: metadata and shapes, and what contradicts them.

use super::config::{Config, MAX_CHANNELS, MAX_KERNEL, Output, Prior, inputs};
use super::header::{Tensor, position};
use super::integer::{Integers, MapScale};
use super::layer::{LayerShape, MAX_LEVELS};
use crate::error::{Error, Result};

/// The widest bounded context: the longest side of an image.
const MAX_CONTEXT: usize = 1 << 16;

/// Checks a header against the schema; under IEEE 754's defaults, since the standard library's parser of numbers divides.
pub(super) fn check(metadata: Vec<(String, String)>, tensors: &[(String, Tensor)]) -> Result<Config> {
    let mut text = Keys(metadata);
    let format = text.take("format")?;
    let is_integer = match &format[..] {
        "inpaint-edge/1" => false,
        "inpaint-edge/2" => true,
        other => return Err(mismatch("metadata format", "inpaint-edge/1 or inpaint-edge/2", other)),
    };
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
    let integers = is_integer.then(|| text.integers(levels)).transpose()?;
    if let Some(key) = text.0.iter().map(|(key, _)| key).find(|key| !key.starts_with("provenance.")) {
        return Err(Error::weights(format!("metadata {key}: not a key of this format")));
    }
    let mut tensors = Tensors(tensors.iter().map(|(name, tensor)| (name, tensor)).collect());
    let layers = match &integers {
        None => layers(levels, inputs(prior_input), &mut |place| tensors.layer(place))?,
        Some(integers) => layers(levels, inputs(prior_input), &mut |place| tensors.integer_layer(place, integers))?,
    };
    let head = tensors.head()?;
    if let Some((name, _)) = tensors.0.first() {
        return Err(Error::weights(format!("tensor {name}: not part of a network of {levels} levels")));
    }
    let mut config =
        Config { levels, mean, std, slope, prior, prior_input, context, head, output, layers, integers: None };
    config.set_integers(integers)?;
    config.addressable()
}

/// What is known of a layer before its tensors are looked at.
struct Place {
    index: usize,
    name: String,
    c_in: usize,
    c_skip: usize,
    /// Output channels, where they are known.
    c_out: Option<usize>,
    /// Kernel side, where it is known.
    kernel: Option<usize>,
}

impl Place {
    /// The expected output channels, in words.
    fn out(&self) -> String {
        self.c_out.map_or(format!("1 … {MAX_CHANNELS}"), |c| c.to_string())
    }

    fn takes(&self, c_out: usize) -> bool {
        (1..=MAX_CHANNELS).contains(&c_out) && self.c_out.is_none_or(|c| c == c_out)
    }

    fn shape(&self, c_out: usize, kernel: usize) -> LayerShape {
        LayerShape { name: self.name.clone(), c_out, c_in: self.c_in, c_skip: self.c_skip, kernel }
    }
}

/// The layers on `inputs` channels in the order they run, as `find` finds them, each checked against the one before.
fn layers(levels: usize, inputs: usize, find: &mut dyn FnMut(Place) -> Result<LayerShape>) -> Result<Vec<LayerShape>> {
    let mut layers: Vec<LayerShape> = Vec::new();
    for i in 1..=levels {
        let c_in = layers.last().map_or(inputs, |l| l.c_out);
        let name = format!("enc{i}");
        layers.push(find(Place { index: layers.len(), name, c_in, c_skip: 0, c_out: None, kernel: None })?);
    }
    for i in (1..=levels).rev() {
        let c_in = layers[layers.len() - 1].c_out;
        let (c_skip, c_out) = if i == 1 { (inputs, Some(3)) } else { (layers[i - 2].c_out, None) };
        layers.push(find(Place {
            index: layers.len(),
            name: format!("dec{i}"),
            c_in,
            c_skip,
            c_out,
            kernel: Some(3),
        })?);
    }
    Ok(layers)
}

/// The tensors that no layer has asked for yet, in the order of names.
struct Tensors<'t>(Vec<(&'t String, &'t Tensor)>);

impl Tensors<'_> {
    /// The shape of a tensor of one of `types`, which is `expected` in words.
    fn take(&mut self, name: &str, types: Types, expected: &str) -> Result<Vec<usize>> {
        let at = position(&self.0, name).ok_or_else(|| Error::weights(format!("tensor {name}: missing")))?;
        let (_, tensor) = self.0.remove(at);
        if !types.0.contains(&&tensor.dtype[..]) {
            return Err(mismatch(&format!("tensor {name}"), types.1, &tensor.dtype));
        }
        if tensor.shape.contains(&0) {
            return Err(mismatch(&format!("tensor {name}"), expected, format!("{:?}", tensor.shape)));
        }
        Ok(tensor.shape.clone())
    }

    /// Takes a tensor of this very shape.
    fn exactly(&mut self, name: &str, types: Types, expected: &[usize]) -> Result<()> {
        let found = self.take(name, types, &format!("{expected:?}"))?;
        match found == expected {
            true => Ok(()),
            false => Err(mismatch(&format!("tensor {name}"), format!("{expected:?}"), format!("{found:?}"))),
        }
    }

    fn layer(&mut self, place: Place) -> Result<LayerShape> {
        let c_in = place.c_in + place.c_skip;
        let side = place.kernel.map_or("k, k".to_owned(), |k| format!("{k}, {k}"));
        let expected = format!("[{}, {c_in}, {side}]", place.out());
        let weight = format!("{}.weight", place.name);
        let found = self.take(&weight, FLOATS, &expected)?;
        let kernel_fits = |k: usize| place.kernel.map_or(k % 2 == 1 && k <= MAX_KERNEL, |kernel| k == kernel);
        match found[..] {
            [o, i, h, w] if i == c_in && h == w && kernel_fits(h) && place.takes(o) => {
                self.exactly(&format!("{}.bias", place.name), FLOATS, &[o])?;
                Ok(place.shape(o, h))
            }
            _ => Err(mismatch(&format!("tensor {weight}"), expected, format!("{found:?}"))),
        }
    }

    fn integer_layer(&mut self, place: Place, integers: &Integers) -> Result<LayerShape> {
        let is_wide = integers.is_wide(place.index);
        let scale = format!("{}.scale", place.name);
        let expected = format!("[{}]", place.out());
        let found = self.take(&scale, (&["F32"], "f32"), &expected)?;
        let c_out = match found[..] {
            [c_out] if place.takes(c_out) => c_out,
            _ => return Err(mismatch(&format!("tensor {scale}"), expected, format!("{found:?}"))),
        };
        self.exactly(&format!("{}.bias", place.name), (&["F32"], "f32"), &[c_out])?;
        let kernel = match place.kernel {
            Some(kernel) => kernel,
            // The shape of the weights tells it.
            None => {
                let name = format!("{}.weight", place.name);
                let found = position(&self.0, &name).map(|at| &self.0[at].1.shape);
                let fits = |k: &usize| {
                    let mut operands = place.shape(c_out, *k).operands();
                    operands.all(|operand| found.is_some_and(|found| **found == operand.tensor_shape(c_out, is_wide)))
                };
                (1..=MAX_KERNEL).step_by(2).find(fits).unwrap_or(1)
            }
        };
        let shape = place.shape(c_out, kernel);
        for operand in shape.operands() {
            let expected = operand.tensor_shape(c_out, is_wide);
            let types: Types = if is_wide { (&["I16"], "i16") } else { (&["I8"], "i8") };
            self.exactly(&format!("{}.{}", shape.name, operand.name), types, &expected)?;
        }
        Ok(shape)
    }

    /// Whether there is a head.
    fn head(&mut self) -> Result<bool> {
        let head = ["head.weight", "head.bias"].iter().any(|name| position(&self.0, name).is_some());
        if head {
            self.exactly("head.weight", FLOATS, &[3, 3, 1, 1])?;
            self.exactly("head.bias", FLOATS, &[3])?;
        }
        Ok(head)
    }
}

/// Number types of a tensor, as files spell them and in words.
type Types = (&'static [&'static str], &'static str);

/// The number types of a network of floats.
const FLOATS: Types = (&["F32", "F16"], "f32 or f16");

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

    /// How the maps of a network of so many levels are scaled.
    fn integers(&mut self, levels: usize) -> Result<Integers> {
        let wide = self.take("wide_levels")?;
        let wide = wide.parse().map_err(|_| mismatch("metadata wide_levels", format!("1 to {levels}"), &wide))?;
        let expected = format!("{} numbers with commas between them", 2 * levels);
        let steps = self.numbers("steps", 2 * levels, &expected)?;
        let zeros = self.numbers("zeros", 2 * levels, &expected)?;
        let map = |(step, zero): (f32, f32)| match (0.0..=255.0).contains(&zero) && zero.fract() == 0.0 {
            true => Ok(MapScale { step, zero: zero as u8 }),
            false => Err(mismatch("metadata zeros", "integers of 0 to 255", zero)),
        };
        let maps: Result<Vec<MapScale>> = steps.into_iter().zip(zeros).map(map).collect();
        Integers::new(wide, maps?).map_err(|e| e.of("metadata"))
    }

    /// So many numbers with commas between them, which are `expected` in words.
    fn numbers(&mut self, key: &str, count: usize, expected: &str) -> Result<Vec<f32>> {
        let found = self.take(key)?;
        let numbers: Option<Vec<f32>> = found.split(',').map(number).collect();
        let numbers = numbers.filter(|numbers| numbers.len() == count);
        numbers.ok_or_else(|| mismatch(&format!("metadata {key}"), expected, found))
    }

    fn rgb(&mut self, key: &str) -> Result<[f32; 3]> {
        Ok(self.numbers(key, 3, "three numbers r,g,b")?.try_into().expect("three numbers"))
    }
}

fn number(text: &str) -> Option<f32> {
    text.trim().parse().ok().filter(|v: &f32| v.is_finite())
}

fn mismatch(subject: &str, expected: impl std::fmt::Display, found: impl std::fmt::Display) -> Error {
    Error::weights(format!("{subject}: expected {expected}, found {found}"))
}
