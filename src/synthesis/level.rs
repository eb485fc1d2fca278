//! A level of the pyramid: the photograph around a hole at one size, what of it is to be filled, and what it may be filled from.

use std::ops::Range;

use crate::alloc::{self, floats_for, split};
use crate::mask::Rect;

/// Side of a patch, pixels.
pub(super) const SIDE: usize = 7;

/// Rows of a band: threads work on bands, which see the others as they were before the sweep.
pub(super) const BAND: usize = 16;

/// Pixels of a patch.
pub(super) const AREA: u32 = (SIDE * SIDE) as u32;

/// Pixels after a level's last that a kernel reads and does not count.
pub(super) const PADDING: usize = 1;

/// Red, green, blue and energy, the strength of the texture around a pixel.
pub(crate) type Pixel = [u8; 4];

/// Marks of a pixel.
pub(crate) mod mark {
    /// It belongs to the hole, or shows nothing: no patch is taken from it.
    pub const UNKNOWN: u8 = 1;
    /// It is to be filled.
    pub const FILL: u8 = 2;
    /// The patch whose first pixel it is lies in the picture and is known throughout.
    pub const SOURCE: u8 = 4;
    /// The patch whose first pixel it is lies in the picture and has pixels to be filled.
    pub const TARGET: u8 = 8;
    /// Nothing near tells its energy.
    pub const BLANK: u8 = 16;
}

/// A place in a level: row and column of 16 bits each. Places are in the order of rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(transparent)]
pub(crate) struct At(u32);

#[allow(unsafe_code)]
// SAFETY: an integer of four bytes.
unsafe impl alloc::Plain for At {}

impl At {
    /// No place.
    pub const NONE: Self = Self(u32::MAX);

    pub fn new(x: usize, y: usize) -> Self {
        Self((y << 16 | x) as u32)
    }

    pub fn x(self) -> usize {
        (self.0 & 0xffff) as usize
    }

    pub fn y(self) -> usize {
        (self.0 >> 16) as usize
    }

    /// The place so many columns and rows further; the caller knows that it is one.
    pub fn shifted(self, dx: isize, dy: isize) -> Self {
        Self(self.0.wrapping_add(((dy << 16) + dx) as u32))
    }

    /// Columns and rows from `from` to here.
    pub fn minus(self, from: Self) -> (isize, isize) {
        (self.x() as isize - from.x() as isize, self.y() as isize - from.y() as isize)
    }
}

/// Where everything lies in a level: known from the places of photograph and hole alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub width: usize,
    pub height: usize,
    /// The smallest rectangle that holds what is to be filled.
    pub fill: Rect,
    /// First pixels of the patches that touch it.
    pub targets: Rect,
}

impl Shape {
    pub fn new(width: usize, height: usize, fill: Rect) -> Self {
        let (x, y) = (fill.x.saturating_sub(SIDE - 1), fill.y.saturating_sub(SIDE - 1));
        let end = |end: usize, len: usize| end.min((len + 1).saturating_sub(SIDE));
        let (right, bottom) = (end(fill.x + fill.width, width), end(fill.y + fill.height, height));
        let targets = Rect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) };
        Self { width, height, fill, targets }
    }

    /// The next level, half as large.
    pub fn halved(&self) -> Self {
        let (width, height, fill) = (self.width / 2, self.height / 2, self.fill);
        let (x, y) = (fill.x / 2, fill.y / 2);
        let (right, bottom) =
            ((fill.x + fill.width).div_ceil(2).min(width), (fill.y + fill.height).div_ceil(2).min(height));
        let fill = Rect { x, y, width: right.saturating_sub(x), height: bottom.saturating_sub(y) };
        Self::new(width, height, fill)
    }

    pub fn area(&self) -> usize {
        self.width * self.height
    }

    /// Index of a pixel among those of `fill`, where it is one.
    pub fn in_fill(&self, x: usize, y: usize) -> Option<usize> {
        self.fill.index(x, y)
    }

    /// Index of a patch among those of `targets`, where it is one.
    pub fn in_targets(&self, x: usize, y: usize) -> Option<usize> {
        self.targets.index(x, y)
    }

    /// Columns and rows from the first pixels of the patches over a pixel of `fill` to it.
    pub fn over(&self, x: usize, y: usize) -> (Range<usize>, Range<usize>) {
        let span = |v: usize, first: usize, len: usize| (v + 1).saturating_sub(first + len)..(v + 1 - first).min(SIDE);
        let Rect { x: left, y: top, width, height } = self.targets;
        (span(x, left, width), span(y, top, height))
    }

    fn pixels(&self) -> usize {
        self.area() + PADDING
    }

    /// Floats of its memory.
    pub fn floats(&self) -> usize {
        let (fill, targets) = (self.fill.area(), self.targets.area());
        floats_for::<Pixel>(self.pixels())
            + floats_for::<u8>(self.area())
            + floats_for::<Pixel>(self.area())
            + floats_for::<Pixel>(fill)
            + floats_for::<u16>(fill)
            + 3 * floats_for::<u32>(targets)
    }
}

/// A level in its memory.
pub(super) struct Level<'m> {
    pub picture: Picture<'m>,
    pub field: Field<'m>,
    /// Of the pixels in `shape.fill`: what the patches agree on.
    pub voted: &'m mut [Pixel],
    /// How many patches others may take after.
    pub sources: usize,
}

/// The pixels of a level.
pub(super) struct Picture<'m> {
    pub shape: Shape,
    /// The longer side of what is to be filled, at the photograph's size.
    pub side: u64,
    /// `[height, width]` and [`PADDING`].
    pub pixels: &'m mut [Pixel],
    /// Of [`mark`]s, `[height, width]`.
    pub marks: &'m mut [u8],
    /// The network's colours, blurred, `[height, width]`.
    pub guide: &'m mut [Pixel],
    /// Of the pixels in `shape.fill`: distance to the nearest that is known, thirds of a pixel.
    pub depth: &'m mut [u16],
}

/// What the patches in `shape.targets` take after.
pub(super) struct Field<'m> {
    pub source: &'m mut [At],
    /// How far each is from its source.
    pub distance: &'m mut [u32],
    /// Memory of a step, a number for each.
    pub spare: &'m mut [f32],
}

impl<'m> Level<'m> {
    /// A level in the first [`Shape::floats`] of `memory`, and the rest.
    pub fn new(shape: Shape, side: u64, memory: &'m mut [f32]) -> (Self, &'m mut [f32]) {
        let (fill, targets) = (shape.fill.area(), shape.targets.area());
        let (pixels, memory) = split(memory, shape.pixels());
        let (marks, memory) = split(memory, shape.area());
        let (guide, memory) = split(memory, shape.area());
        let (voted, memory) = split(memory, fill);
        let (depth, memory) = split(memory, fill);
        let (source, memory) = split(memory, targets);
        let (distance, memory) = split(memory, targets);
        let (spare, memory) = memory.split_at_mut(targets);
        let picture = Picture { shape, side, pixels, marks, guide, depth };
        (Self { picture, field: Field { source, distance, spare }, voted, sources: 0 }, memory)
    }
}

impl Picture<'_> {
    /// Half of `finer`: means of 2×2 pixels; one that is unknown or to be filled makes all four so.
    pub fn halve(&mut self, finer: &Picture<'_>) {
        let (width, wide) = (self.shape.width, finer.shape.width);
        for y in 0..self.shape.height {
            for x in 0..width {
                let at = 2 * (y * wide + x);
                let under = [at, at + 1, at + wide, at + wide + 1];
                let sum = |c: usize| under.iter().map(|i| u32::from(finer.pixels[*i][c])).sum::<u32>();
                self.pixels[y * width + x] = std::array::from_fn(|c| ((sum(c) + 2) / 4) as u8);
                let marks = under.iter().fold(0, |marks, i| marks | finer.marks[*i]);
                self.marks[y * width + x] = marks & (mark::UNKNOWN | mark::FILL);
            }
        }
    }

    /// Marks the first pixels of sources and targets. Returns how many sources there are.
    pub fn mark_patches(&mut self) -> usize {
        let Shape { width, height, .. } = self.shape;
        // Bits of a pixel for what lies right of it in a patch's width.
        const ROW_UNKNOWN: u8 = 32;
        const ROW_FILL: u8 = 64;
        for row in self.marks.chunks_exact_mut(width) {
            let (mut unknown, mut fill) = (width, width);
            for x in (0..width).rev() {
                unknown = if row[x] & mark::UNKNOWN != 0 { x } else { unknown };
                fill = if row[x] & mark::FILL != 0 { x } else { fill };
                let has = |nearest: usize, bit: u8| if nearest < (x + SIDE).min(width) { bit } else { 0 };
                row[x] |= has(unknown, ROW_UNKNOWN) | has(fill, ROW_FILL);
            }
        }
        let (mut sources, columns) = (0, (width + 1).saturating_sub(SIDE));
        for y in 0..(height + 1).saturating_sub(SIDE) {
            for x in 0..columns {
                let marks = (0..SIDE).fold(0, |marks, i| marks | self.marks[(y + i) * width + x]);
                let is_source = marks & ROW_UNKNOWN == 0;
                let is_target = marks & ROW_FILL != 0;
                let of_source = if is_source { mark::SOURCE } else { 0 };
                let of_target = if is_target { mark::TARGET } else { 0 };
                self.marks[y * width + x] |= of_source | of_target;
                sources += usize::from(is_source);
            }
        }
        sources
    }

    /// Writes the guide: the pixels, twice blurred by squares of 5×5. `memory` has a pixel for each.
    pub fn write_guide(&mut self, memory: &mut [f32]) {
        let Shape { width, height, .. } = self.shape;
        let between = &mut split::<Pixel>(memory, width * height).0[..];
        self.guide.copy_from_slice(&self.pixels[..width * height]);
        for _ in 0..2 {
            for (row, out) in self.guide.chunks_exact(width).zip(between.chunks_exact_mut(width)) {
                let near = |x: usize| {
                    [2, 1, 0].map(|d| x.saturating_sub(d)).into_iter().chain([1, 2].map(|d| (x + d).min(width - 1)))
                };
                let inner = width.saturating_sub(4);
                if inner > 0 {
                    mean_of_five(
                        [0, 1, 2, 3, 4].map(|d| row[d..d + inner].as_flattened()),
                        out[2..2 + inner].as_flattened_mut(),
                    );
                }
                for x in (0..width.min(2)).chain((2 + inner).min(width)..width) {
                    let mut pixels = [[0; 4]; 5];
                    pixels.iter_mut().zip(near(x)).for_each(|(pixel, x)| *pixel = row[x]);
                    mean_of_five(pixels.each_ref().map(|pixel| &pixel[..]), &mut out[x]);
                }
            }
            for (y, out) in self.guide.chunks_exact_mut(width).enumerate() {
                let row = |y: usize| between[y * width..][..width].as_flattened();
                let (above, below) =
                    ([2, 1].map(|d| row(y.saturating_sub(d))), [1, 2].map(|d| row((y + d).min(height - 1))));
                mean_of_five([above[0], above[1], row(y), below[0], below[1]], out.as_flattened_mut());
            }
        }
    }

    /// Distances of the pixels to be filled from what is known, by steps of 3 along rows and columns and of 4 across (Borgefors
    /// 1986). Returns the largest.
    pub fn measure_depth(&mut self) -> usize {
        let Shape { width, height, fill, .. } = self.shape;
        let Self { marks, depth, .. } = self;
        chamfer(depth, fill, (width, height), |x, y| marks[y * width + x] & mark::UNKNOWN != 0)
    }

    pub fn index(&self, at: At) -> usize {
        at.y() * self.shape.width + at.x()
    }

    pub fn pixel(&self, at: At) -> Pixel {
        self.pixels[self.index(at)]
    }

    pub fn is(&self, x: usize, y: usize, mark: u8) -> bool {
        self.marks[y * self.shape.width + x] & mark != 0
    }

    /// Runs of pixels with one of `marks` in row `y` of `window`, counted from its left.
    pub fn runs(&self, window: Rect, y: usize, marks: u8) -> impl Iterator<Item = Range<usize>> {
        let has = move |x: &usize| self.is(window.x + x, window.y + y, marks);
        let mut x = 0;
        std::iter::from_fn(move || {
            let start = (x..window.width).find(has)?;
            x = (start..window.width).find(|x| !has(x)).unwrap_or(window.width);
            Some(start..x)
        })
    }

    /// The place next to `at`, where it is in the picture and known.
    pub fn known(&self, at: At, (dx, dy): (isize, isize)) -> Option<At> {
        let (x, y) = (at.x().wrapping_add_signed(dx), at.y().wrapping_add_signed(dy));
        let is_there = x < self.shape.width && y < self.shape.height && !self.is(x, y, mark::UNKNOWN);
        is_there.then(|| At::new(x, y))
    }

    /// Distance of a pixel to what is known, thirds of a pixel.
    pub fn depth_at(&self, x: usize, y: usize) -> usize {
        self.shape.in_fill(x, y).map_or(0, |i| usize::from(self.depth[i]))
    }
}

/// Writes the mean of the five bytes at each place, rounded.
fn mean_of_five(of: [&[u8]; 5], out: &mut [u8]) {
    let [a, b, c, d, e] = of;
    for (((((out, a), b), c), d), e) in out.iter_mut().zip(a).zip(b).zip(c).zip(d).zip(e) {
        let sum = u16::from(*a) + u16::from(*b) + u16::from(*c) + u16::from(*d) + u16::from(*e);
        *out = ((sum + 2) / 5) as u8;
    }
}

/// The shortest way to (x, y) over its neighbours of the row before and in the own row, thirds of a pixel; `back` is −1, or 1
/// where rows are gone through from the last. `far` tells how long the way to a neighbour is.
pub(crate) fn chamfer_step((x, y): (usize, usize), back: usize, far: impl Fn(usize, usize) -> u16) -> u16 {
    let (before, row) = (x.wrapping_add(back), y.wrapping_add(back));
    let straight = far(before, y).min(far(x, row)).saturating_add(3);
    let across = far(x.wrapping_sub(1), row).min(far(x + 1, row)).saturating_add(4);
    straight.min(across)
}

/// Writes for every pixel of `area` the distance to the nearest in the picture for which `is_inside` does not hold. Returns the
/// largest.
fn chamfer(
    out: &mut [u16],
    area: Rect,
    (width, height): (usize, usize),
    is_inside: impl Fn(usize, usize) -> bool,
) -> usize {
    let far = |out: &[u16], x: usize, y: usize| match area.index(x, y) {
        Some(i) => out[i],
        None if x >= width || y >= height || is_inside(x, y) => u16::MAX,
        None => 0,
    };
    let nearest = |out: &[u16], x, y, back| chamfer_step((x, y), back, |x, y| far(out, x, y));
    for i in 0..area.area() {
        let (x, y) = area.place(i);
        out[i] = if is_inside(x, y) { nearest(out, x, y, usize::MAX) } else { 0 };
    }
    let mut most = 0;
    for i in (0..area.area()).rev() {
        let (x, y) = area.place(i);
        out[i] = out[i].min(nearest(out, x, y, 1));
        most = most.max(out[i]);
    }
    usize::from(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(seed: u32) -> impl FnMut(usize) -> usize {
        let mut state = seed;
        move |count| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 8) as usize % count
        }
    }

    #[test]
    fn places_keep_their_columns_and_rows() {
        let at = At::new(700, 0x7ffe);
        assert_eq!((at.x(), at.y()), (700, 0x7ffe));
        assert_eq!(at.shifted(-7, 1), At::new(693, 0x7fff));
        assert_eq!(At::new(3, 9).minus(at), (-697, 9 - 0x7ffe));
    }

    /// Shortest ways by steps of 3 and 4 within the area, by going over all pixels until nothing changes.
    #[test]
    fn distances_are_those_of_the_shortest_steps() {
        let mut next = numbers(5);
        for _ in 0..40 {
            let (width, height) = (1 + next(20), 1 + next(20));
            let (x, y) = (next(width), next(height));
            let area = Rect { x, y, width: 1 + next(width - x), height: 1 + next(height - y) };
            let inside: Vec<bool> = (0..width * height).map(|_| next(8) > 0).collect();
            let is_inside = |x: usize, y: usize| inside[y * width + x];
            let mut expected: Vec<u16> = inside.iter().map(|inside| if *inside { u16::MAX } else { 0 }).collect();
            let mut changes = true;
            while std::mem::take(&mut changes) {
                for (x, y) in area.columns().flat_map(|x| area.rows().map(move |y| (x, y))) {
                    for (dx, dy) in (-1..2).flat_map(|dx| (-1..2).map(move |dy| (dx, dy))) {
                        let (nx, ny) = (x.wrapping_add_signed(dx), y.wrapping_add_signed(dy));
                        if (dx, dy) == (0, 0) || nx >= width || ny >= height {
                            continue;
                        }
                        let there = expected[ny * width + nx];
                        let way = there.saturating_add(2 + (dx.unsigned_abs() + dy.unsigned_abs()) as u16);
                        if way < expected[y * width + x] {
                            (expected[y * width + x], changes) = (way, true);
                        }
                    }
                }
            }
            let mut found = vec![9; area.area()];
            let most = chamfer(&mut found, area, (width, height), is_inside);
            let expected: Vec<u16> = area
                .rows()
                .flat_map(|y| area.columns().map(move |x| (x, y)))
                .map(|(x, y)| expected[y * width + x])
                .collect();
            assert_eq!(found, expected, "{width}×{height}, {area:?}");
            assert_eq!(most, expected.iter().copied().max().map_or(0, usize::from));
        }
    }

    #[test]
    fn sources_are_known_throughout_and_targets_touch_the_hole() {
        let mut next = numbers(8);
        for _ in 0..20 {
            let (width, height) = (SIDE + next(20), SIDE + next(20));
            let fill = Rect { x: next(width - 3), y: next(height - 3), width: 1 + next(3), height: 1 + next(3) };
            let shape = Shape::new(width, height, fill);
            let mut memory = vec![0.0; shape.floats()];
            let (mut level, _) = Level::new(shape, 1, &mut memory);
            let unknown: Vec<bool> = (0..width * height).map(|_| next(60) == 0).collect();
            let is_fill = |x: usize, y: usize| fill.columns().contains(&x) && fill.rows().contains(&y);
            for (i, marks) in level.picture.marks.iter_mut().enumerate() {
                *marks = match is_fill(i % width, i / width) {
                    true => mark::FILL | mark::UNKNOWN,
                    false => {
                        if unknown[i] {
                            mark::UNKNOWN
                        } else {
                            0
                        }
                    }
                };
            }
            let before = level.picture.marks.to_vec();
            let sources = level.picture.mark_patches();
            let mut count = 0;
            for (x, y) in (0..width).flat_map(|x| (0..height).map(move |y| (x, y))) {
                let fits = x + SIDE <= width && y + SIDE <= height;
                let patch =
                    || (y..(y + SIDE).min(height)).flat_map(|y| (x..(x + SIDE).min(width)).map(move |x| (x, y)));
                let is_source = fits && patch().all(|(x, y)| before[y * width + x] & mark::UNKNOWN == 0);
                let is_target = fits && patch().any(|(x, y)| before[y * width + x] & mark::FILL != 0);
                assert_eq!(level.picture.is(x, y, mark::SOURCE), is_source, "{x}, {y}");
                assert_eq!(level.picture.is(x, y, mark::TARGET), is_target, "{x}, {y}");
                assert!(!is_target || shape.in_targets(x, y).is_some());
                count += usize::from(is_source);
            }
            assert_eq!(sources, count);
            // The patches over a pixel of the hole are targets, and there is one at least.
            for (x, y) in fill.columns().flat_map(|x| fill.rows().map(move |y| (x, y))) {
                let (columns, rows) = shape.over(x, y);
                assert!(!columns.is_empty() && !rows.is_empty());
                for (dx, dy) in columns.flat_map(|dx| rows.clone().map(move |dy| (dx, dy))) {
                    assert!(level.picture.is(x - dx, y - dy, mark::TARGET));
                }
            }
        }
    }
}
