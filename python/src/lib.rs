//! What the package `inpaint_edge` of Python calls: the engine on NumPy arrays, and on image files.
//!
//! Each function turns what Python gives into the engine's types, lets other Python threads run, and calls the engine.
#![forbid(unsafe_code)]

mod encoded;
mod engine;
mod fault;
mod hole;
mod run;
mod selection;

use pyo3::pymodule;

#[pymodule]
mod _native {
    #[pymodule_export]
    use super::engine::Engine;
    #[pymodule_export]
    use super::hole::{Hole, Reading};
    #[pymodule_export]
    use super::selection::{painted, transparent};
}
