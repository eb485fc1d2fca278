//! A product in bytes, whatever its number types.

use std::ops::Range;

use super::epilogue::IntegerEpilogue;
use super::kernel::{MAX_COLS, MAX_MR, NR, Results};
use crate::alloc::Plain;
use crate::gemm::product::{MAX_ROWS, Number, Product};
use crate::gemm::window::Window;

/// Row pointers of a call, and the repeats that fill its last tile.
const SLOTS: usize = MAX_ROWS + MAX_MR;

/// What one operand multiplies.
#[derive(Clone, Copy)]
pub(super) struct Factors<'p> {
    pub window: Window,
    /// Panels of the variant, `panel` bytes each.
    weights: &'p [u8],
    pub panel: usize,
}

/// A product in bytes.
pub(super) struct Call<'p> {
    /// One or two, or none.
    pub factors: [Option<Factors<'p>>; 2],
    /// Bytes of a value on the left, and so of a weight.
    pub size: usize,
    pub rows: usize,
    /// Columns that are computed.
    pub columns: Range<usize>,
    /// Row pointers of each operand, once for all panels; a short last tile repeats the last row, whose sums nobody reads.
    pub a: [[*const u8; SLOTS]; 2],
    c: [*mut u8; MAX_ROWS],
    ratio: [f32; MAX_ROWS],
    epilogue: &'p IntegerEpilogue,
}

impl<'p> Call<'p> {
    /// That of `product`.
    ///
    /// # Panics
    ///
    /// If `epilogue` is for another number of columns, or runs are not whole groups.
    pub fn new<N: Number>(product: &Product<'p, N>, epilogue: &'p IntegerEpilogue) -> Self {
        let Product { operands, rows, n, .. } = *product;
        assert!(epilogue.n == n, "expected an epilogue of {n} columns, found {}", epilogue.n);
        for operand in operands {
            let (group, run) = (N::GROUP, operand.window.run_len);
            assert!(run.is_multiple_of(group), "expected runs of whole groups of {group} values, found {run} values");
        }

        let size = size_of::<N::Left>();
        let [all, first] = [product.panels.end, product.panels.start].map(|panel| panel.saturating_mul(NR).min(n));
        let factors = [0, 1].map(|i| {
            let o = operands.get(i)?;
            let weights = bytes(o.weights.some_panels(o.variant, 0..product.panels.end));
            Some(Factors { window: o.window, weights, panel: o.window.k() * NR * size })
        });
        let (mut a, mut c, mut ratio) =
            ([[std::ptr::null(); SLOTS]; 2], [std::ptr::null_mut(); MAX_ROWS], [0.0; MAX_ROWS]);
        for (slot, row) in rows.iter().enumerate() {
            a.iter_mut().enumerate().take(operands.len()).for_each(|(i, a)| a[slot] = product.a(i, slot).cast());
            c[slot] = product.c(slot).cast();
            ratio[slot] = row.ratio;
        }
        for a in &mut a {
            let last = a[rows.len().saturating_sub(1)];
            a[rows.len()..rows.len() + MAX_MR].fill(last);
        }
        Self { factors, size, rows: rows.len(), columns: first..all, a, c, ratio, epilogue }
    }

    /// The panels of operand `i` with `cols` columns from `first` on.
    pub fn panels(&self, i: usize, first: usize, cols: usize) -> &'p [u8] {
        let Some(Factors { weights, panel, .. }) = self.factors[i] else { return &[] };
        &weights[first / NR * panel..(first + cols).min(self.columns.end).div_ceil(NR) * panel]
    }

    /// What the sums of `cols` columns from `first` on are too great by.
    pub fn offset(&self, first: usize, cols: usize) -> [i32; MAX_COLS] {
        self.epilogue.offset(first, cols)
    }

    /// What becomes of the sums of some `rows` in `cols` columns from `first` on.
    pub fn results(&self, rows: Range<usize>, first: usize, cols: usize, offset: &[i32; MAX_COLS]) -> Results {
        let epilogue = self.epilogue;
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

/// Weights as bytes.
fn bytes<W: Plain>(weights: &[W]) -> &[u8] {
    // SAFETY: plain values have no padding.
    unsafe { std::slice::from_raw_parts(weights.as_ptr().cast(), size_of_val(weights)) }
}
