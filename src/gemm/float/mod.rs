//! Products of f32: one accumulator and one fused multiply-add per k, k ascending.
//!
//! ```text
//! for each block of k              the rows' part of A stays in the L2 cache
//!   for each panel of nr columns   one [kc, nr] block of B streams from the L1 or L2 cache, the next one is fetched
//!     for each mr rows             the microkernel: mr·nr accumulators in registers
//! ```
//!
//! Block sizes never change a result: a later block of k resumes from the partial sum, which waits in C.

mod kernel;

use super::product::{Kernels, MAX_ROWS, Number, Product};
use super::window::Block;
use crate::alloc::Buffer;
use crate::error::Result;
use crate::numerics::Activation;
use kernel::{Kernel, Tile, TileEpilogue};

/// Fewer tiles than these would wait for the next panel's prefetch rather than hide it.
const PREFETCH_TILES: usize = 8;

/// Slots for the rows of a call and for the repeats that fill its last tile.
const SLOTS: usize = MAX_ROWS + 16;

/// The columns of every kernel divide this.
const MAX_NR: usize = 32;

/// Turns sums of f32 into results: y = activation(sum·ratio + bias).
pub struct Epilogue {
    /// A bias per column, and zeros up to a multiple of [`MAX_NR`].
    bias: Buffer,
    n: usize,
    activation: Activation,
}

impl Epilogue {
    /// With `bias` `[n]`, one per column.
    ///
    /// # Errors
    ///
    /// Limits, where the memory cannot be had.
    pub fn new(bias: &[f32], activation: Activation) -> Result<Self> {
        let n = bias.len();
        let mut padded = Buffer::zeroed(n.next_multiple_of(MAX_NR))?;
        padded[..n].copy_from_slice(bias);
        Ok(Self { bias: padded, n, activation })
    }
}

impl Number for f32 {
    type Left = f32;
    type Weight = f32;
    type Output = f32;
    type Epilogue = Epilogue;
}

impl Kernels for f32 {
    type Kernel = Kernel;

    const GROUP: usize = 1;

    unsafe fn multiply(kernel: &Kernel, product: &Product<'_, f32>, epilogue: &Epilogue) {
        assert!(epilogue.n == product.n, "expected an epilogue of {} columns, found {}", product.n, epilogue.n);
        // SAFETY: passed on to the caller.
        unsafe { run(kernel, product, Some(epilogue)) }
    }
}

/// Computes `product`; without an epilogue, the sums start from C and are stored as they are.
///
/// # Safety
///
/// As [`Kernels::multiply`].
pub(super) unsafe fn run(kernel: &Kernel, product: &Product<'_, f32>, epilogue: Option<&Epilogue>) {
    let Product { operands, rows, n, .. } = *product;
    if rows.is_empty() {
        return;
    }
    let Kernel { mr, nr, kc, .. } = *kernel;

    // Row pointers once for all panels and blocks; a short last tile repeats its last row, which then gives the same
    // result again.
    let (mut a, mut c, mut ratio) = ([[std::ptr::null(); SLOTS]; 2], [std::ptr::null_mut(); SLOTS], [0.0; SLOTS]);
    for slot in 0..rows.len().next_multiple_of(mr) {
        let row = slot.min(rows.len() - 1);
        for (i, a) in a.iter_mut().take(operands.len()).enumerate() {
            a[slot] = product.a(i, row);
        }
        c[slot] = product.c(row);
        ratio[slot] = rows[row].ratio;
    }

    let blocks = operands.iter().enumerate().flat_map(|(i, o)| o.window.blocks(kc, 1).map(move |b| (i, b)));
    // Without any k the sums are zero, and have an epilogue all the same.
    let without_k = operands.iter().all(|o| o.window.k() == 0).then_some((0, Block::EMPTY));
    let mut blocks = blocks.chain(without_k).peekable();
    let tiles = rows.len().div_ceil(mr);
    let mut resume = epilogue.is_none();
    while let Some((i, block)) = blocks.next() {
        let last = blocks.peek().is_none();
        let packed = |panel| match operands.get(i) {
            Some(o) => &o.weights.panel(o.variant, panel)[block.k * nr..][..block.len() * nr],
            None => &[],
        };
        for panel in product.panels.clone() {
            let first = panel * nr;
            let weights = packed(panel);
            let next = if panel + 1 < product.panels.end && tiles >= PREFETCH_TILES { packed(panel + 1) } else { &[] };
            let mut next = next.chunks(next.len().div_ceil(tiles).next_multiple_of(Buffer::LINE).max(Buffer::LINE));
            for slot in (0..rows.len()).step_by(mr) {
                let tile = Tile {
                    a: a[i][slot..].as_ptr(),
                    a_offset: block.offset,
                    runs: block.runs,
                    run_len: block.run_len,
                    run_stride: block.run_stride,
                    b: weights.as_ptr(),
                    prefetch: next.next().unwrap_or(&[]),
                    c: c[slot..].as_ptr(),
                    c_offset: first,
                    cols: nr.min(n - first),
                    resume,
                    epilogue: epilogue.filter(|_| last).map(|epilogue| TileEpilogue {
                        ratio: ratio[slot..].as_ptr(),
                        bias: epilogue.bias[first..].as_ptr(),
                        activation: epilogue.activation,
                    }),
                };
                // SAFETY: `Product::new` saw every window inside its map and every result inside C; `weights` has k·NR floats,
                // `bias` a multiple of NR; C overlaps nothing and is the caller's alone.
                unsafe { kernel.call(&tile) };
            }
        }
        resume = true;
    }
}
