//! What the patches agree on: every pixel to be filled becomes the weighted mean of those that lie over it (Wexler et al.
//! 2007, doi 10.1109/TPAMI.2007.60). Sums of integers, so that their order does not show.

use super::level::{AREA, Field, Level, SIDE, Shape, mark};
use crate::alloc;
use crate::parallel::Pool;

/// The most that a patch weighs.
const MOST: u32 = 4096;

/// 4096·e^(−i/128), by repeated multiplication in fixed point.
const FALLING: [u16; 1025] = falling(0xfe01_feab, 1);

/// 4096·1.3^(−i/3), from the rim of a hole inwards by thirds of a pixel; no less than 1/256.
const INWARDS: [u16; 64] = falling(0xea90_096b, 16);

/// 4096·ratio^i of a ratio in units of 2^−32, no less than `least`.
const fn falling<const N: usize>(ratio: u64, least: u16) -> [u16; N] {
    let (mut out, mut value, mut i) = ([0; N], 1u64 << 44, 0);
    while i < N {
        let whole = (value >> 32) as u16;
        out[i] = if whole > least { whole } else { least };
        value = ((value >> 16) * ratio) >> 16;
        i += 1;
    }
    out
}

/// The value that three quarters of the targets' distances do not exceed.
fn upper_quartile(level: &Level<'_>) -> u32 {
    let Level { picture, field, .. } = level;
    let targets = picture.shape.targets;
    let is_target = |i: usize| {
        let (x, y) = targets.place(i);
        picture.is(x, y, mark::TARGET)
    };
    let distances = || (0..targets.area()).filter(|i| is_target(*i)).map(|i| field.distance[i]);
    let mut rank = distances().count() * 3 / 4;
    // Digit by digit, from the highest.
    let mut value = 0u32;
    for shift in [24, 16, 8, 0] {
        let mut counts = [0usize; 256];
        for distance in distances().filter(|v| (u64::from(*v) >> (shift + 8)) == (u64::from(value) >> (shift + 8))) {
            counts[(distance >> shift & 255) as usize] += 1;
        }
        let mut digit = 0;
        while digit < 255 && rank >= counts[digit] {
            rank -= counts[digit];
            digit += 1;
        }
        value |= (digit as u32) << shift;
    }
    value
}

/// Votes: `sharpness` from 1, where all near patches count, to 4, where the nearest do.
pub(super) fn vote(level: &mut Level<'_>, sharpness: u64, pool: &Pool) {
    let scale = u64::from(upper_quartile(level).max(4 * AREA));
    let Level { picture, field: Field { source, distance, spare }, voted, .. } = level;
    let Shape { width, targets, fill, .. } = picture.shape;
    let weights = alloc::values_mut::<u32>(spare);
    for (i, weight) in weights.iter_mut().enumerate() {
        let (x, y) = targets.place(i);
        let index = (u64::from(distance[i]) * 64 * sharpness / scale).min(FALLING.len() as u64 - 1) as usize;
        let depth = picture.depth_at(x + SIDE / 2, y + SIDE / 2).min(INWARDS.len() - 1);
        *weight = (u32::from(FALLING[index]) * u32::from(INWARDS[depth]) / MOST).clamp(1, MOST);
    }
    let (picture_ref, source, weights) = (&*picture, &*source, &*weights);
    pool.each(voted.chunks_exact_mut(fill.width).enumerate(), |(row, voted)| {
        let y = fill.y + row;
        for (column, voted) in voted.iter_mut().enumerate() {
            let x = fill.x + column;
            if !picture_ref.is(x, y, mark::FILL) {
                continue;
            }
            let (mut sums, mut total) = ([0u32; 3], 0u32);
            let (columns, rows) = picture_ref.shape.over(x, y);
            for dy in rows {
                for dx in columns.clone() {
                    let i = (y - dy - targets.y) * targets.width + x - dx - targets.x;
                    let at = source[i];
                    let pixel = picture_ref.pixels[(at.y() + dy) * width + at.x() + dx];
                    (0..3).for_each(|c| sums[c] += weights[i] * u32::from(pixel[c]));
                    total += weights[i];
                }
            }
            let mean = |c: usize| ((sums[c] + total / 2) / total) as u8;
            *voted = [mean(0), mean(1), mean(2), picture_ref.pixels[y * width + x][3]];
        }
    });
    for (i, voted) in voted.iter().enumerate() {
        let (x, y) = fill.place(i);
        if picture.is(x, y, mark::FILL) {
            picture.pixels[y * width + x] = *voted;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::level::Shape;
    use super::*;
    use crate::mask::Rect;

    #[test]
    fn weights_fall_as_the_exponential_does() {
        for (i, weight) in FALLING.iter().enumerate() {
            let expected = (4096.0 * (-(i as f64) / 128.0).exp()).max(1.0);
            assert!((f64::from(*weight) - expected).abs() <= 1.0, "{i}: expected {expected}, found {weight}");
        }
        for (i, weight) in INWARDS.iter().enumerate() {
            let expected = (4096.0 * 1.3f64.powf(-(i as f64) / 3.0)).max(16.0);
            assert!((f64::from(*weight) - expected).abs() <= 1.0, "{i}: expected {expected}, found {weight}");
        }
    }

    #[test]
    fn the_upper_quartile_is_that_of_the_sorted_distances() {
        let shape = Shape::new(60, 40, Rect { x: 20, y: 10, width: 9, height: 13 });
        let mut memory = vec![0.0; shape.floats()];
        let (level, _) = Level::new(shape, 1, &mut memory);
        level.picture.marks.fill(mark::TARGET);
        for shift in [0, 7, 13, 20] {
            let mut state = 7u32;
            let mut sorted = Vec::new();
            for distance in level.field.distance.iter_mut() {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                *distance = state >> shift;
                sorted.push(*distance);
            }
            sorted.sort();
            assert_eq!(upper_quartile(&level), sorted[sorted.len() * 3 / 4], "{shift}");
        }
    }
}
