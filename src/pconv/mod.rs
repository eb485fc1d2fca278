//! One partial convolution: weights folded and packed, active pixels gathered, the sum renormalised.
//!
//! At an output pixel with mask m (1 = known) and window size K = k²·C_in (Liu et al. 2018, equation 1):
//!
//! ```text
//! s = Σ m        y = (Σ W·(x·m))·(K/s) + b  and new mask 1 where s > 0,  y = 0 and new mask 0 where s = 0
//! ```
//!
//! Of each feature map, a run uses a frame: every pixel that a window reads. It holds zeros in holes and beyond the image, so
//! x·m is the map itself. The channels of a prior in the input have no holes: they count in s wherever the network sees.
//!
//! A [`Layer`] is generic over its number type, and layers of different types make up one network: see
//! [`PartialConvolution`]. Each number type has a file that packs its weights, such as `float.rs`.

mod float;
mod fold;
mod frame;
mod integer;
mod layer;
mod map;
pub(crate) mod plane;
pub(crate) mod windows;

pub(crate) use frame::Frame;
pub(crate) use integer::{IntegerLayer, map_values};
pub(crate) use layer::{Layer, PartialConvolution, Work};
pub(crate) use map::{Map, Pixel, Values};
