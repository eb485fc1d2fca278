//! Makes a network of integers from one of floats.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod network;
pub mod statistics;
