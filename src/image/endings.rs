//! What the ending of a name says of a file.

use std::path::Path;

/// Endings of pictures that are read, whatever they hold then.
const PICTURES: [&str; 18] = [
    "png", "jpg", "jpeg", "jpe", "jif", "jfif", "webp", "tif", "tiff", "gif", "bmp", "dib", "pbm", "pgm", "ppm", "pnm",
    "pam", "qoi",
];

/// Whether a file is taken for a picture where a folder is read; case does not matter.
pub fn is_picture_name(path: &Path) -> bool {
    path.extension().is_some_and(|ending| PICTURES.iter().any(|picture| ending.eq_ignore_ascii_case(picture)))
}

/// The endings for which [`is_picture_name`] holds, for a message.
pub fn picture_endings() -> String {
    PICTURES.map(|ending| format!(".{ending}")).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_endings() {
        for name in ["a.png", "b.JFIF", "c.d.Tiff", "e.jpe", "f.jif"] {
            assert!(is_picture_name(Path::new(name)), "{name}");
        }
        for name in ["png", ".png", "a.png~", "a.txt", "b.", "c.pngx"] {
            assert!(!is_picture_name(Path::new(name)), "{name}");
        }
    }

    /// Results in the format of an image have its name.
    #[test]
    fn what_is_written_is_read_again() {
        for ending in ["png", "webp", "jpg", "jpeg", "jpe", "jif", "jfif", "tif", "tiff"] {
            let name = Path::new("a").with_extension(ending);
            assert!(is_picture_name(&name) && crate::image::OutputFormat::of_path(&name, 95).is_ok(), "{ending}");
        }
    }
}
