//! Progress during a run, and the report after it.

use std::ops::ControlFlow;

use crate::clock::Duration;
use crate::simd::control;

/// What a run did, or would do.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Image width, pixels.
    pub width: usize,
    /// Image height, pixels.
    pub height: usize,
    /// Pixels of the hole.
    pub hole_pixels: usize,
    /// Regions that the network is run in, one after the other; 0 where there is nothing to fill.
    pub regions: usize,
    /// Wide holes that get texture, or tiles of them.
    pub wide_holes: usize,
    /// Pixels of the smallest rectangles that hold them: what texture takes time for.
    pub texture_pixels: usize,
    /// Bytes of the plan: every buffer of the run. 0 where there is nothing to fill.
    pub plan_bytes: usize,
    /// Multiply–accumulates.
    pub macs: u64,
    /// Time spent in each stage.
    pub times: StageTimes,
}

impl Report {
    /// Share of the image that is hole, 0 … 1.
    pub fn hole_ratio(&self) -> f64 {
        self.hole_pixels as f64 / (self.width * self.height) as f64
    }
}

/// Time spent in each stage of a run, in their order; all 0 without feature `clock` and where there is no clock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct StageTimes {
    /// Counting the mask's pixels.
    pub mask: Duration,
    /// Deciding where the network runs, taking memory for it, and scaling photographs on the way between sizes.
    pub regions: Duration,
    /// Solving for the prior.
    pub prior: Duration,
    /// Running the network, and deciding which of its outputs to compute.
    pub network: Duration,
    /// Giving texture to wide holes.
    pub synthesis: Duration,
    /// Writing what the network filled.
    pub composite: Duration,
    /// Looking for grain and adding it.
    pub grain: Duration,
}

impl StageTimes {
    /// The stages by name, in their order.
    pub fn named(&self) -> [(&'static str, Duration); 7] {
        let Self { mask, regions, prior, network, synthesis, composite, grain } = *self;
        [
            ("mask", mask),
            ("regions", regions),
            ("prior", prior),
            ("network", network),
            ("synthesis", synthesis),
            ("composite", composite),
            ("grain", grain),
        ]
    }

    /// Time spent in all stages.
    pub fn total(&self) -> Duration {
        self.named().iter().map(|(_, time)| time).sum()
    }
}

/// Progress of a run: `done` of `total` pixels of the regions that the network is run in.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Pixels done.
    pub done: u64,
    /// Pixels in all.
    pub total: u64,
}

/// Counts the pixels that are done, for the caller's callback.
pub(super) struct Meter<'p> {
    pub progress: &'p mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    pub done: u64,
    pub total: u64,
}

impl Meter<'_> {
    /// Calls back when `part` of `whole` is done in the current region, which has `pixels`.
    pub fn tell(&mut self, pixels: u64, part: u64, whole: u64) -> ControlFlow<()> {
        let done = self.done + (pixels as f64 * (part as f64 / whole as f64)) as u64;
        let progress = Progress { done, total: self.total };
        // A callback's change of the control word ends with its call.
        control::with_defaults(|| (self.progress)(progress))
    }
}
