//! What a hole is filled with before the network adds to it.

mod harmonic;

pub use harmonic::{CYCLES, Harmonic};
