//! SSE2, which every x86-64 has and nearly every x86: 4 lanes of integers.

#[cfg(target_arch = "x86")]
use std::arch::x86::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::lanes::IntegerLanes;

pub(crate) struct Sse2;

// SAFETY: the build enables the instruction set; each intrinsic works on registers, but for loads of what the trait makes
// readable.
unsafe impl IntegerLanes<i16> for Sse2 {
    const LANES: usize = 4;
    type Sums = __m128i;
    type Group = __m128i;
    type Columns = __m128i;

    #[inline(always)]
    unsafe fn zero() -> __m128i {
        // SAFETY: the build enables SSE2.
        unsafe { _mm_setzero_si128() }
    }

    #[inline(always)]
    unsafe fn group(p: *const u8) -> __m128i {
        // SAFETY: the build enables SSE2; the caller vouches for 4 bytes at `p`.
        unsafe { _mm_set1_epi32(p.cast::<i32>().read_unaligned()) }
    }

    #[inline(always)]
    unsafe fn columns(p: *const u8) -> __m128i {
        // SAFETY: the build enables SSE2; the caller vouches for 16 bytes at `p`.
        unsafe { _mm_loadu_si128(p.cast()) }
    }

    #[inline(always)]
    unsafe fn dot(sums: __m128i, group: __m128i, columns: __m128i) -> __m128i {
        // SAFETY: the build enables SSE2.
        unsafe { _mm_add_epi32(sums, _mm_madd_epi16(group, columns)) }
    }

    #[inline(always)]
    unsafe fn prefetch(_: *const u8) {}
}
