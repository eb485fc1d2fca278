//! Products of values as they lie.
//!
//! ```text
//! for each one or two panels   all k of their columns stream from the L2 cache, the next ones are fetched
//!   for each mr rows           the microkernel: its accumulators in registers, then the results from its sums
//! ```

use super::call::Call;
use super::kernel::{GROUP_BYTES, LINE, MAX_COLS, MAX_MR, NR, Part, Set, Sums, Tile};

/// Fewer tiles than these would wait for the next panel's prefetch rather than hide it.
const PREFETCH_TILES: usize = 8;

/// Computes what `call` says.
///
/// # Safety
///
/// As [`Kernels::multiply`](crate::gemm::product::Kernels::multiply), and `set` has the kernels of the call's number types.
pub(super) unsafe fn multiply(set: &Set, call: &Call<'_>) {
    if call.rows() == 0 {
        return;
    }

    let mut sums: [Sums; MAX_MR] = [[0; MAX_COLS]; MAX_MR];
    let starts = call.starts();
    let all = call.columns.end;
    let mut first = call.columns.start;
    while first < all {
        let shell = set.shell(all - first);
        let cols = shell.cols.min(all - first);
        let tiles = call.rows().div_ceil(shell.mr);
        let parts = [0, 1].map(|i| call.part(i, first, cols));
        let mut offset = call.offset(first, cols);
        if set.less_128 {
            for i in 0..2 {
                take_128(&mut offset, call.panels(i, first, cols), first % NR);
            }
        }
        let next = first + cols;
        let fetches = tiles >= PREFETCH_TILES && next.is_multiple_of(NR) && next < all;
        let mut ahead = [0, 1].map(|i| {
            let next = if fetches { call.panels(i, next, shell.cols) } else { &[] };
            next.chunks(next.len().div_ceil(tiles).next_multiple_of(LINE).max(LINE))
        });
        for slot in (0..call.rows()).step_by(shell.mr) {
            let tile = Tile {
                parts: [0, 1].map(|i| Part { a: starts[i][slot..].as_ptr(), ..parts[i] }),
                prefetch: ahead.each_mut().map(|chunks| chunks.next().unwrap_or(&[])),
                adds: false,
            };
            let some = slot..(slot + shell.mr).min(call.rows());
            let results = call.results(some, first, cols, &offset);
            // SAFETY: the kernel is one of this CPU. `Product::new` saw every window inside its map and every result inside C;
            // panels have k·16 weights. Only the last tile has fewer columns than a chunk of results, and scale and bias are filled up to
            // whole tiles of the widest. C overlaps nothing and is the caller's alone.
            unsafe {
                shell.call(&tile, sums.as_mut_ptr().cast());
                (set.epilogue)(&results, &sums);
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
