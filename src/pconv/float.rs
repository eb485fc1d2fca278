//! Layers of f32.

use super::fold;
use super::layer::Layer;
use crate::alloc::Buffer;
use crate::error::Result;
use crate::gemm::Epilogue;
use crate::numerics::Activation;
use crate::parallel::Pool;
use crate::simd::Isa;
use crate::weights::LayerShape;

impl Layer<f32> {
    /// In the front of `memory`, from `weight` [c_out, c_in + c_skip, k, k] and `bias` [c_out] in the order of the file.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`; limits, where memory cannot be had.
    pub fn new(
        isa: Isa,
        shape: &LayerShape,
        (weight, bias): (&[f32], &[f32]),
        activation: Activation,
        pool: &Pool,
        memory: &mut Buffer,
    ) -> Result<Self> {
        let taps = shape.kernel * shape.kernel;
        let per_output = (shape.c_in + shape.c_skip) * taps;
        let fill = |operand: usize, parity: usize, column: usize, out: &mut [f32]| {
            let (up, skip) = weight[column * per_output..][..per_output].split_at(shape.c_in * taps);
            match operand {
                0 if shape.c_skip > 0 => fold::upsampled(up, parity & 1, parity >> 1, out),
                0 => fold::channels_last(up, taps, out),
                _ => fold::channels_last(skip, taps, out),
            }
        };
        Self::pack(isa, shape, (Epilogue::new(bias, activation)?, 0.0), fill, pool, memory)
    }
}
