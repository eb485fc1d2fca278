//! The shape of a network: what the configuration says, and the layers that follow from it.

use inpaint_edge::numerics::Activation;
use serde::{Deserialize, Serialize};

/// One encoder layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EncoderLevel {
    /// Channels of its output.
    pub channels: usize,
    /// Side of its kernel, odd, 3 … 15.
    pub kernel: usize,
}

/// What the network's output is added to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Prior {
    /// Nothing: the output, de-normalised, is the fill.
    #[default]
    None,
    /// The harmonic fill of the hole.
    Harmonic,
}

/// A network of partial convolutions (Liu et al. 2018).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Arch {
    /// enc1 … encL.
    pub encoder: Vec<EncoderLevel>,
    /// Channels of decL … dec2; empty: those of the skip.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub decoder: Vec<usize>,
    /// What the output is added to.
    #[serde(default)]
    pub prior: Prior,
    /// Whether enc1 and dec1 read the prior beside the image.
    #[serde(default)]
    pub prior_input: bool,
    /// How many pixels around a hole it sees, along rows and columns; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
    /// Subtracted from values 0 … 1, per channel.
    #[serde(default = "mean")]
    pub mean: [f32; 3],
    /// Divides what is left, per channel.
    #[serde(default = "std")]
    pub std: [f32; 3],
    /// Slope of the decoder's leaky ReLU.
    #[serde(default = "slope")]
    pub slope: f32,
}

fn mean() -> [f32; 3] {
    [0.45; 3]
}

fn std() -> [f32; 3] {
    [0.25; 3]
}

fn slope() -> f32 {
    0.2
}

/// One partial convolution of a network.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerShape {
    /// `enc1` … `encL`, `decL` … `dec1`.
    pub name: String,
    /// Channels of the input, or of the upsampled input of a decoder layer.
    pub c_in: usize,
    /// Channels of the skip of a decoder layer, 0 for an encoder layer.
    pub c_skip: usize,
    /// Channels of the output.
    pub c_out: usize,
    /// Side of the kernel.
    pub kernel: usize,
    /// Batch norm; otherwise a bias.
    pub batch_norm: bool,
    /// What comes last.
    pub activation: Activation,
}

impl LayerShape {
    /// Slope of the activation below zero.
    pub fn slope(&self) -> f32 {
        match self.activation {
            Activation::None => 1.0,
            Activation::Relu => 0.0,
            Activation::LeakyRelu(slope) => slope,
        }
    }

    /// Weights behind one output.
    pub fn fan_in(&self) -> usize {
        self.kernel * self.kernel * (self.c_in + self.c_skip)
    }
}

impl Arch {
    /// The network of the paper with `levels` levels, of `width` channels where the paper has 64.
    pub fn paper(levels: usize, width: usize) -> Self {
        let level = |i: usize| EncoderLevel { channels: width << i.min(3), kernel: [7, 5, 5, 3][i.min(3)] };
        let encoder = (0..levels).map(level).collect();
        Self {
            encoder,
            decoder: Vec::new(),
            prior: Prior::None,
            prior_input: false,
            context: None,
            mean: mean(),
            std: std(),
            slope: slope(),
        }
    }

    /// Channels of the input: three of the image, and three of the prior where it is read.
    pub fn inputs(&self) -> usize {
        if self.prior_input { 6 } else { 3 }
    }

    /// L.
    pub fn levels(&self) -> usize {
        self.encoder.len()
    }

    /// What cannot be trained.
    ///
    /// # Errors
    /// One line that names the field.
    pub fn check(&self) -> Result<(), String> {
        let levels = self.levels();
        if !(1..=12).contains(&levels) {
            return Err(format!("encoder: expected 1 to 12 levels, found {levels}"));
        }
        for (i, level) in self.encoder.iter().enumerate() {
            if !(1..=4096).contains(&level.channels) {
                return Err(format!("encoder {}: expected 1 to 4096 channels, found {}", i + 1, level.channels));
            }
            if level.kernel % 2 == 0 || !(3..=15).contains(&level.kernel) {
                return Err(format!("encoder {}: expected an odd kernel from 3 to 15, found {}", i + 1, level.kernel));
            }
        }
        if !self.decoder.is_empty() && self.decoder.len() != levels - 1 {
            return Err(format!("decoder: expected channels of {} layers, found {}", levels - 1, self.decoder.len()));
        }
        if let Some(channels) = self.decoder.iter().find(|c| !(1..=4096).contains(*c)) {
            return Err(format!("decoder: expected 1 to 4096 channels, found {channels}"));
        }
        if self.prior_input && self.prior == Prior::None {
            return Err("prior_input: expected a prior, found none".into());
        }
        if self.context == Some(0) {
            return Err("context: expected 1 pixel or more, found 0".into());
        }
        if let Some(std) = self.std.iter().find(|std| !(std.is_finite() && **std > 0.0)) {
            return Err(format!("std: expected positive numbers, found {std}"));
        }
        if !self.mean.iter().chain([&self.slope]).all(|v| v.is_finite()) {
            return Err("mean, slope: expected finite numbers, found others".into());
        }
        Ok(())
    }

    /// enc1 … encL, decL … dec1: the order they run in.
    pub fn layers(&self) -> Vec<LayerShape> {
        let levels = self.levels();
        let mut layers: Vec<LayerShape> = Vec::new();
        for (i, level) in self.encoder.iter().enumerate() {
            layers.push(LayerShape {
                name: format!("enc{}", i + 1),
                c_in: layers.last().map_or(self.inputs(), |below| below.c_out),
                c_skip: 0,
                c_out: level.channels,
                kernel: level.kernel,
                batch_norm: i > 0,
                activation: Activation::Relu,
            });
        }
        for i in (0..levels).rev() {
            let c_skip = if i == 0 { self.inputs() } else { self.encoder[i - 1].channels };
            let own = self.decoder.get(levels - 1 - i).copied();
            let c_out = if i == 0 { 3 } else { own.unwrap_or(c_skip) };
            layers.push(LayerShape {
                name: format!("dec{}", i + 1),
                c_in: layers[layers.len() - 1].c_out,
                c_skip,
                c_out,
                kernel: 3,
                batch_norm: i > 0,
                activation: if i > 0 { Activation::LeakyRelu(self.slope) } else { Activation::None },
            });
        }
        layers
    }
}
