//! Checkpoints of partial-convolution networks, as other programs store them, into the engine's weights file.
//!
//! A checkpoint goes through three rooms: [`formats`] finds the tensors of a file, [`layout`] tells which program's
//! network they are, where it lies and what each does, [`convert`](mod@convert) folds them into the engine's formula and
//! writes them. [`pytorch`] goes the other way. Nothing in a checkpoint is executed: what would need it is skipped. No memory
//! is taken on its word: a declared size is held against the bytes that are there.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod checkpoint;
pub mod convert;
mod fault;
pub mod formats;
pub mod input;
pub mod layout;
pub mod output;
pub mod pytorch;

pub use convert::{Options, Report, convert, convert_file};
