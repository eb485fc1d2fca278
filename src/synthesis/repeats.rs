//! Ways by which the photograph repeats itself, as façades, fences and pavements do: those that many of its patches have to the
//! patches most like them (He and Sun 2012, doi 10.1007/978-3-642-33709-3_2).

use super::level::{At, Field, Level, Picture, SIDE, Shape, mark};
use super::search::{self, Between};
use super::ways::{AllWays, Ways};
use crate::alloc::{floats_for, split};
use crate::mask::Rect;
use crate::parallel::Pool;
use crate::simd::Isa;

/// The shortest such way, along rows or columns, in pixels of the coarsest level: next to a patch all is like it.
const LEAST: usize = 6;

/// A way counts if so many of 100 patches have it.
const SHARE: u32 = 1;

/// The largest picture, in pixels, in which ways are looked for: the search takes as long as its area.
const MOST_AREA: usize = 1 << 14;

/// Floats of memory that ways which repeat take, and of that in which they are found, where the coarsest level is one of
/// `shapes`.
pub(super) fn floats(shapes: &[Shape]) -> (usize, usize) {
    let most = |floats: fn(&Shape) -> usize| {
        shapes.iter().filter(|shape| shape.area() <= MOST_AREA).map(floats).max().unwrap_or(0)
    };
    let kept = |shape: &Shape| floats_for::<u8>(AllWays::new(shape).count());
    let passing = |shape: &Shape| {
        floats_for::<u8>(shape.area())
            + 4 * floats_for::<u32>(patches(shape).area())
            + 2 * floats_for::<u32>(AllWays::new(shape).count())
    };
    (most(kept), most(passing))
}

/// Looks for ways that repeat in the coarsest level, which has had so many halvings. `memory` keeps them, `passing` is free
/// again; both are of [`floats`].
pub(super) fn find<'m>(
    coarsest: &mut Level<'_>,
    level: usize,
    isa: Isa,
    pool: &Pool,
    memory: &'m mut [f32],
    passing: &mut [f32],
) -> Ways<'m> {
    let shape = coarsest.picture.shape;
    let all = AllWays::new(&shape);
    if shape.area() > MOST_AREA {
        return Ways { level, all, marks: &[] };
    }
    let shape = Shape { targets: patches(&shape), ..shape };
    let patches = shape.targets.area();
    let (repeats, _) = split::<u8>(memory, all.count());
    let (counts, passing) = split::<u32>(passing, all.count());
    let (smooth, passing) = split::<u32>(passing, all.count());
    let (source, passing) = split::<At>(passing, patches);
    let (distance, passing) = split::<u32>(passing, patches);
    let (spare, passing) = passing.split_at_mut(patches);
    let (marks, passing) = split::<u8>(passing, shape.area());
    for (own, of_hole) in marks.iter_mut().zip(&*coarsest.picture.marks) {
        *own = if of_hole & mark::SOURCE != 0 { mark::SOURCE | mark::TARGET } else { 0 };
    }
    let Picture { side, pixels, guide, depth, .. } = &mut coarsest.picture;
    let mut known = Level {
        picture: Picture { shape, side: *side, pixels, marks, guide, depth },
        field: Field { source, distance, spare },
        voted: &mut [],
        sources: coarsest.sources,
    };
    search::begin_at_random(&mut known, level, Between::Known { apart: LEAST }, isa, pool, passing);
    counts.fill(0);
    let mut found = 0;
    for (i, (source, distance)) in known.field.source.iter().zip(&*known.field.distance).enumerate() {
        let (x, y) = shape.targets.place(i);
        if known.picture.is(x, y, mark::TARGET) && *distance < u32::MAX {
            counts[all.index(source.minus(At::new(x, y))).expect("a way in the picture")] += 1;
            found += 1;
        }
    }
    mark_peaks(repeats, counts, smooth, all, found);
    Ways { level, all, marks: repeats }
}

/// First pixels of all patches in a picture.
fn patches(shape: &Shape) -> Rect {
    let span = |len: usize| (len + 1).saturating_sub(SIDE);
    Rect { x: 0, y: 0, width: span(shape.width), height: span(shape.height) }
}

/// Marks the ways that are found in at least [`SHARE`] of all patches, neighbours counted in part, and as often as any
/// neighbour.
fn mark_peaks(peaks: &mut [u8], counts: &[u32], smooth: &mut [u32], all: AllWays, found: u32) {
    const WEIGHTS: [u32; 9] = [1, 2, 1, 2, 4, 2, 1, 2, 1];
    const TOTAL: u32 = 16;
    peaks.fill(0);
    smooth.fill(0);
    for around in all.inner() {
        smooth[around[4]] = around.iter().zip(WEIGHTS).map(|(i, weight)| weight * counts[*i]).sum();
    }
    for around in all.inner() {
        let own = smooth[around[4]];
        let is_peak = around.iter().all(|i| smooth[*i] <= own);
        peaks[around[4]] = u8::from(own > 0 && is_peak && 100 * own >= SHARE * TOTAL * found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WIDTH: isize = 60;
    const HEIGHT: isize = 50;

    /// Calls `check` with what repeats in a picture with a hole, whose coarsest level has had 2 halvings.
    fn check_ways(pixel: impl Fn(usize, usize) -> u8, check: impl Fn(Ways<'_>)) {
        let shape = Shape::new(WIDTH as usize, HEIGHT as usize, Rect { x: 24, y: 18, width: 12, height: 14 });
        let mut memory = vec![0.0; shape.floats()];
        let (mut level, _) = Level::new(shape, 14, &mut memory);
        for i in 0..shape.area() {
            let (x, y) = (i % shape.width, i / shape.width);
            level.picture.pixels[i] = [pixel(x, y), pixel(x, y) / 2, 90, 0];
            let is_hole = shape.in_fill(x, y).is_some();
            level.picture.marks[i] = if is_hole { mark::UNKNOWN | mark::FILL } else { 0 };
        }
        level.sources = level.picture.mark_patches();
        let (kept, passing) = floats(&[shape]);
        // Any content, as memory that was used before.
        let (mut kept, mut passing) = (vec![f32::NAN; kept], vec![f32::NAN; passing]);
        check(find(&mut level, 2, Isa::Scalar, &Pool::new(1), &mut kept, &mut passing));
    }

    fn all_of(ways: &Ways<'_>) -> Vec<(isize, isize)> {
        let all = (1 - WIDTH..WIDTH).flat_map(|dx| (1 - HEIGHT..HEIGHT).map(move |dy| (dx, dy)));
        all.filter(|way| ways.has(*way, 2)).collect()
    }

    fn noise(x: usize, y: usize) -> u8 {
        let mixed = (0..3).fold((x << 8 | y) as u32, |v, _| (v ^ v >> 7).wrapping_mul(0x85eb_ca6b).rotate_left(13));
        (mixed >> 24) as u8
    }

    #[test]
    fn a_pattern_repeats_by_its_period() {
        check_ways(
            |x, y| noise(x % 9, y % 11),
            |ways| {
                let found = all_of(&ways);
                assert!(found.len() >= 4, "{found:?}");
                assert!(found.iter().all(|(dx, dy)| dx % 9 == 0 && dy % 11 == 0 && (*dx, *dy) != (0, 0)), "{found:?}");
                assert!(!ways.has((1000, -1000), 2));
            },
        );
    }

    #[test]
    fn noise_does_not_repeat() {
        check_ways(noise, |ways| assert_eq!(all_of(&ways), []));
    }

    #[test]
    fn a_large_coarsest_level_is_not_looked_at() {
        let shape = Shape::new(400, 300, Rect { x: 24, y: 18, width: 12, height: 14 });
        assert_eq!(floats(&[shape]), (0, 0));
    }
}
