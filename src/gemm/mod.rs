//! Matrix products whose left side is gathered: C[rows, n] = A[rows, k]·B[k, n], the shape of a convolution.
//!
//! The loops are those of Goto and van de Geijn (2008), without the packing of A: a row of A is a convolution window,
//! which in NHWC is a few runs of consecutive values in the feature map itself, so the microkernel reads it there
//! (Dukhan 2019). B, the weights, is packed once into panels of `NR` columns.
//!
//! A [`Gemm`] is generic over its [`Number`] type. Each number type has a folder with its loops and its microkernel.

#![allow(unsafe_code)]

mod float;
mod integer;
mod packed;
mod product;
mod rest;
#[cfg(test)]
mod tests;
mod window;

use std::ops::Range;

use crate::alloc::{Buffer, floats_for, values_mut};
use crate::error::Result;
use crate::simd::Isa;
use packed::Shape;
use product::{Kernel, Product};

pub use float::Epilogue;
pub use integer::{Integer, IntegerEpilogue};
pub use packed::Packed;
pub use product::{MAX_ROWS, Number, Operand, Output, Row};
pub use window::Window;

/// A GEMM for one number of columns on one instruction set.
#[derive(Clone, Copy)]
pub struct Gemm<N: Number = f32> {
    kernel: N::Kernel,
    n: usize,
}

impl<N: Number> Gemm<N> {
    /// For `n` columns.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`.
    pub fn new(isa: Isa, n: usize) -> Result<Self> {
        Ok(Self { kernel: N::Kernel::new(isa, n)?, n })
    }

    /// One by each kernel that this CPU has for `isa`, with its name, for tests and benchmarks. The first is that of
    /// [`Gemm::new`]. Results are the same, and so are weights where panels have as many columns.
    ///
    /// # Errors
    ///
    /// As [`Gemm::new`].
    pub fn all(isa: Isa, n: usize) -> Result<impl Iterator<Item = (&'static str, Self)>> {
        Ok(N::Kernel::all(isa, n)?.map(move |(name, kernel)| (name, Self { kernel, n })))
    }

    /// Panels of columns, the units into which [`Gemm::rows`] can be divided.
    pub fn panels(&self) -> usize {
        self.n.div_ceil(self.nr())
    }

    /// Rows of a tile: batches of a multiple of this waste nothing.
    pub fn mr(&self) -> usize {
        self.kernel.mr()
    }

    /// Columns of a panel.
    pub fn nr(&self) -> usize {
        self.kernel.nr()
    }

    /// Packs `variants` matrices of `k` rows: `fill(variant, column, out)` writes a column of B, `out` `[k]`. Matrices of no
    /// rows are packed into nothing.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn pack(
        &self,
        variants: usize,
        k: usize,
        fill: impl Fn(usize, usize, &mut [N::Weight]),
    ) -> Result<Packed<N::Weight>> {
        let mut packed = Packed::empty()?;
        let len = self.shape(variants, k).panel_len();
        let panels = self.repack(&mut packed, variants, k)?;
        if !panels.is_empty() {
            let mut columns = Buffer::zeroed(floats_for::<N::Weight>(len))?;
            for (i, panel) in panels.chunks_exact_mut(len).enumerate() {
                self.pack_panel(k, i, &fill, values_mut(&mut columns), panel);
            }
        }
        self.finish(&mut packed)?;
        Ok(packed)
    }

    /// Values of a panel of matrices of `k` rows.
    pub(crate) fn panel_len(&self, k: usize) -> usize {
        self.shape(1, k).panel_len()
    }

    /// Writes one of the panels that [`Gemm::repack`] returns, as [`Gemm::pack`] does. `columns` are [`Gemm::panel_len`] zeros,
    /// or what another panel of the same k has left there.
    pub(crate) fn pack_panel(
        &self,
        k: usize,
        index: usize,
        fill: impl Fn(usize, usize, &mut [N::Weight]),
        columns: &mut [N::Weight],
        panel: &mut [N::Weight],
    ) {
        packed::pack_panel(self.shape(1, k), index, fill, columns, panel);
    }

    /// Bytes that [`Gemm::pack`] makes of `variants` matrices of `k` rows; `usize::MAX` where a `usize` overflows.
    pub fn packed_bytes(&self, variants: usize, k: usize) -> usize {
        self.shape(variants, k).bytes::<N::Weight>()
    }

    /// Reshapes `packed` to `variants` matrices of `k` rows, in the memory it has where that suffices. Returns their values,
    /// `[variant, panel, k, NR]`, of any content, for the caller to overwrite, with zeros past the last column, and then to
    /// [`Gemm::finish`] once.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn repack<'a>(
        &self,
        packed: &'a mut Packed<N::Weight>,
        variants: usize,
        k: usize,
    ) -> Result<&'a mut [N::Weight]> {
        packed.reshape(self.shape(variants, k))
    }

    /// Makes of panels that are written what [`Gemm::rows`] multiplies.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn finish(&self, packed: &mut Packed<N::Weight>) -> Result<()> {
        N::finish(&self.kernel, packed)
    }

    fn shape(&self, variants: usize, k: usize) -> Shape {
        Shape { variants, k, n: self.n, nr: self.nr(), group: N::GROUP }
    }

    /// Computes `rows` of C in the columns of `panels`: the sum of each element takes the k of the first operand in
    /// ascending order and then those of the second; without any k it is zero. `epilogue` turns it into the result.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_ROWS`] rows or two operands, a window or a result lies outside its map, there are no
    /// such panels or variants, or weights or epilogue are those of another GEMM.
    ///
    /// # Safety
    ///
    /// Concurrent calls with the same `out` must have distinct panels or rows that do not overlap in C, and nothing
    /// else may read or write these elements meanwhile.
    pub unsafe fn rows(
        &self,
        operands: &[Operand<'_, N>],
        epilogue: &N::Epilogue,
        rows: &[Row],
        panels: Range<usize>,
        out: &Output<'_, N::Output>,
    ) {
        let product = Product::new(self.shape(0, 0), operands, rows, panels, out);
        // SAFETY: `new` saw that the weights are this kernel's; the caller vouches for the rest.
        unsafe { N::multiply(&self.kernel, &product, epilogue) }
    }
}

impl Gemm<f32> {
    /// Adds to `rows` of C in the columns of `panels`: the accumulators of [`Gemm::rows`] start from C, and the sums are
    /// stored as they are, without ratio, bias and activation.
    ///
    /// # Panics
    ///
    /// As [`Gemm::rows`].
    ///
    /// # Safety
    ///
    /// As [`Gemm::rows`].
    pub unsafe fn accumulate(&self, operands: &[Operand<'_>], rows: &[Row], panels: Range<usize>, out: &Output<'_>) {
        let product = Product::new(self.shape(0, 0), operands, rows, panels, out);
        // SAFETY: as in `rows`.
        unsafe { float::run(&self.kernel, &product, None) }
    }
}
