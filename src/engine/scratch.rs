//! The memory of a run on one region: the shares of its stages in one arena, such that buffers in use at the same time do
//! not overlap.

use arrayvec::ArrayVec;

use crate::alloc::{Buffer, Lifetime, place};
use crate::error::{Error, Result};
use crate::prior::Harmonic;
use crate::unet::{Layout, MAX_MAPS};
use crate::weights::{Config, Prior};

/// The maps, and the prior's image and scratch.
const MAX_BUFFERS: usize = MAX_MAPS + 2;

/// The shares of the stages of one region, as offsets into the arena.
pub(super) struct Shares {
    pub layout: Layout,
    pub prior: Option<PriorShare>,
    /// Floats of the arena that all offsets refer to.
    pub arena: usize,
}

/// The prior's solver and memory.
pub(super) struct PriorShare {
    pub solver: Harmonic,
    /// Offset of the image it is solved in, `[height, width, 3]` floats.
    pub image: usize,
    /// Offset of the solver's scratch.
    pub scratch: usize,
    /// Whether the network reads it, and the last three channels of its input hold it to the end.
    pub is_input: bool,
}

impl Shares {
    /// For regions of `width`×`height`.
    ///
    /// # Errors
    ///
    /// Limits, where a side or a buffer is too large.
    pub fn new(config: &Config, width: usize, height: usize) -> Result<Self> {
        let mut layout = Layout::new(config, width, height)?;
        let mut lifetimes: ArrayVec<Lifetime, MAX_BUFFERS> = layout.lifetimes().into_iter().collect();
        let maps = lifetimes.len();
        let solver = match config.prior() {
            Prior::None => None,
            Prior::Harmonic => Some(Harmonic::new(width, height)?),
        };
        if let Some(solver) = &solver {
            // The prior is solved before the first layer and added to the output after the last. Where the network reads
            // it, the network's input keeps it until then.
            let last = if config.prior_input() { 0 } else { layout.last_step() };
            lifetimes.push(Lifetime { first: 0, last, len: 3 * width * height });
            lifetimes.push(Lifetime { first: 0, last: 0, len: solver.scratch_len() });
        }
        let (offsets, arena) = place::<MAX_BUFFERS>(&lifetimes);
        layout.place(&offsets);
        let prior = solver.map(|solver| PriorShare {
            solver,
            image: offsets[maps],
            scratch: offsets[maps + 1],
            is_input: config.prior_input(),
        });
        let shares = Self { layout, prior, arena };
        let fits = shares.floats() <= isize::MAX as usize / size_of::<f32>();
        if fits { Ok(shares) } else { Err(Error::too_large(width, height)) }
    }

    /// Floats of all memory that a run on the region uses.
    pub fn floats(&self) -> usize {
        self.arena + self.layout.plan_floats()
    }
}

/// Bytes that hold `floats` from a cache line on, whatever the address of the first byte.
pub(super) fn bytes(floats: usize) -> usize {
    size_of::<f32>() * (floats + Buffer::LINE)
}
