//! A checkpoint held against a layout: levels and widths inferred, every tensor accounted for.

use std::collections::BTreeSet;

use inpaint_edge::weights::{Config, LayerShape, Output, Prior};
use inpaint_edge::{Error, Result};

use super::{Axes, Concat, Fact, Has, Keys, LAYOUTS, Layout, Normalise, Ratio, Side};
use crate::checkpoint::{Checkpoint, Stored};
use crate::fault::{one_line, refused};

/// The most levels looked for; the engine runs 12.
const MAX_LEVELS: usize = 12;
const MAX_CHANNELS: usize = 4096;
const MAX_KERNEL: usize = 15;
/// Names in one message.
const MAX_NAMES: usize = 5;

/// Where training programs keep the network in a checkpoint, and what they keep beside it.
const ROOTS: [&str; 2] = ["state_dict.", "model."];
const BESIDE: [&str; 3] = ["optimizer.", "optimizer_state_dict.", "lr_scheduler."];

/// Tensors of [`Normalise::Stored`].
const STORED: [&str; 5] = ["input_mean", "input_std", "decoder_slope", "harmonic_prior", "output_function"];

/// One convolution of the engine, and the tensors it comes from.
pub struct Convolution {
    /// `enc1` … `dec1`.
    pub name: String,
    /// Its tensors, by their full names.
    pub keys: Keys,
    /// Whether it has a bias and batch norm.
    pub has_bias: bool,
    /// See `has_bias`.
    pub has_norm: bool,
    /// Which input channel of the checkpoint each of the engine's is.
    pub inputs: Vec<usize>,
    /// Which output channel of the checkpoint each of the engine's is.
    pub outputs: Vec<usize>,
    /// Kernel side.
    pub kernel: usize,
    /// What the weights are multiplied by to stand in the engine's formula.
    pub factor: f64,
}

/// What is written, and from what.
pub struct Network {
    /// Whose it is.
    pub layout: &'static Layout,
    /// What the engine will read.
    pub config: Config,
    /// In the order of `config.layers()`.
    pub convolutions: Vec<Convolution>,
    /// Weight and bias of the head, where there is one, by their full names.
    pub head: Option<[String; 2]>,
    /// Kernels of ones that were verified and are dropped.
    pub ones: usize,
    /// Tensors that are not the network's.
    pub extra: Vec<String>,
}

/// Recognises the network of a checkpoint: `from`'s, or whichever its names fit.
///
/// # Errors
///
/// Weights, with the names of tensors that are missing, unknown or misshapen, or the reason why the engine cannot run it.
pub fn recognise(
    checkpoint: &mut Checkpoint,
    from: Option<&'static Layout>,
    allow_extra: bool,
    facts: &[Fact],
) -> Result<Network> {
    let prefix = prefix(checkpoint);
    let layout = match from {
        Some(layout) => layout,
        None => detect(checkpoint, &prefix)?,
    };
    recognise_as(checkpoint, layout, &prefix, allow_extra, facts).map_err(|e| e.of(layout.name))
}

fn recognise_as(
    checkpoint: &mut Checkpoint,
    layout: &'static Layout,
    prefix: &str,
    allow_extra: bool,
    facts: &[Fact],
) -> Result<Network> {
    let levels = levels(checkpoint, layout, prefix)?;
    let mut used = Used { checkpoint, prefix, seen: BTreeSet::new(), missing: Vec::new() };
    let mut found = Vec::new();
    for (side, i) in order(levels) {
        found.push(used.layer(layout, side, i, levels));
    }
    if layout.normalise == Normalise::Stored {
        STORED.iter().for_each(|name| used.need(&format!("{prefix}{name}")));
    }
    let head = used.head(layout);
    let Used { seen, missing, .. } = used;
    if !missing.is_empty() {
        return Err(refused(format!("missing: {}", list(&missing))));
    }
    let extra: Vec<String> = checkpoint
        .tensors
        .keys()
        .filter(|name| !seen.contains(*name) && !BESIDE.iter().any(|beside| name.starts_with(beside)))
        .cloned()
        .collect();
    if let Some((reason, waiver)) = layout.obstacle
        && waiver.is_none_or(|fact| !facts.contains(&fact))
    {
        return Err(refused(reason));
    }
    if !extra.is_empty() && !allow_extra {
        return Err(refused(format!("not part of the network: {} (--allow-extra leaves them out)", list(&extra))));
    }
    let mut ones = 0;
    for layer in &found {
        let Some(name) = layer.keys.ones.as_ref().filter(|name| checkpoint.tensors.contains_key(*name)) else {
            continue;
        };
        if !checkpoint.all(name, 1.0)? {
            return Err(refused(format!("tensor {name}: expected ones, found others: it is no mask kernel")));
        }
        ones += 1;
    }
    let reads_prior = |tensor| matches!(kernel(tensor, layout.axes), Some([_, 6, _, _]));
    let prior_input =
        matches!(layout.normalise, Normalise::Stored) && reads_prior(&checkpoint.tensors[&found[0].keys.weight]);
    let shapes = shapes(checkpoint, layout, &found, levels, if prior_input { 6 } else { 3 })?;
    let encoder: Vec<(usize, usize)> = shapes[..levels].iter().map(|s| (s.c_out, s.kernel)).collect();
    let decoder: Vec<usize> = shapes[levels..].iter().rev().map(|s| s.c_out).collect();
    let prior = if prior_input { Prior::Harmonic } else { Prior::None };
    let mut config = Config::new(prior, prior_input, &encoder, &decoder)?;
    config.set_head(head.is_some());
    config.set_output(match layout.output {
        Output::Tanh if facts.contains(&Fact::NoTanh) => Output::Linear,
        output => output,
    });
    normalise(checkpoint, layout, prefix, &mut config)?;
    if let Some([weight, bias]) = &head {
        let (w, b) = (&checkpoint.tensors[weight], &checkpoint.tensors[bias]);
        if kernel(w, layout.axes) != Some([3, 3, 1, 1]) {
            return Err(misfit(weight, "three input and output channels, 1×1", w));
        }
        if b.shape != [3] {
            return Err(misfit(bias, "[3]", b));
        }
    }
    let convolutions =
        config.layers().iter().zip(found).map(|(shape, layer)| convolution(layout, shape, layer)).collect();
    Ok(Network { layout, config, convolutions, head, ones, extra })
}

/// Where the channels of a layer come from, and what makes its scaling the engine's.
fn convolution(layout: &Layout, shape: &LayerShape, layer: Layer) -> Convolution {
    let (up, skip) = (shape.c_in, shape.c_skip);
    let mut inputs: Vec<usize> = match layout.concat {
        Concat::SkipUp if skip > 0 => (skip..skip + up).chain(0..skip).collect(),
        _ => (0..up + skip).collect(),
    };
    let mut outputs: Vec<usize> = (0..shape.c_out).collect();
    if layout.bgr {
        // The image is enc1's input, dec1's skip and dec1's output.
        match &shape.name[..] {
            "enc1" => inputs.reverse(),
            "dec1" => {
                inputs[up..].reverse();
                outputs.reverse();
            }
            _ => {}
        }
    }
    let (taps, channels) = ((shape.kernel * shape.kernel) as f64, (up + skip) as f64);
    let factor = match layout.ratio {
        Ratio::Window => 1.0,
        Ratio::Sum => 1.0 / (taps * channels),
        Ratio::Taps => 1.0 / channels,
    };
    let Layer { keys, has_bias, has_norm } = layer;
    let (name, kernel) = (shape.name.clone(), shape.kernel);
    Convolution { name, keys, has_bias, has_norm, inputs, outputs, kernel, factor }
}

/// What stands before every name of the network.
fn prefix(checkpoint: &Checkpoint) -> String {
    let names = || checkpoint.tensors.keys();
    let root = ROOTS.iter().find(|root| names().any(|name| name.starts_with(*root))).copied().unwrap_or_default();
    let mut inside = names().filter(|name| name.starts_with(root));
    let parallel = inside.clone().next().is_some() && inside.all(|name| name[root.len()..].starts_with("module."));
    format!("{root}{}", if parallel { "module." } else { "" })
}

fn detect(checkpoint: &Checkpoint, prefix: &str) -> Result<&'static Layout> {
    let has = |key: &str| checkpoint.tensors.contains_key(&format!("{prefix}{key}"));
    let fits = LAYOUTS.iter().find(|layout| has(&(layout.keys)(Side::Encoder, 1, 1).weight));
    fits.ok_or_else(|| {
        let names: Vec<String> = checkpoint.tensors.keys().cloned().collect();
        refused(match &names[..] {
            [] => "no tensors found".to_owned(),
            names => format!("the network of no known program; its tensors: {}", list(names)),
        })
    })
}

fn levels(checkpoint: &Checkpoint, layout: &Layout, prefix: &str) -> Result<usize> {
    let has = |side, i, levels| {
        let key = (layout.keys)(side, i, levels).weight;
        checkpoint.tensors.contains_key(&format!("{prefix}{key}"))
    };
    if layout.through {
        let last = (1..=2 * MAX_LEVELS + 1).rev().find(|&i| has(Side::Encoder, i, MAX_LEVELS)).unwrap_or(0);
        return match last {
            0 => Err(refused(format!("missing: {prefix}{}", (layout.keys)(Side::Encoder, 1, 1).weight))),
            last if last % 2 == 1 || last > 2 * MAX_LEVELS => {
                Err(refused(format!("expected as many decoder as encoder layers, found {last} layers")))
            }
            last => Ok(last / 2),
        };
    }
    let last = (1..=MAX_LEVELS + 1).rev().find(|&i| has(Side::Encoder, i, i) || has(Side::Decoder, i, i)).unwrap_or(0);
    match last {
        0 => Err(refused(format!("missing: {prefix}{}", (layout.keys)(Side::Encoder, 1, 1).weight))),
        last if last > MAX_LEVELS => Err(refused(format!("expected at most {MAX_LEVELS} levels, found more"))),
        last => Ok(last),
    }
}

/// enc1 … encL, decL … dec1.
fn order(levels: usize) -> impl Iterator<Item = (Side, usize)> {
    (1..=levels).map(|i| (Side::Encoder, i)).chain((1..=levels).rev().map(|i| (Side::Decoder, i)))
}

struct Layer {
    keys: Keys,
    has_bias: bool,
    has_norm: bool,
}

/// Which tensors have been asked for.
struct Used<'c, 'a> {
    checkpoint: &'c Checkpoint<'a>,
    prefix: &'c str,
    seen: BTreeSet<String>,
    missing: Vec<String>,
}

impl Used<'_, '_> {
    fn need(&mut self, name: &str) {
        if !self.take(name) {
            self.missing.push(name.to_owned());
        }
    }

    fn take(&mut self, name: &str) -> bool {
        let there = self.checkpoint.tensors.contains_key(name);
        if there {
            self.seen.insert(name.to_owned());
        }
        there
    }

    fn head(&mut self, layout: &Layout) -> Option<[String; 2]> {
        let (has, names) = layout.head?;
        let names = names.map(|name| format!("{}{name}", self.prefix));
        let there = names.iter().any(|name| self.checkpoint.tensors.contains_key(name));
        (has == Has::Yes || there).then(|| {
            names.iter().for_each(|name| self.need(name));
            names
        })
    }

    fn layer(&mut self, layout: &Layout, side: Side, i: usize, levels: usize) -> Layer {
        let full = |name: String| format!("{}{name}", self.prefix);
        let Keys { weight, bias, ones, norm, counter } = (layout.keys)(side, i, levels);
        let keys = Keys {
            weight: full(weight),
            bias: full(bias),
            ones: ones.map(full),
            norm: norm.map(full),
            counter: counter.map(full),
        };
        self.need(&keys.weight);
        let there = |name: &String| self.checkpoint.tensors.contains_key(name);
        let has = |has: Has, names: &[String]| match has {
            Has::Yes => true,
            Has::No => false,
            Has::Maybe => names.iter().any(there),
        };
        let has_norm = has((layout.norm)(side, i), &keys.norm);
        // A layer without batch norm that has no bias either is more likely to lack a tensor.
        let bias = match (layout.bias)(side, i) {
            Has::Maybe if layout.normalise == Normalise::Stored && !has_norm => Has::Yes,
            bias => bias,
        };
        let has_bias = has(bias, std::slice::from_ref(&keys.bias));
        if has_bias {
            self.need(&keys.bias);
        }
        if has_norm {
            keys.norm.iter().for_each(|name| self.need(name));
            keys.counter.iter().for_each(|name| _ = self.take(name));
        }
        keys.ones.iter().for_each(|name| _ = self.take(name));
        Layer { keys, has_bias, has_norm }
    }
}

struct Shape {
    c_out: usize,
    kernel: usize,
}

/// Checks every shape against the layer before it, the first against a network's `inputs`.
fn shapes(
    checkpoint: &Checkpoint,
    layout: &Layout,
    layers: &[Layer],
    levels: usize,
    inputs: usize,
) -> Result<Vec<Shape>> {
    let mut shapes: Vec<Shape> = Vec::new();
    for (n, layer) in layers.iter().enumerate() {
        let before = shapes.last().map_or(inputs, |shape| shape.c_out);
        let i = if n < levels { n + 1 } else { 2 * levels - n };
        let skip = match i {
            _ if n < levels => 0,
            1 => inputs,
            i => shapes[i - 2].c_out,
        };
        let c_in = before + skip;
        let tensor = &checkpoint.tensors[&layer.keys.weight];
        let [o, c, h, w] = kernel(tensor, layout.axes)
            .ok_or_else(|| misfit(&layer.keys.weight, &format!("four axes with {c_in} input channels"), tensor))?;
        let side = if n < levels { h } else { 3 };
        if o == 0 || o > MAX_CHANNELS || c != c_in || (h, w) != (side, side) || (n + 1 == 2 * levels && o != 3) {
            let out = if n + 1 == 2 * levels { "3".to_owned() } else { format!("1 … {MAX_CHANNELS}") };
            let side = if n < levels { "k×k".to_owned() } else { "3×3".to_owned() };
            return Err(misfit(&layer.keys.weight, &format!("{c_in} input and {out} output channels, {side}"), tensor));
        }
        if h % 2 == 0 || h > MAX_KERNEL {
            return Err(misfit(
                &layer.keys.weight,
                &format!("an odd kernel up to {MAX_KERNEL}, as the engine runs,"),
                tensor,
            ));
        }
        let ones = layer.keys.ones.as_ref().and_then(|name| Some((name, checkpoint.tensors.get(name)?)));
        if let Some((name, ones)) = ones
            && kernel(ones, layout.axes).is_none_or(|[_, _, kh, kw]| (kh, kw) != (h, w))
        {
            return Err(misfit(name, &format!("a {h}×{w} kernel"), ones));
        }
        let vectors =
            layer.keys.norm.iter().filter(|_| layer.has_norm).chain(Some(&layer.keys.bias).filter(|_| layer.has_bias));
        for name in vectors {
            let vector = &checkpoint.tensors[name];
            if vector.shape != [o] {
                return Err(misfit(name, &format!("[{o}]"), vector));
            }
        }
        shapes.push(Shape { c_out: o, kernel: h });
    }
    Ok(shapes)
}

/// Output channels, input channels, height, width.
fn kernel(tensor: &Stored, axes: Axes) -> Option<[usize; 4]> {
    match (&tensor.shape[..], axes) {
        (&[o, i, h, w], Axes::Oihw) | (&[h, w, i, o], Axes::Hwio) => Some([o, i, h, w]),
        _ => None,
    }
}

fn misfit(name: &str, expected: &str, tensor: &Stored) -> Error {
    refused(format!("tensor {name}: expected {expected}, found {:?}", tensor.shape))
}

fn normalise(checkpoint: &mut Checkpoint, layout: &Layout, prefix: &str, config: &mut Config) -> Result<()> {
    if let Normalise::By { mean, std } = layout.normalise {
        return config.set_normalisation(mean, std);
    }
    let mut numbers = |name: &str, count: usize| -> Result<Vec<f32>> {
        let name = format!("{prefix}{name}");
        let tensor = &checkpoint.tensors[&name];
        if tensor.count() != count {
            return Err(misfit(&name, &format!("{count} numbers"), tensor));
        }
        let values = checkpoint.read(&name)?;
        Ok((0..count).map(|i| values.get(i) as f32).collect())
    };
    let of_tensor = |e: Error| refused(format!("tensor {prefix}{e}"));
    let rgb = |v: Vec<f32>| [v[0], v[1], v[2]];
    let (mean, std) = (rgb(numbers("input_mean", 3)?), rgb(numbers("input_std", 3)?));
    config.set_normalisation(mean, std).map_err(of_tensor)?;
    config.set_slope(numbers("decoder_slope", 1)?[0]).map_err(of_tensor)?;
    let prior = match numbers("harmonic_prior", 1)?[0] {
        0.0 => Prior::None,
        1.0 => Prior::Harmonic,
        other => return Err(refused(format!("tensor {prefix}harmonic_prior: expected 0 or 1, found {other}"))),
    };
    config.set_prior(prior).map_err(|_| {
        refused(format!("tensor {prefix}harmonic_prior: expected 1 of a network that reads it, found 0"))
    })?;
    config.set_output(match numbers("output_function", 1)?[0] {
        0.0 => Output::Linear,
        1.0 => Output::Tanh,
        2.0 => Output::Sigmoid,
        other => return Err(refused(format!("tensor {prefix}output_function: expected 0, 1 or 2, found {other}"))),
    });
    Ok(())
}

/// Some names, and how many more there are.
fn list(names: &[String]) -> String {
    let some: Vec<String> = names.iter().take(MAX_NAMES).map(|name| one_line(name)).collect();
    match names.len().saturating_sub(MAX_NAMES) {
        0 => some.join(", "),
        more => format!("{} and {more} more", some.join(", ")),
    }
}
