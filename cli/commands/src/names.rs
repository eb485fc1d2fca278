//! Names of files, and the files that they lead to.

use std::collections::HashMap;
use std::error::Error as _;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{MAIN_SEPARATOR, Path, PathBuf};

use inpaint_edge::{Error, ErrorKind, Result};
use inpaint_edge_image::{OutputFormat, is_picture_name};
use unicode_normalization::UnicodeNormalization;

/// Whether a name is that of stdin or stdout.
pub fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Name of an image's result in a folder of results: the image's own, or with .png if results cannot be written in its
/// format.
pub fn of_result(image: &OsStr) -> OsString {
    let path = Path::new(image);
    if OutputFormat::of_path(path, None).is_ok() {
        return image.to_owned();
    }
    if is_picture_name(path) {
        return path.with_extension("png").into();
    }
    let mut longer = image.to_owned();
    longer.push(".png");
    longer
}

/// Whether a folder is there, or the name is written as that of one.
pub fn is_folder(path: &Path) -> bool {
    path.is_dir()
        || path.as_os_str().as_encoded_bytes().last().is_some_and(|last| [b'/', MAIN_SEPARATOR as u8].contains(last))
}

pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Whether both exist and are the same, whatever their names.
pub fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A name in Unicode's form NFC: macOS writes é as e and an accent, others as one letter.
pub fn normal(name: &OsStr) -> OsString {
    match name.to_str() {
        Some(text) if !text.is_ascii() => text.nfc().collect::<String>().into(),
        _ => name.to_owned(),
    }
}

/// The error of a file or folder that cannot be read.
pub fn unreadable(kind: ErrorKind, e: io::Error) -> Error {
    Error::new(kind, format!("cannot be read: {e}")).with_source(e)
}

/// Makes a folder, with those above it, where it is not there yet.
///
/// # Errors
///
/// Output, naming the folder.
pub fn make_folder(folder: &Path) -> Result<()> {
    let cannot = |e| Error::new(ErrorKind::Output, format!("cannot be made: {e}")).with_source(e).of(folder.display());
    std::fs::create_dir_all(folder).map_err(cannot)
}

/// An error about a file, with its name. If the file is missing and another has a name that reads the same, says so.
pub fn of_file(e: Error, path: &Path) -> Error {
    let named = |name: &OsStr| {
        !name.is_ascii() && !path.exists() && {
            let mut others = std::fs::read_dir(folder_of(path)).into_iter().flatten().flatten();
            others.any(|other| normal(&other.file_name()) == normal(name))
        }
    };
    if path.file_name().is_some_and(named) {
        let detail = format!("{e}; a file whose name reads the same, in another normal form of Unicode, is there");
        let system = e.source().and_then(|source| source.downcast_ref::<io::Error>()?.raw_os_error());
        let longer = Error::new(e.kind(), detail).of(path.display());
        return match system {
            Some(code) => longer.with_source(io::Error::from_raw_os_error(code)),
            None => longer,
        };
    }
    e.of(path.display())
}

/// The name with these bytes, if the system has such names: Unix has any, others UTF-8 alone.
pub fn of_bytes(bytes: Vec<u8>) -> Option<PathBuf> {
    #[cfg(unix)]
    return Some(PathBuf::from(<OsString as std::os::unix::ffi::OsStringExt>::from_vec(bytes)));
    #[cfg(not(unix))]
    String::from_utf8(bytes).ok().map(PathBuf::from)
}

/// A file, existing or not: the number of its folder, and its name there.
pub type Place = (usize, OsString);

/// Tells files apart, whatever the names that lead to them. Folders have numbers.
#[derive(Default)]
pub struct Places {
    named: HashMap<PathBuf, usize>,
    real: HashMap<PathBuf, usize>,
}

impl Places {
    /// The place that `path` leads to, for reading and for writing.
    pub fn of(&mut self, path: &Path) -> Place {
        /// As many links as Linux follows.
        const LINKS: usize = 40;
        let mut path = path.to_owned();
        for _ in 0..LINKS {
            let Ok(to) = path.read_link() else { break };
            path = folder_of(&path).join(to);
        }
        let folder = folder_of(&path);
        let number = self.named.get(folder).copied().unwrap_or_else(|| {
            let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            let next = self.real.len();
            let number = *self.real.entry(real).or_insert(next);
            self.named.insert(folder.to_owned(), number);
            number
        });
        (number, path.file_name().unwrap_or_default().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_named_as_its_image_unless_that_cannot_be_written() {
        for (image, result) in [
            ("a.png", "a.png"),
            ("b.JPE", "b.JPE"),
            ("c.gif", "c.png"),
            ("d.e.BMP", "d.e.png"),
            ("scan.2024", "scan.2024.png"),
            ("f", "f.png"),
        ] {
            assert_eq!(of_result(image.as_ref()), result);
        }
    }
}
