//! Writes the coefficients of a sequential scan in Huffman coding, and passes on what is coded already, bit by bit.
//!
//! Own code: the encoders of `libjpeg-turbo-rs` and `jpeg-encoder` take whole pictures.

use std::io::Write;

use inpaint_edge::{Result, alloc};
use libjpeg_turbo_rs::common::quant_table::ZIGZAG_ORDER;
use libjpeg_turbo_rs::encode::{huff_opt, marker_writer};

use super::super::scan::{Mark, Part, Take};
use crate::fault::unwritable;

/// Bytes that are gathered before they are passed on.
const GATHERED: usize = 1 << 16;

/// The most bytes of a block: 64 numbers of a code of 16 bits and 15 bits more, with all bytes stuffed.
const BLOCK: usize = 2 * 64 * 31 / 8;

/// Bytes of a [`Coder`] of rows of at most `blocks` blocks.
pub(super) fn bytes(blocks: usize) -> usize {
    2 * GATHERED + blocks * BLOCK
}

/// Codes by symbol; a code of no bits is none.
#[derive(Clone, Copy)]
pub(super) struct Codes([(u16, u8); 256]);

impl Codes {
    pub const NONE: Self = Self([(0, 0); 256]);

    /// The codes of a table of a DHT segment: how many there are of each length from 1 on, and symbols in their order.
    pub fn new(counts: &[u8], symbols: &[u8]) -> Self {
        let mut codes = Self::NONE;
        let mut symbols = symbols.iter();
        let mut code = 0u32;
        for (length, count) in (1..=16).zip(counts) {
            for symbol in symbols.by_ref().take((*count).into()) {
                // A table that is too long for its codes has no more of them.
                if code >> length != 0 {
                    return codes;
                }
                codes.0[usize::from(*symbol)] = (code as u16, length);
                code += 1;
            }
            code <<= 1;
        }
        codes
    }
}

/// How often each symbol is coded.
type Counts = [u64; 256];

/// A Huffman table as a DHT segment has it: counts by length, with one of 0 first, and symbols.
pub(super) type Table = ([u8; 17], Vec<u8>);

/// The best table for these symbols.
fn best(counts: &Counts) -> Table {
    // The library takes sums below 10^9.
    let divisor = 1 + counts.iter().sum::<u64>() / 500_000_000;
    let mut weights = [0; 257];
    for (weight, count) in weights.iter_mut().zip(counts) {
        *weight = count.div_ceil(divisor) as u32;
    }
    // The code of ones alone stays free.
    weights[256] = 1;
    huff_opt::gen_optimal_table(&weights)
}

/// Writes scans.
pub(super) struct Coder<'a> {
    /// Where bytes go; without it they are only counted.
    out: Option<&'a mut dyn Write>,
    gathered: Vec<u8>,
    /// Bits that are no whole byte yet, in the low bits, and their number.
    bits: u64,
    count: u32,
    /// Codes of the tables for DC, then of those for AC, and what was coded with them.
    pub codes: [Codes; 8],
    counts: [Counts; 8],
    lacks_a_code: bool,
    /// The last DC coefficient of each part of the scan.
    dc: [i16; 4],
}

impl<'a> Coder<'a> {
    /// Writes to `out` rows of at most `blocks` blocks.
    ///
    /// # Errors
    ///
    /// Limits, if memory runs out.
    pub fn new(out: Option<&'a mut dyn Write>, blocks: usize) -> Result<Self> {
        let gathered = alloc::try_with_capacity(bytes(blocks))?;
        let (codes, counts) = ([Codes::NONE; 8], [[0; 256]; 8]);
        Ok(Self { out, gathered, bits: 0, count: 0, codes, counts, lacks_a_code: false, dc: [0; 4] })
    }

    /// Whether something was to be coded that had no code.
    pub fn lacks_a_code(&self) -> bool {
        self.lacks_a_code
    }

    /// The best tables for all that was coded, by number; `None` for those that were not used.
    pub fn best_tables(&self) -> [Option<Table>; 8] {
        std::array::from_fn(|i| self.counts[i].iter().any(|count| *count > 0).then(|| best(&self.counts[i])))
    }

    /// Takes the codes of `tables`, and writes these as DHT segments.
    pub fn define(&mut self, tables: &[Option<Table>; 8]) -> Result<()> {
        for (i, table) in tables.iter().enumerate() {
            let Some((counts, symbols)) = table else { continue };
            self.codes[i] = Codes::new(&counts[1..], symbols);
            marker_writer::write_dht(&mut self.gathered, (i / 4) as u8, (i % 4) as u8, counts, symbols);
        }
        self.pass_on(GATHERED)
    }

    /// Writes whole segments.
    pub fn segment(&mut self, bytes: &[u8]) -> Result<()> {
        bytes.chunks(GATHERED).try_for_each(|part| {
            self.gathered.extend_from_slice(part);
            self.pass_on(GATHERED)
        })
    }

    /// Begins a scan.
    pub fn begin(&mut self) {
        self.dc = [0; 4];
    }

    /// Ends a scan.
    pub fn end(&mut self) -> Result<()> {
        self.pad();
        self.pass_on(GATHERED)
    }

    /// Passes on all that was gathered.
    pub fn finish(&mut self) -> Result<()> {
        self.pass_on(0)
    }

    /// Whether what follows `mark` in the file may follow here, DC coefficients being coded beside the last ones.
    pub fn is_at(&self, mark: &Mark) -> bool {
        self.dc == mark.dc()
    }

    /// Whether bits lie here as in the file at `mark`.
    pub fn lies_as(&self, mark: &Mark) -> bool {
        (self.count + unread(mark)).is_multiple_of(8)
    }

    /// Copies what is coded between two marks of a scan. If there are restart markers in it, bits must lie here as there.
    pub fn copy(&mut self, coded: &[u8], from: &Mark, to: &Mark) -> Result<()> {
        self.dc = to.dc();
        let between = &coded[from.bits.pos..to.bits.pos];
        let whole: usize = Run::all(between).map(|run| run.data.len() + usize::from(run.has_full)).sum();
        let mut left = unread(from) as usize + 8 * whole - unread(to) as usize;
        if self.out.is_none() {
            self.count = (self.count + (left % 8) as u32) % 8;
            return Ok(());
        }
        // What the reader had taken from the bytes before.
        let known = (unread(from) as usize).min(left);
        let bits = from.bits.bit_buffer >> from.bits.stuffed_bits >> (unread(from) as usize - known);
        for (shift, size) in [(known / 2, known - known / 2), (0, known / 2)] {
            self.put((bits >> shift) as u32 & mask(size as u32), size as u32);
        }
        left -= known;
        for Run { data, has_full, marker } in Run::all(between) {
            for data in data.chunks(GATHERED / 4) {
                left = self.copy_bits(data, left);
                self.pass_on(GATHERED)?;
            }
            if has_full {
                left = self.copy_bits(&[0xFF], left);
            }
            if let Some(marker) = marker {
                debug_assert!(self.count.is_multiple_of(8), "bits lie as in the file");
                self.marker(marker);
            }
        }
        Ok(())
    }

    /// Copies the first `left` bits of `data`, or all. Returns how many are left then.
    fn copy_bits(&mut self, data: &[u8], left: usize) -> usize {
        let (whole, rest) = data.split_at(data.len().min(left / 8));
        let (fours, ones) = whole.as_chunks::<4>();
        fours.iter().for_each(|four| self.put(u32::from_be_bytes(*four), 32));
        ones.iter().for_each(|byte| self.put((*byte).into(), 8));
        let left = left - 8 * whole.len();
        match rest.first() {
            Some(byte) => {
                self.put(u32::from(*byte) >> (8 - left), left as u32);
                0
            }
            None => left,
        }
    }

    /// Writes a restart marker.
    fn marker(&mut self, code: u8) {
        self.pad();
        self.gathered.extend([0xFF, code]);
    }

    /// Passes on what the rows before have gathered.
    pub fn end_row(&mut self) -> Result<()> {
        self.pass_on(GATHERED)
    }

    /// Codes a block of the scan's part `i`.
    #[inline]
    fn block(&mut self, i: usize, part: &Part, coefficients: &[i16; 64]) {
        let difference = coefficients[0].wrapping_sub(self.dc[i]);
        self.dc[i] = coefficients[0];
        self.number(part.dc, 0, difference);
        let mut zeros = 0;
        for place in &ZIGZAG_ORDER[1..] {
            let value = coefficients[*place];
            if value == 0 {
                zeros += 1;
                continue;
            }
            while zeros > 15 {
                self.symbol(4 + part.ac, 0xF0);
                zeros -= 16;
            }
            self.number(4 + part.ac, zeros, value);
            zeros = 0;
        }
        if zeros > 0 {
            self.symbol(4 + part.ac, 0);
        }
    }

    /// Codes a number behind zeros: their count and its length as a symbol, then its bits.
    #[inline]
    fn number(&mut self, table: usize, zeros: u8, value: i16) {
        let size = 16 - value.unsigned_abs().leading_zeros();
        self.symbol(table, zeros << 4 | size as u8);
        // The only number of 16 bits has none beside its symbol.
        if size < 16 {
            let bits = i32::from(value) - i32::from(value < 0);
            self.put(bits as u32 & mask(size), size);
        }
    }

    #[inline]
    fn symbol(&mut self, table: usize, symbol: u8) {
        self.counts[table][usize::from(symbol)] += 1;
        let (code, size) = self.codes[table].0[usize::from(symbol)];
        // Tables may change from scan to scan.
        self.lacks_a_code |= size == 0;
        self.put(code.into(), size.into());
    }

    /// Puts up to 32 bits.
    #[inline]
    fn put(&mut self, bits: u32, size: u32) {
        self.bits = self.bits << size | u64::from(bits);
        self.count += size;
        if self.count >= 32 {
            self.count -= 32;
            let bytes = ((self.bits >> self.count) as u32).to_be_bytes();
            if bytes.contains(&0xFF) {
                bytes.iter().for_each(|byte| self.stuffed(*byte));
            } else {
                self.gathered.extend_from_slice(&bytes);
            }
        }
    }

    /// Puts a byte of coded data: one of all ones is followed by a zero.
    fn stuffed(&mut self, byte: u8) {
        self.gathered.push(byte);
        if byte == 0xFF {
            self.gathered.push(0);
        }
    }

    /// Fills up the last byte with ones.
    fn pad(&mut self) {
        let missing = self.count.next_multiple_of(8) - self.count;
        self.put(mask(missing), missing);
        while self.count > 0 {
            self.count -= 8;
            self.stuffed((self.bits >> self.count) as u8);
        }
    }

    /// Passes on what was gathered, if it is as long as `least`.
    fn pass_on(&mut self, least: usize) -> Result<()> {
        if self.gathered.len() < least {
            return Ok(());
        }
        if let Some(out) = &mut self.out {
            out.write_all(&self.gathered).map_err(unwritable)?;
        }
        self.gathered.clear();
        Ok(())
    }
}

/// Bits at `mark` that are read into the reader's memory and not used.
fn unread(mark: &Mark) -> u32 {
    u32::from(mark.bits.bits_left).saturating_sub(mark.bits.stuffed_bits)
}

fn mask(size: u32) -> u32 {
    ((1u64 << size) - 1) as u32
}

/// Coded bytes up to the next one of all ones.
struct Run<'a> {
    data: &'a [u8],
    /// Whether a byte of ones follows that is data.
    has_full: bool,
    /// The restart marker that follows.
    marker: Option<u8>,
}

impl<'a> Run<'a> {
    fn all(mut bytes: &'a [u8]) -> impl Iterator<Item = Self> {
        std::iter::from_fn(move || {
            if bytes.is_empty() {
                return None;
            }
            let Some(at) = memchr::memchr(0xFF, bytes) else {
                return Some(Self { data: std::mem::take(&mut bytes), has_full: false, marker: None });
            };
            // Ones may be repeated.
            let end = at + bytes[at..].iter().take_while(|byte| **byte == 0xFF).count();
            let data = &bytes[..at];
            let code = bytes.get(end).copied();
            bytes = bytes.get(end + 1..).unwrap_or_default();
            Some(Self { data, has_full: code == Some(0), marker: code.filter(|code| *code != 0) })
        })
    }
}

/// Codes the blocks of a row anew, each as `change` wants it.
pub(super) struct Recode<'a, 'c, F> {
    pub coder: &'a mut Coder<'c>,
    pub parts: &'a [Part],
    pub change: F,
}

impl<F: FnMut(&Part, usize, usize, &[i16; 64]) -> Option<[i16; 64]>> Take for Recode<'_, '_, F> {
    #[inline]
    fn block(&mut self, part: usize, x: usize, y: usize, coefficients: &[i16; 64]) {
        let changed = (self.change)(&self.parts[part], x, y, coefficients);
        self.coder.block(part, &self.parts[part], changed.as_ref().unwrap_or(coefficients));
    }

    fn restart(&mut self, number: u8) {
        self.coder.marker(0xD0 + number);
        self.coder.dc = [0; 4];
    }
}
