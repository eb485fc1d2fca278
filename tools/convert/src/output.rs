//! Files that are whole or not there.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::Path;

use inpaint_edge::{Error, ErrorKind, Result};

/// Replaces `path` by what `fill` writes, once `check` has read it.
///
/// # Errors
///
/// What `fill` and `check` say; output, naming the file, where it cannot be written. `path` is then as it was.
pub fn write<T>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> Result<T>,
    check: impl FnOnce(File) -> Result<()>,
) -> Result<T> {
    let mut filled = None;
    let content = |out: &mut BufWriter<&File>| {
        filled = Some(fill(out).map_err(Failure::Content)?);
        Ok(())
    };
    let done = inpaint_edge_atomic::write_checked(path, content, |written| check(written).map_err(Failure::Content));
    match (done, filled) {
        (Ok(()), Some(filled)) => Ok(filled),
        (Err(Failure::Content(e)), _) => Err(e),
        (Err(Failure::System(e)), _) => Err(unwritten(e).of(path.display())),
        (Ok(()), None) => unreachable!("a file is there once its content is written"),
    }
}

/// Why nothing was written.
enum Failure {
    Content(Error),
    System(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::System(error)
    }
}

/// The error of a result that cannot be written.
pub(crate) fn unwritten(error: io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {error}")).with_source(error)
}
