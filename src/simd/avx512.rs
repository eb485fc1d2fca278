//! AVX-512F: 16 lanes.

use std::arch::x86_64::*;

use super::lanes::F32Lanes;

pub(crate) struct Avx512;

// SAFETY: each intrinsic works lane by lane, `mul_add` rounds once, and the pointers are what the trait says.
unsafe impl F32Lanes for Avx512 {
    const LANES: usize = 16;
    type Vector = __m512;

    #[inline(always)]
    unsafe fn splat(v: f32) -> __m512 {
        // SAFETY: the caller vouches for AVX-512F.
        unsafe { _mm512_set1_ps(v) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> __m512 {
        // SAFETY: the caller vouches for AVX-512F and 16 floats at `p`.
        unsafe { _mm512_loadu_ps(p) }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: __m512) {
        // SAFETY: the caller vouches for AVX-512F and 16 floats at `p`.
        unsafe { _mm512_storeu_ps(p, v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: __m512, b: __m512, c: __m512) -> __m512 {
        // SAFETY: the caller vouches for AVX-512F.
        unsafe { _mm512_fmadd_ps(a, b, c) }
    }

    #[inline(always)]
    unsafe fn mul(a: __m512, b: __m512) -> __m512 {
        // SAFETY: the caller vouches for AVX-512F.
        unsafe { _mm512_mul_ps(a, b) }
    }

    #[inline(always)]
    unsafe fn positive_or(v: __m512, other: __m512) -> __m512 {
        // SAFETY: the caller vouches for AVX-512F.
        unsafe {
            // The bits of floats above 0 are the integers from 1 to those of +∞. Miri has no 512-bit float comparison.
            let bits = _mm512_castps_si512(v);
            let above = _mm512_cmpgt_epi32_mask(bits, _mm512_setzero_si512());
            let infinity = _mm512_set1_epi32(f32::INFINITY.to_bits() as i32);
            _mm512_mask_blend_ps(_mm512_mask_cmple_epi32_mask(above, bits, infinity), other, v)
        }
    }

    #[inline(always)]
    unsafe fn prefetch(p: *const f32) {
        // SAFETY: a hint, part of every x86-64.
        unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
    }
}
