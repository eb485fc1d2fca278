//! Fill holes in photographs on plain CPUs, with the same bytes on every machine.
//!
//! [`Inpainter`] is the way in: see its example. Tensors are those of `ndarray` 0.17. Features: `parallel` (threads),
//! `embedded-weights`, `image` (files, types of the `image` crate) and `cli`, on by default; `fs` (weights by path), `capi`,
//! `selftest`. With none of them the engine runs from slices and touches no file.
//!
//! The folders are the way a pixel takes: [`mod@image`] decodes, `mask` says what is known,
//! `unet` plans and runs the layers, each a `pconv` on [`gemm`] on [`simd`], under the rules of [`numerics`].
#![deny(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

mod buffer;
#[cfg(feature = "capi")]
pub mod capi;
mod error;
pub mod gemm;
pub mod harmonic;
mod holes;
mod inpainter;
mod mask;
pub mod numerics;
mod parallel;
mod pconv;
#[doc(hidden)]
pub mod room;
mod sample;
mod select;
#[cfg(feature = "selftest")]
pub mod selftest;
pub mod simd;
mod unet;
pub mod weights;
mod window;

pub use error::{Error, ErrorKind, Result};
pub use holes::Holes;
pub use inpainter::{Inpainter, MaskWhite, NATIVE_PIXELS, Options, Progress, Report, Strategy};
pub use parallel::MAX_THREADS;
pub use sample::Sample;
pub use select::{MaskChannel, MaskGuess, MaskSurvey, Paint, Painted};
pub use simd::Isa;
