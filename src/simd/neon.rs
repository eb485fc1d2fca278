//! NEON on AArch64, where it is always present: 4 lanes.

use std::arch::aarch64::*;

use super::lanes::F32Lanes;

pub(crate) struct Neon;

// SAFETY: each intrinsic works lane by lane, `mul_add` rounds once, and the pointers are what the trait says.
unsafe impl F32Lanes for Neon {
    const LANES: usize = 4;
    type Vector = float32x4_t;

    #[inline(always)]
    unsafe fn splat(v: f32) -> float32x4_t {
        // SAFETY: NEON is part of AArch64.
        unsafe { vdupq_n_f32(v) }
    }

    #[inline(always)]
    unsafe fn load(p: *const f32) -> float32x4_t {
        // SAFETY: the caller vouches for 4 floats at `p`.
        unsafe { vld1q_f32(p) }
    }

    #[inline(always)]
    unsafe fn store(p: *mut f32, v: float32x4_t) {
        // SAFETY: the caller vouches for 4 floats at `p`.
        unsafe { vst1q_f32(p, v) }
    }

    #[inline(always)]
    unsafe fn mul_add(a: float32x4_t, b: float32x4_t, c: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of AArch64.
        unsafe { vfmaq_f32(c, a, b) }
    }

    #[inline(always)]
    unsafe fn mul(a: float32x4_t, b: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of AArch64.
        unsafe { vmulq_f32(a, b) }
    }

    #[inline(always)]
    unsafe fn positive_or(v: float32x4_t, other: float32x4_t) -> float32x4_t {
        // SAFETY: NEON is part of AArch64.
        unsafe { vbslq_f32(vcgtzq_f32(v), v, other) }
    }

    #[inline(always)]
    unsafe fn prefetch(p: *const f32) {
        // SAFETY: a hint that reads no register but `p` and writes nothing.
        unsafe { core::arch::asm!("prfm pldl2keep, [{}]", in(reg) p, options(readonly, nostack, preserves_flags)) }
    }
}
