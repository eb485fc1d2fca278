//! Fill holes in photographs on plain CPUs.
#![deny(unsafe_code)]
#![deny(unsafe_op_in_unsafe_fn)]
#![warn(missing_docs)]

mod error;
mod inpainter;
pub mod numerics;
pub mod simd;
pub mod weights;

pub use error::{Error, ErrorKind, Result};
pub use inpainter::{Inpainter, MaskWhite, Options, Progress, Report, Sample};
pub use simd::Isa;
