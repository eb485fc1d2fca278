//! The prior of a region: what the network's output is added to.

use super::pixels::{Pixels, Scale};
use super::scratch::PriorShare;
use crate::mask::{MaskView, Rect};
use crate::prior::CYCLES;

/// Solves for the prior of `image` in its share of the arena. Only the hole and the pixels next to it are defined there.
pub(super) fn solve(share: &PriorShare, image: &dyn Pixels, mask: &MaskView<'_>, scale: Scale, arena: &mut [f32]) {
    let (width, height) = image.size();
    let PriorShare { solver, image: at, scratch, .. } = share;
    let spans = [*at..at + 3 * width * height, *scratch..scratch + solver.scratch_len()];
    let [prior, scratch] = arena.get_disjoint_mut(spans).expect("buffers of one step do not overlap");
    // The solver reads no pixels but those next to the hole.
    for (y, row) in prior.chunks_exact_mut(3 * width).enumerate() {
        let near = y.saturating_sub(1)..(y + 2).min(height);
        let near = Rect { x: 0, y: near.start, width, height: near.len() };
        if let Some(Rect { x, width: len, .. }) = mask.bounds(near) {
            let columns = x.saturating_sub(1)..(x + len + 1).min(width);
            scale.read(image, y, columns.clone(), &mut row[3 * columns.start..3 * columns.end], 3);
        }
    }
    solver.fill(prior, mask, CYCLES, scratch);
}
