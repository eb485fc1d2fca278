//! Plans: which outputs each layer computes, decided before the first pixel.
//!
//! The mask that a plan is restricted to decides; instruction set, caches and number of threads do not.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::layout::Layout;
use crate::alloc::{self, List};
use crate::mask::MaskView;
use crate::pconv::plane::Plane;
use crate::pconv::{Pixel, windows};
use crate::weights::{Config, LayerShape, MAX_LEVELS};

/// Outputs of one layer, as ranges of the plan's pixels.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outputs {
    /// Pixels to compute: one list, or for a decoder layer one per output parity (2·(y mod 2) + x mod 2).
    pub computed: [Range<usize>; 4],
    /// Pixels whose window holds nothing known: they are zero.
    pub blank: Range<usize>,
    /// Multiply–accumulates.
    pub macs: u64,
}

/// The plan of one image size, restricted to one mask.
pub(crate) struct Plan<'m> {
    pub layout: &'m Layout,
    /// What each step of the layout computes.
    pub outputs: ArrayVec<Outputs, { 2 * MAX_LEVELS }>,
    pixels: List<'m, Pixel>,
    /// Known pixels at each scale: of the input, of enc1 … encL.
    encoder: ArrayVec<Plane<'m>, { MAX_LEVELS + 1 }>,
    /// Known pixels of dec1 … decL, by scale.
    decoder: ArrayVec<Plane<'m>, MAX_LEVELS>,
    /// Pixels wanted of dec1 … decL, by scale.
    needed: ArrayVec<Plane<'m>, MAX_LEVELS>,
    sums: &'m mut [u32],
}

impl<'m> Plan<'m> {
    /// A plan in `memory` of [`Layout::plan_floats`] and any content.
    ///
    /// # Panics
    ///
    /// If the memory is shorter.
    pub fn new(layout: &'m Layout, memory: &'m mut [f32]) -> Self {
        let (levels, [w, h]) = (layout.levels(), layout.padded());
        let (pixels, memory) = alloc::split(memory, layout.pixels);
        let (sums, mut memory) = alloc::split(memory, 2 * w);
        let mut plane = |scale: usize| {
            let (width, height) = (w >> scale, h >> scale);
            let (data, rest) = alloc::split(std::mem::take(&mut memory), width * height);
            memory = rest;
            Plane { width, height, data }
        };
        Self {
            outputs: layout.steps.iter().map(|_| Outputs::default()).collect(),
            pixels: List::new(pixels),
            encoder: (0..=levels).map(&mut plane).collect(),
            decoder: (0..levels).map(&mut plane).collect(),
            needed: (0..levels).map(&mut plane).collect(),
            sums,
            layout,
        }
    }

    /// Multiply–accumulates over all layers.
    pub fn macs(&self) -> u64 {
        self.outputs.iter().map(|o| o.macs).sum()
    }

    /// Pixels of a range of [`Outputs`].
    pub fn pixels(&self, range: &Range<usize>) -> &[Pixel] {
        &self.pixels[range.clone()]
    }

    /// Decides from the image's mask which outputs every layer computes: those that a pixel of the hole depends on, or with
    /// `hole_aware` off all of them.
    pub fn restrict_to_mask(&mut self, config: &Config, mask: &MaskView<'_>, hole_aware: bool) {
        self.pixels.clear();
        let levels = config.levels();
        let &Layout { width, height, .. } = self.layout;
        // The padding right and below is hole.
        let known = &mut self.encoder[0];
        known.data.fill(0);
        for y in 0..height {
            let row = &mut known.row_mut(y)[..width];
            row.fill(1);
            mask.runs(y, 0..width).for_each(|run| row[run].fill(0));
        }
        for level in 0..levels {
            self.restrict_encoder(config, level);
        }
        if hole_aware {
            self.needed[0].data.fill(0);
            for y in 0..height {
                let row = self.needed[0].row_mut(y);
                mask.runs(y, 0..width).for_each(|run| row[run].fill(1));
            }
            for scale in 1..levels {
                let (fine, coarse) = self.needed.split_at_mut(scale);
                fine[scale - 1].dilate_and_halve(&mut coarse[0]);
            }
        } else {
            self.needed.iter_mut().for_each(|plane| plane.data.fill(1));
        }
        for scale in (0..levels).rev() {
            self.restrict_decoder(config, scale);
        }
    }

    fn restrict_encoder(&mut self, config: &Config, level: usize) {
        let layer = &config.layers()[level];
        let (mask, out) = self.encoder.split_at_mut(level + 1);
        let (mask, out) = (&mask[level], &mut out[0]);
        let k = layer.kernel * layer.kernel * layer.c_in;
        let prior_channels = if level == 0 { config.inputs() - 3 } else { 0 };
        let &Layout { width, height, .. } = self.layout;
        let inside =
            |v: usize, end: usize| windows::inside(2 * v as isize - (layer.kernel / 2) as isize, layer.kernel, end);
        let start = self.pixels.len();
        for y in 0..out.height {
            let row = out.row_mut(y);
            let rows = inside(y, height);
            windows::encoder_row(mask, layer.kernel, y, self.sums, |x, known| {
                row[x] = u8::from(known > 0);
                if known > 0 {
                    let of_prior = if prior_channels > 0 { prior_channels * rows * inside(x, width) } else { 0 };
                    let s = (layer.c_in - prior_channels) as u32 * known + of_prior as u32;
                    self.pixels.push(windows::pixel(x, y, k, s));
                }
            });
        }
        let end = self.pixels.len();
        self.outputs[level] = Outputs {
            computed: [start..end, end..end, end..end, end..end],
            blank: push_blank(&mut self.pixels, out, |_, _| true),
            macs: macs(end - start, k, layer),
        };
    }

    fn restrict_decoder(&mut self, config: &Config, scale: usize) {
        let levels = config.levels();
        let step = 2 * levels - 1 - scale;
        let layer = &config.layers()[step];
        let (out, deeper) = self.decoder[scale..].split_first_mut().expect("a plane for every scale");
        let up = deeper.first().unwrap_or(&self.encoder[levels]);
        let (skip, needed) = (&self.encoder[scale], &self.needed[scale]);
        let k = 9 * (layer.c_in + layer.c_skip);
        let prior_channels = if scale == 0 { config.inputs() - 3 } else { 0 };
        let &Layout { width, height, .. } = self.layout;
        let inside = |v: usize, end: usize| windows::inside(v as isize - 1, 3, end);
        let mut computed: [Range<usize>; 4] = Default::default();
        out.data.fill(0);
        for (parity, range) in computed.iter_mut().enumerate() {
            let start = self.pixels.len();
            for y in (parity / 2..skip.height).step_by(2).filter(|&y| needed.row(y).contains(&1)) {
                let row = out.row_mut(y);
                let rows = inside(y, height);
                windows::decoder_row(up, skip, needed.row(y), parity % 2, y, self.sums, |x, in_up, in_skip| {
                    let s = layer.c_in as u32 * in_up + (layer.c_skip - prior_channels) as u32 * in_skip;
                    row[x] = u8::from(s > 0);
                    if s > 0 {
                        let of_prior = if prior_channels > 0 { prior_channels * rows * inside(x, width) } else { 0 };
                        let s = s + of_prior as u32;
                        self.pixels.push(windows::pixel(x, y, k, s));
                    }
                });
            }
            *range = start..self.pixels.len();
        }
        let count = computed[3].end - computed[0].start;
        let blank = push_blank(&mut self.pixels, out, |x, y| needed.row(y)[x] == 1);
        let folded = 4 * layer.c_in + 9 * layer.c_skip;
        self.outputs[step] = Outputs { computed, blank, macs: macs(count, folded, layer) };
    }
}

/// Multiply–accumulates of `pixels` outputs of `k` each; a 32-bit word is too small for them.
fn macs(pixels: usize, k: usize, layer: &LayerShape) -> u64 {
    pixels as u64 * k as u64 * layer.c_out as u64
}

/// Appends the zeros of `mask` that are `wanted`.
fn push_blank(pixels: &mut List<'_, Pixel>, mask: &Plane<'_>, wanted: impl Fn(usize, usize) -> bool) -> Range<usize> {
    let start = pixels.len();
    for y in 0..mask.height {
        let blank = mask.row(y).iter().enumerate().filter(|(x, m)| **m == 0 && wanted(*x, y));
        blank.for_each(|(x, _)| pixels.push(Pixel { x: x as u16, y: y as u16, ratio: 0.0 }));
    }
    start..pixels.len()
}
