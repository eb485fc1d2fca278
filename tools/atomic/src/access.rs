//! Permissions of files: a replacement never allows more than the file that it replaces.

use std::fs::{File, Metadata};
use std::io;
use std::path::Path;

/// Gives `file`, which only its owner may use, the permissions of `target` at `path`: owner and group as far as the user
/// may, `user.*` attributes where the file system takes them, mode, and on Linux the access control list. What cannot be kept
/// leaves fewer permissions, never more.
///
/// # Errors
///
/// If the file system gives `file` more permissions than `target` has, and refuses to change them.
#[cfg(unix)]
pub fn keep(file: &File, path: &Path, target: &Metadata) -> io::Result<()> {
    use std::os::unix::fs::{MetadataExt, fchown};
    let (owner, group) = (Some(target.uid()), Some(target.gid()));
    let _ = fchown(file, owner, group).or_else(|_| fchown(file, None, group));
    // Attributes come first, while the owner may still write the file.
    attributes::copy_user(path, file);
    let found = file.metadata()?;
    let has_group = found.gid() == target.gid();
    let mut mode = mode_of(target);
    if !has_group {
        let for_all = (mode >> 3) & mode & 0o7;
        mode = (mode & 0o700) | for_all << 3 | for_all;
    }
    if !has_group || found.uid() != target.uid() {
        mode &= 0o777;
    }
    // The list comes before the mode, whose group bits limit what a list allows; also what one inherited from the
    // folder allows.
    if !attributes::keep_acl(path, file, has_group) {
        mode &= !0o077;
    }
    set_mode(file, mode)
}

#[cfg(not(unix))]
pub fn keep(file: &File, _: &Path, target: &Metadata) -> io::Result<()> {
    file.set_permissions(target.permissions())
}

#[cfg(unix)]
fn mode_of(of: &Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&of.permissions()) & 0o7777
}

/// Sets the mode. If the file system refuses, leaves one that allows less: some have one mode for all files.
#[cfg(unix)]
fn set_mode(file: &File, mode: u32) -> io::Result<()> {
    if mode_of(&file.metadata()?) == mode {
        return Ok(());
    }
    let set = file.set_permissions(std::os::unix::fs::PermissionsExt::from_mode(mode));
    let found = mode_of(&file.metadata()?);
    if found & !mode == 0 {
        return Ok(());
    }
    let why = set.err().map_or_else(String::new, |e| format!(": {e}"));
    let detail = format!("expected the permissions of the file there ({mode:03o}), found {found:03o}{why}");
    Err(io::Error::new(io::ErrorKind::PermissionDenied, detail))
}

/// Whether the sticky bit of `folder` keeps this user from replacing `target`. The user made `file`, so that its owner
/// tells the user's id on this file system.
#[cfg(unix)]
pub fn is_guarded(folder: &Metadata, target: &Metadata, file: &Metadata) -> bool {
    use std::os::unix::fs::MetadataExt;
    let user = file.uid();
    folder.mode() & 0o1000 != 0 && user != 0 && ![folder.uid(), target.uid()].contains(&user)
}

#[cfg(not(unix))]
pub fn is_guarded(_: &Metadata, _: &Metadata, _: &Metadata) -> bool {
    false
}

/// Extended attributes. Those of `security` and `trusted` belong to the system.
#[cfg(target_os = "linux")]
mod attributes {
    use std::ffi::CStr;
    use std::fs::File;
    use std::path::Path;

    use rustix::fs::{XattrFlags, fremovexattr, fsetxattr, getxattr, listxattr};
    use rustix::io::Errno;

    const ACL: &str = "system.posix_acl_access";
    /// The most bytes of a value, and of all names.
    const MOST: usize = 1 << 16;

    /// Copies the attributes of `user`, as far as possible.
    pub fn copy_user(from: &Path, to: &File) {
        let (mut names, mut value) = (vec![0u8; MOST], vec![0u8; MOST]);
        let len = listxattr(from, &mut names[..]).unwrap_or(0);
        let names =
            names[..len].split_inclusive(|byte| *byte == 0).filter_map(|name| CStr::from_bytes_with_nul(name).ok());
        for name in names.filter(|name| name.to_bytes().starts_with(b"user.")) {
            if let Ok(len) = getxattr(from, name, &mut value[..]) {
                let _ = fsetxattr(to, name, &value[..len], XattrFlags::empty());
            }
        }
    }

    /// Gives `to` the list of `from`, or none if there is none; returns whether that worked. A list holds for its
    /// file's group, and is kept only with it.
    pub fn keep_acl(from: &Path, to: &File, has_group: bool) -> bool {
        let mut list = vec![0u8; MOST];
        match getxattr(from, ACL, &mut list[..]) {
            Ok(len) => has_group && fsetxattr(to, ACL, &list[..len], XattrFlags::empty()).is_ok(),
            Err(e) => is_none(e) && fremovexattr(to, ACL).map_or_else(is_none, |()| true),
        }
    }

    fn is_none(e: Errno) -> bool {
        [Errno::NODATA, Errno::OPNOTSUPP, Errno::NOSYS].contains(&e)
    }
}

#[cfg(all(unix, not(target_os = "linux")))]
mod attributes {
    use std::fs::File;
    use std::path::Path;

    pub fn copy_user(_: &Path, _: &File) {}

    pub fn keep_acl(_: &Path, _: &File, _: bool) -> bool {
        true
    }
}
