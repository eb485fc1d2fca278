//! The description of a network in a weights file: its layers and its settings, always fit to run.

use std::collections::BTreeMap;

use super::integer::{self, Integers, Operand};
use super::layer::{LayerShape, MAX_LEVELS};
use crate::error::{Error, Result};

/// The most channels of a map, and the largest kernel: what one output sums up stays far inside a u32.
pub(super) const MAX_CHANNELS: usize = 4096;
pub(super) const MAX_KERNEL: usize = 15;

/// Channels of the image and of the fill.
const COLOURS: usize = 3;

/// What is added to the network's output to give the fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prior {
    /// Nothing: the network's output is the fill.
    None,
    /// The harmonic fill H (Laplace's equation inside the hole); the network adds what H cannot know.
    Harmonic,
}

/// The function after the last layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Output {
    /// None.
    Linear,
    /// tanh.
    Tanh,
    /// 1/(1 + e^−v).
    Sigmoid,
}

/// The network that a weights file describes. Every value is one that a network can run with.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    pub(crate) levels: usize,
    pub(crate) mean: [f32; 3],
    pub(crate) std: [f32; 3],
    pub(crate) slope: f32,
    pub(crate) prior: Prior,
    pub(crate) prior_input: bool,
    pub(crate) context: Option<usize>,
    pub(crate) head: bool,
    pub(crate) output: Output,
    pub(crate) layers: Vec<LayerShape>,
    pub(crate) integers: Option<Integers>,
}

impl Config {
    /// A network of `encoder` layers, (output channels, kernel side) of enc1 … encL, and `decoder` layers, output channels
    /// of dec1 … decL. It reads values in 0 … 1, and the prior if `prior_input`; its slope is 0.2, and it has no head and no
    /// function after the last layer.
    ///
    /// # Errors
    ///
    /// Weights, where a weights file could not describe such a network; limits, where its numbers cannot be addressed.
    pub fn new(prior: Prior, prior_input: bool, encoder: &[(usize, usize)], decoder: &[usize]) -> Result<Self> {
        let levels = encoder.len();
        if !(1..=MAX_LEVELS).contains(&levels) || decoder.len() != levels {
            let found = format!("{levels} and {}", decoder.len());
            return Err(Error::weights(format!(
                "expected 1 to {MAX_LEVELS} encoder layers and as many of the decoder, found {found}"
            )));
        }
        let inputs = inputs(prior_input);
        let mut layers: Vec<LayerShape> = Vec::new();
        for (i, &(c_out, kernel)) in encoder.iter().enumerate() {
            let c_in = layers.last().map_or(inputs, |l| l.c_out);
            layers.push(LayerShape { name: format!("enc{}", i + 1), c_out, c_in, c_skip: 0, kernel });
        }
        for (i, &c_out) in decoder.iter().enumerate().rev() {
            let c_in = layers[layers.len() - 1].c_out;
            let c_skip = if i == 0 { inputs } else { layers[i - 1].c_out };
            layers.push(LayerShape { name: format!("dec{}", i + 1), c_out, c_in, c_skip, kernel: 3 });
        }
        for LayerShape { name, c_out, kernel, .. } in &layers {
            if !(1..=MAX_CHANNELS).contains(c_out) {
                return Err(Error::weights(format!("{name}: expected 1 to {MAX_CHANNELS} channels, found {c_out}")));
            }
            if kernel % 2 == 0 || *kernel > MAX_KERNEL {
                return Err(Error::weights(format!(
                    "{name}: expected an odd kernel up to {MAX_KERNEL}, found {kernel}"
                )));
            }
        }
        if decoder[0] != COLOURS {
            return Err(Error::weights(format!("dec1: expected {COLOURS} channels, found {}", decoder[0])));
        }
        let mut config = Self {
            levels,
            mean: [0.0; 3],
            std: [1.0; 3],
            slope: 0.2,
            prior,
            prior_input,
            context: None,
            head: false,
            output: Output::Linear,
            layers,
            integers: None,
        };
        config.set_prior(prior)?;
        config.addressable()
    }

    /// Refuses networks too large to be addressed, so that no sum over the numbers of a network overflows.
    pub(super) fn addressable(self) -> Result<Self> {
        let bytes = |l: &LayerShape| l.c_out as u128 * (l.fan_in() as u128 + 1) * size_of::<f32>() as u128;
        let bytes = self.layers.iter().map(bytes).sum::<u128>();
        if bytes >= isize::MAX as u128 / 2 {
            return Err(Error::limits(format!("expected weights that memory can hold, found {bytes} bytes")));
        }
        Ok(self)
    }

    /// Sets the scale of the network's values: (v − `mean`)/`std` of v in 0 … 1, per channel.
    ///
    /// # Errors
    ///
    /// Weights, where a number is not finite or a `std` not above 0.
    pub fn set_normalisation(&mut self, mean: [f32; 3], std: [f32; 3]) -> Result<()> {
        if !mean.iter().all(|v| v.is_finite()) {
            return Err(Error::weights(format!("input_mean: expected three finite numbers, found {mean:?}")));
        }
        if !std.iter().all(|v| v.is_finite() && *v > 0.0) {
            return Err(Error::weights(format!("input_std: expected three positive numbers, found {std:?}")));
        }
        (self.mean, self.std) = (mean, std);
        Ok(())
    }

    /// Sets the slope of the decoder's leaky ReLU.
    ///
    /// # Errors
    ///
    /// Weights, where it is not finite.
    pub fn set_slope(&mut self, slope: f32) -> Result<()> {
        if !slope.is_finite() {
            return Err(Error::weights(format!("decoder_slope: expected a finite number, found {slope}")));
        }
        self.slope = slope;
        Ok(())
    }

    /// Sets what the output is added to.
    ///
    /// # Errors
    ///
    /// Weights, where the network reads a prior and there is none.
    pub fn set_prior(&mut self, prior: Prior) -> Result<()> {
        if self.prior_input && prior == Prior::None {
            return Err(Error::weights("prior: expected one, which the network reads, found none"));
        }
        self.prior = prior;
        Ok(())
    }

    /// Sets how far around a hole the network sees the photograph; `None` is all of it.
    ///
    /// # Errors
    ///
    /// Weights, where it is 0.
    pub fn set_context(&mut self, context: Option<usize>) -> Result<()> {
        if context == Some(0) {
            return Err(Error::weights("context: expected 1 pixel or more, found 0"));
        }
        self.context = context;
        Ok(())
    }

    /// Makes it a network of integers, or one of floats.
    ///
    /// # Errors
    ///
    /// Weights, where the scales are those of a network of other levels, the slope is beyond the bounds of a scale, or a decoder
    /// layer upsamples a map whose channels do not fill groups.
    pub fn set_integers(&mut self, integers: Option<Integers>) -> Result<()> {
        if let Some(integers) = &integers {
            let (found, expected) = (integers.maps().len(), 2 * self.levels);
            if found != expected {
                return Err(Error::weights(format!("maps: expected {expected}, found {found}")));
            }
            if !integer::is_scale_or_zero(self.slope) {
                let slope = self.slope;
                return Err(Error::weights(format!("decoder_slope: expected 0 or ±2^-60 to 2^60, found {slope:?}")));
            }
            for (i, layer) in self.layers.iter().enumerate() {
                let LayerShape { name, c_in, .. } = layer;
                let group = integer::group(integers.is_wide(i));
                if layer.c_skip > 0 && !c_in.is_multiple_of(group) {
                    return Err(Error::weights(format!(
                        "{name}.up: expected channels in groups of {group}, found {c_in}"
                    )));
                }
            }
        }
        self.integers = integers;
        Ok(())
    }

    /// Sets whether a 1×1 convolution follows dec1.
    pub fn set_head(&mut self, head: bool) {
        self.head = head;
    }

    /// Sets the function after the last layer.
    pub fn set_output(&mut self, output: Output) {
        self.output = output;
    }

    /// L, the number of encoder and of decoder layers, 1 … 12.
    pub fn levels(&self) -> usize {
        self.levels
    }

    /// The mean, which is subtracted from values in 0 … 1, per channel.
    pub fn mean(&self) -> [f32; 3] {
        self.mean
    }

    /// The divisor of values less the mean, per channel; above 0.
    pub fn std(&self) -> [f32; 3] {
        self.std
    }

    /// Slope of the decoder's leaky ReLU.
    pub fn slope(&self) -> f32 {
        self.slope
    }

    /// What the output is added to.
    pub fn prior(&self) -> Prior {
        self.prior
    }

    /// Whether enc1 and dec1 read the prior, as three channels after the image's. Those count as known wherever the
    /// network sees; but a window that holds no known pixel of the image is a hole all the same.
    pub fn prior_input(&self) -> bool {
        self.prior_input
    }

    /// How far around a hole the network sees the photograph, in pixels along rows and columns; `None` is all of it. What lies
    /// farther is unknown to it, as holes are.
    pub fn context(&self) -> Option<usize> {
        self.context
    }

    /// Whether a 1×1 convolution, `head`, follows dec1, whose output then goes through the leaky ReLU too.
    pub fn head(&self) -> bool {
        self.head
    }

    /// The function after the last layer.
    pub fn output(&self) -> Output {
        self.output
    }

    /// How maps are scaled in a network of integers; `None` in one of floats.
    pub fn integers(&self) -> Option<&Integers> {
        self.integers.as_ref()
    }

    /// enc1 … encL, decL … dec1: the order they run in.
    pub fn layers(&self) -> &[LayerShape] {
        &self.layers
    }

    /// Channels of the network's input: three of the image, and three of the prior where it is read.
    pub fn inputs(&self) -> usize {
        inputs(self.prior_input)
    }

    /// Numbers in all tensors.
    pub fn parameters(&self) -> usize {
        let head = if self.head { COLOURS * (COLOURS + 1) } else { 0 };
        self.layers.iter().map(|l| l.c_out * (l.fan_in() + 1)).sum::<usize>() + head
    }

    /// Name and shape of every tensor, in the order in which their numbers follow a [`header`](super::header()).
    pub fn tensors(&self) -> BTreeMap<String, Vec<usize>> {
        let tensors = self.layers.iter().enumerate().flat_map(|(i, l)| {
            let of = |tensor: &str, shape: Vec<usize>| (format!("{}.{tensor}", l.name), shape);
            let mut tensors = vec![of("bias", vec![l.c_out])];
            match &self.integers {
                None => tensors.push(of("weight", vec![l.c_out, l.c_in + l.c_skip, l.kernel, l.kernel])),
                Some(integers) => {
                    tensors.push(of("scale", vec![l.c_out]));
                    let panels = |operand: Operand| operand.tensor_shape(l.c_out, integers.is_wide(i)).to_vec();
                    tensors.extend(l.operands().map(|operand| of(operand.name, panels(operand))));
                }
            }
            tensors
        });
        let head = [("head.weight".to_owned(), vec![COLOURS, COLOURS, 1, 1]), ("head.bias".to_owned(), vec![COLOURS])];
        tensors.chain(head.into_iter().filter(|_| self.head)).collect()
    }
}

/// Channels of an input with the prior, or without.
pub(super) fn inputs(prior_input: bool) -> usize {
    if prior_input { 2 * COLOURS } else { COLOURS }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The complaint about a network that reads the prior where there is none, or whose layers are these.
    fn complaint(prior_input: bool, encoder: &[(usize, usize)], decoder: &[usize]) -> String {
        Config::new(Prior::None, prior_input, encoder, decoder).unwrap_err().to_string()
    }

    #[test]
    fn networks_that_no_file_could_describe_are_refused() {
        let (nine, thirteen) = ([(1, 3); 9], [(1, 3); 13]);
        assert!(Config::new(Prior::Harmonic, true, &nine, &[3; 9]).is_ok());
        let layers = "expected 1 to 12 encoder layers and as many of the decoder, found";
        assert_eq!(complaint(false, &[], &[]), format!("{layers} 0 and 0"));
        assert_eq!(complaint(false, &thirteen, &[3; 13]), format!("{layers} 13 and 13"));
        assert_eq!(complaint(false, &nine, &[3; 8]), format!("{layers} 9 and 8"));
        assert_eq!(complaint(false, &[(0, 3)], &[3]), "enc1: expected 1 to 4096 channels, found 0");
        assert_eq!(
            complaint(false, &[(4, 3); 2], &[3, usize::MAX]),
            format!("dec2: expected 1 to 4096 channels, found {}", usize::MAX)
        );
        assert_eq!(complaint(false, &[(4, 4)], &[3]), "enc1: expected an odd kernel up to 15, found 4");
        assert_eq!(complaint(false, &[(4, 17)], &[3]), "enc1: expected an odd kernel up to 15, found 17");
        assert_eq!(complaint(false, &[(4, 3)], &[4]), "dec1: expected 3 channels, found 4");
        assert_eq!(complaint(true, &[(4, 3)], &[3]), "prior: expected one, which the network reads, found none");
    }

    #[test]
    fn the_largest_network_is_counted_or_refused() {
        let mut decoder = [4096; 12];
        decoder[0] = 3;
        match Config::new(Prior::None, false, &[(4096, 15); 12], &decoder) {
            Ok(config) => assert_eq!(
                config.tensors().values().map(|s| s.iter().product::<usize>()).sum::<usize>(),
                config.parameters()
            ),
            Err(e) => assert!(usize::BITS == 32 && e.kind() == crate::ErrorKind::Limits, "{e}"),
        }
    }

    #[test]
    fn values_that_no_network_runs_with_are_refused_and_not_kept() {
        let mut config = Config::new(Prior::Harmonic, true, &[(4, 3)], &[3]).unwrap();
        let before = config.clone();
        for (mean, std) in
            [([f32::NAN, 0.0, 0.0], [1.0; 3]), ([0.0; 3], [1.0, 0.0, 1.0]), ([0.0; 3], [f32::INFINITY; 3])]
        {
            assert!(config.set_normalisation(mean, std).is_err());
        }
        assert!(config.set_slope(f32::NAN).is_err());
        assert!(config.set_prior(Prior::None).is_err());
        assert!(config.set_context(Some(0)).is_err());
        assert_eq!(config, before);
        config.set_normalisation([0.5; 3], [0.25; 3]).unwrap();
        config.set_slope(0.1).unwrap();
        config.set_context(Some(48)).unwrap();
        config.set_head(true);
        config.set_output(Output::Tanh);
        assert_eq!((config.mean(), config.std(), config.slope()), ([0.5; 3], [0.25; 3], 0.1));
        assert_eq!(
            (config.context(), config.head(), config.output(), config.parameters()),
            (Some(48), true, Output::Tanh, before.parameters() + 12)
        );
    }
}
