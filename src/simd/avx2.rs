//! AVX2 with FMA: 8 lanes.

use std::arch::x86_64::*;

use super::lanes::F32Lanes;

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
