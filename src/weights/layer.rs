//! The shape of a layer.

/// The most encoder layers: 2^12 pixels a side at the bottom's single pixel.
pub(crate) const MAX_LEVELS: usize = 12;

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

impl LayerShape {
    /// Products in the sum of one output.
    pub(super) fn fan_in(&self) -> usize {
        (self.c_in + self.c_skip) * self.kernel * self.kernel
    }
}
