//! A product in bytes, whatever its number types.

use std::ops::Range;

use super::epilogue::IntegerEpilogue;
use super::kernel::{GROUP_BYTES, MAX_COLS, MAX_MR, NR, Part, Results};
use crate::alloc::Plain;
use crate::gemm::MAX_ROWS;
use crate::gemm::product::{Number, Product, Row};
use crate::gemm::rest::Rest;
use crate::gemm::window::Window;

/// What one operand multiplies.
#[derive(Clone, Copy)]
pub(super) struct Factors<'p> {
    pub window: Window,
    map: *const u8,
    /// Panels of the variant, `panel` bytes each.
    weights: &'p [u8],
    pub rest: &'p Rest,
    /// Panels of the variants before.
    pub before: usize,
    pub panel: usize,
}

/// Row pointers of an operand.
pub(super) type Starts = [*const u8; MAX_ROWS + MAX_MR];

/// A product in bytes.
pub(super) struct Call<'p> {
    /// One or two, or none.
    pub factors: [Option<Factors<'p>>; 2],
    /// Bytes of a value on the left, and so of a weight.
    pub size: usize,
    rows: &'p [Row],
    /// Columns that are computed.
    pub columns: Range<usize>,
    c: *mut u8,
    /// Bytes of a value of C.
    c_size: usize,
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
            Some(Factors {
                window: o.window,
                map: o.map.as_ptr().cast(),
                weights,
                rest: o.weights.rest(),
                before: o.variant * o.weights.shape().panels(),
                panel: o.window.k() * NR * size,
            })
        });
        let (c, c_size) = (product.start().cast(), size_of::<N::Output>());
        Self { factors, size, rows, columns: first..all, c, c_size, epilogue }
    }

    /// Rows that are computed.
    pub fn rows(&self) -> usize {
        self.rows.len()
    }

    /// Row pointers of each operand. For a short last tile they repeat the last row, whose sums nobody reads.
    pub fn starts(&self) -> [Starts; 2] {
        let mut starts = [[std::ptr::null(); MAX_ROWS + MAX_MR]; 2];
        let Some(last) = self.rows.len().checked_sub(1) else { return starts };
        for (i, (starts, factors)) in starts.iter_mut().zip(self.factors).enumerate() {
            let Some(Factors { map, .. }) = factors else { continue };
            for (slot, start) in starts.iter_mut().enumerate().take(last + MAX_MR) {
                // Inside the map: `Product::new` has seen to it.
                *start = map.wrapping_add(self.rows[slot.min(last)].a[i] * self.size);
            }
        }
        starts
    }

    /// The products of operand `i` with `cols` columns from `first` on, but for the row pointers.
    pub fn part(&self, i: usize, first: usize, cols: usize) -> Part {
        match self.factors[i] {
            Some(f) if f.window.k() > 0 => Part {
                a: std::ptr::null(),
                runs: f.window.runs,
                run: f.window.run_len * self.size,
                stride: f.window.run_stride.wrapping_mul(self.size),
                offsets: std::ptr::null(),
                b: self.panels(i, first, cols)[first % NR * GROUP_BYTES..].as_ptr(),
                panel: f.panel,
                row: NR * GROUP_BYTES,
            },
            _ => Part::NONE,
        }
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

    /// What becomes of the sums of a tile, of some `rows`, in `cols` columns from `first` on.
    pub fn results(&self, rows: Range<usize>, first: usize, cols: usize, offset: &[i32; MAX_COLS]) -> Results {
        let (epilogue, padded) = (self.epilogue, self.epilogue.padded());
        let row = |slot: usize| self.rows[(rows.start + slot).min(self.rows.len() - 1)];
        Results {
            rows: rows.len(),
            // Inside C: `Product::new` has seen to it.
            c: std::array::from_fn(|slot| self.c.wrapping_add((row(slot).c + first) * self.c_size)),
            cols,
            ratio: std::array::from_fn(|slot| row(slot).ratio),
            offset: offset.as_ptr(),
            scale: epilogue.columns[padded + first..].as_ptr(),
            bias: epilogue.columns[2 * padded + first..].as_ptr(),
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
