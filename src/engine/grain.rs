//! Grain where a fill is smoother than the photograph around it.
//!
//! Blocks of the fill overlap by a half. Each gets grain of a block of the photograph as bright as itself, as much as it lacks.

use super::pixels::Pixels;
use crate::alloc::{floats_for, split};
use crate::grain::{Block, Census, Grain, SIDE, Share};
use crate::mask::{Group, Rect};
use crate::numerics::random;

/// How far from a hole grain is taken, pixels.
const REACH: usize = 48;

/// How far that is, where grain is wanted and this build has it.
pub(super) fn reach(is_wanted: bool) -> Option<usize> {
    (cfg!(feature = "texture") && is_wanted).then_some(REACH)
}

/// From a block of the fill to the next.
const STEP: usize = SIDE / 2;

/// Floats of memory that [`add`] takes for a group that sees `seen`.
pub(super) fn floats(seen: Rect) -> usize {
    2 * floats_for::<Share>(shares(seen.width)) + Grain::floats(seen.area())
}

/// Blocks that cover a row of `width` pixels twice.
fn shares(width: usize) -> usize {
    width.div_ceil(STEP) + 1
}

/// Adds grain to a group's hole, if there is any around.
pub(super) fn add(image: &mut dyn Pixels, group: &Group<'_>, memory: &mut [f32]) {
    let Some(bounds) = group.bounds(group.seen) else { return };
    let (above, memory) = split::<Share>(memory, shares(bounds.width));
    let (below, memory) = split::<Share>(memory, shares(bounds.width));
    let mut census = Census::new();
    for_each_known(image, group, bounds, |block| census.count(block));
    let Some(mut collection) = census.collection(memory) else { return };
    for_each_known(image, group, bounds, |block| collection.take(block));
    let Some(grain) = collection.grain() else { return };

    // Rows are written when all blocks over them have been looked at.
    let (mut above, mut below) = (above, below);
    measure(image, group, bounds, &grain, 0, above);
    for band in 0..bounds.height.div_ceil(STEP) {
        measure(image, group, bounds, &grain, band + 1, below);
        let first = bounds.y + band * STEP;
        for y in first..(first + STEP).min(bounds.y + bounds.height) {
            for x in group.hole(y, bounds.columns()).flatten() {
                let (i, dx, dy) = ((x - bounds.x) / STEP, (x - bounds.x) % STEP, y - first);
                let shares = [
                    grain.at(above[i], dx + STEP, dy + STEP),
                    grain.at(above[i + 1], dx, dy + STEP),
                    grain.at(below[i], dx + STEP, dy),
                    grain.at(below[i + 1], dx, dy),
                ];
                let mut rgb = [0.0; 3];
                image.read(y, x..x + 1, &mut rgb, 3);
                let rgb = std::array::from_fn(|c| rgb[c] + (shares[0][c] + shares[1][c] + shares[2][c] + shares[3][c]));
                image.write(x, y, rgb);
            }
        }
        std::mem::swap(&mut above, &mut below);
    }
}

/// Calls `each` with every block that a group sees of the photograph, as far as it lies in a grid with the hole's bounds.
fn for_each_known(image: &dyn Pixels, group: &Group<'_>, bounds: Rect, mut each: impl FnMut(Block)) {
    let Rect { y: top, height, .. } = group.seen;
    let mask = group.mask();
    let to_grid = |at: usize, origin: usize| (origin % SIDE + SIDE - at % SIDE) % SIDE;
    let is_known = |x: usize, y: usize| {
        let columns = x..x + SIDE;
        let is_seen = |y| group.seen(y, columns.clone()).any(|run| run == columns);
        (y..y + SIDE).all(|y| is_seen(y) && mask.runs(y, columns.clone()).next().is_none())
            && (y..y + SIDE).all(|y| columns.clone().all(|x| !image.is_transparent(x, y)))
    };
    for y in (top + to_grid(top, bounds.y)..(top + height + 1).saturating_sub(SIDE)).step_by(SIDE) {
        for run in group.seen(y, group.seen.columns()) {
            for x in (run.start + to_grid(run.start, bounds.x)..(run.end + 1).saturating_sub(SIDE)).step_by(SIDE) {
                if is_known(x, y) {
                    let mut block = [[0.0; 3]; SIDE * SIDE];
                    for (row, y) in block.chunks_exact_mut(SIDE).zip(y..) {
                        image.read(y, x..x + SIDE, row.as_flattened_mut(), 3);
                    }
                    each(block);
                }
            }
        }
    }
}

/// The shares of row `band` of the blocks of the fill.
fn measure(image: &dyn Pixels, group: &Group<'_>, bounds: Rect, grain: &Grain<'_>, band: usize, shares: &mut [Share]) {
    // Blocks begin half a block before the bounds.
    let rows = (0..SIDE).filter_map(|row| {
        let y = (bounds.y + band * STEP + row).checked_sub(STEP)?;
        bounds.rows().contains(&y).then_some((row, y))
    });
    shares.fill(Share::NONE);
    for (_, y) in rows.clone() {
        for run in group.hole(y, bounds.columns()) {
            shares[(run.start - bounds.x) / STEP..(run.end - 1 - bounds.x) / STEP + 2].fill(Share::ALL);
        }
    }
    for (i, share) in shares.iter_mut().enumerate().filter(|(_, share)| **share != Share::NONE) {
        let (mut block, mut inside) = ([[0.0; 3]; SIDE * SIDE], [false; SIDE * SIDE]);
        let columns = (i.saturating_sub(1) * STEP).min(bounds.width)..((i + 1) * STEP).min(bounds.width);
        for (row, y) in rows.clone() {
            for run in group.hole(y, bounds.x + columns.start..bounds.x + columns.end) {
                let first = row * SIDE + run.start - bounds.x + STEP - i * STEP;
                let pixels = first..first + run.len();
                image.read(y, run, block[pixels.clone()].as_flattened_mut(), 3);
                inside[pixels].fill(true);
            }
        }
        *share = grain.share(&block, &inside, |number| random(i as u32, band as u32, number));
    }
}
