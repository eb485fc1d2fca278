//! Files that are whole or not there.

use std::fs::{File, Metadata};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::{NamedTempFile, TempPath};

use crate::error::{Error, ErrorKind, Result};

/// Writes `bytes` to a temporary file beside `path`, syncs it and renames it over `path`, whose permissions are kept, and
/// whose owner and group where the user may do that. On Linux that file has a name only while it is renamed, so that a process
/// that is ended midway leaves none. Of a symbolic link the file it leads to is replaced.
///
/// # Errors
///
/// Output, naming the file, as of [`target_of`]; `path` is then as it was.
pub fn write_atomically(path: &Path, bytes: &[u8]) -> Result<()> {
    write_atomically_with(path, |out| out.write_all(bytes).map_err(unwritable))
}

/// As [`write_atomically`], what `write` writes.
///
/// # Errors
///
/// As [`write_atomically`], and those of `write`, which name the file.
pub fn write_atomically_with(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let target = target_of(path)?;
    replace(&target, write).map_err(|e| e.of(path.display()))
}

fn unwritable(e: std::io::Error) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {e}"))
}

/// The file that writing to `path` makes or replaces: where a symbolic link leads, or `path` itself.
///
/// # Errors
///
/// Output, naming `path`, where a link leads nowhere, or something is there that is no regular file.
pub fn target_of(path: &Path) -> Result<PathBuf> {
    let target = if path.is_symlink() { path.canonicalize() } else { Ok(path.to_owned()) };
    match target {
        Ok(target) if target.exists() && !target.is_file() => {
            Err(Error::new(ErrorKind::Output, "cannot be written: a regular file or none expected, another kind found"))
        }
        target => target.map_err(unwritable),
    }
    .map_err(|e| e.of(path.display()))
}

fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let target = std::fs::metadata(path).ok();
    // What replaces a file that few may read is never for more; a new file is for whom the umask leaves it.
    let mode = if target.is_some() { 0o600 } else { 0o666 };
    let Draft { file, name } = Draft::new(folder, mode).map_err(unwritable)?;
    let mut out = BufWriter::with_capacity(1 << 16, &file);
    write(&mut out)?;
    let finish = || {
        out.into_inner().map_err(|e| e.into_error())?;
        if let Some(target) = &target {
            keep_owner(&file, target);
            file.set_permissions(target.permissions())?;
        }
        file.sync_all()?;
        let name = name.map_or_else(|| unnamed::link(&file, folder), Ok)?;
        name.persist(path).map_err(|e| e.error)
    };
    finish().map_err(unwritable)
}

/// How the names of temporary files begin.
const PREFIX: &str = ".inpaint-edge-";

/// A temporary file, locked as long as it is open, where the file system has locks; without a name where it can do without.
struct Draft {
    file: File,
    name: Option<TempPath>,
}

impl Draft {
    /// Of this mode less the umask, where files have modes.
    fn new(folder: &Path, mode: u32) -> std::io::Result<Self> {
        if let Some(file) = unnamed::create(folder, mode) {
            let _ = file.lock();
            return Ok(Self { file, name: None });
        }
        loop {
            let (file, name) = named(folder, mode)?.into_parts();
            let locked = file.lock().is_ok();
            // Before it was locked it looked abandoned, and may be gone.
            if !locked || name.exists() {
                return Ok(Self { file, name: Some(name) });
            }
        }
    }
}

fn named(folder: &Path, mode: u32) -> std::io::Result<NamedTempFile> {
    let mut builder = tempfile::Builder::new();
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    #[cfg(not(unix))]
    let _ = mode;
    builder.prefix(PREFIX).tempfile_in(folder)
}

/// Files without a name, which are gone once nobody has them open.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, linkat};
    use tempfile::TempPath;

    fn path_of(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }

    /// None, where the file system has no such files, or where they could not be given a name.
    pub fn create(folder: &Path, mode: u32) -> Option<File> {
        let file = OpenOptions::new().write(true).mode(mode).custom_flags(libc::O_TMPFILE).open(folder).ok()?;
        path_of(&file).symlink_metadata().is_ok().then_some(file)
    }

    /// Gives the file a name.
    pub fn link(file: &File, folder: &Path) -> std::io::Result<TempPath> {
        let link = |name: &Path| Ok(linkat(CWD, path_of(file), CWD, name, AtFlags::SYMLINK_FOLLOW)?);
        Ok(tempfile::Builder::new().prefix(super::PREFIX).make_in(folder, link)?.into_temp_path())
    }
}

#[cfg(not(target_os = "linux"))]
mod unnamed {
    use std::fs::File;
    use std::path::Path;

    use tempfile::TempPath;

    pub fn create(_: &Path, _: u32) -> Option<File> {
        None
    }

    pub fn link(_: &File, _: &Path) -> std::io::Result<TempPath> {
        Err(std::io::ErrorKind::Unsupported.into())
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

/// Gives `file` the owner and group of `target`, or its group alone, as far as the user may.
#[cfg(unix)]
fn keep_owner(file: &File, target: &Metadata) {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (owner, group) = (Some(target.uid()), Some(target.gid()));
    let _ = fchown(file, owner, group).or_else(|_| fchown(file, None, group));
}

#[cfg(not(unix))]
fn keep_owner(_: &File, _: &Metadata) {}
