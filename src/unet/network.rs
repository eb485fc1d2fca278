//! The layers in their order, run over a plan.

use std::ops::ControlFlow;

use super::plan::Plan;
use crate::alloc::Buffer;
use crate::error::{Error, Result};
use crate::numerics::{Activation, mul_add, sigmoid, tanh};
use crate::parallel::Pool;
use crate::pconv::plane::Plane;
use crate::pconv::{IntegerLayer, Layer, Map, PartialConvolution, Values};
use crate::simd::Isa;
use crate::weights::{Config, Output, Weights};

/// Gets the number of a map and values of it, channels of whole pixels.
pub type Observer<'o> = dyn FnMut(usize, &[f32]) + Send + 'o;

/// A network with its weights packed for one instruction set.
pub(crate) struct Network {
    pub config: Config,
    /// enc1 … encL, decL … dec1, each of its own number type.
    layers: Vec<Box<dyn PartialConvolution>>,
    /// Weight `[3, 3]` and bias `[3]` of the head; empty without one.
    head: (Vec<f32>, Vec<f32>),
    /// Bytes of packed weights.
    bytes: usize,
}

impl Network {
    /// Reads, folds and packs every layer, by all threads of the pool.
    pub fn load(mut weights: Weights<'_>, isa: Isa, pool: &Pool) -> Result<Self> {
        let config = weights.config().clone();
        let (mut weight, mut bias) = (Vec::new(), Vec::new());
        // One allocation, which large pages may back.
        let bytes = Self::bytes_for(&config, isa)?;
        let mut memory = Buffer::zeroed(bytes / size_of::<f32>())?;
        let mut layers = Vec::<Box<dyn PartialConvolution>>::new();
        for (i, shape) in config.layers.iter().enumerate() {
            if let Some(layer) = integer_layer(&config, isa, i) {
                layers.push(layer.read(&mut weights, &mut memory)?);
                continue;
            }
            weights.read_layer(i, &mut weight, &mut bias)?;
            let activation = activation(&config, i);
            layers.push(Box::new(Layer::<f32>::new(isa, shape, (&weight, &bias), activation, pool, &mut memory)?));
        }
        let bytes = bytes + layers.iter().map(|layer| layer.rest_bytes()).sum::<usize>();
        weights.read_head(&mut weight, &mut bias)?;
        Ok(Self { config, layers, head: (weight, bias), bytes })
    }

    /// Applies what follows dec1 to a pixel: the head, if there is one, and the function after the last layer.
    pub fn epilogue(&self, mut v: [f32; 3]) -> [f32; 3] {
        let (weight, bias) = &self.head;
        if !weight.is_empty() {
            let x = v.map(|v| Activation::LeakyRelu(self.config.slope).apply(v));
            v = std::array::from_fn(|o| (0..3).fold(bias[o], |sum, c| mul_add(weight[3 * o + c], x[c], sum)));
        }
        match self.config.output {
            Output::Linear => v,
            Output::Tanh => v.map(tanh),
            Output::Sigmoid => v.map(sigmoid),
        }
    }

    /// Bytes of packed weights that a network of this description will have.
    pub fn bytes_for(config: &Config, isa: Isa) -> Result<usize> {
        config.layers.iter().enumerate().try_fold(0, |sum: usize, (i, shape)| {
            let bytes = match integer_layer(config, isa, i) {
                Some(layer) => layer.bytes()?,
                None => Layer::<f32>::bytes_for(isa, shape)?,
            };
            Ok(sum.saturating_add(bytes))
        })
    }

    /// Bytes of packed weights.
    pub fn bytes(&self) -> usize {
        self.bytes
    }

    /// Runs every layer. The layout's input map holds the normalised image, zero where the network sees nothing; afterwards
    /// its output map, the last step's, holds the result where the plan computes it. After each layer `progress` gets the
    /// multiply–accumulates done so far.
    ///
    /// # Errors
    ///
    /// Cancelled, if `progress` breaks.
    pub fn run(
        &self,
        plan: &Plan<'_>,
        arena: &mut [f32],
        pool: &Pool,
        progress: &mut (dyn FnMut(u64) -> ControlFlow<()> + Send),
        mut observe: Option<&mut Observer<'_>>,
    ) -> Result<()> {
        let mut tell = |index: usize, map: &Map, marks: &Plane<'_>, arena: &[f32]| {
            if let Some(observe) = observe.as_deref_mut().filter(|_| map.values == Values::F32) {
                for (y, run) in map.frame.rows().flat_map(|y| marks.runs(y).map(move |run| (y, run))) {
                    let first = map.offset + map.at(map.frame.x + run.start as isize, y);
                    observe(index, &arena[first..][..run.len() * map.channels()]);
                }
            }
        };
        tell(0, &plan.layout.input(), plan.known(), arena);
        let mut done = 0;
        for (i, (layer, step)) in self.layers.iter().zip(&plan.layout.steps).enumerate() {
            let work = plan.work(i);
            layer.run(&step.inputs, step.output, arena, &work, pool);
            tell(i + 1, &step.output, work.marks, arena);

            done += plan.macs_of(i);
            if progress(done).is_break() {
                return Err(Error::cancelled());
            }
        }
        Ok(())
    }
}

/// The function after layer `index`.
fn activation(config: &Config, index: usize) -> Activation {
    match index {
        _ if index < config.levels => Activation::Relu,
        _ if index + 1 < 2 * config.levels => Activation::LeakyRelu(config.slope),
        _ => Activation::None,
    }
}

/// Layer `index` of a network of integers.
fn integer_layer(config: &Config, isa: Isa, index: usize) -> Option<IntegerLayer<'_>> {
    let activation = activation(config, index);
    config.integers().map(|integers| IntegerLayer { isa, index, shape: &config.layers[index], integers, activation })
}
