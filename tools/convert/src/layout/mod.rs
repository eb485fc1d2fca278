//! Whose network a checkpoint holds: the names of its tensors, and what its layers compute.

mod network;
mod root;
mod table;

pub use network::{Convolution, Network, recognise};
pub use table::LAYOUTS;

use inpaint_edge::weights::Output;

/// Half of the U-Net.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// enc1 … encL.
    Encoder,
    /// dec1 … decL; dec1 runs last.
    Decoder,
}

/// The tensors of one layer.
#[derive(Clone, Debug)]
pub struct Keys {
    /// The kernel.
    pub weight: String,
    /// The bias of the convolution.
    pub bias: String,
    /// A kernel of ones that counts known pixels. May be left out.
    pub ones: Option<String>,
    /// Gamma, beta, mean and variance of batch norm.
    pub norm: [String; 4],
    /// A number of batch norm that is not needed. May be left out.
    pub counter: Option<String>,
}

/// Whether a layer has a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Has {
    /// It must.
    Yes,
    /// It must not.
    No,
    /// Both are right.
    Maybe,
}

/// What is known of the kernels of a program that count known pixels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ones {
    /// The program runs with what is stored: all ones, or not what the engine computes.
    Verified,
    /// The program writes ones over what is stored, whenever it runs.
    Ignored,
}

/// What a layer multiplies the sum over known pixels by; s is their number over all channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ratio {
    /// k²·C_in/s, the engine's own (NVIDIA).
    Window,
    /// 1/s.
    Sum,
    /// k²/s.
    Taps,
}

/// Order of the two operands of a decoder layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)]
pub enum Concat {
    UpSkip,
    SkipUp,
}

/// Order of the axes of a kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Axes {
    /// Output, input, height, width.
    Oihw,
    /// Height, width, input, output.
    Hwio,
}

/// How the network sees colours.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Normalise {
    /// (x − mean)/std on values in 0 … 1.
    By {
        /// Per channel.
        mean: [f32; 3],
        /// Per channel.
        std: [f32; 3],
    },
    /// As the tensors `input_mean`, `input_std`, `decoder_slope`, `harmonic_prior` and `output_function` say.
    Stored,
}

/// Something the checkpoint does not tell and the user may know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fact {
    /// The network ends without tanh.
    NoTanh,
    /// Its batch norm runs on moving, not on each image's own statistics.
    FrozenBn,
}

impl Fact {
    /// Every fact, by its name in `--assume`.
    pub const ALL: [(&'static str, Fact); 2] = [("no-tanh", Fact::NoTanh), ("frozen-bn", Fact::FrozenBn)];
}

/// A program's network.
pub struct Layout {
    /// Its name in `--from`.
    pub name: &'static str,
    /// The tensors of layer i (1 is at full size) of a network of so many levels.
    pub keys: fn(Side, usize, usize) -> Keys,
    /// Whether encoder and decoder are numbered through, first to last.
    pub through: bool,
    /// Whether kernels of ones are what they should be.
    pub ones: Ones,
    /// Which layers have batch norm.
    pub norm: fn(Side, usize) -> Has,
    /// Which convolutions have a bias.
    pub bias: fn(Side, usize) -> Has,
    /// Added to the variance of batch norm.
    pub epsilon: f64,
    /// Scaling of the layers.
    pub ratio: Ratio,
    /// Order of the operands.
    pub concat: Concat,
    /// Order of the axes.
    pub axes: Axes,
    /// Whether channels are blue, green, red.
    pub bgr: bool,
    /// Input range.
    pub normalise: Normalise,
    /// Weight and bias of a 1×1 convolution behind dec1 and the leaky ReLU.
    pub head: Option<(Has, [&'static str; 2])>,
    /// The function behind the last layer.
    pub output: Output,
    /// Why the engine cannot run it, and what the user may know that makes it able to.
    pub obstacle: Option<(&'static str, Option<Fact>)>,
    /// In what the program's own results differ.
    pub note: Option<&'static str>,
}

impl Layout {
    /// The layout of that name.
    pub fn named(name: &str) -> Option<&'static Layout> {
        LAYOUTS.iter().find(|layout| layout.name == name)
    }
}
