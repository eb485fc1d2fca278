//! Image files: decode by content, work upright, encode with the metadata carried, replace the target in one step.

mod access;
mod alpha;
mod atomic;
mod endings;
mod exif;
mod fault;
mod fill;
mod header;
mod jpeg;
mod kind;
mod metadata;
mod plain;
mod png;
mod raw_profile;
mod select;
mod source;
mod structure;
mod tiff;
mod webp;
mod xmp;

use std::borrow::Cow;
use std::io::{BufRead, Cursor, Seek, Write};
use std::path::Path;

use ::image::codecs::{png::PngDecoder, webp::WebPDecoder};
use ::image::metadata::Orientation;
use ::image::{DynamicImage, ImageDecoder, ImageFormat, Limits};

use crate::error::{Error, ErrorKind, Result};
use crate::holes::Holes;
use crate::room;
use fault::{cut_short, damaged};
use kind::format_of;
use metadata::{Metadata, Unit};
use source::Source;

pub use atomic::{check_writable, remove_abandoned, target_of, write_atomically, write_atomically_with};
pub use endings::{is_picture_name, picture_endings};
pub use header::Header;
pub use source::{held_bytes, read_within};

/// The most pixels a side of an image file, and the most bytes its pixels may take: so few where addresses have 32 bits that
/// no sum of what decoding and encoding take overflows.
const MAX_SIDE: u32 = 65_535;
const MAX_BYTES: u64 = if usize::BITS > 32 { 4 << 30 } else { 256 << 20 };

/// The most bytes that metadata may take: a compressed profile of kilobytes can claim gigabytes.
const MAX_METADATA: usize = 16 << 20;

/// A decoded image file: pixels as stored, and what is carried to the output.
///
/// Palettes become RGB or RGBA, 1-, 2- and 4-bit grey becomes 8-bit by exact scaling; 16 bits stay 16 bits.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Grey, grey + alpha, RGB or RGBA with 8 or 16 bits, upright.
    pub pixels: DynamicImage,
    /// EXIF orientation that `pixels` has been turned by.
    orientation: Orientation,
    metadata: Metadata,
}

/// A format that results can be written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OutputFormat {
    /// Lossless, 8 and 16 bits.
    Png,
    /// Uncompressed, 8 and 16 bits.
    Tiff,
    /// Lossless, 8 bits.
    WebP,
    /// Lossy, 8 bits, no alpha; quality 1 … 100, or as a JPEG was that was decoded, else 95.
    Jpeg(Option<u8>),
}

impl OutputFormat {
    /// By file name ending.
    ///
    /// # Errors
    ///
    /// Usage, where results are not written under such a name.
    pub fn of_path(path: &Path, jpeg_quality: Option<u8>) -> Result<Self> {
        match endings::written(path) {
            Some(Self::Jpeg(_)) => Ok(Self::Jpeg(jpeg_quality)),
            Some(format) => Ok(format),
            None => {
                let found = match path.extension() {
                    Some(ending) => format!("{:?}", ending.to_string_lossy()),
                    None => "a name without an ending".to_owned(),
                };
                Err(Error::usage(format!("a name ending in .png, .webp, .jpg or .tif expected, {found} found")))
            }
        }
    }
}

impl Photo {
    /// Decodes a PNG, JPEG, TIFF, WebP, GIF, BMP, PNM or QOI file, known by its content.
    ///
    /// # Errors
    ///
    /// Input, where `bytes` is no such file, is damaged or cut short, is animated or in CMYK; limits, where it is too large.
    pub fn decode(bytes: &[u8]) -> Result<Self> {
        match format_in(bytes)? {
            ImageFormat::Png => Self::decode_png(Cursor::new(bytes)),
            ImageFormat::Jpeg => Self::upright(jpeg::decode(bytes)?),
            ImageFormat::Tiff => Self::upright(tiff::decode(bytes)?),
            ImageFormat::WebP => {
                let whole = structure::webp(bytes)?;
                let (pixels, known) = decode_lossless(Cursor::new(bytes), ImageFormat::WebP)?;
                Self::upright((pixels, whole.or(known)))
            }
            format => Self::upright(plain::decode(bytes, format)?),
        }
    }

    /// As [`Photo::decode`], from a file; a PNG is never held as a whole.
    ///
    /// # Errors
    ///
    /// As [`Photo::decode`]; input, where the file cannot be read.
    pub fn open(path: &Path) -> Result<Self> {
        match source::open(path)? {
            Source::Png(reader) => Self::decode_png(reader),
            Source::Other(bytes) => Self::decode(&bytes),
        }
    }

    /// What [`Photo::open`] would take.
    ///
    /// # Errors
    ///
    /// As [`Photo::open`], as far as the headers tell.
    pub fn header(path: &Path) -> Result<Header> {
        match source::open(path)? {
            Source::Png(reader) => Self::header_of_png(reader, 0),
            Source::Other(bytes) => Self::header_of(&bytes),
        }
    }

    /// What [`Photo::decode`] would take, `bytes` included.
    ///
    /// # Errors
    ///
    /// As [`Photo::decode`], as far as the headers tell.
    pub fn header_of(bytes: &[u8]) -> Result<Header> {
        match format_in(bytes)? {
            ImageFormat::Png => Self::header_of_png(Cursor::new(bytes), bytes.len()),
            ImageFormat::Jpeg => jpeg::header(bytes),
            ImageFormat::Tiff => tiff::header(bytes),
            ImageFormat::WebP => {
                structure::webp(bytes)?;
                let (decoder, metadata) = lossless(Cursor::new(bytes), ImageFormat::WebP)?;
                let held = bytes.len() + planes(&decoder) + metadata.copies();
                header(&decoder, metadata, held)
            }
            format => plain::header(bytes, format),
        }
    }

    /// Of a PNG, of which `held` bytes are in memory.
    fn header_of_png(mut reader: impl BufRead + Seek, held: usize) -> Result<Header> {
        let whole = structure::png(&mut reader)?;
        reader.rewind().map_err(unreadable)?;
        let (decoder, known) = lossless(reader, ImageFormat::Png)?;
        let held = held + whole.copies() + known.copies();
        header(&decoder, whole.or(known), held)
    }

    fn decode_png(mut reader: impl BufRead + Seek) -> Result<Self> {
        let whole = structure::png(&mut reader)?;
        reader.rewind().map_err(unreadable)?;
        let (pixels, known) = decode_lossless(reader, ImageFormat::Png)?;
        Self::upright((pixels, whole.or(known)))
    }

    fn upright((mut pixels, mut metadata): (DynamicImage, Metadata)) -> Result<Self> {
        metadata.exif = metadata.exif.map(exif::carried).transpose()?.filter(|exif| !exif.is_empty());
        if metadata.exif.as_deref().is_some_and(|exif| tiff::Structure::new(exif).is_none()) {
            metadata.exif = None;
            metadata.notes.push("EXIF that cannot be read is not kept".to_owned());
        }
        // A ratio alone, as JFIF gives where cameras know more, stands behind what EXIF says.
        let known = metadata.density.filter(|density| density.unit != Unit::None);
        metadata.density = known.or_else(|| exif::density(metadata.exif.as_deref())).or(metadata.density);
        if let Some(packet) = &mut metadata.xmp {
            let announced = xmp::quiet(packet)?;
            metadata.note(announced);
        }
        let orientation = exif::orientation(&metadata);
        if orientation != Orientation::NoTransforms {
            room::check(pixels.as_bytes().len())?;
        }
        pixels.apply_orientation(orientation);
        Ok(Self { pixels, orientation, metadata })
    }

    /// What a result cannot keep or holds in another way, a line without a full stop each: a palette is written as RGB, say.
    pub fn notes(&self) -> Vec<String> {
        let colours = if self.pixels.color().has_alpha() { "RGBA" } else { "RGB" };
        let palette = self.metadata.has_palette.then(|| format!("a palette, written as {colours}"));
        let Metadata { has_gain_map, has_video, has_credentials, notes, .. } = &self.metadata;
        let dropped = [
            (*has_gain_map, "the gain map (Ultra HDR) is not kept"),
            (*has_video, "the video of the motion photo is not kept"),
            (*has_credentials, "the content credentials (C2PA) no longer hold and are not kept"),
        ];
        let dropped = dropped.into_iter().filter(|(is_there, _)| *is_there).map(|(_, note)| note.to_owned());
        palette.into_iter().chain(dropped).chain(notes.iter().cloned()).collect()
    }

    /// Whether the pixels have alpha; what a TIFF stores in its place may be of another kind.
    pub fn has_alpha(&self) -> bool {
        self.pixels.color().has_alpha() && !self.metadata.has_band
    }

    /// The same file with other pixels, upright.
    pub fn with_pixels(self, pixels: DynamicImage) -> Self {
        Self { pixels, ..self }
    }

    /// The pixels turned back to how the file stores them.
    pub fn stored(&self) -> Cow<'_, DynamicImage> {
        let back = match self.orientation {
            Orientation::NoTransforms => return Cow::Borrowed(&self.pixels),
            Orientation::Rotate90 => Orientation::Rotate270,
            Orientation::Rotate270 => Orientation::Rotate90,
            mirrored => mirrored,
        };
        let mut pixels = self.pixels.clone();
        pixels.apply_orientation(back);
        Cow::Owned(pixels)
    }

    /// Refuses a format that cannot hold these pixels, once those of `made_opaque` are opaque.
    ///
    /// # Errors
    ///
    /// Usage, where pixels are transparent or have 16 bits or a band beside the colours, and the format holds none.
    pub fn check_format(&self, format: OutputFormat, made_opaque: Option<&Holes>) -> Result<()> {
        if self.metadata.has_band && format != OutputFormat::Tiff {
            let found = "a band beside the colours that is no alpha (ExtraSamples 0) found";
            let help = "`convert in.tif -alpha off out.tif` leaves it out";
            return Err(Error::usage(format!("a result as .tif expected, {found}; {help}")));
        }
        let color = self.pixels.color();
        let deep = color.bytes_per_pixel() > color.channel_count();
        let (expected, fits) = match format {
            OutputFormat::Png | OutputFormat::Tiff => return Ok(()),
            OutputFormat::WebP => ("8 bits expected for WebP", !deep),
            OutputFormat::Jpeg(_) => {
                ("8 bits without transparency expected for JPEG", !deep && alpha::is_opaque(&self.pixels, made_opaque))
            }
        };
        let channels = ["grey", "grey with alpha", "RGB", "RGBA"][usize::from(color.channel_count()) - 1];
        let found = if deep { format!("{channels} of 16 bits") } else { channels.to_owned() };
        if fits { Ok(()) } else { Err(Error::usage(format!("{expected}, {found} found; .png and .tif hold them"))) }
    }

    /// Encodes the stored pixels with what the file carried: ICC profile, EXIF without its thumbnail, XMP and density where
    /// the format has a place for them; from PNG to PNG further chunks, from JPEG to JPEG comments and IPTC.
    ///
    /// # Errors
    ///
    /// Usage, where the format cannot hold these pixels or what the file carried.
    pub fn encode(&self, format: OutputFormat) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write(format, &mut out)?;
        Ok(out)
    }

    /// Leaves out an alpha channel that says nothing, because all pixels are opaque, where `format` has none.
    pub fn fit(&mut self, format: OutputFormat) {
        if matches!(format, OutputFormat::Jpeg(_)) && alpha::is_opaque(&self.pixels, None) {
            alpha::drop(&mut self.pixels);
        }
    }

    /// As [`Photo::encode`], into `out`, piece by piece unless the format is WebP.
    ///
    /// # Errors
    ///
    /// As [`Photo::encode`]; output, where `out` cannot be written; limits, where memory cannot be had.
    pub fn write(&self, format: OutputFormat, out: &mut dyn Write) -> Result<()> {
        self.check_format(format, None)?;
        let turned = if self.orientation == Orientation::NoTransforms { 0 } else { 2 * self.pixels.as_bytes().len() };
        let encoder = header::encoder_bytes(format, self.pixels.width(), self.pixels.height());
        room::check(turned + encoder + self.metadata.copies())?;
        let mut stored = self.stored();
        if matches!(format, OutputFormat::Jpeg(_)) && stored.color().has_alpha() {
            room::check(stored.as_bytes().len())?;
            alpha::drop(stored.to_mut());
        }
        match format {
            OutputFormat::Png => {
                png::write(&mut *out, &stored, &self.metadata).map_err(|e| match e {
                    ::png::EncodingError::IoError(e) => unwritable(e),
                    e => cannot_hold(e),
                })?;
            }
            OutputFormat::Tiff => tiff::write(out, &stored, &self.metadata)?,
            OutputFormat::WebP => webp::write(out, &stored, &self.metadata)?,
            OutputFormat::Jpeg(quality) => jpeg::write(out, &stored, &self.metadata, quality)?,
        }
        out.flush().map_err(unwritable)
    }
}

fn cannot_hold(e: impl std::fmt::Display) -> Error {
    Error::usage(format!("this format cannot hold the image: {e}"))
}

fn unwritable(e: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Output, format!("cannot be written: {e}"))
}

fn unreadable(e: std::io::Error) -> Error {
    let kind = if e.kind() == std::io::ErrorKind::OutOfMemory { ErrorKind::Limits } else { ErrorKind::Input };
    Error::new(kind, format!("cannot be read: {e}"))
}

/// The format of a file in memory.
fn format_in(bytes: &[u8]) -> Result<ImageFormat> {
    format_of(bytes, Some(bytes.len() as u64))
}

fn header(decoder: &impl ImageDecoder, metadata: Metadata, decoder_bytes: usize) -> Result<Header> {
    let (channels, color) = (decoder.color_type().channel_count().into(), decoder.color_type());
    let sample_bytes = usize::from(color.bytes_per_pixel()) / usize::from(color.channel_count());
    let metadata = Metadata { exif: metadata.exif.map(exif::carried).transpose()?, ..metadata };
    Ok(Header { channels, sample_bytes, decoder_bytes, ..turned(decoder.dimensions(), exif::orientation(&metadata)) })
}

/// A header of a size once `orientation` is undone.
fn turned((width, height): (u32, u32), orientation: Orientation) -> Header {
    let across = matches!(
        orientation,
        Orientation::Rotate90 | Orientation::Rotate270 | Orientation::Rotate90FlipH | Orientation::Rotate270FlipH
    );
    let (width, height) = if across { (height, width) } else { (width, height) };
    let turned = orientation != Orientation::NoTransforms;
    Header { width, height, channels: 1, sample_bytes: 1, turned, decoder_bytes: 0 }
}

/// Pixels as stored, and what is carried.
fn decode_lossless(reader: impl BufRead + Seek, format: ImageFormat) -> Result<(DynamicImage, Metadata)> {
    let (decoder, metadata) = lossless(reader, format)?;
    let pixels = decoder.total_bytes() as usize;
    room::check(if format == ImageFormat::WebP { pixels + planes(&decoder) } else { pixels })?;
    Ok((DynamicImage::from_decoder(decoder).map_err(|e| fault::of_decoder(e, None))?, metadata))
}

/// Bytes that WebP holds: red, green, blue and alpha of the whole image.
fn planes(decoder: &impl ImageDecoder) -> usize {
    let (width, height) = decoder.dimensions();
    4 * width as usize * height as usize
}

/// A decoder of PNG or WebP for a size within limits.
fn lossless<'r>(
    reader: impl BufRead + Seek + 'r,
    format: ImageFormat,
) -> Result<(Box<dyn ImageDecoder + 'r>, Metadata)> {
    let decode = || {
        let mut limits = Limits::no_limits();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_METADATA as u64);
        let mut decoder: Box<dyn ImageDecoder> = match format {
            ImageFormat::Png => Box::new(PngDecoder::with_limits(reader, limits.clone())?),
            _ => Box::new(WebPDecoder::new(reader)?),
        };
        decoder.set_limits(limits)?;
        let (icc, exif, xmp) = (decoder.icc_profile()?, decoder.exif_metadata()?, decoder.xmp_metadata()?);
        Ok((decoder, Metadata { icc, exif, xmp, ..Metadata::default() }))
    };
    let (decoder, metadata) = decode().map_err(|e| fault::of_decoder(e, None))?;
    check_size(decoder.total_bytes())?;
    Ok((decoder, metadata))
}

/// Refuses metadata of more than [`MAX_METADATA`].
fn check_metadata(bytes: usize) -> Result<()> {
    if bytes > MAX_METADATA {
        return Err(Error::limits(format!("at most {MAX_METADATA} bytes of metadata expected, {bytes} found")));
    }
    Ok(())
}

/// Refuses pixels of more than [`MAX_BYTES`].
fn check_size(bytes: u64) -> Result<()> {
    match bytes {
        0..=MAX_BYTES => Ok(()),
        _ => Err(Error::limits(format!("at most {MAX_BYTES} bytes of pixels expected, {bytes} found"))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ErrorKind;

    fn photo(orientation: Orientation) -> Photo {
        let mut n = 0u8;
        let pixels = ::image::RgbImage::from_fn(5, 3, |_, _| {
            n += 1;
            ::image::Rgb([n, n + 50, n + 100])
        });
        let mut upright = DynamicImage::from(pixels);
        upright.apply_orientation(orientation);
        Photo { pixels: upright, orientation, metadata: Metadata::default() }
    }

    #[test]
    fn every_orientation_turns_back() {
        for tag in 1..=8 {
            let orientation = Orientation::from_exif(tag).unwrap();
            assert_eq!(*photo(orientation).stored(), photo(Orientation::NoTransforms).pixels, "orientation {tag}");
        }
    }

    #[test]
    fn formats_that_lose_channels_refuse() {
        let deep = photo(Orientation::NoTransforms).with_pixels(DynamicImage::new_rgb16(2, 2));
        assert!(deep.encode(OutputFormat::Png).is_ok());
        assert_eq!(deep.encode(OutputFormat::WebP).unwrap_err().kind(), ErrorKind::Usage);
        let clear = photo(Orientation::NoTransforms).with_pixels(DynamicImage::new_rgba8(2, 2));
        assert!(clear.encode(OutputFormat::WebP).is_ok());
        assert_eq!(clear.encode(OutputFormat::Jpeg(Some(95))).unwrap_err().kind(), ErrorKind::Usage);
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
