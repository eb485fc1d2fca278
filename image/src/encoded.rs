//! A picture of a known format that is not decoded yet.

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Seek};
use std::sync::Arc;

use image::ImageFormat;
use inpaint_edge::{ErrorKind, Inpainter, Mask, Result, alloc};

use crate::format::OutputFormat;
use crate::header::Header;
use crate::kind::format_of;
use crate::lossless::Lossless;
use crate::metadata::Metadata;
use crate::photo::Photo;
use crate::{jpeg, plain, structure, tiff};

/// A picture that is not decoded yet. Its headers tell how much memory decoding takes.
pub struct Encoded<'a>(Kind<'a>);

enum Kind<'a> {
    /// A PNG or WebP whose header its decoder has read.
    Lossless(Lossless<'a>),
    /// A JPEG in memory, and what its segments say.
    Jpeg(Cow<'a, [u8]>, Box<jpeg::Contents>),
    /// Any other format, in memory.
    Other(Cow<'a, [u8]>, ImageFormat),
}

impl<'a> Encoded<'a> {
    /// Opens a PNG, JPEG, TIFF, WebP, GIF, BMP, PNM or QOI file in memory; its content tells the format.
    ///
    /// # Errors
    ///
    /// Input, if `bytes` is no such file, or is a PNG, JPEG or WebP that is cut short, animated or in CMYK; limits, if
    /// one of these is too large.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        Self::of(Cow::Borrowed(bytes))
    }

    /// As [`Encoded::new`], and keeps `bytes`.
    ///
    /// # Errors
    ///
    /// As [`Encoded::new`].
    pub fn held(bytes: Vec<u8>) -> Result<Encoded<'static>> {
        Encoded::of(Cow::Owned(bytes))
    }

    fn of(bytes: Cow<'a, [u8]>) -> Result<Self> {
        let held = bytes.len();
        Ok(Self(match format_of(&bytes, Some(held as u64))? {
            ImageFormat::Png => {
                let whole = structure::png(&mut Cursor::new(&bytes))?;
                return Self::png(Cursor::new(bytes), whole, held);
            }
            ImageFormat::WebP => {
                let whole = structure::webp(&bytes)?;
                Kind::Lossless(Lossless::webp(Cursor::new(bytes), whole, held)?)
            }
            ImageFormat::Jpeg => {
                let contents = Box::new(jpeg::contents(&bytes)?);
                Kind::Jpeg(bytes, contents)
            }
            format => Kind::Other(bytes, format),
        }))
    }

    /// Opens a PNG. `reader` is at its first byte, `whole` is the metadata found in it, and `held` of its bytes are in
    /// memory.
    pub(crate) fn png(reader: impl BufRead + Seek + Send + 'a, whole: Metadata, held: usize) -> Result<Self> {
        Ok(Self(Kind::Lossless(Lossless::png(reader, whole, held)?)))
    }

    /// Size, channels, and the memory that [`Encoded::decode`] takes, with what is held already.
    ///
    /// # Errors
    ///
    /// As [`Encoded::decode`], as far as the headers tell.
    pub fn header(&self) -> Result<Header> {
        match &self.0 {
            Kind::Lossless(lossless) => Ok(lossless.header()),
            Kind::Jpeg(bytes, contents) => jpeg::header(bytes, contents),
            Kind::Other(bytes, ImageFormat::Tiff) => tiff::header(bytes),
            Kind::Other(bytes, format) => plain::header(bytes, *format),
        }
    }

    /// Bytes of the file and its metadata that are held until the picture is decoded.
    pub fn held_bytes(&self) -> usize {
        match &self.0 {
            Kind::Lossless(lossless) => lossless.held + lossless.copies,
            Kind::Jpeg(bytes, contents) => bytes.len() + contents.metadata.copies(),
            Kind::Other(bytes, _) => bytes.len(),
        }
    }

    /// Whether the whole file is in memory.
    pub fn is_held(&self) -> bool {
        match &self.0 {
            Kind::Lossless(lossless) => lossless.held > 0,
            Kind::Jpeg(..) | Kind::Other(..) => true,
        }
    }

    /// Decodes the picture.
    ///
    /// # Errors
    ///
    /// Input, if it is damaged, cut short, animated or in CMYK; limits, if it is too large.
    pub fn decode(self) -> Result<Photo> {
        let (pixels, metadata) = match self.0 {
            Kind::Lossless(lossless) => lossless.decode(),
            Kind::Jpeg(bytes, contents) => return decode_jpeg(bytes, *contents, None),
            Kind::Other(bytes, ImageFormat::Tiff) => tiff::decode(&bytes),
            Kind::Other(bytes, format) => plain::decode(&bytes, format),
        }?;
        Photo::upright(pixels, metadata)
    }

    /// Decodes the picture for `inpainter` to fill `hole`, and for a result of `format`. From JPEG to JPEG without a quality, what a
    /// run does not look at may stay black in [`Photo::pixels`]. [`Photo::fill`] and [`Photo::write_filled`] know what was decoded;
    /// what else reads the pixels does not.
    ///
    /// # Errors
    ///
    /// As [`Encoded::decode`].
    pub fn decode_to_fill(self, inpainter: &Inpainter, hole: &Mask, format: OutputFormat) -> Result<Photo> {
        match self.0 {
            Kind::Jpeg(bytes, contents) if format == OutputFormat::Jpeg(None) && jpeg::in_part(&contents) => {
                let seen = match inpainter.seen(hole) {
                    Err(e) if e.kind() == ErrorKind::Limits => return Err(e),
                    // The run tells what is wrong with the hole.
                    seen => seen.ok(),
                };
                decode_jpeg(bytes, *contents, seen)
            }
            _ => self.decode(),
        }
    }
}

fn decode_jpeg(bytes: Cow<[u8]>, mut contents: jpeg::Contents, seen: Option<Mask>) -> Result<Photo> {
    let header = jpeg::header(&bytes, &contents)?;
    alloc::try_alloc(header.decode_bytes() - bytes.len())?;
    let (metadata, orientation) = Photo::metadata(std::mem::take(&mut contents.metadata))?;
    let decoded = seen.and_then(|seen| jpeg::part_of(seen, &contents, orientation));
    let (pixels, original) = jpeg::decode(bytes, (&contents, &header), orientation, decoded.as_ref())?;
    let mut photo = Photo::new(pixels, orientation, metadata);
    (photo.original, photo.decoded) = (original.map(Arc::new), decoded);
    Ok(photo)
}

impl Photo {
    /// Decodes a PNG, JPEG, TIFF, WebP, GIF, BMP, PNM or QOI file; its content tells the format.
    ///
    /// # Errors
    ///
    /// Input, if `bytes` is no such file, is damaged or cut short, is animated or in CMYK; limits, if it is too large.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Encoded::new(bytes)?.decode()
    }
}
