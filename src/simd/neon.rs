//! NEON on AArch64, where it is always present: 4 lanes.

use std::arch::aarch64::*;

use super::lanes::{F32Lanes, PatchRow};

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

// SAFETY: each intrinsic works on registers, but for loads of bytes that the trait makes readable.
unsafe impl PatchRow for Neon {
    type Sum = uint32x4_t;

    #[inline(always)]
    unsafe fn zero() -> uint32x4_t {
        // SAFETY: NEON is part of AArch64.
        unsafe { vdupq_n_u32(0) }
    }

    #[inline(always)]
    unsafe fn add(sum: uint32x4_t, a: *const u8, b: *const u8) -> uint32x4_t {
        // SAFETY: NEON is part of AArch64; the caller vouches for 32 bytes at each.
        unsafe {
            let first = vabdq_u8(vld1q_u8(a), vld1q_u8(b));
            // The last 12 of 28 bytes, after 4 that were counted.
            let uncounted = vreinterpretq_u8_u32(vsetq_lane_u32::<0>(0, vdupq_n_u32(u32::MAX)));
            let last = vandq_u8(vabdq_u8(vld1q_u8(a.add(12)), vld1q_u8(b.add(12))), uncounted);
            [first, last].into_iter().fold(sum, |sum, v| {
                let sum = vpadalq_u16(sum, vmull_u8(vget_low_u8(v), vget_low_u8(v)));
                vpadalq_u16(sum, vmull_high_u8(v, v))
            })
        }
    }

    #[inline(always)]
    unsafe fn total(sum: uint32x4_t) -> u32 {
        // SAFETY: NEON is part of AArch64.
        unsafe { vaddvq_u32(sum) }
    }
}
