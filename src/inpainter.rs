//! The facade: an [`Inpainter`] owns a network ready to run and fills holes in images of any size.

use std::ops::ControlFlow;
use std::time::Duration;

use ndarray::{Array3, ArrayView2, ArrayView3, ArrayViewMut3};

use crate::error::Result;
use crate::simd::Isa;
use crate::weights::Config;

/// What white (≥ threshold) means in a mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskWhite {
    /// White is the hole to fill.
    #[default]
    Hole,
    /// White is kept, black is the hole.
    Keep,
}

/// Options of an [`Inpainter`]. None of `threads`, `isa` and `hole_aware` changes one output bit.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    /// Worker threads; 0 = all cores. Default 0.
    pub threads: usize,
    /// Instruction set; `None` = the best this CPU has. Default `None`.
    pub isa: Option<Isa>,
    /// Leave out decoder outputs that cannot reach a hole pixel. Default true.
    pub hole_aware: bool,
    /// Mask polarity. Default [`MaskWhite::Hole`].
    pub mask_white: MaskWhite,
    /// Mask samples at or above this are white. Default 128.
    pub mask_threshold: u8,
    /// Dilate the hole by a disc of this radius, pixels. Default 0.
    pub mask_grow: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, isa: None, hole_aware: true, mask_white: MaskWhite::Hole, mask_threshold: 128, mask_grow: 0 }
    }
}

/// What a run did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Image width, pixels.
    pub width: usize,
    /// Image height, pixels.
    pub height: usize,
    /// Pixels filled (after `mask_grow`).
    pub hole_pixels: usize,
    /// Bytes of the plan: every buffer of the run.
    pub plan_bytes: usize,
    /// Multiply–accumulates done.
    pub macs: u64,
    /// Time spent deciding what to compute.
    pub plan: Duration,
    /// Time spent in the network.
    pub network: Duration,
    /// Time spent writing the filled pixels over a copy of the input.
    pub composite: Duration,
}

/// Progress of a run: `done` of `total` units of work, about proportional to time.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}

/// A channel sample: `u8`, `u16` (0 … max) or `f32` (0 … 1).
pub trait Sample: Copy + Send + Sync + 'static {
    /// To 0 … 1.
    fn to_unit(self) -> f32;
    /// From 0 … 1, rounded as [`crate::numerics`] says.
    fn from_unit(v: f32) -> Self;
}

/// A network ready to run, `Send + Sync`.
pub struct Inpainter {}

impl Inpainter {
    /// From the weights built into the library.
    #[cfg(feature = "embedded-weights")]
    pub fn embedded(options: Options) -> Result<Self> {
        Self::from_bytes(crate::weights::EMBEDDED, options)
    }

    /// From a weights file in memory.
    pub fn from_bytes(_bytes: &[u8], _options: Options) -> Result<Self> {
        todo!()
    }

    /// From a weights file on disk, read one tensor at a time.
    #[cfg(feature = "fs")]
    pub fn from_path(_path: impl AsRef<std::path::Path>, _options: Options) -> Result<Self> {
        todo!()
    }

    /// What the weights describe.
    pub fn config(&self) -> &Config {
        todo!()
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        todo!()
    }

    /// Worker threads in use.
    pub fn threads(&self) -> usize {
        todo!()
    }

    /// Fills the hole of `image` [height, width, channels] (1 grey, 2 grey+alpha, 3 RGB, 4 RGBA) where `mask`
    /// [height, width] says. Known pixels and the whole alpha channel are copied bit for bit.
    pub fn inpaint<T: Sample>(
        &self,
        _image: ArrayView3<'_, T>,
        _mask: ArrayView2<'_, u8>,
    ) -> Result<(Array3<T>, Report)> {
        todo!()
    }

    /// As [`Inpainter::inpaint`], into `out` of the same shape, telling `progress` as it goes; `Break` ends the run
    /// with [`crate::ErrorKind::Cancelled`].
    pub fn inpaint_into<T: Sample>(
        &self,
        _image: ArrayView3<'_, T>,
        _mask: ArrayView2<'_, u8>,
        _out: ArrayViewMut3<'_, T>,
        _progress: &mut dyn FnMut(Progress) -> ControlFlow<()>,
    ) -> Result<Report> {
        todo!()
    }
}
