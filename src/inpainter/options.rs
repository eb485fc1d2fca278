//! The options of an inpainter.

use crate::engine::Texture;
use crate::simd::Isa;

/// Options of an [`Inpainter`](crate::Inpainter). [`context`](Options::context), [`texture`](Options::texture) and
/// [`grain`](Options::grain) alone change the output.
///
/// ```
/// use inpaint_edge::Options;
/// let options = Options::default().threads(2).max_memory(Some(256 << 20));
/// ```
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Options {
    pub(super) threads: usize,
    pub(super) isa: Option<Isa>,
    pub(super) hole_aware: bool,
    pub(super) context: Option<usize>,
    pub(super) texture: Texture,
    pub(super) grain: bool,
    pub(super) max_memory: Option<usize>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            threads: 0,
            isa: None,
            hole_aware: true,
            context: None,
            texture: Texture::Auto,
            grain: true,
            max_memory: None,
        }
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

    /// How many pixels around a hole the network sees, in place of what its weights file says
    /// ([`Config::context`](crate::weights::Config::context)). Fewer cost less; `usize::MAX` is all of the photograph.
    /// Default `None`: as the file says.
    pub fn context(self, context: Option<usize>) -> Self {
        Self { context, ..self }
    }

    /// Which holes get texture. Default [`Texture::Auto`], which is none without feature `texture`.
    pub fn texture(self, texture: Texture) -> Self {
        Self { texture, ..self }
    }

    /// Whether fills that are smoother than a noisy photograph around them get its grain. Those in clean photographs never
    /// change. Default true.
    pub fn grain(self, grain: bool) -> Self {
        Self { grain, ..self }
    }

    /// Bytes that packed weights and a run's buffers may take together; a run that takes more is refused before it starts.
    /// Image, mask and scratch memory are the caller's and do not count. Default `None`: no limit.
    pub fn max_memory(self, max_memory: Option<usize>) -> Self {
        Self { max_memory, ..self }
    }
}
