//! The network, forward and backward, on the engine's matrix product.
//!
//! Every sum has one order, whatever the number of threads: threads divide outputs, and sums over a batch are formed
//! image by image and then added in order.

mod arch;
pub mod axis;
pub mod conv;
mod export;
pub mod map;
pub mod mask;
mod network;
pub mod norm;
mod params;

pub use arch::{Arch, EncoderLevel, LayerShape, Prior};
pub use export::{Dtype, export};
pub use network::{Network, Phase};
pub use params::{Params, Tensor};

use crate::{data::Batch, loss::LossWeights, vgg::Vgg};

/// The loss of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct LossReport {
    /// Name and unweighted value of each term in use.
    pub terms: Vec<(&'static str, f32)>,
    /// Their weighted sum.
    pub total: f32,
}

/// A network that trains: its shape, its buffers and its threads.
pub struct Net {
    network: Network<f32>,
    pool: rayon::ThreadPool,
}

impl Net {
    /// For an architecture that [`Arch::check`] accepts, on `threads` threads (0 = all cores).
    ///
    /// # Panics
    /// If the threads cannot be had.
    pub fn new(arch: &Arch, threads: usize) -> Self {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        Self { network: Network::new(arch), pool: pool.expect("threads to train on") }
    }

    /// Gives the perceptual and the style loss their features.
    pub fn set_vgg(&mut self, vgg: Vgg<f32>) {
        self.network.set_vgg(vgg);
    }

    /// One forward and one backward pass. `prior` `[n, size, size, 3]` is the harmonic fill of the batch, given exactly
    /// where the architecture asks for it. Updates the running statistics in `params`, except those `phase` freezes;
    /// `grads[i]` gets the gradient of `params.tensors[i]`, and stays empty where that is not trained.
    ///
    /// # Panics
    /// If `params` are another architecture's, `prior` is missing or too much, or a VGG term is asked for without
    /// [`Net::set_vgg`].
    pub fn step(
        &mut self,
        params: &mut Params,
        batch: &Batch,
        prior: Option<&[f32]>,
        losses: &LossWeights,
        phase: Phase,
        grads: &mut Vec<Vec<f32>>,
    ) -> LossReport {
        let Self { network, pool } = self;
        pool.install(|| {
            network.forward(params, batch, prior, Some(phase));
            let (terms, total) = network.losses(losses);
            network.backward(params, phase, grads);
            LossReport { terms: terms.into_iter().map(|(name, v)| (name, v as f32)).collect(), total: total as f32 }
        })
    }

    /// The composites `[n, size, size, 3]` of a batch: known pixels as they are, the network's fill, not clipped,
    /// elsewhere. Batch norm uses the running statistics.
    ///
    /// # Panics
    /// As [`Net::step`].
    pub fn fill(&mut self, params: &Params, batch: &Batch, prior: Option<&[f32]>) -> Vec<f32> {
        let Self { network, pool } = self;
        pool.install(|| {
            network.forward(&mut params.clone(), batch, prior, None);
            network.composite().to_vec()
        })
    }
}
