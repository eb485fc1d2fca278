//! Decodes a sequential picture in Huffman coding: one scan of all components, painted row by row, or several scans.

use image::metadata::Orientation;
use inpaint_edge::{Mask, Result, alloc};
use libjpeg_turbo_rs::simd;

use super::cells::{self, Cells};
use super::frame::Frame;
use super::planes::{Painter, Plane};
use super::scan::{self, Mark, Part, Passed, Scan, Take};
use super::segments::Contents;
use crate::fault::damaged;

/// MCU rows that are held when a single scan is painted: the current row, one above and one below.
const ROWS: usize = 3;

/// Bytes of the planes, of the marks, and of the cells that are seen.
pub(crate) fn plane_bytes(contents: &Contents) -> usize {
    let frame = &contents.frame;
    if !contents.is_interleaved {
        return frame.samples();
    }
    let (across, _) = frame.mcus();
    let planes = ROWS * across * frame.components.iter().map(|c| 64 * c.h * c.v).sum::<usize>();
    planes + mark_bytes(contents) + cells::bytes(frame.width, frame.height)
}

/// Bytes of the marks of a single scan.
pub(crate) fn mark_bytes(contents: &Contents) -> usize {
    let rows = contents.frame.height.div_ceil(8);
    if contents.is_interleaved { rows * size_of::<Mark>() } else { 0 }
}

/// Decodes `bytes` into `pixels`. Of a single scan it paints only rows of MCUs that hold something of `part`: a mask, and the
/// orientation by which that is upright. Returns where each row of a single scan begins.
pub(crate) fn decode(
    bytes: &[u8],
    contents: &Contents,
    pixels: &mut [u8],
    part: Option<(&Mask, Orientation)>,
) -> Result<Vec<Mark>> {
    let frame = &contents.frame;
    let read = scan::headers(bytes, frame)?;
    let (across, down) = frame.mcus();
    let slots = if contents.is_interleaved { ROWS } else { down };
    let planes = frame.components.iter().map(|c| Plane::new(8 * c.h * across, 8 * c.v * slots));
    let mut planes = planes.collect::<Result<Vec<_>>>()?;
    let mut painter = Painter::new(frame, contents.is_rgb)?;
    let mut lines = pixels.chunks_exact_mut(pixels.len() / frame.height).enumerate();
    let mut marks = Vec::new();
    if contents.is_interleaved {
        let mut scan = Scan::new(bytes, frame, &read.frame, &read.scans[0])?;
        let parts = scan.parts().to_vec();
        let lines_of_row = 8 * if frame.components.len() == 1 { 1 } else { frame.max_v() };
        marks = alloc::try_with_capacity(scan.rows())?;
        let part = part.map(|(mask, orientation)| Cells::new(frame, mask, orientation)).transpose()?;
        let Part { component, down, .. } = parts[0];
        let is_painted = |row: usize| match &part {
            Some(part) => part.touch_rows(component, row * down..(row + 1) * down),
            None => true,
        };
        for row in 0..=scan.rows() {
            if row < scan.rows() {
                marks.push(scan.mark());
                if (row.saturating_sub(1)..row + 2).any(is_painted) {
                    scan.read_row(row, &mut Samples::new(&parts, frame, &mut planes)?)?;
                } else {
                    scan.read_row(row, &mut Passed)?;
                }
            }
            // Paints the row above: its last lines need samples of this one.
            if row > 0 {
                let lines = lines.by_ref().take(lines_of_row).filter(|_| is_painted(row - 1));
                lines.for_each(|(y, line)| painter.paint(&planes, y, line));
            }
        }
    } else {
        for scan in &read.scans {
            let mut scan = Scan::new(bytes, frame, &read.frame, scan)?;
            let parts = scan.parts().to_vec();
            let mut samples = Samples::new(&parts, frame, &mut planes)?;
            (0..scan.rows()).try_for_each(|row| scan.read_row(row, &mut samples))?;
        }
        lines.for_each(|(y, line)| painter.paint(&planes, y, line));
    }
    Ok(marks)
}

/// Puts the samples of blocks into planes.
struct Samples<'a> {
    /// Component and quantisation table of each part of the scan.
    parts: Vec<(usize, &'a [u16; 64])>,
    planes: &'a mut [Plane],
    idct: fn(&[i16; 64], &[u16; 64], &mut [u8; 64]),
}

impl<'a> Samples<'a> {
    fn new(parts: &[Part], frame: &'a Frame, planes: &'a mut [Plane]) -> Result<Self> {
        let table = |part: &Part| {
            let table = frame.components[part.component].table.as_ref();
            Ok((part.component, table.ok_or_else(|| damaged("expected a quantisation table, found none"))?))
        };
        let parts = parts.iter().map(table).collect::<Result<_>>()?;
        Ok(Self { parts, planes, idct: simd::detect().idct_islow })
    }
}

impl Take for Samples<'_> {
    #[inline]
    fn block(&mut self, part: usize, x: usize, y: usize, coefficients: &[i16; 64]) {
        let (component, table) = self.parts[part];
        let mut samples = [0; 64];
        if coefficients[1..].iter().fold(0, |any, c| any | c) == 0 {
            samples = [flat(coefficients[0], table[0]); 64];
        } else {
            (self.idct)(coefficients, table, &mut samples);
        }
        self.planes[component].put(x, y, &samples);
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
