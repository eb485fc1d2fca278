//! Files that are whole or not there.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use inpaint_edge::{Error, ErrorKind, Result};

/// Lets `fill` write a temporary file beside `path`, `check` read it, and renames it over `path`.
///
/// # Errors
///
/// What `fill` and `check` say; output, naming the file, where it cannot be written. `path` is then as it was.
pub fn write<T>(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<&File>) -> Result<T>,
    check: impl FnOnce(&Path) -> Result<()>,
) -> Result<T> {
    let failed = |e: io::Error| unwritten(e).of(path.display());
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let file = tempfile::Builder::new().prefix(".inpaint-convert-").tempfile_in(folder).map_err(failed)?;
    let mut writer = BufWriter::with_capacity(1 << 18, file.as_file());
    let done = fill(&mut writer)?;
    writer.flush().map_err(failed)?;
    drop(writer);
    check(file.path())?;
    let commit = || {
        #[cfg_attr(not(unix), allow(unused_mut))]
        let mut permissions = match std::fs::metadata(path) {
            Ok(target) => target.permissions(),
            Err(_) => file.as_file().metadata()?.permissions(),
        };
        // Temporary files are private; a new file is readable as any is.
        #[cfg(unix)]
        if !path.exists() {
            std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
        }
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    commit().map_err(failed)?;
    Ok(done)
}

/// The error of a result that cannot be written.
pub(crate) fn unwritten(error: io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {error}"))
}
