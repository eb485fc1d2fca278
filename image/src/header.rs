//! The size of a picture and the memory that it takes, known from the headers of its file.

use image::ImageDecoder;
use image::metadata::Orientation;

use crate::exif;
use crate::format::OutputFormat;
use crate::metadata::Metadata;

/// Size and kind of an image file, and the memory it takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Header {
    /// Width once upright, pixels.
    pub width: u32,
    /// Height once upright, pixels.
    pub height: u32,
    /// Samples of a pixel.
    pub channels: usize,
    /// Bytes of a sample.
    pub sample_bytes: usize,
    /// Whether the stored pixels are not upright.
    pub turned: bool,
    /// Bytes that the decoder takes beside the pixels, the file included where it is held.
    pub(crate) decoder_bytes: usize,
    /// Bytes of a JPEG that are kept beside the pixels, and those that it takes to write a result like it.
    pub(crate) kept_bytes: usize,
    pub(crate) block_bytes: usize,
    /// Whether a JPEG has a seal.
    pub(crate) has_seal: bool,
    /// Whether [`Encoded::decode_to_fill`](crate::Encoded::decode_to_fill) need not decode all.
    pub in_part: bool,
}

impl Header {
    /// Bytes of the decoded pixels.
    pub fn pixel_bytes(&self) -> usize {
        self.width as usize * self.height as usize * self.channels * self.sample_bytes
    }

    /// Bytes of the decoded pixels, and of a JPEG that is kept for its result.
    pub fn held_bytes(&self) -> usize {
        self.pixel_bytes() + self.kept_bytes
    }

    /// Bytes beside [`Header::held_bytes`] that [`Photo::fill`](crate::Photo::fill) takes to see whether a seal holds.
    pub fn seal_bytes(&self) -> usize {
        if self.has_seal { self.block_bytes } else { 0 }
    }

    /// Peak bytes while the file is decoded, pixels included.
    pub fn decode_bytes(&self) -> usize {
        let upright = if self.turned { self.held_bytes() } else { 0 };
        self.pixel_bytes() + self.decoder_bytes.max(upright)
    }

    /// Peak bytes while pixels like these are encoded, pixels included.
    pub fn encode_bytes(&self, format: OutputFormat) -> usize {
        if format == OutputFormat::Jpeg(None) && self.kept_bytes > 0 {
            return self.held_bytes() + self.block_bytes;
        }
        let stored = if self.turned { self.pixel_bytes() } else { 0 };
        self.held_bytes() + stored + encoder_bytes(format, self.width, self.height)
    }

    /// The header of the picture in `decoder`; `decoder_bytes` are held beside the pixels.
    pub(crate) fn of_decoder(decoder: &impl ImageDecoder, metadata: &Metadata, decoder_bytes: usize) -> Self {
        let color = decoder.color_type();
        let channels = usize::from(color.channel_count());
        let sample_bytes = usize::from(color.bytes_per_pixel()) / channels;
        let orientation = exif::orientation(metadata);
        Self { channels, sample_bytes, decoder_bytes, ..Self::of_stored(decoder.dimensions(), orientation) }
    }

    /// A header of a picture with stored size `(width, height)`, turned by `orientation`.
    pub(crate) fn of_stored((width, height): (u32, u32), orientation: Orientation) -> Self {
        let across = matches!(
            orientation,
            Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
        );
        let (width, height) = if across { (height, width) } else { (width, height) };
        let turned = orientation != Orientation::NoTransforms;
        Self {
            width,
            height,
            channels: 1,
            sample_bytes: 1,
            turned,
            decoder_bytes: 0,
            kept_bytes: 0,
            block_bytes: 0,
            has_seal: false,
            in_part: false,
        }
    }
}

/// Bytes that an encoder takes beside the pixels.
pub(crate) fn encoder_bytes(format: OutputFormat, width: u32, height: u32) -> usize {
    match format {
        // Red, green, blue and alpha of the whole image, and the file.
        OutputFormat::WebP => 8 * width as usize * height as usize,
        // A row of 16 bits a sample in the file's byte order.
        OutputFormat::Png => 8 * width as usize,
        // Rows of MCUs of up to 16 pixels, of three components.
        OutputFormat::Jpeg(_) => 3 * 16 * (width as usize + 16),
        // A row of 16 bits a sample; offsets and lengths of strips, as numbers and as bytes.
        OutputFormat::Tiff => 8 * width as usize + 16 * height as usize,
    }
}
