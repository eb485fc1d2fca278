//! AVX2 with FMA: 8 lanes.

use std::arch::x86_64::*;

use super::lanes::{F32Lanes, IntegerLanes, PatchRow};
use super::x86::integer_lanes;

pub(crate) struct Avx2;

// SAFETY: each intrinsic works lane by lane, `mul_add` rounds once, and the pointers are what the trait says.
unsafe impl F32Lanes for Avx2 {
    const LANES: usize = 8;
    type Vector = __m256;

    #[inline(always)]
    unsafe fn splat(v: f32) -> __m256 {
        // SAFETY: the caller vouches for AVX.
        unsafe { _mm256_set1_ps(v) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m256 {
        // SAFETY: the caller vouches for AVX and 8 floats at `p`.
        unsafe { _mm256_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m256) {
        // SAFETY: the caller vouches for AVX and 8 floats at `p`.
        unsafe { _mm256_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: __m256, b: __m256, c: __m256) -> __m256 {
        // SAFETY: the caller vouches for FMA.
        unsafe { _mm256_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m256, b: __m256) -> __m256 {
        // SAFETY: the caller vouches for AVX.
        unsafe { _mm256_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn positive_or(v: __m256, other: __m256) -> __m256 {
        // SAFETY: the caller vouches for AVX.
        unsafe { _mm256_blendv_ps(other, v, _mm256_cmp_ps::<_CMP_GT_OQ>(v, _mm256_setzero_ps())) }
    }

    #[inline(always)]
    unsafe fn prefetch(p: *const f32) {
        // SAFETY: a hint, part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
}

// SAFETY: each intrinsic works on registers, but for loads of the 32 bytes that the trait makes readable.
unsafe impl PatchRow for Avx2 {
    type Sum = __m256i;

    #[inline(always)]
    unsafe fn zero() -> __m256i {
        // SAFETY: the caller vouches for AVX2.
        unsafe { _mm256_setzero_si256() }
    }

    #[inline(always)]
    unsafe fn add(sum: __m256i, a: *const u8, b: *const u8) -> __m256i {
        // SAFETY: the caller vouches for AVX2 and 32 bytes at each.
        unsafe {
            let (a, b) = (_mm256_loadu_si256(a.cast()), _mm256_loadu_si256(b.cast()));
            let counted = _mm256_setr_epi32(-1, -1, -1, -1, -1, -1, -1, 0);
            let difference = _mm256_or_si256(_mm256_subs_epu8(a, b), _mm256_subs_epu8(b, a));
            let difference = _mm256_and_si256(difference, counted);
            let zero = _mm256_setzero_si256();
            let (low, high) = (_mm256_unpacklo_epi8(difference, zero), _mm256_unpackhi_epi8(difference, zero));
            let squares = _mm256_add_epi32(_mm256_madd_epi16(low, low), _mm256_madd_epi16(high, high));
            _mm256_add_epi32(sum, squares)
        }
    }

    #[inline(always)]
    unsafe fn total(sum: __m256i) -> u32 {
        // SAFETY: the caller vouches for AVX2.
        unsafe {
            let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
            let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01_00_11_10>(sum));
            let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b10_11_00_01>(sum));
            _mm_cvtsi128_si32(sum) as u32
        }
    }
}

integer_lanes!(Avx2, i16: 8 of __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256,
    |sums, group, columns| _mm256_add_epi32(sums, _mm256_madd_epi16(group, columns)));

// Sums of two products, which saturate in 16 bits: `gemm` takes care that none does.
integer_lanes!(Avx2, u8: 8 of __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256,
|sums, group, columns| {
    let pairs = _mm256_maddubs_epi16(group, columns);
    _mm256_add_epi32(sums, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)))
});
