//! Patches and how far apart they are: sums of squared differences, exact integers on every instruction set.

#![allow(unsafe_code)]

use super::level::{At, PADDING, Picture, Pixel, SIDE};
use crate::simd::lanes::PatchRow;

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
    let (a, b) = (a.as_ptr().cast::<u8>(), b.as_ptr().cast::<u8>());
    let stride = size_of::<Pixel>() * width;
    // SAFETY: the slices held `SIDE` rows `width` pixels apart, and a pixel more; the caller vouches for the CPU.
    unsafe {
        // Counted loops: a closure would not be inlined into the function that enables the instruction set.
        let (mut sum, mut y) = (K::zero(), 0);
        while y < FIRST_ROWS {
            sum = K::add(sum, a.add(y * stride), b.add(y * stride));
            y += 1;
        }
        let first = K::total(sum);
        if first >= limit {
            return first;
        }
        while y < SIDE {
            sum = K::add(sum, a.add(y * stride), b.add(y * stride));
            y += 1;
        }
        K::total(sum)
    }
}
