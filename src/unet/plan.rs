//! What is computed and where it lives, known before the first pixel.
//!
//! A plan is laid for a size and then aimed at a mask. The size alone decides every buffer; the mask decides which
//! outputs each layer computes. Neither depends on the instruction set, the caches or the number of threads.

use std::ops::Range;

use super::layout::{Lifetime, place};
use crate::error::{Error, Result};
use crate::harmonic::{self, Harmonic, Holed};
use crate::mask::Plane;
use crate::pconv::{Map, Pixel, windows};
use crate::weights::{Config, Prior};

/// The longest side, pixels, after padding to a multiple of 2^levels.
const MAX_SIDE: usize = 1 << 16;

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

/// A layer's place in the plan.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// Operands: the previous map of an encoder layer; up and skip of a decoder layer.
    pub inputs: Vec<Map>,
    pub output: Map,
    pub outputs: Outputs,
}

/// The plan of one image size, aimed at one mask.
pub(crate) struct Plan {
    /// Image size, pixels.
    pub width: usize,
    pub height: usize,
    /// enc1 … encL, decL … dec1.
    pub steps: Vec<Step>,
    /// Floats of the arena that the maps' offsets refer to.
    pub arena: usize,
    pixels: Vec<Pixel>,
    /// Known pixels at each scale: of the input, of enc1 … encL.
    encoder: Vec<Plane>,
    /// Known pixels of dec1 … decL, by scale.
    decoder: Vec<Plane>,
    /// Pixels wanted of dec1 … decL, by scale.
    needed: Vec<Plane>,
    sums: Vec<u32>,
    /// Solver of the harmonic prior, and where its scratch starts in the arena.
    prior: Option<(Harmonic, usize)>,
}

impl Plan {
    /// The plan for images of `width`×`height`.
    ///
    /// # Errors
    ///
    /// Limits, where a side or a buffer is too large.
    pub fn new(config: &Config, width: usize, height: usize) -> Result<Self> {
        let levels = config.levels;
        let too_large = || Error::limits(format!("{width}×{height} pixels are more than this build can address"));
        let padded = |side: usize| side.checked_next_multiple_of(1 << levels).filter(|s| *s <= MAX_SIDE);
        let (Some(w), Some(h)) = (padded(width), padded(height)) else { return Err(too_large()) };

        let (encoder, decoder) = config.layers.split_at(levels);
        let pad = |level: usize| encoder.get(level).map_or(0, |layer| layer.kernel / 2).max(1);
        let map = |scale: usize, channels: usize, halo: usize| Map {
            width: w >> scale,
            height: h >> scale,
            channels,
            halo,
            offset: 0,
        };
        // Maps in the order they are written: input, enc1 … encL, decL … dec1.
        let mut maps = vec![map(0, 3, pad(0))];
        maps.extend(encoder.iter().enumerate().map(|(i, layer)| map(i + 1, layer.c_out, pad(i + 1))));
        maps.extend(decoder.iter().enumerate().map(|(i, layer)| map(levels - 1 - i, layer.c_out, 1)));

        let mut lifetimes = Vec::new();
        for (i, map) in maps.iter().enumerate() {
            let area = (map.width + 2 * map.halo).checked_mul(map.height + 2 * map.halo);
            let len = area.and_then(|a| a.checked_mul(map.channels)).filter(|l| *l <= isize::MAX as usize / 64);
            // Map i is written by step i and read by the next; a skip is read again on the way up.
            let last = if i < levels { 2 * levels - i } else { (i + 1).min(2 * levels) };
            lifetimes.push(Lifetime { first: i, last, len: len.ok_or_else(too_large)? });
        }
        let prior = match config.prior {
            Prior::None => None,
            Prior::Harmonic => Some(Harmonic::new(width, height)?),
        };
        if let Some(solver) = &prior {
            // It runs after the last layer, in the input map, while the output waits.
            let after = 2 * levels + 1;
            lifetimes[0].last = after;
            lifetimes[2 * levels].last = after;
            lifetimes.push(Lifetime { first: after, last: after, len: solver.scratch_len() });
        }
        let (offsets, arena) = place(&lifetimes);
        for (map, offset) in maps.iter_mut().zip(&offsets) {
            map.offset = *offset;
        }
        let prior = prior.map(|solver| (solver, offsets[maps.len()]));

        let steps = (1..maps.len()).map(|i| {
            let inputs = if i <= levels { vec![maps[i - 1]] } else { vec![maps[i - 1], maps[2 * levels - i]] };
            Step { inputs, output: maps[i], outputs: Outputs::default() }
        });
        let steps: Vec<Step> = steps.collect();
        let most = steps.iter().map(|s| s.output.width * s.output.height).sum();
        let mut pixels = Vec::new();
        pixels.try_reserve_exact(most).map_err(|_| Error::limits(format!("no memory for {most} pixels of a plan")))?;
        let plane = |scale: usize| Plane::new(w >> scale, h >> scale);
        Ok(Self {
            width,
            height,
            steps,
            arena,
            pixels,
            encoder: (0..=levels).map(plane).collect::<Result<_>>()?,
            decoder: (0..levels).map(plane).collect::<Result<_>>()?,
            needed: (0..levels).map(plane).collect::<Result<_>>()?,
            sums: vec![0; 2 * w],
            prior,
        })
    }

    /// Every byte a run uses, the arena included. Depends on model and size alone.
    pub fn bytes(&self) -> usize {
        let planes = self.encoder.iter().chain(&self.decoder).chain(&self.needed);
        self.arena * size_of::<f32>()
            + self.pixels.capacity() * size_of::<Pixel>()
            + planes.map(|p| p.data.len()).sum::<usize>()
            + size_of_val(&self.sums[..])
            + self.prior.as_ref().map_or(0, |(solver, _)| solver.bytes())
    }

    /// Multiply–accumulates over all layers.
    pub fn macs(&self) -> u64 {
        self.steps.iter().map(|s| s.outputs.macs).sum()
    }

    /// The map the normalised image goes into.
    pub fn input(&self) -> Map {
        self.steps[0].inputs[0]
    }

    /// The input's mask, padded with holes right and below.
    pub fn known(&self) -> &Plane {
        &self.encoder[0]
    }

    /// Sets the input's mask, its holes grown by `grow` pixels, and returns the number of hole pixels.
    pub fn set_mask(&mut self, is_known: impl Fn(usize, usize) -> bool, grow: usize) -> usize {
        let Self { width, height, .. } = *self;
        let known = &mut self.encoder[0];
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

    /// Fills the holes of the input map, which no layer reads any more, with the prior.
    pub fn solve_prior(&mut self, arena: &mut [f32]) {
        let map = self.input();
        let Some((solver, offset)) = &mut self.prior else { return };
        let scratch = *offset..*offset + solver.scratch_len();
        let disjoint = "the scratch does not overlap the input";
        let [image, scratch] =
            arena.get_disjoint_mut([map.offset + map.at(0, 0)..map.offset + map.len(), scratch]).expect(disjoint);
        let (known, known_stride) = (&self.encoder[0].data[..], self.encoder[0].width);
        solver.fill(Holed { image, stride: map.row_stride(), known, known_stride }, harmonic::CYCLES, scratch);
    }

    /// Calls `each(x, y, value, prior)` at every hole pixel of the image with dec1's output and the prior, zero where there
    /// is none, three normalised channels each.
    pub fn for_each_hole(&self, arena: &[f32], mut each: impl FnMut(usize, usize, [f32; 3], [f32; 3])) {
        let (input, output) = (self.input(), self.steps[self.steps.len() - 1].output);
        for y in 0..self.height {
            for (x, _) in self.known().row(y)[..self.width].iter().enumerate().filter(|(_, m)| **m == 0) {
                let value = |map: Map, c: usize| arena[map.offset + map.at(x as isize, y as isize) + c];
                let prior = |c: usize| if self.prior.is_some() { value(input, c) } else { 0.0 };
                each(x, y, std::array::from_fn(|c| value(output, c)), std::array::from_fn(prior));
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
            let Self { encoder, needed, width, height, .. } = self;
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
        let start = self.pixels.len();
        for y in 0..out.height {
            let row = out.row_mut(y);
            windows::encoder_row(mask, layer.kernel, y, &mut self.sums, |x, known| {
                row[x] = u8::from(known > 0);
                if known > 0 {
                    self.pixels.push(windows::pixel(x, y, k, known * layer.c_in as u32));
                }
            });
        }
        let end = self.pixels.len();
        self.steps[level].outputs = Outputs {
            computed: [start..end, end..end, end..end, end..end],
            blank: push_blank(&mut self.pixels, out, |_, _| true),
            macs: ((end - start) * k * layer.c_out) as u64,
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
        let mut computed: [Range<usize>; 4] = Default::default();
        out.data.fill(0);
        for (parity, range) in computed.iter_mut().enumerate() {
            let start = self.pixels.len();
            for y in (parity / 2..skip.height).step_by(2).filter(|&y| needed.row(y).contains(&1)) {
                let row = out.row_mut(y);
                windows::decoder_row(up, skip, needed.row(y), parity % 2, y, &mut self.sums, |x, in_up, in_skip| {
                    let s = layer.c_in as u32 * in_up + layer.c_skip as u32 * in_skip;
                    row[x] = u8::from(s > 0);
                    if s > 0 {
                        self.pixels.push(windows::pixel(x, y, k, s));
                    }
                });
            }
            *range = start..self.pixels.len();
        }
        let count = computed[3].end - computed[0].start;
        let blank = push_blank(&mut self.pixels, out, |x, y| needed.row(y)[x] == 1);
        let folded = 4 * layer.c_in + 9 * layer.c_skip;
        self.steps[step].outputs = Outputs { computed, blank, macs: (count * folded * layer.c_out) as u64 };
    }
}

/// Appends the zeros of `mask` that are `wanted`.
fn push_blank(pixels: &mut Vec<Pixel>, mask: &Plane, wanted: impl Fn(usize, usize) -> bool) -> Range<usize> {
    let start = pixels.len();
    for y in 0..mask.height {
        let blank = mask.row(y).iter().enumerate().filter(|(x, m)| **m == 0 && wanted(*x, y));
        pixels.extend(blank.map(|(x, _)| Pixel { x: x as u16, y: y as u16, ratio: 0.0 }));
    }
    start..pixels.len()
}
