//! Folds a recognised network into the engine's formula and writes it.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::Path;

use inpaint_edge::Result;
use inpaint_edge::weights::{Dtype, Weights, header};

use crate::checkpoint::Checkpoint;
use crate::fault::refused;
use crate::formats;
use crate::input::Input;
use crate::layout::{Axes, Convolution, Fact, Layout, Network, recognise};
use crate::output::{self, unwritten};

/// How a checkpoint is converted.
pub struct Options {
    /// Whose network it is; `None` tells by its names.
    pub from: Option<&'static Layout>,
    /// Numbers of the result.
    pub dtype: Dtype,
    /// Where the network lies in the checkpoint; `None`: it is the only one.
    pub root: Option<String>,
    /// Leave out tensors under its root that are not the network's.
    pub allow_extra: bool,
    /// What the file does not tell.
    pub facts: Vec<Fact>,
    /// How many pixels around a hole the network was trained to see; `None`: all of the photograph.
    pub context: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { from: None, dtype: Dtype::F32, root: None, allow_extra: false, facts: Vec::new(), context: None }
    }
}

/// What was converted.
#[derive(Debug)]
pub struct Report {
    /// The kind of file.
    pub format: &'static str,
    /// Whose network it was.
    pub layout: &'static str,
    /// L.
    pub levels: usize,
    /// Numbers in the result.
    pub parameters: usize,
    /// Where it lay in the checkpoint: what the names of its tensors begin with.
    pub root: String,
    /// Mask kernels left out.
    pub ones: usize,
    /// Other tensors under its root left out, by name.
    pub extra: Vec<String>,
    /// Tensors outside its root, passed over.
    pub outside: usize,
    /// The globals of a pickle that were not called, by name.
    pub skipped: Vec<String>,
    /// What the user should know of the result.
    pub notes: Vec<String>,
}

/// Converts a checkpoint; `out` takes the weights file. Nothing is written before every tensor's name and shape has been
/// found right.
///
/// # Errors
///
/// Weights, where the checkpoint is damaged or is not a network the engine can run exactly; output, where `out` fails.
pub fn convert(input: Input, options: &Options, out: &mut dyn Write) -> Result<Report> {
    let mut checkpoint = formats::open(input)?;
    let Options { from, allow_extra, .. } = *options;
    let mut network = recognise(&mut checkpoint, from, options.root.as_deref(), allow_extra, &options.facts)?;
    network.config.set_context(options.context)?;
    let provenance = BTreeMap::from([("layout".to_owned(), network.layout.name.to_owned())]);
    out.write_all(&header(&network.config, options.dtype, &provenance)).map_err(unwritten)?;
    // The order of `Config::tensors`: by name, a layer's bias before its weight.
    let mut order: Vec<&Convolution> = network.convolutions.iter().collect();
    order.sort_by_key(|convolution| &convolution.name);
    for convolution in order {
        fold(&mut checkpoint, &network, convolution, options.dtype, out)?;
    }
    if let Some([weight, bias]) = &network.head {
        let (weight, bias) = (checkpoint.read(weight)?, checkpoint.read(bias)?);
        let rows = (0..3).flat_map(|o| (0..3).map(move |c| (o, c))).map(|(o, c)| match network.layout.axes {
            Axes::Oihw => 3 * o + c,
            Axes::Hwio => 3 * c + o,
        });
        let numbers = (0..3).map(|o| bias.get(o)).chain(rows.map(|i| weight.get(i)));
        put("head", &mut { numbers }, options.dtype, out)?;
    }
    Ok(Report {
        format: checkpoint.format,
        layout: network.layout.name,
        root: network.root,
        levels: network.config.levels(),
        parameters: network.config.parameters(),
        ones: network.ones,
        extra: network.extra,
        outside: network.outside,
        skipped: checkpoint.skipped,
        notes: network.notes,
    })
}

/// Converts the file `from` to the file `to`, which is read back by the engine before it takes that name.
///
/// # Errors
///
/// As [`convert`], naming the file; `to` is then as it was.
pub fn convert_file(from: &Path, to: &Path, options: &Options) -> Result<Report> {
    let input = Input::open(from).map_err(|e| e.of(from.display()))?;
    output::write(
        to,
        |out| {
            convert(input, options, out).map_err(|e| match e.kind() {
                inpaint_edge::ErrorKind::Output => e.of(to.display()),
                _ => e.of(from.display()),
            })
        },
        |written| {
            let mut weights = Weights::from_file(written)?;
            let (mut weight, mut bias) = (Vec::new(), Vec::new());
            (0..weights.config().layers().len()).try_for_each(|i| weights.read_layer(i, &mut weight, &mut bias))?;
            weights.read_head(&mut weight, &mut bias)
        },
    )
}

/// Writes bias and weight of one layer. Batch norm becomes a scale and a shift of each output channel: what it makes of
/// holes is never read.
fn fold(
    checkpoint: &mut Checkpoint,
    network: &Network,
    convolution: &Convolution,
    dtype: Dtype,
    out: &mut dyn Write,
) -> Result<()> {
    let Convolution { name, keys, inputs, outputs, kernel, factor, .. } = convolution;
    let c_out = outputs.len();
    let (mut scale, mut shift) = (vec![1.0; c_out], vec![0.0; c_out]);
    if convolution.has_bias {
        let bias = checkpoint.read(&keys.bias)?;
        (0..c_out).for_each(|o| shift[o] = bias.get(o));
    }
    if convolution.has_norm {
        let [gamma, beta, mean, variance] = &keys.norm;
        let (gamma, beta, mean) = (checkpoint.read(gamma)?, checkpoint.read(beta)?, checkpoint.read(mean)?);
        let values = checkpoint.read(variance)?;
        for o in 0..c_out {
            if values.get(o) < 0.0 {
                return Err(refused(format!("tensor {variance}: a variance of {}", values.get(o))));
            }
            scale[o] = gamma.get(o) / (values.get(o) + network.layout.epsilon).sqrt();
            shift[o] = (shift[o] - mean.get(o)) * scale[o] + beta.get(o);
        }
    }
    put(&format!("{name}.bias"), &mut outputs.iter().map(|&o| shift[o]), dtype, out)?;

    let weight = checkpoint.read(&keys.weight)?;
    let (c_in, taps) = (inputs.len(), kernel * kernel);
    for &o in outputs {
        let scale = scale[o] * factor;
        let row = inputs.iter().flat_map(|&c| (0..taps).map(move |tap| (c, tap)));
        let at = |(c, tap): (usize, usize)| match network.layout.axes {
            Axes::Oihw => (o * c_in + c) * taps + tap,
            Axes::Hwio => (tap * c_in + c) * c_out + o,
        };
        put(&format!("{name}.weight"), &mut row.map(|i| weight.get(at(i)) * scale), dtype, out)?;
    }
    Ok(())
}

fn put(name: &str, values: &mut dyn Iterator<Item = f64>, dtype: Dtype, out: &mut dyn Write) -> Result<()> {
    let mut bytes = Vec::new();
    for value in values {
        if !dtype.encode(value, &mut bytes) {
            return Err(refused(format!("{name}: {value} after folding is too large for {dtype:?}")));
        }
    }
    out.write_all(&bytes).map_err(unwritten)
}
