//! The request of one run.

use std::ops::ControlFlow;

use ndarray::ArrayViewMut3;

use crate::engine::Progress;
use crate::mask::{Mask, MaskView};
pub use crate::unet::Observer;

/// A photograph to fill in place, and how: for [`Inpainter::run`](crate::Inpainter::run).
#[non_exhaustive]
pub struct Request<'r, T> {
    pub(super) image: ArrayViewMut3<'r, T>,
    pub(super) mask: MaskView<'r>,
    pub(super) progress: Option<&'r mut (dyn FnMut(Progress) -> ControlFlow<()> + Send + 'r)>,
    pub(super) scratch: Option<&'r mut [u8]>,
    pub(super) observe: Option<&'r mut Observer<'r>>,
}

impl<'r, T> Request<'r, T> {
    /// Fills the hole that `mask` shows in `image` [height, width, channels] (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA).
    pub fn new(image: ArrayViewMut3<'r, T>, mask: &'r Mask<impl AsRef<[u64]>>) -> Self {
        Self { image, mask: mask.view(), progress: None, scratch: None, observe: None }
    }

    /// Calls `progress` after every layer with the pixels done so far; `Break` ends the run with
    /// [`Cancelled`](crate::ErrorKind::Cancelled). Calls come from one thread at a time, not always the caller's.
    pub fn progress(self, progress: &'r mut (dyn FnMut(Progress) -> ControlFlow<()> + Send + 'r)) -> Self {
        Self { progress: Some(progress), ..self }
    }

    /// Runs in the caller's memory: [`Inpainter::scratch_bytes`](crate::Inpainter::scratch_bytes) or more, at any address,
    /// of any content. A run on one thread then allocates nothing, unless the hole is wider than the network reaches: smaller
    /// images to fill it from are always allocated.
    pub fn scratch(self, scratch: &'r mut [u8]) -> Self {
        Self { scratch: Some(scratch), ..self }
    }

    /// Calls `observe` with what the network of floats sees and computes, as quantisers want to know it: the number of a map (0
    /// the input, then those of the layers in the order they run) and values of it, channels of whole pixels. Of the input these
    /// are the known pixels, of other maps those that were computed. In a network of integers, input and result alone are floats.
    pub fn observe(self, observe: &'r mut Observer<'r>) -> Self {
        Self { observe: Some(observe), ..self }
    }
}
