//! The memory of a run in one region: the shares of its stages in one arena, such that buffers in use at the same time do
//! not overlap.

use arrayvec::ArrayVec;

use super::pyramid::reach;
use super::regions::Tile;
use crate::alloc::{Lifetime, place};
use crate::error::{Error, Result};
use crate::mask::{Group, Rect};
use crate::prior::Harmonic;
use crate::unet::{Layout, MAX_MAPS, common};
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
    /// The part of the image that it is solved in.
    pub window: Rect,
    /// Offset of that part, `[height, width, 3]` floats.
    pub image: usize,
    /// Offset of the solver's scratch.
    pub scratch: usize,
    /// Whether the network reads it, as the last three channels of its input.
    pub is_input: bool,
    /// Whether those hold it to the end, when its own part is gone.
    pub is_kept: bool,
}

impl Shares {
    /// For the region of a tile.
    ///
    /// # Errors
    ///
    /// Limits, where a side or a buffer is too large.
    pub fn new(config: &Config, tile: &Tile<'_>, hole_aware: bool) -> Result<Self> {
        let Tile { group, target, image: (width, height) } = *tile;
        let whole = Rect { x: 0, y: 0, width, height };
        let layout = Layout::new(config, width, height, target, group.seen)?;
        let window = prior_window(group, common(&layout.input().frame, whole), whole, reach(config));
        let layout = if hole_aware { layout } else { Layout::new(config, width, height, whole, whole)? };
        Self::place(config, tile.image, layout, window)
    }

    /// The largest that any hole asks for in an image of `size`.
    ///
    /// # Errors
    ///
    /// As [`Shares::new`].
    pub fn largest(config: &Config, size: (usize, usize), tile: usize, hole_aware: bool) -> Result<Self> {
        let (width, height) = size;
        let whole = Rect { x: 0, y: 0, width, height };
        let unit = 1 << config.levels();
        // Wherever a tile lies on the grids of the layers, it lies inside of whole cells of the coarsest.
        let side = |side: usize| if hole_aware { side.min(tile + 2 * unit) } else { side };
        let middle = |end: usize| (end - side(end)) / 2 / unit * unit;
        let target = Rect { x: middle(width), y: middle(height), width: side(width), height: side(height) };
        let seen = config.context().filter(|_| hole_aware).map_or(whole, |context| target.grown(context, whole));
        let layout = Layout::new(config, width, height, target, seen)?;
        // Where one side of the image may be all hole, the prior may be looked for far away.
        let window = if width.min(height) <= tile { whole } else { common(&layout.input().frame, whole) };
        Self::place(config, size, layout, window)
    }

    fn place(config: &Config, size: (usize, usize), mut layout: Layout, window: Rect) -> Result<Self> {
        // The prior is solved at time 0, the network's input written at time 1, and its steps follow.
        let after = |Lifetime { first, last, len }| Lifetime { first: first + 1, last: last + 1, len };
        let mut lifetimes: ArrayVec<Lifetime, MAX_BUFFERS> = layout.lifetimes().into_iter().map(after).collect();
        let maps = lifetimes.len();
        // The prior is added to the output after the last layer. Where a network of floats reads it, the network's input keeps
        // it until then.
        let is_kept = config.prior_input() && config.integers().is_none();
        let solver = match config.prior() {
            Prior::None => None,
            Prior::Harmonic => Some(Harmonic::new(window.width, window.height)?),
        };
        if let Some(solver) = &solver {
            let last = if is_kept { 1 } else { layout.last_step() + 1 };
            lifetimes.push(Lifetime { first: 0, last, len: 3 * window.width * window.height });
            lifetimes.push(Lifetime { first: 0, last: 0, len: solver.scratch_len() });
        }
        let (offsets, arena) = place::<MAX_BUFFERS>(&lifetimes);
        layout.place(&offsets);
        let prior = solver.map(|solver| PriorShare {
            solver,
            window,
            image: offsets[maps],
            scratch: offsets[maps + 1],
            is_input: config.prior_input(),
            is_kept,
        });
        let shares = Self { layout, prior, arena };
        let fits = shares.floats() <= isize::MAX as usize / size_of::<f32>();
        if fits { Ok(shares) } else { Err(Error::too_large(size.0, size.1)) }
    }

    /// Floats of all memory that a run on the region uses.
    pub fn floats(&self) -> usize {
        self.arena + self.layout.plan_floats()
    }
}

/// Where the prior of the group's hole in `read` is solved: what holds it and the known pixels around it. Where there are
/// none, as in a strip that is hole from side to side, it reaches on until there are. No square of hole is wider than `widest`.
fn prior_window(group: &Group<'_>, read: Rect, whole: Rect, widest: usize) -> Rect {
    let mut near = read;
    loop {
        let hole = group.bounds(near).unwrap_or(near);
        // Where the solver's coarsest cells lie as in the photograph, the prior is that of the whole photograph.
        let cell = 1 << hole.width.min(hole.height).min(widest).max(1).ilog2();
        let Rect { x, y, width, height } = hole.grown(1, whole);
        let [left, top] = [x, y].map(|v| v / cell * cell);
        let window = Rect { x: left, y: top, width: width + x - left, height: height + y - top };
        if window == whole || !group.is_all_hole(window) {
            return window;
        }
        near = near.grown(near.width.max(near.height), whole);
    }
}
