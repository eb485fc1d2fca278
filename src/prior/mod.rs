//! The smooth fill of a hole, which the network adds to.

mod harmonic;

pub use harmonic::{CYCLES, Harmonic};
