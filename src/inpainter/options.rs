//! What an inpainter is told, and what it tells.

use std::time::Duration;

use crate::simd::Isa;

/// What white (≥ threshold) means in a mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskWhite {
    /// White is the hole to fill.
    #[default]
    Hole,
    /// White is kept, black is the hole.
    Keep,
}

/// What the network is run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strategy {
    /// [`Strategy::Native`] up to [`NATIVE_PIXELS`], else [`Strategy::Window`].
    #[default]
    Auto,
    /// The whole image at once.
    Native,
    /// Windows around the holes. Where a hole is wider than 2^levels pixels, its inside is filled at half the size first,
    /// and so on.
    Window,
}

impl Strategy {
    /// What an image of this size is run by: never [`Strategy::Auto`].
    pub fn for_size(self, width: usize, height: usize) -> Self {
        match self {
            Strategy::Auto if width.saturating_mul(height) <= NATIVE_PIXELS => Strategy::Native,
            Strategy::Auto => Strategy::Window,
            chosen => chosen,
        }
    }

    /// Lower-case name, for options and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Auto => "auto",
            Strategy::Native => "native",
            Strategy::Window => "window",
        }
    }
}

/// The most pixels of an image that [`Strategy::Auto`] runs as a whole.
pub const NATIVE_PIXELS: usize = 1 << 20;

/// Options of an [`Inpainter`](crate::Inpainter). None of `threads`, `isa`, `hole_aware` and `max_memory` changes one output bit.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads, [`MAX_THREADS`](crate::MAX_THREADS) at the most; 0 = all cores. Default 0.
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
    /// Whole image or windows; a run in the caller's scratch memory is always native. Default [`Strategy::Auto`].
    pub strategy: Strategy,
    /// Bytes that packed weights and a run's buffers may take together; what takes more is refused before it starts.
    /// Image, mask and result are the caller's. Default `None`.
    pub max_memory: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 0,
            isa: None,
            hole_aware: true,
            mask_white: MaskWhite::Hole,
            mask_threshold: 128,
            mask_grow: 0,
            strategy: Strategy::Auto,
            max_memory: None,
        }
    }
}

impl Options {
    pub(super) fn is_hole(&self, m: u8) -> bool {
        (m >= self.mask_threshold) == (self.mask_white == MaskWhite::Hole)
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
    /// What was run: never [`Strategy::Auto`].
    pub strategy: Strategy,
    /// Runs of the network: 1 for the whole image, else a window each. 0 where there was nothing to fill.
    pub windows: usize,
    /// Bytes of the plan: every buffer of the run. 0 where there was nothing to fill.
    pub plan_bytes: usize,
    /// Multiply–accumulates done.
    pub macs: u64,
    /// Time spent deciding what to compute.
    pub plan: Duration,
    /// Time spent in the network, its input and the prior included.
    pub network: Duration,
    /// Time spent copying the image and writing the filled pixels over it.
    pub composite: Duration,
}

impl Report {
    /// Of nothing done yet.
    pub(super) fn new(width: usize, height: usize) -> Self {
        let none = Duration::ZERO;
        Self {
            width,
            height,
            hole_pixels: 0,
            strategy: Strategy::Native,
            windows: 0,
            plan_bytes: 0,
            macs: 0,
            plan: none,
            network: none,
            composite: none,
        }
    }

    /// Share of the image that was filled, 0 … 1.
    pub fn hole_ratio(&self) -> f64 {
        self.hole_pixels as f64 / (self.width * self.height) as f64
    }
}

/// Progress of a run: `done` of `total` units of work, which are multiply–accumulates of a native run and pixels of windows.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}
