//! The modules of the engine use each other in one direction, the files of every package in no circle.

mod circles;
mod engine;
