//! One layer: a partial convolution of one or two maps, its normalisation and its activation.

use super::difference::{Check, Function, largest_error, normal};
use crate::{
    net::{
        axis::Axis,
        conv::{Conv, WeightGradients, convolve, input_gradient},
        map::Map,
        mask::{self, Masks, Read},
        norm::{self, Affine, Moments},
    },
    rng::Rng,
};

/// Batch norm, or not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Norm {
    /// y + b.
    Bias,
    /// With the moments of the batch.
    Train,
    /// With given moments.
    Frozen,
}

/// Where nothing is known.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Hole {
    /// Nowhere.
    None,
    /// At random, in two pixels of five.
    Scattered,
    /// Left and below, so that windows at the border see nothing, and in all of the second image but a corner.
    Border,
}

/// A layer to check.
#[derive(Clone, Debug)]
pub struct LayerCase {
    /// Name in the table.
    pub op: &'static str,
    /// Kernel.
    pub kernel: usize,
    /// Of each input: axis, height, width, channels.
    pub inputs: Vec<(Axis, usize, usize, usize)>,
    /// Height, width, channels.
    pub output: (usize, usize, usize),
    /// Batch norm, or not.
    pub norm: Norm,
    /// Slope of the activation below zero.
    pub slope: f64,
    /// The inputs' masks.
    pub hole: Hole,
}

/// What the shipped backward pass is given, for a test to spoil.
pub struct Parts<'a> {
    /// See [`norm::backward`].
    pub affine: &'a Affine<f64>,
    /// See [`norm::backward`].
    pub slope: f64,
    /// See [`norm::backward`].
    pub of_batch: bool,
    /// See [`norm::backward`].
    pub known: Option<&'a [u8]>,
    /// See [`norm::backward`].
    pub ratio: Option<&'a [f64]>,
}

const N: usize = 2;

impl LayerCase {
    /// An encoder layer on a map of `height`×`width`.
    pub fn encoder(
        op: &'static str,
        kernel: usize,
        size: (usize, usize),
        channels: (usize, usize),
        hole: Hole,
    ) -> Self {
        let inputs = vec![(Axis::strided(kernel, 2), size.0, size.1, channels.0)];
        let output = (size.0.div_ceil(2), size.1.div_ceil(2), channels.1);
        Self { op, kernel, inputs, output, norm: Norm::Bias, slope: 1.0, hole }
    }

    /// A decoder layer whose upsampled map is `height`×`width`.
    pub fn decoder(op: &'static str, size: (usize, usize), channels: (usize, usize, usize), hole: Hole) -> Self {
        let (height, width) = (2 * size.0, 2 * size.1);
        let inputs =
            vec![(Axis::upsampled(), size.0, size.1, channels.0), (Axis::strided(3, 1), height, width, channels.1)];
        Self { op, kernel: 3, inputs, output: (height, width, channels.2), norm: Norm::Bias, slope: 1.0, hole }
    }

    /// Every case of the table.
    pub fn all() -> Vec<Self> {
        use Hole::*;
        let encoder = |kernel, size, hole| Self::encoder("partial convolution, stride 2", kernel, size, (3, 4), hole);
        let decoder = |size, hole| Self::decoder("partial convolution, up and skip", size, (3, 2, 4), hole);
        let mut cases = Vec::new();
        for kernel in [3, 5, 7] {
            for (size, hole) in [((8, 8), None), ((8, 6), Scattered), ((7, 9), Scattered), ((10, 8), Border)] {
                cases.push(encoder(kernel, size, hole));
            }
        }
        // Large enough for a product of their own each image.
        cases.push(encoder(3, (18, 17), Scattered));
        for (size, hole) in [((4, 4), None), ((3, 5), Scattered), ((4, 3), Border), ((9, 8), Scattered)] {
            cases.push(decoder(size, hole));
        }
        for kernel in [3, 5] {
            let plain = vec![(Axis::strided(kernel, 1), 5, 7, 3)];
            let case = Self { inputs: plain, output: (5, 7, 4), ..encoder(kernel, (5, 7), Scattered) };
            cases.push(Self { op: "partial convolution, stride 1", ..case });
        }
        let upsampled = decoder((3, 4), Scattered);
        cases.push(Self { op: "upsample", inputs: upsampled.inputs[..1].to_vec(), ..upsampled });
        let (small, pair) = (encoder(3, (8, 10), Scattered), decoder((3, 4), Border));
        for (op, slope) in [("ReLU", 0.0), ("leaky ReLU", 0.2)] {
            cases.push(Self { op, slope, ..small.clone() });
            cases.push(Self { op, slope, ..pair.clone() });
        }
        for (op, norm) in [("batch norm, train", Norm::Train), ("batch norm, frozen", Norm::Frozen)] {
            cases.push(Self { op, norm, ..encoder(3, (8, 10), Border) });
            cases.push(Self { op, norm, slope: 0.0, ..small.clone() });
            cases.push(Self { op, norm, slope: 0.2, ..pair.clone() });
        }
        cases
    }

    /// Checks the gradients that the shipped backward pass gives for the parts that `spoil` leaves of its own.
    pub fn check(&self, spoil: impl for<'a> Fn(Parts<'a>) -> Parts<'a>) -> Check {
        let sizes: Vec<_> = self.inputs.iter().map(|(_, h, w, c)| format!("{h}×{w}×{c}")).collect();
        let (height, width, channels) = self.output;
        let Self { kernel, hole, .. } = self;
        let shape = format!("{kernel}×{kernel}, {} → {height}×{width}×{channels}, hole {hole:?}", sizes.join(" + "));
        let error = largest_error(&mut Layer::new(self, spoil), &format!("{}, {shape}", self.op));
        Check { op: self.op.to_owned(), shape, error }
    }
}

/// Inputs: maps, weights, then γ and β or the bias.
struct Layer<'a, F> {
    case: &'a LayerCase,
    spoil: F,
    convs: Vec<Conv<f64>>,
    masks: Vec<Masks>,
    maps: Vec<(Map, Vec<f64>)>,
    known: Masks,
    ratio: Vec<f64>,
    y: (Map, Vec<f64>),
    affine: Affine<f64>,
    moments: Moments,
    /// The value is the sum of the outputs times these.
    probe: Vec<f64>,
}

impl<'a, F: for<'b> Fn(Parts<'b>) -> Parts<'b>> Layer<'a, F> {
    fn new(case: &'a LayerCase, spoil: F) -> Self {
        let (height, width, channels) = case.output;
        let conv = |(axis, _, _, c): &(Axis, usize, usize, usize)| Conv::new(case.kernel, axis.clone(), *c, channels);
        let convs: Vec<_> = case.inputs.iter().map(conv).collect();
        let outputs = [height, width];
        let mut back = 0;
        let mut maps = Vec::new();
        for (axis, height, width, channels) in &case.inputs {
            let samples = [*height, *width];
            let halo = |axis: &Axis, samples: [usize; 2], outputs: [usize; 2]| {
                (0..2).map(|i| axis.halo(samples[i], outputs[i])).max().unwrap_or(0)
            };
            back = back.max(halo(&axis.transposed(), outputs, samples));
            let halo = halo(axis, samples, outputs);
            let map = Map { n: N, height: *height, width: *width, channels: *channels, halo };
            maps.push((map, vec![0.0; map.len()]));
        }
        let y = Map { n: N, height, width, channels, halo: back };
        Self {
            case,
            spoil,
            convs,
            masks: Vec::new(),
            maps,
            known: Masks::new(N, height, width),
            ratio: vec![0.0; N * height * width],
            y: (y, vec![0.0; y.len()]),
            affine: Affine::default(),
            moments: Moments::default(),
            probe: Vec::new(),
        }
    }

    /// The output's map, without halo.
    fn out(&self) -> Map {
        Map { halo: 0, ..self.y.0 }
    }
}

impl<F: for<'b> Fn(Parts<'b>) -> Parts<'b>> Function for Layer<'_, F> {
    fn draw(&mut self, rng: &mut Rng) -> Vec<Vec<f64>> {
        let channels = self.case.output.2;
        self.masks.clear();
        for (_, height, width, _) in &self.case.inputs {
            let mut masks = Masks::new(N, *height, *width);
            for (i, known) in masks.known.iter_mut().enumerate() {
                let (image, y, x) = (i / (height * width), i / width % height, i % width);
                *known = u8::from(match self.case.hole {
                    Hole::None => true,
                    Hole::Scattered => rng.chance(0.6),
                    Hole::Border if image == 0 => x * 2 >= *width && (y + 1) * 3 < 2 * *height,
                    Hole::Border => x == 0 && y == 0,
                });
            }
            self.masks.push(masks);
        }
        self.probe = normal(rng, self.out().len());
        self.moments = Moments {
            mean: normal(rng, channels),
            variance: (0..channels).map(|_| rng.range(0.5, 2.0).into()).collect(),
        };
        let mut inputs: Vec<_> = self.maps.iter().map(|(map, _)| normal(rng, map.pixels() * map.channels)).collect();
        inputs.extend(self.convs.iter().map(|conv| normal(rng, conv.weights())));
        inputs.push(normal(rng, channels));
        if self.case.norm != Norm::Bias {
            inputs.push(normal(rng, channels));
        }
        inputs
    }

    fn value(&mut self, inputs: &[Vec<f64>]) -> f64 {
        let count = self.convs.len();
        for (((map, data), x), masks) in self.maps.iter_mut().zip(inputs).zip(&self.masks) {
            for (i, (x, &known)) in x.chunks_exact(map.channels).zip(&masks.known).enumerate() {
                let (image, y, x_) = (i / (map.height * map.width), i / map.width % map.height, i % map.width);
                let at = map.at(image, y as isize, x_ as isize);
                data[at..at + map.channels].iter_mut().zip(x).for_each(|(out, x)| *out = x * f64::from(known));
            }
        }
        for (conv, weight) in self.convs.iter_mut().zip(&inputs[count..]) {
            conv.pack_forward(weight);
            conv.pack_backward(weight);
        }
        let read = |(conv, masks): (_, _)| -> Read<'_> {
            let conv: &Conv<f64> = conv;
            Read { axis: conv.axis(), channels: conv.c_in(), masks, decides: true }
        };
        let reads: Vec<_> = self.convs.iter().zip(&self.masks).map(read).collect();
        mask::partial(self.case.kernel, &reads, &mut self.known, &mut self.ratio);
        let reads: Vec<_> = self.convs.iter().zip(&self.maps).map(|(c, (map, data))| (c, (*map, &data[..]))).collect();
        convolve(&reads, Some(&self.ratio), self.y.0, &mut self.y.1);
        let last = &inputs[2 * count..];
        self.affine = match self.case.norm {
            Norm::Bias => Affine::bias(&last[0]),
            Norm::Train => {
                Affine::batch_norm(&last[0], &last[1], &norm::moments(self.y.0, &self.y.1, &self.known.known))
            }
            Norm::Frozen => Affine::batch_norm(&last[0], &last[1], &self.moments),
        };
        let mut out = vec![0.0; self.out().len()];
        let known = Some(&self.known.known[..]);
        norm::forward(&self.affine, self.case.slope, known, (self.y.0, &self.y.1), (self.out(), &mut out));
        out.iter().zip(&self.probe).map(|(out, probe)| out * probe).sum()
    }

    fn gradients(&mut self, inputs: &[Vec<f64>]) -> Vec<Vec<f64>> {
        let count = self.convs.len();
        let Parts { affine, slope, of_batch, known, ratio } = (self.spoil)(Parts {
            affine: &self.affine,
            slope: self.case.slope,
            of_batch: self.case.norm == Norm::Train,
            known: Some(&self.known.known),
            ratio: Some(&self.ratio),
        });
        let mut delta = self.probe.clone();
        let of_affine = norm::backward(affine, slope, of_batch, known, ratio, &mut delta, (self.y.0, &mut self.y.1));

        let mut gradients: Vec<Vec<f64>> = inputs[..2 * count].iter().map(|input| vec![0.0; input.len()]).collect();
        let (of_maps, of_weights) = gradients.split_at_mut(count);
        let y = (self.y.0, &self.y.1[..]);
        for (((conv, (map, _)), masks), out) in self.convs.iter().zip(&self.maps).zip(&self.masks).zip(of_maps) {
            input_gradient(&[(conv, y)], Map { halo: 0, ..*map }, out);
            for (out, &known) in out.chunks_exact_mut(map.channels).zip(&masks.known) {
                out.iter_mut().for_each(|d| *d *= f64::from(known));
            }
        }
        let reads: Vec<_> = self.convs.iter().zip(&self.maps).map(|(c, (map, data))| (c, (*map, &data[..]))).collect();
        let mut of_weights: Vec<_> = of_weights.iter_mut().map(|w| &mut w[..]).collect();
        WeightGradients::default().compute(&reads, y, &mut of_weights);
        if self.case.norm != Norm::Bias {
            gradients.push(of_affine.gamma);
        }
        gradients.push(of_affine.beta);
        gradients
    }
}
