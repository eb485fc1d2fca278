//! Rounds the coefficients of a block so that its known samples change least.
//!
//! The nearest step for each coefficient spreads the error over the whole block. Each coefficient may as well be the next step on
//! the other side of its exact value: whichever of them takes most of the error out of the known samples is changed, one at a
//! time, until none helps.

use super::dct::{self, POINT};

/// How much the square of an error counts in a known sample, where it counts 1 in a filled one.
const KNOWN: i64 = 16;
/// The most coefficients that are changed.
const CHANGES: usize = 48;

/// The multiples of `steps` for `exact` coefficients, which have [`POINT`] fractional bits. All are row by row.
pub(super) fn rounded(exact: &[i64; 64], steps: &[u16; 64], known: &[bool; 64]) -> [i16; 64] {
    let step = |k: usize| i64::from(steps[k].max(1)) << POINT;
    let mut levels: [i64; 64] = std::array::from_fn(|k| {
        let magnitude = (2 * exact[k].abs() + step(k)) / (2 * step(k));
        (magnitude * exact[k].signum()).clamp(-most(k), most(k))
    });
    if known.contains(&true) {
        let weights = known.map(|known| if known { KNOWN } else { 1 });
        let gains = dct::squares(&weights);
        let mut error = dct::samples(&std::array::from_fn(|k| levels[k] * step(k) - exact[k]));
        for _ in 0..CHANGES {
            let slopes = dct::forward(&std::array::from_fn(|i| weights[i] * error[i]));
            // What a change of coefficient k adds to the weighted sum of squares.
            let added = |k: usize| {
                let change = if levels[k] * step(k) > exact[k] { -step(k) } else { step(k) };
                let added = i128::from(change) * i128::from(change) * i128::from(gains[k])
                    + ((2 * i128::from(change) * i128::from(slopes[k])) << dct::GAIN_POINT);
                (added, change)
            };
            let is_within = |k: &usize| levels[*k].abs() < most(*k);
            let Some((k, (added, change))) = (0..64).filter(is_within).map(|k| (k, added(k))).min_by_key(|(_, a)| a.0)
            else {
                break;
            };
            if added >= 0 {
                break;
            }
            levels[k] += change.signum();
            dct::add(&mut error, k, change);
        }
    }
    levels.map(|level| level as i16)
}

/// The largest number of steps that a baseline file holds.
fn most(k: usize) -> i64 {
    if k == 0 { 1024 } else { 1023 }
}
