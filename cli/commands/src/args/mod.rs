//! The command line: one definition for parsing, help, completions and man page.

mod hole;
pub mod misuse;
mod values;

use std::path::PathBuf;

use clap::{ArgAction, Args, Parser, Subcommand};
use inpaint_edge::{Error, Isa, Result, Texture};

use crate::files::Files;
use crate::spec::{Area, BatchSpec, FillSpec, Folders, InfoSpec, JobSpec, SelftestSpec};
use hole::HoleArgs;
use values::IsaChoice;

const AFTER_HELP: &str = "\
Examples:
  inpaint-edge photo.jpg mask.png out.png           white in the mask is filled
  inpaint-edge --mask-white keep a.png m.png a.png  black is filled, in place
  inpaint-edge --mask-grow 3 a.png m.png results/   hole and 3 pixels around it
  inpaint-edge a.jpg strokes.png out.png            strokes on transparency
  inpaint-edge --mask-channel alpha --mask-white keep a.jpg erased.png out.png
                                                    what is erased in the mask
  inpaint-edge --mask-alpha a.png out.png           what is transparent
  inpaint-edge --mask-color magenta a.jpg out.jpg   what is painted in magenta
  inpaint-edge --box 10,20,64,48 a.png out.png      64×48 pixels from 10,20 on
  inpaint-edge --preview p.png photo.jpg mask.png   shows the hole only
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
Each image in the folder --images is filled by the mask of the same name, whatever its ending, in the folder --masks. The \
result has the image's name, with .png if results cannot be written in the image's format. Without --images, stdin lists \
the files, one job a line, in either form:
  IMAGE<TAB>MASK<TAB>OUT
  {\"image\": \"IMAGE\", \"mask\": \"MASK\", \"out\": \"OUT\"}

MASK may be left out with --mask-alpha, --mask-color or --box. A result may be the image or mask of a later line.

Examples:
  inpaint-edge batch --images in --masks masks --out filled
  inpaint-edge batch --images in --out filled --mask-alpha --jobs 2
  inpaint-edge batch --max-memory 256M --json-lines < list.tsv > report.jsonl

An existing result is complete and is skipped, so that a stopped run goes on where it was. A file that cannot be filled is \
reported in one line, and the rest goes on. --max-memory limits all jobs together: a photograph that does not fit beside \
the others waits. The last line counts what was done, and names files among the images that are no pictures.

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
        /// Shell to complete in
        shell: clap_complete::Shell,
        /// Write it to this file, and make its folder if missing
        #[arg(long, value_name = "FILE")]
        out: Option<PathBuf>,
    },
    /// Print a man page, or write all of them
    Man(ManArgs),
}

/// Subcommands, each with a man page.
pub const SUBCOMMANDS: [&str; 5] = ["batch", "info", "selftest", "completions", "man"];

#[derive(Args)]
pub struct ManArgs {
    /// Subcommand to describe [default: the program]
    #[arg(value_parser = SUBCOMMANDS)]
    pub command: Option<String>,
    /// Write every page to this folder, made if missing
    #[arg(long, value_name = "DIR", conflicts_with = "command")]
    pub out: Option<PathBuf>,
}

#[derive(Args)]
pub struct InfoArgs {
    /// Weights file [default: built in]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Print memory, work and time for images of this size, by the size of the hole
    #[arg(long, value_name = "WIDTHxHEIGHT", value_parser = values::size)]
    plan: Option<(usize, usize)>,
    /// For --plan: the hole, in place of several sizes
    #[arg(long, value_name = "X,Y,W,H", value_parser = values::area, requires = "plan", allow_hyphen_values = true)]
    hole: Option<Area>,
    /// For --plan: how many pixels around a hole the network sees, or all [default: as the weights say]
    #[arg(long, value_name = "PX", value_parser = values::context, requires = "plan")]
    context: Option<usize>,
    /// Print one JSON object instead of text
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
pub struct SelftestArgs {
    /// Weights file, one of those with recorded digests [default: built in]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Only this instruction set [default: all of this CPU]
    #[arg(long, value_parser = values::one_of(values::ISAS))]
    isa: Option<IsaChoice>,
    /// Only this number of threads [default: 1, 2 and 5]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threads)]
    threads: Option<usize>,
    /// Print the digests themselves instead of comparing them
    #[arg(long, requires = "isa", requires = "threads")]
    digests: bool,
}

#[derive(Args)]
pub struct FillArgs {
    /// Photograph: PNG, JPEG, WebP, TIFF, GIF, BMP, PNM or QOI, by content; - for stdin
    #[arg(required = true)]
    image: Option<PathBuf>,
    /// Mask of the same size, white (>= 128) is the hole; - for stdin
    mask: Option<PathBuf>,
    /// Result: .png, .webp (lossless), .jpg or .tif, or a folder; - for PNG to stdout
    out: Option<PathBuf>,
    #[command(flatten)]
    job: JobArgs,
    /// Write IMAGE with the hole hatched in red and white (in grey: black and white) to FILE, and fill nothing
    ///
    /// OUT may be left out. If the hole needs no mask, two files are IMAGE and OUT, as without --preview.
    #[arg(long, value_name = "FILE", conflicts_with = "json")]
    preview: Option<PathBuf>,
    /// Print a report as one JSON object on stdout
    ///
    /// output_sha256 is the digest of the result's samples as stored: row by row, channels interleaved, 16 bits little-endian.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
#[command(after_help = AFTER_BATCH_HELP)]
pub struct BatchArgs {
    /// Folder of photographs, recognised by their endings [default: a list on stdin]
    #[arg(long, value_name = "DIR", requires = "out")]
    images: Option<PathBuf>,
    /// Folder of masks
    #[arg(long, value_name = "DIR", requires = "images")]
    masks: Option<PathBuf>,
    /// Folder of results, made if missing
    #[arg(long, value_name = "DIR", requires = "images")]
    out: Option<PathBuf>,
    /// Photographs at a time, which share the threads
    #[arg(long, value_name = "N", default_value_t = 1, allow_negative_numbers = true, value_parser = values::jobs)]
    jobs: usize,
    /// Fill again photographs that have a result
    #[arg(long)]
    overwrite: bool,
    /// Print a report of each file on stdout, one JSON object a line, in the order of the list
    ///
    /// An object has image, mask and out, and the keys of --json; or skipped, if there was a result already; or error
    /// and exit_code, if the file could not be filled. If a name is not UTF-8, image_bytes, mask_bytes or out_bytes has
    /// its bytes in hexadecimal; a list may have these keys, too.
    #[arg(long)]
    json_lines: bool,
    #[command(flatten)]
    job: JobArgs,
}

/// Options for one photograph and for a batch.
#[derive(Args)]
pub struct JobArgs {
    #[command(flatten)]
    hole: HoleArgs,
    /// Weights file [default: built in]
    #[arg(long, value_name = "FILE")]
    weights: Option<PathBuf>,
    /// Threads, at most 512; 0 = all cores; never changes the result
    #[arg(long, value_name = "N", default_value_t = 0, allow_negative_numbers = true, value_parser = values::threads)]
    threads: usize,
    /// Instruction set; never changes the result
    #[arg(long, default_value = "auto", value_parser = values::one_of(values::ISAS))]
    isa: IsaChoice,
    /// How many pixels around a hole the network sees, or all: fewer cost less [default: as the weights say]
    #[arg(long, value_name = "PX", value_parser = values::context)]
    context: Option<usize>,
    /// Give wide holes the texture of the photograph around them
    #[arg(long, default_value = "auto", value_parser = values::one_of(values::TEXTURES))]
    texture: Texture,
    /// Give smooth fills the grain of the photograph around them
    #[arg(long, default_value = "on", value_parser = values::one_of(values::GRAIN), action = ArgAction::Set)]
    grain: bool,
    /// Refuse, before work starts, jobs that need more memory than this: bytes, or with K, M or G [default: free memory]
    #[arg(long, value_name = "SIZE", allow_negative_numbers = true, value_parser = values::memory)]
    max_memory: Option<usize>,
    /// Encode a .jpg result anew in this quality [default: only what the hole touches of a JPEG, else 95]
    #[arg(long, value_name = "1-100", allow_negative_numbers = true, value_parser = values::quality)]
    quality: Option<u8>,
    /// Seal what is filled from JPEG to JPEG, so that filling it again changes nothing
    #[arg(long, default_value = "on", value_parser = values::one_of(values::SEALS), action = ArgAction::Set)]
    seal: bool,
    /// No progress bar, no notes
    #[arg(long, short)]
    quiet: bool,
}

impl InfoArgs {
    pub fn spec(&self) -> InfoSpec {
        InfoSpec {
            weights: self.weights.clone(),
            size: self.plan,
            hole: self.hole,
            context: self.context,
            json: self.json,
        }
    }
}

impl SelftestArgs {
    pub fn spec(&self) -> SelftestSpec {
        SelftestSpec {
            weights: self.weights.clone(),
            isas: self.isa.map_or_else(|| Isa::available().map(Some).collect(), |isa| vec![isa]),
            threads: self.threads.map_or_else(|| vec![1, 2, 5], |threads| vec![threads]),
            digests: self.digests,
        }
    }
}

impl FillArgs {
    /// If the hole needs no mask, the second of two files is OUT; a preview takes OUT's place.
    ///
    /// # Errors
    ///
    /// Usage, if a file is missing; as [`Files::new`].
    pub fn spec(&self) -> Result<FillSpec> {
        let refused = |detail| Err(Error::usage(detail));
        let job = self.job.spec();
        let in_image = job.hole.is_in_image();
        let (mask, out) = match (&self.mask, &self.out) {
            (out, None) if in_image => (&None, out),
            files => files,
        };
        let files = match (&self.image, mask.is_some() || in_image, self.preview.as_ref().or(out.as_ref())) {
            (Some(image), true, Some(out)) => Files::new(image.clone(), mask.clone(), out.clone())?,
            _ if in_image => return refused("expected IMAGE and OUT, found IMAGE alone"),
            _ => {
                return refused(
                    "expected IMAGE, MASK and OUT, found fewer; no MASK only with --mask-alpha, --mask-color or --box",
                );
            }
        };
        Ok(FillSpec { files, job, is_preview: self.preview.is_some(), json: self.json })
    }
}

impl BatchArgs {
    pub fn spec(&self) -> BatchSpec {
        let folders = self.images.clone().zip(self.out.clone());
        BatchSpec {
            folders: folders.map(|(images, out)| Folders { images, masks: self.masks.clone(), out }),
            jobs: self.jobs,
            overwrite: self.overwrite,
            json_lines: self.json_lines,
            job: self.job.spec(),
        }
    }
}

impl JobArgs {
    fn spec(&self) -> JobSpec {
        JobSpec {
            hole: self.hole.spec(),
            weights: self.weights.clone(),
            threads: self.threads,
            isa: self.isa,
            context: self.context,
            texture: self.texture,
            grain: self.grain,
            max_memory: self.max_memory,
            quality: self.quality,
            seal: self.seal,
            quiet: self.quiet,
        }
    }
}
