//! AVX-512 VNNI, 16 lanes or 8, and AVX-VNNI, 8 lanes: one instruction sums the products of a group.

use std::arch::x86_64::*;

use super::lanes::IntegerLanes;
use super::x86::integer_lanes;

pub(crate) struct Avx512Vnni;
/// For few columns, with AVX-512VL.
pub(crate) struct Avx512VnniHalf;
pub(crate) struct AvxVnni;

integer_lanes!(Avx512Vnni, u8: 16 of __m512i, _mm512_setzero_si512, _mm512_set1_epi32, _mm512_loadu_si512, |sums, group, columns| _mm512_dpbusd_epi32(sums, group, columns));
integer_lanes!(Avx512Vnni, i16: 16 of __m512i, _mm512_setzero_si512, _mm512_set1_epi32, _mm512_loadu_si512, |sums, group, columns| _mm512_dpwssd_epi32(sums, group, columns));
integer_lanes!(Avx512VnniHalf, u8: 8 of __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256, |sums, group, columns| _mm256_dpbusd_epi32(sums, group, columns));
integer_lanes!(Avx512VnniHalf, i16: 8 of __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256, |sums, group, columns| _mm256_dpwssd_epi32(sums, group, columns));
integer_lanes!(AvxVnni, u8: 8 of __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256, |sums, group, columns| _mm256_dpbusd_avx_epi32(sums, group, columns));
integer_lanes!(AvxVnni, i16: 8 of __m256i, _mm256_setzero_si256, _mm256_set1_epi32, _mm256_loadu_si256, |sums, group, columns| _mm256_dpwssd_avx_epi32(sums, group, columns));
