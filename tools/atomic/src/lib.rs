//! Replaces a file in one step: a reader sees the old file or the whole new one.
//!
//! ```
//! # fn main() -> std::io::Result<()> {
//! # let folder = tempfile::tempdir()?;
//! let path = folder.path().join("report.txt");
//! inpaint_edge_atomic::write(&path, b"done")?;
//! inpaint_edge_atomic::write_with(&path, |out| writeln!(out, "done twice"))?;
//! assert_eq!(std::fs::read(&path)?, b"done twice\n");
//! # Ok(())
//! # }
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod access;

use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Error, ErrorKind, Result, Seek, Write};
use std::path::{Path, PathBuf};

use tempfile::TempPath;

/// Writes `bytes` to a temporary file beside `path`, syncs it and renames it over `path`.
///
/// A replaced file gives the new one its permissions, or fewer, and its owner and group if the user may do that; other
/// new files have the permissions that the umask leaves. On Linux, the access control list is kept, and `user.*`
/// attributes if possible; and the temporary file has a name only while it is renamed, so that a process that is killed
/// leaves none. If `path` is a symbolic link, the file it leads to is replaced.
///
/// # Errors
///
/// As [`target_of`]; also if the folder takes no file, the file cannot be replaced or the disk is full. `path` is then
/// as it was. The errors do not name `path`.
pub fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    write_with(path, |out| out.write_all(bytes))
}

/// As [`write()`], with what `content` writes.
///
/// # Errors
///
/// As [`write()`], and those of `content`.
pub fn write_with<E: From<Error>>(
    path: &Path,
    content: impl FnOnce(&mut dyn Write) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    write_checked(path, |out| content(out), |_| Ok(()))
}

/// As [`write_with`], with a writer that can seek; `check` reads what was written, from its first byte on, before it
/// replaces anything.
///
/// # Errors
///
/// As [`write_with`], and those of `check`.
pub fn write_checked<E: From<Error>>(
    path: &Path,
    content: impl FnOnce(&mut BufWriter<&File>) -> std::result::Result<(), E>,
    check: impl FnOnce(File) -> std::result::Result<(), E>,
) -> std::result::Result<(), E> {
    let target = target_of(path)?;
    let new = Replacement::new(&target)?;
    let mut out = BufWriter::with_capacity(1 << 16, &new.draft.file);
    content(&mut out)?;
    out.into_inner().map_err(|e| e.into_error())?;
    let mut written = new.draft.file.try_clone()?;
    written.rewind()?;
    check(written)?;
    Ok(new.persist(&target)?)
}

/// The file that writing to `path` makes or replaces: the target of a symbolic link, or `path` itself.
///
/// # Errors
///
/// If `path` is a dangling link or anything but a regular file.
pub fn target_of(path: &Path) -> Result<PathBuf> {
    let target = if path.is_symlink() { path.canonicalize()? } else { path.to_owned() };
    if target.is_dir() {
        return Err(Error::new(ErrorKind::IsADirectory, "expected a regular file or none, found a folder"));
    }
    if target.exists() && !target.is_file() {
        return Err(refused("expected a regular file or none, found another kind"));
    }
    Ok(target)
}

/// Checks, ahead of the work, that [`write()`] can write to `path`, as far as that can be known: refuses a folder that
/// is missing or takes no file, and a file that cannot be replaced. Changes nothing.
///
/// # Errors
///
/// As [`write()`].
pub fn check_writable(path: &Path) -> Result<()> {
    let target = target_of(path)?;
    Replacement::new(&target)?.check(&target)
}

fn refused(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::PermissionDenied, why.into())
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// The new file, before it replaces the old one.
struct Replacement {
    draft: Draft,
    /// Metadata of the file that is there.
    old: Option<std::fs::Metadata>,
}

impl Replacement {
    fn new(path: &Path) -> Result<Self> {
        let (folder, old) = (folder_of(path), std::fs::metadata(path).ok());
        // A replacement is private until it gets the old permissions; a new file has those that the umask leaves.
        let mode = if old.is_some() { 0o600 } else { 0o666 };
        let draft = Draft::new(folder, mode).map_err(|e| match folder.is_dir() {
            true => Error::new(e.kind(), Refused(e)),
            false => Error::new(e.kind(), format!("expected a folder {}, found none", folder.display())),
        })?;
        Ok(Self { draft, old })
    }

    /// Checks that this can replace the file at `path`.
    fn check(self, path: &Path) -> Result<()> {
        let Some(old) = &self.old else { return Ok(()) };
        // On other systems a file that is made read-only could not be removed again.
        if cfg!(unix) {
            access::keep(&self.draft.file, path, old)?;
        }
        if let Some(why) = fixed::reason(path) {
            return Err(refused(why));
        }
        let made = self.draft.file.metadata()?;
        match std::fs::metadata(folder_of(path)) {
            Ok(folder) if access::is_guarded(&folder, old, &made) => Err(refused(
                "expected a file of your own, found that of another user, in a folder that keeps such files",
            )),
            _ => Ok(()),
        }
    }

    /// Replaces the file at `path` by this.
    fn persist(self, path: &Path) -> Result<()> {
        let Self { draft: Draft { file, name }, old } = self;
        if let Some(old) = &old {
            access::keep(&file, path, old)?;
        }
        file.sync_all()?;
        let name = name.map_or_else(|| unnamed::link(&file, folder_of(path)), Ok)?;
        name.persist(path).map_err(|e| match e.error.kind() {
            ErrorKind::ResourceBusy => Error::new(ErrorKind::ResourceBusy, MOUNTED),
            _ => e.error,
        })
    }
}

/// A folder in which no file can be made, and why.
#[derive(Debug)]
struct Refused(Error);

impl std::fmt::Display for Refused {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "its folder takes no file: {}", self.0)
    }
}

impl std::error::Error for Refused {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.0)
    }
}

const MOUNTED: &str = "expected a file that can be replaced, found a mount point; mount its folder instead of the file, or write \
                       to another name";

/// Files that no user may replace.
#[cfg(target_os = "linux")]
mod fixed {
    use std::path::Path;

    use rustix::fs::{AtFlags, CWD, StatxAttributes, StatxFlags, statx};

    /// Why no user may replace `path`, as far as the system tells.
    pub fn reason(path: &Path) -> Option<&'static str> {
        let found = statx(CWD, path, AtFlags::SYMLINK_NOFOLLOW, StatxFlags::TYPE).ok()?.stx_attributes;
        let reasons = [
            (StatxAttributes::MOUNT_ROOT, super::MOUNTED),
            (
                StatxAttributes::IMMUTABLE,
                "expected a file that can be replaced, found an immutable one (lsattr shows i)",
            ),
            (StatxAttributes::APPEND, "expected a file that can be replaced, found one to append to (lsattr shows a)"),
        ];
        reasons.into_iter().find_map(|(attribute, why)| found.contains(attribute).then_some(why))
    }
}

#[cfg(not(target_os = "linux"))]
mod fixed {
    pub fn reason(_: &std::path::Path) -> Option<&'static str> {
        None
    }
}

/// How the names of temporary files begin.
const PREFIX: &str = ".inpaint-edge-";

/// A temporary file: locked while it is open, if the file system has locks, and without a name if the system can do
/// without.
struct Draft {
    file: File,
    name: Option<TempPath>,
}

impl Draft {
    /// Makes one with `mode` less the umask, where files have modes.
    fn new(folder: &Path, mode: u32) -> io::Result<Self> {
        if let Some(file) = unnamed::create(folder, mode) {
            let _ = file.lock();
            return Ok(Self { file, name: None });
        }
        loop {
            let (file, name) = named(folder, mode)?;
            let locked = file.lock().is_ok();
            // Before it was locked it looked abandoned, and may be gone.
            if !locked || name.exists() {
                return Ok(Self { file, name: Some(name) });
            }
        }
    }
}

/// Makes a temporary file with a name. Errors do not tell that name, which means nothing to a user.
fn named(folder: &Path, mode: u32) -> io::Result<(File, TempPath)> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    Ok(tempfile::Builder::new().prefix(PREFIX).make_in(folder, |path| options.open(path))?.into_parts())
}

/// Files without a name, which are gone once nobody has them open.
#[cfg(target_os = "linux")]
mod unnamed {
    use std::fs::{File, OpenOptions};
    use std::os::fd::AsRawFd;
    use std::os::unix::fs::OpenOptionsExt;
    use std::path::{Path, PathBuf};

    use rustix::fs::{AtFlags, CWD, OFlags, linkat};
    use tempfile::TempPath;

    fn path_of(file: &File) -> PathBuf {
        format!("/proc/self/fd/{}", file.as_raw_fd()).into()
    }

    /// `None` if the file system has no such files, or they could not be given a name.
    pub fn create(folder: &Path, mode: u32) -> Option<File> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).mode(mode).custom_flags(OFlags::TMPFILE.bits() as i32);
        let file = options.open(folder).ok()?;
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

/// Removes from `folder` the temporary files of [`write()`] that no process writes any more, since it was killed. Files
/// that cannot be read, locked or removed stay.
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
