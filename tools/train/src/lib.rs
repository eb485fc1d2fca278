//! Training data for inpaint-edge: augmented crops of photographs and the holes to be filled in them.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod data;
pub mod masks;
pub mod rng;
pub mod sheet;
