//! The proof of the numeric contract, to be repeated on any machine: small pictures made by integer arithmetic alone, and
//! the digests of what the shipped weights make of them.

use std::fmt::{self, Write};

use ndarray::{ArrayView2, ArrayViewMut3};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::inpainter::{Inpainter, Request};
use crate::mask::{Mask, MaskRule};
use crate::sample::Sample;

/// The recorded digests, a line each: name of the weights, case, SHA-256 of the result; tabs between. The case `weights`
/// stands for the weights file itself. A result that is an error is recorded as the name of its kind.
pub const RECORDED: &str = include_str!("../tests/golden/digests.tsv");

/// Name and file of the weights of the records: `edge`, which is built into the library, `nano`, and a network of floats.
#[cfg(feature = "embedded-weights")]
pub const SHIPPED: [(&str, &[u8]); 3] = [
    ("edge", crate::weights::EMBEDDED),
    ("nano", inpaint_edge_weights::NANO),
    ("nano-f16", inpaint_edge_weights::NANO_F16),
];

/// Shape of a hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hole {
    None,
    /// The middle half in both directions.
    Square,
    /// Slanted bars.
    Strokes,
    /// The right and the lower border.
    Border,
    /// Single pixels, every other on average.
    Scattered,
    /// Two boxes of a few pixels, far apart.
    Specks,
    /// A line across.
    Wire,
    All,
}

/// A picture with its hole.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Width, pixels.
    pub width: usize,
    /// Height, pixels.
    pub height: usize,
    /// 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA.
    pub channels: usize,
    /// 8 or 16.
    pub bits: usize,
    hole: Hole,
}

/// The cases: sizes that need padding and sizes that do not, every number of channels and bits, every shape of hole,
/// groups and tiles of holes, holes that are filled at half the size first.
pub fn cases() -> impl Iterator<Item = Case> {
    [
        (64, 64, 3, 8, Hole::Square),
        (97, 53, 3, 8, Hole::Strokes),
        (61, 47, 4, 8, Hole::Strokes),
        (31, 90, 1, 8, Hole::Border),
        (40, 33, 3, 16, Hole::Scattered),
        (33, 17, 2, 16, Hole::Square),
        (72, 130, 3, 8, Hole::Border),
        (5, 1, 3, 8, Hole::Scattered),
        (50, 20, 1, 16, Hole::None),
        (7, 7, 3, 8, Hole::All),
        (1100, 960, 3, 8, Hole::Specks),
        (1200, 90, 4, 8, Hole::Wire),
        (300, 280, 3, 8, Hole::Square),
        (290, 270, 2, 16, Hole::Square),
    ]
    .into_iter()
    .map(|(width, height, channels, bits, hole)| Case { width, height, channels, bits, hole })
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { width, height, channels, bits, hole } = *self;
        let format = ["grey", "greya", "rgb", "rgba"][channels - 1];
        write!(f, "{width}x{height} {format}{bits} {}", format!("{hole:?}").to_lowercase())
    }
}

impl Case {
    /// The picture's samples, 0 … 65535, row by row, channels interleaved: ramps, edges and noise.
    fn samples(&self) -> Vec<u16> {
        let Self { width, height, channels, .. } = *self;
        let sample = |i: usize| {
            let (c, x, y) = (i % channels, i / channels % width, i / channels / width);
            let ramp = 500 * x + 300 * y * (c + 1);
            let edge = 16_000 * ((x / 9 + y / 7) % 2);
            (8_000 + (ramp + edge) % 44_000 + noise(i as u32) as usize % 3_000) as u16
        };
        (0..width * height * channels).map(sample).collect()
    }

    /// The picture as it lies in memory, 16-bit samples little-endian.
    pub fn image(&self) -> Vec<u8> {
        let samples = self.samples().into_iter();
        if self.bits == 16 { samples.flat_map(u16::to_le_bytes).collect() } else { samples.map(narrow).collect() }
    }

    /// The mask, a byte a pixel: 255 = hole.
    pub fn mask(&self) -> Vec<u8> {
        let Self { width, height, hole, .. } = *self;
        let inside = |v: usize, end: usize| v >= end / 4 && v < end - end / 4;
        let is_hole = |i: usize| {
            let (x, y) = (i % width, i / width);
            match hole {
                Hole::None => false,
                Hole::Square => inside(x, width) && inside(y, height),
                Hole::Strokes => (2 * x + 3 * y) % 23 < 5,
                Hole::Border => x + 6 >= width || y + 4 >= height,
                Hole::Scattered => noise(i as u32) & 1 == 0,
                Hole::Specks => x % (width / 2) < 12 && (height / 3..height / 3 + 9).contains(&y),
                Hole::Wire => (height / 2..height / 2 + 3).contains(&y),
                Hole::All => true,
            }
        };
        (0..width * height).map(|i| if is_hole(i) { 255 } else { 0 }).collect()
    }

    /// Fills the picture and returns the digest of [`Case::image`] of the result, or the name of the error's kind.
    pub fn digest(&self, inpainter: &Inpainter) -> String {
        let filled = match self.bits {
            16 => self.filled(inpainter, self.samples(), u16::to_le_bytes),
            _ => self.filled(inpainter, self.samples().into_iter().map(narrow).collect(), u8::to_le_bytes),
        };
        filled.map_or_else(|e| e.kind().name().to_owned(), |bytes| sha256(&bytes))
    }

    fn filled<T: Sample, const N: usize>(
        &self,
        inpainter: &Inpainter,
        mut samples: Vec<T>,
        bytes: impl Fn(T) -> [u8; N],
    ) -> Result<Vec<u8>> {
        let Self { width, height, channels, .. } = *self;
        let whole = "a sample for every channel of every pixel";
        let image = ArrayViewMut3::from_shape((height, width, channels), &mut samples).expect(whole);
        let mask = self.mask();
        let mask = ArrayView2::from_shape((height, width), &mask).expect(whole);
        let mask = Mask::from_bytes(mask, MaskRule::default())?;
        inpainter.run(Request::new(image, &mask))?;
        Ok(samples.into_iter().flat_map(bytes).collect())
    }
}

/// The high byte.
fn narrow(sample: u16) -> u8 {
    (sample >> 8) as u8
}

/// A hash of `i`: Wang's.
fn noise(i: u32) -> u32 {
    let i = (i ^ 61 ^ (i >> 16)).wrapping_mul(9);
    let i = (i ^ (i >> 4)).wrapping_mul(0x27d4_eb2d);
    i ^ (i >> 15)
}

/// SHA-256 in hexadecimal digits.
pub fn sha256(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Two hexadecimal digits a byte.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The lines of [`RECORDED`] for the weights `name`, whose file has the digest `weights`.
pub fn digests(name: &str, weights: &str, inpainter: &Inpainter) -> String {
    let mut lines = format!("{name}\tweights\t{weights}\n");
    for case in cases() {
        let _ = writeln!(lines, "{name}\t{case}\t{}", case.digest(inpainter));
    }
    lines
}

/// The lines of [`RECORDED`] for the weights file with the digest `weights`, and their name.
pub fn recorded(weights: &str) -> Option<(&'static str, String)> {
    let field = |line: &'static str, n: usize| line.split('\t').nth(n).unwrap_or_default();
    let head = RECORDED.lines().find(|line| field(line, 1) == "weights" && field(line, 2) == weights)?;
    let name = field(head, 0);
    let lines = RECORDED.lines().filter(|line| field(line, 0) == name);
    Some((name, lines.map(|line| format!("{line}\n")).collect()))
}
