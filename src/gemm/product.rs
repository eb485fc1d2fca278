//! A product to be computed, and the traits of the number types that compute it.

use std::marker::PhantomData;
use std::ops::Range;

use super::packed::{Packed, Shape};
use super::window::Window;
use crate::alloc::Plain;
use crate::error::Result;
use crate::simd::Isa;

/// The most rows of one [`Gemm::rows`](super::Gemm::rows) call: enough tiles for each panel to repay its way from memory.
pub const MAX_ROWS: usize = 192;

/// A number type of products: what A and B hold, and what sums of their products become: f32 or an
/// [`Integer`](super::Integer).
///
/// A number type has a folder of its own in `gemm`, with its microkernel over lanes of [`simd`](crate::simd).
pub trait Number: Kernels + Copy + Send + Sync + 'static {
    /// A value of A, the feature map on the left.
    type Left: Plain + Sync;
    /// A value of B, the weights.
    type Weight: Plain + Send + Sync;
    /// A value of C, the feature map of the results; its default is the value of a hole.
    type Output: Plain + Default + Send + Sync;
    /// The step that turns sums into results.
    type Epilogue: Send + Sync;
}

/// The kernels of a number type. This module is private, so that only this crate adds number types.
pub trait Kernels: Sized {
    /// Its microkernels.
    type Kernel: Kernel;

    /// Consecutive k of a column that one instruction of the microkernel takes; they lie side by side in a panel.
    const GROUP: usize;

    /// Makes of panels that are written what the kernel multiplies.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    fn finish(_: &Self::Kernel, _: &mut Packed<Self::Weight>) -> Result<()>
    where
        Self: Number,
    {
        Ok(())
    }

    /// Computes the elements of `product`: `epilogue` turns each sum into the result.
    ///
    /// # Panics
    ///
    /// If `epilogue` is for another number of columns.
    ///
    /// # Safety
    ///
    /// `kernel` is that of the product's weights, and no other thread may touch the product's elements of C meanwhile.
    unsafe fn multiply(kernel: &Self::Kernel, product: &Product<'_, Self>, epilogue: &Self::Epilogue)
    where
        Self: Number;
}

/// A microkernel of one instruction set with its tile shape.
pub trait Kernel: Copy + Send + Sync {
    /// The kernel of `isa` for `n` columns.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`.
    fn new(isa: Isa, n: usize) -> Result<Self>;

    /// The kernels of `isa` for `n` columns with their names, the fastest first.
    ///
    /// # Errors
    ///
    /// As [`Kernel::new`].
    fn all(isa: Isa, n: usize) -> Result<impl Iterator<Item = (&'static str, Self)>> {
        Ok(std::iter::once((isa.name(), Self::new(isa, n)?)))
    }

    /// Rows of a tile, at most 16.
    fn mr(&self) -> usize;

    /// Columns of a tile.
    fn nr(&self) -> usize;
}

/// One part of A: windows of one feature map against one of the packed matrices.
#[derive(Clone, Copy)]
pub struct Operand<'a, N: Number = f32> {
    /// The feature map.
    pub map: &'a [N::Left],
    /// The window every row has in it.
    pub window: Window,
    /// Its weights.
    pub weights: &'a Packed<N::Weight>,
    /// Which variant of the weights.
    pub variant: usize,
}

/// One row of A and C: where its windows and its result start, and its renormalisation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    /// First value of the window in each operand's map.
    pub a: [usize; 2],
    /// First value of the result in C.
    pub c: usize,
    /// K/s: the factor on the sum before the bias.
    pub ratio: f32,
}

/// C, writable from several threads at distinct rows or panels.
pub struct Output<'a, T = f32> {
    data: *mut T,
    len: usize,
    lifetime: PhantomData<&'a mut [T]>,
}

// SAFETY: only products write through the pointer, and their callers keep concurrent writes apart.
unsafe impl<T: Sync> Sync for Output<'_, T> {}

impl<'a, T> Output<'a, T> {
    /// C over `data`.
    pub fn new(data: &'a mut [T]) -> Self {
        Self { data: data.as_mut_ptr(), len: data.len(), lifetime: PhantomData }
    }
}

/// Rows of C in the columns of some panels, all of which lie inside their maps.
pub struct Product<'a, N: Number> {
    pub(super) operands: &'a [Operand<'a, N>],
    pub(super) rows: &'a [Row],
    pub(super) panels: Range<usize>,
    /// Columns of C.
    pub(super) n: usize,
    out: &'a Output<'a, N::Output>,
}

impl<'a, N: Number> Product<'a, N> {
    /// The product of weights of `shape`, whatever their k and variants.
    ///
    /// # Panics
    ///
    /// As [`Gemm::rows`](super::Gemm::rows).
    pub(super) fn new(
        shape: Shape,
        operands: &'a [Operand<'a, N>],
        rows: &'a [Row],
        panels: Range<usize>,
        out: &'a Output<'a, N::Output>,
    ) -> Self {
        assert!(operands.len() <= 2, "expected one or two operands, found {}", operands.len());
        assert!(rows.len() <= MAX_ROWS, "expected {MAX_ROWS} rows at most, found {}", rows.len());
        assert!(panels.end <= shape.panels(), "expected panels up to {}, found {panels:?}", shape.panels());
        for row in rows {
            assert!(is_in(row.c, shape.n, out.len), "expected rows inside C, found one at {}", row.c);
        }
        for (i, Operand { map, window, weights, variant }) in operands.iter().enumerate() {
            let expected = Shape { variants: weights.shape().variants, k: window.k(), ..shape };
            assert!(*weights.shape() == expected, "expected weights of {expected:?}, found {:?}", weights.shape());
            assert!(*variant < expected.variants, "expected a variant below {}, found {variant}", expected.variants);
            for row in rows {
                let inside = window.span().is_some_and(|span| is_in(row.a[i], span, map.len()));
                assert!(inside, "expected windows inside their map, found one at {}", row.a[i]);
            }
        }
        Self { operands, rows, panels, n: shape.n, out }
    }

    /// The start of the window of `row` in the map of operand `i`.
    pub(super) fn a(&self, i: usize, row: usize) -> *const N::Left {
        // SAFETY: `new` saw that the window starts inside the map, or at its end.
        unsafe { self.operands[i].map.as_ptr().add(self.rows[row].a[i]) }
    }

    /// The start of C.
    pub(super) fn start(&self) -> *mut N::Output {
        self.out.data
    }

    /// The start of the result of `row`.
    pub(super) fn c(&self, row: usize) -> *mut N::Output {
        // SAFETY: `new` saw that the row starts inside C, or at its end.
        unsafe { self.out.data.add(self.rows[row].c) }
    }
}

/// Whether `count` values from `first` on are among `len`.
fn is_in(first: usize, count: usize, len: usize) -> bool {
    first.checked_add(count).is_some_and(|end| end <= len)
}
