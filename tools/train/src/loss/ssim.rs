//! How unlike the composite is to the truth by structural similarity, and the gradient.

use super::Pixels;
use crate::real::Real;
use inpaint_metrics::{C1, C2, WINDOW, gaussian};
use rayon::prelude::*;

/// 1 − the mean SSIM of the composites (Wang et al. 2004), as [`inpaint_metrics::ssim`] defines it; adds `weight` times
/// its gradient to `d_composite`.
///
/// # Panics
/// If the pictures are smaller than a window.
pub fn dissimilarity<T: Real>(pixels: &mut Pixels<T>, weight: f64) -> f64 {
    let size = pixels.size;
    assert!(size >= WINDOW, "pictures of at least {WINDOW} px");
    let blur = Blur { size, weights: gaussian().map(T::of) };
    let windows = blur.end() * blur.end();
    let share = 1.0 / (3 * pixels.n * windows) as f64;
    let step = T::of(-weight * share);
    let len = 3 * size * size;
    let Pixels { truth, composite, d_composite, .. } = pixels;
    let images =
        d_composite.par_chunks_exact_mut(len).zip(composite.par_chunks_exact(len).zip(truth.par_chunks_exact(len)));
    let of_image = |(d, (composite, truth)): (&mut [T], (&[T], &[T]))| {
        let mut sum = 0.0;
        for channel in 0..3 {
            let plane = |image: &[T]| -> Vec<T> { image.iter().skip(channel).step_by(3).copied().collect() };
            let (a, b) = (plane(composite), plane(truth));
            let product = |a: &[T], b: &[T]| -> Vec<T> { a.iter().zip(b).map(|(&a, &b)| a * b).collect() };
            // In the end the gradients of SSIM by the moments that stand there now: of a, a² and a·b.
            let (mut mean, mut square, mut both) = (blur.of(&a), blur.of(&product(&a, &a)), blur.of(&product(&a, &b)));
            let (mean_b, square_b) = (blur.of(&b), blur.of(&product(&b, &b)));
            let moments = mean.iter_mut().zip(&mut square).zip(&mut both);
            for (((m, s), c), (&mean_b, &square_b)) in moments.zip(mean_b.iter().zip(&square_b)) {
                let value = similarity(m, s, c, mean_b, square_b);
                sum += value.f64();
            }
            let (mean, square, both) = (blur.back(&mean), blur.back(&square), blur.back(&both));
            let two = T::of(2.0);
            for (i, d) in d.iter_mut().skip(channel).step_by(3).enumerate() {
                *d += step * (mean[i] + two * a[i] * square[i] + b[i] * both[i]);
            }
        }
        sum
    };
    let sums: Vec<f64> = images.map(of_image).collect();
    1.0 - sums.iter().sum::<f64>() * share
}

/// SSIM of a window from its moments; puts the derivatives by E[a], E[a²] and E[a·b] in their place.
fn similarity<T: Real>(mean: &mut T, square: &mut T, both: &mut T, mean_b: T, square_b: T) -> T {
    let two = T::of(2.0);
    let (m, s, c) = (*mean, *square - *mean * *mean, *both - *mean * mean_b);
    let (means, covariance) = (two * m * mean_b + T::of(C1), two * c + T::of(C2));
    let (squares, variances) = (m * m + mean_b * mean_b + T::of(C1), s + (square_b - mean_b * mean_b) + T::of(C2));
    let scale = T::one() / (squares * variances);
    let value = means * covariance * scale;
    *square = -value / variances;
    *both = two * means * scale;
    *mean = two * (mean_b * covariance * scale - m * value / squares) - two * m * *square - mean_b * *both;
    value
}

/// The Gaussian windows of a picture.
struct Blur<T> {
    size: usize,
    weights: [T; WINDOW],
}

impl<T: Real> Blur<T> {
    /// Windows in a row, and in a column.
    fn end(&self) -> usize {
        self.size + 1 - WINDOW
    }

    /// Weighted means over every window, `[end, end]`, of `[size, size]`.
    fn of(&self, plane: &[T]) -> Vec<T> {
        let (size, end) = (self.size, self.end());
        let mut across = vec![T::zero(); size * end];
        for (row, out) in plane.chunks_exact(size).zip(across.chunks_exact_mut(end)) {
            for (k, &weight) in self.weights.iter().enumerate() {
                add(out, &row[k..], weight);
            }
        }
        let mut means = vec![T::zero(); end * end];
        for (y, out) in means.chunks_exact_mut(end).enumerate() {
            for (k, &weight) in self.weights.iter().enumerate() {
                add(out, &across[(y + k) * end..], weight);
            }
        }
        means
    }

    /// The transpose of [`Blur::of`]: from gradients by the means to those by the plane.
    fn back(&self, means: &[T]) -> Vec<T> {
        let (size, end) = (self.size, self.end());
        let mut across = vec![T::zero(); size * end];
        for (y, row) in means.chunks_exact(end).enumerate() {
            for (k, &weight) in self.weights.iter().enumerate() {
                add(&mut across[(y + k) * end..][..end], row, weight);
            }
        }
        let mut plane = vec![T::zero(); size * size];
        for (row, out) in across.chunks_exact(end).zip(plane.chunks_exact_mut(size)) {
            for (k, &weight) in self.weights.iter().enumerate() {
                add(&mut out[k..k + end], row, weight);
            }
        }
        plane
    }
}

/// out += weight·values.
fn add<T: Real>(out: &mut [T], values: &[T], weight: T) {
    out.iter_mut().zip(values).for_each(|(out, &v)| *out += weight * v);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Rng;

    #[test]
    fn it_is_what_the_metric_says() {
        let (n, size) = (2, 20);
        let mut rng = Rng::stream(1, 0, 0);
        let mut draw = || (0..3 * n * size * size).map(|_| f64::from(rng.unit())).collect::<Vec<f64>>();
        let (truth, composite) = (draw(), draw());
        let single = |values: &[f64]| values.iter().map(|&v| v as f32).collect::<Vec<f32>>();
        let pictures = composite.chunks_exact(3 * size * size).zip(truth.chunks_exact(3 * size * size));
        let metric =
            pictures.map(|(a, b)| inpaint_metrics::ssim(&single(a), &single(b), size, size)).sum::<f64>() / n as f64;
        let d_composite = vec![0.0; truth.len()];
        let mut pixels = Pixels { n, size, truth, composite, d_composite, ..Pixels::default() };
        assert!((dissimilarity(&mut pixels, 1.0) - (1.0 - metric)).abs() < 1e-6);
        pixels.composite.clone_from(&pixels.truth);
        pixels.d_composite.fill(0.0);
        assert!(dissimilarity(&mut pixels, 1.0).abs() < 1e-12);
        assert!(pixels.d_composite.iter().all(|d| d.abs() < 1e-12), "nothing to be gained at the truth");
    }
}
