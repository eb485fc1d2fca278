//! Products of bytes where instructions multiply words alone: both sides are widened, as many k at a time as stay in the L1
//! cache.
//!
//! ```text
//! for each panel
//!   for each block of rows
//!     for each stretch of k      its weights are widened
//!       for each mr rows         their windows are widened, then the microkernel of words adds to the sums
//!     the results from the sums
//! ```
//!
//! Of a stretch the even values come first and then the odd ones, on both sides: that takes no shuffles, and sums are exact in
//! any order.

use super::epilogue::IntegerEpilogue;
use super::kernel::{GROUP_BYTES, Kernel, Left, MAX_COLS, MAX_MR, NR, Part, Tile, bytes};
use super::places::Places;
use super::value::Stored;
use super::widen::{Widen, Widening};
use crate::gemm::product::{Number, Product};
use crate::gemm::window::Block;

/// Values of a stretch, whole groups.
const STRETCH: usize = 256;

/// Rows that share the widening of weights.
const ROWS: usize = 96;

/// Computes `product` with microkernels of words.
///
/// # Safety
///
/// As [`Kernels::multiply`](crate::gemm::product::Kernels::multiply), and `widening` is of an instruction set of this CPU.
pub(super) unsafe fn multiply<N, L: Left, O: Stored>(
    kernel: &Kernel<L, O>,
    widening: Widening,
    product: &Product<'_, N>,
    epilogue: &IntegerEpilogue,
) where
    N: Number<Left = L, Weight = L::Weight, Output = O>,
{
    let Product { operands, rows, n, .. } = *product;
    let places = Places::new(product, epilogue);
    let mut weights = [0; MAX_COLS * STRETCH];
    let mut values = [[0; STRETCH]; MAX_MR];
    let all = product.panels.end.saturating_mul(NR).min(n);
    let mut first = product.panels.start.saturating_mul(NR);
    while first < all {
        let cols = MAX_COLS.min(all - first);
        let shell = kernel.shell(cols);
        for block in (0..rows.len()).step_by(ROWS) {
            let block = block..(block + ROWS).min(rows.len());
            // A short last tile has sums that nobody reads.
            let mut sums = [[0; MAX_COLS]; ROWS + MAX_MR];
            for (i, operand) in operands.iter().enumerate() {
                let panels = first / NR..(first + cols).div_ceil(NR);
                let panels = bytes(operand.weights.some_panels(operand.variant, panels));
                for stretch in operand.window.blocks(STRETCH, L::GROUP) {
                    let len = stretch.len();
                    let panels = panels.chunks_exact(operand.window.k() * NR);
                    for (panel, words) in panels.zip(weights.chunks_exact_mut(len * NR)) {
                        let (even, odd) = words.split_at_mut(len * NR / 2);
                        // SAFETY: the caller vouches for the instruction set.
                        unsafe { (widening.weights)(&panel[stretch.k * NR..][..len * NR], even, odd) };
                    }
                    for tile in block.clone().step_by(shell.mr) {
                        for (slot, values) in (tile..block.end).zip(&mut values[..shell.mr]) {
                            // SAFETY: `Product::new` saw every window inside its map.
                            unsafe { widen_row(widening.values, places.a[i][slot], &stretch, values) };
                        }
                        let starts = values.each_ref().map(|values| values.as_ptr().cast());
                        for col in (0..cols).step_by(shell.cols) {
                            let words = &weights[col / NR * len * NR + col % NR * GROUP_BYTES / size_of::<i16>()..];
                            let run = len * size_of::<i16>();
                            let part = Part {
                                a: starts.as_ptr(),
                                runs: 1,
                                run,
                                stride: 0,
                                b: words.as_ptr().cast(),
                                panel: 0,
                            };
                            let call = Tile { parts: [part, Part::NONE], prefetch: [&[]; 2], adds: true };
                            // SAFETY: the kernel is one of this CPU. Each row has `len` words, of which those past the tile's are of
                            // an earlier one, the panel as many for each column, and the sums room for the tile.
                            unsafe {
                                shell.call(&call, sums[tile - block.start..].as_mut_ptr().cast::<i32>().add(col))
                            };
                        }
                    }
                }
            }
            let offset = epilogue.offset(first, cols);
            let results = places.results(epilogue, block, first, cols, &offset);
            // SAFETY: C overlaps nothing and is the caller's alone; `Product::new` saw every result inside it. Scale and bias are
            // filled up to whole tiles of the widest.
            unsafe { (kernel.finish)(&results, &sums) };
        }
        first += cols;
    }
}

/// Widens what a block of k has of the row at `a`.
///
/// # Safety
///
/// The block's values can be read there, and this CPU has the instruction set of `widen`.
unsafe fn widen_row(widen: Widen, a: *const u8, block: &Block, values: &mut [i16; STRETCH]) {
    let (even, odd) = values[..block.len()].split_at_mut(block.len() / 2);
    let half = block.run_len / 2;
    let words = even.chunks_exact_mut(half).zip(odd.chunks_exact_mut(half));
    for (run, (even, odd)) in words.enumerate() {
        // SAFETY: the caller vouches for the values and the instruction set.
        unsafe {
            let run = a.add(block.offset + run * block.run_stride);
            widen(std::slice::from_raw_parts(run, block.run_len), even, odd);
        }
    }
}
