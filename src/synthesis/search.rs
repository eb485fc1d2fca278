//! Looking for the source of every patch: PatchMatch (Barnes et al. 2009, doi 10.1145/1531326.1531330).
//!
//! A sweep goes over the targets in bands of a fixed number of rows. Inside a band, what was found a moment ago counts; over
//! its edge, what was there when the sweep began. So threads never show.

#![allow(unsafe_code)]

use super::level::{AREA, At, BAND, Field, Level, Picture, SIDE, Shape, mark};
use super::patch::{difference, distance};
use super::ways::Ways;
use crate::alloc::{self, split};
use crate::numerics::random;
use crate::parallel::Pool;
use crate::simd::Isa;
use crate::simd::lanes::PatchRow;
use crate::simd::scalar::Scalar;

/// How strongly a patch is held to the network's colours at the rim of a hole, by the square of their difference.
const GUIDE: u64 = 48;

/// Pixels from the rim at which that is half as strong: near the rim the network is right, in the middle it is an average.
const GUIDE_DEPTH: u64 = 12;

/// How strongly a patch is held to its own place, by the square of the way to its source in the photograph's size: an object
/// of the rim is not repeated far from where it is. In holes wider than [`NEAR_SIDE`] it is by their size.
const NEAR: u64 = 500;
const NEAR_SIDE: u64 = 256;

/// A neighbour's source is taken where its distance times this, divided by [`WHOLE`], is less: what is copied coherently is
/// sharp.
const COHERENT: u64 = 52;

/// How much a distance counts, in parts of [`WHOLE`], where the way to the source is preferred.
const PREFERRED: u64 = 48;
const WHOLE: u64 = 64;

/// Farthest that a sweep looks around a source, but for the coarsest level.
const RADIUS: usize = 32;

/// Sweeps after a start at random.
const FIRST_SWEEPS: usize = 4;

/// The most comparisons for which every source is tried at the coarsest level.
const EXHAUSTIVE: u64 = 20_000_000;

/// Where in the run a sweep is: what its random numbers depend on.
#[derive(Clone, Copy)]
pub(super) struct Sweep {
    /// Halvings from the photograph's size.
    pub level: usize,
    pub is_coarsest: bool,
    pub round: usize,
    pub number: usize,
}

/// A number below `count`, from 16 random bits.
fn scaled(bits: u32, count: usize) -> usize {
    ((u64::from(bits & 0xffff) * count as u64) >> 16) as usize
}

/// All sources of a level, row by row, in `memory` of a float for each.
fn list_sources<'m>(level: &Level<'_>, memory: &'m mut [f32]) -> &'m [At] {
    let all = split::<At>(memory, level.sources).0;
    let (width, marks) = (level.picture.shape.width, level.picture.marks.iter().enumerate());
    let places = marks.filter(|(_, marks)| **marks & mark::SOURCE != 0).map(|(i, _)| At::new(i % width, i / width));
    all.iter_mut().zip(places).for_each(|(at, place)| *at = place);
    all
}

/// A source from anywhere in the picture. `all` are its sources, one at least.
fn random_source(picture: &Picture<'_>, all: &[At], kind: u32, target: usize) -> At {
    let Shape { width, height, .. } = picture.shape;
    let pick = |try_: u32| {
        let bits = random(kind, target as u32, try_);
        At::new(scaled(bits, width + 1 - SIDE), scaled(bits >> 16, height + 1 - SIDE))
    };
    // Where sources are few, the next one.
    let next = |at: At| all[all.partition_point(|source| *source < at) % all.len()];
    (0..64).map(pick).find(|at| picture.is(at.x(), at.y(), mark::SOURCE)).unwrap_or_else(|| next(pick(0)))
}

/// What lies between a target and its source.
#[derive(Clone, Copy)]
pub(super) enum Between<'a> {
    /// Targets in the hole and what is known: like the network's colours, and near; these ways are preferred.
    HoleAndKnown(Ways<'a>),
    /// Patches that are known both, so far apart along rows or columns.
    Known { apart: usize },
}

/// How far apart a target and sources are, the network's colours and their places included.
struct Target<'p, 'm> {
    picture: &'p Picture<'m>,
    between: Between<'p>,
    level: usize,
    at: At,
    /// Weight of the network's colours.
    held: u64,
    /// Weight of the square of the way, in pixels of the level.
    near: u64,
}

impl<'p, 'm> Target<'p, 'm> {
    fn new(picture: &'p Picture<'m>, between: Between<'p>, level: usize, at: At) -> Self {
        let depth = ((picture.depth_at(at.x() + SIDE / 2, at.y() + SIDE / 2) << level) / 3) as u64;
        let held = GUIDE * GUIDE_DEPTH.pow(2) / (GUIDE_DEPTH.pow(2) + depth * depth);
        let near = (NEAR << (2 * level)) * NEAR_SIDE.pow(2) / picture.side.max(NEAR_SIDE).pow(2);
        Self { picture, between, level, at, held, near }
    }

    /// The distance, or some value of `limit` or more where it is not below that.
    ///
    /// # Safety
    ///
    /// The CPU has the instruction set of `K`.
    #[inline(always)]
    unsafe fn distance<K: PatchRow>(&self, source: At, limit: u32) -> u32 {
        let Some((apart, is_preferred)) = self.apart(source) else { return limit };
        if apart >= u64::from(limit) {
            return limit;
        }
        let left = limit - apart as u32;
        if !is_preferred {
            // SAFETY: the caller vouches for the CPU.
            return unsafe { apart as u32 + distance::<K>(self.picture, self.at, source, left) };
        }
        let left = (u64::from(left) * WHOLE).div_ceil(PREFERRED).min(u64::from(u32::MAX)) as u32;
        // SAFETY: the caller vouches for the CPU.
        let pixels = unsafe { distance::<K>(self.picture, self.at, source, left) };
        apart as u32 + (u64::from(pixels) * PREFERRED / WHOLE) as u32
    }

    /// What lies between target and source beside the difference of their pixels, and whether the way is preferred. `None`
    /// where the source is no one's.
    #[inline(always)]
    fn apart(&self, source: At) -> Option<(u64, bool)> {
        let (dx, dy) = source.minus(self.at);
        let preferred = match self.between {
            Between::HoleAndKnown(preferred) => preferred,
            Between::Known { apart } => return (dx.abs().max(dy.abs()) >= apart as isize).then_some((0, false)),
        };
        let centre = (SIDE / 2) * self.picture.shape.width + SIDE / 2;
        let [own, other] = [self.at, source].map(|at| self.picture.guide[self.picture.index(at) + centre]);
        let colours = (u64::from(difference(own, other)) * self.held * u64::from(AREA)) >> 6;
        if preferred.has((dx, dy), self.level) {
            return Some((colours, true));
        }
        let way = (dx * dx + dy * dy) as u64;
        Some((colours + ((way * self.near * u64::from(AREA)) >> 14), false))
    }
}

/// What is done with the targets of a band.
#[derive(Clone, Copy)]
enum Task<'a> {
    /// Measures how far the sources are.
    Measure,
    /// Tries all of these sources.
    Exhaust(&'a [At]),
    Sweep(Sweep),
}

/// A band of targets: the rows from `first` on.
struct Band<'a> {
    picture: &'a Picture<'a>,
    first: usize,
    source: &'a mut [At],
    distance: &'a mut [u32],
    /// The sources of all targets when the sweep began.
    before: &'a [At],
    level: usize,
    between: Between<'a>,
    task: Task<'a>,
}

impl Band<'_> {
    /// # Safety
    ///
    /// The CPU has the instruction set of `K`.
    #[inline(always)]
    unsafe fn run<K: PatchRow>(&mut self) {
        let targets = self.picture.shape.targets;
        let count = self.source.len();
        let is_backward = matches!(self.task, Task::Sweep(sweep) if sweep.number % 2 == 1);
        for i in 0..count {
            let i = if is_backward { count - 1 - i } else { i };
            let (x, y) = targets.place(self.first * targets.width + i);
            if !self.picture.is(x, y, mark::TARGET) {
                continue;
            }
            let target = Target::new(self.picture, self.between, self.level, At::new(x, y));
            // SAFETY: the caller vouches for the CPU.
            unsafe {
                match self.task {
                    Task::Measure => self.distance[i] = target.distance::<K>(self.source[i], u32::MAX),
                    Task::Exhaust(sources) => self.exhaust::<K>(&target, i, sources),
                    Task::Sweep(sweep) => self.improve::<K>(&target, i, sweep),
                }
            }
        }
    }

    /// # Safety
    ///
    /// As [`Band::run`].
    #[inline(always)]
    unsafe fn exhaust<K: PatchRow>(&mut self, target: &Target<'_, '_>, i: usize, sources: &[At]) {
        let mut best = Best { source: At::NONE, distance: u32::MAX };
        for source in sources {
            // SAFETY: the caller vouches for the CPU.
            unsafe { best.offer::<K, WHOLE>(target, *source) };
        }
        (self.source[i], self.distance[i]) = (best.source, best.distance);
    }

    /// Takes a neighbour's source, moved along, or one at random around its own, where that is nearer. Where the neighbours'
    /// are its own, nothing is tried at random but at the coarsest level.
    ///
    /// # Safety
    ///
    /// As [`Band::run`].
    #[inline(always)]
    unsafe fn improve<K: PatchRow>(&mut self, target: &Target<'_, '_>, i: usize, sweep: Sweep) {
        let picture = self.picture;
        let Shape { width, height, targets, .. } = picture.shape;
        let mut best = Best { source: self.source[i], distance: self.distance[i] };
        let (column, row) = (i % targets.width, i / targets.width);
        let back: isize = if sweep.number.is_multiple_of(2) { -1 } else { 1 };
        let mut agreeing = 0;
        for (dx, dy) in [(back, 0), (0, back)] {
            let (x, y) = (column.wrapping_add_signed(dx), (self.first + row).wrapping_add_signed(dy));
            if x >= targets.width || y >= targets.height || !picture.is(targets.x + x, targets.y + y, mark::TARGET) {
                continue;
            }
            let at = y * targets.width + x;
            let near = match at.checked_sub(self.first * targets.width) {
                Some(at) if at < self.source.len() => self.source[at],
                _ => self.before[at],
            };
            let (x, y) = (near.x().wrapping_add_signed(-dx), near.y().wrapping_add_signed(-dy));
            agreeing += usize::from(At::new(x, y) == best.source);
            if x < width && y < height {
                // SAFETY: the caller vouches for the CPU.
                unsafe { best.offer::<K, COHERENT>(target, At::new(x, y)) };
            }
        }
        let key = (sweep.level << 16 | sweep.round << 8 | sweep.number) as u32;
        let index = (self.first * targets.width + i) as u32;
        let mut radius = match sweep.is_coarsest {
            true => width.max(height),
            // Inside what is copied as one.
            false if agreeing == 2 => 0,
            false => RADIUS,
        };
        let mut number = 0;
        while radius > 0 {
            let bits = random(key, index, number);
            let around = |v: usize, len: usize, bits: u32| {
                let (first, last) = (v.saturating_sub(radius), (v + radius).min(len - SIDE));
                first + scaled(bits, last + 1 - first)
            };
            let Best { source, .. } = best;
            let source = At::new(around(source.x(), width, bits), around(source.y(), height, bits >> 16));
            // SAFETY: the caller vouches for the CPU.
            unsafe { best.offer::<K, WHOLE>(target, source) };
            (radius, number) = (radius / 2, number + 1);
        }
        (self.source[i], self.distance[i]) = (best.source, best.distance);
    }
}

/// The best source of a target so far.
struct Best {
    source: At,
    distance: u32,
}

impl Best {
    /// Takes `source` where its distance, of which `COUNTS` parts of [`WHOLE`] count, is less.
    ///
    /// # Safety
    ///
    /// As [`Band::run`].
    #[inline(always)]
    unsafe fn offer<K: PatchRow, const COUNTS: u64>(&mut self, target: &Target<'_, '_>, source: At) {
        if source == self.source || !target.picture.is(source.x(), source.y(), mark::SOURCE) {
            return;
        }
        let limit = (u64::from(self.distance) * WHOLE / COUNTS).min(u64::from(u32::MAX)) as u32;
        // SAFETY: the caller vouches for the CPU.
        let distance = unsafe { target.distance::<K>(source, limit) };
        if distance < limit {
            *self = Self { source, distance };
        }
    }
}

/// Runs a band by the kernel of `isa`.
///
/// # Safety
///
/// The CPU has `isa`.
unsafe fn run_band(isa: Isa, band: &mut Band<'_>) {
    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2")]
    unsafe fn avx2(band: &mut Band<'_>) {
        // SAFETY: the caller vouches for AVX2.
        unsafe { band.run::<crate::simd::avx2::Avx2>() }
    }
    // SAFETY: the caller vouches for `isa`; a CPU with AVX-512 has AVX2.
    unsafe {
        match isa {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 | Isa::Avx2 => avx2(band),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => band.run::<crate::simd::neon::Neon>(),
            #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
            Isa::Scalar => band.run::<crate::simd::simd128::Simd128>(),
            _ => band.run::<Scalar>(),
        }
    }
}

fn for_all(level: &mut Level<'_>, number: usize, between: Between<'_>, task: Task<'_>, isa: Isa, pool: &Pool) {
    let Level { picture, field: Field { source, distance, spare }, .. } = level;
    let before = alloc::values_mut::<At>(spare);
    before.copy_from_slice(source);
    let (picture, before, rows) = (&*picture, &*before, BAND * picture.shape.targets.width);
    let bands = source.chunks_mut(rows).zip(distance.chunks_mut(rows)).enumerate();
    pool.each(bands, |(i, (source, distance))| {
        let mut band = Band { picture, first: i * BAND, source, distance, before, level: number, between, task };
        // SAFETY: the engine's instruction set is one of this CPU.
        unsafe { run_band(isa, &mut band) }
    });
}

/// One sweep over all targets.
pub(super) fn sweep(level: &mut Level<'_>, sweep: Sweep, between: Between<'_>, isa: Isa, pool: &Pool) {
    for_all(level, sweep.level, between, Task::Sweep(sweep), isa, pool);
}

/// Measures how far the sources are from their targets.
pub(super) fn measure(level: &mut Level<'_>, number: usize, between: Between<'_>, isa: Isa, pool: &Pool) {
    for_all(level, number, between, Task::Measure, isa, pool);
}

/// Finds the first sources at the coarsest level. `memory` has a float for each that there is, as for those below.
pub(super) fn begin(
    level: &mut Level<'_>,
    number: usize,
    between: Between<'_>,
    isa: Isa,
    pool: &Pool,
    memory: &mut [f32],
) {
    let targets = level.picture.shape.targets;
    if (targets.area() as u64).saturating_mul(level.sources as u64) < EXHAUSTIVE {
        let all = list_sources(level, memory);
        for_all(level, number, between, Task::Exhaust(all), isa, pool);
    } else {
        begin_at_random(level, number, between, isa, pool, memory);
    }
}

/// Finds the first sources at the coarsest level where there are too many to try all.
pub(super) fn begin_at_random(
    level: &mut Level<'_>,
    number: usize,
    between: Between<'_>,
    isa: Isa,
    pool: &Pool,
    memory: &mut [f32],
) {
    let all = list_sources(level, memory);
    for (i, source) in level.field.source.iter_mut().enumerate() {
        *source = random_source(&level.picture, all, 77, i);
    }
    measure(level, number, between, isa, pool);
    for round in 0..FIRST_SWEEPS {
        sweep(level, Sweep { level: number, is_coarsest: true, round: 0, number: round }, between, isa, pool);
    }
}

/// Takes sources and distances over from the coarser level.
pub(super) fn refine(level: &mut Level<'_>, coarse: &Level<'_>, memory: &mut [f32]) {
    let Level { picture, field, .. } = level;
    let Shape { width, height, targets, .. } = picture.shape;
    let wide = coarse.picture.shape;
    let mut lacking = None;
    for i in 0..targets.area() {
        let (x, y) = targets.place(i);
        if !picture.is(x, y, mark::TARGET) {
            continue;
        }
        let (mut source, mut far) = (None, 1 << 20);
        if let Some((cx, cy)) =
            nearest_target(&coarse.picture, (x / 2).min(wide.width - SIDE), (y / 2).min(wide.height - SIDE))
        {
            let j = wide.in_targets(cx, cy).expect("targets lie in their rectangle");
            let from = coarse.field.source[j];
            far = coarse.field.distance[j];
            let moved = |from: usize, here: usize, there: usize, len: usize| {
                (2 * from + here).saturating_sub(2 * there).min(len - SIDE)
            };
            let (sx, sy) = (moved(from.x(), x, cx, width), moved(from.y(), y, cy, height));
            source = nearest_source(picture, sx, sy);
        }
        field.source[i] = source.unwrap_or(At::NONE);
        field.distance[i] = far;
        if source.is_none() {
            lacking.get_or_insert(i);
        }
    }
    let Some(first) = lacking else { return };
    let all = list_sources(level, memory);
    for (i, source) in level.field.source.iter_mut().enumerate().skip(first) {
        if *source == At::NONE {
            *source = random_source(&level.picture, all, 78, i);
        }
    }
}

/// The target nearest to (x, y), no more than 3 pixels away.
fn nearest_target(picture: &Picture<'_>, x: usize, y: usize) -> Option<(usize, usize)> {
    nearest(picture, x, y, 3, mark::TARGET)
}

/// The source nearest to (x, y), less than a patch away.
fn nearest_source(picture: &Picture<'_>, x: usize, y: usize) -> Option<At> {
    nearest(picture, x, y, SIDE - 1, mark::SOURCE).map(|(x, y)| At::new(x, y))
}

fn nearest(picture: &Picture<'_>, x: usize, y: usize, radius: usize, mark: u8) -> Option<(usize, usize)> {
    let Shape { width, height, .. } = picture.shape;
    let span = |v: usize, r: usize, len: usize| v.saturating_sub(r)..(v + r + 1).min(len);
    (0..=radius).find_map(|r| {
        let places = span(y, r, height).flat_map(|y| span(x, r, width).map(move |x| (x, y)));
        places.into_iter().find(|(x, y)| picture.is(*x, *y, mark))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Rect;

    /// The pick of a walk over all places, row by row, from the first place that is picked.
    fn walked(picture: &Picture<'_>, target: usize) -> At {
        let (columns, rows) = (picture.shape.width + 1 - SIDE, picture.shape.height + 1 - SIDE);
        let pick = |try_: u32| {
            let bits = random(9, target as u32, try_);
            (scaled(bits, columns), scaled(bits >> 16, rows))
        };
        let is_source = |(x, y): &(usize, usize)| picture.is(*x, *y, mark::SOURCE);
        let (x, y) = (0..64).map(pick).find(is_source).unwrap_or_else(|| {
            let (x, y) = pick(0);
            (y * columns + x..).map(|i| (i % columns, i / columns % rows)).find(is_source).unwrap()
        });
        At::new(x, y)
    }

    #[test]
    fn a_source_at_random_is_the_next_where_sources_are_few() {
        let shape = Shape::new(90, 70, Rect { x: 0, y: 0, width: 90, height: 70 });
        for known in [Rect { x: 0, y: 0, width: 7, height: 7 }, Rect { x: 50, y: 31, width: 9, height: 8 }] {
            let mut memory = vec![f32::NAN; shape.floats()];
            let (mut level, _) = Level::new(shape, 90, &mut memory);
            for (i, marks) in level.picture.marks.iter_mut().enumerate() {
                let is_known = known.index(i % shape.width, i / shape.width).is_some();
                *marks = if is_known { 0 } else { mark::UNKNOWN | mark::FILL };
            }
            level.sources = level.picture.mark_patches();
            let mut memory = vec![f32::NAN; level.sources];
            let all = list_sources(&level, &mut memory);
            assert_eq!(all.len(), (known.width + 1 - SIDE) * (known.height + 1 - SIDE));
            for target in 0..200 {
                assert_eq!(random_source(&level.picture, all, 9, target), walked(&level.picture, target));
            }
        }
    }
}
