//! WebAssembly's vectors of 128 bits: 4 lanes of integers.

use std::arch::wasm32::*;

use super::lanes::{IntegerLanes, PatchRow};

pub(crate) struct Simd128;

// SAFETY: the build enables the instruction set; each intrinsic works on registers, but for loads of what the trait makes
// readable.
unsafe impl IntegerLanes<i16> for Simd128 {
    const LANES: usize = 4;
    type Sums = v128;
    type Group = v128;
    type Columns = v128;

    #[inline(always)]
    unsafe fn zero() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn group(p: *const u8) -> v128 {
        // SAFETY: the caller vouches for 4 bytes at `p`.
        unsafe { v128_load32_splat(p.cast()) }
    }

    #[inline(always)]
    unsafe fn columns(p: *const u8) -> v128 {
        // SAFETY: the caller vouches for 16 bytes at `p`.
        unsafe { v128_load(p.cast()) }
    }

    #[inline(always)]
    unsafe fn dot(sums: v128, group: v128, columns: v128) -> v128 {
        i32x4_add(sums, i32x4_dot_i16x8(group, columns))
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
}

// SAFETY: the build enables the instruction set; each intrinsic works on registers, but for loads of the 32 bytes that the
// trait makes readable.
unsafe impl PatchRow for Simd128 {
    type Sum = v128;

    #[inline(always)]
    unsafe fn zero() -> v128 {
        i32x4_splat(0)
    }

    #[inline(always)]
    unsafe fn add(sum: v128, a: *const u8, b: *const u8) -> v128 {
        // SAFETY: the caller vouches for 32 bytes at each.
        let difference = |i: usize| unsafe {
            let (a, b) = (v128_load(a.add(i).cast()), v128_load(b.add(i).cast()));
            v128_or(u8x16_sub_sat(a, b), u8x16_sub_sat(b, a))
        };
        let squares = |difference: v128| {
            let (low, high) = (u16x8_extend_low_u8x16(difference), u16x8_extend_high_u8x16(difference));
            i32x4_add(i32x4_dot_i16x8(low, low), i32x4_dot_i16x8(high, high))
        };
        let last = v128_and(difference(16), i32x4(-1, -1, -1, 0));
        i32x4_add(sum, i32x4_add(squares(difference(0)), squares(last)))
    }

    #[inline(always)]
    unsafe fn total(sum: v128) -> u32 {
        let lanes =
            [i32x4_extract_lane::<0>, i32x4_extract_lane::<1>, i32x4_extract_lane::<2>, i32x4_extract_lane::<3>];
        lanes.iter().map(|lane| lane(sum) as u32).sum()
    }
}
