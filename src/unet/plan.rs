//! Plans: which outputs each layer computes, decided before the first pixel.
//!
//! An output is computed if a pixel of the hole depends on it and its window holds something known. The hole alone decides;
//! instruction set, caches and number of threads do not.

use std::ops::Range;

use arrayvec::ArrayVec;

use super::layout::{Layout, common};
use crate::alloc::{self, List};
use crate::mask::Group;
use crate::pconv::plane::Plane;
use crate::pconv::{Map, Pixel, Work, windows};
use crate::weights::{Config, LayerShape, MAX_LEVELS};

/// Outputs of one layer, as ranges of the plan's pixels.
#[derive(Clone, Debug, Default)]
struct Outputs {
    /// One list, or for a decoder layer one per output parity (2·(y mod 2) + x mod 2).
    computed: [Range<usize>; 4],
    /// Multiply–accumulates.
    macs: u64,
}

/// The plan of one layout for one hole.
pub(crate) struct Plan<'m> {
    pub layout: &'m Layout,
    /// What each step of the layout computes.
    outputs: ArrayVec<Outputs, { 2 * MAX_LEVELS }>,
    pixels: List<'m, Pixel>,
    /// Known pixels of the input, and of enc1 … encL: how many of its window are known.
    known: ArrayVec<Plane<'m>, { MAX_LEVELS + 1 }>,
    /// Pixels that the network sees, hole or not: there the prior is known.
    seen: Plane<'m>,
    /// Computed pixels of enc1 … encL.
    encoder: ArrayVec<Plane<'m>, MAX_LEVELS>,
    /// Pixels of dec1 … decL, by scale, that the hole depends on.
    needed: ArrayVec<Plane<'m>, MAX_LEVELS>,
    /// Those of them that are computed: the others see nothing known.
    decoder: ArrayVec<Plane<'m>, MAX_LEVELS>,
    sums: &'m mut [u32],
}

impl<'m> Plan<'m> {
    /// A plan in `memory` of [`Layout::plan_floats`] and any content.
    ///
    /// # Panics
    ///
    /// If the memory is shorter.
    pub fn new(layout: &'m Layout, memory: &'m mut [f32]) -> Self {
        let (pixels, memory) = alloc::split(memory, layout.pixels());
        let (sums, mut memory) = alloc::split(memory, 3 * layout.columns());
        let mut plane = |map: &Map, scale: usize| {
            let (data, rest) = alloc::split(std::mem::take(&mut memory), map.frame.area());
            memory = rest;
            Plane { frame: map.frame, inside: layout.inside(map, scale), data }
        };
        let (encoder, decoder) = (layout.encoder(), layout.decoder());
        let mut planes = |maps: &[Map], scale: usize| -> ArrayVec<Plane<'m>, { MAX_LEVELS + 1 }> {
            maps.iter().enumerate().map(|(i, map)| plane(map, scale + i)).collect()
        };
        Self {
            outputs: layout.steps.iter().map(|_| Outputs::default()).collect(),
            pixels: List::new(pixels),
            known: planes(&encoder, 0),
            seen: planes(&encoder[..1], 0).remove(0),
            encoder: planes(&encoder[1..], 1).into_iter().collect(),
            needed: planes(&decoder, 0).into_iter().collect(),
            decoder: planes(&decoder, 0).into_iter().collect(),
            sums,
            layout,
        }
    }

    /// Multiply–accumulates over all layers.
    pub fn macs(&self) -> u64 {
        self.outputs.iter().map(|o| o.macs).sum()
    }

    /// Multiply–accumulates of a step.
    pub fn macs_of(&self, step: usize) -> u64 {
        self.outputs[step].macs
    }

    /// The pixels of the input that are known.
    pub fn known(&self) -> &Plane<'m> {
        &self.known[0]
    }

    /// What a step of the layout computes.
    pub fn work(&self, step: usize) -> Work<'_> {
        let levels = self.layout.levels();
        let marks = if step < levels { &self.encoder[step] } else { &self.decoder[2 * levels - 1 - step] };
        Work { computed: self.outputs[step].computed.clone().map(|range| &self.pixels[range]), marks }
    }

    /// Decides which outputs every layer computes: those that the group's hole in the layout's target depends on, or with
    /// `hole_aware` off all of them.
    pub fn restrict(&mut self, config: &Config, group: &Group<'_>, hole_aware: bool) {
        self.pixels.clear();
        self.look(group);
        let levels = config.levels();
        let (encoder, _) = config.layers().split_at(levels);
        for (level, layer) in encoder.iter().enumerate() {
            self.count_known(layer.kernel, level);
        }
        if hole_aware {
            self.need(encoder, group);
        } else {
            self.need_all();
        }
        for level in 0..levels {
            self.list_encoder(config, level);
        }
        for scale in (0..levels).rev() {
            self.list_decoder(config, scale);
        }
    }

    /// Finds what is known and what is seen of the input.
    fn look(&mut self, group: &Group<'_>) {
        let (known, seen) = (&mut self.known[0], &mut self.seen);
        known.data.fill(0);
        seen.data.fill(0);
        let area = common(&known.inside, group.seen);
        for y in area.rows() {
            for run in group.seen(y, area.columns()) {
                let at = known.indices(run.start as isize..run.end as isize);
                known.row_mut(y as isize)[at.clone()].fill(1);
                seen.row_mut(y as isize)[at].fill(1);
            }
            for run in group.hole(y, area.columns()) {
                let at = known.indices(run.start as isize..run.end as isize);
                known.row_mut(y as isize)[at].fill(0);
            }
        }
    }

    /// Counts what the windows of an encoder layer hold.
    fn count_known(&mut self, kernel: usize, level: usize) {
        let (below, counts) = self.known.split_at_mut(level + 1);
        let (below, counts) = (&below[level], &mut counts[0]);
        counts.data.fill(0);
        let inside = counts.inside;
        for y in inside.rows() {
            let left = counts.frame.x;
            let row = counts.row_mut(y);
            windows::encoder_row(below, kernel, y, inside.columns(), self.sums, |x, known| {
                row[(x - left) as usize] = known as u8;
            });
        }
    }

    /// Follows the need backwards from the hole: through the decoder, then through the encoder.
    fn need(&mut self, encoder: &[LayerShape], group: &Group<'_>) {
        let levels = encoder.len();
        self.needed.iter_mut().chain(&mut self.encoder).for_each(|plane| plane.data.fill(0));
        let target = common(&self.needed[0].inside, group.seen);
        for y in target.rows() {
            for run in group.hole(y, target.columns()) {
                self.needed[0].mark(run.start as isize..run.end as isize, y as isize..y as isize + 1);
            }
        }
        for scale in 1..levels {
            let (fine, coarse) = self.needed.split_at_mut(scale);
            windows::mark_up_reads(&fine[scale - 1], &mut coarse[0]);
        }
        windows::mark_up_reads(&self.needed[levels - 1], &mut self.encoder[levels - 1]);
        for level in (0..levels).rev() {
            keep_known(&mut self.encoder[level], &self.known[level + 1]);
            if level > 0 {
                let (below, outputs) = self.encoder.split_at_mut(level);
                windows::mark_skip_reads(&self.needed[level], &mut below[level - 1]);
                windows::mark_encoder_reads(&outputs[0], encoder[level].kernel, &mut below[level - 1]);
            }
        }
    }

    fn need_all(&mut self) {
        for plane in self.needed.iter_mut().chain(&mut self.encoder) {
            plane.data.fill(0);
            plane.mark(plane.inside.columns(), plane.inside.rows());
        }
        self.encoder.iter_mut().zip(&self.known[1..]).for_each(|(plane, known)| keep_known(plane, known));
    }

    fn list_encoder(&mut self, config: &Config, level: usize) {
        let layer = &config.layers()[level];
        let (marks, known, start) = (&self.encoder[level], &self.known[level + 1], self.pixels.len());
        let k = layer.kernel * layer.kernel * layer.c_in;
        let prior = if level == 0 { (config.inputs() - 3) as u32 } else { 0 };
        for y in marks.inside.rows() {
            let rows = windows::strided(y, layer.kernel);
            let sums = if prior > 0 { windows::sum_rows(&self.seen, rows, self.sums) } else { &[] };
            for i in marks.runs(y).flatten() {
                let x = marks.frame.x + i as isize;
                let mut s = (layer.c_in as u32 - prior) * u32::from(known.row(y)[i]);
                if prior > 0 {
                    let window = self.seen.indices(windows::strided(x, layer.kernel));
                    s += prior * sums[window].iter().sum::<u32>();
                }
                self.pixels.push(windows::pixel(x, y, k, s));
            }
        }
        let end = self.pixels.len();
        let macs = macs(end - start, k, layer);
        self.outputs[level] = Outputs { computed: [start..end, end..end, end..end, end..end], macs };
    }

    fn list_decoder(&mut self, config: &Config, scale: usize) {
        let levels = config.levels();
        let step = 2 * levels - 1 - scale;
        let layer = &config.layers()[step];
        let (out, deeper) = self.decoder[scale..].split_first_mut().expect("a plane for every scale");
        let up = deeper.first().unwrap_or(&self.known[levels]);
        let (skip, seen, needed) = (&self.known[scale], &self.seen, &self.needed[scale]);
        let k = 9 * (layer.c_in + layer.c_skip);
        let prior = if scale == 0 { (config.inputs() - 3) as u32 } else { 0 };
        let (in_up, in_skip) = (layer.c_in as u32, layer.c_skip as u32 - prior);
        let columns = self.layout.columns();
        let (up_sums, sums) = self.sums.split_at_mut(columns);
        let (skip_sums, seen_sums) = sums.split_at_mut(columns);
        let mut computed: [Range<usize>; 4] = Default::default();
        out.data.fill(0);
        for (parity, range) in computed.iter_mut().enumerate() {
            let start = self.pixels.len();
            let of_parity = |y: &isize| y & 1 == parity as isize >> 1;
            for y in needed.inside.rows().filter(of_parity) {
                let mut runs = needed.runs(y).peekable();
                if runs.peek().is_none() {
                    continue;
                }
                let window = y - 1..y + 2;
                let up_sums = windows::sum_rows(up, window.clone().map(|y| y >> 1), up_sums);
                let skip_sums = windows::sum_rows(skip, window.clone(), skip_sums);
                let seen_sums = if prior > 0 { windows::sum_rows(seen, window, seen_sums) } else { &[] };
                let left = needed.frame.x;
                let row = out.row_mut(y);
                let first = |run: &Range<usize>| run.start + ((left + run.start as isize) as usize + parity) % 2;
                for i in runs.flat_map(|run| (first(&run)..run.end).step_by(2)) {
                    let x = left + i as isize;
                    let of_up = |x: isize| up_sums[((x >> 1) - up.frame.x) as usize];
                    let around = x - 1..x + 2;
                    let mut s = in_up * around.clone().map(of_up).sum::<u32>()
                        + in_skip * skip_sums[skip.indices(around.clone())].iter().sum::<u32>();
                    if s > 0 {
                        if prior > 0 {
                            s += prior * seen_sums[seen.indices(around)].iter().sum::<u32>();
                        }
                        row[i] = 1;
                        self.pixels.push(windows::pixel(x, y, k, s));
                    }
                }
            }
            *range = start..self.pixels.len();
        }
        let count = computed[3].end - computed[0].start;
        let folded = 4 * layer.c_in + 9 * layer.c_skip;
        self.outputs[step] = Outputs { computed, macs: macs(count, folded, layer) };
    }
}

/// Clears the marks of pixels that are not known.
fn keep_known(marks: &mut Plane<'_>, known: &Plane<'_>) {
    marks.data.iter_mut().zip(&*known.data).for_each(|(mark, known)| *mark &= u8::from(*known != 0));
}

/// Multiply–accumulates of `pixels` outputs of `k` each; a 32-bit word is too small for them.
fn macs(pixels: usize, k: usize, layer: &LayerShape) -> u64 {
    pixels as u64 * k as u64 * layer.c_out as u64
}
