//! The program, driven as a person or a script drives it.
#![cfg(feature = "cli")]

mod batch;
mod bombs;
mod faults;
mod holes;
mod jpeg;
mod metadata;
mod pictures;
mod program;
mod resources;
mod support;
