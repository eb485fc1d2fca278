//! What is known at each scale, and the factor K/s of every window, counted in integers.

use super::axis::Axis;
use crate::real::Real;
use rayon::prelude::*;

/// `n` masks of one size, `[n, height, width]`, 1 = known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Masks {
    /// Masks.
    pub n: usize,
    /// Pixels from top to bottom.
    pub height: usize,
    /// Pixels from left to right.
    pub width: usize,
    /// 1 = known, 0 = hole.
    pub known: Vec<u8>,
}

impl Masks {
    /// All hole.
    pub fn new(n: usize, height: usize, width: usize) -> Self {
        Self { n, height, width, known: vec![0; n * height * width] }
    }
}

/// What a network of this context sees of square images whose `masks` (1 = known, 0 = hole) lie one after the other: 1 within
/// `context` of the hole, along rows and columns. Other than in the engine, parts of the hole see what is around the others.
pub fn seen(masks: &[u8], size: usize, context: Option<usize>) -> Vec<u8> {
    let Some(context) = context else { return vec![1; masks.len()] };
    let near = |v: usize| v.saturating_sub(context)..(v + context + 1).min(size);
    let mut in_rows = vec![0; masks.len()];
    for (masks, seen) in masks.chunks_exact(size).zip(in_rows.chunks_exact_mut(size)) {
        for (x, _) in masks.iter().enumerate().filter(|(_, known)| **known == 0) {
            seen[near(x)].fill(1);
        }
    }
    let mut seen = vec![0; masks.len()];
    for (of_image, seen) in in_rows.chunks_exact(size * size).zip(seen.chunks_exact_mut(size * size)) {
        for (y, row) in seen.chunks_exact_mut(size).enumerate() {
            for from in of_image[near(y).start * size..near(y).end * size].chunks_exact(size) {
                row.iter_mut().zip(from).for_each(|(seen, from)| *seen |= from);
            }
        }
    }
    seen
}

/// Channels that a partial convolution reads.
#[derive(Clone, Copy)]
pub struct Read<'a> {
    /// Along which the windows lie.
    pub axis: &'a Axis,
    /// Their number.
    pub channels: usize,
    /// What of them is known.
    pub masks: &'a Masks,
    /// Whether a sample in the window makes the output known; one of a prior does not.
    pub decides: bool,
}

/// Masks `out` and factors `ratio` (0 in holes) of a partial convolution of side `kernel` over `inputs`:
/// s = Σ channels·known over the window, the ratio is kernel²·Σ channels / s, and the mask whether s has a part that
/// decides.
pub fn partial<T: Real>(kernel: usize, inputs: &[Read<'_>], out: &mut Masks, ratio: &mut [T]) {
    let k = kernel * kernel * inputs.iter().map(|read| read.channels).sum::<usize>();
    let Masks { height, width, known, .. } = out;
    let len = *height * *width;
    known.par_chunks_exact_mut(len).zip(ratio.par_chunks_exact_mut(len)).enumerate().for_each(
        |(image, (known, ratio))| {
            let mut sums = Vec::new();
            // s, and the part of it that decides.
            let mut counts = vec![(0u32, 0u32); *width];
            for (y, (known, ratio)) in known.chunks_exact_mut(*width).zip(ratio.chunks_exact_mut(*width)).enumerate() {
                counts.fill((0, 0));
                for &Read { axis, channels, masks, decides } in inputs {
                    column_sums(axis, masks, image, y, &mut sums);
                    for (x, (s, decisive)) in counts.iter_mut().enumerate() {
                        for (column, taps) in (axis.start(x)..).zip(axis.taps(x)) {
                            let sum = usize::try_from(column).ok().and_then(|column| sums.get(column));
                            let count = (channels * taps.len()) as u32 * sum.unwrap_or(&0);
                            *s += count;
                            *decisive += if decides { count } else { 0 };
                        }
                    }
                }
                for ((known, ratio), &(s, decisive)) in known.iter_mut().zip(ratio).zip(&counts) {
                    *known = u8::from(decisive > 0);
                    *ratio = if decisive > 0 { T::of(k as f64) / T::of(s.into()) } else { T::zero() };
                }
            }
        },
    );
}

/// Known pixels in each column of the windows of output row `y`, as often as the kernel's taps meet them.
fn column_sums(axis: &Axis, masks: &Masks, image: usize, y: usize, sums: &mut Vec<u32>) {
    sums.clear();
    sums.resize(masks.width, 0);
    for (row, taps) in (axis.start(y)..).zip(axis.taps(y)) {
        if (0..masks.height as isize).contains(&row) {
            let known = &masks.known[(image * masks.height + row as usize) * masks.width..];
            for (sum, &m) in sums.iter_mut().zip(known) {
                *sum += taps.len() as u32 * u32::from(m);
            }
        }
    }
}
