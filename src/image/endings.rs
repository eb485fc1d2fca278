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

    /// A folder's results have the images' names, as far as that goes.
    #[test]
    fn what_can_be_written_can_be_read() {
        let written =
            PICTURES.map(|ending| crate::image::OutputFormat::of_path(&Path::new("a").with_extension(ending), 95));
        assert_eq!(written.iter().filter(|format| format.is_ok()).count(), 9);
        for ending in ["png", "webp", "jpg", "jpeg", "jpe", "jif", "jfif", "tif", "tiff"] {
            assert!(PICTURES.contains(&ending));
        }
    }
}
