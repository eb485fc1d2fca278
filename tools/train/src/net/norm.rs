//! What follows a convolution: batch norm over known pixels or a bias, the activation, and zeros in the holes.
//!
//! With known pixels only, z = scale·y + shift and a = activation(z), where scale = γ/√(σ² + ε) and shift = β − μ·scale
//! for batch norm (Ioffe and Szegedy 2015, with the biased variance), scale = 1 for a bias.

use super::map::Map;
use crate::real::Real;
use rayon::prelude::*;

/// Added to the variance.
pub const EPSILON: f64 = 1e-5;

/// Mean and biased variance of each channel over the known pixels of a batch.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Moments {
    /// μ.
    pub mean: Vec<f64>,
    /// σ².
    pub variance: Vec<f64>,
}

/// The affine map that a normalisation amounts to, a number a channel.
#[derive(Clone, Debug, Default)]
pub struct Affine<T> {
    /// Factor on y.
    pub scale: Vec<T>,
    /// Added to that.
    pub shift: Vec<T>,
    /// Of batch norm: μ and 1/√(σ² + ε), with which ŷ = (y − μ)/√(σ² + ε).
    pub moments: Option<(Vec<T>, Vec<T>)>,
}

impl<T: Real> Affine<T> {
    /// y + bias.
    pub fn bias(bias: &[T]) -> Self {
        Self { scale: vec![T::one(); bias.len()], shift: bias.to_vec(), moments: None }
    }

    /// γ·ŷ + β.
    pub fn batch_norm(gamma: &[T], beta: &[T], moments: &Moments) -> Self {
        let inverse: Vec<T> = moments.variance.iter().map(|v| T::of(1.0 / (v + EPSILON).sqrt())).collect();
        let mean: Vec<T> = moments.mean.iter().map(|&m| T::of(m)).collect();
        let scale: Vec<T> = gamma.iter().zip(&inverse).map(|(&gamma, &inverse)| gamma * inverse).collect();
        let shift = beta.iter().zip(&mean).zip(&scale).map(|((&beta, &mean), &scale)| beta - mean * scale).collect();
        Self { scale, shift, moments: Some((mean, inverse)) }
    }
}

/// Moments of `y` over the pixels where `known` `[n, height, width]` is 1. Each row by itself, rows and images in order.
pub fn moments<T: Real>(map: Map, y: &[T], known: &[u8]) -> Moments {
    let channels = map.channels;
    // Count, means and squares about them of each image: [1 + 2·channels].
    let images: Vec<Vec<f64>> = (0..map.n)
        .into_par_iter()
        .map(|image| {
            let mut sums = Merged::new(channels);
            let (mut mean, mut squares) = (vec![T::zero(); channels], vec![T::zero(); channels]);
            for row in 0..map.height {
                let known = &known[(image * map.height + row) * map.width..][..map.width];
                let count = known.iter().filter(|&&m| m == 1).count();
                if count == 0 {
                    continue;
                }
                let y = &y[map.row(image, row)];
                let pixels = || y.chunks_exact(channels).zip(known).filter(|(_, m)| **m == 1).map(|(pixel, _)| pixel);
                mean.fill(T::zero());
                squares.fill(T::zero());
                for pixel in pixels() {
                    mean.iter_mut().zip(pixel).for_each(|(sum, &y)| *sum += y);
                }
                let share = T::one() / T::of(count as f64);
                mean.iter_mut().for_each(|mean| *mean = *mean * share);
                for pixel in pixels() {
                    for ((sum, &mean), &y) in squares.iter_mut().zip(&mean).zip(pixel) {
                        *sum += (y - mean) * (y - mean);
                    }
                }
                sums.merge(count as f64, mean.iter().map(|m| m.f64()), squares.iter().map(|s| s.f64()));
            }
            sums.0
        })
        .collect();
    let mut all = Merged::new(channels);
    for image in &images {
        let (mean, squares) = image[1..].split_at(channels);
        all.merge(image[0], mean.iter().copied(), squares.iter().copied());
    }
    let (mean, squares) = all.0[1..].split_at(channels);
    Moments { mean: mean.to_vec(), variance: squares.iter().map(|s| s / all.0[0].max(1.0)).collect() }
}

/// Count, means and sums of squares about the means, of parts merged in order (Chan, Golub and LeVeque 1983).
struct Merged(Vec<f64>);

impl Merged {
    fn new(channels: usize) -> Self {
        Self(vec![0.0; 1 + 2 * channels])
    }

    fn merge(&mut self, count: f64, mean: impl Iterator<Item = f64>, squares: impl Iterator<Item = f64>) {
        let (before, sums) = self.0.split_first_mut().expect("a count");
        let total = *before + count;
        if count == 0.0 {
            return;
        }
        let (means, sums) = sums.split_at_mut(sums.len() / 2);
        for (((m, s), mean), squares) in means.iter_mut().zip(sums).zip(mean).zip(squares) {
            let difference = mean - *m;
            *m += difference * (count / total);
            *s += squares + difference * difference * (*before * count / total);
        }
        *before = total;
    }
}

/// a = activation(scale·y + shift) where known, 0 elsewhere; the activation is z where z > 0, else slope·z.
pub fn forward<T: Real>(affine: &Affine<T>, slope: T, known: Option<&[u8]>, y: (Map, &[T]), out: (Map, &mut [T])) {
    let ((map, y), (out_map, out)) = (y, out);
    out.par_chunks_exact_mut(out_map.image_len()).enumerate().for_each(|(image, out)| {
        for row in 0..map.height {
            let known = known.map(|known| &known[(image * map.height + row) * map.width..][..map.width]);
            let y = y[map.row(image, row)].chunks_exact(map.channels);
            let out = out[out_map.row(0, row)].chunks_exact_mut(map.channels);
            for (x, (y, out)) in y.zip(out).enumerate() {
                if known.is_some_and(|known| known[x] == 0) {
                    out.fill(T::zero());
                    continue;
                }
                for (((out, &y), &scale), &shift) in out.iter_mut().zip(y).zip(&affine.scale).zip(&affine.shift) {
                    let z = scale * y + shift;
                    *out = if z.positive() { z } else { slope * z };
                }
            }
        }
    });
}

/// The gradients that [`backward`] gives beside that of the sums.
#[derive(Clone, Debug, Default)]
pub struct AffineGradients {
    /// Of γ, where there is batch norm: Σ dz·ŷ.
    pub gamma: Vec<f64>,
    /// Of the bias or of β: Σ dz.
    pub beta: Vec<f64>,
}

/// From the gradient of a to that of the convolution's sums Σ W·x, where y = ratio·Σ W·x: `delta` (no halo) is da and is
/// left as dz; `y` is replaced by the gradient. `of_batch` says that the moments are those of y itself.
pub fn backward<T: Real>(
    affine: &Affine<T>,
    slope: T,
    of_batch: bool,
    known: Option<&[u8]>,
    ratio: Option<&[T]>,
    delta: &mut [T],
    y: (Map, &mut [T]),
) -> AffineGradients {
    let (map, y) = y;
    let channels = map.channels;
    let delta_len = map.height * map.width * channels;
    let known_row = |image: usize, row: usize| known.map(|k| &k[(image * map.height + row) * map.width..][..map.width]);

    let y_read = &*y;
    let images = delta.par_chunks_exact_mut(delta_len).take(map.n).enumerate();
    let images: Vec<(f64, Vec<f64>)> = images
        .map(|(image, delta)| {
            let (mut count, mut sums) = (0.0, vec![0.0; 2 * channels]);
            let mut of_row = vec![T::zero(); 2 * channels];
            for (row, delta) in delta.chunks_exact_mut(map.width * channels).enumerate() {
                let known = known_row(image, row);
                let (sum, product) = of_row.split_at_mut(channels);
                sum.fill(T::zero());
                product.fill(T::zero());
                let y = y_read[map.row(image, row)].chunks_exact(channels);
                for (x, (delta, y)) in delta.chunks_exact_mut(channels).zip(y).enumerate() {
                    if known.is_some_and(|known| known[x] == 0) {
                        delta.fill(T::zero());
                        continue;
                    }
                    count += 1.0;
                    for (((d, &y), &scale), &shift) in delta.iter_mut().zip(y).zip(&affine.scale).zip(&affine.shift) {
                        *d = if (scale * y + shift).positive() { *d } else { slope * *d };
                    }
                    sum.iter_mut().zip(&*delta).for_each(|(sum, &d)| *sum += d);
                    if let Some((mean, inverse)) = &affine.moments {
                        for ((((sum, &d), &y), &m), &i) in product.iter_mut().zip(&*delta).zip(y).zip(mean).zip(inverse)
                        {
                            *sum += d * ((y - m) * i);
                        }
                    }
                }
                sums.iter_mut().zip(&of_row).for_each(|(sum, v)| *sum += v.f64());
            }
            (count, sums)
        })
        .collect();
    let (mut count, mut sums) = (0.0, vec![0.0; 2 * channels]);
    for (of_image, image) in &images {
        count += of_image;
        sums.iter_mut().zip(image).for_each(|(sum, v)| *sum += v);
    }
    let (beta, gamma) = sums.split_at(channels);

    // dy = scale·(dz − mean dz − ŷ·mean(dz·ŷ)) with the moments of the batch, scale·dz otherwise.
    let share = if of_batch && affine.moments.is_some() && count > 0.0 { 1.0 / count } else { 0.0 };
    let means: Vec<T> = beta.iter().map(|v| T::of(v * share)).collect();
    let slopes: Vec<T> = match &affine.moments {
        Some((_, inverse)) => gamma.iter().zip(inverse).map(|(v, &inverse)| T::of(v * share) * inverse).collect(),
        None => vec![T::zero(); channels],
    };
    let centre = affine.moments.as_ref().map_or(&affine.shift, |(mean, _)| mean);
    let delta = &*delta;
    y.par_chunks_exact_mut(map.image_len()).enumerate().for_each(|(image, y)| {
        let delta = &delta[image * delta_len..][..delta_len];
        for row in 0..map.height {
            let known = known_row(image, row);
            let y = y[map.row(0, row)].chunks_exact_mut(channels);
            let delta = delta[row * map.width * channels..].chunks_exact(channels);
            for (x, (y, delta)) in y.zip(delta).enumerate() {
                if known.is_some_and(|known| known[x] == 0) {
                    y.fill(T::zero());
                    continue;
                }
                let ratio = ratio.map_or(T::one(), |ratio| ratio[(image * map.height + row) * map.width + x]);
                if share == 0.0 {
                    for ((y, &d), &scale) in y.iter_mut().zip(delta).zip(&affine.scale) {
                        *y = ratio * scale * d;
                    }
                    continue;
                }
                let channels = y.iter_mut().zip(delta).zip(&affine.scale).zip(&means).zip(&slopes).zip(centre);
                for (((((y, &d), &scale), &mean), &slope), &centre) in channels {
                    *y = ratio * scale * (d - mean - (*y - centre) * slope);
                }
            }
        }
    });
    let gamma = if affine.moments.is_some() { gamma.to_vec() } else { Vec::new() };
    AffineGradients { gamma, beta: beta.to_vec() }
}
