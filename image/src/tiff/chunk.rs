//! A strip or tile, decompressed by the `tiff` crate.
//!
//! The crate gets each as a TIFF of its own with one strip. This reads files whose directories the crate refuses and
//! libtiff only warns of, and takes memory by the strip rather than by the list of strips.

use std::io::{self, Read, Seek, SeekFrom};

use inpaint_edge::Result;
use tiff::TiffError;
use tiff::decoder::{Decoder, Limits};

use super::layout::{Layout, Part};
use crate::directories::tag;
use crate::fault::damaged;

/// Decodes the first `rows` of `part` into `out`: samples as they are stored, in the byte order of the machine.
pub(crate) fn decode(layout: &Layout, part: &Part, rows: usize, out: &mut [u8]) -> Result<()> {
    let mut limits = Limits::default();
    limits.decoding_buffer_size = out.len();
    limits.intermediate_buffer_size = part.data.len();
    limits.ifd_value_size = HEAD;
    let file =
        OneStrip { head: head(layout, part, rows as u32), data: part.data, at: 0, is_reversed: layout.is_reversed };
    let decoded = Decoder::new(file).and_then(|decoder| decoder.with_limits(limits).read_image_bytes(out));
    decoded.map_err(|e| match &e {
        TiffError::IoError(cause) if cause.kind() == io::ErrorKind::UnexpectedEof => {
            damaged("expected all pixels of a strip or tile, found fewer").with_source(e)
        }
        _ => damaged(format!("a strip or tile is damaged: {e}")).with_source(e),
    })
}

/// Entries of the directory.
const ENTRIES: usize = 11;
/// Bytes before the strip: header, directory, link.
const HEAD: usize = 8 + 2 + 12 * ENTRIES + 4;

fn head(layout: &Layout, part: &Part, rows: u32) -> [u8; HEAD] {
    // Samples are declared as grey, so that the crate gives them no meaning.
    let fields: [(u16, u32); ENTRIES] = [
        (tag::IMAGE_WIDTH, layout.part.0 as u32),
        (tag::IMAGE_LENGTH, rows),
        (tag::BITS_PER_SAMPLE, layout.bits as u32),
        (tag::COMPRESSION, layout.compression as u32),
        (tag::PHOTOMETRIC_INTERPRETATION, 1),
        (tag::STRIP_OFFSETS, HEAD as u32),
        (tag::SAMPLES_PER_PIXEL, layout.part_samples() as u32),
        (tag::ROWS_PER_STRIP, rows),
        (tag::STRIP_BYTE_COUNTS, part.data.len() as u32),
        (tag::PLANAR_CONFIGURATION, 1),
        (tag::PREDICTOR, if layout.has_predictor { 2 } else { 1 }),
    ];
    let file = layout.file;
    let mut head = [0; HEAD];
    head[..4].copy_from_slice(if file.is_big_endian { b"MM\0*" } else { b"II*\0" });
    head[4..8].copy_from_slice(&file.order(8u32.to_le_bytes()));
    head[8..10].copy_from_slice(&file.order((ENTRIES as u16).to_le_bytes()));
    for ((tag, value), at) in fields.into_iter().zip((10..).step_by(12)) {
        head[at..at + 2].copy_from_slice(&file.order(tag.to_le_bytes()));
        // One LONG.
        head[at + 2..at + 4].copy_from_slice(&file.order(4u16.to_le_bytes()));
        head[at + 4..at + 8].copy_from_slice(&file.order(1u32.to_le_bytes()));
        head[at + 8..at + 12].copy_from_slice(&file.order(value.to_le_bytes()));
    }
    head
}

/// A header and a strip, as one file.
struct OneStrip<'a> {
    head: [u8; HEAD],
    data: &'a [u8],
    at: u64,
    is_reversed: bool,
}

impl Read for OneStrip<'_> {
    fn read(&mut self, out: &mut [u8]) -> io::Result<usize> {
        let at = usize::try_from(self.at).unwrap_or(usize::MAX);
        let read = match self.head.get(at..).filter(|rest| !rest.is_empty()) {
            Some(mut rest) => rest.read(out)?,
            None => {
                let mut rest = self.data.get(at - HEAD..).unwrap_or_default();
                let read = rest.read(out)?;
                if self.is_reversed {
                    out[..read].iter_mut().for_each(|byte| *byte = byte.reverse_bits());
                }
                read
            }
        };
        self.at += read as u64;
        Ok(read)
    }
}

impl Seek for OneStrip<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let end = (HEAD + self.data.len()) as u64;
        self.at = match to {
            SeekFrom::Start(at) => Some(at),
            SeekFrom::Current(by) => self.at.checked_add_signed(by),
            SeekFrom::End(by) => end.checked_add_signed(by),
        }
        .ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.at)
    }
}
