//! Decodes PNG and WebP with the `image` crate.

use std::io::{BufRead, Seek};

use image::codecs::{png::PngDecoder, webp::WebPDecoder};
use image::{DynamicImage, ImageDecoder, ImageResult, Limits};
use inpaint_edge::{Result, alloc};

use crate::header::Header;
use crate::limits::{MAX_METADATA, MAX_SIDE, check_size};
use crate::metadata::Metadata;
use crate::{exif, fault};

/// A PNG or WebP whose header its decoder has read.
pub(crate) struct Lossless<'a> {
    decoder: Box<dyn ImageDecoder + Send + 'a>,
    metadata: Metadata,
    /// Bytes of the file that are in memory.
    pub held: usize,
    /// Bytes that the decoder takes beside the pixels.
    planes: usize,
    /// Bytes of the metadata, with the decoder's copies.
    pub copies: usize,
}

impl<'a> Lossless<'a> {
    /// Opens a PNG with the metadata `whole`.
    pub fn png(reader: impl BufRead + Seek + Send + 'a, whole: Metadata, held: usize) -> Result<Self> {
        let open = |limits| -> ImageResult<Box<dyn ImageDecoder + Send + 'a>> {
            Ok(Box::new(PngDecoder::with_limits(reader, limits)?))
        };
        Self::new(open, whole, held, 0)
    }

    /// Opens a WebP with the metadata `whole`. Its decoder holds red, green, blue and alpha of the whole image.
    pub fn webp(reader: impl BufRead + Seek + Send + 'a, whole: Metadata, held: usize) -> Result<Self> {
        let open = |_| -> ImageResult<Box<dyn ImageDecoder + Send + 'a>> { Ok(Box::new(WebPDecoder::new(reader)?)) };
        Self::new(open, whole, held, 4)
    }

    fn new(
        open: impl FnOnce(Limits) -> ImageResult<Box<dyn ImageDecoder + Send + 'a>>,
        whole: Metadata,
        held: usize,
        channels: usize,
    ) -> Result<Self> {
        let decode = || {
            let mut limits = Limits::no_limits();
            limits.max_image_width = Some(MAX_SIDE);
            limits.max_image_height = Some(MAX_SIDE);
            limits.max_alloc = Some(MAX_METADATA as u64);
            let mut decoder = open(limits.clone())?;
            decoder.set_limits(limits)?;
            let (icc, exif, xmp) = (decoder.icc_profile()?, decoder.exif_metadata()?, decoder.xmp_metadata()?);
            Ok((decoder, Metadata { icc, exif, xmp, ..Metadata::default() }))
        };
        let (decoder, known) = decode().map_err(|e| fault::of_decoder(e, None))?;
        check_size(decoder.total_bytes())?;
        let (width, height) = decoder.dimensions();
        let planes = channels * width as usize * height as usize;
        let copies = whole.copies() + known.copies();
        let mut metadata = whole.or(known);
        metadata.exif = metadata.exif.map(exif::carried).transpose()?;
        Ok(Self { decoder, metadata, held, planes, copies })
    }

    /// The header, with the memory that decoding takes, the file included if it is in memory.
    pub fn header(&self) -> Header {
        Header::of_decoder(&self.decoder, &self.metadata, self.held + self.planes + self.copies)
    }

    /// Decodes the pixels, as stored, and returns the metadata with them.
    pub fn decode(self) -> Result<(DynamicImage, Metadata)> {
        alloc::try_alloc(self.decoder.total_bytes() as usize + self.planes)?;
        let pixels = DynamicImage::from_decoder(self.decoder).map_err(|e| fault::of_decoder(e, None))?;
        Ok((pixels, self.metadata))
    }
}
