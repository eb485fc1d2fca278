//! The command line: one definition for parsing, help, completions and man page.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use inpaint_edge::{Isa, MAX_THREADS, MaskWhite};

const AFTER_HELP: &str = "\
Examples:
  inpaint-edge photo.jpg mask.png out.png             white in mask.png is filled
  inpaint-edge --mask-white keep a.png m.png a.png    black is filled, in place
  inpaint-edge --mask-grow 3 a.png m.png out.png      the hole and 3 pixels around it
  cat a.png | inpaint-edge - m.png - > out.png        through a pipe

Exit codes:
  0  done
  2  usage: an option or a combination of options is wrong
  3  input: image or mask cannot be read or used
  4  weights: the weights file is missing, malformed or contradictory
  5  limits: the image needs more memory than there is
  1  anything else, such as an output that cannot be written";

/// Fill holes in photographs.
///
/// Pixels outside the hole are the input's own, bit for bit, in the lossless formats PNG and WebP. The same weights, image
/// and mask give the same pixels on every machine.
#[derive(Parser)]
#[command(version, after_help = AFTER_HELP, args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub fill: Option<FillArgs>,
}

#[derive(Subcommand)]
pub enum Command {
    /// Describe a model and this CPU
    Info(InfoArgs),
    /// Prove that this machine computes the recorded bytes
    Selftest(SelftestArgs),
    /// Print a completion script
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
    },
    /// Print the man page
    Man,
}

#[derive(Args)]
pub struct InfoArgs {
    /// Weights file [default: built in]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// What an image of this size takes: memory, and work and time by the size of the hole
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub plan: Option<(usize, usize)>,
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let sides = text.split_once('x').and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
    sides
        .filter(|(width, height)| *width > 0 && *height > 0)
        .ok_or_else(|| "a size such as 640x480 expected".to_owned())
}

#[derive(Args)]
pub struct SelftestArgs {
    /// Weights file, one of those with recorded digests [default: built in]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Only this instruction set [default: all of this CPU]
    #[arg(long, value_enum)]
    pub isa: Option<IsaArg>,
    /// Only this number of threads [default: 1, 2 and 5]
    #[arg(long, value_name = "N", value_parser = threads)]
    pub threads: Option<usize>,
    /// Print the digests themselves instead of comparing them
    #[arg(long, requires = "isa", requires = "threads")]
    pub digests: bool,
}

#[derive(Args)]
pub struct FillArgs {
    /// Photograph: PNG, JPEG or WebP, by content; - for stdin
    pub image: PathBuf,
    /// Mask of the same size, white (>= 128) is the hole; - for stdin
    pub mask: PathBuf,
    /// Result: .png, .webp (lossless) or .jpg; - for PNG to stdout
    pub out: PathBuf,
    /// What white in the mask means
    #[arg(long, value_enum, default_value_t = White::Hole)]
    pub mask_white: White,
    /// Mask values from here on are white
    #[arg(long, value_name = "N", default_value_t = 128)]
    pub mask_threshold: u8,
    /// Grow the hole by a disc of this radius
    #[arg(long, value_name = "PX", default_value_t = 0)]
    pub mask_grow: u32,
    /// Weights file [default: built in]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Threads, 512 at the most, 0 = all cores; never changes the result
    #[arg(long, value_name = "N", default_value_t = 0, value_parser = threads)]
    pub threads: usize,
    /// Instruction set; never changes the result
    #[arg(long, value_enum, default_value_t = IsaArg::Auto)]
    pub isa: IsaArg,
    /// Quality of a .jpg result
    #[arg(long, value_name = "1-100", default_value_t = 95, value_parser = clap::value_parser!(u8).range(1..=100))]
    pub quality: u8,
    /// Print a report as one JSON object on stdout
    ///
    /// output_sha256 is of the result's samples as stored: row by row, channels interleaved, 16 bits little-endian.
    #[arg(long)]
    pub json: bool,
    /// No progress bar, no notes
    #[arg(long, short)]
    pub quiet: bool,
}

fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|n| *n <= MAX_THREADS);
    threads.ok_or_else(|| format!("0 to {MAX_THREADS} expected"))
}

#[derive(Clone, Copy, ValueEnum)]
pub enum White {
    /// White is filled
    Hole,
    /// White is kept
    Keep,
}

impl From<White> for MaskWhite {
    fn from(white: White) -> Self {
        match white {
            White::Hole => MaskWhite::Hole,
            White::Keep => MaskWhite::Keep,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum IsaArg {
    Auto,
    Avx512,
    Avx2,
    Neon,
    Scalar,
}

impl IsaArg {
    pub fn choice(self) -> Option<Isa> {
        match self {
            IsaArg::Auto => None,
            IsaArg::Avx512 => Some(Isa::Avx512),
            IsaArg::Avx2 => Some(Isa::Avx2),
            IsaArg::Neon => Some(Isa::Neon),
            IsaArg::Scalar => Some(Isa::Scalar),
        }
    }
}
