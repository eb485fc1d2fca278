//! A checkpoint held against a layout: levels and widths inferred, every tensor accounted for.

use std::collections::BTreeSet;

use inpaint_edge::weights::{Config, LayerShape, Output, Prior};
use inpaint_edge::{Error, Result};

use super::root::{Candidate, candidates, list, roots, under};
use super::{Axes, Concat, Fact, Has, Keys, Layout, Normalise, Ones, Ratio, Side};
use crate::checkpoint::{Checkpoint, Stored};
use crate::fault::{one_line, refused};

/// The most levels looked for; the engine runs 12.
const MAX_LEVELS: usize = 12;
const MAX_CHANNELS: usize = 4096;
const MAX_KERNEL: usize = 15;

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
    /// What its tensors' names begin with.
    pub root: String,
    /// What the engine will read.
    pub config: Config,
    /// In the order of `config.layers()`.
    pub convolutions: Vec<Convolution>,
    /// Weight and bias of the head, where there is one, by their full names.
    pub head: Option<[String; 2]>,
    /// Mask kernels that are dropped.
    pub ones: usize,
    /// Tensors under the root that are not the network's.
    pub extra: Vec<String>,
    /// How many tensors lie outside the root.
    pub outside: usize,
    /// What the user should know of it.
    pub notes: Vec<String>,
}

/// Recognises the network of a checkpoint: `from`'s, or whichever its names fit; the one under `root`, or the only one.
///
/// # Errors
///
/// Weights, with the names of networks where there are several, with the names of tensors that are missing, unknown or
/// misshapen, or the reason why the engine cannot run it.
pub fn recognise(
    checkpoint: &mut Checkpoint,
    from: Option<&'static Layout>,
    root: Option<&str>,
    allow_extra: bool,
    facts: &[Fact],
) -> Result<Network> {
    let all = candidates(checkpoint, from)?;
    let is_whole = |one: &&Candidate| {
        levels(checkpoint, one).is_ok_and(|levels| Survey::of(checkpoint, one, levels).missing.is_empty())
    };
    let whole: Vec<Candidate> = all.iter().filter(is_whole).cloned().collect();
    let there = if whole.is_empty() { &all } else { &whole };
    let named = root.map_or_else(|| Ok(there.clone()), |root| under(there, root))?;
    let chosen = match &named[..] {
        several if several.len() > 1 && !whole.is_empty() => {
            let (count, found) = (several.len(), roots(several));
            return Err(refused(format!("expected one network, found {count}: {found}; --root NAME chooses")));
        }
        // Of one that is not whole, what is missing is told.
        one => &one[0],
    };
    let average = whole.iter().find(|one| one.is_average() && !chosen.is_average());
    let average = average.map(|one| {
        format!("an average of weights lies beside, which mostly fills better: --root {}", one_line(one.root()))
    });
    let mut network =
        recognise_as(checkpoint, chosen, &whole, allow_extra, facts).map_err(|e| e.of(chosen.layout.name))?;
    network.notes.extend(average);
    Ok(network)
}

fn recognise_as(
    checkpoint: &mut Checkpoint,
    candidate: &Candidate,
    whole: &[Candidate],
    allow_extra: bool,
    facts: &[Fact],
) -> Result<Network> {
    let Candidate { layout, prefix, .. } = candidate;
    let levels = levels(checkpoint, candidate)?;
    let Survey { layers: found, head, seen, missing, .. } = Survey::of(checkpoint, candidate, levels);
    if !missing.is_empty() {
        let missing = missing.into_iter().map(|name| match checkpoint.opaque.get(&name) {
            Some(global) => format!("{name} (there as {global}, which is not opened)"),
            None => name,
        });
        return Err(refused(format!("missing: {}", list(&missing.collect::<Vec<_>>()))));
    }
    let others = checkpoint.tensors.iter().filter(|(name, _)| !seen.contains(*name));
    // A network inside the root, such as an average of this one, is not a part of it.
    let inner: Vec<&Candidate> = whole.iter().filter(|other| other.prefix.len() > prefix.len()).collect();
    let (extra, outside): (Vec<_>, Vec<_>) = others.partition(|(name, tensor)| {
        candidate.holds(name, tensor.home) && !inner.iter().any(|other| other.holds(name, tensor.home))
    });
    let outside = outside.len();
    let extra: Vec<String> = extra.into_iter().map(|(name, _)| one_line(name)).collect();
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
        if layout.ones == Ones::Verified && !checkpoint.all(name, 1.0)? {
            return Err(refused(format!(
                "tensor {name}: expected ones, found others: the program weighs known pixels by them"
            )));
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
    let notes = layout.note.map(str::to_owned).into_iter().collect();
    let root = one_line(candidate.root());
    Ok(Network { layout, root, config, convolutions, head, ones, extra, outside, notes })
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

fn levels(checkpoint: &Checkpoint, candidate: &Candidate) -> Result<usize> {
    let Candidate { layout, prefix, .. } = candidate;
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

/// The tensors that a network of so many levels is made of, by name alone.
struct Survey<'c, 'a> {
    checkpoint: &'c Checkpoint<'a>,
    prefix: &'c str,
    layers: Vec<Layer>,
    head: Option<[String; 2]>,
    seen: BTreeSet<String>,
    missing: Vec<String>,
}

impl<'c, 'a> Survey<'c, 'a> {
    fn of(checkpoint: &'c Checkpoint<'a>, candidate: &'c Candidate, levels: usize) -> Self {
        let Candidate { layout, prefix, .. } = candidate;
        let (seen, missing) = Default::default();
        let mut survey = Self { checkpoint, prefix, layers: Vec::new(), head: None, seen, missing };
        survey.layers = order(levels).map(|(side, i)| survey.layer(layout, side, i, levels)).collect();
        if layout.normalise == Normalise::Stored {
            STORED.iter().for_each(|name| survey.need(&format!("{prefix}{name}")));
        }
        survey.head = survey.head(layout);
        survey
    }

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
