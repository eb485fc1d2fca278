//! Turns the samples of each component into pixels, as libjpeg does by default: chroma at half resolution is
//! interpolated, with three quarters of the nearer sample and one quarter of the farther; any other ratio repeats
//! samples.

use inpaint_edge::{Result, alloc};
use libjpeg_turbo_rs::decode::{color, upsample};

use super::frame::Frame;

/// The samples of a component: all of them, or only the MCU rows that are being painted.
pub(crate) struct Plane {
    data: Vec<u8>,
    /// Samples from one row to the next.
    stride: usize,
    /// Rows that are held; row `y` is kept as row `y % rows`.
    rows: usize,
}

impl Plane {
    pub fn new(stride: usize, rows: usize) -> Result<Self> {
        Ok(Self { data: alloc::try_filled(0, stride * rows)?, stride, rows })
    }

    pub fn of_samples(data: Vec<u8>, stride: usize) -> Self {
        let rows = data.len() / stride;
        Self { data, stride, rows }
    }

    fn row(&self, y: usize) -> &[u8] {
        &self.data[y % self.rows * self.stride..][..self.stride]
    }

    /// Puts a block of 8×8 samples at block column `x` of block row `y`.
    pub fn put(&mut self, x: usize, y: usize, block: &[u8; 64]) {
        let start = 8 * y % self.rows * self.stride + 8 * x;
        let rows = self.data[start..].chunks_mut(self.stride);
        for (row, samples) in rows.zip(block.as_chunks::<8>().0) {
            row[..8].copy_from_slice(samples);
        }
    }
}

/// How a component is expanded to one sample a pixel.
struct Expansion {
    /// Pixels per sample, across and down.
    across: usize,
    down: usize,
    /// Samples of the component, without padding.
    width: usize,
    height: usize,
}

/// Paints rows of pixels from planes.
pub(crate) struct Painter {
    width: usize,
    expansions: Vec<Expansion>,
    /// A row of each component, one sample a pixel.
    rows: Vec<Vec<u8>>,
    is_rgb: bool,
}

impl Painter {
    pub fn new(frame: &Frame, is_rgb: bool) -> Result<Self> {
        let expansion = |h: usize, v: usize| Expansion {
            across: frame.max_h() / h,
            down: frame.max_v() / v,
            width: (frame.width * h).div_ceil(frame.max_h()),
            height: (frame.height * v).div_ceil(frame.max_v()),
        };
        let expansions: Vec<_> = frame.components.iter().map(|c| expansion(c.h, c.v)).collect();
        let rows = expansions.iter().map(|e| alloc::try_filled(0, e.width * e.across)).collect::<Result<_>>()?;
        Ok(Self { width: frame.width, expansions, rows, is_rgb })
    }

    /// Bytes of the rows.
    pub fn bytes(frame: &Frame) -> usize {
        frame.components.len() * (frame.width + frame.max_h())
    }

    /// Paints row `y`. `planes` hold its samples and those of the rows above and below.
    pub fn paint(&mut self, planes: &[Plane], y: usize, pixels: &mut [u8]) {
        for ((expansion, plane), row) in self.expansions.iter().zip(planes).zip(&mut self.rows) {
            expansion.expand(plane, y, row);
        }
        match &self.rows[..] {
            [r, g, b] if self.is_rgb => {
                for (((pixel, r), g), b) in pixels.as_chunks_mut::<3>().0.iter_mut().zip(r).zip(g).zip(b) {
                    *pixel = [*r, *g, *b];
                }
            }
            [luma, blue, red] => color::ycbcr_to_rgb_row(luma, blue, red, pixels, self.width),
            rows => pixels.copy_from_slice(&rows[0][..self.width]),
        }
    }
}

impl Expansion {
    fn expand(&self, plane: &Plane, y: usize, out: &mut [u8]) {
        let at = y / self.down;
        let row = |y: usize| &plane.row(y)[..self.width];
        let near = row(at);
        // At the edges, the farther row is the nearer one.
        let far = || match y % 2 {
            0 => row(at.saturating_sub(1)),
            _ => row((at + 1).min(self.height - 1)),
        };
        match (self.across, self.down) {
            (1, 1) => out.copy_from_slice(near),
            (1, 2) => {
                let bias = 1 + (y % 2) as u16;
                for ((out, near), far) in out.iter_mut().zip(near).zip(far()) {
                    *out = ((3 * u16::from(*near) + u16::from(*far) + bias) / 4) as u8;
                }
            }
            (2, 1) if self.width > 2 => upsample::fancy_h2v1(near, self.width, out, 2 * self.width),
            (2, 2) if self.width > 2 => upsample::fancy_h2v2_row(near, far(), out, self.width),
            (across, _) => {
                for (out, sample) in out.chunks_exact_mut(across).zip(near) {
                    out.fill(*sample);
                }
            }
        }
    }
}
