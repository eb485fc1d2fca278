//! A picture whose kind is known, and of which no pixel is decoded yet.

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Seek};

use image::ImageFormat;
use inpaint_edge::Result;

use crate::header::Header;
use crate::kind::format_of;
use crate::lossless::Lossless;
use crate::photo::Photo;
use crate::{jpeg, plain, structure, tiff};

/// A picture before it is decoded: what that takes is known from its headers.
pub struct Encoded<'a>(Kind<'a>);

enum Kind<'a> {
    /// PNG and WebP, opened by a decoder that goes on from there.
    Lossless(Lossless<'a>),
    /// Any other format, in memory.
    Other(Cow<'a, [u8]>, ImageFormat),
}

impl<'a> Encoded<'a> {
    /// A PNG, JPEG, TIFF, WebP, GIF, BMP, PNM or QOI file, known by its content.
    ///
    /// # Errors
    ///
    /// Input, where `bytes` is no such file, or a PNG or WebP that is cut short or animated; limits, where one of these is too
    /// large.
    pub fn new(bytes: &'a [u8]) -> Result<Self> {
        match format_of(bytes, Some(bytes.len() as u64))? {
            ImageFormat::Png => Self::png(Cursor::new(bytes), bytes.len()),
            ImageFormat::WebP => {
                let whole = structure::webp(bytes)?;
                Ok(Self(Kind::Lossless(Lossless::webp(Cursor::new(bytes), whole, bytes.len())?)))
            }
            format => Ok(Self(Kind::Other(Cow::Borrowed(bytes), format))),
        }
    }

    /// As [`Encoded::new`], of a file that is held.
    ///
    /// # Errors
    ///
    /// As [`Encoded::new`].
    pub fn held(bytes: Vec<u8>) -> Result<Encoded<'static>> {
        match format_of(&bytes, Some(bytes.len() as u64))? {
            ImageFormat::Png => {
                let held = bytes.len();
                Encoded::png(Cursor::new(bytes), held)
            }
            ImageFormat::WebP => {
                let (whole, held) = (structure::webp(&bytes)?, bytes.len());
                Ok(Encoded(Kind::Lossless(Lossless::webp(Cursor::new(bytes), whole, held)?)))
            }
            format => Ok(Encoded(Kind::Other(Cow::Owned(bytes), format))),
        }
    }

    /// A PNG from its first byte on, of which `held` bytes are in memory.
    pub(crate) fn png(mut reader: impl BufRead + Seek + Send + 'a, held: usize) -> Result<Self> {
        let whole = structure::png(&mut reader)?;
        Ok(Self(Kind::Lossless(Lossless::png(reader, whole, held)?)))
    }

    /// What [`Encoded::decode`] takes, with what is held already.
    ///
    /// # Errors
    ///
    /// As [`Encoded::decode`], as far as the headers tell.
    pub fn header(&self) -> Result<Header> {
        match &self.0 {
            Kind::Lossless(lossless) => Ok(lossless.header()),
            Kind::Other(bytes, ImageFormat::Jpeg) => jpeg::header(bytes),
            Kind::Other(bytes, ImageFormat::Tiff) => tiff::header(bytes),
            Kind::Other(bytes, format) => plain::header(bytes, *format),
        }
    }

    /// Bytes held until it is decoded: of the file, and of metadata.
    pub fn held_bytes(&self) -> usize {
        match &self.0 {
            Kind::Lossless(lossless) => lossless.held + lossless.copies,
            Kind::Other(bytes, _) => bytes.len(),
        }
    }

    /// Whether the whole file is in memory.
    pub fn is_held(&self) -> bool {
        match &self.0 {
            Kind::Lossless(lossless) => lossless.held > 0,
            Kind::Other(..) => true,
        }
    }

    /// Decodes the picture.
    ///
    /// # Errors
    ///
    /// Input, where it is damaged, cut short, animated or in CMYK; limits, where it is too large.
    pub fn decode(self) -> Result<Photo> {
        let (pixels, metadata) = match self.0 {
            Kind::Lossless(lossless) => lossless.decode(),
            Kind::Other(bytes, ImageFormat::Jpeg) => jpeg::decode(&bytes),
            Kind::Other(bytes, ImageFormat::Tiff) => tiff::decode(&bytes),
            Kind::Other(bytes, format) => plain::decode(&bytes, format),
        }?;
        Photo::upright(pixels, metadata)
    }
}

impl Photo {
    /// Decodes a PNG, JPEG, TIFF, WebP, GIF, BMP, PNM or QOI file, known by its content.
    ///
    /// # Errors
    ///
    /// Input, where `bytes` is no such file, is damaged or cut short, is animated or in CMYK; limits, where it is too large.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        Encoded::new(bytes)?.decode()
    }
}
