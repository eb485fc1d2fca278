//! Writes baseline JPEG row by row, with the tables and the sampling of the input.

use std::io::{self, Write};

use image::DynamicImage;
use inpaint_edge::{Result, alloc};
use jpeg_encoder::{ChromaSubsamplingMethod, ColorType, Encoder, EncodingError, QuantizationTableType, SamplingFactor};

use super::segments::{ICC, XMP, add_segment};
use crate::fault::{cannot_hold, unencodable, unwritable};
use crate::metadata::{Coding, Metadata, Native};

/// Quality if neither the user nor the input sets one.
const QUALITY: u8 = 95;

/// The most bytes of a segment's content.
const MAX_SEGMENT: usize = 65_533;
/// Bytes of SOI and the JFIF header, with which the encoder begins every file.
const HEAD: usize = 2 + 18;

/// Writes grey or RGB of 8 bits, in the given quality or as the input was coded.
pub(crate) fn write(
    out: &mut dyn Write,
    pixels: &DynamicImage,
    metadata: &Metadata,
    quality: Option<u8>,
) -> Result<()> {
    let segments = segments(metadata)?;
    let mut encoder = Encoder::new(Insert { out, after: HEAD, insert: &segments }, quality.unwrap_or(QUALITY));
    encoder.set_chroma_subsampling_method(ChromaSubsamplingMethod::Average);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    if let (None, Some(coding)) = (quality, &metadata.coding) {
        encoder.set_quantization_tables(table(&coding.luma), table(&coding.chroma));
        encoder.set_sampling_factor(sampling(coding));
    }
    if let Some(density) = metadata.density.and_then(|density| density.jfif()) {
        encoder.set_density(density);
    }
    let color = if pixels.color().has_color() { ColorType::Rgb } else { ColorType::Luma };
    let side = |side: u32| {
        u16::try_from(side).map_err(|_| cannot_hold(format!("expected at most 65535 pixels a side, found {side}")))
    };
    encoder.encode(pixels.as_bytes(), side(pixels.width())?, side(pixels.height())?, color).map_err(|e| match e {
        EncodingError::IoError(e) => unwritable(e),
        e => unencodable(e),
    })
}

/// The table in 8 bits, as baseline requires.
fn table(values: &[u16; 64]) -> QuantizationTableType {
    QuantizationTableType::Custom(Box::new(values.map(|v| v.clamp(1, 255))))
}

/// The sampling of the input, or the next finer one that is written row by row.
fn sampling(coding: &Coding) -> SamplingFactor {
    match coding.sampling {
        (1, 1) => SamplingFactor::F_1_1,
        (_, 1) => SamplingFactor::F_2_1,
        (1, _) => SamplingFactor::F_1_2,
        _ => SamplingFactor::F_2_2,
    }
}

/// The segments of metadata: EXIF, which must come first after the JFIF header, then XMP, other segments of an input
/// JPEG, and the colour profile.
pub(super) fn segments(metadata: &Metadata) -> Result<Vec<u8>> {
    let mut segments = Vec::new();
    let too_long = |what: &str, most: usize, found: usize| {
        cannot_hold(format!("expected {what} of at most {most} bytes, found {found}"))
    };
    for (what, prefix, data) in [("EXIF", &b"Exif\0\0"[..], &metadata.exif), ("XMP", XMP, &metadata.xmp)] {
        let Some(data) = data else { continue };
        let is_native = what == "XMP" && matches!(metadata.native, Native::Jpeg(_));
        if is_native {
            continue;
        }
        let most = MAX_SEGMENT - prefix.len();
        if data.len() > most {
            return Err(too_long(what, most, data.len()));
        }
        add_segment(&mut segments, 0xE1, prefix, data)?;
    }
    if let Native::Jpeg(native) = &metadata.native {
        alloc::try_extend(&mut segments, native)?;
    }
    let icc = metadata.icc.as_deref().unwrap_or_default();
    let part = MAX_SEGMENT - ICC.len() - 2;
    let count = icc.len().div_ceil(part);
    if count > 255 {
        return Err(too_long("a colour profile", 255 * part, icc.len()));
    }
    for (i, part) in icc.chunks(part).enumerate() {
        let mut head = [0; ICC.len() + 2];
        head[..ICC.len()].copy_from_slice(ICC);
        head[ICC.len()..].copy_from_slice(&[i as u8 + 1, count as u8]);
        add_segment(&mut segments, 0xE2, &head, part)?;
    }
    Ok(segments)
}

/// Passes on what is written, with `insert` after its first `after` bytes.
struct Insert<'a> {
    out: &'a mut dyn Write,
    after: usize,
    insert: &'a [u8],
}

impl Write for Insert<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.after == 0 {
            self.out.write_all(std::mem::take(&mut self.insert))?;
            return self.out.write(bytes);
        }
        let written = self.out.write(&bytes[..bytes.len().min(self.after)])?;
        self.after -= written;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}
