//! Errors of the engine as exceptions of Python.

use std::error::Error as _;
use std::io;

use inpaint_edge::Error;
use pyo3::prelude::*;

/// The exception of `inpaint_edge.errors` for the error's kind, and for whether it is the system's.
pub fn raised(py: Python<'_>, e: &Error) -> PyErr {
    let system = e.source().and_then(|source| source.downcast_ref::<io::Error>());
    let errno = system.and_then(io::Error::raw_os_error);
    let made = py
        .import("inpaint_edge.errors")
        .and_then(|errors| errors.getattr("_of")?.call1((e.kind().name(), e.to_string(), system.is_some(), errno)));
    made.map_or_else(|failed| failed, PyErr::from_value)
}
