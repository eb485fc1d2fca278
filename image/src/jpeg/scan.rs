//! Reads the coefficients of a scan in sequential Huffman coding: of all components, or of one or more, in any order.
//!
//! Own code, since the library's decoder holds the coefficients or planes of the whole picture, and reads no scan of two
//! components.

use std::sync::Arc;

use inpaint_edge::{Error, Result};
use libjpeg_turbo_rs::common::huffman_table::{HuffmanTable, std_huffman_tables};
use libjpeg_turbo_rs::decode::bitstream::{BitReader, BitReaderState};
use libjpeg_turbo_rs::decode::entropy::{McuComponentPlan, resolve_mcu_plan};
use libjpeg_turbo_rs::decode::huffman::{decode_ac_coefficients, decode_dc_coefficient};
use libjpeg_turbo_rs::decode::marker::{JpegMetadata, MarkerReader, ScanInfo};
use libjpeg_turbo_rs::{ComponentInfo, FrameHeader};

use super::fault::failed;
use super::frame::Frame;
use crate::fault::damaged;

/// Reads the headers of the frame and of all scans, with their Huffman tables.
///
/// # Errors
///
/// Input, if the library reads the file as another picture than `frame`.
pub(super) fn headers(bytes: &[u8], frame: &Frame) -> Result<JpegMetadata> {
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
    Ok(read)
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

/// Takes what a scan holds, in the order of coding.
pub(super) trait Take {
    /// Takes the coefficients, row by row, of a block: the scan's part `part`, block column `x` of block row `y`.
    fn block(&mut self, part: usize, x: usize, y: usize, coefficients: &[i16; 64]);

    /// Passes a restart marker.
    fn restart(&mut self, _number: u8) {}
}

/// Passes over blocks.
pub(super) struct Passed;

impl Take for Passed {
    fn block(&mut self, _: usize, _: usize, _: usize, _: &[i16; 64]) {}
}

/// A scan of one component or more.
pub(super) struct Scan<'a> {
    /// What is coded, and whatever follows.
    bytes: &'a [u8],
    reader: BitReader<'a>,
    parts: Vec<Part>,
    tables: Vec<(&'a HuffmanTable, &'a HuffmanTable)>,
    /// MCUs across and down.
    columns: usize,
    rows: usize,
    /// MCUs between two restart markers, or 0.
    interval: usize,
    at: Place,
}

/// A component's part of a scan.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// The number of the component in the frame.
    pub component: usize,
    /// Blocks of an MCU, across and down.
    pub across: usize,
    pub down: usize,
    /// The numbers of its Huffman tables.
    pub dc: usize,
    pub ac: usize,
}

/// What reading goes on from, beside the bits.
#[derive(Clone, Copy, Debug)]
struct Place {
    /// The last DC coefficient of each part.
    dc: [i16; 4],
    /// MCUs left until the next restart marker, and the number of that.
    left: usize,
    number: u8,
}

/// Where a row of MCUs begins.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    pub bits: BitReaderState,
    place: Place,
}

impl Mark {
    /// The DC coefficient of each part that the next one is coded beside.
    pub fn dc(&self) -> [i16; 4] {
        self.place.dc
    }
}

impl<'a> Scan<'a> {
    pub fn new(bytes: &'a [u8], frame: &Frame, header: &FrameHeader, scan: &'a ScanInfo) -> Result<Self> {
        let plan = resolve_mcu_plan(header, &scan.header, &scan.dc_huffman_tables, &scan.ac_huffman_tables);
        let plan = plan.map_err(failed)?;
        // The blocks of a component alone follow each other without padding.
        let alone = match &plan[..] {
            [one] => Some(&frame.components[one.comp_idx]),
            _ => None,
        };
        let (columns, rows) = alone.map_or(frame.mcus(), |c| frame.blocks(c));
        let parts = plan.iter().zip(&scan.header.components).map(|(coding, selector)| {
            let component = &frame.components[coding.comp_idx];
            let (across, down) = if alone.is_some() { (1, 1) } else { (component.h, component.v) };
            let (dc, ac) = (selector.dc_table_index.into(), selector.ac_table_index.into());
            Part { component: coding.comp_idx, across, down, dc, ac }
        });
        let bytes = &bytes[scan.data_offset..];
        let interval = scan.restart_interval.into();
        Ok(Self {
            bytes,
            reader: BitReader::new(bytes),
            parts: parts.collect(),
            tables: plan.into_iter().map(|McuComponentPlan { dc_table, ac_table, .. }| (dc_table, ac_table)).collect(),
            columns,
            rows,
            interval,
            at: Place { dc: [0; 4], left: interval, number: 0 },
        })
    }

    pub fn rows(&self) -> usize {
        self.rows
    }

    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    pub fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    pub fn has_restarts(&self) -> bool {
        self.interval > 0
    }

    /// Where the next row begins.
    pub fn mark(&self) -> Mark {
        Mark { bits: self.reader.state(), place: self.at }
    }

    /// Goes on at `mark`.
    pub fn seek(&mut self, mark: &Mark) {
        self.reader = BitReader::resume_windowed(self.bytes, mark.bits, true);
        self.at = mark.place;
    }

    /// Reads MCU row `row`, which is the next one.
    pub fn read_row(&mut self, row: usize, take: &mut impl Take) -> Result<()> {
        let mut coefficients = [0; 64];
        for column in 0..self.columns {
            if self.interval > 0 {
                if self.at.left == 0 {
                    take.restart(self.restart(row)?);
                }
                self.at.left -= 1;
            }
            for (i, (part, tables)) in self.parts.iter().zip(&self.tables).enumerate() {
                for block in 0..part.across * part.down {
                    let read = read_block(&mut self.reader, *tables, &mut self.at.dc[i], &mut coefficients);
                    if self.reader.insufficient_data() {
                        return Err(self.cut_short(row));
                    }
                    read.map_err(failed)?;
                    let (x, y) = (column * part.across + block % part.across, row * part.down + block / part.across);
                    take.block(i, x, y, &coefficients);
                }
            }
        }
        Ok(())
    }

    /// Passes over a restart marker.
    fn restart(&mut self, row: usize) -> Result<u8> {
        let number = self.at.number;
        match self.reader.reset_and_consume_rst() {
            Some(found) if found == number => {}
            Some(found) => {
                return Err(damaged(format!("expected restart marker {number}, found {found}")));
            }
            None => return Err(self.cut_short(row)),
        }
        self.at = Place { dc: [0; 4], left: self.interval, number: (number + 1) % 8 };
        Ok(number)
    }

    fn cut_short(&self, row: usize) -> Error {
        Error::input(format!("cut short: expected {} rows of blocks in a scan, found {row}", self.rows))
    }
}

/// Reads a block whose DC coefficient is coded beside `dc`.
#[inline(always)]
fn read_block(
    reader: &mut BitReader,
    (dc_table, ac_table): (&HuffmanTable, &HuffmanTable),
    dc: &mut i16,
    coefficients: &mut [i16; 64],
) -> libjpeg_turbo_rs::Result<()> {
    *coefficients = [0; 64];
    // As libjpeg does, wraps what no real picture has.
    *dc = dc.wrapping_add(decode_dc_coefficient(reader, dc_table)?);
    coefficients[0] = *dc;
    decode_ac_coefficients(reader, ac_table, coefficients)
}
