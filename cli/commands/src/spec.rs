//! What the program is asked to do, in plain values that need no command line.

use std::path::PathBuf;

use inpaint_edge::{Isa, MaskChannel, MaskWhite, Paint, Texture};

use crate::files::Files;

/// Where the hole is: all that the mask and these say together, then grown or shrunk.
#[derive(Clone, Debug, Default)]
pub struct HoleSpec {
    /// What white in the mask means; `None`: the hole, by default.
    pub white: Option<MaskWhite>,
    /// The channel of the mask that tells the hole.
    pub channel: MaskChannel,
    /// The lowest mask value that is white, and the lowest alpha of the image that is opaque; `None`: 128, and full
    /// alpha.
    pub threshold: Option<u8>,
    /// Whether transparent pixels of the image are part of the hole.
    pub alpha: bool,
    /// Colours that mark the hole in the image.
    pub paints: Vec<Paint>,
    pub boxes: Vec<Area>,
    /// Radius of the disc that the hole grows by, pixels; below 0 it shrinks.
    pub grow: i64,
}

impl HoleSpec {
    /// Whether a hole needs no mask.
    pub fn is_in_image(&self) -> bool {
        self.is_in_pixels() || !self.boxes.is_empty()
    }

    /// Whether pixels of the image tell where the hole is.
    pub fn is_in_pixels(&self) -> bool {
        self.alpha || !self.paints.is_empty()
    }

    pub fn mask_white(&self) -> MaskWhite {
        self.white.unwrap_or_default()
    }

    pub fn mask_threshold(&self) -> u8 {
        self.threshold.unwrap_or(128)
    }
}

/// A box, pixels; part of it may lie outside the image.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

/// Options for one photograph and for a batch.
#[derive(Clone, Debug, Default)]
pub struct JobSpec {
    pub hole: HoleSpec,
    /// A weights file; `None`: the built-in weights.
    pub weights: Option<PathBuf>,
    /// Threads; 0: all cores.
    pub threads: usize,
    /// Instruction set; `None`: the best of this CPU.
    pub isa: Option<Isa>,
    /// How many pixels around a hole the network sees; `None`: as the weights say.
    pub context: Option<usize>,
    /// Which holes get texture.
    pub texture: Texture,
    /// Whether smooth fills get the grain of a noisy photograph.
    pub grain: bool,
    /// Bytes that all jobs together may take; `None`: the memory that is free.
    pub max_memory: Option<usize>,
    /// Quality of a JPEG result, 1 to 100; `None`: that of the image, or 95.
    pub quality: Option<u8>,
    /// Whether JPEG results are sealed, and seals of images count.
    pub seal: bool,
    /// Whether stderr gets no progress bar and no notes.
    pub quiet: bool,
}

/// One photograph.
#[derive(Clone, Debug)]
pub struct FillSpec {
    /// `out` is the result, or the preview.
    pub files: Files,
    pub job: JobSpec,
    /// Whether the hole is shown instead of filled.
    pub is_preview: bool,
    /// Whether a report goes to stdout.
    pub json: bool,
}

/// Many photographs.
#[derive(Clone, Debug)]
pub struct BatchSpec {
    /// `None`: a list on stdin.
    pub folders: Option<Folders>,
    /// Photographs at a time.
    pub jobs: usize,
    /// Whether photographs with a result are filled again.
    pub overwrite: bool,
    /// Whether reports go to stdout.
    pub json_lines: bool,
    pub job: JobSpec,
}

/// The folders of a batch.
#[derive(Clone, Debug)]
pub struct Folders {
    pub images: PathBuf,
    pub masks: Option<PathBuf>,
    pub out: PathBuf,
}

/// What to tell about a model and this CPU.
#[derive(Clone, Debug, Default)]
pub struct InfoSpec {
    /// A weights file; `None`: the built-in weights.
    pub weights: Option<PathBuf>,
    /// Width and height of an image, pixels, to tell memory, work and time for.
    pub size: Option<(usize, usize)>,
    /// The hole to tell them for; `None`: holes of several sizes.
    pub hole: Option<Area>,
    /// As [`JobSpec::context`].
    pub context: Option<usize>,
    /// Whether to print one JSON object.
    pub json: bool,
}

/// What to verify.
#[derive(Clone, Debug)]
pub struct SelftestSpec {
    /// A weights file; `None`: the built-in weights.
    pub weights: Option<PathBuf>,
    /// Instruction sets to try; `None` among them: the best of this CPU.
    pub isas: Vec<Option<Isa>>,
    /// Numbers of threads to try with each; 0: all cores.
    pub threads: Vec<usize>,
    /// Whether to print digests, with the first of each, instead of comparing them.
    pub digests: bool,
}
