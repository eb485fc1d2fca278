//! The trainer of inpaint-edge: photographs and holes, the network forward and backward, its losses.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod checkpoint;
pub mod config;
pub mod data;
pub mod fit;
pub mod gradcheck;
pub mod loss;
pub mod masks;
pub mod net;
pub mod optim;
pub mod real;
pub mod rng;
pub mod sheet;
mod tensors;
pub mod vgg;

/// Bytes in hexadecimal.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
