//! Fills holes in photographs on plain CPUs, with the same bytes on every machine.
//!
//! ```no_run
//! # #[cfg(not(feature = "embedded-weights"))]
//! # fn main() {}
//! # #[cfg(feature = "embedded-weights")]
//! # fn main() -> inpaint_edge::Result<()> {
//! use inpaint_edge::{Inpainter, Mask, Options, Request};
//!
//! let inpainter = Inpainter::embedded(Options::default())?;
//! let mut image = ndarray::Array3::<u8>::zeros((480, 640, 3)); // height, width, channels
//! let mut mask = Mask::new(640, 480)?; // nothing to fill
//! mask.add_box(300..360, 200..240);
//! inpainter.run(Request::new(image.view_mut(), &mask))?; // in place
//! # Ok(())
//! # }
//! ```
//!
//! Images are views of `ndarray` 0.17, [height, width, channels], of [`u8`, `u16` or `f32`](Sample). A [`Mask`] is made from
//! boxes, bytes, a channel of a picture, transparency or paint. The package `inpaint-edge-image` reads and writes files.
//!
//! Features, on by default: `parallel` (threads), `clock` (times in the [`Report`]), `huge-pages` (Linux), `texture` (in wide
//! holes, and grain), `embedded-weights`; others: `integer` (networks of integers), `fs` (weights by path), `capi` (the C
//! interface), `selftest`. Without any of them the engine works on slices alone and uses no clock, thread, file or system call.
//!
//! The way of a pixel: a [`Mask`] marks what to fill; `engine` runs the stages in their order; the [prior] is the smooth
//! part of a fill; `unet` plans and runs the layers; each layer is a `pconv`, built on [`gemm`] and [`simd`] under the rules
//! of [`numerics`].
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
mod grain;
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
mod synthesis;
mod unet;
pub mod weights;

pub use error::{Error, ErrorKind, Result};
pub use inpainter::{Inpainter, Observer, Options, Progress, Report, Request, StageTimes, Texture};
pub use mask::{Mask, MaskChannel, MaskGuess, MaskRule, MaskSurvey, MaskView, MaskWhite, Paint, Painted};
pub use parallel::MAX_THREADS;
pub use sample::Sample;
pub use simd::Isa;
