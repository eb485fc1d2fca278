//! The layers in their order, run over a plan.

use std::ops::ControlFlow;

use super::plan::Plan;
use crate::error::{Error, ErrorKind, Result};
use crate::numerics::{Activation, fused, sigmoid, tanh};
use crate::parallel::Pool;
use crate::pconv::Layer;
use crate::simd::Isa;
use crate::weights::{Config, Output, Weights};

/// A network with its weights packed for one instruction set.
pub(crate) struct Network {
    pub config: Config,
    layers: Vec<Layer>,
    /// Weight `[3, 3]` and bias `[3]` of the head, or nothing.
    head: (Vec<f32>, Vec<f32>),
}

impl Network {
    /// Reads, folds and packs every layer.
    pub fn load(mut weights: Weights<'_>, isa: Isa) -> Result<Self> {
        let config = weights.config().clone();
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        let mut layers = Vec::new();
        for (i, shape) in config.layers.iter().enumerate() {
            weights.read_layer(i, &mut weight, &mut bias)?;
            let activation = match i {
                _ if i < config.levels => Activation::Relu,
                _ if i + 1 < 2 * config.levels => Activation::LeakyRelu(config.slope),
                _ => Activation::None,
            };
            layers.push(Layer::new(isa, shape, &weight, &bias, activation)?);
        }
        weights.read_head(&mut weight, &mut bias)?;
        Ok(Self { config, layers, head: (weight, bias) })
    }

    /// What follows dec1: the head, where there is one, and the function behind the last layer.
    pub fn finish(&self, mut v: [f32; 3]) -> [f32; 3] {
        let (weight, bias) = &self.head;
        if !weight.is_empty() {
            let x = v.map(|v| Activation::LeakyRelu(self.config.slope).apply(v));
            v = std::array::from_fn(|o| (0..3).fold(bias[o], |sum, c| fused(weight[3 * o + c], x[c], sum)));
        }
        match self.config.output {
            Output::Linear => v,
            Output::Tanh => v.map(tanh),
            Output::Sigmoid => v.map(sigmoid),
        }
    }

    /// Bytes of packed weights that a network of this description will have.
    pub fn bytes_for(config: &Config, isa: Isa) -> Result<usize> {
        config.layers.iter().try_fold(0, |sum: usize, shape| Ok(sum.saturating_add(Layer::bytes_for(isa, shape)?)))
    }

    /// Bytes of packed weights.
    pub fn bytes(&self) -> usize {
        self.layers.iter().map(Layer::bytes).sum()
    }

    /// Runs every layer. The layout's input map holds the normalised image, zero in its holes;
    /// the output map, the last step's, holds the result where the plan computes it.
    ///
    /// # Errors
    ///
    /// Cancelled, if `progress`, called with multiply–accumulates done after each layer, breaks.
    pub fn run(
        &self,
        plan: &Plan<'_>,
        arena: &mut [f32],
        pool: &Pool,
        progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
    ) -> Result<()> {
        let mut done = 0;
        let steps = plan.layout.steps.iter().zip(&plan.outputs);
        for (layer, (step, outputs)) in self.layers.iter().zip(steps) {
            let span = |i: usize| {
                let map = step.inputs.get(i).unwrap_or(&step.inputs[0]);
                map.offset..map.offset + map.len()
            };
            let out = step.output.offset..step.output.offset + step.output.len();
            // The layout keeps these apart; get_disjoint_mut checks it.
            let disjoint = "maps of a step do not overlap";
            let (inputs, out) = if step.inputs.len() == 2 {
                let [up, skip, out] = arena.get_disjoint_mut([span(0), span(1), out]).expect(disjoint);
                ([&*up, &*skip], out)
            } else {
                let [input, out] = arena.get_disjoint_mut([span(0), out]).expect(disjoint);
                ([&*input, &[][..]], out)
            };

            step.output.clear_halo(out);
            for pixel in plan.pixels(&outputs.blank) {
                let at = step.output.at(pixel.x as isize, pixel.y as isize);
                out[at..at + step.output.channels].fill(0.0);
            }
            let operands: [_; 2] = std::array::from_fn(|i| (*step.inputs.get(i).unwrap_or(&step.inputs[0]), inputs[i]));
            let pixels = outputs.computed.each_ref().map(|range| plan.pixels(range));
            layer.run(&operands[..step.inputs.len()], pixels, (step.output, out), pool);

            done += outputs.macs;
            if progress(done).is_break() {
                return Err(Error::new(ErrorKind::Cancelled, "stopped by the progress callback"));
            }
        }
        Ok(())
    }
}
