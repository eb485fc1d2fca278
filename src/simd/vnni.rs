//! AVX-512 VNNI, 16 lanes or 8, and AVX-VNNI, 8 lanes: one instruction sums the products of a group.

use std::arch::x86_64::*;

use super::lanes::IntegerLanes;

pub(crate) struct Avx512Vnni;
/// For few columns, with AVX-512VL.
pub(crate) struct Avx512VnniHalf;
pub(crate) struct AvxVnni;

macro_rules! lanes {
    ($name:ty, $value:ty, $lanes:literal, $vector:ty, $zero:ident, $splat:ident, $load:ident, $dot:ident) => {
        // SAFETY: each intrinsic works on registers, but for loads of what the trait makes readable.
        unsafe impl IntegerLanes<$value> for $name {
            const LANES: usize = $lanes;
            type Sums = $vector;
            type Group = $vector;
            type Columns = $vector;

            #[inline(always)]
            unsafe fn zero() -> $vector {
                // SAFETY: the caller vouches for the instruction set.
                unsafe { $zero() }
            }

            #[inline(always)]
            unsafe fn group(p: *const u8) -> $vector {
                // SAFETY: the caller vouches for the instruction set and 4 bytes at `p`.
                unsafe { $splat(p.cast::<i32>().read_unaligned()) }
            }

            #[inline(always)]
            unsafe fn columns(p: *const u8) -> $vector {
                // SAFETY: the caller vouches for the instruction set and a vector at `p`.
                unsafe { $load(p.cast()) }
            }

            #[inline(always)]
            unsafe fn dot(sums: $vector, group: $vector, columns: $vector) -> $vector {
                // SAFETY: the caller vouches for the instruction set.
                unsafe { $dot(sums, group, columns) }
            }

            #[inline(always)]
            unsafe fn prefetch(p: *const u8) {
                // SAFETY: a hint, part of every x86-64.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
            }
        }
    };
}

lanes!(Avx512Vnni, u8, 16, __m512i, _mm512_setzero_si512, _mm512_set1_epi32, _mm512_loadu_si512, _mm512_dpbusd_epi32);
lanes!(Avx512Vnni, i16, 16, __m512i, _mm512_setzero_si512, _mm512_set1_epi32, _mm512_loadu_si512, _mm512_dpwssd_epi32);
lanes!(AvxVnni, u8, 8, __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256, _mm256_dpbusd_avx_epi32);
lanes!(AvxVnni, i16, 8, __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256, _mm256_dpwssd_avx_epi32);
lanes!(
    Avx512VnniHalf,
    u8,
    8,
    __m256i,
    _mm256_setzero_si256,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_dpbusd_epi32
);
lanes!(
    Avx512VnniHalf,
    i16,
    8,
    __m256i,
    _mm256_setzero_si256,
    _mm256_set1_epi32,
    _mm256_loadu_si256,
    _mm256_dpwssd_epi32
);
