//! AdamW, the gradient's norm and the moving average of the weights.
//!
//! Tensors are cut in chunks of fixed length, so that no sum depends on the number of threads.

use crate::{
    config::Optimizer,
    net::{Params, Tensor},
};
use rayon::prelude::*;

/// Values of one tensor that one task takes at a time.
const CHUNK: usize = 1 << 14;

/// The two moments of AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101, algorithm 2), a pair for every trained
/// tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct AdamW {
    /// Moving average of the gradient, in the order of the tensors; empty where the tensor is not trained.
    pub first: Vec<Vec<f32>>,
    /// Moving average of its square.
    pub second: Vec<Vec<f32>>,
}

impl AdamW {
    /// Moments of zero.
    pub fn new(params: &Params) -> Self {
        let zeros = |tensor: &Tensor| vec![0.0; if tensor.trained { tensor.data.len() } else { 0 }];
        let zeros: Vec<_> = params.tensors.iter().map(zeros).collect();
        Self { first: zeros.clone(), second: zeros }
    }

    /// Update number `t`, from 1, by the gradients times `scale`. A tensor without a gradient stands still.
    ///
    /// In the notation of the paper, with η the `rate` and λ the decay where the tensor decays, otherwise 0:
    /// θ ← θ − ηλθ − η · m̂ / (√v̂ + ε), m̂ = m / (1 − β₁ᵗ), v̂ = v / (1 − β₂ᵗ).
    pub fn update(&mut self, o: &Optimizer, t: u64, rate: f64, scale: f64, params: &mut Params, grads: &[Vec<f32>]) {
        let [b1, b2] = o.betas;
        let stride = (rate / (1.0 - power(b1, t))) as f32;
        let root = (1.0 - power(b2, t)).sqrt() as f32;
        let (scale, epsilon) = (scale as f32, o.epsilon as f32);
        let (k1, k2, b2) = ((1.0 - b1) as f32, (1.0 - b2) as f32, b2 as f32);
        let moments = self.first.iter_mut().zip(&mut self.second);
        for ((tensor, grad), (first, second)) in params.tensors.iter_mut().zip(grads).zip(moments) {
            if grad.is_empty() {
                continue;
            }
            let keep = if tensor.decay { (1.0 - rate * o.decay) as f32 } else { 1.0 };
            let chunks = tensor.data.par_chunks_mut(CHUNK).zip(grad.par_chunks(CHUNK));
            let moments = first.par_chunks_mut(CHUNK).zip(second.par_chunks_mut(CHUNK));
            chunks.zip(moments).for_each(|((values, grads), (first, second))| {
                for (((value, grad), m), v) in values.iter_mut().zip(grads).zip(first).zip(second) {
                    let g = grad * scale;
                    *m += k1 * (g - *m);
                    *v = b2 * *v + k2 * g * g;
                    *value = *value * keep - stride * *m / (v.sqrt() / root + epsilon);
                }
            });
        }
    }
}

/// `base`ⁿ by squaring, in one order everywhere.
fn power(base: f64, n: u64) -> f64 {
    let (mut square, mut n, mut product) = (base, n, 1.0);
    while n > 0 {
        if n & 1 == 1 {
            product *= square;
        }
        square *= square;
        n >>= 1;
    }
    product
}

/// Squared norms of the gradients, one a tensor, summed in f64.
pub fn squared_norms(grads: &[Vec<f32>]) -> Vec<f64> {
    let square = |values: &[f32]| values.iter().map(|&v| f64::from(v) * f64::from(v)).sum::<f64>();
    let norm = |grad: &Vec<f32>| grad.par_chunks(CHUNK).map(square).collect::<Vec<_>>().iter().sum();
    grads.iter().map(norm).collect()
}

/// The factor that brings a gradient of norm `norm` down to `limit`.
pub fn clip(norm: f64, limit: f64) -> f64 {
    if norm > limit { limit / norm } else { 1.0 }
}

/// The share of the moving average that stays in update number `t`, from 1: less at first, so that the average soon
/// forgets where it began.
pub fn memory(ema: f64, t: u64) -> f64 {
    ema.min((1.0 + t as f64) / (10.0 + t as f64))
}

/// Moves `average` towards `params`, running statistics included: e ← e + (1 − `memory`)·(p − e).
pub fn average(average: &mut Params, params: &Params, memory: f64) {
    let share = (1.0 - memory) as f32;
    for (average, tensor) in average.tensors.iter_mut().zip(&params.tensors) {
        average.data.par_chunks_mut(CHUNK).zip(tensor.data.par_chunks(CHUNK)).for_each(|(average, values)| {
            average.iter_mut().zip(values).for_each(|(average, value)| *average += share * (value - *average));
        });
    }
}
