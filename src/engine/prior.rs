//! The prior of a region: what the network's output is added to.

use super::pixels::{Pixels, Scale};
use super::scratch::PriorShare;
use crate::mask::Mask;
use crate::prior::CYCLES;

/// Solves for the prior of `image` in its share of the arena.
pub(super) fn solve(share: &PriorShare, image: &dyn Pixels, mask: &Mask<&[u64]>, scale: Scale, arena: &mut [f32]) {
    let (width, height) = image.size();
    let PriorShare { solver, image: at, scratch, .. } = share;
    let spans = [*at..at + 3 * width * height, *scratch..scratch + solver.scratch_len()];
    let [prior, scratch] = arena.get_disjoint_mut(spans).expect("buffers of one step do not overlap");
    for (y, row) in prior.chunks_exact_mut(3 * width).enumerate() {
        scale.read(image, y, row, 3);
    }
    solver.fill(prior, mask, CYCLES, scratch);
}
