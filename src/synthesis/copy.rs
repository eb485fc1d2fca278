//! Copying instead of averaging: every pixel to be filled takes one of the pixels that the patches over it offer, such that it
//! is like what they agree on and neighbours fit (iterated conditional modes, Besag 1986).

use super::level::{AREA, At, BAND, Field, Level, Picture, SIDE, Shape, mark};
use super::patch::difference;
use crate::parallel::Pool;

/// Sweeps after the first.
const SWEEPS: usize = 1;

/// Cost of a seam between two neighbours that come from different places, and its weight.
const SEAM: u32 = 30;
const SEAM_WEIGHT: u32 = 2;

/// Cost of neighbours whose places do not tell how well they fit.
const APART: u32 = 3000;

/// Steps to the neighbours of a pixel.
pub(super) const STEPS: [(isize, isize); 4] = [(-1, 0), (1, 0), (0, -1), (0, 1)];

/// Where a pixel to be filled is copied from.
struct Labels<'a> {
    picture: &'a Picture<'a>,
    source: &'a [At],
    distance: &'a [u32],
    /// Labels of the pixels in `fill` when the sweep began.
    before: &'a [At],
    /// Whether every pixel is looked at, and not those alone that differ from a neighbour.
    is_first: bool,
    is_backward: bool,
}

impl Labels<'_> {
    /// The label of a pixel in `fill`, from the band that begins with index `first` or from before.
    fn label(&self, band: &[At], first: usize, index: usize) -> At {
        match index.checked_sub(first) {
            Some(i) if i < band.len() => band[i],
            _ => self.before[index],
        }
    }

    fn sweep(&self, first: usize, band: &mut [At]) {
        let Shape { fill, .. } = self.picture.shape;
        for i in 0..band.len() {
            let i = if self.is_backward { band.len() - 1 - i } else { i };
            let (x, y) = fill.place(first + i);
            if self.picture.is(x, y, mark::FILL) {
                band[i] = self.best(x, y, first, band, band[i]);
            }
        }
    }

    /// The best label of (x, y), which has `own` so far.
    fn best(&self, x: usize, y: usize, first: usize, band: &[At], own: At) -> At {
        let picture = self.picture;
        let Shape { width, height, targets, .. } = picture.shape;
        let here = At::new(x, y);
        // The neighbours and their labels; those that are not filled are their own.
        let mut near = [(At::NONE, At::NONE); 4];
        for (near, (dx, dy)) in near.iter_mut().zip(STEPS) {
            let (x, y) = (x.wrapping_add_signed(dx), y.wrapping_add_signed(dy));
            if x < width && y < height {
                let is_filled = picture.is(x, y, mark::FILL);
                let index = picture.shape.in_fill(x, y).filter(|_| is_filled);
                *near = (At::new(x, y), index.map_or(At::NONE, |index| self.label(band, first, index)));
            }
        }
        if !self.is_first {
            let is_inside = near
                .iter()
                .all(|(at, label)| *at == At::NONE || *label != At::NONE && label.minus(own) == at.minus(here));
            if is_inside {
                return own;
            }
        }
        let voted = picture.pixel(here);
        let cost = |label: At, patch: u32, least: u32| -> u32 {
            let mut cost = difference(voted, picture.pixel(label)) + patch;
            for ((at, other), step) in near.iter().zip(STEPS) {
                if cost >= least {
                    return cost;
                }
                if *at == At::NONE {
                    continue;
                }
                // What would lie at the neighbour if both came from one place.
                let beside = picture.known(label, step);
                if !picture.is(at.x(), at.y(), mark::FILL) {
                    let seam = |beside| SEAM_WEIGHT * difference(picture.pixel(*at), picture.pixel(beside));
                    cost += beside.map_or(0, seam);
                } else if *other != At::NONE && other.minus(label) != step {
                    let back = picture.known(*other, (-step.0, -step.1));
                    cost += SEAM_WEIGHT
                        * match (beside, back) {
                            (Some(beside), Some(back)) => {
                                let own = difference(picture.pixel(label), picture.pixel(back));
                                own + difference(picture.pixel(beside), picture.pixel(*other)) + SEAM
                            }
                            _ => APART,
                        };
                }
            }
            cost
        };
        // The label of the sweep before comes first: few others come near it.
        let (mut best, mut least) = (own, if own == At::NONE { u32::MAX } else { cost(own, 0, u32::MAX) });
        let (columns, rows) = picture.shape.over(x, y);
        let mut seen = [At::NONE; (SIDE * SIDE).div_ceil(2)];
        let mut count = 0;
        let first_dx = columns.start;
        for (row, dy) in rows.enumerate() {
            // Every other patch, as on a chessboard: its neighbours mostly say the same.
            for dx in columns.clone().filter(|dx| (dx - first_dx + row).is_multiple_of(2)) {
                let i = (y - dy - targets.y) * targets.width + x - dx - targets.x;
                let label = self.source[i].shifted(dx as isize, dy as isize);
                if label != own && !seen[..count].iter().rev().any(|seen| *seen == label) {
                    (seen[count], count) = (label, count + 1);
                    let cost = cost(label, self.distance[i] / AREA, least);
                    if cost < least {
                        (best, least) = (label, cost);
                    }
                }
            }
        }
        best
    }
}

/// Chooses a pixel to copy for each in `fill`, into `labels`; the pixels of the level hold what the patches agree on.
pub(super) fn copy(level: &Level<'_>, labels: &mut [At], before: &mut [At], pool: &Pool) {
    let Level { picture, field: Field { source, distance, .. }, .. } = level;
    let rows = BAND * picture.shape.fill.width;
    labels.fill(At::NONE);
    for sweep in 0..=SWEEPS {
        before.copy_from_slice(labels);
        let step = Labels { picture, source, distance, before, is_first: sweep == 0, is_backward: sweep % 2 == 1 };
        pool.each(labels.chunks_mut(rows).enumerate(), |(i, band)| step.sweep(i * rows, band));
    }
}
