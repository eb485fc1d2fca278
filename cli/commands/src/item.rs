//! A job of a batch, and what reading jobs from folders and from a list has in common.

use inpaint_edge::{Error, Result};

use crate::files::Files;

/// The files of a job, and why it cannot be done where that is known already.
pub struct Item {
    pub files: Files,
    pub problem: Option<Error>,
}

pub fn usage<T>(detail: impl Into<String>) -> Result<T> {
    Err(Error::usage(detail))
}

/// Refuses a batch that memory runs out for: names of `bytes` in all, several times over, and `jobs` jobs with their
/// order and outcomes.
pub fn check_memory(bytes: usize, jobs: usize) -> Result<()> {
    let needed = bytes.saturating_mul(4).saturating_add(jobs.saturating_mul(1024));
    let had = Vec::<u8>::new().try_reserve_exact(needed);
    had.map_err(|_| Error::limits(format!("no memory for {jobs} jobs")))
}
