//! How far a filled photograph is from the true one.
//!
//! Images are `[height, width, 3]`, values 0 … 1, RGB. Sums run in f64 and in one fixed order.
#![deny(unsafe_code)]
#![warn(missing_docs)]

mod gradient;
mod ssim;

pub use gradient::gradient_energy;
pub use ssim::{C1, C2, WINDOW, gaussian, ssim, ssim_hole};

/// The PSNR of equal images, dB: finite, so that means are.
pub const MAX_PSNR: f64 = 100.0;

/// Peak signal-to-noise ratio in dB over all values, for a peak of 1; [`MAX_PSNR`] at the most.
///
/// # Panics
/// If the lengths differ or are 0.
pub fn psnr(image: &[f32], truth: &[f32]) -> f64 {
    assert!(image.len() == truth.len() && !image.is_empty(), "two images of one size");
    let sum: f64 = image.iter().zip(truth).map(|(&a, &b)| (f64::from(a) - f64::from(b)).powi(2)).sum();
    (-10.0 * (sum / image.len() as f64).log10()).min(MAX_PSNR)
}

/// [`psnr`] over the hole (`mask` 0) alone; [`MAX_PSNR`] where there is none.
///
/// # Panics
/// If the images do not have three values for each of the mask's pixels.
pub fn psnr_hole(image: &[f32], truth: &[f32], mask: &[u8]) -> f64 {
    (-10.0 * mean_hole(image, truth, mask, |off| off * off).log10()).min(MAX_PSNR)
}

/// Mean absolute difference over the hole (`mask` 0) and its three channels; 0 where there is no hole.
///
/// # Panics
/// If the images do not have three values for each of the mask's pixels.
pub fn l1_hole(image: &[f32], truth: &[f32], mask: &[u8]) -> f64 {
    mean_hole(image, truth, mask, f64::abs)
}

/// Mean of a function of the differences in the hole; 0 where there is none.
fn mean_hole(image: &[f32], truth: &[f32], mask: &[u8], of: impl Fn(f64) -> f64) -> f64 {
    assert!(image.len() == truth.len() && image.len() == 3 * mask.len(), "two images and a mask of one size");
    let mut sum = 0.0;
    let mut count = 0;
    for ((a, b), _) in image.chunks_exact(3).zip(truth.chunks_exact(3)).zip(mask).filter(|&(_, &known)| known == 0) {
        sum += a.iter().zip(b).map(|(&a, &b)| of(f64::from(a) - f64::from(b))).sum::<f64>();
        count += 3;
    }
    if count == 0 { 0.0 } else { sum / f64::from(count) }
}
