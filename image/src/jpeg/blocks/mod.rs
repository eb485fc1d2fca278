//! Writes a JPEG that keeps what its hole does not touch: the coefficients of a block are those of the input, bit for bit,
//! unless it holds a pixel of the hole. Those blocks are made anew in the input's own coding, tables and sampling.

mod code;
mod dct;
mod filled;
mod head;
mod round;
mod seal;

use std::io::Write;

use image::DynamicImage;
use image::metadata::Orientation;
use inpaint_edge::{Mask, Result, alloc};
use libjpeg_turbo_rs::common::quant_table::{NATURAL_ORDER, ZIGZAG_ORDER};
use libjpeg_turbo_rs::encode::tables as standard;
use libjpeg_turbo_rs::{
    DecodeLimits, JpegCoefficients, read_coefficients, write_coefficients_arithmetic, write_coefficients_progressive,
    write_coefficients_progressive_arithmetic,
};

use self::code::{Coder, Codes, Recode, Table};
use self::filled::Filled;
use self::seal::Seal;
use super::cells::{self, Cells, Place};
use super::fault::failed;
use super::frame::Frame;
use super::scan::{self, Mark, Passed, Scan};
use super::segments::{Contents, SEAL, add_segment};
use super::write;
use crate::fault::unwritable;
use crate::header::Header;
use crate::metadata::Metadata;

/// A file that was decoded, kept for a result that is like it.
pub(crate) struct Original {
    bytes: Vec<u8>,
    frame: Frame,
    is_rgb: bool,
    /// Whether the first scan has all components, and no other counts.
    is_interleaved: bool,
    /// Where each row of a single sequential scan begins.
    marks: Vec<Mark>,
    /// Bytes that writing takes.
    encoder_bytes: usize,
    /// The digest of its seal.
    seal: Option<[u8; 16]>,
}

/// What becomes of a block that the hole touches.
type Change<'c> = dyn FnMut(Place, &[i16; 64]) -> [i16; 64] + 'c;

impl std::fmt::Debug for Original {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "a JPEG of {} bytes", self.bytes.len())
    }
}

/// Bytes that writing takes beside the file.
pub(crate) fn encoder_bytes(bytes: usize, contents: &Contents) -> usize {
    let frame = &contents.frame;
    let cells = cells::bytes(frame.width, frame.height);
    let coder = if frame.is_sequential() {
        code::bytes(blocks_of_row(frame))
    } else {
        // Coefficients of 16 bits, and what the library writes them to: at first a byte for each pixel and a quarter.
        2 * frame.samples() + frame.width * frame.height * 5 / 4 + bytes
    };
    contents.table_bytes + contents.metadata.copies() + cells + coder
}

/// The most blocks of a row of MCUs.
fn blocks_of_row(frame: &Frame) -> usize {
    frame.mcus().0 * frame.components.iter().map(|c| c.h * c.v).sum::<usize>()
}

impl Original {
    /// Whether a file of this kind can be kept. What is progressive or in arithmetic coding the library writes; it begins with a
    /// scan of all components, whose MCUs have at most 10 blocks, and reads no larger pictures. In arithmetic coding it reads
    /// wrong coefficients of progressive files with restart markers, and of several sequential scans.
    pub(super) fn can_be(contents: &Contents) -> bool {
        let Contents { frame, is_interleaved, has_restarts, .. } = contents;
        let Frame { width, height, components, is_progressive, is_arithmetic } = frame;
        let blocks = components.iter().map(|c| c.h * c.v).sum::<usize>();
        let limits = DecodeLimits::default();
        let is_small = *width.max(height) <= limits.max_width && (width * height) as u64 <= limits.max_pixels;
        let is_right = !is_arithmetic || if *is_progressive { !has_restarts } else { *is_interleaved };
        frame.is_sequential() || is_small && is_right && (components.len() == 1 || blocks <= 10)
    }

    pub(super) fn new(bytes: Vec<u8>, contents: &Contents, marks: Vec<Mark>, encoder_bytes: usize) -> Self {
        let Contents { frame, is_rgb, is_interleaved, seal, .. } = contents;
        let (frame, is_rgb, is_interleaved) = (frame.clone(), *is_rgb, *is_interleaved);
        Self { bytes, frame, is_rgb, is_interleaved, marks, encoder_bytes, seal: *seal }
    }

    /// Whether upright `pixels` are of this file's size and kind.
    pub fn is_like(&self, pixels: &DynamicImage, orientation: Orientation) -> bool {
        let (width, height) = (self.frame.width as u32, self.frame.height as u32);
        let size = Header::of_stored((width, height), orientation);
        let is_grey = self.frame.components.len() == 1;
        let is_kind = match pixels {
            DynamicImage::ImageLuma8(_) => is_grey,
            DynamicImage::ImageRgb8(_) => !is_grey,
            _ => false,
        };
        is_kind && (pixels.width(), pixels.height()) == (size.width, size.height)
    }

    /// Whether this is what [`Original::write`] made of a hole that was filled `by` this. `hole` is upright by `orientation`.
    ///
    /// # Errors
    ///
    /// Input, if the file cannot be read; limits, if memory runs out.
    pub fn is_sealed(&self, hole: &Mask, orientation: Orientation, by: &[u8]) -> Result<bool> {
        let Some(found) = self.seal else { return Ok(false) };
        alloc::try_alloc(self.encoder_bytes)?;
        let mut seal = Seal::new(by, hole);
        let mut add = |place, block: &_| {
            seal.add(place, block);
            *block
        };
        let touched = Cells::new(&self.frame, hole, orientation)?;
        if self.frame.is_sequential() {
            self.scans(&mut Coder::new(None, blocks_of_row(&self.frame))?, &touched, &mut add, None)?;
        } else {
            self.coefficients(&touched, &mut add)?;
        }
        Ok(seal.digest() == found)
    }

    /// Writes the file with `metadata` and the pixels of `hole`. `pixels` and `hole` are upright by `orientation`. Where it is
    /// known what the hole was filled `by`, seals the result.
    ///
    /// # Errors
    ///
    /// Output, where `out` cannot be written; usage, if the metadata does not fit; limits, if memory runs out.
    pub fn write(
        &self,
        out: &mut dyn Write,
        metadata: &Metadata,
        (pixels, hole): (&DynamicImage, &Mask),
        orientation: Orientation,
        by: Option<&[u8]>,
    ) -> Result<()> {
        let is_sealed = by.map_or(Ok(false), |by| self.is_sealed(hole, orientation, by))?;
        alloc::try_alloc(self.encoder_bytes)?;
        let touched = Cells::new(&self.frame, hole, orientation)?;
        let filled = Filled::new((&self.frame, self.is_rgb), (pixels, hole), orientation);
        let mut seal = by.filter(|_| !hole.is_empty()).map(|by| Seal::new(by, hole));
        let mut change = |place, block: &_| if is_sealed { *block } else { filled.block(place, block) };
        let mut sealed = |place, block: &_| {
            let changed = change(place, block);
            seal.iter_mut().for_each(|seal| seal.add(place, &changed));
            changed
        };
        if !self.frame.is_sequential() {
            let coded = self.recoded(&touched, &mut sealed)?;
            let head = self.head(metadata, seal)?;
            return [head, coded].iter().try_for_each(|part| out.write_all(part)).map_err(unwritable);
        }
        // First with the codes of the file, which counts what is coded.
        let blocks = blocks_of_row(&self.frame);
        let mut trial = Coder::new(None, blocks)?;
        self.scans(&mut trial, &touched, &mut sealed, None)?;
        let mut tables = None;
        if trial.lacks_a_code() {
            // Then all blocks are counted, and coded with the best codes for them.
            trial = Coder::new(None, blocks)?;
            self.scans(&mut trial, &touched, &mut change, Some(&Default::default()))?;
            tables = Some(trial.best_tables());
        }
        drop(trial);
        let mut coder = Coder::new(Some(out), blocks)?;
        coder.segment(&self.head(metadata, seal)?)?;
        self.scans(&mut coder, &touched, &mut change, tables.as_ref())?;
        coder.segment(&[0xFF, 0xD9])?;
        coder.finish()
    }

    /// Everything before the first table.
    fn head(&self, metadata: &Metadata, seal: Option<Seal>) -> Result<Vec<u8>> {
        let mut segments = write::segments(metadata)?;
        if let Some(seal) = seal {
            add_segment(&mut segments, 0xEF, SEAL, &seal.digest())?;
        }
        let mut head = vec![0xFF, 0xD8];
        head::add(&mut head, &self.bytes, &segments)?;
        Ok(head)
    }

    /// Writes everything from the first table to the last scan. With `tables`, codes all blocks anew with these.
    fn scans(
        &self,
        coder: &mut Coder,
        touched: &Cells,
        change: &mut Change,
        tables: Option<&[Option<Table>; 8]>,
    ) -> Result<()> {
        let read = scan::headers(&self.bytes, &self.frame)?;
        let mut scans = read.scans.iter();
        coder.codes = standard_codes();
        if let Some(tables) = tables {
            coder.define(tables)?;
        }
        for (_, marker, segment) in head::coding(&self.bytes) {
            match marker {
                0xC4 if tables.is_some() => {}
                0xC4 => {
                    define(&mut coder.codes, &segment[4..]);
                    coder.segment(segment)?;
                }
                0xDA => {
                    let Some(scan) = scans.next() else { continue };
                    let scan = Scan::new(&self.bytes, &self.frame, &read.frame, scan)?;
                    coder.segment(segment)?;
                    self.scan(scan, coder, touched, change, tables.is_some())?;
                    if self.is_interleaved {
                        scans = [].iter();
                    }
                }
                _ => coder.segment(segment)?,
            }
        }
        Ok(())
    }

    fn scan(
        &self,
        mut scan: Scan,
        coder: &mut Coder,
        touched: &Cells,
        change: &mut Change,
        all_anew: bool,
    ) -> Result<()> {
        let parts = scan.parts().to_vec();
        coder.begin();
        for row in 0..scan.rows() {
            let from = scan.mark();
            let mut rows = parts.iter().map(|p| (p.component, row * p.down..(row + 1) * p.down));
            let may_copy = !all_anew
                && coder.is_at(&from)
                && (!scan.has_restarts() || coder.lies_as(&from))
                && !rows.any(|(component, rows)| touched.touch_rows(component, rows));
            if may_copy {
                match self.marks.get(row + 1) {
                    Some(mark) => scan.seek(mark),
                    None => scan.read_row(row, &mut Passed)?,
                }
                coder.copy(scan.bytes(), &from, &scan.mark())?;
            } else {
                let change = |part: &scan::Part, x, y, block: &_| {
                    let place = Place { component: part.component, x, y };
                    touched.touch(place).then(|| change(place, block))
                };
                scan.read_row(row, &mut Recode { coder, parts: &parts, change })?;
            }
            coder.end_row()?;
        }
        coder.end()
    }

    /// The coefficients of a file that is progressive or in arithmetic coding, with those of the hole changed.
    fn coefficients(&self, touched: &Cells, change: &mut Change) -> Result<JpegCoefficients> {
        let mut all = read_coefficients(&self.bytes).map_err(failed)?;
        for (i, component) in all.components.iter_mut().enumerate() {
            let columns = component.blocks_x;
            for (at, block) in component.blocks.iter_mut().enumerate() {
                let place = Place { component: i, x: at % columns, y: at / columns };
                if touched.touch(place) {
                    // The library's blocks are in the order of coding.
                    let changed = change(place, &NATURAL_ORDER.map(|k| block[k]));
                    *block = ZIGZAG_ORDER.map(|k| changed[k]);
                }
            }
        }
        Ok(all)
    }

    /// Such a file from its first table to its end. Progressive scans are those of the library's own progression.
    fn recoded(&self, touched: &Cells, change: &mut Change) -> Result<Vec<u8>> {
        let all = self.coefficients(touched, change)?;
        let written = match (self.frame.is_progressive, self.frame.is_arithmetic) {
            (true, false) => write_coefficients_progressive(&all, None),
            (true, true) => write_coefficients_progressive_arithmetic(&all, None),
            (false, _) => write_coefficients_arithmetic(&all),
        };
        let mut written = written.map_err(failed)?;
        drop(all);
        // The library begins with segments of its own on colours.
        let tables = head::coding(&written).next().map_or(0, |(at, ..)| at);
        written.drain(..tables);
        Ok(written)
    }
}

/// The codes that the standard gives as an example, which hold where a file has none.
fn standard_codes() -> [Codes; 8] {
    let mut codes = [Codes::NONE; 8];
    let tables: [(usize, &[u8; 17], &[u8]); 4] = [
        (0, &standard::DC_LUMINANCE_BITS, &standard::DC_LUMINANCE_VALUES),
        (1, &standard::DC_CHROMINANCE_BITS, &standard::DC_CHROMINANCE_VALUES),
        (4, &standard::AC_LUMINANCE_BITS, &standard::AC_LUMINANCE_VALUES),
        (5, &standard::AC_CHROMINANCE_BITS, &standard::AC_CHROMINANCE_VALUES),
    ];
    for (i, counts, symbols) in tables {
        codes[i] = Codes::new(&counts[1..], symbols);
    }
    codes
}

/// Takes the codes of a DHT segment's content.
fn define(codes: &mut [Codes; 8], mut data: &[u8]) {
    while let Some((&[head, ref counts @ ..], rest)) = data.split_first_chunk::<17>() {
        let symbols = counts.iter().map(|count| usize::from(*count)).sum::<usize>().min(rest.len());
        if let Some(codes) = codes.get_mut(usize::from(4 * (head >> 4) + head % 16)) {
            *codes = Codes::new(counts, &rest[..symbols]);
        }
        data = &rest[symbols..];
    }
}
