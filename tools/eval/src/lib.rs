//! How well photographs are filled: the network beside classical methods, on the same crops and the same holes.
#![deny(unsafe_code)]
#![warn(missing_docs)]

pub mod cases;
pub mod features;
pub mod methods;
pub mod page;
pub mod report;
pub mod run;
pub mod scores;
pub mod shapes;
