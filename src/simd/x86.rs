//! What the lanes of integers of x86 have in common: all but the instructions that multiply.

/// Writes the lanes of integers of an instruction set, for a value of the map.
macro_rules! integer_lanes {
    ($name:ty, $value:ty: $lanes:literal of $vector:ty, $zero:ident, $splat:ident, $load:ident,
        |$sums:ident, $group:ident, $columns:ident| $dot:expr) => {
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
            unsafe fn dot($sums: $vector, $group: $vector, $columns: $vector) -> $vector {
                // SAFETY: the caller vouches for the instruction set.
                unsafe { $dot }
            }

            #[inline(always)]
            unsafe fn prefetch(p: *const u8) {
                // SAFETY: a hint, part of every x86-64 and of SSE.
                unsafe { _mm_prefetch::<_MM_HINT_T1>(p.cast()) }
            }
        }
    };
}

pub(super) use integer_lanes;
