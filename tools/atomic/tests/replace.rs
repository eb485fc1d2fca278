//! After a write, there is the new file or the old one, and nothing beside it.

use std::fs;
use std::io::{Error, ErrorKind, Result};
use std::path::Path;

use inpaint_edge_atomic::{check_writable, remove_abandoned, target_of, write, write_with};

/// The names in a folder.
fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn a_file_is_made_and_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    check_writable(&path).unwrap();
    assert!(names(folder.path()).is_empty(), "a check made a file");
    for content in ["once", "twice, and longer", ""] {
        write(&path, content.as_bytes()).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), content);
        check_writable(&path).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), content, "a check changed the file");
    }
    assert_eq!(names(folder.path()), ["a"]);
}

#[test]
fn the_old_file_is_there_until_the_new_one_is_whole() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    write(&path, b"old").unwrap();
    write_with(&path, |out| {
        out.write_all(&[b'n'; 1 << 20])?;
        assert_eq!(fs::read(&path)?, b"old");
        Result::Ok(())
    })
    .unwrap();
    assert_eq!(fs::read(&path).unwrap(), [b'n'; 1 << 20]);
}

#[test]
fn an_error_of_the_content_leaves_the_old_file_and_no_other() {
    #[derive(Debug)]
    struct Mine(Option<Error>);
    impl From<Error> for Mine {
        fn from(e: Error) -> Self {
            Self(Some(e))
        }
    }
    let folder = tempfile::tempdir().unwrap();
    for old in [None, Some("old")] {
        let path = folder.path().join("a");
        if let Some(old) = old {
            fs::write(&path, old).unwrap();
        }
        let failed = write_with(&path, |out| {
            out.write_all(b"half").unwrap();
            Err(Mine(None))
        });
        assert!(matches!(failed, Err(Mine(None))), "{failed:?}");
        assert_eq!(fs::read_to_string(&path).ok().as_deref(), old);
        assert_eq!(names(folder.path()).len(), usize::from(old.is_some()));
    }
}

#[test]
fn a_panic_of_the_content_leaves_the_old_file_and_no_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::write(&path, "old").unwrap();
    let panicked = std::panic::catch_unwind(|| write_with(&path, |_| -> Result<()> { panic!("of the test") }));
    assert!(panicked.is_err());
    assert_eq!((fs::read(&path).unwrap(), names(folder.path())), (b"old".to_vec(), vec!["a".to_owned()]));
}

#[test]
fn a_missing_folder_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("none").join("a");
    for failed in [write(&path, b"new"), check_writable(&path)] {
        let e = failed.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NotFound);
        let expected = format!("expected a folder {}, found none", path.parent().unwrap().display());
        assert_eq!(e.to_string(), expected);
    }
    assert!(names(folder.path()).is_empty());
}

#[test]
fn a_folder_is_not_replaced() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("a");
    fs::create_dir(&path).unwrap();
    for failed in [write(&path, b"new"), check_writable(&path), target_of(&path).map(drop)] {
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::IsADirectory);
    }
    assert!(path.is_dir());
}

#[test]
fn only_temporary_files_that_nobody_writes_are_removed() {
    let folder = tempfile::tempdir().unwrap();
    let of = |name: &str| folder.path().join(name);
    for name in [".inpaint-edge-killed", ".inpaint-edge-written", "a", ".hidden"] {
        fs::write(of(name), name).unwrap();
    }
    fs::create_dir(of(".inpaint-edge-folder")).unwrap();
    let written = fs::File::open(of(".inpaint-edge-written")).unwrap();
    written.lock().unwrap();
    remove_abandoned(folder.path());
    assert_eq!(names(folder.path()), [".hidden", ".inpaint-edge-folder", ".inpaint-edge-written", "a"]);
    drop(written);
    remove_abandoned(folder.path());
    assert_eq!(names(folder.path()), [".hidden", ".inpaint-edge-folder", "a"]);
    remove_abandoned(&of("none"));
}

#[cfg(unix)]
mod unix {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().mode() & 0o7777
    }

    /// The umask belongs to the process: this test starts itself once for each umask.
    #[test]
    fn a_new_file_honours_the_umask() {
        const PATH: &str = "ATOMIC_TEST_PATH";
        if let Some(path) = std::env::var_os(PATH) {
            return write(Path::new(&path), b"new").unwrap();
        }
        let folder = tempfile::tempdir().unwrap();
        for (umask, expected) in [("027", 0o640), ("022", 0o644), ("077", 0o600), ("000", 0o666)] {
            let path = folder.path().join(umask);
            let child = std::process::Command::new("sh")
                .args(["-c", &format!("umask {umask}; exec \"$@\""), "sh"])
                .arg(std::env::current_exe().unwrap())
                .args(["--exact", "unix::a_new_file_honours_the_umask"])
                .env(PATH, &path)
                .output()
                .unwrap();
            assert!(child.status.success(), "{}", String::from_utf8_lossy(&child.stdout));
            assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), expected), "umask {umask}");
        }
    }

    #[test]
    fn a_file_that_is_replaced_keeps_its_mode() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for kept in [0o600, 0o640, 0o666, 0o755, 0o400] {
            fs::write(&path, "old").unwrap();
            fs::set_permissions(&path, PermissionsExt::from_mode(kept)).unwrap();
            write(&path, b"new").unwrap();
            assert_eq!((fs::read(&path).unwrap(), mode(&path)), (b"new".to_vec(), kept));
            fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn a_symbolic_link_is_followed_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let (far, link, second) = (folder.path().join("far"), folder.path().join("link"), folder.path().join("second"));
        fs::create_dir(&far).unwrap();
        let target = far.join("a");
        fs::write(&target, "old").unwrap();
        symlink("far/a", &link).unwrap();
        symlink("link", &second).unwrap();
        for path in [&link, &second] {
            check_writable(path).unwrap();
            assert_eq!(target_of(path).unwrap(), target.canonicalize().unwrap());
            write(path, path.as_os_str().as_encoded_bytes()).unwrap();
            assert!(link.is_symlink() && second.is_symlink());
            assert_eq!(fs::read(&target).unwrap(), path.as_os_str().as_encoded_bytes());
        }
        assert_eq!(
            (names(&far), names(folder.path())),
            (vec!["a".to_owned()], ["far", "link", "second"].map(str::to_owned).to_vec())
        );
    }

    #[test]
    fn a_link_that_leads_nowhere_is_refused_and_stays() {
        let folder = tempfile::tempdir().unwrap();
        let link = folder.path().join("link");
        symlink("none", &link).unwrap();
        for failed in [write(&link, b"new"), check_writable(&link)] {
            assert_eq!(failed.unwrap_err().kind(), ErrorKind::NotFound);
        }
        assert!(link.is_symlink());
        assert_eq!(names(folder.path()), ["link"]);
    }

    #[test]
    fn only_regular_files_are_replaced() {
        use std::os::unix::fs::FileTypeExt;
        let folder = tempfile::tempdir().unwrap();
        let (socket, link) = (folder.path().join("socket"), folder.path().join("link"));
        let _listener = std::os::unix::net::UnixListener::bind(&socket).unwrap();
        symlink("socket", &link).unwrap();
        for path in [&socket, &link] {
            for failed in [write(path, b"new"), check_writable(path)] {
                assert_eq!(failed.unwrap_err().to_string(), "expected a regular file or none, found another kind");
            }
        }
        assert!(link.is_symlink() && fs::metadata(&link).unwrap().file_type().is_socket());
    }
}
