//! Decodes a sequential picture in Huffman coding: one scan of all components, painted row by row, or several scans of
//! one component or more, in any order.
//!
//! Own code, since the library's decoder holds the planes of the whole picture, and reads no scan of two components.

use std::sync::Arc;

use inpaint_edge::{Error, Result};
use libjpeg_turbo_rs::common::huffman_table::std_huffman_tables;
use libjpeg_turbo_rs::decode::bitstream::BitReader;
use libjpeg_turbo_rs::decode::entropy::{McuComponentPlan, McuDecoder, resolve_mcu_plan};
use libjpeg_turbo_rs::decode::marker::{JpegMetadata, MarkerReader, ScanInfo};
use libjpeg_turbo_rs::{ComponentInfo, FrameHeader, simd};

use super::fault::failed;
use super::frame::Frame;
use super::planes::{Painter, Plane};
use super::segments::Contents;
use crate::fault::damaged;

/// MCU rows that are held when a single scan is painted: the current row, one above and one below.
const ROWS: usize = 3;

/// Bytes of the planes.
pub(crate) fn plane_bytes(contents: &Contents) -> usize {
    let frame = &contents.frame;
    if !contents.is_interleaved {
        return frame.samples();
    }
    let (across, _) = frame.mcus();
    ROWS * across * frame.components.iter().map(|c| 64 * c.h * c.v).sum::<usize>()
}

/// Decodes `bytes` into `pixels`.
pub(crate) fn decode(bytes: &[u8], contents: &Contents, pixels: &mut [u8]) -> Result<()> {
    let frame = &contents.frame;
    let mut read = MarkerReader::new(bytes).read_markers().map_err(failed)?;
    check_same(&read, frame)?;
    let standard = std_huffman_tables();
    for scan in &mut read.scans {
        // As in motion JPEG, missing tables are those that the standard gives as an example.
        for (table, standard) in scan.dc_huffman_tables.iter_mut().zip(&standard[..2]) {
            table.get_or_insert_with(|| Arc::clone(standard));
        }
        for (table, standard) in scan.ac_huffman_tables.iter_mut().zip(&standard[2..]) {
            table.get_or_insert_with(|| Arc::clone(standard));
        }
    }
    let (across, down) = frame.mcus();
    let slots = if contents.is_interleaved { ROWS } else { down };
    let planes = frame.components.iter().map(|c| Plane::new(8 * c.h * across, 8 * c.v * slots));
    let mut planes = planes.collect::<Result<Vec<_>>>()?;
    let mut painter = Painter::new(frame, contents.is_rgb)?;
    let mut lines = pixels.chunks_exact_mut(pixels.len() / frame.height).enumerate();
    if contents.is_interleaved {
        let mut scan = Scan::new(bytes, frame, &read.frame, &read.scans[0])?;
        let lines_of_row = 8 * if frame.components.len() == 1 { 1 } else { frame.max_v() };
        for row in 0..scan.rows {
            scan.decode_row(row, &mut planes)?;
            // Paints the row above: its last lines need samples of this one.
            if row > 0 {
                lines.by_ref().take(lines_of_row).for_each(|(y, line)| painter.paint(&planes, y, line));
            }
        }
    } else {
        for scan in &read.scans {
            let mut scan = Scan::new(bytes, frame, &read.frame, scan)?;
            (0..scan.rows).try_for_each(|row| scan.decode_row(row, &mut planes))?;
        }
    }
    lines.for_each(|(y, line)| painter.paint(&planes, y, line));
    Ok(())
}

/// Refuses a file that the library reads as another picture.
fn check_same(read: &JpegMetadata, frame: &Frame) -> Result<()> {
    let found = &read.frame;
    let same_size = found.width() == frame.width && [frame.height, 0].contains(&found.height());
    let ids = |c: &ComponentInfo| (c.id, c.horizontal_sampling.into(), c.vertical_sampling.into());
    let same_components = found.components.iter().map(ids).eq(frame.components.iter().map(|c| (c.id, c.h, c.v)));
    if same_size && same_components && !found.is_progressive && !found.is_lossless && !read.is_arithmetic {
        return Ok(());
    }
    Err(damaged("expected segments that all readers tell apart in the same way, found others"))
}

/// A scan of one component or more.
struct Scan<'a> {
    reader: BitReader<'a>,
    decoder: McuDecoder,
    parts: Vec<Part<'a>>,
    /// MCUs across and down.
    columns: usize,
    rows: usize,
    /// MCUs between two restart markers, or 0; MCUs left until the next marker; the number of that marker.
    interval: usize,
    left: usize,
    number: u8,
    idct: fn(&[i16; 64], &[u16; 64], &mut [u8; 64]),
}

/// A component's part of a scan.
struct Part<'a> {
    coding: McuComponentPlan<'a>,
    table: &'a [u16; 64],
    /// Blocks of an MCU, across and down.
    across: usize,
    down: usize,
}

impl<'a> Scan<'a> {
    fn new(bytes: &'a [u8], frame: &'a Frame, header: &FrameHeader, scan: &'a ScanInfo) -> Result<Self> {
        let plan = resolve_mcu_plan(header, &scan.header, &scan.dc_huffman_tables, &scan.ac_huffman_tables);
        let plan = plan.map_err(failed)?;
        // The blocks of a component alone follow each other without padding.
        let alone = match &plan[..] {
            [one] => Some(&frame.components[one.comp_idx]),
            _ => None,
        };
        let (columns, rows) = alone.map_or(frame.mcus(), |c| frame.blocks(c));
        let part = |coding: McuComponentPlan<'a>| {
            let component = &frame.components[coding.comp_idx];
            let (across, down) = if alone.is_some() { (1, 1) } else { (component.h, component.v) };
            let table = component.table.as_ref().ok_or_else(|| damaged("expected a quantisation table, found none"))?;
            Ok(Part { coding, table, across, down })
        };
        Ok(Self {
            reader: BitReader::new(&bytes[scan.data_offset..]),
            decoder: McuDecoder::new(frame.components.len()),
            parts: plan.into_iter().map(part).collect::<Result<_>>()?,
            columns,
            rows,
            interval: scan.restart_interval.into(),
            left: scan.restart_interval.into(),
            number: 0,
            idct: simd::detect().idct_islow,
        })
    }

    /// Decodes MCU row `row` into the planes of all components.
    fn decode_row(&mut self, row: usize, planes: &mut [Plane]) -> Result<()> {
        let (mut coefficients, mut samples) = ([0; 64], [0; 64]);
        for column in 0..self.columns {
            if self.interval > 0 {
                if self.left == 0 {
                    self.restart(row)?;
                }
                self.left -= 1;
            }
            for Part { coding, table, across, down } in &self.parts {
                for block in 0..across * down {
                    let (x, y) = (column * across + block % across, row * down + block / across);
                    let McuComponentPlan { comp_idx, dc_table, ac_table, .. } = *coding;
                    let read =
                        self.decoder.decode_block(&mut self.reader, comp_idx, dc_table, ac_table, &mut coefficients);
                    if self.reader.insufficient_data() {
                        return Err(self.cut_short(row));
                    }
                    read.map_err(failed)?;
                    if coefficients[1..].iter().fold(0, |any, c| any | c) == 0 {
                        samples = [flat(coefficients[0], table[0]); 64];
                    } else {
                        (self.idct)(&coefficients, table, &mut samples);
                    }
                    planes[comp_idx].put(x, y, &samples);
                }
            }
        }
        Ok(())
    }

    /// Passes over a restart marker.
    fn restart(&mut self, row: usize) -> Result<()> {
        match self.reader.reset_and_consume_rst() {
            Some(number) if number == self.number => {}
            Some(number) => {
                return Err(damaged(format!("expected restart marker {}, found {number}", self.number)));
            }
            None => return Err(self.cut_short(row)),
        }
        self.decoder.reset();
        self.left = self.interval;
        self.number = (self.number + 1) % 8;
        Ok(())
    }

    fn cut_short(&self, row: usize) -> Error {
        Error::input(format!("cut short: expected {} rows of blocks in a scan, found {row}", self.rows))
    }
}

/// The sample of a block of one colour, as the inverse DCT gives it.
fn flat(dc: i16, step: u16) -> u8 {
    let scaled = dc.wrapping_mul(step as i16).wrapping_shl(2);
    (((i32::from(scaled) + 16) >> 5) + 128).clamp(0, 255) as u8
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_block_of_one_colour_needs_no_inverse_dct() {
        let idct = simd::detect().idct_islow;
        let mut samples = [0; 64];
        for dc in i16::MIN..=i16::MAX {
            let mut coefficients = [0; 64];
            coefficients[0] = dc;
            for step in [1, 3, 255, 256, 0x7FFF, 0x8000, 0xFFFF] {
                idct(&coefficients, &[step; 64], &mut samples);
                assert_eq!(samples, [flat(dc, step); 64], "{dc} × {step}");
            }
        }
    }
}
