//! The program, driven as a person or a script drives it.
#![cfg(feature = "cli")]

mod faults;
mod metadata;
mod pictures;
mod program;
mod support;
