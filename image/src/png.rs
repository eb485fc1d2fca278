//! Writes PNG row by row, so that the compressed file is never in memory as a whole.

use std::borrow::Cow;
use std::io::{self, Write};

use ::png::{BitDepth, Compression, Encoder, EncodingError, Filter, Info, Writer, chunk};
use image::{ColorType, DynamicImage};
use inpaint_edge::Result;

use crate::fault::{unencodable, unwritable};
use crate::metadata::{Metadata, Native};
use crate::structure::PNG_XMP;

/// Bytes of an IDAT chunk.
const IDAT: usize = 1 << 16;

/// Writes `pixels`, and `metadata` before them.
pub(crate) fn write(out: impl Write, pixels: &DynamicImage, metadata: &Metadata) -> Result<()> {
    let mut out = Remembering { out, failed: None };
    encode(&mut out, pixels, metadata).map_err(|e| match (out.failed, e) {
        (Some(e), _) | (None, EncodingError::IoError(e)) => unwritable(e),
        (None, e) => unencodable(e),
    })
}

/// Remembers the error of `out`, since the encoder passes on only its message.
struct Remembering<W> {
    out: W,
    failed: Option<io::Error>,
}

impl<W> Remembering<W> {
    fn remember(&mut self, e: io::Error) -> io::Error {
        let kind = e.kind();
        // An interrupted write is tried again.
        if kind != io::ErrorKind::Interrupted {
            self.failed = Some(e);
        }
        kind.into()
    }
}

impl<W: Write> Write for Remembering<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.write(bytes).map_err(|e| self.remember(e))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush().map_err(|e| self.remember(e))
    }
}

fn encode(out: impl Write, pixels: &DynamicImage, metadata: &Metadata) -> Result<(), EncodingError> {
    let mut info = Info::with_size(pixels.width(), pixels.height());
    info.icc_profile = metadata.icc.as_deref().map(Cow::Borrowed);
    info.exif_metadata = metadata.exif.as_deref().map(Cow::Borrowed);
    let mut encoder = Encoder::with_info(out, info)?;
    let deep = matches!(pixels.color(), ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16);
    encoder.set_depth(if deep { BitDepth::Sixteen } else { BitDepth::Eight });
    encoder.set_color(match pixels.color().channel_count() {
        1 => ::png::ColorType::Grayscale,
        2 => ::png::ColorType::GrayscaleAlpha,
        3 => ::png::ColorType::Rgb,
        _ => ::png::ColorType::Rgba,
    });
    encoder.set_compression(Compression::Fast);
    encoder.set_filter(Filter::Adaptive);
    let mut writer = encoder.write_header()?;
    write_chunks(&mut writer, metadata)?;
    let mut stream = writer.stream_writer_with_size(IDAT)?;
    let row = pixels.width() as usize * usize::from(pixels.color().bytes_per_pixel());
    let mut swapped = Vec::new();
    for row in pixels.as_bytes().chunks_exact(row) {
        if deep {
            swapped.clear();
            swapped.extend(row.as_chunks::<2>().0.iter().flat_map(|v| u16::from_ne_bytes(*v).to_be_bytes()));
            stream.write_all(&swapped)?;
        } else {
            stream.write_all(row)?;
        }
    }
    stream.finish()?;
    writer.finish()
}

fn write_chunks(writer: &mut Writer<impl Write>, metadata: &Metadata) -> Result<(), EncodingError> {
    let mut has_xmp = false;
    if let Native::Png(chunks) = &metadata.native {
        let mut chunks = &chunks[..];
        while let Some((head, rest)) = chunks.split_first_chunk::<8>() {
            let [a, b, c, d, kind @ ..] = *head;
            let (data, rest) = rest.split_at(u32::from_be_bytes([a, b, c, d]) as usize);
            writer.write_chunk(chunk::ChunkType(kind), data)?;
            has_xmp |= kind == chunk::iTXt.0 && data.starts_with(PNG_XMP);
            // The CRC is written anew.
            chunks = &rest[4..];
        }
    } else if let Some(phys) = metadata.density.and_then(|density| density.phys()) {
        writer.write_chunk(chunk::pHYs, &phys)?;
    }
    if let Some(xmp) = metadata.xmp.as_ref().filter(|_| !has_xmp) {
        writer.write_chunk(chunk::iTXt, &[PNG_XMP, b"\0\0", xmp].concat())?;
    }
    Ok(())
}
