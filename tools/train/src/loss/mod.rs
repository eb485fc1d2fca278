//! The losses of Liu et al. 2018 (section 3.3), and one on gradients.
//!
//! Values are 0 … 1. `fill` is the network's output with its prior, everywhere; the composite is the truth where known
//! and the fill elsewhere. Each term is a mean over the pixels it is about and their channels, so that its weight means
//! the same for any hole and size.

mod features;
mod pixels;
mod ssim;

pub use pixels::Pixels;

use crate::{real::Real, vgg::Vgg};
use features::Features;
use serde::{Deserialize, Serialize};

/// The weight of each term; 0 leaves it out.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct LossWeights {
    /// |fill − truth| in the hole.
    pub hole: f32,
    /// |fill − truth| where known.
    pub valid: f32,
    /// Of each picture, 10·log₁₀(1 + m / 10⁻⁵), m the mean of (fill − truth)² in its hole: its PSNR, turned round.
    pub decibel: f32,
    /// 1 − SSIM of the composite (Wang et al. 2004).
    pub ssim: f32,
    /// |∇composite − ∇truth| over neighbours of which one at least is in the hole.
    pub gradient: f32,
    /// |Ψ(composite) − Ψ(truth)| over VGG16's pool1, pool2, pool3 (equation 3, its second half).
    pub perceptual: f32,
    /// The same of their Gram matrices (equations 4 and 5).
    pub style: f32,
    /// |∇composite| over neighbours in the hole grown by one pixel (equation 6).
    pub variation: f32,
    /// Side of the square, a multiple of 8 where most of each hole is, on which `perceptual` and `style` are evaluated;
    /// 0 leaves both out.
    pub vgg_crop: usize,
}

impl Default for LossWeights {
    /// The paper's, without VGG.
    fn default() -> Self {
        Self {
            hole: 6.0,
            valid: 1.0,
            decibel: 0.0,
            ssim: 0.0,
            gradient: 0.0,
            perceptual: 0.05,
            style: 120.0,
            variation: 0.1,
            vgg_crop: 0,
        }
    }
}

/// Evaluates the terms in use.
pub struct Losses<T: Real> {
    features: Option<Features<T>>,
}

impl<T: Real> Default for Losses<T> {
    fn default() -> Self {
        Self { features: None }
    }
}

impl<T: Real> Losses<T> {
    /// Gives the perceptual and the style loss their features.
    pub fn set_vgg(&mut self, vgg: Vgg<T>) {
        self.features = Some(Features::new(vgg));
    }

    /// The value of each term in use and their weighted sum; leaves the gradients in `pixels`.
    ///
    /// # Panics
    /// If `perceptual` or `style` is in use without [`Losses::set_vgg`].
    pub fn evaluate(&mut self, weights: &LossWeights, pixels: &mut Pixels<T>) -> (Vec<(&'static str, f64)>, f64) {
        pixels.clear_gradients();
        let (mut terms, mut total) = (Vec::new(), 0.0);
        let mut add = |name, weight: f32, value: f64| {
            terms.push((name, value));
            total += f64::from(weight) * value;
        };
        if weights.hole > 0.0 {
            add("hole", weights.hole, pixels.area(0, weights.hole.into()));
        }
        if weights.valid > 0.0 {
            add("valid", weights.valid, pixels.area(1, weights.valid.into()));
        }
        if weights.decibel > 0.0 {
            add("decibel", weights.decibel, pixels.decibels(weights.decibel.into()));
        }
        if weights.ssim > 0.0 {
            add("ssim", weights.ssim, ssim::dissimilarity(pixels, weights.ssim.into()));
        }
        if weights.gradient > 0.0 {
            add("gradient", weights.gradient, pixels.gradient(weights.gradient.into()));
        }
        if weights.variation > 0.0 {
            add("variation", weights.variation, pixels.variation(weights.variation.into()));
        }
        if weights.vgg_crop > 0 && (weights.perceptual > 0.0 || weights.style > 0.0) {
            let features = self.features.as_mut().expect("VGG features for the perceptual and the style loss");
            let (perceptual, style) = (weights.perceptual.into(), weights.style.into());
            let [p, s] = features.evaluate(pixels, weights.vgg_crop, perceptual, style);
            if weights.perceptual > 0.0 {
                add("perceptual", weights.perceptual, p);
            }
            if weights.style > 0.0 {
                add("style", weights.style, s);
            }
        }
        (terms, total)
    }
}
