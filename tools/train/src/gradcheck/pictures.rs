//! The composite, the losses and whole networks.

use super::difference::{Check, Function, largest_error, normal};
use crate::{
    data::Batch,
    loss::{LossWeights, Losses, Pixels},
    net::{Arch, EncoderLevel, Network, Params, Phase, Prior, map::Map},
    rng::Rng,
    vgg::Vgg,
};

pub(super) fn run(each: &mut dyn FnMut(&Check)) {
    each(&check("composite", "2 of 6×6, no prior", &mut Picture::new(Prior::None, 6, LossWeights { ..NOTHING }, true)));
    each(&check(
        "composite",
        "2 of 5×5, prior",
        &mut Picture::new(Prior::Harmonic, 5, LossWeights { ..NOTHING }, true),
    ));
    for (op, losses) in [
        ("hole loss", LossWeights { hole: 1.0, ..NOTHING }),
        ("valid loss", LossWeights { valid: 1.0, ..NOTHING }),
        ("decibel loss", LossWeights { decibel: 1.0, ..NOTHING }),
        ("gradient loss", LossWeights { gradient: 1.0, ..NOTHING }),
        ("total variation", LossWeights { variation: 1.0, ..NOTHING }),
    ] {
        for (prior, size) in [(Prior::None, 6), (Prior::Harmonic, 7)] {
            let shape = format!("2 of {size}×{size}, prior {prior:?}");
            each(&check(op, &shape, &mut Picture::new(prior, size, losses, false)));
        }
    }
    for (prior, size) in [(Prior::None, 12), (Prior::Harmonic, 17)] {
        let shape = format!("2 of {size}×{size}, prior {prior:?}");
        let losses = LossWeights { ssim: 1.0, ..NOTHING };
        each(&check("ssim loss", &shape, &mut Picture::new(prior, size, losses, false)));
    }
    let all = LossWeights { gradient: 2.0, decibel: 0.1, vgg_crop: 0, ..LossWeights::default() };
    for (encoder, size, prior, prior_input, freeze_encoder_bn, context) in [
        (&[(3, 3)][..], 6, Prior::None, false, false, None),
        (&[(5, 3), (3, 4)], 8, Prior::Harmonic, false, false, None),
        (&[(5, 3), (3, 4)], 9, Prior::Harmonic, true, false, None),
        (&[(5, 3), (3, 4)], 9, Prior::Harmonic, true, false, Some(1)),
        (&[(5, 3), (3, 4)], 8, Prior::None, false, true, None),
        (&[(7, 2), (5, 3), (3, 3)], 11, Prior::None, false, false, None),
    ] {
        let level = |&(kernel, channels): &(usize, usize)| EncoderLevel { channels, kernel };
        let encoder = encoder.iter().map(level).collect();
        let arch = Arch { encoder, prior, prior_input, context, ..Arch::paper(1, 1) };
        let phase = if freeze_encoder_bn { ", encoder frozen" } else { "" };
        let read = if prior_input { " read" } else { "" };
        let seen = context.map_or(String::new(), |pixels| format!(", context {pixels}"));
        let shape = format!("{} levels, 2 of {size}×{size}, prior {prior:?}{read}{seen}{phase}", arch.levels());
        let phase = Phase { freeze_encoder_bn, ..Phase::default() };
        each(&check("network", &shape, &mut Whole::new(arch, size, all, phase)));
    }
    for (op, losses) in [
        ("perceptual loss", LossWeights { perceptual: 1.0, vgg_crop: 8, ..NOTHING }),
        ("style loss", LossWeights { style: 1.0, vgg_crop: 8, ..NOTHING }),
    ] {
        each(&check(op, "2 of 9×9, crop 8×8", &mut Picture::new(Prior::None, 9, losses, false)));
    }
}

/// No term at all.
const NOTHING: LossWeights = LossWeights {
    hole: 0.0,
    valid: 0.0,
    decibel: 0.0,
    ssim: 0.0,
    gradient: 0.0,
    perceptual: 0.0,
    style: 0.0,
    variation: 0.0,
    vgg_crop: 0,
};

fn check(op: &str, shape: &str, function: &mut impl Function) -> Check {
    Check { op: op.to_owned(), shape: shape.to_owned(), error: largest_error(function, &format!("{op}, {shape}")) }
}

/// Two pictures with holes, and a prior.
fn draw(rng: &mut Rng, size: usize) -> (Batch, Vec<f32>) {
    let mut numbers = |count: usize| (0..count).map(|_| rng.unit()).collect::<Vec<f32>>();
    let (images, prior) = (numbers(6 * size * size), numbers(6 * size * size));
    // A square in the first, and in the second half of the pixels.
    let inside = |v: usize| v >= size / 3 && v < size - size / 4;
    let hole = |i: usize| i < size * size && inside(i / size) && inside(i % size);
    let masks = (0..2 * size * size).map(|i| u8::from(if i < size * size { !hole(i) } else { rng.chance(0.5) }));
    let masks = masks.collect();
    (Batch { images, masks, size, n: 2 }, prior)
}

/// Composite and losses as a function of the network's output. Without losses: of both pictures, a random sum.
struct Picture {
    arch: Arch,
    map: Map,
    batch: Option<(Batch, Vec<f32>)>,
    losses: Losses<f64>,
    weights: LossWeights,
    pixels: Pixels<f64>,
    probe: Option<[Vec<f64>; 2]>,
    random_sum: bool,
}

impl Picture {
    fn new(prior: Prior, size: usize, weights: LossWeights, random_sum: bool) -> Self {
        let arch = Arch { prior, ..Arch::paper(1, 1) };
        let map = Map { n: 2, height: size + 1, width: size + 1, channels: 3, halo: 1 };
        let mut losses = Losses::default();
        if weights.vgg_crop > 0 {
            losses.set_vgg(random_vgg());
        }
        Self { arch, map, batch: None, losses, weights, pixels: Pixels::default(), probe: None, random_sum }
    }
}

/// Filters of VGG16's shapes that keep the scale of 0 … 255.
fn random_vgg() -> Vgg<f64> {
    let mut rng = Rng::stream(16, 0, 0);
    let tensor = |_: &str, shape: &[usize]| {
        let scale = if shape.len() > 1 { (2.0 / (9 * shape[1]) as f64).sqrt() } else { 5.0 };
        Ok(normal(&mut rng, shape.iter().product()).into_iter().map(|v| v * scale).collect())
    };
    Vgg::new(tensor).expect("every tensor is given")
}

impl Function for Picture {
    fn probes(&self) -> usize {
        if self.weights.vgg_crop > 0 { 24 } else { 160 }
    }

    fn draw(&mut self, rng: &mut Rng) -> Vec<Vec<f64>> {
        self.batch = Some(draw(rng, self.map.height - 1));
        let len = 3 * 2 * (self.map.height - 1).pow(2);
        self.probe = self.random_sum.then(|| [normal(rng, len), normal(rng, len)]);
        vec![normal(rng, self.map.len())]
    }

    fn value(&mut self, inputs: &[Vec<f64>]) -> f64 {
        let (batch, prior) = self.batch.as_ref().expect("inputs are drawn first");
        let prior = (self.arch.prior == Prior::Harmonic).then_some(&prior[..]);
        self.pixels.compose(batch, prior, (self.map, &inputs[0]), &self.arch);
        match &self.probe {
            Some([fill, composite]) => {
                self.pixels.d_fill.clone_from(fill);
                self.pixels.d_composite.clone_from(composite);
                let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
                dot(&self.pixels.fill, fill) + dot(&self.pixels.composite, composite)
            }
            None => self.losses.evaluate(&self.weights, &mut self.pixels).1,
        }
    }

    fn gradients(&mut self, _: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let map = Map { halo: 0, ..self.map };
        let mut dense = vec![0.0; map.len()];
        self.pixels.output_gradient(&self.arch, map, &mut dense);
        let mut gradient = vec![0.0; self.map.len()];
        for row in 0..map.n * map.height {
            let (image, y) = (row / map.height, row % map.height);
            gradient[self.map.row(image, y)].copy_from_slice(&dense[map.row(image, y)]);
        }
        vec![gradient]
    }
}

/// A network with its losses as a function of its parameters.
struct Whole {
    network: Network<f64>,
    params: Params<f64>,
    size: usize,
    batch: Option<(Batch, Vec<f32>)>,
    arch: Arch,
    weights: LossWeights,
    phase: Phase,
}

impl Whole {
    fn new(arch: Arch, size: usize, weights: LossWeights, phase: Phase) -> Self {
        let params = Params::init(&arch, &mut Rng::stream(0, 0, 0));
        Self { network: Network::new(&arch), params, size, batch: None, arch, weights, phase }
    }
}

impl Function for Whole {
    fn draw(&mut self, rng: &mut Rng) -> Vec<Vec<f64>> {
        self.batch = Some(draw(rng, self.size));
        self.params = Params::init(&self.arch, rng);
        let random = |tensor: &crate::net::Tensor<f64>, rng: &mut Rng| -> Vec<f64> {
            match tensor.name.rsplit('.').next() {
                Some("scale" | "variance") => tensor.data.iter().map(|_| rng.range(0.5, 2.0).into()).collect(),
                Some("shift" | "mean" | "bias") => normal(rng, tensor.data.len()),
                _ => tensor.data.clone(),
            }
        };
        self.params.tensors.iter().map(|tensor| random(tensor, rng)).collect()
    }

    fn value(&mut self, inputs: &[Vec<f64>]) -> f64 {
        for (tensor, input) in self.params.tensors.iter_mut().zip(inputs) {
            tensor.data.clone_from(input);
        }
        let (batch, prior) = self.batch.as_ref().expect("inputs are drawn first");
        let prior = (self.arch.prior == Prior::Harmonic).then_some(&prior[..]);
        self.network.forward(&mut self.params, batch, prior, Some(self.phase));
        self.network.losses(&self.weights).1
    }

    fn gradients(&mut self, _: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let mut gradients = Vec::new();
        self.network.backward(&self.params, self.phase, &mut gradients);
        for (gradient, tensor) in gradients.iter_mut().zip(&self.params.tensors) {
            // A frozen batch norm has no gradient by decree.
            if self.phase.freeze_encoder_bn
                && tensor.name.starts_with("enc")
                && tensor.name != "enc1.bias"
                && !tensor.decay
            {
                gradient.clear();
            }
        }
        gradients
    }
}
