//! The features of the perceptual and the style loss: VGG16 up to pool3 (Simonyan and Zisserman 2014).

use crate::{
    net::{
        axis::Axis,
        conv::{Conv, convolve, input_gradient},
        map::Map,
        norm::{self, Affine},
    },
    real::Real,
    tensors::open,
};
use rayon::prelude::*;
use safetensors::{Dtype, SafeTensors};

/// Name, input and output channels of the convolutions, each 3×3 with padding 1 and ReLU.
const CONVS: [(&str, usize, usize); 7] = [
    ("conv1_1", 3, 64),
    ("conv1_2", 64, 64),
    ("conv2_1", 64, 128),
    ("conv2_2", 128, 128),
    ("conv3_1", 128, 256),
    ("conv3_2", 256, 256),
    ("conv3_3", 256, 256),
];

/// Convolutions that a 2×2 max pooling follows: pool1, pool2, pool3.
const POOLED: [usize; 3] = [1, 3, 6];

/// Subtracted from blue, green and red, values 0 … 255.
const MEAN: [f64; 3] = [103.939, 116.779, 123.68];

/// Side of the images is a multiple of this.
pub const MULTIPLE: usize = 8;

/// The network up to pool3 with its buffers.
pub struct Vgg<T: Real> {
    convs: Vec<Conv<T>>,
    biases: Vec<Affine<T>>,
    size: usize,
    input: (Map, Vec<T>),
    /// Of each convolution: its result, which on the way back becomes the gradient of its sums, and after ReLU.
    y: Vec<(Map, Vec<T>)>,
    out: Vec<(Map, Vec<T>)>,
    pools: [(Map, Vec<T>); 3],
    /// Gradient of the map at hand.
    delta: Vec<T>,
}

impl<T: Real> Vgg<T> {
    /// From a safetensors file, f32 or f16: `convB_L.weight` `[c_out, c_in, 3, 3]` for images in BGR, 0 … 255 minus mean,
    /// and `convB_L.bias`.
    ///
    /// # Errors
    /// One line that names the tensor.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, String> {
        let file = open(bytes).map_err(|error| format!("expected a safetensors file: {error}"))?;
        Self::new(|name, shape| read(&file, name, shape))
    }

    /// From tensors asked for by name and shape.
    pub(crate) fn new(mut tensor: impl FnMut(&str, &[usize]) -> Result<Vec<T>, String>) -> Result<Self, String> {
        let (mut convs, mut biases) = (Vec::new(), Vec::new());
        for (name, c_in, c_out) in CONVS {
            let weight = tensor(&format!("{name}.weight"), &[c_out, c_in, 3, 3])?;
            let bias = tensor(&format!("{name}.bias"), &[c_out])?;
            let mut taps = vec![T::zero(); weight.len()];
            for (i, &w) in weight.iter().enumerate() {
                let (o, c, tap) = (i / (9 * c_in), i / 9 % c_in, i % 9);
                taps[(tap * c_in + c) * c_out + o] = w;
            }
            let mut conv = Conv::new(3, Axis::strided(3, 1), c_in, c_out);
            conv.pack_forward(&taps);
            conv.pack_backward(&taps);
            convs.push(conv);
            biases.push(Affine::bias(&bias));
        }
        let nothing = || (Map::default(), Vec::new());
        let (y, out) = (CONVS.map(|_| nothing()).into(), CONVS.map(|_| nothing()).into());
        let pools = POOLED.map(|_| nothing());
        Ok(Self { convs, biases, size: 0, input: nothing(), y, out, pools, delta: Vec::new() })
    }

    /// Room for `n` images of `size`×`size`.
    fn prepare(&mut self, n: usize, size: usize) {
        if self.size != size || self.input.1.len() < n * self.input.0.image_len() {
            let buffer = |side: usize, channels: usize| {
                let map = Map { n, height: side, width: side, channels, halo: 1 };
                (map, vec![T::zero(); map.len()])
            };
            self.size = size;
            self.input = buffer(size, 3);
            for (i, (_, _, c_out)) in CONVS.into_iter().enumerate() {
                let scale = POOLED.iter().filter(|&&pooled| pooled < i).count();
                self.y[i] = buffer(size >> scale, c_out);
                self.out[i] = buffer(size >> scale, c_out);
            }
            for (scale, pool) in self.pools.iter_mut().enumerate() {
                *pool = buffer(size >> (scale + 1), CONVS[POOLED[scale]].2);
            }
            self.delta = vec![T::zero(); n * size * size * CONVS[0].2];
        }
        let maps = self.y.iter_mut().chain(&mut self.out).chain(&mut self.pools).chain([&mut self.input]);
        maps.for_each(|(map, _)| map.n = n);
    }

    /// pool1, pool2 and pool3 of `n` images, `[n, size, size, 3]`, RGB, 0 … 1; maps with a halo of 1.
    pub fn forward(&mut self, n: usize, size: usize, images: &[T]) -> &[(Map, Vec<T>); 3] {
        assert!(
            size.is_multiple_of(MULTIPLE) && images.len() == 3 * n * size * size,
            "images that can be pooled thrice"
        );
        self.prepare(n, size);
        let Self { convs, biases, input, y, out, pools, .. } = self;
        let (map, data) = (input.0, &mut input.1);
        data.par_chunks_exact_mut(map.image_len()).zip(images.par_chunks_exact(3 * size * size)).for_each(
            |(out, image)| {
                for (row, image) in image.chunks_exact(3 * size).enumerate() {
                    for (out, rgb) in out[map.row(0, row)].chunks_exact_mut(3).zip(image.chunks_exact(3)) {
                        for c in 0..3 {
                            out[c] = rgb[2 - c] * T::of(255.0) - T::of(MEAN[c]);
                        }
                    }
                }
            },
        );
        for i in 0..CONVS.len() {
            let from = match i {
                0 => &*input,
                _ => match POOLED.iter().position(|&pooled| pooled + 1 == i) {
                    Some(pool) => &pools[pool],
                    None => &out[i - 1],
                },
            };
            let (map, y) = &mut y[i];
            convolve(&[(&convs[i], (from.0, &from.1[..]))], None, *map, y);
            let (out_map, out) = &mut out[i];
            norm::forward(&biases[i], T::zero(), None, (*map, y), (*out_map, &mut out[..out_map.len()]));
            if let Some(pool) = POOLED.iter().position(|&pooled| pooled == i) {
                let (pool_map, pool) = &mut pools[pool];
                let len = pool_map.image_len();
                pool.par_chunks_exact_mut(len).take(n).enumerate().for_each(|(image, pool)| {
                    for (y, x) in (0..pool_map.height).flat_map(|y| (0..pool_map.width).map(move |x| (y, x))) {
                        let to = pool_map.at(0, y as isize, x as isize);
                        for c in 0..pool_map.channels {
                            pool[to + c] = out[largest(*out_map, out, image, y, x, c)];
                        }
                    }
                });
            }
        }
        &self.pools
    }

    /// The gradient by the images of the last [`Vgg::forward`], `[n, size, size, 3]`, from those by its pools, each
    /// `[n, height, width, channels]`.
    pub fn backward(&mut self, d_pools: [&[T]; 3], d_images: &mut [T]) {
        let Self { convs, biases, input, y, out, delta, .. } = self;
        for i in (0..CONVS.len()).rev() {
            let map = Map { halo: 0, ..out[i].0 };
            if i + 1 < CONVS.len() && !POOLED.contains(&i) {
                input_gradient(&[(&convs[i + 1], (y[i + 1].0, &y[i + 1].1[..]))], map, delta);
            }
            if let Some(pool) = POOLED.iter().position(|&pooled| pooled == i) {
                let pooled = Map { height: map.height / 2, width: map.width / 2, ..map };
                let mut d_pool = vec![T::zero(); pooled.len()];
                if i + 1 < CONVS.len() {
                    input_gradient(&[(&convs[i + 1], (y[i + 1].0, &y[i + 1].1[..]))], pooled, &mut d_pool);
                }
                d_pool.iter_mut().zip(d_pools[pool]).for_each(|(sum, &d)| *sum += d);
                let (out_map, out) = (out[i].0, &out[i].1);
                delta.par_chunks_exact_mut(map.image_len()).take(map.n).enumerate().for_each(|(image, delta)| {
                    delta.fill(T::zero());
                    for (y, x) in (0..pooled.height).flat_map(|y| (0..pooled.width).map(move |x| (y, x))) {
                        let from = pooled.at(image, y as isize, x as isize);
                        for c in 0..map.channels {
                            let (row, column) = place(out_map, out, image, y, x, c);
                            delta[map.at(0, row as isize, column as isize) + c] = d_pool[from + c];
                        }
                    }
                });
            }
            let y = &mut y[i];
            let delta = &mut delta[..map.len()];
            let len = y.0.len();
            norm::backward(&biases[i], T::zero(), false, None, None, delta, (y.0, &mut y.1[..len]));
        }
        let map = Map { halo: 0, ..input.0 };
        input_gradient(&[(&convs[0], (y[0].0, &y[0].1[..]))], map, d_images);
        for pixel in d_images.chunks_exact_mut(3) {
            pixel.reverse();
            pixel.iter_mut().for_each(|d| *d = *d * T::of(255.0));
        }
    }
}

/// Row and column of the largest of a channel's 2×2 window, the first of equals.
fn place<T: Real>(map: Map, data: &[T], image: usize, y: usize, x: usize, channel: usize) -> (usize, usize) {
    let at = |(y, x): (usize, usize)| map.at(image, y as isize, x as isize) + channel;
    let mut best = (2 * y, 2 * x);
    for other in [(2 * y, 2 * x + 1), (2 * y + 1, 2 * x), (2 * y + 1, 2 * x + 1)] {
        if (data[at(other)] - data[at(best)]).positive() {
            best = other;
        }
    }
    best
}

/// Where that is in `data`.
fn largest<T: Real>(map: Map, data: &[T], image: usize, y: usize, x: usize, channel: usize) -> usize {
    let (y, x) = place(map, data, image, y, x, channel);
    map.at(image, y as isize, x as isize) + channel
}

/// A tensor of a file, f32 or f16, of the shape expected.
fn read<T: Real>(file: &SafeTensors, name: &str, shape: &[usize]) -> Result<Vec<T>, String> {
    let tensor = file.tensor(name).map_err(|_| format!("tensor {name}: missing"))?;
    if tensor.shape() != shape {
        return Err(format!("tensor {name}: expected {shape:?}, found {:?}", tensor.shape()));
    }
    match tensor.dtype() {
        Dtype::F32 => {
            let number = |b: &[u8]| T::of(f32::from_le_bytes([b[0], b[1], b[2], b[3]]).into());
            Ok(tensor.data().chunks_exact(4).map(number).collect())
        }
        Dtype::F16 => {
            let number = |b: &[u8]| T::of(half::f16::from_le_bytes([b[0], b[1]]).to_f64());
            Ok(tensor.data().chunks_exact(2).map(number).collect())
        }
        other => Err(format!("tensor {name}: expected f32 or f16, found {other:?}")),
    }
}
