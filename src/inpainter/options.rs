//! The options of an inpainter.

use crate::engine::Strategy;
use crate::simd::Isa;

/// Options of an [`Inpainter`](crate::Inpainter). [`strategy`](Options::strategy) alone changes the output.
///
/// ```
/// use inpaint_edge::{Options, Strategy};
/// let options = Options::default().threads(2).strategy(Strategy::Native);
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    pub(super) threads: usize,
    pub(super) isa: Option<Isa>,
    pub(super) hole_aware: bool,
    pub(super) strategy: Strategy,
    pub(super) max_memory: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, isa: None, hole_aware: true, strategy: Strategy::Auto, max_memory: None }
    }
}

impl Options {
    /// Worker threads, [`MAX_THREADS`](crate::MAX_THREADS) at the most; 0 = all cores. Default 0.
    pub fn threads(self, threads: usize) -> Self {
        Self { threads, ..self }
    }

    /// Instruction set; `None` = the best this CPU has. Default `None`.
    pub fn isa(self, isa: Option<Isa>) -> Self {
        Self { isa, ..self }
    }

    /// Whether to skip outputs of layers that no hole pixel depends on. Default true.
    pub fn hole_aware(self, hole_aware: bool) -> Self {
        Self { hole_aware, ..self }
    }

    /// Whole image or regions of it. Default [`Strategy::Auto`].
    pub fn strategy(self, strategy: Strategy) -> Self {
        Self { strategy, ..self }
    }

    /// Bytes that packed weights and a run's buffers may take together; a run that takes more is refused before it starts.
    /// Image, mask and scratch memory are the caller's and do not count. Default `None`: no limit.
    pub fn max_memory(self, max_memory: Option<usize>) -> Self {
        Self { max_memory, ..self }
    }
}
