//! The program `inpaint-edge` as a library: what it does, on plain values.
//!
//! [`spec`] says what to do; [`fill`], [`batch`], [`info`] and [`selftest`] do it. [`args`] turns a command line into a
//! `spec`; only it and [`man`] know how a command line is parsed. The program itself is `main.rs`.
//!
//! This library follows the program and promises no stable interface. To fill holes from Rust, use `inpaint-edge` and
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
