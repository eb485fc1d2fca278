//! Who uses whom: the modules of the engine in one direction, the files of every package in no circle.

mod circles;
mod engine;
