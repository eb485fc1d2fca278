//! The weights file: schema, checks, and one layer at a time as f32.

/// The weights built into the library.
#[cfg(feature = "embedded-weights")]
pub static EMBEDDED: &[u8] = include_bytes!("../../weights/edge.safetensors");

/// What is added to the network's output to give the fill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Prior {
    /// Nothing: the network's output is the fill.
    None,
    /// The harmonic fill H (Laplace's equation inside the hole); the network adds what H cannot know.
    Harmonic,
}

/// Shape of one convolution.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct LayerShape {
    /// `enc1` … `encL`, `decL` … `dec1`.
    pub name: String,
    /// Output channels.
    pub c_out: usize,
    /// Input channels of an encoder layer; channels of the upsampled operand of a decoder layer.
    pub c_in: usize,
    /// Channels of the skip operand of a decoder layer, 0 for an encoder layer.
    pub c_skip: usize,
    /// Kernel side, odd.
    pub kernel: usize,
}

/// What a weights file describes.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Config {
    /// L, the number of encoder and of decoder layers.
    pub levels: usize,
    /// Subtracted from 0 … 1 values, per channel.
    pub mean: [f32; 3],
    /// Divides what is left, per channel.
    pub std: [f32; 3],
    /// Slope of the decoder's leaky ReLU.
    pub slope: f32,
    /// What the output is added to.
    pub prior: Prior,
    /// enc1 … encL, decL … dec1: the order they run in.
    pub layers: Vec<LayerShape>,
}
