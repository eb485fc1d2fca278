//! The command line: one definition for parsing, help, completions and man page.

use std::path::PathBuf;

use clap::error::ContextKind;
use clap::{Args, CommandFactory, Parser, Subcommand, ValueEnum};
use inpaint_edge::{Error, ErrorKind, Isa, MAX_THREADS, Result, Strategy};

use crate::hole_args::HoleArgs;

const AFTER_HELP: &str = "\
Examples:
  inpaint-edge photo.jpg mask.png out.png           white in the mask is filled
  inpaint-edge --mask-white keep a.png m.png a.png  black is filled, in place
  inpaint-edge --mask-grow 3 a.png m.png results/   hole and 3 pixels around it
  inpaint-edge a.jpg strokes.png out.png            strokes on a transparent layer
  inpaint-edge --mask-channel alpha --mask-white keep a.jpg erased.png out.png
                                                    what is erased in the mask
  inpaint-edge --mask-alpha a.png out.png           what is transparent
  inpaint-edge --mask-color magenta a.jpg out.jpg   what is painted in magenta
  inpaint-edge --box 10,20,64,48 a.png out.png      64×48 pixels from 10,20 on
  inpaint-edge --preview p.png photo.jpg mask.png   shows the hole, fills nothing
  inpaint-edge --max-memory 256M b.jpg m.png o.jpg  24 megapixels, small board
  cat a.png | inpaint-edge - m.png - > out.png      through a pipe
  inpaint-edge batch --images in --masks masks --out filled    a folder

Exit codes:
  0  done
  2  usage: an option or a combination of options is wrong
  3  input: image or mask cannot be read or used
  4  weights: the weights file is missing, malformed or contradictory
  5  limits: more memory needed than there is or --max-memory allows
  1  anything else, such as an output that cannot be written";

/// The forms of a command line.
pub const USAGE: &str = "\
inpaint-edge [OPTIONS] <IMAGE> <MASK> <OUT>
       inpaint-edge [OPTIONS] --mask-alpha <IMAGE> [MASK] <OUT>
       inpaint-edge [OPTIONS] --mask-color <COLOUR> <IMAGE> [MASK] <OUT>
       inpaint-edge [OPTIONS] --box <BOX> <IMAGE> [MASK] <OUT>
       inpaint-edge [OPTIONS] --preview <FILE> <IMAGE> <MASK>
       inpaint-edge <COMMAND>";

const AFTER_BATCH_HELP: &str = "\
Every image of the one folder is filled by the mask of the same name, endings apart, in the other; the result has the \
image's name, with .png where no result can be written in the image's format. Without --images, stdin lists the files, one \
job a line, in either form:
  IMAGE<TAB>MASK<TAB>OUT
  {\"image\": \"IMAGE\", \"mask\": \"MASK\", \"out\": \"OUT\"}

MASK may be left out with --mask-alpha, --mask-color or --box. A result may be the image or mask of a later line.

Examples:
  inpaint-edge batch --images in --masks masks --out filled
  inpaint-edge batch --images in --out filled --mask-alpha --jobs 2
  inpaint-edge batch --max-memory 256M --json-lines < list.tsv > report.jsonl

A result that exists is complete and is left out, so that a run that was stopped goes on where it was. A file that cannot \
be filled is reported in one line, and the rest goes on. --max-memory is for all jobs together: a photograph that does not \
fit beside the others waits. The last line counts what was done, and names what is in the folder of images and no picture.

Exit codes: 0, or that of the first failure in the order of the list; see inpaint-edge --help.";

/// Fill holes in photographs.
///
/// Pixels outside the hole are the input's own, bit for bit, in the lossless formats PNG, WebP and TIFF. The same weights,
/// image and mask give the same pixels on every machine.
#[derive(Parser)]
#[command(name = "inpaint-edge", version, after_help = AFTER_HELP, override_usage = USAGE)]
#[command(args_conflicts_with_subcommands = true, subcommand_negates_reqs = true)]
pub struct Cli {
    #[command(subcommand)]
    pub command: Option<Command>,
    #[command(flatten)]
    pub fill: FillArgs,
}

#[derive(Subcommand)]
pub enum Command {
    /// Fill a folder, or a list of files
    Batch(BatchArgs),
    /// Describe a model and this CPU
    Info(InfoArgs),
    /// Prove that this machine computes the recorded bytes
    Selftest(SelftestArgs),
    /// Print a completion script
    Completions {
        /// The shell to complete in
        shell: clap_complete::Shell,
        /// Write it to this file, in a folder made where it is missing
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print a man page, or write all of them
    Man(ManArgs),
}

/// What has a man page of its own.
pub const SUBCOMMANDS: [&str; 5] = ["batch", "info", "selftest", "completions", "man"];

#[derive(Args)]
pub struct ManArgs {
    /// The subcommand to describe [default: the program]
    #[arg(value_parser = SUBCOMMANDS)]
    pub command: Option<String>,
    /// Write every page to this folder, made where it is missing
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct InfoArgs {
    /// Weights file [default: built in]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// What an image of this size takes: memory, and work and time by the size of the hole
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = size)]
    pub plan: Option<(usize, usize)>,
    /// What --plan is of: the whole image or windows around the holes; auto: windows above 2^20 pixels
    #[arg(long, value_enum, default_value_t = StrategyArg::Auto, requires = "plan")]
    pub strategy: StrategyArg,
    /// One JSON object instead of text
    #[arg(long)]
    pub json: bool,
}

fn size(text: &str) -> Result<(usize, usize), String> {
    let sides =
        text.split_once(['x', 'X', '×']).and_then(|(width, height)| Some((width.parse().ok()?, height.parse().ok()?)));
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
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threads)]
    pub threads: Option<usize>,
    /// Print the digests themselves instead of comparing them
    #[arg(long, requires = "isa", requires = "threads")]
    pub digests: bool,
}

#[derive(Args)]
pub struct FillArgs {
    /// Photograph: PNG, JPEG, WebP, TIFF, GIF, BMP, PNM or QOI, by content; - for stdin
    #[arg(required = true)]
    pub image: Option<PathBuf>,
    /// Mask of the same size, white (>= 128) is the hole; - for stdin
    pub mask: Option<PathBuf>,
    /// Result: .png, .webp (lossless), .jpg or .tif, or a folder; - for PNG to stdout
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub job: JobArgs,
    /// Write IMAGE with the hole hatched in red and white (in grey: black and white) to FILE, and fill nothing
    ///
    /// OUT may be left out. Where the hole needs no mask, two files are IMAGE and OUT, as they are without --preview.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    pub preview: Option<PathBuf>,
    /// Print a report as one JSON object on stdout
    ///
    /// output_sha256 is of the result's samples as stored: row by row, channels interleaved, 16 bits little-endian.
    #[arg(long)]
    pub json: bool,
}

/// What is wrong with a command line, and what may have been meant, without the usage that follows it.
pub fn one_line(e: &clap::Error) -> Error {
    let text = e.render().to_string();
    let other = in_other_words(e);
    let is_said = other.is_some();
    let text = other.unwrap_or(text);
    let (text, _) = text.split_once("\n\n").unwrap_or((&text, ""));
    let words: Vec<_> = text.strip_prefix("error: ").unwrap_or(text).split_whitespace().collect();
    let mut line = words.join(" ");
    let similar = [ContextKind::SuggestedArg, ContextKind::SuggestedSubcommand, ContextKind::SuggestedValue];
    let meant: Vec<_> = similar.into_iter().filter_map(|kind| e.get(kind)).map(|meant| meant.to_string()).collect();
    if !meant.is_empty() && !is_said {
        line += &format!("; did you mean {}?", meant.join(" or "));
    }
    Error::new(ErrorKind::Usage, line)
}

/// What is wrong where a shell has made something else of what was typed.
fn in_other_words(e: &clap::Error) -> Option<String> {
    let context = |kind| e.get(kind).map(|value| value.to_string()).unwrap_or_default();
    let word = context(ContextKind::InvalidSubcommand);
    if e.kind() == clap::error::ErrorKind::ArgumentConflict
        && !word.is_empty()
        && Cli::command().find_subcommand(&word).is_none()
    {
        return Some(format!(
            "IMAGE, MASK and OUT expected, {word} found beside them; inpaint-edge batch fills many files"
        ));
    }
    if e.kind() == clap::error::ErrorKind::UnknownArgument
        && let Some(help) = of_other_programs(&context(ContextKind::InvalidArg))
    {
        return Some(format!("unexpected argument '{}' found; {help}", context(ContextKind::InvalidArg)));
    }
    let is_comment = e.kind() == clap::error::ErrorKind::InvalidValue
        && context(ContextKind::InvalidValue).is_empty()
        && context(ContextKind::InvalidArg).contains("--mask-color");
    is_comment.then(|| {
        "a colour expected after --mask-color, none found; shells drop what follows a #: '#ff00ff' or ff00ff".to_owned()
    })
}

/// What does here what an option of other programs does.
fn of_other_programs(option: &str) -> Option<&'static str> {
    match option {
        "-i" | "--input" | "--image" | "-m" | "--mask" | "-o" | "--output" | "--out" => {
            Some("IMAGE, MASK and OUT have no option before them; of a batch, --images, --masks and --out are folders")
        }
        "--invert" | "--invert-mask" | "--mask-invert" => Some("--mask-white keep fills what is black"),
        "--grow" | "--dilate" | "--expand" => Some("--mask-grow PX grows the hole"),
        "--threshold" => Some("--mask-threshold N says from where on a mask is white"),
        _ => None,
    }
}

#[derive(Args)]
#[command(after_help = AFTER_BATCH_HELP)]
pub struct BatchArgs {
    /// Folder of photographs, known by the endings of their names [default: a list on stdin]
    #[arg(long, value_name = "DIR", requires = "out")]
    pub images: Option<PathBuf>,
    /// Folder of masks
    #[arg(long, value_name = "DIR", requires = "images")]
    pub masks: Option<PathBuf>,
    /// Folder of results, made where it is missing
    #[arg(long, value_name = "DIR", requires = "images")]
    pub out: Option<PathBuf>,
    /// Photographs at a time, which share the threads
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = jobs)]
    pub jobs: usize,
    /// Fill again what has a result
    #[arg(long)]
    pub overwrite: bool,
    /// Print a report as one JSON object a file on stdout, in the order of the list
    ///
    /// The keys of --json, and image, mask and out; where there was a result already, skipped instead; where a file could
    /// not be filled, error and exit_code. Of a name that is no UTF-8, image_bytes, mask_bytes or out_bytes has the bytes in
    /// hexadecimal; a list may have these keys, too.
    #[arg(long)]
    pub json_lines: bool,
    #[command(flatten)]
    pub job: JobArgs,
}

/// What one photograph and a folder of them have in common.
#[derive(Args)]
pub struct JobArgs {
    #[command(flatten)]
    pub hole: HoleArgs,
    /// Weights file [default: built in]
    #[arg(long, value_name = "FILE")]
    pub weights: Option<PathBuf>,
    /// Threads, 512 at the most, 0 = all cores; never changes the result
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = threads)]
    pub threads: usize,
    /// Instruction set; never changes the result
    #[arg(long, value_enum, default_value_t = IsaArg::Auto)]
    pub isa: IsaArg,
    /// Whole image or windows around the holes; auto: windows above 2^20 pixels
    #[arg(long, value_enum, default_value_t = StrategyArg::Auto)]
    pub strategy: StrategyArg,
    /// Refuse, before work starts, what takes more memory than this: bytes, or with K, M or G [default: what is free]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = memory)]
    pub max_memory: Option<usize>,
    /// Quality of a .jpg result [default: as IMAGE where it is a JPEG, else 95]
    #[arg(long, value_name = "1-100", allow_negative_numbers = true, value_parser = quality)]
    pub quality: Option<u8>,
    /// No progress bar, no notes
    #[arg(long, short)]
    pub quiet: bool,
}

/// Bytes; K, M and G are powers of 1024.
fn memory(text: &str) -> Result<usize, String> {
    let (digits, shift) = match text.as_bytes().last() {
        Some(b'K' | b'k') => (&text[..text.len() - 1], 10),
        Some(b'M' | b'm') => (&text[..text.len() - 1], 20),
        Some(b'G' | b'g') => (&text[..text.len() - 1], 30),
        _ => (text, 0),
    };
    let bytes = digits.parse::<usize>().ok().and_then(|n| n.checked_mul(1 << shift)).filter(|bytes| *bytes > 0);
    bytes.ok_or_else(|| "a size such as 256M expected".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
pub enum StrategyArg {
    /// Native up to 2^20 pixels, else window
    Auto,
    /// The whole image at once
    Native,
    /// Windows around the holes, wide holes coarse to fine
    Window,
}

impl From<StrategyArg> for Strategy {
    fn from(strategy: StrategyArg) -> Self {
        match strategy {
            StrategyArg::Auto => Strategy::Auto,
            StrategyArg::Native => Strategy::Native,
            StrategyArg::Window => Strategy::Window,
        }
    }
}

fn threads(text: &str) -> Result<usize, String> {
    let threads = text.parse().ok().filter(|n| *n <= MAX_THREADS);
    threads.ok_or_else(|| format!("0 to {MAX_THREADS} expected"))
}

fn quality(text: &str) -> Result<u8, String> {
    let quality = text.parse().ok().filter(|n| (1..=100).contains(n));
    quality.ok_or_else(|| "1 to 100 expected".to_owned())
}

fn jobs(text: &str) -> Result<usize, String> {
    let jobs = text.parse().ok().filter(|n| (1..=MAX_THREADS).contains(n));
    jobs.ok_or_else(|| format!("1 to {MAX_THREADS} expected"))
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
