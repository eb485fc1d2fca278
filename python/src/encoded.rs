//! Fills image files and bytes of them, as the program does.

use std::path::{Path, PathBuf};

use inpaint_edge::{ErrorKind, Inpainter, Report, Result};
use inpaint_edge_image::{Encoded, OutputFormat, Photo, check_writable, write_atomically_with};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;

use crate::hole::Reading;
use crate::run::Tell;

/// An encoded picture, in memory or in a file.
#[derive(FromPyObject)]
pub enum Source {
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

impl Source {
    /// Opens the picture and decodes it by `decode`.
    fn decoded(&self, role: &str, decode: impl FnOnce(Encoded<'_>) -> Result<Photo>) -> Result<Photo> {
        let picture = match self {
            Self::Bytes(bytes) => Encoded::new(bytes),
            Self::Path(path) => Encoded::open(path),
        };
        picture.and_then(decode).map_err(|e| e.of(self.name(role)))
    }

    /// Its name in messages: its path or its role.
    fn name(&self, role: &str) -> String {
        match self {
            Self::Bytes(_) => role.to_owned(),
            Self::Path(path) => path.display().to_string(),
        }
    }
}

/// A picture, its mask, and where the result goes.
pub struct Job<'j> {
    pub image: Source,
    pub mask: Source,
    /// The file to write; `None`: bytes of `format`, the ending of a file's name, are returned.
    pub out: Option<PathBuf>,
    pub format: &'j str,
    /// Of a JPEG, 1 to 100; `None`: that of the image, or 95.
    pub quality: Option<u8>,
    /// Whether a JPEG result is sealed, and the seal of the image counts.
    pub seal: bool,
    pub reading: &'j Reading,
}

impl Job<'_> {
    pub fn fill(self, inpainter: &Inpainter, tell: Tell<'_>) -> Result<(Option<Vec<u8>>, Report)> {
        let Self { image, mask, out, format, quality, seal, reading } = self;
        let (format, out_name) = match &out {
            Some(out) => (OutputFormat::of_path(out, quality), out.display().to_string()),
            None => (OutputFormat::of_path(&Path::new("result").with_extension(format), quality), "result".to_owned()),
        };
        let format = format.map_err(|e| e.of(&out_name))?;
        out.as_deref().map_or(Ok(()), check_writable)?;
        let (image_name, mask_name) = (image.name("image"), mask.name("mask"));
        let hole = mask
            .decoded("mask", |picture| picture.decode())
            .and_then(|photo| reading.of_photo(photo).map_err(|e| e.of(&mask_name)))?;
        let mut photo = image.decoded("image", |picture| picture.decode_to_fill(inpainter, &hole, format))?;
        photo.check_format(format, None).map_err(|e| e.of(&out_name))?;
        let report = photo.fill(inpainter, &hole, seal, tell).map_err(|e| match e.kind() {
            ErrorKind::Input => e.of(&mask_name),
            _ => e.of(&image_name),
        })?;
        photo.fit(format);
        let bytes = match out {
            Some(out) => write_atomically_with(&out, |file| photo.write_filled(format, &hole, file)).map(|()| None),
            None => photo.encode_filled(format, &hole).map(Some).map_err(|e| e.of(&out_name)),
        };
        bytes.map(|bytes| (bytes, report))
    }
}
