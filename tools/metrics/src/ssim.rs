//! Structural similarity (Wang et al. 2004).

use std::array;

/// Sides of the window in pixels: a Gaussian of σ = 1.5 cut at 3.5 σ.
pub const WINDOW: usize = 11;

/// (K₁·range)², which keeps the comparison of means from dividing by 0.
pub const C1: f64 = 0.01 * 0.01;

/// (K₂·range)², the same for variances.
pub const C2: f64 = 0.03 * 0.03;

/// Values in a window's row: the two images, their squares and their product.
type Moments = [f64; 5];

/// Mean structural similarity: per channel, over every window wholly inside the image, then over the channels.
///
/// Gaussian 11×11 window with σ = 1.5, K₁ = 0.01, K₂ = 0.03, range 1, population variances. This is scikit-image's
/// `structural_similarity(..., gaussian_weights=True, sigma=1.5, use_sample_covariance=False, channel_axis=2,
/// data_range=1.0)`.
///
/// # Panics
/// If the images do not have `width` · `height` · 3 values, or are smaller than a window.
pub fn ssim(image: &[f32], truth: &[f32], width: usize, height: usize) -> f64 {
    assert!(width >= WINDOW && height >= WINDOW, "an image at least as large as a window of {WINDOW} px");
    assert!(image.len() == truth.len() && image.len() == width * height * 3, "two images of one size");
    let weights = gaussian();
    let (columns, rows) = (width - WINDOW + 1, height - WINDOW + 1);
    let mut sum = 0.0;
    for channel in 0..3 {
        // Rows already blurred along x; row y of the image is at y mod WINDOW.
        let mut blurred = vec![[0.0; 5]; WINDOW * columns];
        for y in 0..height {
            let line = |image: &[f32]| -> Vec<f64> {
                image[y * width * 3..][..width * 3].iter().skip(channel).step_by(3).map(|&v| f64::from(v)).collect()
            };
            let moments: Vec<Moments> =
                line(image).iter().zip(&line(truth)).map(|(&a, &b)| [a, b, a * a, b * b, a * b]).collect();
            let into = &mut blurred[y % WINDOW * columns..][..columns];
            for (blurred, window) in into.iter_mut().zip(moments.windows(WINDOW)) {
                *blurred = weighted(window.iter(), &weights);
            }
            if y + 1 >= WINDOW {
                sum += (0..columns)
                    .map(|x| {
                        let column = (y + 1..y + 1 + WINDOW).map(|row| &blurred[row % WINDOW * columns + x]);
                        similarity(weighted(column, &weights))
                    })
                    .sum::<f64>();
            }
        }
    }
    sum / (3 * columns * rows) as f64
}

/// Equation 13 of the paper, from the weighted moments of a window.
fn similarity([mean_a, mean_b, aa, bb, ab]: Moments) -> f64 {
    let (variance_a, variance_b) = (aa - mean_a * mean_a, bb - mean_b * mean_b);
    let covariance = ab - mean_a * mean_b;
    ((2.0 * mean_a * mean_b + C1) * (2.0 * covariance + C2))
        / ((mean_a * mean_a + mean_b * mean_b + C1) * (variance_a + variance_b + C2))
}

fn weighted<'a>(window: impl Iterator<Item = &'a Moments>, weights: &[f64; WINDOW]) -> Moments {
    let mut sums = [0.0; 5];
    for (moments, weight) in window.zip(weights) {
        for (sum, moment) in sums.iter_mut().zip(moments) {
            *sum += weight * moment;
        }
    }
    sums
}

/// The weights of a window's row, or column; their sum is 1.
pub fn gaussian() -> [f64; WINDOW] {
    let weights: [f64; WINDOW] = array::from_fn(|i| (-(i as f64 - 5.0).powi(2) / (2.0 * 1.5 * 1.5)).exp());
    let sum: f64 = weights.iter().sum();
    weights.map(|weight| weight / sum)
}
