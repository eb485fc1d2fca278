//! Makes engines from weights and options, and tells how much scratch memory their runs take.

use std::ffi::CStr;

use super::guard::{boxed, guard};
use super::lent::null;
use super::types::{inpaint_engine, inpaint_options, inpaint_status};
use crate::alloc::{lines_bytes, words_bytes};
use crate::error::Result;
use crate::inpainter::{Inpainter, Options};
use crate::mask::{Mask, dilation_lines};

#[cfg(feature = "embedded-weights")]
pub(super) fn built_in(options: Options) -> Result<Inpainter> {
    Inpainter::embedded(options)
}

#[cfg(not(feature = "embedded-weights"))]
pub(super) fn built_in(_: Options) -> Result<Inpainter> {
    Err(crate::Error::usage("weights: expected an address, found NULL in a build that has no weights of its own"))
}

#[cfg(feature = "fs")]
pub(super) fn from_file(path: &CStr, options: Options) -> Result<Inpainter> {
    #[cfg(unix)]
    let path: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(path.to_bytes());
    #[cfg(not(unix))]
    let path = path.to_str().map_err(|_| crate::Error::usage("path: expected UTF-8, found other bytes"))?;
    Inpainter::from_path(path, options)
}

#[cfg(not(feature = "fs"))]
pub(super) fn from_file(_: &CStr, _: Options) -> Result<Inpainter> {
    Err(crate::Error::usage("path: expected weights in memory, found a path in a build that reads no files"))
}

/// Writes the engine that `make` makes to `*engine`.
///
/// # Safety
///
/// `options` is NULL or comes from `inpaint_options_new`; `engine` is NULL or may be written.
pub(super) unsafe fn create(
    options: *const inpaint_options,
    engine: *mut *mut inpaint_engine,
    make: impl FnOnce(Options) -> Result<Inpainter>,
) -> inpaint_status {
    guard(|| {
        if engine.is_null() {
            return Err(null("engine"));
        }
        // SAFETY: not NULL, so it may be written.
        unsafe { engine.write(std::ptr::null_mut()) };
        // SAFETY: the caller vouches for the options.
        let (options, reading) = match unsafe { options.as_ref() } {
            None => Default::default(),
            Some(inpaint_options { options, reading }) => (options.clone(), *reading),
        };
        let made = boxed(inpaint_engine { inpainter: make(options)?, reading })?;
        // SAFETY: as above.
        unsafe { engine.write(made) };
        Ok(())
    })
}

impl inpaint_engine {
    /// Bytes of scratch memory for a picture of this size. The mask takes some; the rest serves growing it first, then the run.
    pub(super) fn scratch_size(&self, width: usize, height: usize) -> Result<usize> {
        let mask = words_bytes(Mask::words_for(width, height));
        let run = self.inpainter.scratch_bytes(width, height)?;
        let grown = mask.saturating_add(lines_bytes(dilation_lines(width, height)));
        Ok(run.max(grown).saturating_add(mask))
    }
}
