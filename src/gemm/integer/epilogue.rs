//! From sums of integers to results.

use super::kernel::MAX_COLS;
use crate::alloc::{Buffer, values, values_mut};
use crate::error::Result;
use crate::numerics::{Activation, WIDE_LIMIT};

/// Turns sums of integers into results, by single operations of f32: v = f32(sum − offset)·ratio·scale + bias, of which the
/// activation. An integer is that rounded, halves to even, plus `zero`, clipped to 0 … 255 or ±[`WIDE_LIMIT`].
///
/// Scales are bounded such that nothing on the way is NaN. An integer that NaN made would be the least.
pub struct IntegerEpilogue {
    /// Offset, scale and bias of the columns, each with zeros up to a multiple of [`MAX_COLS`].
    pub(super) columns: Buffer,
    pub(super) n: usize,
    pub(super) activation: Activation,
    pub(super) zero: i32,
}

impl IntegerEpilogue {
    /// With `offset`, `scale` and `bias` `[n]`, one per column, and `zero`, the integer of the map of the results that stands
    /// for 0.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    ///
    /// # Panics
    ///
    /// If the numbers of columns differ, or `zero` is beyond ±[`WIDE_LIMIT`].
    pub fn new(offset: &[i32], scale: &[f32], bias: &[f32], activation: Activation, zero: i32) -> Result<Self> {
        let n = offset.len();
        assert!(scale.len() == n, "expected {n} scales, found {}", scale.len());
        assert!(bias.len() == n, "expected {n} biases, found {}", bias.len());
        assert!((-WIDE_LIMIT..=WIDE_LIMIT).contains(&zero), "expected a zero within ±{WIDE_LIMIT}, found {zero}");
        let padded = n.next_multiple_of(MAX_COLS);
        let mut columns = Buffer::zeroed(3 * padded)?;
        values_mut(&mut columns)[..n].copy_from_slice(offset);
        columns[padded..][..n].copy_from_slice(scale);
        columns[2 * padded..][..n].copy_from_slice(bias);
        Ok(Self { columns, n, activation, zero })
    }

    pub(super) fn padded(&self) -> usize {
        self.columns.len() / 3
    }

    /// What the sums of `cols` columns from `first` on are too great by.
    pub(super) fn offset(&self, first: usize, cols: usize) -> [i32; MAX_COLS] {
        let mut offset = [0; MAX_COLS];
        offset[..cols].copy_from_slice(&values(&self.columns)[first..first + cols]);
        offset
    }
}
