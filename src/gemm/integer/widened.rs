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

use super::call::Call;
use super::kernel::{GROUP_BYTES, MAX_COLS, MAX_MR, NR, Part, Set, Tile};
use crate::gemm::window::Block;

/// Values of a stretch, whole groups. It and [`ROWS`] are as large as the small stacks of boards allow.
const STRETCH: usize = 128;

/// Rows that share the widening of weights.
const ROWS: usize = 48;

/// The most rows of a tile of words.
const MR: usize = 8;

/// Computes what `call` says of bytes, with microkernels of words.
///
/// # Safety
///
/// As [`Kernels::multiply`](crate::gemm::product::Kernels::multiply); `set` is of this CPU.
pub(super) unsafe fn multiply(set: &Set, call: &Call<'_>) {
    let mut weights = [0; MAX_COLS * STRETCH];
    let mut values = [[0; STRETCH]; MR];
    let starts = call.starts();
    let all = call.columns.end;
    let mut first = call.columns.start;
    while first < all {
        let cols = MAX_COLS.min(all - first);
        let shell = set.shell(cols);
        for block in (0..call.rows()).step_by(ROWS) {
            let block = block..(block + ROWS).min(call.rows());
            // A short last tile has sums that nobody reads.
            let mut sums = [[0; MAX_COLS]; ROWS + MR];
            for (i, factors) in call.factors.iter().enumerate() {
                let Some(factors) = factors else { continue };
                for stretch in factors.window.blocks(STRETCH, GROUP_BYTES) {
                    let len = stretch.len();
                    let panels = call.panels(i, first, cols).chunks_exact(factors.panel);
                    for (panel, words) in panels.zip(weights.chunks_exact_mut(len * NR)) {
                        let (even, odd) = words.split_at_mut(len * NR / 2);
                        widen_weights(&panel[stretch.k * NR..][..len * NR], even, odd);
                    }
                    for tile in block.clone().step_by(shell.mr) {
                        let rows = &starts[i][tile..];
                        for ((_, &row), values) in (tile..block.end).zip(rows).zip(&mut values[..shell.mr]) {
                            // SAFETY: `Product::new` saw every window inside its map.
                            unsafe { widen_row(row, &stretch, values) };
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
                                offsets: std::ptr::null(),
                                b: words.as_ptr().cast(),
                                panel: 0,
                                row: NR * GROUP_BYTES,
                            };
                            let products = Tile { parts: [part, Part::NONE], prefetch: [&[]; 2], adds: true };
                            // SAFETY: the kernel is one of this CPU. Each row has `len` words, of which those past the tile's are of
                            // an earlier one, the panel as many for each column, and the sums room for the tile.
                            unsafe {
                                shell.call(&products, sums[tile - block.start..].as_mut_ptr().cast::<i32>().add(col))
                            };
                        }
                    }
                }
            }
            let offset = call.offset(first, cols);
            for tile in block.clone().step_by(MAX_MR) {
                let rows = tile..(tile + MAX_MR).min(block.end);
                let results = call.results(rows, first, cols, &offset);
                // SAFETY: C overlaps nothing and is the caller's alone; `Product::new` saw every result inside it. Scale and bias are
                // filled up to whole tiles of the widest.
                unsafe { (set.epilogue)(&results, &sums[tile - block.start..]) };
            }
        }
        first += cols;
    }
}

/// Widens what a block of k has of the row at `a`.
///
/// # Safety
///
/// The block's values can be read there.
unsafe fn widen_row(a: *const u8, block: &Block, values: &mut [i16; STRETCH]) {
    let (even, odd) = values[..block.len()].split_at_mut(block.len() / 2);
    let half = block.run_len / 2;
    let words = even.chunks_exact_mut(half).zip(odd.chunks_exact_mut(half));
    for (run, (even, odd)) in words.enumerate() {
        // SAFETY: the caller vouches for the values.
        let run = unsafe { std::slice::from_raw_parts(a.add(block.offset + run * block.run_stride), block.run_len) };
        widen_values(run, even, odd);
    }
}

/// Widens values of a map, u8, two at a time: the even ones into the first list, the odd ones into the second.
fn widen_values(bytes: &[u8], even: &mut [i16], odd: &mut [i16]) {
    for ((pair, even), odd) in bytes.as_chunks().0.iter().zip(even).zip(odd) {
        let pair = u16::from_le_bytes(*pair);
        (*even, *odd) = ((pair & 0xff) as i16, (pair >> 8) as i16);
    }
}

/// Widens weights, i8, as [`widen_values`].
fn widen_weights(bytes: &[u8], even: &mut [i16], odd: &mut [i16]) {
    for ((pair, even), odd) in bytes.as_chunks().0.iter().zip(even).zip(odd) {
        let pair = i16::from_le_bytes(*pair);
        (*even, *odd) = (pair << 8 >> 8, pair >> 8);
    }
}
