//! `inpaint-convert CHECKPOINT OUT.safetensors`, and back with `--to-pytorch`.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, ValueEnum};
use inpaint_convert::layout::{Fact, LAYOUTS, Layout};
use inpaint_convert::{Options, Report, convert_file, pytorch};
use inpaint_edge::weights::Dtype;
use inpaint_edge::{Error, ErrorKind, Result};
use serde_json::json;

/// Convert a partial-convolution checkpoint to inpaint-edge's weights, or these to PyTorch's.
///
/// Reads PyTorch files (old and new), safetensors, Keras .h5 and .keras, and NumPy .npz. Nothing in a checkpoint is executed.
#[derive(Parser)]
#[command(name = "inpaint-convert", version, max_term_width = 100)]
struct Arguments {
    /// The checkpoint; with --to-pytorch the weights
    checkpoint: PathBuf,
    /// The weights to write, .safetensors; with --to-pytorch the state_dict, .pth
    out: PathBuf,
    /// Whose network it is: told by the names of its tensors, or stated
    #[arg(long, value_name = "PROGRAM", default_value = "auto", value_parser = programs())]
    from: String,
    /// Numbers of the result
    #[arg(long, value_enum, default_value = "f32")]
    dtype: Number,
    /// Where the network lies in the checkpoint, if several do: what the names of its tensors begin with
    #[arg(long, value_name = "NAME")]
    root: Option<String>,
    /// Leave out tensors that lie beside the network's own, under its root
    #[arg(long)]
    allow_extra: bool,
    /// What the file does not tell: no-tanh (ja3067: the network ends without tanh), frozen-bn (keras: batch norm runs on
    /// moving statistics)
    #[arg(long, value_name = "FACT", value_parser = Fact::ALL.map(|(name, _)| name))]
    assume: Vec<String>,
    /// How many pixels around a hole the network was trained to see, if not all of the photograph
    #[arg(long, value_name = "PX", value_parser = clap::value_parser!(u16).range(1..))]
    context: Option<u16>,
    /// Read weights and write a state_dict for tools/convert/pytorch/pconv_unet.py
    #[arg(long, conflicts_with_all = ["from", "dtype", "root", "allow_extra", "assume", "context"])]
    to_pytorch: bool,
    /// A report on stdout
    #[arg(long)]
    json: bool,
    /// Tell on stderr what of the checkpoint was left out
    #[arg(long, conflicts_with = "to_pytorch")]
    verbose: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum Number {
    F32,
    F16,
}

fn programs() -> Vec<&'static str> {
    std::iter::once("auto").chain(LAYOUTS.iter().map(|layout| layout.name)).collect()
}

fn main() -> ExitCode {
    match run(&Arguments::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(e) => {
            tell(&e.to_string());
            ExitCode::from(e.kind().exit_code())
        }
    }
}

/// A line on stderr, where it can be written.
fn tell(line: &str) {
    let _ = writeln!(std::io::stderr(), "inpaint-convert: {line}");
}

/// What of a checkpoint is not in the result.
fn left_out(report: &Report) -> [String; 4] {
    let root = if report.root.is_empty() { "the root".to_owned() } else { format!("`{}`", report.root) };
    [
        format!("{} mask kernels dropped", report.ones),
        format!("{} tensors outside {root} passed over", report.outside),
        format!("dropped under {root}: {}", names(&report.extra)),
        format!("skipped, not executed: {}", names(&report.skipped)),
    ]
}

fn names(names: &[String]) -> String {
    if names.is_empty() { "nothing".to_owned() } else { names.join(", ") }
}

fn run(arguments: &Arguments) -> Result<()> {
    let Arguments { checkpoint, out, .. } = arguments;
    let (report, line) = if arguments.to_pytorch {
        let parameters = pytorch::to_pytorch(checkpoint, out)?;
        (json!({ "parameters": parameters }), format!("{parameters} parameters for PyTorch"))
    } else {
        let options = Options {
            from: Layout::named(&arguments.from),
            dtype: match arguments.dtype {
                Number::F32 => Dtype::F32,
                Number::F16 => Dtype::F16,
            },
            root: arguments.root.clone(),
            allow_extra: arguments.allow_extra,
            context: arguments.context.map(usize::from),
            facts: Fact::ALL
                .iter()
                .filter(|(name, _)| arguments.assume.iter().any(|a| a == name))
                .map(|f| f.1)
                .collect(),
        };
        let report = convert_file(checkpoint, out, &options)?;
        let json = json!({
            "format": report.format,
            "layout": report.layout,
            "root": report.root,
            "levels": report.levels,
            "parameters": report.parameters,
            "mask_kernels_dropped": report.ones,
            "extra_dropped": report.extra,
            "outside_root": report.outside,
            "skipped": report.skipped,
            "notes": report.notes,
        });
        report.notes.iter().for_each(|note| tell(&format!("note: {note}")));
        if arguments.verbose {
            left_out(&report).iter().for_each(|line| tell(line));
        }
        let line = format!(
            "{}, layout {}: {} levels, {} parameters",
            report.format, report.layout, report.levels, report.parameters
        );
        (json, line)
    };
    let line = if arguments.json { report.to_string() } else { format!("{}: {line}", out.display()) };
    writeln!(std::io::stdout(), "{line}")
        .map_err(|e| Error::new(ErrorKind::Output, format!("stdout: cannot be written: {e}")).with_source(e))
}
