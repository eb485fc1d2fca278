//! NEON on AArch64, where it is always present: 4 lanes.

use std::arch::aarch64::*;

use super::lanes::{F32Lanes, IntegerLanes, PatchRow};

pub(crate) struct Neon;

/// NEON with the dot product of bytes, which ARMv8.2 may have and ARMv8.4 has.
pub(crate) struct NeonDotProduct;

/// Asks for the cache line at `p` to be brought into the L2 cache.
#[inline(always)]
fn fetch<T>(p: *const T) {
    // SAFETY: a hint that reads no register but `p` and writes nothing.
    unsafe { core::arch::asm!("prfm pldl2keep, [{}]", in(reg) p, options(readonly, nostack, preserves_flags)) }
}

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
        fetch(p);
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

/// Four u8 as i8, each 128 less, four times.
///
/// # Safety
///
/// 4 bytes at `p` are readable.
#[inline(always)]
unsafe fn less_128(p: *const u8) -> int8x16_t {
    // SAFETY: the caller vouches for 4 bytes at `p`; NEON is part of AArch64.
    unsafe { vreinterpretq_s8_u32(vdupq_n_u32(p.cast::<u32>().read_unaligned() ^ 0x8080_8080)) }
}

// SAFETY: each intrinsic works on registers, but for loads of what the trait makes readable.
unsafe impl IntegerLanes<u8> for Neon {
    const LANES: usize = 8;
    const LESS_128: bool = true;
    type Sums = [int32x4_t; 2];
    /// The first two values of the group, over and over, and the last two.
    type Group = [int8x16_t; 2];
    /// The first two weights of each column, and the last two.
    type Columns = [int8x16_t; 2];

    #[inline(always)]
    unsafe fn zero() -> [int32x4_t; 2] {
        // SAFETY: NEON is part of AArch64.
        unsafe { [vdupq_n_s32(0); 2] }
    }

    #[inline(always)]
    unsafe fn group(p: *const u8) -> [int8x16_t; 2] {
        // SAFETY: the caller vouches for 4 bytes at `p`; NEON is part of AArch64.
        unsafe {
            let pairs = vreinterpretq_s16_s8(less_128(p));
            [vreinterpretq_s8_s16(vdupq_laneq_s16::<0>(pairs)), vreinterpretq_s8_s16(vdupq_laneq_s16::<1>(pairs))]
        }
    }

    #[inline(always)]
    unsafe fn columns(p: *const u8) -> [int8x16_t; 2] {
        // SAFETY: the caller vouches for 32 bytes at `p`; NEON is part of AArch64.
        unsafe {
            let (low, high) = (vreinterpretq_s16_u8(vld1q_u8(p)), vreinterpretq_s16_u8(vld1q_u8(p.add(16))));
            [vreinterpretq_s8_s16(vuzp1q_s16(low, high)), vreinterpretq_s8_s16(vuzp2q_s16(low, high))]
        }
    }

    /// Two products of −128 … 127 by ±127 fit into an i16.
    #[inline(always)]
    unsafe fn dot(sums: [int32x4_t; 2], group: [int8x16_t; 2], columns: [int8x16_t; 2]) -> [int32x4_t; 2] {
        // SAFETY: NEON is part of AArch64.
        unsafe {
            let low = vmull_s8(vget_low_s8(group[0]), vget_low_s8(columns[0]));
            let low = vmlal_s8(low, vget_low_s8(group[1]), vget_low_s8(columns[1]));
            let high = vmull_high_s8(group[0], columns[0]);
            let high = vmlal_high_s8(high, group[1], columns[1]);
            [vpadalq_s16(sums[0], low), vpadalq_s16(sums[1], high)]
        }
    }

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        fetch(p);
    }
}

// SAFETY: as above.
unsafe impl IntegerLanes<i16> for Neon {
    const LANES: usize = 8;
    type Sums = [int32x4_t; 2];
    type Group = int16x4_t;
    /// The first weight of each column, and the second.
    type Columns = [int16x8_t; 2];

    #[inline(always)]
    unsafe fn zero() -> [int32x4_t; 2] {
        // SAFETY: NEON is part of AArch64.
        unsafe { [vdupq_n_s32(0); 2] }
    }

    #[inline(always)]
    unsafe fn group(p: *const u8) -> int16x4_t {
        // SAFETY: the caller vouches for 4 bytes at `p`; NEON is part of AArch64.
        unsafe { vreinterpret_s16_u32(vdup_n_u32(p.cast::<u32>().read_unaligned())) }
    }

    #[inline(always)]
    unsafe fn columns(p: *const u8) -> [int16x8_t; 2] {
        // SAFETY: the caller vouches for 32 bytes at `p`; NEON is part of AArch64.
        unsafe {
            let (low, high) = (vreinterpretq_s16_u8(vld1q_u8(p)), vreinterpretq_s16_u8(vld1q_u8(p.add(16))));
            [vuzp1q_s16(low, high), vuzp2q_s16(low, high)]
        }
    }

    #[inline(always)]
    unsafe fn dot(sums: [int32x4_t; 2], group: int16x4_t, columns: [int16x8_t; 2]) -> [int32x4_t; 2] {
        // SAFETY: NEON is part of AArch64.
        unsafe {
            let low = vmlal_lane_s16::<0>(sums[0], vget_low_s16(columns[0]), group);
            let high = vmlal_high_lane_s16::<0>(sums[1], columns[0], group);
            [
                vmlal_lane_s16::<1>(low, vget_low_s16(columns[1]), group),
                vmlal_high_lane_s16::<1>(high, columns[1], group),
            ]
        }
    }

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        fetch(p);
    }
}

// SAFETY: as above.
unsafe impl IntegerLanes<u8> for NeonDotProduct {
    const LANES: usize = 4;
    const LESS_128: bool = true;
    type Sums = int32x4_t;
    type Group = int8x16_t;
    type Columns = int8x16_t;

    #[inline(always)]
    unsafe fn zero() -> int32x4_t {
        // SAFETY: NEON is part of AArch64.
        unsafe { vdupq_n_s32(0) }
    }

    #[inline(always)]
    unsafe fn group(p: *const u8) -> int8x16_t {
        // SAFETY: the caller vouches for 4 bytes at `p`.
        unsafe { less_128(p) }
    }

    #[inline(always)]
    unsafe fn columns(p: *const u8) -> int8x16_t {
        // SAFETY: the caller vouches for 16 bytes at `p`.
        unsafe { vreinterpretq_s8_u8(vld1q_u8(p)) }
    }

    /// The intrinsic is not stable.
    #[inline(always)]
    unsafe fn dot(mut sums: int32x4_t, group: int8x16_t, columns: int8x16_t) -> int32x4_t {
        // SAFETY: the caller vouches for the instruction, which works on registers.
        unsafe {
            core::arch::asm!("sdot {0:v}.4s, {1:v}.16b, {2:v}.16b", inout(vreg) sums, in(vreg) columns, in(vreg) group,
                options(pure, nomem, nostack, preserves_flags));
        }
        sums
    }

    #[inline(always)]
    unsafe fn prefetch(p: *const u8) {
        fetch(p);
    }
}
