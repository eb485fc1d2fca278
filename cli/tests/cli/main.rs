//! The program, driven as a person or a script drives it.

mod announced;
mod batch;
mod bombs;
mod faults;
mod holes;
mod jpeg;
mod lists;
mod made_tiff;
mod masks;
mod metadata;
mod outputs;
mod pictures;
mod plain;
mod program;
mod resources;
mod support;
mod tiff;
