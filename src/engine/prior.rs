//! The prior of a region: what the network's output is added to.

use super::pixels::{Pixels, Scale};
use super::scratch::PriorShare;
use crate::mask::{Group, Rect};
use crate::prior::CYCLES;

/// Solves for the prior of the group's hole in its share of the arena. Only the hole and the pixels next to it are defined
/// there.
pub(super) fn solve(share: &PriorShare, image: &dyn Pixels, group: &Group<'_>, scale: Scale, arena: &mut [f32]) {
    let PriorShare { solver, window, image: at, scratch, .. } = share;
    let (width, height) = (window.width, window.height);
    let spans = [*at..at + 3 * width * height, *scratch..scratch + solver.scratch_len()];
    let [prior, scratch] = arena.get_disjoint_mut(spans).expect("buffers of one step do not overlap");
    // The solver reads no pixels but those next to the hole.
    for (y, row) in window.rows().zip(prior.chunks_exact_mut(3 * width)) {
        let near = Rect { y: y.saturating_sub(1), height: 2 + usize::from(y > 0), ..*window }.common(*window);
        if let Some(hole) = group.bounds(near) {
            let columns = hole.x.saturating_sub(1).max(window.x)..(hole.x + hole.width + 1).min(window.x + width);
            let part = &mut row[3 * (columns.start - window.x)..3 * (columns.end - window.x)];
            scale.read(image, y, columns, part, 3);
        }
    }
    let hole = |y: usize| {
        let runs = group.hole(window.y + y, window.columns());
        runs.map(|run| run.start - window.x..run.end - window.x)
    };
    solver.fill_runs(prior, hole, CYCLES, scratch);
}
