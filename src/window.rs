//! Large images, worked on in windows around their holes.
//!
//! Hole pixels that share a cell of a coarse grid, or lie in cells that touch, are one part. A part is filled in windows,
//! each a tile of the hole with context around it, one after the other: what a window has filled is known to the next, so
//! that tiles join. Where the hole is wider than the network reaches, it is filled at half the size first, by the same
//! rule, and the inside taken from there; the network then fills the rim between that and the photograph (the multi-scale
//! idea of Yang et al. 2017, arXiv 1611.09969).
//!
//! What is done depends on the model's depth, the size and the hole alone.

use ndarray::{Array3, ArrayView3, ArrayViewMut3};

use crate::error::Result;
use crate::holes::{Holes, Rect};
use crate::room;
use crate::sample::Sample;

/// Side of a cell of the grid that tells parts apart, pixels.
const CELL: usize = 64;

/// Lengths, pixels, for a network of some depth.
#[derive(Clone, Copy)]
pub(crate) struct Lengths {
    /// Widest square of hole that the network bridges: about half the receptive field of its encoder.
    reach: usize,
    /// Width of the rim around an inside that is taken from half the size.
    rim: usize,
    /// Side of a tile.
    tile: usize,
    /// Context of a window on every side.
    margin: usize,
    /// Windows are multiples of it where the image allows.
    align: usize,
}

impl Lengths {
    pub fn new(levels: usize) -> Self {
        let unit = 1 << levels;
        Self { reach: unit, rim: (3 * unit / 8).max(1), tile: (6 * unit).min(384), margin: unit, align: unit }
    }
}

/// A tile of the hole, and the window that it is filled in.
#[derive(Clone, Copy)]
pub(crate) struct Tile {
    pub tile: Rect,
    pub window: Rect,
}

/// A part at one size.
pub(crate) struct Level {
    /// What the network fills.
    pub left: Holes,
    /// What is taken from the next level.
    pub inside: Option<Holes>,
    pub tiles: Vec<Tile>,
}

/// Holes near each other, with their surroundings.
pub(crate) struct Part {
    /// Where in the image.
    pub area: Rect,
    /// From the image's size down by halves.
    pub levels: Vec<Level>,
}

/// Where the parts of a hole are, in the order in which they are filled: wherever it is wider than the network reaches,
/// so that coarser images are no larger than that takes; then what is left.
pub(crate) fn parts(holes: &Holes, lengths: Lengths) -> Result<Vec<Rect>> {
    let radius = lengths.reach / 2;
    let mut parts = connected(&holes.eroded(radius)?)?;
    for part in &mut parts {
        *part = grown(*part, radius, holes);
    }
    room::append(&mut parts, &connected(holes)?)?;
    Ok(parts)
}

/// `rect` with `margin` pixels more on every side, where the image has them.
fn grown(rect: Rect, margin: usize, image: &Holes) -> Rect {
    let (x, y) = (rect.x.saturating_sub(margin), rect.y.saturating_sub(margin));
    let right = (rect.x + rect.width + margin).min(image.width());
    let bottom = (rect.y + rect.height + margin).min(image.height());
    Rect { x, y, width: right - x, height: bottom - y }
}

/// The bounds of pixels that share a cell or lie in cells that touch.
fn connected(holes: &Holes) -> Result<Vec<Rect>> {
    let (columns, rows) = (holes.width().div_ceil(CELL), holes.height().div_ceil(CELL));
    let mut marked = room::filled(false, columns * rows)?;
    for y in 0..holes.height() {
        for run in holes.runs(y, 0..holes.width()) {
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
        room::push(&mut reached, start)?;
        while let Some(cell) = reached.pop() {
            let (x, y) = (cell % columns, cell / columns);
            (left, top, right, bottom) = (left.min(x), top.min(y), right.max(x + 1), bottom.max(y + 1));
            for y in y.saturating_sub(1)..(y + 2).min(rows) {
                for x in x.saturating_sub(1)..(x + 2).min(columns) {
                    if std::mem::take(&mut marked[y * columns + x]) {
                        room::push(&mut reached, y * columns + x)?;
                    }
                }
            }
        }
        let (x, y) = (left * CELL, top * CELL);
        let (right, bottom) = ((right * CELL).min(holes.width()), (bottom * CELL).min(holes.height()));
        let bounds = Rect { x, y, width: right - x, height: bottom - y };
        if let Some(bounds) = holes.bounds(bounds) {
            room::push(&mut parts, bounds)?;
        }
    }
    Ok(parts)
}

impl Part {
    /// The part that fills what is `left` of the hole in `bounds`, if anything is.
    pub fn new(left: &Holes, bounds: Rect, lengths: Lengths) -> Result<Option<Self>> {
        let Some(bounds) = left.bounds(bounds) else { return Ok(None) };
        let context = (2 * lengths.margin + lengths.align).max(left.widest(bounds)? / 2);
        let area = grown(bounds, context, left);
        let mut target = Rect { x: bounds.x - area.x, y: bounds.y - area.y, ..bounds };
        let mut left = left.crop(area)?;
        let mut levels = Vec::new();
        loop {
            let coarser = if left.widest(left.whole())? > lengths.reach { Some(left.halved()?) } else { None };
            let inside = coarser.is_some().then(|| left.eroded(lengths.rim)).transpose()?;
            if let Some(inside) = &inside {
                left.remove(inside);
            }
            let tiles = tiles(&left, target, lengths)?;
            levels.push(Level { left, inside, tiles });
            match coarser {
                Some(coarser) => left = coarser,
                None => return Ok(Some(Self { area, levels })),
            }
            target = left.whole();
        }
    }

    /// Bytes of its holes, and of its coarser images of `colours` samples of `sample` bytes.
    pub fn bytes(&self, colours: usize, sample: usize) -> usize {
        let holes = |level: &Level| level.left.bytes() + level.inside.as_ref().map_or(0, Holes::bytes);
        let image = |level: &Level| level.left.width() * level.left.height() * colours * sample;
        self.levels.iter().map(holes).sum::<usize>() + self.levels[1..].iter().map(image).sum::<usize>()
    }
}

/// Tiles of `target` that have something to fill, row by row.
fn tiles(holes: &Holes, target: Rect, lengths: Lengths) -> Result<Vec<Tile>> {
    let mut tiles = Vec::new();
    for y in target.rows().step_by(lengths.tile) {
        for x in target.columns().step_by(lengths.tile) {
            let width = lengths.tile.min(target.x + target.width - x);
            let height = lengths.tile.min(target.y + target.height - y);
            let Some(tile) = holes.bounds(Rect { x, y, width, height }) else { continue };
            let around = |from: usize, len: usize, end: usize, margin: usize| {
                let size = (len + 2 * margin).next_multiple_of(lengths.align).min(end);
                (from.saturating_sub(margin).min(end - size), size)
            };
            let window = |margin: usize| {
                let (x, width) = around(tile.x, tile.width, holes.width(), margin);
                let (y, height) = around(tile.y, tile.height, holes.height(), margin);
                Rect { x, y, width, height }
            };
            // Along a border, a hole within reach may be longer than a window: the first is as wide as it takes.
            let sees_nothing =
                |window: Rect| holes.is_all_hole(window) && !tiles.iter().any(|t: &Tile| t.tile.meets(window));
            let mut margin = lengths.margin;
            while sees_nothing(window(margin)) && window(margin) != holes.whole() {
                margin *= 2;
            }
            room::push(&mut tiles, Tile { tile, window: window(margin) })?;
        }
    }
    Ok(tiles)
}

/// Red, green and blue, or grey: the channels that are filled.
pub(crate) fn colours(channels: usize) -> usize {
    if channels < 3 { 1 } else { 3 }
}

/// The image at half the size: the mean of the known pixels under each cell.
pub(crate) fn halve<T: Sample>(image: ArrayView3<'_, T>, level: &Level) -> Result<Array3<T>> {
    let (height, width, channels) = image.dim();
    let is_hole =
        |x: usize, y: usize| level.left.is_hole(x, y) || level.inside.as_ref().is_some_and(|i| i.is_hole(x, y));
    let mut out = zeros((height.div_ceil(2), width.div_ceil(2), colours(channels)))?;
    for ((y, x, c), out) in out.indexed_iter_mut() {
        let (mut sum, mut count) = (0.0, 0);
        for y in 2 * y..(2 * y + 2).min(height) {
            for x in 2 * x..(2 * x + 2).min(width) {
                if !is_hole(x, y) {
                    sum += image[[y, x, c]].to_unit();
                    count += 1;
                }
            }
        }
        if count > 0 {
            *out = T::from_unit(sum / count as f32);
        }
    }
    Ok(out)
}

/// Fills the inside from the image of half the size, bilinearly between cell centres.
pub(crate) fn raise<T: Sample>(coarse: ArrayView3<'_, T>, inside: &Holes, image: &mut ArrayViewMut3<'_, T>) {
    let (height, width, colours) = coarse.dim();
    let parents = |v: usize, end: usize| {
        let near = v / 2;
        (near, if v.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(end - 1) })
    };
    for y in 0..inside.height() {
        let (near, far) = parents(y, height);
        for x in inside.runs(y, 0..inside.width()).flatten() {
            let (p, q) = parents(x, width);
            for c in 0..colours {
                let blend = |x: usize| 0.75 * coarse[[near, x, c]].to_unit() + 0.25 * coarse[[far, x, c]].to_unit();
                image[[y, x, c]] = T::from_unit(0.75 * blend(p) + 0.25 * blend(q));
            }
        }
    }
}

/// Zeros, where memory can be had.
pub(crate) fn zeros<T: Sample>(shape: (usize, usize, usize)) -> Result<Array3<T>> {
    let data = room::filled(T::default(), shape.0 * shape.1 * shape.2)?;
    Ok(Array3::from_shape_vec(shape, data).expect("a sample a place"))
}
