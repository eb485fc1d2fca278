//! Plain Rust on every machine: 4 lanes in an array, the reference for the others.

use std::array::from_fn;

use super::lanes::{F32Lanes, IntegerLanes, PatchRow};
use crate::numerics;

pub(crate) struct Scalar;

// SAFETY: plain Rust needs no instruction set, and each method works lane by lane on what the trait makes readable.
unsafe impl F32Lanes for Scalar {
    const LANES: usize = 4;
    type Vector = [f32; 4];

    #[inline(always)]
    unsafe fn splat(v: f32) -> [f32; 4] {
        [v; 4]
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> [f32; 4] {
        // SAFETY: the caller vouches for 4 floats at `p`.
        unsafe { p.cast::<[f32; 4]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: [f32; 4]) {
        // SAFETY: the caller vouches for 4 floats at `p`.
        unsafe { p.cast::<[f32; 4]>().write_unaligned(v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: [f32; 4], b: [f32; 4], c: [f32; 4]) -> [f32; 4] {
        from_fn(|i| numerics::mul_add(a[i], b[i], c[i]))
    }

    #[inline(always)]
    unsafe fn mul(a: [f32; 4], b: [f32; 4]) -> [f32; 4] {
        from_fn(|i| a[i] * b[i])
    }

    #[inline(always)]
    unsafe fn positive_or(v: [f32; 4], other: [f32; 4]) -> [f32; 4] {
        from_fn(|i| if v[i] > 0.0 { v[i] } else { other[i] })
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const f32) {}
}

// SAFETY: plain Rust needs no instruction set, and reads no more than the trait makes readable.
unsafe impl IntegerLanes<i16> for Scalar {
    const LANES: usize = 4;
    type Sums = [i32; 4];
    /// Two i16 in a word, as 32-bit ARM multiplies them.
    type Group = u32;
    type Columns = [u32; 4];

    #[inline(always)]
    unsafe fn zero() -> [i32; 4] {
        [0; 4]
    }

    #[inline(always)]
    unsafe fn group(p: *const u8) -> u32 {
        // SAFETY: the caller vouches for 4 bytes at `p`.
        unsafe { p.cast::<u32>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn columns(p: *const u8) -> [u32; 4] {
        // SAFETY: the caller vouches for 16 bytes at `p`.
        unsafe { p.cast::<[u32; 4]>().read_unaligned() }
    }

    #[inline(always)]
    unsafe fn dot(sums: [i32; 4], group: u32, columns: [u32; 4]) -> [i32; 4] {
        let halves = |v: u32| [i32::from(v as i16), v as i32 >> 16];
        let [a, b] = halves(group);
        from_fn(|i| {
            let [c, d] = halves(columns[i]);
            sums[i].wrapping_add(a * c).wrapping_add(b * d)
        })
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
}

// SAFETY: plain Rust needs no instruction set, and reads no more than the trait makes readable.
unsafe impl PatchRow for Scalar {
    type Sum = u32;

    #[inline(always)]
    unsafe fn zero() -> u32 {
        0
    }

    #[inline(always)]
    unsafe fn add(sum: u32, a: *const u8, b: *const u8) -> u32 {
        // SAFETY: the caller vouches for more than 28 bytes at each.
        let (a, b) = unsafe { (a.cast::<[u8; 28]>().read(), b.cast::<[u8; 28]>().read()) };
        a.iter().zip(b).map(|(a, b)| (i32::from(*a) - i32::from(b)).pow(2) as u32).fold(sum, |sum, square| sum + square)
    }

    #[inline(always)]
    unsafe fn total(sum: u32) -> u32 {
        sum
    }
}
