//! The perceptual and the style loss of the composite, on the square of each image that has most of its hole.
//!
//! Liu et al. 2018 add the same of the network's whole output. What it gives where the picture is known is thrown away, and
//! to learn it costs: `weights/TRIALS.md`.
//!
//! Features are divided by 255, as if VGG16 had been given values 0 … 1 like every other term.

use super::Pixels;
use crate::{
    net::{
        axis::Axis,
        conv::{Conv, WeightGradients, convolve},
        map::Map,
    },
    real::Real,
    vgg::Vgg,
};

/// VGG16 and what the losses keep of the truth.
pub struct Features<T: Real> {
    vgg: Vgg<T>,
    /// F·S is a convolution of the features F with a matrix S, and FᵀF the gradient of its weights.
    by_matrix: [Conv<T>; 3],
    products: WeightGradients<T>,
}

impl<T: Real> Features<T> {
    pub fn new(vgg: Vgg<T>) -> Self {
        let by_matrix = [64, 128, 256].map(|channels| Conv::new(1, Axis::strided(1, 1), channels, channels));
        Self { vgg, by_matrix, products: WeightGradients::default() }
    }

    /// Both losses over squares of side `size`; adds their gradients, times their weights, to `pixels`.
    pub fn evaluate(&mut self, pixels: &mut Pixels<T>, size: usize, perceptual: f64, style: f64) -> [f64; 2] {
        let size = size.min(pixels.size / 8 * 8);
        let n = pixels.n;
        let corners: Vec<usize> = (0..n).map(|image| corner(pixels, image, size)).collect();
        let crop = |from: &[T], out: &mut Vec<T>| {
            for &corner in &corners {
                (0..size).for_each(|y| out.extend_from_slice(&from[3 * (corner + y * pixels.size)..][..3 * size]));
            }
        };
        let (mut truth, mut made) = (Vec::new(), Vec::new());
        crop(&pixels.truth, &mut truth);
        crop(&pixels.composite, &mut made);

        let truth = self.vgg.forward(n, size, &truth).clone();
        let made_pools = self.vgg.forward(n, size, &made).clone();
        let mut losses = [0.0; 2];
        let mut gradients: [Vec<T>; 3] = Default::default();
        for (pool, gradient) in gradients.iter_mut().enumerate() {
            let (map, truth) = (&truth[pool].0, &truth[pool].1);
            let (of_made, made) = (&made_pools[pool].0, &made_pools[pool].1);
            gradient.resize(Map { halo: 0, ..*of_made }.len(), T::zero());
            losses[0] += perceptual_loss(*map, truth, made, perceptual, gradient);
            if style > 0.0 {
                losses[1] += self.style_loss(pool, *map, truth, made, style, gradient);
            }
        }
        let mut d_images = made;
        self.vgg.backward([&gradients[0], &gradients[1], &gradients[2]], &mut d_images);

        let stride = pixels.size;
        for (row, from) in d_images.chunks_exact(3 * size).enumerate() {
            let first = 3 * (corners[row / size] + row % size * stride);
            pixels.d_composite[first..first + 3 * size].iter_mut().zip(from).for_each(|(out, &d)| *out += d);
        }
        losses
    }

    /// Σ |K·(FᵀF − TᵀT)| / C² with K = 1/(C·H·W), the mean over images.
    fn style_loss(&mut self, pool: usize, map: Map, truth: &[T], made: &[T], weight: f64, out: &mut [T]) -> f64 {
        let (conv, channels) = (&mut self.by_matrix[pool], map.channels);
        let of_one = Map { n: 1, ..map };
        let pixels = map.height * map.width;
        let k = UNIT * UNIT / (channels * pixels) as f64;
        let share = 1.0 / (map.n * channels * channels) as f64;
        let mut grams = vec![vec![T::zero(); channels * channels]; 2];
        let mut moved = vec![T::zero(); pixels * channels];
        let mut sum = 0.0;
        for (image, out) in out.chunks_exact_mut(pixels * channels).enumerate() {
            let features = &made[image * map.image_len()..][..map.image_len()];
            let truth = &truth[image * map.image_len()..][..map.image_len()];
            for (gram, features) in grams.iter_mut().zip([features, truth]) {
                self.products.compute(&[(conv, (of_one, features))], (of_one, features), &mut [gram]);
            }
            let [gram, expected] = &mut grams[..] else { unreachable!("two") };
            for (g, &e) in gram.iter_mut().zip(&*expected) {
                let difference = *g - e;
                sum += difference.abs().f64() * k * share;
                // A Gram matrix is symmetric, and so is what it passes on: F takes it twice.
                *g = difference.sign() * T::of(2.0 * weight * k * share);
            }
            conv.pack_forward(gram);
            convolve(&[(conv, (of_one, features))], None, Map { halo: 0, ..of_one }, &mut moved);
            out.iter_mut().zip(&moved).for_each(|(out, &d)| *out += d);
        }
        sum
    }
}

/// The unit of features.
const UNIT: f64 = 1.0 / 255.0;

/// Σ |F − T| / (C·H·W), the mean over images.
fn perceptual_loss<T: Real>(map: Map, truth: &[T], made: &[T], weight: f64, out: &mut [T]) -> f64 {
    let row = map.width * map.channels;
    let share = UNIT / (map.n * map.height * row) as f64;
    let mut sum = 0.0;
    for (r, out) in out.chunks_exact_mut(row).enumerate() {
        let (image, y) = (r / map.height, r % map.height);
        let at = map.row(image, y);
        let (made, truth) = (&made[at.clone()], &truth[at]);
        for ((out, &made), &truth) in out.iter_mut().zip(made).zip(truth) {
            let difference = made - truth;
            sum += difference.abs().f64();
            *out += T::of(weight * share) * difference.sign();
        }
    }
    sum * share
}

/// First pixel of the square of side `size` with the most hole in an image, the first of equal ones. Its corner may lie on
/// any pixel, so that VGG16 does not always pool the same ones together.
fn corner<T>(pixels: &Pixels<T>, image: usize, size: usize) -> usize {
    let side = pixels.size;
    let known = &pixels.known[image * side * side..][..side * side];
    // Hole pixels above and to the left of each corner.
    let mut before = vec![0u32; (side + 1) * (side + 1)];
    for y in 0..side {
        let mut row = 0;
        for x in 0..side {
            row += u32::from(1 - known[y * side + x]);
            before[(y + 1) * (side + 1) + x + 1] = before[y * (side + 1) + x + 1] + row;
        }
    }
    let hole = |y: usize, x: usize| {
        let at = |y: usize, x: usize| before[y * (side + 1) + x];
        at(y + size, x + size) + at(y, x) - at(y, x + size) - at(y + size, x)
    };
    let steps = side - size + 1;
    let squares = (0..steps * steps).map(|i| (i / steps, i % steps));
    let (y, x) = squares.rev().max_by_key(|&(y, x)| hole(y, x)).expect("a square that fits");
    (image * side + y) * side + x
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_square_has_most_of_the_hole() {
        let (size, mut known) = (32, vec![1; 2 * 32 * 32]);
        // The second image: a pixel above left, two below right.
        for (y, x) in [(3, 3), (20, 25), (30, 31)] {
            known[32 * 32 + y * size + x] = 0;
        }
        let pixels = Pixels::<f32> { size, known, ..Pixels::default() };
        assert_eq!(corner(&pixels, 0, 16), 0, "the first of equal ones");
        assert_eq!(corner(&pixels, 1, 16), 32 * 32 + 15 * size + 16, "the first that has both below right");
        assert_eq!(corner(&pixels, 1, 32), 32 * 32);
    }
}
