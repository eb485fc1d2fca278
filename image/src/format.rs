//! Formats of results, and the formats that file name endings stand for.

use std::path::Path;

use image::ImageFormat;
use inpaint_edge::{Error, Result};

use crate::kind::format_of;

/// A format that results can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum OutputFormat {
    /// Lossless, 8 and 16 bits a sample.
    Png,
    /// Uncompressed, 8 and 16 bits a sample.
    Tiff,
    /// Lossless, 8 bits a sample.
    WebP,
    /// Lossy, 8 bits a sample, without alpha. The quality is 1 to 100; `None` is that of the input JPEG, whose blocks
    /// [`Photo::write_filled`](crate::Photo::write_filled) keeps, or 95 for other inputs.
    Jpeg(Option<u8>),
}

impl OutputFormat {
    /// The format that the ending of `path` stands for. `jpeg_quality` is for JPEG.
    ///
    /// # Errors
    ///
    /// Usage, if no format of results has this ending.
    pub fn of_path(path: &Path, jpeg_quality: Option<u8>) -> Result<Self> {
        match written(path) {
            Some(Self::Jpeg(_)) => Ok(Self::Jpeg(jpeg_quality)),
            Some(format) => Ok(format),
            None => {
                let found = match path.extension() {
                    Some(ending) => format!("{:?}", ending.to_string_lossy()),
                    None => "a name without an ending".to_owned(),
                };
                Err(Error::usage(format!("expected a name ending in .png, .webp, .jpg or .tif, found {found}")))
            }
        }
    }

    /// The format of a file in memory, if results are written in it.
    pub fn of_file(bytes: &[u8]) -> Option<Self> {
        match format_of(bytes, None).ok()? {
            ImageFormat::Png => Some(Self::Png),
            ImageFormat::Tiff => Some(Self::Tiff),
            ImageFormat::WebP => Some(Self::WebP),
            ImageFormat::Jpeg => Some(Self::Jpeg(None)),
            _ => None,
        }
    }
}

/// Endings of files that are taken for pictures, whatever they hold, and the format of results with that ending, if
/// any.
const PICTURES: [(&str, Option<OutputFormat>); 18] = [
    ("png", Some(OutputFormat::Png)),
    ("jpg", Some(OutputFormat::Jpeg(None))),
    ("jpeg", Some(OutputFormat::Jpeg(None))),
    ("jpe", Some(OutputFormat::Jpeg(None))),
    ("jif", Some(OutputFormat::Jpeg(None))),
    ("jfif", Some(OutputFormat::Jpeg(None))),
    ("webp", Some(OutputFormat::WebP)),
    ("tif", Some(OutputFormat::Tiff)),
    ("tiff", Some(OutputFormat::Tiff)),
    ("gif", None),
    ("bmp", None),
    ("dib", None),
    ("pbm", None),
    ("pgm", None),
    ("ppm", None),
    ("pnm", None),
    ("pam", None),
    ("qoi", None),
];

fn known(path: &Path) -> Option<(&'static str, Option<OutputFormat>)> {
    let ending = path.extension()?;
    PICTURES.into_iter().find(|(picture, _)| ending.eq_ignore_ascii_case(picture))
}

/// Whether a file of this name, found in a folder, is taken for a picture; case does not matter.
pub fn is_picture_name(path: &Path) -> bool {
    known(path).is_some()
}

/// The format of a result of this name.
pub(crate) fn written(path: &Path) -> Option<OutputFormat> {
    known(path).and_then(|(_, format)| format)
}

/// The endings for which [`is_picture_name`] holds, for a message.
pub fn picture_endings() -> String {
    PICTURES.map(|(ending, _)| format!(".{ending}")).join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pictures_are_known_by_their_endings() {
        for name in ["a.png", "b.JFIF", "c.d.Tiff", "e.jpe", "f.jif", "g.gif"] {
            assert!(is_picture_name(Path::new(name)), "{name}");
        }
        for name in ["png", ".png", "a.png~", "a.txt", "b.", "c.pngx"] {
            assert!(!is_picture_name(Path::new(name)), "{name}");
        }
        assert_eq!(written(Path::new("a.JIF")), Some(OutputFormat::Jpeg(None)));
        assert_eq!(written(Path::new("a.gif")), None);
    }

    #[test]
    fn endings_name_the_format() {
        let of = |name: &str| OutputFormat::of_path(Path::new(name), Some(80));
        assert_eq!(of("a.PNG"), Ok(OutputFormat::Png));
        for name in ["a.jpeg", "a.JPG", "a.jfif", "a.jpe", "a.jif"] {
            assert_eq!(of(name), Ok(OutputFormat::Jpeg(Some(80))));
        }
        assert_eq!(of("a.Tiff"), Ok(OutputFormat::Tiff));
        assert!(of("a.gif").unwrap_err().to_string().contains("\"gif\""));
    }
}
