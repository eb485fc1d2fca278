//! Products of values as they lie.
//!
//! ```text
//! for each one or two panels   all k of their columns stream from the L2 cache, the next ones are fetched
//!   for each mr rows           the microkernel: its accumulators in registers, then the results from its sums
//! ```

use super::epilogue::IntegerEpilogue;
use super::kernel::{GROUP_BYTES, Kernel, LINE, Left, MAX_COLS, MAX_MR, NR, Part, Sums, Tile, bytes};
use super::places::Places;
use super::value::Stored;
use crate::gemm::product::{Number, Product};

/// Fewer tiles than these would wait for the next panel's prefetch rather than hide it.
const PREFETCH_TILES: usize = 8;

/// Computes `product`.
///
/// # Safety
///
/// As [`Kernels::multiply`](crate::gemm::product::Kernels::multiply).
pub(super) unsafe fn multiply<N, L: Left, O: Stored>(
    kernel: &Kernel<L, O>,
    product: &Product<'_, N>,
    epilogue: &IntegerEpilogue,
) where
    N: Number<Left = L, Weight = L::Weight, Output = O>,
{
    let Product { operands, rows, n, .. } = *product;
    let places = Places::new(product, epilogue);
    if rows.is_empty() {
        return;
    }

    let mut sums: [Sums; MAX_MR] = [[0; MAX_COLS]; MAX_MR];
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
                a: places.a[i].as_ptr(),
                runs: o.window.runs,
                run: o.window.run_len * size_of::<L>(),
                stride: o.window.run_stride.wrapping_mul(size_of::<L>()),
                b: weights(i, first, cols)[first % NR * GROUP_BYTES..].as_ptr(),
                panel: o.window.k() * NR * size_of::<L>(),
            },
            _ => Part::NONE,
        });
        let mut offset = epilogue.offset(first, cols);
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
            let tile = Tile {
                parts: parts.map(at),
                prefetch: ahead.each_mut().map(|chunks| chunks.next().unwrap_or(&[])),
                adds: false,
            };
            let some = slot..(slot + shell.mr).min(rows.len());
            let results = places.results(epilogue, some, first, cols, &offset);
            // SAFETY: the kernel is one of this CPU. `Product::new` saw every window inside its map and every result inside C;
            // panels have k·16 weights. Only the last tile has fewer columns than a chunk of results, and scale and bias are filled up to
            // whole tiles of the widest. C overlaps nothing and is the caller's alone.
            unsafe {
                shell.call(&tile, sums.as_mut_ptr().cast());
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
