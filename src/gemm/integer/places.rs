//! Where the rows of a product lie.

use std::ops::Range;

use super::epilogue::IntegerEpilogue;
use super::kernel::{MAX_COLS, MAX_MR, Results};
use crate::gemm::product::{MAX_ROWS, Number, Product};

/// Row pointers of a call, and the repeats that fill its last tile.
const SLOTS: usize = MAX_ROWS + MAX_MR;

/// Where the rows of a call lie.
pub(super) struct Places<O> {
    /// Row pointers of each operand, in bytes, once for all panels; a short last tile repeats the last row, whose sums nobody
    /// reads.
    pub a: [[*const u8; SLOTS]; 2],
    c: [*mut O; MAX_ROWS],
    ratio: [f32; MAX_ROWS],
}

impl<O> Places<O> {
    /// Those of `product`.
    ///
    /// # Panics
    ///
    /// If `epilogue` is for another number of columns, or runs are not whole groups.
    pub fn new<N: Number<Output = O>>(product: &Product<'_, N>, epilogue: &IntegerEpilogue) -> Self {
        let Product { operands, rows, n, .. } = *product;
        assert!(epilogue.n == n, "expected an epilogue of {n} columns, found {}", epilogue.n);
        for operand in operands {
            let (group, run) = (N::GROUP, operand.window.run_len);
            assert!(run.is_multiple_of(group), "expected runs of whole groups of {group} values, found {run} values");
        }

        let (mut a, mut c, mut ratio) =
            ([[std::ptr::null(); SLOTS]; 2], [std::ptr::null_mut(); MAX_ROWS], [0.0; MAX_ROWS]);
        let slots = if rows.is_empty() { 0 } else { rows.len() + MAX_MR - 1 };
        for (i, a) in a.iter_mut().take(operands.len()).enumerate() {
            for (slot, a) in a.iter_mut().enumerate().take(slots) {
                *a = product.a(i, slot.min(rows.len() - 1)).cast::<u8>();
            }
        }
        for (i, row) in rows.iter().enumerate() {
            c[i] = product.c(i);
            ratio[i] = row.ratio;
        }
        Self { a, c, ratio }
    }

    /// What becomes of the sums of some `rows` in `cols` columns from `first` on.
    pub fn results(
        &self,
        epilogue: &IntegerEpilogue,
        rows: Range<usize>,
        first: usize,
        cols: usize,
        offset: &[i32; MAX_COLS],
    ) -> Results<O> {
        Results {
            rows: rows.len(),
            c: self.c[rows.start..].as_ptr(),
            c_offset: first,
            cols,
            ratio: self.ratio[rows.start..].as_ptr(),
            offset: offset.as_ptr(),
            scale: epilogue.columns[epilogue.padded() + first..].as_ptr(),
            bias: epilogue.columns[2 * epilogue.padded() + first..].as_ptr(),
            activation: epilogue.activation,
            zero: epilogue.zero,
        }
    }
}
