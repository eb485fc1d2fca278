//! WebAssembly's vectors of 128 bits: 4 lanes of integers.

use std::arch::wasm32::*;

use super::lanes::IntegerLanes;

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
