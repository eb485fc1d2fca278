//! How far a filled crop is from the true one.

use crate::features::{Features, Pools, distance, gram_error, in_hole};
use image::RgbImage;
use inpaint_metrics::{gradient_energy, l1_hole, psnr, psnr_hole, ssim, ssim_hole};

/// Gradient energies below this, a level's step at one pixel in a hundred, count as this: flat holes have a ratio too.
const FLAT: f64 = 0.01;

/// How far a filled crop is from the true one, in 8 bits.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scores {
    /// dB, of the composite or of its hole.
    pub psnr: f64,
    /// Mean structural similarity, of the composite or of its hole.
    pub ssim: f64,
    /// Mean absolute difference in the hole, of 0 … 1.
    pub l1: f64,
    /// Relative difference of VGG features, of the composite or of its hole; nothing without VGG.
    pub vgg: Option<f64>,
    /// Relative difference of the Gram matrices of the hole's VGG features; nothing without VGG, or if the hole is too thin.
    pub gram: Option<f64>,
    /// Gradient energy of the hole over that of the true one: below 1 if the fill is too smooth, above 1 if it is too rough.
    pub energy: f64,
}

impl Scores {
    /// The mean of each score over those that have it; of gradient energies the geometric mean.
    pub fn mean(of: &[Self]) -> Self {
        let over = |values: &[f64]| values.iter().sum::<f64>() / values.len() as f64;
        let mean = |value: fn(&Self) -> f64| over(&of.iter().map(value).collect::<Vec<_>>());
        let if_any = |value: fn(&Self) -> Option<f64>| {
            let values: Vec<f64> = of.iter().filter_map(value).collect();
            (!values.is_empty()).then(|| over(&values))
        };
        Self {
            psnr: mean(|s| s.psnr),
            ssim: mean(|s| s.ssim),
            l1: mean(|s| s.l1),
            vgg: if_any(|s| s.vgg),
            gram: if_any(|s| s.gram),
            energy: mean(|s| s.energy.ln()).exp(),
        }
    }
}

/// What the fills of one hole are compared with.
pub struct Truth<'a> {
    known: &'a [u8],
    vgg: Option<&'a Features>,
    hole_alone: bool,
    size: usize,
    values: Vec<f32>,
    /// Of the crop and of its hole; nothing without VGG.
    pools: Option<[Pools; 2]>,
    energy: f64,
}

impl<'a> Truth<'a> {
    /// A square crop whose hole is where `known` is 0. PSNR, SSIM and feature distance are of the composite, or of the
    /// hole alone.
    pub fn new(crop: &RgbImage, known: &'a [u8], vgg: Option<&'a Features>, hole_alone: bool) -> Self {
        let size = crop.width() as usize;
        let mut truth = Self { known, vgg, hole_alone, size, values: values(crop), pools: None, energy: 0.0 };
        truth.pools = truth.pools(&truth.values);
        truth.energy = truth.energy(&truth.values);
        truth
    }

    /// The scores of a fill.
    pub fn scores(&self, filled: &RgbImage) -> Scores {
        let (found, expected, known, size) = (&values(filled)[..], &self.values[..], self.known, self.size);
        let pools = self.pools(found);
        let pools = || pools.as_ref().zip(self.pools.as_ref());
        let (psnr, ssim) = match self.hole_alone {
            true => (psnr_hole(found, expected, known), ssim_hole(found, expected, known, size, size)),
            false => (psnr(found, expected), ssim(found, expected, size, size)),
        };
        let part = usize::from(self.hole_alone);
        Scores {
            psnr,
            ssim,
            l1: l1_hole(found, expected, known),
            vgg: pools().map(|(found, expected)| distance(&found[part], &expected[part])),
            gram: pools().and_then(|([_, found], [_, expected])| gram_error(found, expected)),
            energy: self.energy(found) / self.energy,
        }
    }

    fn pools(&self, image: &[f32]) -> Option<[Pools; 2]> {
        let crop = self.vgg?.of(image, self.size);
        let hole = in_hole(&crop, self.known, self.size);
        Some([crop, hole])
    }

    fn energy(&self, image: &[f32]) -> f64 {
        gradient_energy(image, self.known, self.size).max(FLAT)
    }
}

fn values(image: &RgbImage) -> Vec<f32> {
    image.iter().map(|&v| f32::from(v) / 255.0).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn means_are_over_those_that_have_a_score() {
        let scores = |psnr, gram, energy| Scores { psnr, ssim: 0.5, l1: 0.25, vgg: None, gram, energy };
        let mean = Scores::mean(&[scores(20.0, Some(0.5), 0.1), scores(30.0, None, 0.4), scores(40.0, Some(1.0), 0.2)]);
        assert!((mean.energy - 0.2).abs() < 1e-12);
        assert_eq!(Scores { energy: 0.2, ..mean }, scores(30.0, Some(0.75), 0.2));
    }

    #[test]
    fn flat_holes_have_a_ratio() {
        let (flat, step) = (RgbImage::new(16, 16), RgbImage::from_fn(16, 16, |x, _| image::Rgb([(x / 8) as u8; 3])));
        let known = vec![0; 256];
        assert_eq!(Truth::new(&flat, &known, None, true).scores(&flat).energy, 1.0);
        // A step of one level at one pixel in fifteen.
        assert!((Truth::new(&flat, &known, None, true).scores(&step).energy - 100.0 / 15.0).abs() < 1e-9);
        assert!((Truth::new(&step, &known, None, true).scores(&flat).energy - 0.15).abs() < 1e-9);
    }
}
