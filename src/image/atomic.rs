//! Files that are whole or not there.

use std::io::{BufWriter, Write};
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Writes `bytes` to a temporary file beside `path`, syncs it and renames it over `path`, whose permissions are kept.
///
/// # Errors
///
/// Output, naming the file; `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically_with(path, |out| out.write_all(bytes).map_err(unwritable))
}

/// As [`write_atomically`], what `write` writes.
///
/// # Errors
///
/// As [`write_atomically`], and those of `write`, which name the file.
pub fn write_atomically_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    replace(path, write).map_err(|e| e.of(path.display()))
}

fn unwritable(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {e}"))
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let file = create(folder).map_err(unwritable)?;
    let mut out = BufWriter::with_capacity(1 << 16, file);
    write(&mut out)?;
    let finish = || {
        let file = out.into_inner().map_err(|e| e.into_error())?;
        let permissions = match std::fs::metadata(path) {
            Ok(target) => target.permissions(),
            Err(_) => new_file_permissions(file.as_file())?,
        };
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    finish().map_err(unwritable)
}

/// How the names of temporary files begin.
const PREFIX: &str = ".inpaint-edge-";

/// A temporary file, locked as long as it is open, where the file system has locks.
fn create(folder: &Path) -> std::io::Result<tempfile::NamedTempFile> {
    loop {
        let file = tempfile::Builder::new().prefix(PREFIX).tempfile_in(folder)?;
        let locked = file.as_file().lock().is_ok();
        // Before it was locked it looked abandoned, and may be gone.
        if !locked || file.path().exists() {
            return Ok(file);
        }
    }
}

/// Removes from `folder` the temporary files of [`write_atomically`] that no process is writing any more: those of one that
/// was killed. What cannot be read, locked or removed stays.
pub fn remove_abandoned(folder: &Path) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for entry in entries.flatten().filter(|e| e.file_name().as_encoded_bytes().starts_with(PREFIX.as_bytes())) {
        let is_file = entry.file_type().is_ok_and(|kind| kind.is_file());
        if let Some(file) = is_file.then(|| std::fs::File::open(entry.path()).ok()).flatten()
            && file.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(entry.path());
        }
    }
}

/// Temporary files are private; a result is readable as any new file is.
fn new_file_permissions(file: &std::fs::File) -> std::io::Result<std::fs::Permissions> {
    #[allow(unused_mut)]
    let mut permissions = file.metadata()?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    Ok(permissions)
}
