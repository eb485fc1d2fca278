//! A layer of any number type: weights packed, active pixels gathered, sums renormalised.

use std::sync::Mutex;

use arrayvec::ArrayVec;

use super::map::{Map, Pixel};
use super::plane::Plane;
use crate::alloc::{Buffer, floats_for, values, values_mut};
use crate::error::Result;
use crate::gemm::{Gemm, MAX_ROWS, Number, Operand, Output, Packed, Row, Window};
use crate::parallel::{Pool, next};
use crate::simd::Isa;
use crate::weights::LayerShape;

/// The outputs of a layer that a plan asks for. All others in the map's frame become zero.
pub(crate) struct Work<'a> {
    /// Pixels to compute: one list, or for a decoder layer one per output parity (index 2·(y mod 2) + x mod 2).
    pub computed: [&'a [Pixel]; 4],
    /// The same pixels as marks in the map's frame.
    pub marks: &'a Plane<'a>,
}

/// A layer ready to run, whatever its number type: the layers of a network may differ in it.
pub(crate) trait PartialConvolution: Send + Sync {
    /// Does `work` on the map `output`. `inputs` are the layer's operands: the map before it and, in a
    /// decoder layer, the skip. All maps lie in `arena`.
    ///
    /// # Panics
    ///
    /// If the maps overlap.
    fn run(&self, inputs: &[Map], output: Map, arena: &mut [f32], work: &Work<'_>, pool: &Pool);

    /// Bytes of weights beside those that [`Layer::bytes_for`] counts, which depend on what the weights are.
    fn rest_bytes(&self) -> usize;
}

/// A layer of one number type.
pub(crate) struct Layer<N: Number = f32> {
    gemm: Gemm<N>,
    /// One operand of an encoder layer; up (a variant per output parity) and skip of a decoder layer.
    weights: ArrayVec<Packed<N::Weight>, 2>,
    epilogue: N::Epilogue,
    /// What stands for 0 in the map of the results.
    zero: N::Output,
    /// Side of an encoder layer's windows.
    kernel: usize,
}

/// Variants and k of each operand's weights. Runs are filled up to whole groups.
fn operands<N: Number>(shape: &LayerShape) -> ArrayVec<(usize, usize), 2> {
    shape.operands().map(|of| (of.variants(), of.k(N::GROUP))).collect()
}

impl<N: Number> Layer<N> {
    /// Packs the weights that `fill(operand, variant, column, out)` writes: an output channel's, in the order of k. They go to
    /// the front of `memory`, which has [`Layer::bytes_for`] or more.
    pub(super) fn pack(
        isa: Isa,
        shape: &LayerShape,
        (epilogue, zero): (N::Epilogue, N::Output),
        fill: impl Fn(usize, usize, usize, &mut [N::Weight]) + Sync,
        pool: &Pool,
        memory: &mut Buffer,
    ) -> Result<Self> {
        let gemm = Gemm::<N>::new(isa, shape.c_out)?;
        let mut weights = ArrayVec::new();
        for (operand, (variants, k)) in operands::<N>(shape).into_iter().enumerate() {
            let mut packed = Packed::in_buffer(memory.split_front(gemm.packed_bytes(variants, k) / size_of::<f32>()));
            let len = gemm.panel_len(k);
            let panels = gemm.repack(&mut packed, variants, k)?.chunks_exact_mut(len);
            // Every thread has columns of its own, and takes one panel after another.
            let tasks = pool.threads().min(panels.len());
            let mut columns = Buffer::zeroed(tasks * floats_for::<N::Weight>(len))?;
            let columns = Mutex::new(columns.chunks_exact_mut(floats_for::<N::Weight>(len)));
            let panels = Mutex::new(panels.enumerate());
            let fill = |variant: usize, column: usize, out: &mut [N::Weight]| fill(operand, variant, column, out);
            pool.run(tasks, |_| {
                let columns = values_mut(next(&columns).expect("columns for every task"));
                while let Some((index, panel)) = next(&panels) {
                    gemm.pack_panel(k, index, fill, columns, panel);
                }
            });
            weights.push(packed);
        }
        Ok(Self { gemm, weights, epilogue, zero, kernel: shape.kernel })
    }

    /// From weights that are packed already.
    pub(super) fn of(
        gemm: Gemm<N>,
        weights: ArrayVec<Packed<N::Weight>, 2>,
        epilogue: N::Epilogue,
        zero: N::Output,
        kernel: usize,
    ) -> Self {
        Self { gemm, weights, epilogue, zero, kernel }
    }

    /// Bytes of packed weights that a layer of this shape will have, in whole cache lines.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`.
    pub fn bytes_for(isa: Isa, shape: &LayerShape) -> Result<usize> {
        let gemm = Gemm::<N>::new(isa, shape.c_out)?;
        let line = size_of::<f32>() * Buffer::LINE;
        let bytes = operands::<N>(shape).into_iter().map(|(variants, k)| gemm.packed_bytes(variants, k));
        Ok(bytes.fold(0, |sum: usize, bytes| sum.saturating_add(bytes.div_ceil(line).saturating_mul(line))))
    }

    /// Computes `pixels` of `out`, as [`Work::computed`]. `inputs` are the layer's operands, each a map and its values.
    fn compute(&self, inputs: &[(Map, &[N::Left])], pixels: [&[Pixel]; 4], out: (Map, &mut [N::Output]), pool: &Pool) {
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
                    let pad = (self.kernel / 2) as isize;
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
                self.gemm.rows(&operands[..inputs.len()], &self.epilogue, rows, part(group)..part(group + 1), &out)
            };
        });
    }

    fn operand<'a>(&'a self, inputs: &[(Map, &'a [N::Left])], index: usize, parity: usize) -> Operand<'a, N> {
        let (map, data) = inputs[index];
        let (side, variant) = match (inputs.len(), index) {
            (1, _) => (self.kernel, 0),
            (_, 0) => (2, parity),
            _ => (3, 0),
        };
        let run_len = (side * map.channels()).next_multiple_of(N::GROUP);
        let window = Window { runs: side, run_len, run_stride: map.row_stride() };
        Operand { map: data, window, weights: &self.weights[index], variant }
    }
}

impl<N: Number> PartialConvolution for Layer<N> {
    fn run(&self, inputs: &[Map], output: Map, arena: &mut [f32], work: &Work<'_>, pool: &Pool) {
        let span = |map: Map| map.offset..map.offset + map.floats();
        let disjoint = "maps of a layer do not overlap";
        let (operands, out): (ArrayVec<_, 2>, _) = if let [up, skip] = *inputs {
            let [a, b, out] = arena.get_disjoint_mut([span(up), span(skip), span(output)]).expect(disjoint);
            (ArrayVec::from([(up, values(a)), (skip, values(b))]), out)
        } else {
            let [a, out] = arena.get_disjoint_mut([span(inputs[0]), span(output)]).expect(disjoint);
            (ArrayVec::from_iter([(inputs[0], values(a))]), out)
        };
        let out = &mut values_mut::<N::Output>(out)[..output.len()];

        output.clear_unmarked(out, self.zero, work.marks);
        self.compute(&operands, work.computed, (output, out), pool);
    }

    fn rest_bytes(&self) -> usize {
        self.weights.iter().map(Packed::rest_bytes).sum()
    }
}
