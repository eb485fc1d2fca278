//! What is computed, known before the first pixel.
//!
//! A plan lies in the memory of a [`Layout`] and is aimed at a mask, which decides which outputs each layer computes.
//! Neither depends on the instruction set, the caches or the number of threads.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::layout::{Layout, Solve};
use crate::buffer::{self, List};
use crate::harmonic::{self, Holed};
use crate::mask::Plane;
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

/// The plan of one image size, aimed at one mask.
pub(crate) struct Plan<'m> {
    pub layout: Layout,
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
    /// A plan in `memory` of [`Layout::floats`], and the arena for the maps. What stands in the memory does not matter.
    ///
    /// # Panics
    ///
    /// If the memory is shorter.
    pub fn new(layout: Layout, memory: &'m mut [f32]) -> (Self, &'m mut [f32]) {
        let (levels, [w, h]) = (layout.levels(), layout.padded());
        let (arena, memory) = memory.split_at_mut(layout.arena);
        let (pixels, memory) = buffer::split(memory, layout.pixels);
        let (sums, mut memory) = buffer::split(memory, 2 * w);
        let mut plane = |scale: usize| {
            let (width, height) = (w >> scale, h >> scale);
            let (data, rest) = buffer::split(std::mem::take(&mut memory), width * height);
            memory = rest;
            Plane { width, height, data }
        };
        let plan = Self {
            outputs: layout.steps.iter().map(|_| Outputs::default()).collect(),
            pixels: List::new(pixels),
            encoder: (0..=levels).map(&mut plane).collect(),
            decoder: (0..levels).map(&mut plane).collect(),
            needed: (0..levels).map(&mut plane).collect(),
            sums,
            layout,
        };
        (plan, arena)
    }

    /// Multiply–accumulates over all layers.
    pub fn macs(&self) -> u64 {
        self.outputs.iter().map(|o| o.macs).sum()
    }

    /// The input's mask, padded with holes right and below.
    pub fn known(&self) -> &Plane<'m> {
        &self.encoder[0]
    }

    /// Sets the input's mask, its holes grown by `grow` pixels, and returns the number of hole pixels.
    pub fn set_mask(&mut self, is_known: impl Fn(usize, usize) -> bool, grow: usize) -> usize {
        let Layout { width, height, .. } = self.layout;
        let known = &mut self.encoder[0];
        known.data.fill(0);
        for y in 0..height {
            for (x, m) in known.row_mut(y)[..width].iter_mut().enumerate() {
                *m = u8::from(is_known(x, y));
            }
        }
        if grow > 0 {
            known.grow_holes(width, height, grow, &mut self.needed[0]);
        }
        (0..height).flat_map(|y| &known.row(y)[..width]).filter(|m| **m == 0).count()
    }

    /// Finds the prior of the image in the input map, if there is one, and writes it beside that image where the network
    /// reads it there.
    pub fn solve_prior(&self, arena: &mut [f32]) {
        let Some(Solve { solver, image, scratch, input: is_input }) = &self.layout.prior else { return };
        let (&Layout { width, height, .. }, map) = (&self.layout, self.layout.input());
        let span = |first: usize, len: usize| first..first + len;
        let spans =
            [span(*image, 3 * width * height), span(*scratch, solver.scratch_len()), span(map.offset, map.len())];
        let [u, scratch, input] = arena.get_disjoint_mut(spans).expect("buffers of one step do not overlap");
        let row = |y: usize| span(map.at(0, y as isize), map.channels * width);
        for (y, u) in u.chunks_exact_mut(3 * width).enumerate() {
            for (u, input) in u.chunks_exact_mut(3).zip(input[row(y)].chunks_exact(map.channels)) {
                u.copy_from_slice(&input[..3]);
            }
        }
        let (known, known_stride) = (&self.encoder[0].data[..], self.encoder[0].width);
        solver.fill(Holed { image: u, stride: 3 * width, known, known_stride }, harmonic::CYCLES, scratch);
        if *is_input {
            for (y, u) in u.chunks_exact(3 * width).enumerate() {
                for (input, u) in input[row(y)].chunks_exact_mut(map.channels).zip(u.chunks_exact(3)) {
                    input[3..].copy_from_slice(u);
                }
            }
        }
    }

    /// Calls `each(x, y, value, prior)` at every hole pixel of the image with dec1's output and the prior, zero where there
    /// is none, three normalised channels each.
    pub fn for_each_hole(&self, arena: &[f32], mut each: impl FnMut(usize, usize, [f32; 3], [f32; 3])) {
        let (input, output) = (self.layout.input(), self.layout.output());
        let Layout { width, height, .. } = self.layout;
        for y in 0..height {
            for (x, _) in self.known().row(y)[..width].iter().enumerate().filter(|(_, m)| **m == 0) {
                let value = &arena[output.offset + output.at(x as isize, y as isize)..];
                let prior = self.layout.prior.as_ref().map(|prior| match prior.input {
                    true => &arena[input.offset + input.at(x as isize, y as isize) + 3..],
                    false => &arena[prior.image + 3 * (y * width + x)..],
                });
                let prior = |c: usize| prior.map_or(0.0, |prior| prior[c]);
                each(x, y, std::array::from_fn(|c| value[c]), std::array::from_fn(prior));
            }
        }
    }

    /// Pixels of a range of [`Outputs`].
    pub fn pixels(&self, range: &Range<usize>) -> &[Pixel] {
        &self.pixels[range.clone()]
    }

    /// Decides from the mask in [`Plan::set_mask`] which outputs every layer computes. With `hole_aware` off, all of them.
    pub fn aim(&mut self, config: &Config, hole_aware: bool) {
        self.pixels.clear();
        let levels = config.levels;
        for level in 0..levels {
            self.aim_encoder(config, level);
        }
        if hole_aware {
            let Self { encoder, needed, layout: Layout { width, height, .. }, .. } = self;
            needed[0].data.fill(0);
            for y in 0..*height {
                for (n, m) in needed[0].row_mut(y)[..*width].iter_mut().zip(encoder[0].row(y)) {
                    *n = 1 - m;
                }
            }
            for scale in 1..levels {
                let (fine, coarse) = needed.split_at_mut(scale);
                fine[scale - 1].dilate_and_halve(&mut coarse[0]);
            }
        } else {
            self.needed.iter_mut().for_each(|plane| plane.data.fill(1));
        }
        for scale in (0..levels).rev() {
            self.aim_decoder(config, scale);
        }
    }

    fn aim_encoder(&mut self, config: &Config, level: usize) {
        let layer = &config.layers[level];
        let (mask, out) = self.encoder.split_at_mut(level + 1);
        let (mask, out) = (&mask[level], &mut out[0]);
        let k = layer.kernel * layer.kernel * layer.c_in;
        let beside = if level == 0 { config.inputs() - 3 } else { 0 };
        let &Layout { width, height, .. } = &self.layout;
        let inside =
            |v: usize, end: usize| windows::inside(2 * v as isize - (layer.kernel / 2) as isize, layer.kernel, end);
        let start = self.pixels.len();
        for y in 0..out.height {
            let row = out.row_mut(y);
            let rows = inside(y, height);
            windows::encoder_row(mask, layer.kernel, y, self.sums, |x, known| {
                row[x] = u8::from(known > 0);
                if known > 0 {
                    let of_prior = if beside > 0 { beside * rows * inside(x, width) } else { 0 };
                    let s = (layer.c_in - beside) as u32 * known + of_prior as u32;
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

    fn aim_decoder(&mut self, config: &Config, scale: usize) {
        let levels = config.levels;
        let step = 2 * levels - 1 - scale;
        let layer = &config.layers[step];
        let (out, deeper) = self.decoder[scale..].split_first_mut().expect("a plane for every scale");
        let up = deeper.first().unwrap_or(&self.encoder[levels]);
        let (skip, needed) = (&self.encoder[scale], &self.needed[scale]);
        let k = 9 * (layer.c_in + layer.c_skip);
        let beside = if scale == 0 { config.inputs() - 3 } else { 0 };
        let &Layout { width, height, .. } = &self.layout;
        let inside = |v: usize, end: usize| windows::inside(v as isize - 1, 3, end);
        let mut computed: [Range<usize>; 4] = Default::default();
        out.data.fill(0);
        for (parity, range) in computed.iter_mut().enumerate() {
            let start = self.pixels.len();
            for y in (parity / 2..skip.height).step_by(2).filter(|&y| needed.row(y).contains(&1)) {
                let row = out.row_mut(y);
                let rows = inside(y, height);
                windows::decoder_row(up, skip, needed.row(y), parity % 2, y, self.sums, |x, in_up, in_skip| {
                    let s = layer.c_in as u32 * in_up + (layer.c_skip - beside) as u32 * in_skip;
                    row[x] = u8::from(s > 0);
                    if s > 0 {
                        let of_prior = if beside > 0 { beside * rows * inside(x, width) } else { 0 };
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

/// Multiply–accumulates of `pixels` outputs of `k` each; more than a 32-bit machine's word counts.
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
