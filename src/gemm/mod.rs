//! Matrix products whose left side is gathered: C[rows, n] = A[rows, k]·B[k, n], the shape of a convolution.
//!
//! The loops are those of Goto and van de Geijn (2008), less the packing of A: a row of A is a convolution window,
//! which in NHWC is a few runs of consecutive floats in the feature map itself, so the microkernel reads it there
//! (Dukhan 2019). B, the weights, is packed once into panels of `NR` columns.
//!
//! ```text
//! for each block of k              the rows' part of A stays in the L2 cache
//!   for each panel of nr columns   one [kc, nr] block of B streams from the L1 or L2 cache, the next one is fetched
//!     for each mr rows             the microkernel: mr·nr accumulators in registers
//! ```
//!
//! Block sizes never change a result: a later block of k resumes from the stored partial sum.

#![allow(unsafe_code)]

mod kernel;
#[cfg(test)]
mod tests;

use std::marker::PhantomData;
use std::ops::Range;

use crate::alloc::Buffer;
use crate::error::Result;
use crate::numerics::Activation;
use crate::simd::Isa;
use kernel::{Epilogue, Kernel, Tile};

/// How a row of A lies in its feature map: `runs` runs of `run_len` floats, `run_stride` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Number of runs, one per kernel row.
    pub runs: usize,
    /// Consecutive floats in a run: kernel width times channels.
    pub run_len: usize,
    /// Floats from the start of a run to the start of the next.
    pub run_stride: usize,
}

impl Window {
    /// k's in the window.
    pub fn k(&self) -> usize {
        self.runs.saturating_mul(self.run_len)
    }

    /// Floats from its first to past its last, if so many can be.
    fn span(&self) -> Option<usize> {
        self.runs.checked_sub(1)?.checked_mul(self.run_stride)?.checked_add(self.run_len)
    }
}

/// One part of A: windows of one feature map against one block of packed weights.
#[derive(Clone, Copy)]
pub struct Operand<'a> {
    /// The feature map.
    pub map: &'a [f32],
    /// The window every row has in it.
    pub window: Window,
    /// Its weights.
    pub weights: &'a Packed,
    /// Which variant of the weights.
    pub variant: usize,
}

/// One row: where its windows and its result start, and its renormalisation.
#[derive(Clone, Copy, Debug, Default)]
pub struct Row {
    /// First float of the window in each operand's map.
    pub a: [usize; 2],
    /// First float of the result in C.
    pub c: usize,
    /// K/s: the factor on the sum before the bias.
    pub ratio: f32,
}

/// The most rows of one [`Gemm::rows`] call: enough tiles for each panel to repay its way from memory.
pub const MAX_ROWS: usize = 192;

/// Fewer tiles than these would wait for the next panel's prefetch rather than hide it.
const PREFETCH_TILES: usize = 8;

/// Room for the rows of a call and for the repeats that fill its last tile.
const SLOTS: usize = MAX_ROWS + 16;

/// C, writable from several threads at distinct rows or panels.
pub struct Output<'a> {
    data: *mut f32,
    len: usize,
    lifetime: PhantomData<&'a mut [f32]>,
}

// SAFETY: the pointer is only written by `Gemm::rows`, whose caller keeps concurrent writes apart.
unsafe impl Sync for Output<'_> {}

impl<'a> Output<'a> {
    /// C over `data`.
    pub fn new(data: &'a mut [f32]) -> Self {
        Self { data: data.as_mut_ptr(), len: data.len(), lifetime: PhantomData }
    }
}

/// Weights packed into panels of `NR` columns: [variant, panel, k, NR], the last panel filled with zeros.
pub struct Packed {
    data: Buffer,
    k: usize,
    nr: usize,
    panels: usize,
}

impl Packed {
    /// Room for nothing, until [`Gemm::repack`] makes some.
    ///
    /// # Errors
    ///
    /// Limits, where no memory at all can be had.
    pub fn empty() -> Result<Self> {
        Ok(Self { data: Buffer::zeroed(0)?, k: 0, nr: 0, panels: 0 })
    }

    /// Floats of one panel.
    fn panel(&self, variant: usize, panel: usize) -> &[f32] {
        let len = self.k * self.nr;
        &self.data[(variant * self.panels + panel) * len..][..len]
    }

    /// Bytes held.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.data[..])
    }
}

/// What turns sums into results: y = activation(sum·ratio + bias).
#[derive(Debug)]
pub struct Finish {
    bias: Vec<f32>,
    activation: Activation,
}

/// A GEMM for one number of columns on one instruction set.
#[derive(Clone, Copy)]
pub struct Gemm {
    kernel: Kernel,
    n: usize,
}

impl Gemm {
    /// For `n` columns.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`.
    pub fn new(isa: Isa, n: usize) -> Result<Gemm> {
        Ok(Gemm { kernel: Kernel::new(isa.require()?, n), n })
    }

    /// Panels of columns, the units into which [`Gemm::rows`] can be divided.
    pub fn panels(&self) -> usize {
        self.n.div_ceil(self.kernel.nr)
    }

    /// Rows of a tile: batches of a multiple of this waste nothing.
    pub fn mr(&self) -> usize {
        self.kernel.mr
    }

    /// Packs `variants` matrices of `k` rows: `fill(variant, column, out)` writes a column of B, `out` `[k]`.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn pack(&self, variants: usize, k: usize, fill: impl Fn(usize, usize, &mut [f32])) -> Result<Packed> {
        let (nr, panels) = (self.kernel.nr, self.panels());
        let mut data = Buffer::zeroed(self.packed(variants, k))?;
        let mut column = Buffer::zeroed(k)?;
        for (i, panel) in data.chunks_exact_mut(k * nr).enumerate() {
            let (variant, first) = (i / panels, i % panels * nr);
            for j in 0..nr.min(self.n - first) {
                fill(variant, first + j, &mut column);
                for (row, &w) in panel.chunks_exact_mut(nr).zip(&column[..]) {
                    row[j] = w;
                }
            }
        }
        Ok(Packed { data, k, nr, panels })
    }

    /// Floats that [`Gemm::pack`] makes of `variants` matrices of `k` rows.
    pub fn packed(&self, variants: usize, k: usize) -> usize {
        variants * self.panels() * k * self.kernel.nr
    }

    /// Columns of a panel.
    pub fn nr(&self) -> usize {
        self.kernel.nr
    }

    /// Makes `packed` hold `variants` matrices of `k` rows, in the memory it has where that suffices, and lends their
    /// floats, `[variant, panel, k, NR]`, to be written over, with zeros past the last column.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn repack<'a>(&self, packed: &'a mut Packed, variants: usize, k: usize) -> Result<&'a mut [f32]> {
        let (nr, panels) = (self.kernel.nr, self.panels());
        let len = self.packed(variants, k);
        if packed.data.len() < len {
            packed.data = Buffer::zeroed(len)?;
        }
        (packed.k, packed.nr, packed.panels) = (k, nr, panels);
        Ok(&mut packed.data[..len])
    }

    /// The epilogue with `bias` `[n]`.
    pub fn finish(&self, bias: &[f32], activation: Activation) -> Finish {
        assert_eq!(bias.len(), self.n);
        let mut bias = bias.to_vec();
        bias.resize(self.panels() * self.kernel.nr, 0.0);
        Finish { bias, activation }
    }

    /// Computes `rows` of C in the columns of `panels`: for each element one accumulator, the k of the first operand
    /// in ascending order and then those of the second.
    ///
    /// # Panics
    ///
    /// If there are more than [`MAX_ROWS`], a window or a result lies outside its map, or packed weights are another kernel's.
    ///
    /// # Safety
    ///
    /// Concurrent calls with the same `out` must have distinct panels or rows that do not overlap in C, and nothing
    /// else may read or write these elements meanwhile.
    pub unsafe fn rows(
        &self,
        operands: &[Operand<'_>],
        finish: &Finish,
        rows: &[Row],
        panels: Range<usize>,
        out: &Output<'_>,
    ) {
        assert!(finish.bias.len() == self.panels() * self.kernel.nr);
        // SAFETY: passed on to the caller.
        unsafe { self.run(operands, Some(finish), rows, panels, out) }
    }

    /// Adds to `rows` of C in the columns of `panels`: the accumulators of [`Gemm::rows`] start from C, and the sums
    /// are stored as they are, without ratio, bias and activation.
    ///
    /// # Panics
    ///
    /// As [`Gemm::rows`].
    ///
    /// # Safety
    ///
    /// As [`Gemm::rows`].
    pub unsafe fn accumulate(&self, operands: &[Operand<'_>], rows: &[Row], panels: Range<usize>, out: &Output<'_>) {
        // SAFETY: passed on to the caller.
        unsafe { self.run(operands, None, rows, panels, out) }
    }

    /// # Safety
    ///
    /// As [`Gemm::rows`].
    unsafe fn run(
        &self,
        operands: &[Operand<'_>],
        finish: Option<&Finish>,
        rows: &[Row],
        panels: Range<usize>,
        out: &Output<'_>,
    ) {
        if rows.is_empty() {
            return;
        }
        let Kernel { mr, nr, kc, .. } = self.kernel;
        assert!(operands.len() <= 2 && rows.len() <= MAX_ROWS && panels.end <= self.panels());
        for row in rows {
            assert!(is_in(row.c, self.n, out.len));
        }
        for (i, operand) in operands.iter().enumerate() {
            let (window, weights) = (operand.window, operand.weights);
            assert!(weights.k == window.k() && weights.nr == nr && weights.panels == self.panels());
            for row in rows {
                assert!(window.span().is_some_and(|span| is_in(row.a[i], span, operand.map.len())));
            }
        }

        // Row pointers once for all panels and blocks; a short last tile repeats its last row, which then gives the same
        // result again.
        let (mut a, mut c, mut ratio) = ([[std::ptr::null(); SLOTS]; 2], [std::ptr::null_mut(); SLOTS], [0.0; SLOTS]);
        for slot in 0..rows.len().next_multiple_of(mr) {
            let row = &rows[slot.min(rows.len() - 1)];
            for (i, operand) in operands.iter().enumerate() {
                // SAFETY: the window starts inside the map, as asserted above.
                a[i][slot] = unsafe { operand.map.as_ptr().add(row.a[i]) };
            }
            // SAFETY: the row starts inside C, as asserted above.
            c[slot] = unsafe { out.data.add(row.c) };
            ratio[slot] = row.ratio;
        }

        let blocks = operands.iter().enumerate().flat_map(|(i, o)| blocks(o.window, kc).map(move |b| (i, b)));
        let mut blocks = blocks.peekable();
        let tiles = rows.len().div_ceil(mr);
        let mut resume = finish.is_none();
        while let Some((i, block)) = blocks.next() {
            let operand = &operands[i];
            let last = blocks.peek().is_none();
            for panel in panels.clone() {
                let first = panel * nr;
                let packed = |panel| &operand.weights.panel(operand.variant, panel)[block.k * nr..][..block.len() * nr];
                let weights = packed(panel);
                let next = if panel + 1 < panels.end && tiles >= PREFETCH_TILES { packed(panel + 1) } else { &[] };
                let mut next = next.chunks(next.len().div_ceil(tiles).next_multiple_of(Buffer::LINE).max(Buffer::LINE));
                for slot in (0..rows.len()).step_by(mr) {
                    let tile = Tile {
                        a: a[i][slot..].as_ptr(),
                        a_offset: block.offset,
                        runs: block.runs,
                        run_len: block.run_len,
                        run_stride: operand.window.run_stride,
                        b: weights.as_ptr(),
                        prefetch: next.next().unwrap_or(&[]),
                        c: c[slot..].as_ptr(),
                        c_offset: first,
                        cols: nr.min(self.n - first),
                        resume,
                        epilogue: finish.filter(|_| last).map(|finish| Epilogue {
                            ratio: ratio[slot..].as_ptr(),
                            bias: finish.bias[first..].as_ptr(),
                            activation: finish.activation,
                        }),
                    };
                    // SAFETY: every window of `rows` lies inside its map and every result inside C (asserted above);
                    // `weights` holds the block's k times NR floats, `bias` NR; the caller keeps other threads away
                    // from these elements of C, and `out` borrows C mutably, so it overlaps no other slice.
                    unsafe { self.kernel.call(&tile) };
                }
            }
            resume = true;
        }
    }
}

/// Whether `count` floats from `first` on are among `len`.
fn is_in(first: usize, count: usize, len: usize) -> bool {
    first.checked_add(count).is_some_and(|end| end <= len)
}

/// Part of a window: `runs` runs of `run_len` floats from `offset`, whose first k is `k`.
struct Block {
    offset: usize,
    k: usize,
    runs: usize,
    run_len: usize,
}

impl Block {
    /// k's in the block.
    fn len(&self) -> usize {
        self.runs * self.run_len
    }
}

/// Cuts a window into blocks of about `kc`: several whole runs, or an even part of one.
fn blocks(window: Window, kc: usize) -> impl Iterator<Item = Block> {
    let Window { runs, run_len, run_stride } = window;
    let (group, parts) = if run_len <= kc { (kc / run_len, 1) } else { (1, run_len.div_ceil(kc)) };
    let part = run_len.div_ceil(parts);
    (0..runs).step_by(group).flat_map(move |run| {
        (0..parts).map(move |p| Block {
            offset: run * run_stride + p * part,
            k: run * run_len + p * part,
            runs: group.min(runs - run),
            run_len: part.min(run_len - p * part),
        })
    })
}
