//! Products of bytes where an instruction adds two of them up in 16 bits, which hold them unless both weights are large and of
//! one sign. Of such pairs the second weight is taken out of the panels, into rows of its own.
//!
//! ```text
//! for each panel
//!   for each block of rows
//!     for each mr rows         the microkernel: the sums of what the panel has
//!     for each of its halves
//!       for each mr rows       the microkernel adds what was taken out
//!     the results from the sums
//! ```

use std::array::from_fn;
use std::ops::Range;

use super::call::Call;
use super::kernel::{GROUP_BYTES, MAX_COLS, MAX_MR, NR, Part, Set, Sums, Tile};
use crate::error::Result;
use crate::gemm::packed::Shape;
use crate::gemm::rest::{ROW, Rest};
use crate::gemm::window::Window;

/// Columns that rows of weights taken out are for.
const COLUMNS: usize = ROW / GROUP_BYTES;

/// Halves of a panel.
const HALVES: usize = NR / COLUMNS;

/// Rows of weights whose places in the map are known at a time.
const STRETCH: usize = 128;

/// Takes out of the panels of i8 what pairs cannot have.
///
/// # Errors
///
/// Limits, where the memory cannot be had.
pub(super) fn take_out(shape: &Shape, panels: &mut [u8]) -> Result<Rest> {
    let count = shape.variants * shape.panels();
    let mut rest = Rest::of_lists(count * HALVES)?;
    for panel in 0..count {
        let rows = panels[panel * shape.panel_len()..][..shape.panel_len()].as_chunks_mut().0;
        for half in 0..HALVES {
            for (group, row) in rows.iter_mut().skip(half).step_by(HALVES).enumerate() {
                let out = of_row(row);
                if out != [0; ROW] {
                    row.iter_mut().zip(out).for_each(|(weight, out)| *weight ^= out);
                    rest.push(out, group as u32)?;
                }
            }
            rest.end();
        }
    }
    Ok(rest)
}

/// Rows whose sums are in memory at a time, whole tiles of every shape: as many as small stacks allow.
const ROWS: usize = 80;

/// Sums of rows, and of a short last tile, which nobody reads.
type AllSums = [Sums; ROWS + MAX_MR];

/// Computes what `call` says of bytes.
///
/// # Safety
///
/// As [`Kernels::multiply`](crate::gemm::product::Kernels::multiply), and `set` is of this CPU.
///
/// # Panics
///
/// If nobody has [taken out](take_out) what pairs cannot have.
pub(super) unsafe fn multiply(set: &Set, call: &Call<'_>) {
    let starts = call.starts();
    let mut sums = [[0; MAX_COLS]; ROWS + MAX_MR];
    for first in call.columns.clone().step_by(NR) {
        let columns = first..call.columns.end.min(first + NR);
        let offset = call.offset(first, columns.len());
        for block in (0..call.rows()).step_by(ROWS) {
            let rows = block..call.rows().min(block + ROWS);
            let starts = starts.each_ref().map(|starts| &starts[block..]);
            let part = Rows { starts, count: rows.len(), columns: columns.clone() };
            // SAFETY: passed on to the caller.
            unsafe {
                multiply_panel(set, call, &part, &mut sums);
                add_rest(set, call, &part, &mut sums);
            }
            for tile in rows.clone().step_by(MAX_MR) {
                let results = call.results(tile..rows.end.min(tile + MAX_MR), first, columns.len(), &offset);
                // SAFETY: C overlaps nothing and is the caller's alone; `Product::new` saw every result inside it. Scale and bias
                // are filled up to whole tiles of the widest.
                unsafe { (set.epilogue)(&results, &sums[tile - block..]) };
            }
        }
    }
}

/// Some rows of a call, in the columns of a panel.
struct Rows<'a> {
    /// Their row pointers and more, of each operand.
    starts: [&'a [*const u8]; 2],
    count: usize,
    columns: Range<usize>,
}

/// The sums of what a panel has.
///
/// # Safety
///
/// As [`multiply`].
unsafe fn multiply_panel(set: &Set, call: &Call<'_>, part: &Rows<'_>, sums: &mut AllSums) {
    let Rows { starts, count: rows, ref columns } = *part;
    let shell = set.shell(columns.len());
    for tile in (0..rows).step_by(shell.mr) {
        for col in columns.clone().step_by(shell.cols) {
            let part = |i: usize| Part { a: starts[i][tile..].as_ptr(), ..call.part(i, col, 1) };
            let products = Tile { parts: [part(0), part(1)], prefetch: [&[]; 2], adds: false };
            // SAFETY: the kernel is one of this CPU. `Product::new` saw every window inside its map, panels have k·16 weights, and
            // the sums have room for the tile.
            unsafe { shell.call(&products, sums[tile..].as_mut_ptr().cast::<i32>().add(col - columns.start)) };
        }
    }
}

/// Adds the products of what was taken out of a panel.
///
/// # Safety
///
/// As [`multiply`].
unsafe fn add_rest(set: &Set, call: &Call<'_>, part: &Rows<'_>, sums: &mut AllSums) {
    let Rows { starts, count: rows, ref columns } = *part;
    let shell = set.shell(COLUMNS);
    let mut offsets = [0; STRETCH];
    for (factors, starts) in call.factors.iter().flatten().zip(starts) {
        for half in 0..columns.len().div_ceil(COLUMNS) {
            let (weights, groups) = factors.rest.list((factors.before + columns.start / NR) * HALVES + half);
            let mut places = Places::new(&factors.window);
            for (weights, groups) in weights.chunks(STRETCH).zip(groups.chunks(STRETCH)) {
                offsets.iter_mut().zip(groups).for_each(|(offset, group)| *offset = places.of(*group));
                for tile in (0..rows).step_by(shell.mr) {
                    let part = Part {
                        a: starts[tile..].as_ptr(),
                        runs: weights.len(),
                        run: GROUP_BYTES,
                        stride: 0,
                        offsets: offsets.as_ptr(),
                        b: weights.as_ptr().cast(),
                        row: ROW,
                        panel: 0,
                    };
                    let products = Tile { parts: [part, Part::NONE], prefetch: [&[]; 2], adds: true };
                    // SAFETY: the kernel is one of this CPU. `Product::new` saw every window inside its map, and each row of weights
                    // has a place in it; the sums have room for the tile.
                    unsafe { shell.call(&products, sums[tile..].as_mut_ptr().cast::<i32>().add(half * COLUMNS)) };
                }
            }
        }
    }
}

/// Where groups of a window lie in the map, from the first one on.
struct Places {
    /// Groups of a run.
    run: usize,
    /// From the end of a run to the start of the next.
    gap: usize,
    /// Gaps before the run at hand, together, and its end.
    gaps: usize,
    end: usize,
}

impl Places {
    fn new(window: &Window) -> Self {
        let run = window.run_len / GROUP_BYTES;
        Self { run, gap: window.run_stride.wrapping_sub(window.run_len), gaps: 0, end: run }
    }

    /// The place of a group, which is no earlier than that of the call before.
    fn of(&mut self, group: u32) -> usize {
        let group = group as usize;
        while group >= self.end {
            self.gaps = self.gaps.wrapping_add(self.gap);
            self.end += self.run;
        }
        self.gaps.wrapping_add(group * GROUP_BYTES)
    }
}

/// The second weight of pairs that 16 bits may not hold, zeros beside: values are up to 255, and so weights of one sign up to 128
/// together are held.
fn of_row(row: &[u8; ROW]) -> [u8; ROW] {
    let out: [i16; ROW / 2] = from_fn(|j| {
        let pair = i16::from_le_bytes([row[2 * j], row[2 * j + 1]]);
        let (low, high) = (pair << 8 >> 8, pair >> 8);
        let is_large = low.max(0) + high.max(0) > 128 || low.min(0) + high.min(0) < -128;
        if is_large { pair & !0xff } else { 0 }
    });
    from_fn(|j| out[j / 2].to_le_bytes()[j % 2])
}
