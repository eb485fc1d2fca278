//! Fill holes in photographs on plain CPUs, with the same bytes on every machine.
//!
//! [`Inpainter`] is the way in. The folders are the way a pixel takes: [`mod@image`] decodes, `mask` says what is known,
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
#[cfg(feature = "image")]
pub mod image;
mod inpainter;
mod mask;
pub mod numerics;
mod parallel;
mod pconv;
#[cfg(feature = "selftest")]
pub mod selftest;
pub mod simd;
mod unet;
pub mod weights;

pub use error::{Error, ErrorKind, Result};
pub use inpainter::{Inpainter, MaskWhite, Options, Progress, Report, Sample};
pub use parallel::MAX_THREADS;
pub use simd::Isa;
