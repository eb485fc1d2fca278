//! One partial convolution: weights folded and packed, active pixels gathered, the sum renormalised.
//!
//! At an output pixel with mask m (1 = known) and window size K = k²·C_in (Liu et al. 2018, equation 1):
//!
//! ```text
//! s = Σ m        y = (Σ W·(x·m))·(K/s) + b  and new mask 1 where s > 0,  y = 0 and new mask 0 where s = 0
//! ```
//!
//! Feature maps hold zeros in their holes and in a halo around them, so x·m is the map itself and every window lies
//! inside it. The prior beside an input has no holes, and counts in s wherever there is image.

mod fold;
pub(crate) mod plane;
pub(crate) mod windows;

use crate::alloc::Plain;
use crate::error::Result;
use crate::gemm::{Finish, Gemm, MAX_ROWS, Operand, Output, Packed, Row, Window};
use crate::numerics::Activation;
use crate::parallel::Pool;
use crate::simd::Isa;
use crate::weights::LayerShape;

/// A feature map, [height + 2·halo, width + 2·halo, channels] floats in the arena.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Map {
    pub width: usize,
    pub height: usize,
    pub channels: usize,
    pub halo: usize,
    /// First float in the arena.
    pub offset: usize,
}

impl Map {
    pub fn row_stride(&self) -> usize {
        (self.width + 2 * self.halo) * self.channels
    }

    pub fn len(&self) -> usize {
        (self.height + 2 * self.halo) * self.row_stride()
    }

    /// Float of pixel (x, y) relative to the map, `-halo` ≤ x, y.
    pub fn at(&self, x: isize, y: isize) -> usize {
        let halo = self.halo as isize;
        (y + halo) as usize * self.row_stride() + (x + halo) as usize * self.channels
    }

    /// Zeros the halo of `data`.
    pub fn clear_halo(&self, data: &mut [f32]) {
        let (stride, side) = (self.row_stride(), self.halo * self.channels);
        for (y, row) in data.chunks_exact_mut(stride).enumerate() {
            if (self.halo..self.halo + self.height).contains(&y) {
                row[..side].fill(0.0);
                row[stride - side..].fill(0.0);
            } else {
                row.fill(0.0);
            }
        }
    }
}

/// A pixel to compute, and its K/s.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(C)]
pub(crate) struct Pixel {
    pub x: u16,
    pub y: u16,
    pub ratio: f32,
}

#[allow(unsafe_code)]
// SAFETY: two integers of two bytes and a float behind them.
unsafe impl Plain for Pixel {}

/// A layer ready to run.
pub(crate) struct Layer {
    gemm: Gemm,
    /// One operand of an encoder layer; up (a variant per output parity) and skip of a decoder layer.
    weights: Vec<Packed>,
    finish: Finish,
    shape: LayerShape,
}

impl Layer {
    /// From `weight` [c_out, c_in + c_skip, k, k] and `bias` [c_out] in the order of the file.
    pub fn new(isa: Isa, shape: &LayerShape, weight: &[f32], bias: &[f32], activation: Activation) -> Result<Self> {
        let gemm = Gemm::new(isa, shape.c_out)?;
        let taps = shape.kernel * shape.kernel;
        let per_output = (shape.c_in + shape.c_skip) * taps;
        let filter = |column: usize| &weight[column * per_output..][..per_output];
        let weights = if shape.c_skip == 0 {
            vec![gemm.pack(1, per_output, |_, column, out| fold::channels_last(filter(column), taps, out))?]
        } else {
            let up = shape.c_in * taps;
            vec![
                gemm.pack(4, 4 * shape.c_in, |parity, column, out| {
                    fold::upsampled(&filter(column)[..up], parity & 1, parity >> 1, out)
                })?,
                gemm.pack(1, shape.c_skip * taps, |_, column, out| {
                    fold::channels_last(&filter(column)[up..], taps, out)
                })?,
            ]
        };
        Ok(Self { gemm, weights, finish: gemm.finish(bias, activation), shape: shape.clone() })
    }

    /// Bytes of packed weights that a layer of this shape will have.
    pub fn bytes_for(isa: Isa, shape: &LayerShape) -> Result<usize> {
        let gemm = Gemm::new(isa, shape.c_out)?;
        let taps = shape.kernel * shape.kernel;
        let floats = match shape.c_skip {
            0 => gemm.packed(1, shape.c_in * taps),
            skip => gemm.packed(4, 4 * shape.c_in) + gemm.packed(1, skip * taps),
        };
        Ok(floats.saturating_mul(size_of::<f32>()))
    }

    /// Bytes of packed weights.
    pub fn bytes(&self) -> usize {
        self.weights.iter().map(Packed::bytes).sum()
    }

    /// Computes `pixels` of `out`: one list, or for a decoder layer one per output parity (index 2·(y mod 2) + x mod 2).
    /// `inputs` are the layer's operands, each a map and its floats.
    pub fn run(&self, inputs: &[(Map, &[f32])], pixels: [&[Pixel]; 4], out: (Map, &mut [f32]), pool: &Pool) {
        let (out_map, out) = (out.0, Output::new(out.1));
        let block = MAX_ROWS / self.gemm.mr() * self.gemm.mr();
        let blocks = pixels.map(|list| list.len().div_ceil(block)).into_iter().max().unwrap_or(0);
        let lists = if self.weights.len() == 1 { 1 } else { 4 };
        let panels = self.gemm.panels();
        // Few pixels, as in the deepest layers, are shared out by panels of output channels.
        let groups = match pool.threads() {
            1 => 1,
            threads => (4 * threads).div_ceil((blocks * lists).max(1)).min(panels),
        };

        pool.run(blocks * lists * groups, |task| {
            let (block_of, parity, group) = (task / (lists * groups), task / groups % lists, task % groups);
            let list = pixels[parity];
            let list = &list[(block_of * block).min(list.len())..((block_of + 1) * block).min(list.len())];
            let mut rows = [Row::default(); MAX_ROWS];
            for (row, pixel) in rows.iter_mut().zip(list) {
                let (x, y) = (pixel.x as isize, pixel.y as isize);
                row.c = out_map.at(x, y);
                row.ratio = pixel.ratio;
                if let [(up, _), (skip, _)] = inputs {
                    row.a = [up.at((x - 1) >> 1, (y - 1) >> 1), skip.at(x - 1, y - 1)];
                } else {
                    let pad = (self.shape.kernel / 2) as isize;
                    row.a[0] = inputs[0].0.at(2 * x - pad, 2 * y - pad);
                }
            }
            let mut operands = [self.operand(inputs, 0, parity); 2];
            if inputs.len() == 2 {
                operands[1] = self.operand(inputs, 1, parity);
            }
            let part = |i: usize| i * panels / groups;
            // SAFETY: the pixels of a layer are distinct, and a task has its own block of them or its own panels.
            #[allow(unsafe_code)]
            unsafe {
                let rows = &rows[..list.len()];
                self.gemm.rows(&operands[..inputs.len()], &self.finish, rows, part(group)..part(group + 1), &out)
            };
        });
    }

    fn operand<'a>(&'a self, inputs: &[(Map, &'a [f32])], index: usize, parity: usize) -> Operand<'a> {
        let (map, data) = inputs[index];
        // The 3×3 window over the upsampled map is 2×2 in the map itself.
        let (side, variant) = match (inputs.len(), index) {
            (1, _) => (self.shape.kernel, 0),
            (_, 0) => (2, parity),
            _ => (3, 0),
        };
        let window = Window { runs: side, run_len: side * map.channels, run_stride: map.row_stride() };
        Operand { map: data, window, weights: &self.weights[index], variant }
    }
}
