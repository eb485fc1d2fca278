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

#[cfg(test)]
mod tests {
    use super::super::level::{Level, Shape};
    use super::*;
    use crate::mask::Rect;
    use crate::simd::scalar::Scalar;

    /// Every kernel gives the plain sum, at any place and to the last byte of the picture.
    #[test]
    fn kernels_sum_what_the_definition_does() {
        let shape = Shape::new(23, 19, Rect { x: 8, y: 8, width: 2, height: 2 });
        let mut memory = vec![0.0; shape.floats()];
        let (level, _) = Level::new(shape, 1, &mut memory);
        let mut state = 3u32;
        for pixel in level.picture.pixels.iter_mut() {
            *pixel = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                // Extremes often, for the largest squares.
                [0, 255, (state >> 16) as u8][(state >> 24) as usize % 3]
            });
        }
        let picture = &level.picture;
        let places = [(0, 0), (16, 12), (16, 0), (0, 12), (5, 7), (9, 3)].map(|(x, y)| At::new(x, y));
        for (a, b) in places.into_iter().flat_map(|a| places.map(|b| (a, b))) {
            let pixels = |at: At| {
                (0..SIDE).flat_map(move |y| (0..SIDE).map(move |x| picture.pixel(at.shifted(x as isize, y as isize))))
            };
            let square = |(a, b): (Pixel, Pixel)| (0..4).map(|c| u32::from(a[c].abs_diff(b[c])).pow(2)).sum::<u32>();
            let expected: u32 = pixels(a).zip(pixels(b)).map(square).sum();
            for limit in [0, expected / 2, expected, expected + 1, u32::MAX] {
                // SAFETY: plain Rust runs everywhere, and the others where the CPU has them.
                let found = unsafe {
                    [
                        Some(distance::<Scalar>(picture, a, b, limit)),
                        #[cfg(target_arch = "x86_64")]
                        crate::simd::Isa::Avx2
                            .is_available()
                            .then(|| distance::<crate::simd::avx2::Avx2>(picture, a, b, limit)),
                        #[cfg(target_arch = "aarch64")]
                        Some(distance::<crate::simd::neon::Neon>(picture, a, b, limit)),
                    ]
                };
                for found in found.into_iter().flatten() {
                    assert!(if expected < limit { found == expected } else { found >= limit && found <= expected });
                }
            }
        }
    }
}
