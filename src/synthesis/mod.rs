//! Texture for wide holes. The network says what belongs where; in a wide hole it can say no more than the mean of what might,
//! which is smooth. Patches of the photograph around the hole give it texture (the idea of Yang et al. 2017, arXiv 1611.09969).
//!
//! From the coarsest level of a pyramid to the photograph's own size, every patch that touches the hole takes after the patch
//! of the photograph most like it ([`search`]), ways by which the photograph repeats itself preferred ([`repeats`]). The pixels
//! become what the patches over them agree on ([`vote`]), again and again (Wexler et al. 2007, Darabi et al. 2012). Last, every
//! pixel is copied from one place ([`copy`]) and its tone blended ([`blend`]). All is done with 8-bit pixels and integers but
//! the blending, which is single operations of f32 in a fixed order; random numbers are counted. So the result is the same
//! bytes on every machine.

mod blend;
mod copy;
mod energy;
mod finish;
mod level;
mod patch;
mod repeats;
mod search;
mod vote;
mod ways;

use std::ops::ControlFlow;

use arrayvec::ArrayVec;

use self::blend::Blend;
use self::energy::Energy;
use self::level::{At, Level, Pixel, SIDE, Shape};
pub(crate) use self::level::{chamfer_step, mark};
use self::search::{Between, Sweep};
use crate::alloc::{floats_for, split};
use crate::error::{Error, Result};
use crate::mask::Rect;
use crate::numerics;
use crate::parallel::Pool;
use crate::simd::Isa;

/// The longest side of a picture that is worked on, pixels: places have 16 bits, and differences of places their sign.
const MAX_SIDE: usize = 1 << 15;

/// Levels of the largest picture.
const MAX_LEVELS: usize = MAX_SIDE.ilog2() as usize + 1;

/// The least half width of a hole and the least side of a picture for which there is a coarser level, at that level's size.
const LEAST_DEPTH: usize = 6;
const LEAST_SIDE: usize = 4 * SIDE;

/// The fewest sources of the coarsest level.
const LEAST_SOURCES: usize = 200;

/// Rounds of search and vote at the photograph's size and at the coarsest level.
const ROUNDS: (usize, usize) = (2, 16);

/// Sweeps of a round.
const SWEEPS: usize = 2;

/// Sharpness of the last vote of all.
const SHARPEST: u64 = 4;

/// The synthesis of one hole in one picture: the photograph around it.
pub(crate) struct Synthesis {
    shapes: ArrayVec<Shape, MAX_LEVELS>,
    energy: Energy,
    blend: Blend,
}

/// The picture before it is synthesised, for the caller to write.
pub(crate) struct Canvas<'s> {
    synthesis: &'s Synthesis,
    level: Level<'s>,
    memory: &'s mut [f32],
}

/// A row of a canvas.
pub(crate) struct CanvasRow<'s> {
    pixels: &'s mut [Pixel],
    /// [`mark::UNKNOWN`] and [`mark::FILL`] of each pixel.
    pub marks: &'s mut [u8],
    values: &'s mut [f32],
}

impl CanvasRow<'_> {
    /// Writes the colours that `read` gives, red, green and blue from 0 to 1.
    pub fn read(&mut self, read: impl FnOnce(&mut [f32])) {
        read(self.values);
        for (pixel, value) in self.pixels.iter_mut().zip(self.values.chunks_exact(3)) {
            (0..3).for_each(|c| pixel[c] = numerics::quantize(value[c], 255) as u8);
        }
    }

    /// Makes a pixel one whose colour does not count.
    pub fn hide(&mut self, x: usize) {
        (self.pixels[x], self.marks[x]) = ([0; 4], mark::UNKNOWN);
    }
}

/// What was synthesised.
pub(crate) struct Texture<'s> {
    shape: Shape,
    window: Rect,
    labels: &'s [At],
    correction: &'s [f32],
}

impl Synthesis {
    /// For a picture of `width`×`height` whose pixels to be filled lie in `fill`.
    ///
    /// # Panics
    ///
    /// If a side is longer than [`MAX_SIDE`].
    pub fn new(width: usize, height: usize, fill: Rect) -> Result<Self> {
        assert!(width <= MAX_SIDE && height <= MAX_SIDE, "places of 16 bits");
        let mut shapes = ArrayVec::from_iter([Shape::new(width, height, fill)]);
        let (depth, side) = (fill.width.max(fill.height), width.min(height));
        while depth >> shapes.len() >= LEAST_DEPTH && side >> shapes.len() >= LEAST_SIDE {
            let shape = shapes[shapes.len() - 1].halved();
            shapes.push(shape);
        }
        let (energy, blend) = (Energy::new(&shapes[0])?, Blend::new(&shapes[0])?);
        Ok(Self { shapes, energy, blend })
    }

    /// Whether a patch fits into the picture at all.
    pub fn is_possible(&self) -> bool {
        self.shapes[0].width >= SIDE && self.shapes[0].height >= SIDE
    }

    /// The longer side of what is to be filled, pixels.
    fn side(&self) -> u64 {
        let Rect { width, height, .. } = self.shapes[0].fill;
        width.max(height) as u64
    }

    /// Floats of the memory it takes.
    pub fn floats(&self) -> usize {
        let levels: usize = self.shapes.iter().map(Shape::floats).sum();
        let fill = self.shapes[0].fill.area();
        levels
            + floats_for::<Pixel>(fill)
            + floats_for::<At>(fill)
            + self.blend.correction_floats()
            + repeats::floats(&self.shapes).0
            + self.work_floats()
    }

    /// Floats of what one step uses and the next does not.
    fn work_floats(&self) -> usize {
        let blur = floats_for::<Pixel>(self.shapes[0].area());
        let before = floats_for::<At>(self.shapes[0].fill.area());
        let finish = finish::floats(self.blend.window);
        let repeats = repeats::floats(&self.shapes).1;
        // Before all steps, a row of a canvas.
        let row = 3 * self.shapes[0].width;
        self.energy
            .floats(&self.shapes[0])
            .max(self.blend.floats())
            .max(finish)
            .max(blur)
            .max(before)
            .max(row)
            .max(repeats)
    }

    /// The picture in `memory` of [`Synthesis::floats`] and any content. Every pixel is to be written.
    pub fn canvas<'s>(&'s self, memory: &'s mut [f32]) -> Canvas<'s> {
        let (level, memory) = Level::new(self.shapes[0], self.side(), memory);
        Canvas { synthesis: self, level, memory }
    }
}

impl<'s> Canvas<'s> {
    /// Row `y`, for the caller to write.
    pub fn row(&mut self, y: usize) -> CanvasRow<'_> {
        let width = self.level.picture.shape.width;
        let marks = &mut self.level.picture.marks[y * width..][..width];
        marks.fill(0);
        CanvasRow {
            pixels: &mut self.level.picture.pixels[y * width..][..width],
            marks,
            values: &mut self.memory[..3 * width],
        }
    }

    /// Synthesises; `None` where the picture has nothing to take patches from. Tells `progress` what share is done.
    ///
    /// # Errors
    ///
    /// Cancelled, where `progress` breaks.
    pub fn synthesise(
        self,
        isa: Isa,
        pool: &Pool,
        progress: &mut dyn FnMut(f32) -> ControlFlow<()>,
    ) -> Result<Option<Texture<'s>>> {
        let Self { synthesis, level, memory } = self;
        let Synthesis { shapes, energy, blend } = synthesis;
        let (shape, fill) = (shapes[0], shapes[0].fill);
        let (network, memory) = split::<Pixel>(memory, fill.area());
        let (labels, memory) = split::<At>(memory, fill.area());
        let (correction, memory) = memory.split_at_mut(blend.correction_floats());
        let (ways, memory) = memory.split_at_mut(repeats::floats(shapes).0);
        let (work, mut memory) = memory.split_at_mut(synthesis.work_floats());

        let mut levels = ArrayVec::<Level, MAX_LEVELS>::from_iter([level]);
        let finest = &mut levels[0];
        for (row, y) in network.chunks_exact_mut(fill.width).zip(fill.rows()) {
            row.copy_from_slice(&finest.picture.pixels[y * shape.width + fill.x..][..fill.width]);
        }
        energy.write(&mut finest.picture, work);
        finest.picture.write_guide(work);
        let depth = finest.picture.measure_depth() / 3;
        for shape in &shapes[1..] {
            if depth >> levels.len() < LEAST_DEPTH {
                break;
            }
            let (mut level, rest) = Level::new(*shape, synthesis.side(), memory);
            level.picture.halve(&levels[levels.len() - 1].picture);
            level.picture.measure_depth();
            level.picture.write_guide(work);
            levels.push(level);
            memory = rest;
        }
        for level in &mut levels {
            level.sources = level.picture.mark_patches();
        }
        while levels.len() > 1 && levels[levels.len() - 1].sources < LEAST_SOURCES {
            levels.pop();
        }
        let coarsest = levels.len() - 1;
        if levels[coarsest].sources == 0 {
            return Ok(None);
        }
        let ways = repeats::find(&mut levels[coarsest], coarsest, isa, pool, ways, work);
        let between = Between::HoleAndKnown(ways);

        // Work is counted in targets seen.
        let rounds = |number: usize, count: usize| ROUNDS.0 + (ROUNDS.1 - ROUNDS.0) * number / (count - 1).max(1);
        let count = levels.len();
        let work_of = |number: usize| (rounds(number, count) * shapes[number].targets.area()) as f32;
        let total = (0..count).map(work_of).sum::<f32>() + work_of(0);
        let mut done = 0.0;
        for number in (0..count).rev() {
            let (level, coarser) = levels.split_at_mut(number + 1);
            let level = &mut level[number];
            match coarser.first() {
                None => search::begin(level, number, between, isa, pool, work),
                Some(coarser) => {
                    search::refine(level, coarser, work);
                    vote::vote(level, 1, pool);
                }
            }
            let rounds = rounds(number, count);
            for round in 0..rounds {
                search::measure(level, number, between, isa, pool);
                for sweep in 0..SWEEPS {
                    let is_coarsest = number + 1 == count;
                    let sweep = Sweep { level: number, is_coarsest, round: round + 1, number: sweep };
                    search::sweep(level, sweep, between, isa, pool);
                }
                let is_last = number == 0 && round + 1 == rounds;
                let sharpness = 1 + (SHARPEST - 1) * round as u64 / rounds as u64;
                vote::vote(level, if is_last { SHARPEST } else { sharpness }, pool);
                done += shapes[number].targets.area() as f32;
                if progress(done / total).is_break() {
                    return Err(Error::cancelled());
                }
            }
        }
        let finest = &levels[0];
        copy::copy(finest, labels, split::<At>(work, fill.area()).0, pool);
        blend.solve(&finest.picture, labels, correction, work);
        finish::finish(&finest.picture, blend.window, labels, network, correction, work);
        Ok(Some(Texture { shape, window: blend.window, labels, correction }))
    }
}

impl Texture<'_> {
    /// Where a pixel to be filled is copied from, and what is added to it, in units of 1/255.
    pub fn at(&self, x: usize, y: usize) -> ((usize, usize), [f32; 3]) {
        let label = self.labels[self.shape.in_fill(x, y).expect("a pixel to be filled")];
        let at = 3 * self.window.index(x, y).expect("around what is filled");
        ((label.x(), label.y()), std::array::from_fn(|c| self.correction[at + c]))
    }
}
