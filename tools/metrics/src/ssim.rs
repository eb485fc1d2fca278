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
    let mut sum = 0.0;
    rows(image, truth, width, height, |_, row| sum += row.iter().sum::<f64>());
    sum / (3 * (width - WINDOW + 1) * (height - WINDOW + 1)) as f64
}

/// The same over the windows whose centre is in the hole (`mask` 0); 1 where there is none.
///
/// # Panics
/// As [`ssim`], and if the mask is of another size.
pub fn ssim_hole(image: &[f32], truth: &[f32], mask: &[u8], width: usize, height: usize) -> f64 {
    assert!(mask.len() == width * height, "images and a mask of one size");
    let (mut sum, mut count) = (0.0, 0);
    rows(image, truth, width, height, |y, row| {
        let centres = &mask[(y + WINDOW / 2) * width + WINDOW / 2..];
        for (similarity, _) in row.iter().zip(centres).filter(|&(_, &known)| known == 0) {
            sum += similarity;
            count += 1;
        }
    });
    if count == 0 { 1.0 } else { sum / f64::from(count) }
}

/// Gives `each` the similarities of the windows that begin in a row, with the row, channel by channel.
fn rows(image: &[f32], truth: &[f32], width: usize, height: usize, mut each: impl FnMut(usize, &[f64])) {
    assert!(width >= WINDOW && height >= WINDOW, "an image at least as large as a window of {WINDOW} px");
    assert!(image.len() == truth.len() && image.len() == width * height * 3, "two images of one size");
    let weights = gaussian();
    let columns = width - WINDOW + 1;
    let mut similarities = vec![0.0; columns];
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
                for (x, out) in similarities.iter_mut().enumerate() {
                    let column = (y + 1..y + 1 + WINDOW).map(|row| &blurred[row % WINDOW * columns + x]);
                    *out = similarity(weighted(column, &weights));
                }
                each(y + 1 - WINDOW, &similarities);
            }
        }
    }
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
