//! The program `inpaint-edge` as a library: what it does, on plain values.
//!
//! [`spec`] says what to do; [`fill`], [`batch`], [`info`] and [`selftest`] do it. [`args`] makes a `spec` of a command line,
//! and is the only module, beside [`man`], that knows how a command line is parsed. The program itself is `main.rs`.
//!
//! This library follows the program and promises nothing of its own: for filling holes from Rust, take `inpaint-edge` and
//! `inpaint-edge-image`.
#![deny(unsafe_code)]

mod advice;
pub mod args;
pub mod batch;
mod budget;
mod budgeted;
pub mod console;
mod engine;
pub mod files;
pub mod fill;
mod folders;
mod free;
pub mod hole;
pub mod info;
mod inputs;
pub mod item;
mod job;
pub mod list;
pub mod man;
mod memory;
mod names;
mod order;
mod plan;
mod report;
pub mod selftest;
mod source;
pub mod spec;
