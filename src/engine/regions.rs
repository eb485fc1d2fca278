//! Regions of the image around its holes, in which the network runs.
//!
//! Hole pixels that share a cell of a coarse grid, or lie in cells that touch, are one part. A part is filled by tiles, each
//! in a region of the image that has the tile and context around it, one after the other: what one tile has filled is known
//! to the next, so that tiles join. Where the hole is wider than the network reaches, it is filled at half the size first,
//! by the same rule, and its inside is taken from there; the network then fills the rim between that and the photograph (the
//! multi-scale idea of Yang et al. 2017, arXiv 1611.09969).
//!
//! Regions depend on the model's depth, the image's size and the hole alone.

use crate::alloc;
use crate::error::Result;
use crate::mask::{Mask, MaskView, Rect};

/// Side of a cell of the grid that tells parts apart, pixels.
const CELL: usize = 64;

/// Lengths in pixels, which follow from the network's depth.
#[derive(Clone, Copy)]
struct Lengths {
    /// Widest square of hole that the network bridges: about half the receptive field of its encoder.
    reach: usize,
    /// Width of the rim around an inside that is taken from half the size.
    rim: usize,
    /// Side of a tile.
    tile: usize,
    /// Context of a region on every side.
    margin: usize,
    /// Regions are multiples of it where the image allows.
    align: usize,
}

impl Lengths {
    fn new(levels: usize) -> Self {
        let unit = 1 << levels;
        Self { reach: unit, rim: (3 * unit / 8).max(1), tile: (6 * unit).min(384), margin: unit, align: unit }
    }
}

/// A tile of the hole, and the region that it is filled in.
#[derive(Clone, Copy)]
pub(super) struct Tile {
    pub tile: Rect,
    pub region: Rect,
}

/// A part at one size.
pub(super) struct Level {
    /// What the network fills.
    pub to_fill: Mask,
    /// The inside, which is taken from the next level.
    pub from_coarser: Option<Mask>,
    pub tiles: Vec<Tile>,
}

/// A part of the hole, with its surroundings.
pub(super) struct Part {
    /// Its place in the image.
    pub area: Rect,
    /// From the image's size down by halves; the last takes nothing from a coarser one.
    pub levels: Vec<Level>,
}

/// Calls `each` with every part of the hole, in the order in which a network of so many levels fills them: first those around
/// places wider than it reaches, so that coarser images stay small; then what is left.
pub(super) fn for_each_part(
    mask: &MaskView<'_>,
    levels: usize,
    each: &mut dyn FnMut(Part) -> Result<()>,
) -> Result<()> {
    let lengths = Lengths::new(levels);
    let radius = lengths.reach / 2;
    let mut parts = connected(&mask.core(radius)?)?;
    for part in &mut parts {
        *part = grown(*part, radius, mask.whole());
    }
    alloc::try_extend(&mut parts, &connected(mask)?)?;
    let mut left = mask.copy()?;
    for bounds in parts {
        if let Some(part) = Part::new(&left, bounds, lengths)? {
            each(part)?;
            left.clear(bounds);
        }
    }
    Ok(())
}

/// `rect` with `margin` pixels more on every side, where the image has them.
fn grown(rect: Rect, margin: usize, image: Rect) -> Rect {
    let (x, y) = (rect.x.saturating_sub(margin), rect.y.saturating_sub(margin));
    let right = (rect.x + rect.width + margin).min(image.width);
    let bottom = (rect.y + rect.height + margin).min(image.height);
    Rect { x, y, width: right - x, height: bottom - y }
}

/// The bounds of each group of hole pixels that share a cell or lie in cells that touch.
fn connected(mask: &Mask<impl AsRef<[u64]>>) -> Result<Vec<Rect>> {
    let (columns, rows) = (mask.width().div_ceil(CELL), mask.height().div_ceil(CELL));
    let mut marked = alloc::try_filled(false, columns * rows)?;
    for y in 0..mask.height() {
        for run in mask.runs(y, 0..mask.width()) {
            let row = y / CELL * columns;
            marked[row + run.start / CELL..=row + (run.end - 1) / CELL].fill(true);
        }
    }
    let mut parts = Vec::new();
    let mut reached = Vec::new();
    for start in 0..marked.len() {
        if !std::mem::take(&mut marked[start]) {
            continue;
        }
        let (mut left, mut top, mut right, mut bottom) = (columns, rows, 0, 0);
        alloc::try_push(&mut reached, start)?;
        while let Some(cell) = reached.pop() {
            let (x, y) = (cell % columns, cell / columns);
            (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
            for y in y.saturating_sub(1)..(y + 2).min(rows) {
                for x in x.saturating_sub(1)..(x + 2).min(columns) {
                    if std::mem::take(&mut marked[y * columns + x]) {
                        alloc::try_push(&mut reached, y * columns + x)?;
                    }
                }
            }
        }
        let (x, y) = (left * CELL, top * CELL);
        let (right, bottom) = ((right * CELL).min(mask.width()), (bottom * CELL).min(mask.height()));
        let bounds = Rect { x, y, width: right - x, height: bottom - y };
        if let Some(bounds) = mask.bounds(bounds) {
            alloc::try_push(&mut parts, bounds)?;
        }
    }
    Ok(parts)
}

impl Part {
    /// The part that fills what is `left` of the hole in `bounds`, if anything is.
    fn new(left: &Mask, bounds: Rect, lengths: Lengths) -> Result<Option<Self>> {
        let Some(bounds) = left.bounds(bounds) else { return Ok(None) };
        let context = (2 * lengths.margin + lengths.align).max(left.largest_square(bounds)? / 2);
        let area = grown(bounds, context, left.whole());
        let mut target = Rect { x: bounds.x - area.x, y: bounds.y - area.y, ..bounds };
        let mut to_fill = left.crop(area)?;
        let mut levels = Vec::new();
        loop {
            let is_wide = to_fill.largest_square(to_fill.whole())? > lengths.reach;
            let coarser = if is_wide { Some(to_fill.coarsened()?) } else { None };
            let from_coarser = if is_wide { Some(to_fill.core(lengths.rim)?) } else { None };
            if let Some(inside) = &from_coarser {
                to_fill.remove(inside);
            }
            let tiles = tiles(&to_fill, target, lengths)?;
            alloc::try_push(&mut levels, Level { to_fill, from_coarser, tiles })?;
            match coarser {
                Some(coarser) => to_fill = coarser,
                None => return Ok(Some(Self { area, levels })),
            }
            target = to_fill.whole();
        }
    }

    /// Calls `each` with every region and what is to be filled there, the coarsest first.
    pub fn for_each_region(self, each: &mut dyn FnMut(&MaskView<'_>) -> Result<()>) -> Result<()> {
        self.levels.into_iter().rev().try_for_each(|level| level.for_each_region(&mut |_, mask| each(mask)))
    }

    /// Bytes of its masks.
    pub fn mask_bytes(&self) -> usize {
        let masks = |level: &Level| level.to_fill.bytes() + level.from_coarser.as_ref().map_or(0, Mask::bytes);
        self.levels.iter().map(masks).sum()
    }
}

impl Level {
    /// Calls `each` with every region and what is to be filled there, tile by tile: a tile that is filled is known to the
    /// next.
    pub fn for_each_region(mut self, each: &mut dyn FnMut(Rect, &MaskView<'_>) -> Result<()>) -> Result<()> {
        for Tile { tile, region } in self.tiles {
            each(region, &self.to_fill.region(region))?;
            self.to_fill.clear(tile);
        }
        Ok(())
    }
}

/// Tiles of `target` that have something to fill, row by row.
fn tiles(mask: &Mask, target: Rect, lengths: Lengths) -> Result<Vec<Tile>> {
    let mut tiles = Vec::new();
    for y in target.rows().step_by(lengths.tile) {
        for x in target.columns().step_by(lengths.tile) {
            let width = lengths.tile.min(target.x + target.width - x);
            let height = lengths.tile.min(target.y + target.height - y);
            let Some(tile) = mask.bounds(Rect { x, y, width, height }) else { continue };
            let around = |from: usize, len: usize, end: usize, margin: usize| {
                let size = (len + 2 * margin).next_multiple_of(lengths.align).min(end);
                (from.saturating_sub(margin).min(end - size), size)
            };
            let region = |margin: usize| {
                let (x, width) = around(tile.x, tile.width, mask.width(), margin);
                let (y, height) = around(tile.y, tile.height, mask.height(), margin);
                Rect { x, y, width, height }
            };
            // Along a border, a hole within reach may be longer than a region: the first region grows until it sees
            // something known.
            let sees_nothing =
                |region: Rect| mask.is_all_hole(region) && !tiles.iter().any(|t: &Tile| t.tile.meets(region));
            let mut margin = lengths.margin;
            while sees_nothing(region(margin)) && region(margin) != mask.whole() {
                margin *= 2;
            }
            alloc::try_push(&mut tiles, Tile { tile, region: region(margin) })?;
        }
    }
    Ok(tiles)
}
