//! Files that are whole or not there.

use std::io::Write;
use std::path::Path;

use crate::error::{Error, ErrorKind, Result};

/// Writes `bytes` to a temporary file beside `path`, syncs it and renames it over `path`, whose permissions are kept.
///
/// # Errors
///
/// Output, naming the file; `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    let write = || {
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let mut file = tempfile::Builder::new().prefix(".inpaint-edge-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        let permissions = match std::fs::metadata(path) {
            Ok(target) => target.permissions(),
            Err(_) => new_file_permissions(file.as_file())?,
        };
        file.as_file().set_permissions(permissions)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        Ok(())
    };
    write().map_err(|e: std::io::Error| {
        Error::new(ErrorKind::Output, format!("{}: cannot be written: {e}", path.display()))
    })
}

/// Temporary files are private; a result is readable as any new file is.
fn new_file_permissions(file: &std::fs::File) -> std::io::Result<std::fs::Permissions> {
    #[allow(unused_mut)]
    let mut permissions = file.metadata()?.permissions();
    #[cfg(unix)]
    std::os::unix::fs::PermissionsExt::set_mode(&mut permissions, 0o644);
    Ok(permissions)
}
