//! Groups of a hole: what is filled together, and what the network sees of the photograph meanwhile.
//!
//! A network of bounded context sees the photograph as far as `context` pixels from the hole, along rows and columns. Parts
//! of the hole whose surroundings meet are one group. Groups are independent: what one looks like does not depend on the
//! others, nor on the size of the photograph.

use std::ops::Range;

use super::bits::MaskView;
use super::rect::Rect;
use crate::alloc::{self, List, Plain, floats_for};

/// A run of pixels in a row that a group sees, its hole among them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(C)]
pub(crate) struct Run {
    /// The first run of its group.
    group: u32,
    y: u32,
    start: u32,
    end: u32,
}

#[allow(unsafe_code)]
// SAFETY: four integers of one size.
unsafe impl Plain for Run {}

/// A group: some of the hole, and what is seen with it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Group<'m> {
    mask: MaskView<'m>,
    /// In the order of rows, then columns; `None` where all of the photograph is seen.
    runs: Option<&'m [Run]>,
    /// The smallest rectangle that holds all that is seen.
    pub seen: Rect,
}

impl<'m> Group<'m> {
    /// The whole hole, with all of the photograph around it.
    pub fn whole(mask: &MaskView<'m>) -> Self {
        Self { mask: *mask, runs: None, seen: mask.whole() }
    }

    fn new(mask: &MaskView<'m>, runs: &'m [Run]) -> Self {
        let rows = runs[0].y..runs[runs.len() - 1].y + 1;
        let start = runs.iter().map(|run| run.start).min().unwrap_or(0);
        let end = runs.iter().map(|run| run.end).max().unwrap_or(0);
        let [x, y, width, height] = [start, rows.start, end - start, rows.end - rows.start].map(|v| v as usize);
        Self { mask: *mask, runs: Some(runs), seen: Rect { x, y, width, height } }
    }

    /// The mask that the hole is of.
    pub fn mask(&self) -> MaskView<'m> {
        self.mask
    }

    /// What is seen in `columns` of row `y`, left to right.
    pub fn seen(&self, y: usize, columns: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        let runs = self.runs.unwrap_or_default();
        let runs = &runs[runs.partition_point(|run| (run.y as usize) < y)..];
        let of_row = runs.iter().take_while(move |run| run.y as usize == y);
        let of_row = of_row.map(|run| run.start as usize..run.end as usize);
        let all = self.runs.is_none().then(|| columns.clone());
        let clip = move |run: Range<usize>| run.start.max(columns.start)..run.end.min(columns.end);
        all.into_iter().chain(of_row).map(clip).filter(|run| run.start < run.end)
    }

    /// The group's hole in `columns` of row `y`, left to right.
    pub fn hole(&self, y: usize, columns: Range<usize>) -> impl Iterator<Item = Range<usize>> {
        self.seen(y, columns).flat_map(move |seen| self.mask.runs(y, seen))
    }

    /// The smallest rectangle that holds the group's hole in `area`.
    #[inline(never)]
    pub fn bounds(&self, area: Rect) -> Option<Rect> {
        let extents = |y| self.seen(y, area.columns()).filter_map(move |seen| self.mask.extent(y, seen));
        Rect::around(area.rows().flat_map(|y| extents(y).map(move |run| (y, run))))
    }

    /// Whether `area` is all hole of this group.
    pub fn is_all_hole(&self, area: Rect) -> bool {
        area.rows().all(|y| self.hole(y, area.columns()).map(|run| run.len()).sum::<usize>() == area.width)
    }
}

/// The groups of a hole.
pub(crate) struct Groups<'m> {
    mask: MaskView<'m>,
    /// Sorted by group; `None` where context is unbounded and the hole is one group.
    runs: Option<&'m [Run]>,
}

impl<'m> Groups<'m> {
    /// Floats that [`Groups::find`] takes, known in the same time; `columns` has a number for each of the mask.
    pub fn floats(mask: &MaskView<'_>, context: Option<usize>, columns: &mut [u32]) -> usize {
        let Some(context) = context else { return 0 };
        let mut count = 0;
        for_each_seen(mask, context, columns, |_, _| count += 1);
        floats_for::<Run>(count)
    }

    /// The most floats for any hole in an image of this size.
    pub fn most_floats(width: usize, height: usize, context: Option<usize>) -> usize {
        let runs = context.map_or(0, |context| width.div_ceil(context.saturating_mul(2).saturating_add(2)));
        floats_for::<Run>(runs.saturating_mul(height))
    }

    /// Finds the groups, in `memory` of [`Groups::floats`] and any content.
    pub fn find(mask: &MaskView<'m>, context: Option<usize>, columns: &mut [u32], memory: &'m mut [f32]) -> Self {
        let Some(context) = context else { return Self { mask: *mask, runs: None } };
        let mut runs = List::<Run>::new(alloc::values_mut(memory));
        // The runs of the row above, and those of this row so far.
        let (mut above, mut row, mut row_y) = (0..0, 0..0, 0);
        for_each_seen(mask, context, columns, |y, run| {
            if y != row_y {
                above = if y == row_y + 1 { row.clone() } else { 0..0 };
                (row, row_y) = (runs.len()..runs.len(), y);
            }
            let new = runs.len();
            let [group, y, start, end] = [new, y, run.start, run.end].map(|v| v as u32);
            runs.push(Run { group, y, start, end });
            row.end = new + 1;
            for i in above.clone() {
                if runs[i].start < end && start < runs[i].end {
                    join(&mut runs, i, new);
                }
            }
        });
        let (runs, _) = runs.into_parts();
        for i in 0..runs.len() {
            runs[i].group = root(runs, i) as u32;
        }
        sort(runs);
        Self { mask: *mask, runs: Some(runs) }
    }

    /// The groups, by their first rows.
    pub fn iter(&self) -> impl Iterator<Item = Group<'m>> {
        let whole = self.runs.is_none().then(|| Group::whole(&self.mask));
        let runs = self.runs.unwrap_or_default().chunk_by(|a, b| a.group == b.group);
        whole.into_iter().chain(runs.map(|runs| Group::new(&self.mask, runs)))
    }
}

/// Sorts by group, then by rows and columns: a heap sort, since the standard library's sorts are a hundredth of the C library.
fn sort(runs: &mut [Run]) {
    let key = |run: &Run| (run.group, run.y, run.start);
    let sink = |runs: &mut [Run], mut i: usize| {
        while let Some(mut child) = Some(2 * i + 1).filter(|child| *child < runs.len()) {
            if child + 1 < runs.len() && key(&runs[child]) < key(&runs[child + 1]) {
                child += 1;
            }
            if key(&runs[i]) >= key(&runs[child]) {
                break;
            }
            runs.swap(i, child);
            i = child;
        }
    };
    (0..runs.len() / 2).rev().for_each(|i| sink(runs, i));
    for end in (1..runs.len()).rev() {
        runs.swap(0, end);
        sink(&mut runs[..end], 0);
    }
}

/// The first run of the group of run `i`.
fn root(runs: &[Run], mut i: usize) -> usize {
    while runs[i].group as usize != i {
        i = runs[i].group as usize;
    }
    i
}

/// Makes one group of those of two runs, and shortens the way to its first run.
fn join(runs: &mut List<'_, Run>, a: usize, b: usize) {
    let (a_root, b_root) = (root(runs, a), root(runs, b));
    let first = a_root.min(b_root) as u32;
    for i in [a, b, a_root, b_root] {
        runs[i].group = first;
    }
}

/// Calls `each` with every run of pixels within `context` of the hole, row by row; `until` is a number for each column.
fn for_each_seen(mask: &MaskView<'_>, context: usize, until: &mut [u32], mut each: impl FnMut(usize, Range<usize>)) {
    let (width, height) = (mask.width(), mask.height());
    let until = &mut until[..width];
    until.fill(0);
    let (mut entered, mut end, mut columns) = (0, 0, width..0);
    for y in 0..height {
        // A column is seen until the row `context` below its last hole pixel.
        while entered < height && entered <= y.saturating_add(context) {
            let mut x = 0;
            while let Some(first) = mask.first(entered, x..width) {
                // On to the next gap that two contexts do not close.
                x = first + 1;
                let reach = |x: usize| x..x.saturating_add(context.saturating_mul(2)).saturating_add(1).min(width);
                while let Some(last) = mask.last(entered, reach(x)) {
                    x = last + 1;
                }
                let run = first.saturating_sub(context)..x.saturating_add(context).min(width);
                end = entered.saturating_add(context).saturating_add(1).min(height);
                columns = columns.start.min(run.start)..columns.end.max(run.end);
                until[run].fill(end as u32);
            }
            entered += 1;
        }
        if y >= end {
            columns = width..0;
            continue;
        }
        let mut x = columns.start;
        while let Some(len) = until[x..columns.end].iter().position(|until| *until as usize > y) {
            let start = x + len;
            x = until[start..columns.end]
                .iter()
                .position(|until| *until as usize <= y)
                .map_or(columns.end, |len| start + len);
            each(y, start..x);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Mask;

    /// The groups by definition: pixels within `context` of a hole pixel, joined with their neighbours.
    fn expected(mask: &Mask, context: usize) -> Vec<Vec<(usize, usize)>> {
        let (width, height) = (mask.width(), mask.height());
        let near = |v: usize, end: usize| v.saturating_sub(context)..(v + context + 1).min(end);
        let is_seen = |x: usize, y: usize| near(y, height).any(|y| near(x, width).any(|x| mask.is_hole(x, y)));
        let mut left: Vec<Vec<bool>> = (0..height).map(|y| (0..width).map(|x| is_seen(x, y)).collect()).collect();
        let mut groups = Vec::new();
        for y in 0..height {
            for x in 0..width {
                let (mut group, mut reached) = (Vec::new(), vec![(x, y)]);
                while let Some((x, y)) = reached.pop() {
                    if std::mem::take(&mut left[y][x]) {
                        group.push((y, x));
                        let near = [(x.wrapping_sub(1), y), (x + 1, y), (x, y.wrapping_sub(1)), (x, y + 1)];
                        reached.extend(near.into_iter().filter(|(x, y)| *x < width && *y < height));
                    }
                }
                if !group.is_empty() {
                    group.sort();
                    groups.push(group);
                }
            }
        }
        groups
    }

    #[test]
    fn groups_are_holes_whose_surroundings_meet() {
        let mut state = 7u64;
        let mut next = |n: usize| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) as usize % n
        };
        for i in 0..if cfg!(miri) { 3 } else { 200 } {
            let (width, height, context) = (1 + next(90), 1 + next(40), 1 + next(9));
            let mut mask = Mask::new(width, height).unwrap();
            for _ in 0..next(7) {
                let (x, y) = (next(width), next(height));
                mask.add_box(x..(x + 1 + next(6)).min(width), y..(y + 1 + next(6)).min(height));
            }
            let mut columns = vec![9; width];
            let view = mask.view();
            let mut memory = vec![0.0; Groups::floats(&view, Some(context), &mut columns)];
            assert!(memory.len() <= Groups::most_floats(width, height, Some(context)), "{i}");
            let groups = Groups::find(&view, Some(context), &mut columns, &mut memory);
            let found: Vec<Vec<_>> = groups
                .iter()
                .map(|group| {
                    let rows = group.seen.rows();
                    rows.flat_map(|y| group.seen(y, 0..width).flatten().map(move |x| (y, x))).collect()
                })
                .collect();
            assert_eq!(found, expected(&mask, context), "{i}");
            let holes = groups.iter().flat_map(|group| (0..height).map(move |y| (group, y)));
            let hole: usize = holes.map(|(group, y)| group.hole(y, 0..width).map(|run| run.len()).sum::<usize>()).sum();
            assert_eq!(hole, mask.count(), "{i}");
        }
    }
}
