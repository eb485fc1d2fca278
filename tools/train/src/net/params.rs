//! The numbers that are trained, by name.

use super::arch::{Arch, LayerShape};
use crate::{real::Real, rng::Rng};

/// A named tensor.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor<T = f32> {
    /// `LAYER.weight` (`LAYER.up` and `LAYER.skip` in the decoder), then `LAYER.bias`, or of batch norm `LAYER.scale`,
    /// `LAYER.shift`, `LAYER.mean` and `LAYER.variance`.
    pub name: String,
    /// Weights `[k, k, c_in, c_out]`, the rest `[c_out]`.
    pub shape: Vec<usize>,
    /// The numbers, last axis innermost.
    pub data: Vec<T>,
    /// Whether it has a gradient; running statistics have none.
    pub trained: bool,
    /// Whether weight decay applies.
    pub decay: bool,
}

/// Every tensor of a network, in the order of its layers.
#[derive(Clone, Debug, PartialEq)]
pub struct Params<T = f32> {
    /// In the order that [`Tensor::name`] gives.
    pub tensors: Vec<Tensor<T>>,
}

/// Where a layer's tensors are in [`Params`].
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    /// Its first weights.
    pub weights: usize,
    /// Its bias, or its scale, which shift, mean and variance follow.
    pub norm: usize,
}

pub(crate) fn places(layers: &[LayerShape]) -> Vec<Place> {
    let mut next = 0;
    let place = |layer: &LayerShape| {
        let norm = next + if layer.c_skip > 0 { 2 } else { 1 };
        let place = Place { weights: next, norm };
        next = norm + if layer.batch_norm { 4 } else { 1 };
        place
    };
    layers.iter().map(place).collect()
}

impl<T: Real> Params<T> {
    /// Fresh parameters: normal weights of variance 2/((1 + slope²)·fan in) (He et al. 2015), those of dec1 a tenth of
    /// the deviation; biases 0, scales 1.
    pub fn init(arch: &Arch, rng: &mut Rng) -> Self {
        let mut tensors = Vec::new();
        for layer in arch.layers() {
            let slope = layer.slope();
            let deviation = (2.0 / ((1.0 + slope * slope) * layer.fan_in() as f32)).sqrt();
            let deviation = if layer.name == "dec1" { 0.1 * deviation } else { deviation };
            let mut weights = |name: &str, channels: usize| {
                let shape = vec![layer.kernel, layer.kernel, channels, layer.c_out];
                let data = (0..shape.iter().product()).map(|_| T::of(f64::from(deviation * rng.normal()))).collect();
                Tensor { name: format!("{}.{name}", layer.name), shape, data, trained: true, decay: true }
            };
            match layer.c_skip {
                0 => tensors.push(weights("weight", layer.c_in)),
                c_skip => tensors.extend([weights("up", layer.c_in), weights("skip", c_skip)]),
            }
            let mut channels = |name: &str, value: T, trained| {
                let (name, shape) = (format!("{}.{name}", layer.name), vec![layer.c_out]);
                tensors.push(Tensor { name, shape, data: vec![value; layer.c_out], trained, decay: false });
            };
            if layer.batch_norm {
                channels("scale", T::one(), true);
                channels("shift", T::zero(), true);
                channels("mean", T::zero(), false);
                channels("variance", T::one(), false);
            } else {
                channels("bias", T::zero(), true);
            }
        }
        Self { tensors }
    }
}
