//! What one run is asked for.

use std::ops::ControlFlow;

use ndarray::ArrayViewMut3;

use crate::engine::{Progress, Strategy};
use crate::mask::{Mask, MaskView};

/// A photograph to fill in place, and how: for [`Inpainter::run`](crate::Inpainter::run).
#[non_exhaustive]
pub struct Request<'r, T> {
    pub(super) image: ArrayViewMut3<'r, T>,
    pub(super) mask: MaskView<'r>,
    pub(super) strategy: Option<Strategy>,
    pub(super) progress: Option<&'r mut (dyn FnMut(Progress) -> ControlFlow<()> + Send + 'r)>,
    pub(super) scratch: Option<&'r mut [u8]>,
}

impl<'r, T> Request<'r, T> {
    /// Fills the hole that `mask` shows in `image` [height, width, channels] (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA).
    pub fn new(image: ArrayViewMut3<'r, T>, mask: &'r Mask<impl AsRef<[u64]>>) -> Self {
        Self { image, mask: mask.view(), strategy: None, progress: None, scratch: None }
    }

    /// Whole image or regions of it, for this run. Default: [`Options::strategy`](crate::Options::strategy).
    pub fn strategy(self, strategy: Strategy) -> Self {
        Self { strategy: Some(strategy), ..self }
    }

    /// Tells `progress` after every layer how far the run is; `Break` ends it with
    /// [`Cancelled`](crate::ErrorKind::Cancelled). It is called on one thread at a time, not always the caller's.
    pub fn progress(self, progress: &'r mut (dyn FnMut(Progress) -> ControlFlow<()> + Send + 'r)) -> Self {
        Self { progress: Some(progress), ..self }
    }

    /// Runs in `scratch`, of [`Inpainter::scratch_bytes`](crate::Inpainter::scratch_bytes) or more at any address and of any
    /// content: a run on one thread then allocates nothing at all. It is for runs of the whole image.
    pub fn scratch(self, scratch: &'r mut [u8]) -> Self {
        Self { scratch: Some(scratch), ..self }
    }
}
