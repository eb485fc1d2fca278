//! Holes wider than the network reaches: their inside is filled at half the size first, by the same rule, and is taken from
//! there; the network then fills the rim between that and the photograph (the multi-scale idea of Yang et al. 2017, arXiv
//! 1611.09969).
//!
//! Coarser images are f32: their fill is rounded once, when it is written into the photograph.

use ndarray::Array3;

use super::pixels::{Crop, Pixels};
use crate::alloc;
use crate::error::Result;
use crate::mask::{Mask, MaskView, Rect, parents};
use crate::weights::Config;

/// Side of a cell of the grid that tells parts apart, pixels.
const CELL: usize = 64;

/// Lengths in pixels, which follow from the network's depth.
#[derive(Clone, Copy)]
struct Lengths {
    /// Widest square of hole that is filled at one size.
    reach: usize,
    /// Width of the rim around an inside that is taken from half the size.
    rim: usize,
    /// The least that a part has around its hole.
    margin: usize,
}

impl Lengths {
    fn new(levels: usize) -> Self {
        let unit = 1 << levels;
        Self { reach: 2 * unit, rim: (3 * unit / 8).max(1), margin: 4 * unit }
    }
}

/// The widest square of hole that the network fills at one size. A network that sees all of the photograph fills any.
pub(super) fn reach(config: &Config) -> usize {
    config.context().map_or(usize::MAX, |_| Lengths::new(config.levels()).reach)
}

/// What is filled one after the other.
pub(super) enum Step<'m> {
    /// A place wider than the network reaches, with what is near.
    Wide(Part),
    /// All else.
    Rest(MaskView<'m>),
}

/// A part of the hole, with its surroundings.
pub(super) struct Part {
    /// Its place in the image.
    pub area: Rect,
    /// From the image's size down by halves; the last takes nothing from a coarser one.
    pub levels: Vec<Level>,
}

/// A part at one size.
pub(super) struct Level {
    /// What is hole to the network.
    pub hole: Mask,
    /// What of it is filled.
    pub target: Rect,
    /// The inside, which is taken from the next level.
    from_coarser: Option<Mask>,
}

/// Calls `each` with the steps that fill a hole in which there is a square wider than a network of so many levels reaches, or
/// not.
pub(super) fn for_each_step(
    mask: &MaskView<'_>,
    levels: usize,
    is_wide: bool,
    each: &mut dyn FnMut(Step<'_>) -> Result<()>,
) -> Result<()> {
    if !is_wide {
        return each(Step::Rest(*mask));
    }
    let lengths = Lengths::new(levels);
    let radius = lengths.reach / 2;
    let mut left = mask.copy()?;
    for bounds in connected(&mask.core(radius)?)? {
        let bounds = bounds.grown(radius, mask.whole());
        if left.largest_square(bounds)? > lengths.reach {
            each(Step::Wide(Part::new(&left, bounds, lengths)?))?;
            left.clear(bounds);
        }
    }
    if left.is_empty() { Ok(()) } else { each(Step::Rest(left.view())) }
}

/// The bounds of each set of hole pixels that share a cell or lie in cells that touch.
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
    /// The part that fills what is `left` of the hole in `bounds`, which has some.
    fn new(left: &Mask, bounds: Rect, lengths: Lengths) -> Result<Self> {
        let bounds = left.bounds(bounds).unwrap_or(bounds);
        let context = lengths.margin.max(left.largest_square(bounds)? / 2);
        let area = bounds.grown(context, left.whole());
        let mut target = Rect { x: bounds.x - area.x, y: bounds.y - area.y, ..bounds };
        let mut hole = left.crop(area)?;
        let mut levels = Vec::new();
        loop {
            let is_wide = hole.largest_square(target)? > lengths.reach;
            let coarser = if is_wide { Some(hole.coarsened()?) } else { None };
            let from_coarser = if is_wide { Some(hole.core(lengths.rim)?) } else { None };
            if let Some(inside) = &from_coarser {
                hole.remove(inside);
            }
            alloc::try_push(&mut levels, Level { hole, target, from_coarser })?;
            match coarser {
                Some(coarser) => hole = coarser,
                None => return Ok(Self { area, levels }),
            }
            target = hole.whole();
        }
    }

    /// Bytes of its masks.
    pub fn mask_bytes(&self) -> usize {
        let masks = |level: &Level| level.hole.bytes() + level.from_coarser.as_ref().map_or(0, Mask::bytes);
        self.levels.iter().map(masks).sum()
    }

    /// Bytes that [`fill_part`] takes, without the part's masks, for an image of `colours` channels.
    pub fn image_bytes(&self, colours: usize) -> usize {
        let image = |level: &Level| level.hole.width() * level.hole.height() * colours * size_of::<f32>();
        let rows = if self.levels.len() > 1 { 6 * self.area.width * size_of::<f32>() } else { 0 };
        self.levels[1..].iter().map(image).sum::<usize>() + rows
    }
}

/// Fills the part of `image`. Calls `fill` with the image, the hole and the target of each level, from the coarsest to the
/// image's own.
pub(super) fn fill_part(
    image: &mut dyn Pixels,
    part: Part,
    fill: &mut dyn FnMut(&mut dyn Pixels, &MaskView<'_>, Rect) -> Result<()>,
) -> Result<()> {
    let Part { area, mut levels } = part;
    let mut finest = Crop { image, area };
    let mut coarser = Vec::<Array3<f32>>::new();
    for level in &levels[..levels.len() - 1] {
        let image: &dyn Pixels = coarser.last().map_or(&finest, |image| image);
        let image = downsample_known(image, level)?;
        alloc::try_push(&mut coarser, image)?;
    }
    // The level that was filled last.
    let mut filled = None;
    while let Some(level) = levels.pop() {
        let mut own = coarser.pop();
        let image: &mut dyn Pixels = own.as_mut().map_or(&mut finest, |image| image);
        if let (Some(inside), Some(coarse)) = (&level.from_coarser, filled.take()) {
            upsample_into(&coarse, inside, image);
        }
        fill(image, &level.hole.view(), level.target)?;
        filled = own;
    }
    Ok(())
}

/// The image at half the size: the mean of the known pixels under each cell.
fn downsample_known(image: &dyn Pixels, level: &Level) -> Result<Array3<f32>> {
    let ((width, height), colours) = (image.size(), image.colours());
    let shape = (height.div_ceil(2), width.div_ceil(2), colours);
    let mut out = alloc::try_filled(0.0, shape.0 * shape.1 * shape.2)?;
    // Of each pixel its colours and 1, all of them 0 where it is hole.
    let mut row = alloc::try_filled([0.0; 4], width)?;
    let mut sums = alloc::try_filled([0.0; 4], shape.1)?;
    for (y, out) in out.chunks_exact_mut(shape.1 * colours).enumerate() {
        sums.fill([0.0; 4]);
        for y in 2 * y..(2 * y + 2).min(height) {
            row.fill([1.0; 4]);
            image.read(y, 0..width, row.as_flattened_mut(), 4);
            for hole in [Some(&level.hole), level.from_coarser.as_ref()].into_iter().flatten() {
                hole.runs(y, 0..width).for_each(|run| row[run].fill([0.0; 4]));
            }
            for (sum, pixels) in sums.iter_mut().zip(row.chunks(2)) {
                pixels.iter().for_each(|pixel| (0..4).for_each(|c| sum[c] += pixel[c]));
            }
        }
        for (out, [colour @ .., count]) in out.chunks_exact_mut(colours).zip(&sums) {
            if *count > 0.0 {
                out.iter_mut().zip(colour).for_each(|(out, sum)| *out = sum / count);
            }
        }
    }
    Ok(Array3::from_shape_vec(shape, out).expect("a value a place"))
}

/// Fills `inside` from the image of half the size, bilinearly between the centres of its pixels.
fn upsample_into(coarse: &Array3<f32>, inside: &Mask, image: &mut dyn Pixels) {
    let (height, width, colours) = coarse.dim();
    for y in 0..inside.height() {
        let (near, far) = parents(y, height);
        for x in inside.runs(y, 0..inside.width()).flatten() {
            let (p, q) = parents(x, width);
            let blend = |x: usize, c: usize| 0.75 * coarse[[near, x, c]] + 0.25 * coarse[[far, x, c]];
            let value = |c: usize| if c < colours { 0.75 * blend(p, c) + 0.25 * blend(q, c) } else { 0.0 };
            image.write(x, y, std::array::from_fn(value));
        }
    }
}
