//! Texture in the wide parts of a hole, once the network has filled all of it.
//!
//! Wide is where a square fits in. Texture reaches from there into what is narrow and part of the same hole, and fades out: a
//! hole that is wide in one part and thin in another shows no border between the two.

use std::ops::{ControlFlow, Range};

use super::memory::Store;
use super::pixels::Pixels;
use super::regions::tile_side;
use crate::alloc::{floats_for, mask_floats, split, split_mask};
use crate::error::Result;
use crate::mask::{Group, Mask, MaskView, Rect};
use crate::numerics;
use crate::parallel::Pool;
use crate::simd::Isa;
use crate::synthesis::{Synthesis, chamfer_step, mark};

/// Which holes get texture, in a build with feature `texture`. Thin ones are filled best by the network alone; in wide ones it
/// makes fog.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Texture {
    /// Those in which a square of more than 32 pixels fits.
    #[default]
    Auto,
    /// None.
    Off,
    /// All.
    On,
}

impl Texture {
    /// Pixels on every side of one that is wide, all of them hole.
    fn margin(self) -> Option<usize> {
        match self {
            // Where nothing can ask for it, the linker leaves all of it out.
            _ if !cfg!(feature = "texture") => None,
            Self::Auto => Some(16),
            Self::Off => None,
            Self::On => Some(0),
        }
    }

    /// How far around wide parts it reaches, where it is given at all.
    pub(super) fn reach(self) -> Option<usize> {
        self.margin().map(|_| REACH)
    }

    /// The most floats that any hole in an image of this size takes.
    pub(super) fn most_floats(self, width: usize, height: usize) -> Result<usize> {
        if self.margin().is_none() {
            return Ok(0);
        }
        // The largest hole in the middle, and pixels more for what its place on the coarser levels adds.
        let hole = |side: usize| side.min(WHOLE.max(TILE + OVERLAP) + 16);
        let middle = |side: usize| (side - hole(side)) / 2;
        let image = Rect { x: 0, y: 0, width, height };
        let bounds = Rect { x: middle(width), y: middle(height), width: hole(width), height: hole(height) };
        let area = surroundings(bounds, image);
        let fill = Rect { x: bounds.x - area.x, y: bounds.y - area.y, ..bounds };
        let synthesis = Synthesis::new(area.width, area.height, fill)?;
        let away = floats_for::<u16>(bounds.grown(REACH, image).area());
        Ok(core_floats(self, width, height) + away + synthesis.floats())
    }
}

/// How far from what is wide texture reaches, and how much of that it fades over, pixels.
const REACH: usize = 160;
const FADE: usize = 32;

/// Least width of the surroundings that patches are taken from, and the width up to which they are as wide as the hole, pixels.
const LEAST_AROUND: usize = 64;
const MOST_AROUND: usize = 384;

/// Side of the widest hole that is one tile, and of the widest tile of wider ones, pixels: what a tile takes is bounded.
const WHOLE: usize = 1280;
const TILE: usize = 1024;

/// How far a tile goes on into the next, which fills that again: beyond its own end there is fog.
const OVERLAP: usize = 64;

/// A wide hole, or a tile of it, and what is around. Tiles follow from the hole alone; a later one goes on from those before.
pub(super) struct WideHole<'g> {
    group: &'g Group<'g>,
    mask: &'g MaskView<'g>,
    /// The smallest rectangle that holds what gets texture.
    pub bounds: Rect,
    /// What is looked at.
    pub area: Rect,
    synthesis: Synthesis,
}

/// What is looked at to fill `bounds`.
fn surroundings(bounds: Rect, image: Rect) -> Rect {
    let side = bounds.width.max(bounds.height);
    bounds.grown(side.min((3 * side / 5).max(MOST_AROUND)).max(LEAST_AROUND), image)
}

impl<'g> WideHole<'g> {
    /// The part of a group's hole in `tile`, if it has any and patches fit into the image.
    fn new(group: &'g Group<'g>, mask: &'g MaskView<'g>, tile: Rect) -> Result<Option<Self>> {
        let Some(bounds) = bounds(group, mask, tile) else { return Ok(None) };
        let area = surroundings(bounds, mask.whole());
        let fill = Rect { x: bounds.x - area.x, y: bounds.y - area.y, ..bounds };
        let synthesis = Synthesis::new(area.width, area.height, fill)?;
        Ok(synthesis.is_possible().then_some(Self { group, mask, bounds, area, synthesis }))
    }

    /// Floats of memory that [`WideHole::fill`] takes.
    pub fn floats(&self) -> usize {
        floats_for::<u16>(self.faded().area()) + self.synthesis.floats()
    }

    /// Where distances from what is wide are measured.
    fn faded(&self) -> Rect {
        self.bounds.grown(REACH, self.mask.whole())
    }

    /// What gets texture in `columns` of row `y`.
    fn runs(&self, y: usize, columns: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        runs(self.group, self.mask, y, columns)
    }

    /// Gives it texture.
    pub fn fill(
        &self,
        image: &mut dyn Pixels,
        memory: &mut [f32],
        isa: Isa,
        pool: &Pool,
        progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<()> {
        let Self { mask, bounds, area, .. } = *self;
        let faded = self.faded();
        let (away, memory) = split::<u16>(memory, faded.area());
        let is_start = |x: usize, y: usize| self.group.mask().is_hole(x, y);
        measure_ways(away, faded, is_start, |x, y| mask.is_hole(x, y));
        let share = |x: usize, y: usize| {
            let way = faded.index(x, y).map_or(usize::MAX, |i| away[i].into());
            (3 * REACH).saturating_sub(way).min(3 * FADE) as f32 / (3 * FADE) as f32
        };
        let mut canvas = self.synthesis.canvas(memory);
        let mut has_pixels = false;
        for y in area.rows() {
            let mut row = canvas.row(y - area.y);
            row.read(|out| image.read(y, area.columns(), out, 3));
            for x in area.columns() {
                if image.is_transparent(x, y) {
                    row.hide(x - area.x);
                } else if mask.is_hole(x, y) {
                    row.marks[x - area.x] = mark::UNKNOWN;
                }
            }
            for x in
                self.runs(y, bounds.columns()).flatten().filter(|x| bounds.rows().contains(&y) && share(*x, y) > 0.0)
            {
                row.marks[x - area.x] = mark::UNKNOWN | mark::FILL;
                has_pixels = true;
            }
        }
        if !has_pixels {
            return Ok(());
        }
        let Some(texture) = canvas.synthesise(isa, pool, progress)? else { return Ok(()) };
        for y in bounds.rows() {
            for x in self.runs(y, bounds.columns()).flatten() {
                let share = share(x, y);
                if share == 0.0 {
                    continue;
                }
                let ((from_x, from_y), correction) = texture.at(x - area.x, y - area.y);
                let [own, copied] = [(x, y), (from_x + area.x, from_y + area.y)].map(|(x, y)| {
                    let mut rgb = [0.0; 3];
                    image.read(y, x..x + 1, &mut rgb, 3);
                    rgb
                });
                let rgb = std::array::from_fn(|c| {
                    let v = numerics::clip_unit(copied[c] + correction[c] / 255.0);
                    own[c] + share * (v - own[c])
                });
                image.write(x, y, rgb);
            }
        }
        Ok(())
    }
}

/// Writes for every pixel of `window` how long the way to it is from where `is_start` holds, over pixels where `is_hole`
/// does, thirds of a pixel by steps as [`Synthesis`] takes them; `u16::MAX` where there is none within [`REACH`].
fn measure_ways(
    out: &mut [u16],
    window: Rect,
    is_start: impl Fn(usize, usize) -> bool,
    is_hole: impl Fn(usize, usize) -> bool,
) {
    for (i, out) in out.iter_mut().enumerate() {
        let (x, y) = window.place(i);
        *out = if is_start(x, y) { 0 } else { u16::MAX };
    }
    let mut changes = true;
    let visit = |out: &mut [u16], i: usize, back: usize| {
        let (x, y) = window.place(i);
        if !is_hole(x, y) || out[i] == 0 {
            return false;
        }
        let way = chamfer_step((x, y), back, |x, y| window.index(x, y).map_or(u16::MAX, |i| out[i]));
        // Farther ways do not count, and following them through a maze would take long.
        let is_shorter = way < out[i] && usize::from(way) < 3 * REACH;
        if is_shorter {
            out[i] = way;
        }
        is_shorter
    };
    while std::mem::take(&mut changes) {
        for i in 0..out.len() {
            changes |= visit(out, i, usize::MAX);
        }
        for i in (0..out.len()).rev() {
            changes |= visit(out, i, 1);
        }
    }
}

/// What of a hole may get texture with a group, in `columns` of row `y`.
fn runs<'g>(
    group: &'g Group<'g>,
    mask: &'g MaskView<'g>,
    y: usize,
    columns: Range<usize>,
) -> impl Iterator<Item = Range<usize>> {
    group.seen(y, columns).flat_map(move |seen| mask.runs(y, seen))
}

/// The smallest rectangle that holds that in `area`.
fn bounds<'g>(group: &'g Group<'g>, mask: &'g MaskView<'g>, area: Rect) -> Option<Rect> {
    Rect::around(area.rows().flat_map(|y| runs(group, mask, y, area.columns()).map(move |run| (y, run))))
}

/// Pixels of network regions that take as long as texture for so many.
pub(super) fn texture_area(pixels: usize) -> u64 {
    4 * pixels as u64
}

/// Calls `each` with the wide holes of a mask and the memory beyond what finding them takes. Returns the floats of that in
/// `memory` and in `groups`.
pub(super) fn for_each_wide_hole(
    texture: Texture,
    mask: &MaskView<'_>,
    groups: &mut Store<'_>,
    memory: &mut [f32],
    each: &mut dyn FnMut(&WideHole<'_>, &mut [f32]) -> Result<()>,
) -> Result<usize> {
    let Some(margin) = texture.margin() else { return Ok(0) };
    let (words, memory) = split_mask(memory, Mask::words_for(mask.width(), mask.height()));
    let mut core = Mask::in_words(mask.width(), mask.height(), words)?;
    groups.core(mask, &mut core, margin)?;
    let core = core.view();
    let (found, floats) = groups.groups(&core, Some(REACH))?;
    for group in found.iter() {
        let Some(all) = bounds(&group, mask, group.seen) else { continue };
        let (width, height) = (tile_side(all.width, WHOLE, TILE), tile_side(all.height, WHOLE, TILE));
        for y in all.rows().step_by(height) {
            for x in all.columns().step_by(width) {
                let tile = Rect { x, y, width: width + OVERLAP, height: height + OVERLAP }.common(all);
                if let Some(hole) = WideHole::new(&group, mask, tile)? {
                    each(&hole, memory)?;
                }
            }
        }
    }
    Ok(floats)
}

/// Floats of memory in which [`for_each_wide_hole`] looks for them.
pub(super) fn core_floats(texture: Texture, width: usize, height: usize) -> usize {
    texture.margin().map_or(0, |_| mask_floats(Mask::words_for(width, height)))
}
