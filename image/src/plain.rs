//! Decodes GIF, BMP, PNM and QOI, which carry little or no metadata. They are never written.

use std::io::Cursor;

use gif::{ColorOutput, DecodeOptions, MemoryLimit};
use image::codecs::{bmp::BmpDecoder, pnm::PnmDecoder, qoi::QoiDecoder};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, ImageFormat, RgbImage, RgbaImage};
use inpaint_edge::{Error, Result, alloc};

use crate::exif;
use crate::fault::{animated, damaged, of_decoder, undecodable};
use crate::header::Header;
use crate::limits::{MAX_METADATA, check_metadata, check_sides, check_size};
use crate::metadata::{Density, Metadata, Unit};

/// The most bytes of a PAM header, whose lines may be of any length.
const MAX_PAM_HEADER: usize = 1 << 16;

/// The header, with the memory that decoding takes, `bytes` included.
pub(crate) fn header(bytes: &[u8], format: ImageFormat) -> Result<Header> {
    if format == ImageFormat::Gif {
        return Ok(Gif::open(bytes)?.header(bytes));
    }
    let (decoder, metadata) = open(bytes, format)?;
    let metadata = Metadata { exif: metadata.exif.map(exif::carried).transpose()?, ..metadata };
    Ok(Header::of_decoder(&decoder, &metadata, bytes.len()))
}

/// Decodes to grey or RGB, with or without alpha, of 8 or 16 bits.
pub(crate) fn decode(bytes: &[u8], format: ImageFormat) -> Result<(DynamicImage, Metadata)> {
    if format == ImageFormat::Gif {
        return Gif::open(bytes)?.decode();
    }
    let (decoder, metadata) = open(bytes, format)?;
    alloc::try_alloc(decoder.total_bytes() as usize)?;
    Ok((DynamicImage::from_decoder(decoder).map_err(|e| of_decoder(e, Some(bytes.len())))?, metadata))
}

/// A decoder of BMP, PNM or QOI for a size within limits.
fn open(bytes: &[u8], format: ImageFormat) -> Result<(Box<dyn ImageDecoder + '_>, Metadata)> {
    let reader = Cursor::new(bytes);
    let fault = |e| of_decoder(e, Some(bytes.len()));
    let (decoder, metadata): (Box<dyn ImageDecoder>, _) = match format {
        ImageFormat::Bmp => {
            let decoder = BmpDecoder::new(reader).map_err(fault)?;
            let header = BmpHeader { bytes };
            header.check_start()?;
            let metadata = header.metadata(decoder.get_palette().is_some())?;
            (Box::new(decoder), metadata)
        }
        ImageFormat::Qoi => (Box::new(QoiDecoder::new(reader).map_err(fault)?), Metadata::default()),
        _ => {
            const END: &[u8] = b"ENDHDR";
            let start = &bytes[..bytes.len().min(MAX_PAM_HEADER)];
            if bytes.starts_with(b"P7") && !start.windows(END.len()).any(|part| part == END) {
                return Err(damaged("expected a PAM header that ends in ENDHDR, found none"));
            }
            (Box::new(PnmDecoder::new(reader).map_err(fault)?), Metadata::default())
        }
    };
    let (width, height) = decoder.dimensions();
    check_sides(width, height)?;
    check_size(decoder.total_bytes())?;
    // Checked before memory for the pixels is taken.
    let least = match format {
        ImageFormat::Bmp => BmpHeader { bytes }.least_pixel_bytes(width, height),
        ImageFormat::Pnm => least_pnm_bytes(bytes, width, height, &decoder.color_type()),
        _ => 0,
    };
    if least > bytes.len() as u64 {
        return Err(Error::input(format!(
            "cut short: expected {least} bytes of pixels, found {} bytes in all",
            bytes.len()
        )));
    }
    Ok((decoder, metadata))
}

/// The fewest bytes that the pixels of a PNM take: a bit each in P4, a digit a sample in text.
fn least_pnm_bytes(bytes: &[u8], width: u32, height: u32, color: &ColorType) -> u64 {
    let pixels = u64::from(width) * u64::from(height);
    match bytes.get(1) {
        Some(b'4') => u64::from(width.div_ceil(8)) * u64::from(height),
        Some(b'1' | b'2' | b'3') => pixels * u64::from(color.channel_count()),
        _ => pixels * u64::from(color.bytes_per_pixel()),
    }
}

/// Header fields of a BMP (Microsoft, BITMAPINFOHEADER and BITMAPV5HEADER) that the decoder does not tell.
struct BmpHeader<'a> {
    bytes: &'a [u8],
}

impl BmpHeader<'_> {
    /// Bytes of the file header, which stands before that of the bitmap.
    const FILE: usize = 14;
    /// Bytes of BITMAPINFOHEADER, the first with a resolution, and of BITMAPV5HEADER, the first with a profile.
    const INFO: usize = 40;
    const V5: usize = 124;

    fn number(&self, at: usize) -> Option<usize> {
        Some(u32::from_le_bytes(*self.bytes.get(at..)?.first_chunk()?) as usize)
    }

    fn length(&self) -> usize {
        self.number(Self::FILE).unwrap_or(0)
    }

    /// Bits of a pixel.
    fn bits(&self) -> u32 {
        let at = Self::FILE + if self.length() < Self::INFO { 8 } else { 12 };
        self.number(at).unwrap_or(0) as u32 >> 16
    }

    fn compression(&self) -> usize {
        if self.length() < Self::INFO { 0 } else { self.number(Self::FILE + 16).unwrap_or(0) }
    }

    /// The fewest bytes that the pixels take: rows of whole words, unless runs are compressed.
    fn least_pixel_bytes(&self, width: u32, height: u32) -> u64 {
        const RLE8: usize = 1;
        const RLE4: usize = 2;
        match self.compression() {
            RLE8 | RLE4 => 0,
            _ => (u64::from(width) * u64::from(self.bits())).div_ceil(32) * 4 * u64::from(height),
        }
    }

    /// Refuses pixels that begin inside the headers or the palette: the decoder would read those as pixels.
    fn check_start(&self) -> Result<()> {
        const BITFIELDS: usize = 3;
        let length = self.length();
        let is_core = length < Self::INFO;
        let masks = if length == Self::INFO && self.compression() == BITFIELDS { 12 } else { 0 };
        let stated = if is_core { 0 } else { self.number(Self::FILE + 32).unwrap_or(0) };
        let colours = match (self.bits(), stated) {
            (9.., _) => 0,
            (bits, 0) => 1 << bits,
            (_, stated) => stated,
        };
        let palette = colours.saturating_mul(if is_core { 3 } else { 4 });
        let end = palette.saturating_add(length).saturating_add(Self::FILE + masks);
        let start = self.number(10).unwrap_or(0);
        if start < end {
            return Err(damaged(format!("expected pixels from byte {end} on or later, found from byte {start} on")));
        }
        Ok(())
    }

    /// Resolution and ICC profile.
    fn metadata(&self, has_palette: bool) -> Result<Metadata> {
        let number = |at: usize| self.number(Self::FILE + at);
        let density = || {
            let (x, y) = (number(24)? as f64, number(28)? as f64);
            (x > 0.0 && y > 0.0).then_some(Density { x, y, unit: Unit::Metre })
        };
        let icc = || {
            let is_embedded = number(56)? == u32::from_be_bytes(*b"MBED") as usize;
            let start = Self::FILE.checked_add(number(112)?)?;
            self.bytes.get(start..)?.get(..number(116)?).filter(|icc| is_embedded && !icc.is_empty())
        };
        let density = if self.length() >= Self::INFO { density() } else { None };
        let icc = if self.length() >= Self::V5 { icc() } else { None };
        check_metadata(icc.map_or(0, <[u8]>::len))?;
        Ok(Metadata { icc: icc.map(alloc::try_to_vec).transpose()?, density, has_palette, ..Metadata::default() })
    }
}

/// A GIF of one picture, read up to its pixels.
struct Gif<'a> {
    decoder: gif::Decoder<&'a [u8]>,
    width: usize,
    height: usize,
    /// Left, top, width and height of the picture on the screen of the size above.
    frame: [usize; 4],
    transparent: Option<u8>,
}

impl<'a> Gif<'a> {
    fn open(bytes: &'a [u8]) -> Result<Self> {
        let mut options = DecodeOptions::new();
        options.set_color_output(ColorOutput::Indexed);
        options.set_memory_limit(MemoryLimit::Bytes((MAX_METADATA as u64).try_into().expect("it is not 0")));
        let mut decoder = options.read_info(bytes).map_err(gif_error)?;
        let frame = decoder.next_frame_info().map_err(gif_error)?;
        let frame = frame.ok_or_else(|| damaged("expected a picture, found a GIF without any"))?;
        let transparent = frame.transparent;
        let frame = [frame.left, frame.top, frame.width, frame.height].map(usize::from);
        check_sides(frame[2] as u32, frame[3] as u32)?;
        // As in browsers and Pillow, the screen is at least as large as its first picture.
        let width = usize::from(decoder.width()).max(frame[0] + frame[2]);
        let height = usize::from(decoder.height()).max(frame[1] + frame[3]);
        check_sides(width as u32, height as u32)?;
        let gif = Self { decoder, width, height, frame, transparent };
        check_size(gif.width as u64 * gif.height as u64 * gif.channels() as u64)?;
        Ok(gif)
    }

    /// 4 if pixels may be transparent, else 3.
    fn channels(&self) -> usize {
        let is_covered = self.frame == [0, 0, self.width, self.height];
        if is_covered && self.transparent.is_none() { 3 } else { 4 }
    }

    fn header(&self, bytes: &[u8]) -> Header {
        let [.., width, height] = self.frame;
        let decoder_bytes = bytes.len() + width * height + self.metadata_bytes();
        let size = Header::of_stored((self.width as u32, self.height as u32), Orientation::NoTransforms);
        Header { channels: self.channels(), decoder_bytes, ..size }
    }

    /// Bytes of the metadata, in the decoder and copied.
    fn metadata_bytes(&self) -> usize {
        let blocks = [self.decoder.icc_profile(), self.decoder.xmp_metadata()];
        2 * blocks.into_iter().flatten().map(<[u8]>::len).sum::<usize>()
    }

    fn decode(mut self) -> Result<(DynamicImage, Metadata)> {
        let (channels, [left, top, width, height]) = (self.channels(), self.frame);
        let mut indices = alloc::try_filled(0, width * height)?;
        let mut data = alloc::try_filled(0, self.width * self.height * channels)?;
        self.decoder.read_into_buffer(&mut indices).map_err(gif_error)?;
        let palette = self.decoder.palette().map_err(gif_error)?;
        let rows = data.chunks_exact_mut(self.width * channels).skip(top);
        for (indices, row) in indices.chunks_exact(width).zip(rows) {
            for (i, pixel) in indices.iter().zip(row.chunks_exact_mut(channels).skip(left)) {
                let colour = palette.get(3 * usize::from(*i)..).and_then(|colours| colours.first_chunk::<3>());
                let colour = colour.ok_or_else(|| {
                    damaged(format!("expected a palette with a colour {i}, found {} colours", palette.len() / 3))
                })?;
                if self.transparent != Some(*i) {
                    pixel[..3].copy_from_slice(colour);
                    pixel[3..].fill(255);
                }
            }
        }
        let icc = self.decoder.icc_profile().map(alloc::try_to_vec).transpose()?;
        let xmp = self.decoder.xmp_metadata().map(alloc::try_to_vec).transpose()?;
        // What follows is the end, or the next picture of an animation.
        if self.decoder.next_frame_info().map_err(gif_error)?.is_some() {
            return Err(animated("GIF"));
        }
        let (width, height) = (self.width as u32, self.height as u32);
        let pixels = match channels {
            3 => RgbImage::from_raw(width, height, data).map(DynamicImage::from),
            _ => RgbaImage::from_raw(width, height, data).map(DynamicImage::from),
        };
        let metadata = Metadata { icc, xmp, has_palette: true, ..Metadata::default() };
        Ok((pixels.expect("a sample per pixel and channel"), metadata))
    }
}

fn gif_error(e: gif::DecodingError) -> Error {
    match e {
        gif::DecodingError::OutOfMemory | gif::DecodingError::MemoryLimit => {
            Error::limits(format!("cannot be decoded: {e}")).with_source(e)
        }
        gif::DecodingError::UnexpectedEof => {
            Error::input("cut short: expected the end of a GIF, found none").with_source(e)
        }
        e => undecodable(e),
    }
}
