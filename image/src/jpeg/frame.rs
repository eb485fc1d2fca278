//! The picture that a frame header describes, and the scans found of it.

use inpaint_edge::{Error, Result};

/// A frame header (SOF).
#[derive(Clone, Debug, Default)]
pub(crate) struct Frame {
    pub width: usize,
    pub height: usize,
    pub components: Vec<Component>,
    /// Whether coefficients come in several scans.
    pub is_progressive: bool,
    pub is_arithmetic: bool,
}

/// Red, luma or another component of the picture.
#[derive(Clone, Debug)]
pub(crate) struct Component {
    pub id: u8,
    /// Sampling factors, across and down: its samples, relative to those of the other components.
    pub h: usize,
    pub v: usize,
    /// The number of its quantisation table.
    pub slot: usize,
    /// Its quantisation table as of its first scan, row by row.
    pub table: Option<[u16; 64]>,
    /// For each coefficient, the lowest bit coded so far; `None` if none was.
    pub lowest_bits: [Option<u8>; 64],
}

impl Frame {
    /// Whether it is in Huffman coding, and each scan has whole blocks.
    pub fn is_sequential(&self) -> bool {
        !self.is_progressive && !self.is_arithmetic
    }

    pub fn max_h(&self) -> usize {
        self.components.iter().map(|c| c.h).max().unwrap_or(1)
    }

    pub fn max_v(&self) -> usize {
        self.components.iter().map(|c| c.v).max().unwrap_or(1)
    }

    /// MCUs of a scan of all components, across and down.
    pub fn mcus(&self) -> (usize, usize) {
        (self.width.div_ceil(8 * self.max_h()), self.height.div_ceil(8 * self.max_v()))
    }

    /// MCUs of a scan of these components.
    pub fn mcus_of(&self, ids: impl Iterator<Item = u8>) -> usize {
        let mut ids = ids;
        let (across, down) = match (ids.next(), ids.next()) {
            (Some(id), None) => self.components.iter().find(|c| c.id == id).map_or((0, 0), |c| self.blocks(c)),
            _ => self.mcus(),
        };
        across * down
    }

    /// Blocks of a component alone, across and down, without padding.
    pub fn blocks(&self, component: &Component) -> (usize, usize) {
        let Component { h, v, .. } = component;
        ((self.width * h).div_ceil(8 * self.max_h()), (self.height * v).div_ceil(8 * self.max_v()))
    }

    /// Samples of all components, in whole MCUs.
    pub fn samples(&self) -> usize {
        let (across, down) = self.mcus();
        across * down * self.components.iter().map(|c| 64 * c.h * c.v).sum::<usize>()
    }

    /// Refuses a picture that lacks a scan.
    pub fn check_scans(&self) -> Result<()> {
        for (i, component) in self.components.iter().enumerate() {
            let missing = component.lowest_bits.iter().position(|bits| *bits != Some(0));
            if let Some(k) = missing {
                let expected = match (self.is_progressive, component.lowest_bits[k]) {
                    (true, Some(bits)) => format!("scans of the last {bits} bits of coefficient {k}"),
                    (true, None) => format!("a scan of coefficient {k}"),
                    (false, _) => "a scan".to_owned(),
                };
                let (n, of) = (i + 1, self.components.len());
                return Err(Error::input(format!(
                    "cut short: expected {expected} of component {n} of {of}, found none"
                )));
            }
        }
        Ok(())
    }
}
