//! Patches and how far apart they are: sums of squared differences, exact integers on every instruction set.

#![allow(unsafe_code)]

use super::level::{At, Picture, Pixel};
use crate::simd::lanes::PatchRow;

/// Side of a patch, pixels.
pub(super) const SIDE: usize = 7;

/// Pixels of a patch.
pub(super) const AREA: u32 = (SIDE * SIDE) as u32;

/// Pixels after a level's last that a kernel reads and does not count.
pub(super) const PADDING: usize = 1;

/// Rows after which a distance that is too large is given up.
const FIRST_ROWS: usize = 4;

/// Squared difference of red, green and blue.
pub(super) fn difference(a: Pixel, b: Pixel) -> u32 {
    (0..3).map(|c| u32::from(a[c].abs_diff(b[c])).pow(2)).sum()
}

/// Distance of the patches at `a` and `b`: the sum of the squared differences of red, green, blue and energy. Some value of
/// `limit` or more where it is not below that.
///
/// # Safety
///
/// The CPU has the instruction set of `K`.
#[inline(always)]
pub(super) unsafe fn distance<K: PatchRow>(picture: &Picture<'_>, a: At, b: At, limit: u32) -> u32 {
    let width = picture.shape.width;
    let [a, b] = [a, b].map(|at| at.y() * width + at.x());
    let last = (SIDE - 1) * width + SIDE + PADDING;
    let (a, b) = (&picture.pixels[a..a + last], &picture.pixels[b..b + last]);
    // SAFETY: the slices hold `SIDE` rows `width` pixels apart, and a pixel more; the caller vouches for the CPU.
    unsafe {
        let mut sum = K::zero();
        let row = |sum, y: usize| K::add(sum, a.as_ptr().add(y * width).cast(), b.as_ptr().add(y * width).cast());
        for y in 0..FIRST_ROWS {
            sum = row(sum, y);
        }
        let first = K::total(sum);
        if first >= limit {
            return first;
        }
        for y in FIRST_ROWS..SIDE {
            sum = row(sum, y);
        }
        K::total(sum)
    }
}
