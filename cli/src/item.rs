//! A job of a batch, and what reading them from folders or from a list has in common.

use inpaint_edge::{Error, ErrorKind, Result};

use crate::files::Files;

/// The files of a job, and why it cannot be done where that is known already.
pub struct Item {
    pub files: Files,
    pub problem: Option<Error>,
}

pub fn usage<T>(detail: impl Into<String>) -> Result<T> {
    Err(Error::new(ErrorKind::Usage, detail))
}

/// Refuses jobs that memory cannot be had for: their names, `bytes` in all, as they are read, kept, found again and told,
/// the jobs themselves, which of them wait for others, and what becomes of them.
pub fn check_room(bytes: usize, jobs: usize) -> Result<()> {
    let needed = bytes.saturating_mul(4).saturating_add(jobs.saturating_mul(1024));
    let had = Vec::<u8>::new().try_reserve_exact(needed);
    had.map_err(|_| Error::new(ErrorKind::Limits, format!("no memory for {jobs} jobs")))
}
