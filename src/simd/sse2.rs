//! SSE2, which every x86-64 has and nearly every x86: 4 lanes of integers.

#[cfg(target_arch = "x86")]
use std::arch::x86::*;
#[cfg(target_arch = "x86_64")]
use std::arch::x86_64::*;

use super::lanes::IntegerLanes;
use super::x86::integer_lanes;

pub(crate) struct Sse2;

integer_lanes!(Sse2, i16: 4 of __m128i, _mm_setzero_si128, _mm_set1_epi32, _mm_loadu_si128,
    |sums, group, columns| _mm_add_epi32(sums, _mm_madd_epi16(group, columns)));
