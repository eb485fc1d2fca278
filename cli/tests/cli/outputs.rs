//! Where results go: what they replace, who may read them then, and what is told before any work.
#![cfg(target_os = "linux")]

use std::ffi::OsStr;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use image::ImageFormat;
use rustix::fs::{IFlags, XattrFlags, getxattr, ioctl_getflags, ioctl_setflags, removexattr, setxattr};

use crate::support::*;

const ACL: &str = "system.posix_acl_access";
const DEFAULT_ACL: &str = "system.posix_acl_default";
/// A user who is nobody else here.
const OTHER: u32 = 54_321;

/// A folder with `in.png` and `mask.png`, 40×30.
fn folder() -> (Folder, PathBuf, PathBuf) {
    let folder = Folder::new();
    let image = folder.put("in.png", encoded(&picture(40, 30, image::ColorType::Rgb8), ImageFormat::Png));
    let mask = folder.mask(40, 30);
    (folder, image, mask)
}

/// The list in which the owner has `user` of rwx, one named user `named`, and no other anything.
fn acl(user: u16, named: u16) -> Vec<u8> {
    let nobody = u32::MAX;
    let entries = [(1, user, nobody), (2, named, OTHER), (4, 0, nobody), (0x10, named, nobody), (0x20, 0, nobody)];
    let entries = entries.into_iter().flat_map(|(tag, may, id): (u16, u16, u32)| {
        [&tag.to_le_bytes()[..], &may.to_le_bytes(), &id.to_le_bytes()].concat()
    });
    2u32.to_le_bytes().into_iter().chain(entries).collect()
}

fn attribute(path: &Path, name: &str) -> Option<Vec<u8>> {
    let mut value = vec![0; 1 << 16];
    getxattr(path, name, &mut value[..]).ok().map(|len| value[..len].to_vec())
}

fn mode(path: &Path) -> u32 {
    path.metadata().unwrap().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn is_root() -> bool {
    Path::new("/proc/self").metadata().unwrap().uid() == 0
}

/// Runs the program as [`OTHER`], where root does the tests and may.
fn run_as_other(folder: &Folder, args: &[&dyn AsRef<OsStr>]) -> Option<Output> {
    let program = folder.path("program");
    // By another process: a file that this one has open to write cannot be run.
    assert!(
        Command::new("cp")
            .args([env!("CARGO_BIN_EXE_inpaint-edge").as_ref(), program.as_path()])
            .status()
            .unwrap()
            .success()
    );
    let (user, group) = (OTHER.to_string(), OTHER.to_string());
    let output = Command::new("setpriv")
        .args(["--reuid", &user, "--regid", &group, "--clear-groups"])
        .arg(&program)
        .args(args.iter().map(|a| a.as_ref()))
        .output();
    std::fs::remove_file(&program).unwrap();
    match output {
        Ok(output) if is_root() => Some(output),
        Ok(_) => not_run_none("only root can be another user"),
        Err(e) => not_run_none(format_args!("setpriv: {e}")),
    }
}

fn not_run_none<T>(what: impl std::fmt::Display) -> Option<T> {
    not_run(what);
    None
}

#[test]
fn in_place_keeps_the_access_control_list() {
    let (_folder, image, mask) = folder();
    let list = acl(6, 4);
    if let Err(e) = setxattr(&image, ACL, &list, XattrFlags::empty()) {
        return not_run(format_args!("no access control lists on this file system: {e}"));
    }
    // What a mode shows as the group's is the most that the list allows: this group may read nothing.
    assert_eq!(mode(&image), 0o640);
    let before = std::fs::read(&image).unwrap();
    succeeds(&run(&[&image, &mask, &image]));
    assert!(std::fs::read(&image).unwrap() != before);
    assert_eq!((attribute(&image, ACL), mode(&image)), (Some(list), 0o640));
}

#[test]
fn in_place_takes_no_access_control_list_from_the_folder() {
    let (folder, image, mask) = folder();
    set_mode(&image, 0o640);
    if let Err(e) = setxattr(folder.path(""), DEFAULT_ACL, &acl(7, 7), XattrFlags::empty()) {
        return not_run(format_args!("no access control lists on this file system: {e}"));
    }
    succeeds(&run(&[&image, &mask, &image]));
    assert_eq!((attribute(&image, ACL), mode(&image)), (None, 0o640));
    // A new file has what the folder gives.
    succeeds(&run(&[&image, &mask, &folder.path("new.png")]));
    assert!(attribute(&folder.path("new.png"), ACL).is_some());
    removexattr(folder.path(""), DEFAULT_ACL).unwrap();
}

#[test]
fn in_place_keeps_user_attributes() {
    let (_folder, image, mask) = folder();
    if let Err(e) = setxattr(&image, "user.xdg.tags", b"sea,\xFF", XattrFlags::empty()) {
        return not_run(format_args!("no attributes on this file system: {e}"));
    }
    setxattr(&image, "user.empty", b"", XattrFlags::empty()).unwrap();
    // Not even its owner may write to it.
    set_mode(&image, 0o444);
    succeeds(&run(&[&image, &mask, &image]));
    assert_eq!(attribute(&image, "user.xdg.tags").as_deref(), Some(&b"sea,\xFF"[..]));
    assert_eq!(attribute(&image, "user.empty").as_deref(), Some(&b""[..]));
    assert_eq!(mode(&image), 0o444);
}

#[test]
fn a_group_that_cannot_be_kept_is_not_replaced_by_another() {
    let (folder, image, mask) = folder();
    set_mode(&folder.path(""), 0o777);
    for (before, after) in [(0o640, 0o600), (0o664, 0o644), (0o604, 0o600)] {
        let _ = chown(&image, Some(OTHER), Some(0));
        set_mode(&image, before);
        let Some(output) = run_as_other(&folder, &[&image, &mask, &image]) else { return };
        succeeds(&output);
        let found = image.metadata().unwrap();
        assert_eq!((found.uid(), found.gid(), found.mode() & 0o7777), (OTHER, OTHER, after), "{before:o}");
    }
}

/// Where modes cannot be changed, as on shares of Windows and some FUSE file systems.
#[test]
fn a_mode_that_cannot_be_set_ends_nothing_unless_it_is_wider() {
    let (folder, image, mask) = folder();
    let source = "#include <errno.h>\n#include <sys/types.h>\n\
                  int fchmod(int file, mode_t mode) { (void)file; (void)mode; errno = EPERM; return -1; }\n";
    let (source, shim) = (folder.put("shim.c", source), folder.path("shim.so"));
    let compiled = Command::new("cc").args(["-shared", "-fPIC", "-o"]).args([&shim, &source]).status();
    if !compiled.is_ok_and(|status| status.success()) {
        return not_run("no C compiler");
    }
    let out = folder.path("out.png");
    let run = |image: &Path| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"));
        command.env("LD_PRELOAD", &shim).args([image, &mask, &out]).output().unwrap()
    };
    for (before, after) in [(0o600, 0o600), (0o644, 0o600)] {
        std::fs::write(&out, "what was there").unwrap();
        set_mode(&out, before);
        succeeds(&run(&image));
        assert_eq!(mode(&out), after);
        assert_eq!(image::open(&out).unwrap().width(), 40);
    }
    // Told before the image is looked at.
    std::fs::write(&out, "what was there").unwrap();
    set_mode(&out, 0o400);
    fails(&run(&folder.path("none.png")), 1, &["out.png: cannot be written", "(400), found 600"]);
    assert_eq!(std::fs::read(&out).unwrap(), b"what was there");
}

/// Asserts that OUT is refused before IMAGE, which is not there, and without a name that the user never gave.
fn refused_first(output: &Output, parts: &[&str]) {
    fails(output, 1, parts);
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert!(!stderr.contains(".inpaint-edge") && !stderr.contains("none.png"), "{stderr}");
}

#[test]
fn a_folder_that_takes_no_file_is_told_before_the_work() {
    let (folder, image, mask) = folder();
    let none = folder.path("none.png");
    let missing = folder.path("missing");
    let expected = format!("out.png: cannot be written: expected a folder {}, found none", missing.display());
    refused_first(&run(&[&none, &mask, &missing.join("out.png")]), &[&expected]);
    refused_first(&run(&[&none, &mask, &"--preview", &missing.join("out.png")]), &[&expected]);
    refused_first(
        &run(&[&none, &mask, &image.join("out.png")]),
        &["in.png/out.png: cannot be written: expected a folder"],
    );
    refused_first(&run(&[&none, &mask, &"/proc/out.png"]), &["/proc/out.png: cannot be written: its folder"]);
    let list = folder.put("list", format!("none.png\tmask.png\t{}\n", missing.join("out.png").display()));
    let setup = format!("cd {}; exec < {}", folder.path("").display(), list.display());
    refused_first(&run_after(&setup, &[&"batch", &"-q"]), &[&expected]);
    let closed = folder.path("closed");
    std::fs::create_dir(&closed).unwrap();
    set_mode(&closed, 0o555);
    set_mode(&folder.path(""), 0o755);
    if let Some(output) = run_as_other(&folder, &[&none, &mask, &closed.join("out.png")]) {
        refused_first(&output, &["closed/out.png: cannot be written: its folder takes no file: permission denied"]);
    }
    assert!(folder.names().iter().all(|name| !name.starts_with('.')));
}

#[test]
fn a_file_that_nobody_can_replace_is_told_before_the_work() {
    let (folder, _, mask) = folder();
    let (none, out) = (folder.path("none.png"), folder.put("out.png", "what was there"));
    // Mounted on its own, as containers do it.
    let script = format!("mount --bind {0} {0} && exec \"$@\"", out.display());
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_inpaint-edge")])
        .args([&none, &mask, &out])
        .output()
        .unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("unshare") {
        not_run(format_args!("no mount: {}", String::from_utf8_lossy(&output.stderr)));
    } else {
        refused_first(&output, &["out.png: cannot be written", "found a mount point; mount its folder instead"]);
    }
    // Another's, in a folder such as /tmp.
    set_mode(&folder.path(""), 0o1777);
    if let Some(output) = run_as_other(&folder, &[&none, &mask, &out]) {
        refused_first(&output, &["out.png: cannot be written", "expected a file of your own"]);
    }
    let file = std::fs::File::open(&out).unwrap();
    let flags = ioctl_getflags(&file).unwrap_or(IFlags::empty());
    for (flag, word) in [(IFlags::IMMUTABLE, "immutable"), (IFlags::APPEND, "append")] {
        match ioctl_setflags(&file, flags | flag) {
            Ok(()) => {
                let output = run(&[&none, &mask, &out]);
                ioctl_setflags(&file, flags).unwrap();
                refused_first(&output, &["out.png: cannot be written", word]);
            }
            Err(e) => not_run(format_args!("no file can be made {word}: {e}")),
        }
    }
    assert_eq!(std::fs::read(&out).unwrap(), b"what was there");
    assert!(folder.names().iter().all(|name| !name.starts_with('.')));
}
