//! Products of integers, exact in i32, and f32 from there to the result.
//!
//! ```text
//! for each one or two panels   all k of their columns stream from the L2 cache, the next ones are fetched
//!   for each mr rows           the microkernel: its accumulators in registers, then the results from its sums
//! ```
//!
//! Panels are the same on every instruction set: [variant, panel, k / GROUP, 16, GROUP]. A kernel of fewer columns takes a
//! panel in parts.

mod kernel;
#[cfg(test)]
mod tests;
mod value;

use std::marker::PhantomData;

use super::product::{self, Kernels, MAX_ROWS, Number, Product};
use crate::alloc::{Buffer, values, values_mut};
use crate::error::Result;
use crate::numerics::{Activation, WIDE_LIMIT};
use crate::simd::Isa;
use kernel::{GROUP_BYTES, LINE, Left, MAX_COLS, MAX_MR, NR, Part, Results, Set, Shell, Sums, Tile};
use value::{Grouped, Stored};

/// Fewer tiles than these would wait for the next panel's prefetch rather than hide it.
const PREFETCH_TILES: usize = 8;

/// Row pointers of a call, and the repeats that fill its last tile.
const SLOTS: usize = MAX_ROWS + MAX_MR;

/// Maps of `L`, u8 or i16, times weights, i8 or i16, into maps of `O`, u8, i16 or, from i16, f32.
///
/// No weight is the least number of its type, and no sum of products leaves an i32: the caller sees to it. Runs of windows are whole groups, of
/// 4 values of u8 and 2 of i16; the caller fills up both runs and weights, the latter with zeros.
#[derive(Clone, Copy)]
pub struct Integer<L, O>(PhantomData<fn() -> (L, O)>);

/// Turns sums of integers into results, by single operations of f32: v = f32(sum − offset)·ratio·scale + bias, of which the
/// activation. An integer is that rounded, halves to even, plus `zero`, clipped to 0 … 255 or ±[`WIDE_LIMIT`].
///
/// Scales are bounded such that nothing on the way is NaN. An integer that NaN made would be the least.
pub struct IntegerEpilogue {
    /// Offset, scale and bias of the columns, each with zeros up to a multiple of [`MAX_COLS`].
    columns: Buffer,
    n: usize,
    activation: Activation,
    zero: i32,
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

    fn padded(&self) -> usize {
        self.columns.len() / 3
    }
}

/// Makes pairs of left and output number types.
macro_rules! number {
    ($($left:ty, $output:ty;)*) => {$(
        impl Number for Integer<$left, $output> {
            type Left = $left;
            type Weight = <$left as Grouped>::Weight;
            type Output = $output;
            type Epilogue = IntegerEpilogue;
        }

        impl Kernels for Integer<$left, $output> {
            type Kernel = Kernel<$left, $output>;

            const GROUP: usize = <$left as Grouped>::GROUP;

            unsafe fn multiply(kernel: &Self::Kernel, product: &Product<'_, Self>, epilogue: &IntegerEpilogue) {
                // SAFETY: passed on to the caller.
                unsafe { multiply(kernel, product, epilogue) }
            }
        }
    )*};
}

number! {
    u8, u8;
    u8, i16;
    i16, u8;
    i16, i16;
    i16, f32;
}

/// A microkernel with its tile shapes.
pub struct Kernel<L, O: 'static> {
    /// Those that the number of columns can use, that of the most columns first.
    shells: &'static [Shell],
    less_128: bool,
    finish: unsafe fn(&Results<O>, &Sums),
    left: PhantomData<fn() -> L>,
}

impl<L, O> Clone for Kernel<L, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L, O> Copy for Kernel<L, O> {}

impl<L, O> Kernel<L, O> {
    /// The shape for the first of `cols` columns: one that has them all, else the widest.
    fn shell(&self, cols: usize) -> &Shell {
        self.shells.iter().rev().find(|shell| shell.cols >= cols).unwrap_or(&self.shells[0])
    }
}

impl<L: Left, O: Stored> product::Kernel for Kernel<L, O> {
    fn new(isa: Isa, n: usize) -> Result<Self> {
        Ok(Self::all(isa, n)?.next().expect("every instruction set has a kernel").1)
    }

    fn all(isa: Isa, n: usize) -> Result<impl Iterator<Item = (&'static str, Self)>> {
        let kernel = move |Set { name, shells, less_128, finish }| {
            let wider = shells.iter().skip(1).filter(|shell| shell.cols >= n).count();
            (name, Self { shells: &shells[wider..], less_128, finish, left: PhantomData })
        };
        Ok(L::sets(isa.require()?).map(kernel))
    }

    fn mr(&self) -> usize {
        self.shells[0].mr
    }

    fn nr(&self) -> usize {
        NR
    }
}

/// Computes `product`.
///
/// # Safety
///
/// As [`Kernels::multiply`].
unsafe fn multiply<N, L: Left, O: Stored>(kernel: &Kernel<L, O>, product: &Product<'_, N>, epilogue: &IntegerEpilogue)
where
    N: Number<Left = L, Weight = L::Weight, Output = O>,
{
    let Product { operands, rows, n, .. } = *product;
    assert!(epilogue.n == n, "expected an epilogue of {n} columns, found {}", epilogue.n);
    for operand in operands {
        let (group, run) = (L::GROUP, operand.window.run_len);
        assert!(run.is_multiple_of(group), "expected runs of whole groups of {group} values, found {run} values");
    }
    if rows.is_empty() {
        return;
    }

    // Row pointers once for all panels; a short last tile repeats the last row, whose sums nobody reads.
    let (mut a, mut c, mut ratio) = ([[std::ptr::null(); SLOTS]; 2], [std::ptr::null_mut(); MAX_ROWS], [0.0; MAX_ROWS]);
    for (i, a) in a.iter_mut().take(operands.len()).enumerate() {
        for (slot, a) in a.iter_mut().enumerate().take(rows.len() + MAX_MR - 1) {
            *a = product.a(i, slot.min(rows.len() - 1)).cast::<u8>();
        }
    }
    for (i, row) in rows.iter().enumerate() {
        c[i] = product.c(i);
        ratio[i] = row.ratio;
    }

    let mut sums = [[0; MAX_COLS]; MAX_MR];
    let padded = epilogue.padded();
    let all = product.panels.end.saturating_mul(NR).min(n);
    let weights = |i: usize, first: usize, cols: usize| match operands.get(i) {
        Some(o) => bytes(o.weights.some_panels(o.variant, first / NR..(first + cols).min(all).div_ceil(NR))),
        None => &[],
    };
    let mut first = product.panels.start.saturating_mul(NR);
    while first < all {
        let shell = kernel.shell(all - first);
        let cols = shell.cols.min(all - first);
        let tiles = rows.len().div_ceil(shell.mr);
        let parts = [0, 1].map(|i| match operands.get(i) {
            Some(o) if o.window.k() > 0 => Part {
                a: a[i].as_ptr(),
                runs: o.window.runs,
                run: o.window.run_len * size_of::<L>(),
                stride: o.window.run_stride.wrapping_mul(size_of::<L>()),
                b: weights(i, first, cols)[first % NR * GROUP_BYTES..].as_ptr(),
                panel: o.window.k() * NR * size_of::<L>(),
            },
            _ => Part::NONE,
        });
        let mut offset = [0; MAX_COLS];
        offset[..cols].copy_from_slice(&values(&epilogue.columns)[first..first + cols]);
        if kernel.less_128 {
            for i in 0..operands.len() {
                take_128(&mut offset, weights(i, first, cols), first % NR);
            }
        }
        let next = first + cols;
        let fetches = tiles >= PREFETCH_TILES && next.is_multiple_of(NR) && next < all;
        let mut ahead = [0, 1].map(|i| {
            let next = if fetches { weights(i, next, shell.cols) } else { &[] };
            next.chunks(next.len().div_ceil(tiles).next_multiple_of(LINE).max(LINE))
        });
        for slot in (0..rows.len()).step_by(shell.mr) {
            let at = |part: Part| match part.runs {
                0 => part,
                // SAFETY: the slot is one of the rows.
                _ => Part { a: unsafe { part.a.add(slot) }, ..part },
            };
            let tile =
                Tile { parts: parts.map(at), prefetch: ahead.each_mut().map(|chunks| chunks.next().unwrap_or(&[])) };
            let results = Results {
                rows: shell.mr.min(rows.len() - slot),
                c: c[slot..].as_ptr(),
                c_offset: first,
                cols,
                ratio: ratio[slot..].as_ptr(),
                offset: offset.as_ptr(),
                scale: epilogue.columns[padded + first..].as_ptr(),
                bias: epilogue.columns[2 * padded + first..].as_ptr(),
                activation: epilogue.activation,
                zero: epilogue.zero,
            };
            // SAFETY: the kernel is one of this CPU. `Product::new` saw every window inside its map and every result inside C;
            // panels have k·16 weights. Only the last tile has fewer columns than a chunk of results, and scale and bias are filled up to
            // whole tiles of the widest. C overlaps nothing and is the caller's alone.
            unsafe {
                shell.call(&tile, &mut sums);
                (kernel.finish)(&results, &sums);
            }
        }
        first = next;
    }
}

/// Takes from `offset` 128 times the sum of the weights of each column, of those of a panel from `first` on: what sums lack
/// where each value of the map counts as 128 less.
fn take_128(offset: &mut [i32; MAX_COLS], panel: &[u8], first: usize) {
    let mut sums = [0i32; NR];
    for row in panel.chunks_exact(NR * GROUP_BYTES) {
        for (sum, group) in sums.iter_mut().zip(row.chunks_exact(GROUP_BYTES)) {
            *sum += group.iter().map(|w| i32::from(*w as i8)).sum::<i32>();
        }
    }
    for (offset, sum) in offset.iter_mut().zip(&sums[first..]) {
        *offset = offset.wrapping_sub(128 * sum);
    }
}

/// Weights as bytes.
fn bytes<W: crate::alloc::Plain>(weights: &[W]) -> &[u8] {
    // SAFETY: plain values have no padding.
    unsafe { std::slice::from_raw_parts(weights.as_ptr().cast(), size_of_val(weights)) }
}
