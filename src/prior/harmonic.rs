//! The harmonic fill: Laplace's equation in the holes of an image, by multigrid with a fixed schedule.
//!
//! H takes the known pixels' values where they are, and in the hole every pixel is the mean of its neighbours up, down,
//! left and right; a neighbour outside the image is left out, so nothing flows through the border.
//!
//! The first guess weights the nearest known pixels in the four directions by their inverse distances, which is exact
//! for a linear ramp. Multigrid W-cycles follow (Brandt 1977), usually one: a red-black Gauss–Seidel sweep, the correction
//! from a grid of half the size, another sweep. A coarse cell belongs to the hole where all the pixels under it do, so
//! that grids end where the hole is thinner than their cells, and all work is on hole pixels and their neighbours.
//!
//! Every value is computed by single additions and multiplications in an order that depends on the mask alone: the
//! result is the same bits on every machine.

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::alloc::{self, List, Plain};
use crate::error::{Error, Result};
use crate::mask::{Mask, parents, whole_cells};

/// Cycles that bring the fill within 0.1 dB of the solution.
pub const CYCLES: usize = 1;

/// Longest side, pixels.
const MAX_SIDE: usize = 1 << 16;

/// Grids of the largest image, each half the one before.
const MAX_GRIDS: usize = MAX_SIDE.ilog2() as usize + 1;

/// A solver for images of one size.
#[derive(Clone, Debug)]
pub struct Harmonic {
    /// Width and height of every grid, from the image to a single cell.
    sizes: ArrayVec<(usize, usize), MAX_GRIDS>,
}

/// Hole pixels `first` … `last` of row `y`.
#[derive(Clone, Copy)]
#[repr(C)]
struct Run {
    y: u16,
    first: u16,
    last: u16,
}

#[allow(unsafe_code)]
// SAFETY: three integers of one size.
unsafe impl Plain for Run {}

/// A grid, and what of it is hole.
#[derive(Clone, Copy)]
struct Grid<'r> {
    width: usize,
    height: usize,
    /// In the order of rows, then columns.
    runs: &'r [Run],
    /// How strongly values are drawn to 0, beside their neighbours.
    screening: f32,
    /// 1 / (number of neighbours + screening).
    inverse: [f32; 5],
}

/// Cells whose x + y is even, or odd: no two of a colour are neighbours.
#[derive(Clone, Copy)]
enum Colour {
    Red = 0,
    Black = 1,
}

impl Harmonic {
    /// For images of `width`×`height`.
    ///
    /// # Errors
    ///
    /// Limits, where a side is 0 or above 65,536 pixels, or there are more pixels than can be addressed.
    pub fn new(width: usize, height: usize) -> Result<Self> {
        if !(1..=MAX_SIDE).contains(&width) || !(1..=MAX_SIDE).contains(&height) {
            return Err(Error::limits(format!("expected sides of 1 … {MAX_SIDE} pixels, found {width}×{height}")));
        }
        // All that is counted here is less than 8 a pixel.
        if width.checked_mul(height).and_then(|pixels| pixels.checked_mul(8)).is_none() {
            return Err(Error::too_large(width, height));
        }
        let mut sizes = ArrayVec::from_iter([(width, height)]);
        while let Some(&(width, height)) = sizes.last()
            && width * height > 1
        {
            sizes.push((width.div_ceil(2), height.div_ceil(2)));
        }
        Ok(Self { sizes })
    }

    /// The most runs of all grids.
    fn max_runs(&self) -> usize {
        self.sizes.iter().map(|(width, height)| width.div_ceil(2) * height).sum()
    }

    /// Floats of scratch that [`Harmonic::fill`] needs.
    pub fn scratch_len(&self) -> usize {
        let area = |(width, height): &(usize, usize)| width * height;
        // Correction and right-hand side of every grid but the first; before them, a distance a pixel.
        let grids = self.sizes[1..].iter().map(|size| 6 * area(size)).sum::<usize>().max(area(&self.sizes[0]));
        alloc::floats_for::<Run>(self.max_runs()) + grids
    }

    /// Writes H into the hole of `image` `[height, width, 3]` by `cycles` cycles, usually [`CYCLES`]. `scratch` has
    /// [`Harmonic::scratch_len`] floats or more; the content of `scratch` and of the hole does not matter. Where nothing is
    /// known, the hole becomes 0.
    ///
    /// # Panics
    ///
    /// If a slice is shorter, or the mask is of another size.
    pub fn fill(&self, image: &mut [f32], mask: &Mask<impl AsRef<[u64]>>, cycles: usize, scratch: &mut [f32]) {
        let (mask, (width, height)) = (mask.view(), self.sizes[0]);
        assert_eq!((mask.width(), mask.height()), (width, height), "a mask of the solver's size");
        self.fill_runs(image, |y| mask.runs(y, 0..width), cycles, scratch);
    }

    /// As [`Harmonic::fill`], of a hole whose runs in a row `hole` tells, left to right.
    pub(crate) fn fill_runs<R: Iterator<Item = Range<usize>>>(
        &self,
        image: &mut [f32],
        hole: impl Fn(usize) -> R,
        cycles: usize,
        scratch: &mut [f32],
    ) {
        let (width, height) = self.sizes[0];
        let (image, stride) = (&mut image[..3 * width * height], 3 * width);
        let (memory, scratch) = alloc::split(scratch, self.max_runs());
        let grids = &self.grids(hole, 0.0, memory)[..];
        let Some(finest) = grids.first() else { return };
        finest.guess(image, scratch);
        clear(grids, scratch);
        for _ in 0..cycles {
            cycle(grids, image, stride, None, scratch);
        }
    }

    /// Solves the screened Poisson equation Σ (u − neighbour) + `screening`·u = `f` in the hole, for u that is 0 around it.
    /// `u` and `f` are `[height, width, 3]`; `scratch` is as in [`Harmonic::fill`], and the content of the hole of `u` does not
    /// matter.
    pub(crate) fn correct<R: Iterator<Item = Range<usize>>>(
        &self,
        u: &mut [f32],
        f: &[f32],
        screening: f32,
        hole: impl Fn(usize) -> R,
        cycles: usize,
        scratch: &mut [f32],
    ) {
        let (width, height) = self.sizes[0];
        let u = &mut u[..3 * width * height];
        u.fill(0.0);
        let (memory, scratch) = alloc::split(scratch, self.max_runs());
        let grids = &self.grids(hole, screening, memory)[..];
        clear(grids, scratch);
        for _ in 0..cycles {
            cycle(grids, u, 3 * width, Some(f), scratch);
        }
    }

    /// The grids that have a hole, whose runs are in `memory`.
    fn grids<'r, R: Iterator<Item = Range<usize>>>(
        &self,
        hole: impl Fn(usize) -> R,
        mut screening: f32,
        mut memory: &'r mut [Run],
    ) -> ArrayVec<Grid<'r>, MAX_GRIDS> {
        let mut grids = ArrayVec::<Grid, MAX_GRIDS>::new();
        for &(width, height) in &self.sizes {
            let mut found = List::new(memory);
            match grids.last() {
                None => {
                    let runs = (0..height).flat_map(|y| hole(y).map(move |run| (y as u16, run)));
                    runs.for_each(|(y, Range { start, end })| {
                        found.push(Run { y, first: start as u16, last: (end - 1) as u16 });
                    });
                }
                Some(finer) => finer.coarsen(&mut found),
            }
            let (runs, rest) = found.into_parts();
            if runs.is_empty() {
                break;
            }
            let inverse = std::array::from_fn(|count| match count as f32 + screening {
                0.0 => 0.0,
                weight => 1.0 / weight,
            });
            grids.push(Grid { width, height, runs, screening, inverse });
            // Equations of four cells are summed.
            (memory, screening) = (rest, 4.0 * screening);
        }
        grids
    }
}

impl Grid<'_> {
    /// Finds the cells of the next grid that have nothing but hole under them.
    fn coarsen(&self, coarse: &mut List<'_, Run>) {
        let mut rest = self.runs;
        while let Some(head) = rest.first() {
            let y = usize::from(head.y) / 2;
            let mut take = |y: usize| {
                let (row, below) = rest.split_at(rest.iter().take_while(|run| usize::from(run.y) == y).count());
                rest = below;
                row
            };
            let (upper, lower) = (take(2 * y), take(2 * y + 1));
            // The last of an odd number of rows is alone.
            let lower = if 2 * y + 1 < self.height { lower } else { upper };
            let (mut i, mut j) = (0, 0);
            while i < upper.len() && j < lower.len() {
                let (a, b) = (whole_cells(upper[i].columns(), self.width), whole_cells(lower[j].columns(), self.width));
                let (first, end) = (a.start.max(b.start), a.end.min(b.end));
                if first < end {
                    coarse.push(Run { y: y as u16, first: first as u16, last: (end - 1) as u16 });
                }
                (i, j) = if a.end <= b.end { (i + 1, j) } else { (i, j + 1) };
            }
        }
    }

    /// Fills the hole by the nearest known pixels left, right, above and below, weighted by inverse distance; where there
    /// are none, by the mean of the known pixels at the ends of runs.
    fn guess(&self, u: &mut [f32], distance: &mut [f32]) {
        let Self { width, height, .. } = *self;
        let stride = 3 * width;
        // Rows to the known pixel above, which has 0 itself.
        for run in self.runs {
            let y = usize::from(run.y);
            for y in [y.checked_sub(1), Some(y + 1).filter(|below| *below < height)].into_iter().flatten() {
                distance[y * width..][run.columns()].fill(0.0);
            }
        }
        let (mut sum, mut ends) = ([0.0; 3], 0.0);
        for run in self.runs {
            let y = usize::from(run.y);
            for x in run.columns() {
                distance[y * width + x] = if y == 0 { NONE } else { distance[(y - 1) * width + x] + 1.0 };
            }
            for x in run.ends(width).into_iter().flatten() {
                (0..3).for_each(|c| sum[c] += u[y * stride + 3 * x + c]);
                ends += 1.0;
            }
        }
        let mean = sum.map(|v| if ends > 0.0 { v / ends } else { 0.0 });

        for run in self.runs.iter().rev() {
            let y = usize::from(run.y);
            let [left, right] = run.ends(width);
            for x in run.columns() {
                let (mut value, mut weight) = ([0.0; 3], 0.0);
                let mut add = |at: usize, distance: f32| {
                    let w = 1.0 / distance;
                    (0..3).for_each(|c| value[c] += w * u[at + c]);
                    weight += w;
                };
                if let Some(left) = left {
                    add(y * stride + 3 * left, (x - left) as f32);
                }
                if let Some(right) = right {
                    add(y * stride + 3 * right, (right - x) as f32);
                }
                let up = distance[y * width + x];
                if up < NONE {
                    add((y - up as usize) * stride + 3 * x, up);
                }
                let down = if y + 1 == height { NONE } else { distance[(y + 1) * width + x] + 1.0 };
                if down < NONE {
                    add((y + down as usize) * stride + 3 * x, down);
                }
                // Read by the row above as the distance to the known pixel below.
                distance[y * width + x] = down;
                let scale = if weight > 0.0 { 1.0 / weight } else { 0.0 };
                for c in 0..3 {
                    u[y * stride + 3 * x + c] = if weight > 0.0 { value[c] * scale } else { mean[c] };
                }
            }
        }
    }

    /// Sum of the neighbours of (x, y) inside the grid, and their number.
    #[inline(always)]
    fn neighbours(&self, u: &[f32], stride: usize, x: usize, y: usize) -> ([f32; 3], usize) {
        let at = y * stride + 3 * x;
        let (mut sum, mut count) = ([0.0; 3], 0);
        let mut add = |inside: bool, at: usize| {
            if inside {
                (0..3).for_each(|c| sum[c] += u[at + c]);
                count += 1;
            }
        };
        add(x > 0, at.wrapping_sub(3));
        add(x + 1 < self.width, at + 3);
        add(y > 0, at.wrapping_sub(stride));
        add(y + 1 < self.height, at + stride);
        (sum, count)
    }

    /// A Gauss–Seidel sweep over both colours: u = (Σ neighbours + f) / (number of neighbours + screening).
    fn sweep(&self, u: &mut [f32], stride: usize, f: Option<&[f32]>) {
        for colour in [Colour::Red, Colour::Black] {
            match f {
                None => self.relax(u, stride, colour, |_| 0.0),
                Some(f) => self.relax(u, stride, colour, |at| f[at]),
            }
        }
    }

    #[inline(always)]
    fn relax(&self, u: &mut [f32], stride: usize, colour: Colour, f: impl Fn(usize) -> f32) {
        let Self { width, height, .. } = *self;
        for run in self.runs {
            let (y, end) = (usize::from(run.y), usize::from(run.last) + 1);
            let mut x = usize::from(run.first);
            x += (x + y + colour as usize) % 2;
            let at_border = |u: &mut [f32], x: usize| {
                let (sum, count) = self.neighbours(u, stride, x, y);
                for c in 0..3 {
                    u[y * stride + 3 * x + c] = (sum[c] + f(3 * (y * width + x) + c)) * self.inverse[count];
                }
            };
            let inner = if y == 0 || y + 1 == height { x } else { end.min(width - 1) };
            if x == 0 && x < inner {
                at_border(u, x);
                x += 2;
            }
            if x < inner {
                let (above, rest) = u[(y - 1) * stride..].split_at_mut(stride);
                let (row, below) = rest.split_at_mut(stride);
                let len = 3 * (inner - x);
                let (above, below) = (&above[3 * x..][..len], &below[3 * x..][..len]);
                let row = &mut row[3 * (x - 1)..][..len + 6];
                let (f_at, inverse) = (3 * (y * width + x), self.inverse[4]);
                for i in (0..len).step_by(6) {
                    for c in i..i + 3 {
                        let sum = (row[c] + row[c + 6]) + (above[c] + below[c]);
                        row[c + 3] = (sum + f(f_at + c)) * inverse;
                    }
                }
                x += (inner - x).next_multiple_of(2);
            }
            while x < end {
                at_border(u, x);
                x += 2;
            }
        }
    }

    /// The right-hand side of `coarse`: the residuals of the four cells under each of its cells, summed. After a sweep
    /// the black ones have none.
    fn restrict(&self, coarse: &Grid<'_>, u: &[f32], stride: usize, f: Option<&[f32]>, out: &mut [f32]) {
        for run in coarse.runs {
            let y = usize::from(run.y);
            for x in run.columns() {
                let mut total = [0.0; 3];
                for (x, y) in [(2 * x, 2 * y), (2 * x + 1, 2 * y + 1)] {
                    if x < self.width && y < self.height {
                        let (sum, count) = self.neighbours(u, stride, x, y);
                        for c in 0..3 {
                            let f = f.map_or(0.0, |f| f[3 * (y * self.width + x) + c]);
                            total[c] += (sum[c] + f) - (count as f32 + self.screening) * u[y * stride + 3 * x + c];
                        }
                    }
                }
                out[3 * (y * coarse.width + x)..][..3].copy_from_slice(&total);
            }
        }
    }

    /// Adds the correction `e` of `coarse`, interpolated bilinearly between cell centres.
    fn prolong(&self, coarse: &Grid<'_>, u: &mut [f32], stride: usize, e: &[f32]) {
        let row = 3 * coarse.width;
        for run in self.runs {
            let y = usize::from(run.y);
            let (near, far) = parents(y, coarse.height);
            let (near, far) = (&e[near * row..][..row], &e[far * row..][..row]);
            let blend = |x: usize| std::array::from_fn::<f32, 3, _>(|c| 0.75 * near[3 * x + c] + 0.25 * far[3 * x + c]);
            let (first, end) = (usize::from(run.first), usize::from(run.last) + 1);
            let u = &mut u[y * stride..];
            let mut add = |x: usize, near: [f32; 3], far: [f32; 3]| {
                (0..3).for_each(|c| u[3 * x + c] += 0.75 * near[c] + 0.25 * far[c]);
            };
            // The cells left of, above and right of a pair of pixels.
            let mut left = blend((first / 2).saturating_sub(1));
            let mut middle = blend(first / 2);
            for cell in first / 2..end.div_ceil(2) {
                let right = blend((cell + 1).min(coarse.width - 1));
                if 2 * cell >= first {
                    add(2 * cell, middle, left);
                }
                if 2 * cell + 1 < end {
                    add(2 * cell + 1, middle, right);
                }
                (left, middle) = (middle, right);
            }
        }
    }
}

impl Run {
    fn columns(self) -> Range<usize> {
        usize::from(self.first)..usize::from(self.last) + 1
    }

    /// The known pixels left and right of it.
    fn ends(self, width: usize) -> [Option<usize>; 2] {
        let right = usize::from(self.last) + 1;
        [usize::from(self.first).checked_sub(1), (right < width).then_some(right)]
    }
}

/// Sweeps on the coarsest grid, whose hole is a cell or two across.
const BOTTOM_SWEEPS: usize = 2;

/// The distance to a known pixel that is not there.
const NONE: f32 = f32::INFINITY;

/// Splits the scratch of `coarse` and the grids below: correction, right-hand side, the rest.
fn split<'a>(coarse: &Grid<'_>, scratch: &'a mut [f32]) -> (&'a mut [f32], &'a mut [f32], &'a mut [f32]) {
    let len = 3 * coarse.width * coarse.height;
    let (e, rest) = scratch.split_at_mut(len);
    let (f, rest) = rest.split_at_mut(len);
    (e, f, rest)
}

/// Zeros every correction that [`Grid::prolong`] and the sweeps will read.
fn clear(grids: &[Grid<'_>], mut scratch: &mut [f32]) {
    for pair in grids.windows(2) {
        let (fine, coarse) = (&pair[0], &pair[1]);
        let (e, _, rest) = split(coarse, scratch);
        for run in fine.runs {
            let (first, last) = (usize::from(run.first) / 2, usize::from(run.last) / 2);
            let columns = first.saturating_sub(1)..(last + 2).min(coarse.width);
            let y = usize::from(run.y) / 2;
            for y in y.saturating_sub(1)..(y + 2).min(coarse.height) {
                let row = y * coarse.width;
                e[3 * (row + columns.start)..3 * (row + columns.end)].fill(0.0);
            }
        }
        scratch = rest;
    }
}

/// One W-cycle on the first of `grids`: Δu = −f in its hole.
fn cycle(grids: &[Grid<'_>], u: &mut [f32], stride: usize, f: Option<&[f32]>, scratch: &mut [f32]) {
    let [grid, coarser @ ..] = grids else { return };
    let Some(coarse) = coarser.first() else {
        return (0..BOTTOM_SWEEPS).for_each(|_| grid.sweep(u, stride, f));
    };
    grid.sweep(u, stride, f);
    let (e, e_f, rest) = split(coarse, scratch);
    grid.restrict(coarse, u, stride, f, e_f);
    for run in coarse.runs {
        let row = usize::from(run.y) * coarse.width;
        e[3 * (row + usize::from(run.first))..3 * (row + usize::from(run.last) + 1)].fill(0.0);
    }
    for _ in 0..2 {
        cycle(coarser, e, 3 * coarse.width, Some(e_f), rest);
    }
    grid.prolong(coarse, u, stride, e);
    grid.sweep(u, stride, f);
}
