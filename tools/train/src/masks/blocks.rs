//! What a decoder could not reconstruct: macroblocks, slices, rows of blocks.

use super::canvas::Canvas;
use crate::rng::Rng;

/// Blocks on a grid that need not start at the window's corner, as a crop of a video frame has it.
pub(super) fn blocks(canvas: &mut Canvas, rng: &mut Rng) {
    let (w, slack) = (canvas.window, canvas.slack());
    let size = rng.pick(&[8, 16, 24, 32]);
    let offset = if rng.chance(0.5) { [0, 0] } else { [0; 2].map(|_: i32| 4 * rng.below(size as usize / 4) as i32) };
    let (left, top) = (w.x0 - offset[0], w.y0 - offset[1]);
    let columns = ((w.x1 - left) as usize).div_ceil(size as usize);
    let rows = ((w.y1 - top) as usize).div_ceil(size as usize);
    for block in order(columns, rows, rng) {
        let (x, y) = (left + (block % columns) as i32 * size, top + (block / columns) as i32 * size);
        if canvas.fresh((x, y), (x + size, y + size)) <= canvas.open() + slack {
            canvas.block((x, y), (x + size, y + size));
        } else {
            // The last macroblock is decoded in part: some of its 8×8 transforms are lost.
            let mut lost = false;
            for sub in 0..(size / 8).pow(2) {
                let (x, y) = (x + sub % (size / 8) * 8, y + sub / (size / 8) * 8);
                if !lost || canvas.open() > slack {
                    lost |= canvas.fresh((x, y), (x + 8, y + 8)) > 0;
                    canvas.block((x, y), (x + 8, y + 8));
                }
            }
        }
        if canvas.open() <= slack {
            return;
        }
    }
}

/// The order in which blocks are lost; a block may come up again.
fn order(columns: usize, rows: usize, rng: &mut Rng) -> Vec<usize> {
    let count = columns * rows;
    match rng.below(4) {
        // Slices: runs in raster order, from part of a row to two rows.
        0 => {
            let mut order = Vec::new();
            for _ in 0..8 * rows {
                let (start, length) = (rng.below(count), rng.between(columns.div_ceil(3), 2 * columns));
                order.extend(start..(start + length).min(count));
            }
            order.extend(0..count);
            order
        }
        // Whole rows.
        1 => shuffled(rows, rng).into_iter().flat_map(|row| row * columns..(row + 1) * columns).collect(),
        // Single blocks.
        _ => shuffled(count, rng),
    }
}

fn shuffled(n: usize, rng: &mut Rng) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    (1..n).rev().for_each(|i| order.swap(i, rng.below(i + 1)));
    order
}
