//! The layers in their order, forward and back.

use super::{
    arch::{Arch, LayerShape, Prior},
    axis::Axis,
    conv::{Conv, Maps, WeightGradients, convolve, input_gradient},
    map::Map,
    mask::{self, Masks, Read},
    norm::{self, Affine, Moments},
    params::{Params, Place, places},
};
use crate::{
    data::Batch,
    loss::{LossWeights, Losses, Pixels},
    real::Real,
    vgg::Vgg,
};

/// How batch norm behaves in a training step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Phase {
    /// The encoder's batch norms use their running statistics and get no gradient (Liu et al. 2018, section 4.2).
    pub freeze_encoder_bn: bool,
    /// Share of the batch in the new running statistics.
    pub momentum: f64,
}

impl Default for Phase {
    fn default() -> Self {
        Self { freeze_encoder_bn: false, momentum: 0.1 }
    }
}

/// A network and its buffers, in f32 or f64.
pub struct Network<T: Real> {
    arch: Arch,
    layers: Vec<Layer<T>>,
    /// The image with zeros in its holes, then the prior where it is read.
    input: (Map, Vec<T>),
    /// Side of the images, which the maps pad.
    size: usize,
    /// Known pixels of the images.
    known: Masks,
    /// What the network sees of them, hole or not: there the prior is known.
    seen: Masks,
    pixels: Pixels<T>,
    losses: Losses<T>,
    /// Gradient of the output of the layer at hand, without halo.
    delta: Vec<T>,
    weights: WeightGradients<T>,
}

struct Layer<T: Real> {
    shape: LayerShape,
    place: Place,
    /// One of an encoder layer; up and skip of a decoder layer.
    convs: Vec<Conv<T>>,
    masks: Masks,
    /// K/s, `[n, height, width]`.
    ratio: Vec<T>,
    affine: Affine<T>,
    /// The convolution's result times K/s; on the way back, the gradient of the convolution's sums.
    y: (Map, Vec<T>),
    /// The layer's output.
    out: (Map, Vec<T>),
}

impl<T: Real> Layer<T> {
    fn new(shape: LayerShape, place: Place) -> Self {
        let conv = |axis, c_in| Conv::new(shape.kernel, axis, c_in, shape.c_out);
        let convs = match shape.c_skip {
            0 => vec![conv(Axis::strided(shape.kernel, 2), shape.c_in)],
            c_skip => vec![conv(Axis::upsampled(), shape.c_in), conv(Axis::strided(shape.kernel, 1), c_skip)],
        };
        let (masks, ratio, affine) = (Masks::default(), Vec::new(), Affine::default());
        let nothing = || (Map::default(), Vec::new());
        Self { shape, place, convs, masks, ratio, affine, y: nothing(), out: nothing() }
    }

    fn out(&self) -> Maps<'_, T> {
        (self.out.0, &self.out.1)
    }

    fn y(&self) -> Maps<'_, T> {
        (self.y.0, &self.y.1)
    }
}

impl<T: Real> Network<T> {
    /// For an architecture that [`Arch::check`] accepts.
    pub fn new(arch: &Arch) -> Self {
        let shapes = arch.layers();
        let places = places(&shapes);
        Self {
            arch: arch.clone(),
            layers: shapes.into_iter().zip(places).map(|(shape, place)| Layer::new(shape, place)).collect(),
            input: (Map::default(), Vec::new()),
            size: 0,
            known: Masks::default(),
            seen: Masks::default(),
            pixels: Pixels::default(),
            losses: Losses::default(),
            delta: Vec::new(),
            weights: WeightGradients::default(),
        }
    }

    /// Gives the perceptual and the style loss their features.
    pub fn set_vgg(&mut self, vgg: Vgg<T>) {
        self.losses.set_vgg(vgg);
    }

    /// Buffers for `n` images of `size`×`size` pixels, padded to a multiple of 2^L.
    fn prepare(&mut self, n: usize, size: usize) {
        let levels = self.arch.levels();
        let side = size.next_multiple_of(1 << levels);
        if (self.known.n, self.size) == (n, size) {
            return;
        }
        self.size = size;
        self.known = Masks::new(n, side, side);
        self.seen = Masks::new(n, side, side);
        let side = |map: usize| side >> if map <= levels { map } else { 2 * levels - map };
        // The halo that the readers of map i need: the next layer, and on the way up the one that takes it as skip.
        let readers = |i: usize| {
            let skip = (i < levels).then(|| (2 * levels - 1 - i, 1));
            skip.into_iter().chain((i < 2 * levels).then_some((i, 0)))
        };
        let halo = |layers: &[Layer<T>], i: usize| {
            let of = |(layer, conv): (usize, usize)| layers[layer].convs[conv].axis().halo(side(i), side(layer + 1));
            readers(i).map(of).max().unwrap_or(0)
        };
        let buffer = |i: usize, channels: usize, halo: usize| {
            let map = Map { n, height: side(i), width: side(i), channels, halo };
            (map, vec![T::zero(); map.len()])
        };
        self.input = buffer(0, self.arch.inputs(), halo(&self.layers, 0));
        for i in 0..self.layers.len() {
            let halo = halo(&self.layers, i + 1);
            let layer = &mut self.layers[i];
            let channels = layer.shape.c_out;
            layer.out = buffer(i + 1, channels, halo);
            let sources = if i < levels { vec![i] } else { vec![i, 2 * levels - 1 - i] };
            let back = layer.convs.iter().zip(sources).map(|(conv, j)| conv.transposed().halo(side(i + 1), side(j)));
            layer.y = buffer(i + 1, channels, back.max().unwrap_or(0));
            layer.masks = Masks::new(n, side(i + 1), side(i + 1));
            layer.ratio = vec![T::zero(); layer.masks.known.len()];
        }
        let longest = self.layers.iter().map(|layer| layer.y.0.pixels() * layer.y.0.channels).max();
        self.delta = vec![T::zero(); longest.unwrap_or(0)];
    }

    /// Runs every layer. With a `phase` batch norm uses the moments of the batch, where not frozen, and updates the
    /// running ones in `params`; without, the running ones.
    ///
    /// # Panics
    /// If `params` are another architecture's, or `prior` is missing or too much.
    pub fn forward(&mut self, params: &mut Params<T>, batch: &Batch, prior: Option<&[f32]>, phase: Option<Phase>) {
        assert_eq!(prior.is_some(), self.arch.prior == Prior::Harmonic, "a prior where the architecture has one");
        let Batch { n, size, .. } = *batch;
        self.prepare(n, size);
        self.read(batch, prior);
        let levels = self.arch.levels();
        let Self { layers, input, known, seen, pixels, arch, .. } = self;
        for i in 0..layers.len() {
            let (before, after) = layers.split_at_mut(i);
            let Layer { shape, place, convs, masks, ratio, affine, y, out } = &mut after[0];
            let source = |map: usize| match map {
                0 => ((input.0, &*input.1), &*known),
                _ => (before[map - 1].out(), &before[map - 1].masks),
            };
            let sources = if i < levels { vec![i] } else { vec![i, 2 * levels - 1 - i] };
            let mut reads = Vec::new();
            for (conv, &map) in convs.iter().zip(&sources) {
                // Beside the image, map 0, the prior decides nothing.
                let beside = if map == 0 { arch.inputs() - 3 } else { 0 };
                let (axis, masks) = (conv.axis(), source(map).1);
                reads.push(Read { axis, channels: conv.c_in() - beside, masks, decides: true });
                if beside > 0 {
                    reads.push(Read { axis, channels: beside, masks: seen, decides: false });
                }
            }
            mask::partial(shape.kernel, &reads, masks, ratio);

            for (c, conv) in convs.iter_mut().enumerate() {
                conv.pack_forward(&params.tensors[place.weights + c].data);
            }
            let reads: Vec<_> = convs.iter().zip(sources).map(|(conv, map)| (conv, source(map).0)).collect();
            convolve(&reads, Some(ratio), y.0, &mut y.1);

            *affine = if shape.batch_norm {
                let moments = match phase {
                    Some(phase) if !(i < levels && phase.freeze_encoder_bn) => {
                        let moments = norm::moments(y.0, &y.1, &masks.known);
                        update(params, place.norm + 2, &moments.mean, phase.momentum);
                        update(params, place.norm + 3, &moments.variance, phase.momentum);
                        moments
                    }
                    _ => running(params, place.norm),
                };
                Affine::batch_norm(&params.tensors[place.norm].data, &params.tensors[place.norm + 1].data, &moments)
            } else {
                Affine::bias(&params.tensors[place.norm].data)
            };
            let slope = T::of(shape.slope().into());
            norm::forward(affine, slope, Some(&masks.known), (y.0, &y.1), (out.0, &mut out.1));
        }
        let last = layers.last().expect("a layer");
        pixels.compose(batch, prior, last.out(), arch);
    }

    /// (x − mean)/std where the network sees known pixels, 0 elsewhere; the same of the prior where it sees anything; and
    /// both masks.
    fn read(&mut self, batch: &Batch, prior: Option<&[f32]>) {
        let size = batch.size;
        let (map, input) = (self.input.0, &mut self.input.1);
        let channels = map.channels;
        let mean = self.arch.mean.map(|v| T::of(v.into()));
        let std = self.arch.std.map(|v| T::of(v.into()));
        let side = self.known.width;
        let seen = mask::seen(&batch.masks, size, self.arch.context);
        for (row, ((masks, seen), images)) in batch
            .masks
            .chunks_exact(size)
            .zip(seen.chunks_exact(size))
            .zip(batch.images.chunks_exact(3 * size))
            .enumerate()
        {
            let (image, y) = (row / size, row % size);
            let first = (image * side + y) * side;
            let known = &mut self.known.known[first..][..size];
            known.iter_mut().zip(masks).zip(seen).for_each(|((known, mask), seen)| *known = mask & seen);
            self.seen.known[first..][..size].copy_from_slice(seen);
            let out = input[map.row(image, y)].chunks_exact_mut(channels);
            for ((out, pixel), &known) in out.zip(images.chunks_exact(3)).zip(&*known) {
                for c in 0..3 {
                    out[c] = if known == 1 { (T::of(pixel[c].into()) - mean[c]) / std[c] } else { T::zero() };
                }
            }
            let prior = prior.filter(|_| channels > 3).map(|prior| &prior[3 * size * row..][..3 * size]);
            let out = input[map.row(image, y)].chunks_exact_mut(channels);
            for ((out, pixel), &seen) in out.zip(prior.unwrap_or_default().chunks_exact(3)).zip(seen) {
                for c in 0..3 {
                    out[3 + c] = if seen == 1 { (T::of(pixel[c].into()) - mean[c]) / std[c] } else { T::zero() };
                }
            }
        }
    }

    /// The composites of the last [`Network::forward`], `[n, size, size, 3]`.
    pub fn composite(&self) -> &[T] {
        &self.pixels.composite
    }

    /// The value of each term in use and their weighted sum, for the last [`Network::forward`].
    pub fn losses(&mut self, weights: &LossWeights) -> (Vec<(&'static str, f64)>, f64) {
        self.losses.evaluate(weights, &mut self.pixels)
    }

    /// The gradients of the last [`Network::losses`].
    pub fn backward(&mut self, params: &Params<T>, phase: Phase, grads: &mut Vec<Vec<T>>) {
        grads.resize_with(params.tensors.len(), Vec::new);
        for (grad, tensor) in grads.iter_mut().zip(&params.tensors) {
            grad.resize(if tensor.trained { tensor.data.len() } else { 0 }, T::zero());
        }
        let levels = self.arch.levels();
        let Self { layers, input, pixels, delta, weights, arch, .. } = self;
        pixels.output_gradient(arch, layers[2 * levels - 1].out.0, delta);
        for i in (0..layers.len()).rev() {
            let (before, after) = layers.split_at_mut(i);
            let (layer, after) = after.split_first_mut().expect("a layer");
            let Layer { shape, place, convs, masks, ratio, affine, y, out } = layer;

            // The output is read by the next layer, and on the way up by the one that takes it as skip.
            if let Some(next) = after.first() {
                let mut readers = vec![(&next.convs[0], next.y())];
                if i + 1 < levels {
                    let skip = &after[2 * levels - 3 - 2 * i];
                    readers.push((&skip.convs[1], skip.y()));
                }
                input_gradient(&readers, Map { halo: 0, ..out.0 }, delta);
            }

            let frozen = i < levels && phase.freeze_encoder_bn;
            let slope = T::of(shape.slope().into());
            let (known, ratio) = (Some(&masks.known[..]), Some(&ratio[..]));
            let of_affine = norm::backward(affine, slope, !frozen, known, ratio, delta, (y.0, &mut y.1));
            let mut put = |tensor: usize, values: &[f64]| match frozen && shape.batch_norm {
                true => grads[tensor].clear(),
                false => grads[tensor].iter_mut().zip(values).for_each(|(grad, &v)| *grad = T::of(v)),
            };
            put(place.norm, if shape.batch_norm { &of_affine.gamma } else { &of_affine.beta });
            if shape.batch_norm {
                put(place.norm + 1, &of_affine.beta);
            }

            let source = |map: usize| match map {
                0 => (input.0, &*input.1),
                _ => before[map - 1].out(),
            };
            let sources = if i < levels { vec![i] } else { vec![i, 2 * levels - 1 - i] };
            let inputs: Vec<_> = convs.iter().zip(sources).map(|(conv, map)| (conv, source(map))).collect();
            let mut of_weights: Vec<_> =
                grads[place.weights..place.weights + convs.len()].iter_mut().map(|grad| &mut grad[..]).collect();
            weights.compute(&inputs, (y.0, &y.1), &mut of_weights);

            // What the layers below will read: not enc1, nor the skip of dec1.
            for (c, conv) in convs.iter_mut().enumerate() {
                if i > 0 && (i, c) != (2 * levels - 1, 1) {
                    conv.pack_backward(&params.tensors[place.weights + c].data);
                }
            }
        }
    }
}

fn running<T: Real>(params: &Params<T>, norm: usize) -> Moments {
    let read = |tensor: usize| params.tensors[tensor].data.iter().map(|v| v.f64()).collect();
    Moments { mean: read(norm + 2), variance: read(norm + 3) }
}

fn update<T: Real>(params: &mut Params<T>, tensor: usize, of_batch: &[f64], momentum: f64) {
    for (running, &v) in params.tensors[tensor].data.iter_mut().zip(of_batch) {
        *running = T::of(running.f64() + momentum * (v - running.f64()));
    }
}
