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

pub mod alloc;
#[cfg(feature = "capi")]
pub mod capi;
mod clock;
mod engine;
mod error;
pub mod gemm;
mod inpainter;
mod mask;
pub mod numerics;
mod parallel;
mod pconv;
pub mod prior;
mod sample;
#[cfg(feature = "selftest")]
pub mod selftest;
pub mod simd;
mod unet;
pub mod weights;

pub use error::{Error, ErrorKind, Result};
pub use inpainter::{Inpainter, NATIVE_PIXELS, Options, Progress, Report, Request, StageTimes, Strategy};
pub use mask::{Mask, MaskChannel, MaskGuess, MaskRule, MaskSurvey, MaskWhite, Paint, Painted};
pub use parallel::MAX_THREADS;
pub use sample::Sample;
pub use simd::Isa;
