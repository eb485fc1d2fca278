//! Windows of the layers over planes: how much of each is known, and what each reads.

use std::ops::Range;

use super::map::Pixel;
use super::plane::Plane;

/// The pixels that a stride-2 window of side `kernel` around output `v` covers, along one axis.
pub(crate) fn strided(v: isize, kernel: usize) -> Range<isize> {
    let first = 2 * v - (kernel / 2) as isize;
    first..first + kernel as isize
}

/// Counts the pixels of `plane` in the stride-2 windows of outputs `columns` of row `y`.
pub(crate) fn encoder_row(
    plane: &Plane<'_>,
    kernel: usize,
    y: isize,
    columns: Range<isize>,
    sums: &mut [u32],
    mut each: impl FnMut(isize, u32),
) {
    let sums = sum_rows(plane, strided(y, kernel), sums);
    for x in columns {
        each(x, sums[plane.indices(strided(x, kernel))].iter().sum());
    }
}

/// Counts the pixels of `plane` in `rows`, for each column of its frame.
pub(crate) fn sum_rows<'s>(plane: &Plane<'_>, rows: impl Iterator<Item = isize>, sums: &'s mut [u32]) -> &'s [u32] {
    let sums = &mut sums[..plane.frame.width];
    sums.fill(0);
    rows.for_each(|y| plane.add_row(y, sums));
    sums
}

/// Marks in `reads` what the stride-2 windows of the outputs marked in `outputs` cover.
pub(crate) fn mark_encoder_reads(outputs: &Plane<'_>, kernel: usize, reads: &mut Plane<'_>) {
    for_each_run(outputs, |y, run| {
        reads.mark(strided(run.start, kernel).start..strided(run.end - 1, kernel).end, strided(y, kernel));
    });
}

/// Marks in `skip` what 3×3 windows around the outputs marked in `outputs` cover.
pub(crate) fn mark_skip_reads(outputs: &Plane<'_>, skip: &mut Plane<'_>) {
    for_each_run(outputs, |y, run| skip.mark(run.start - 1..run.end + 1, y - 1..y + 2));
}

/// Marks in `up` what 3×3 windows around the outputs marked in `outputs` cover of it, seen through nearest ×2.
pub(crate) fn mark_up_reads(outputs: &Plane<'_>, up: &mut Plane<'_>) {
    for_each_run(outputs, |y, run| up.mark(through_up(&run), through_up(&(y..y + 1))));
}

/// What 3×3 windows around `outputs` cover of a map of half the size, seen through nearest ×2, along one axis.
pub(crate) fn through_up(outputs: &Range<isize>) -> Range<isize> {
    (outputs.start - 1) >> 1..(outputs.end >> 1) + 1
}

/// Calls `each` with the row and the columns of every run of marks.
fn for_each_run(marks: &Plane<'_>, mut each: impl FnMut(isize, Range<isize>)) {
    let left = marks.frame.x;
    for y in marks.frame.rows() {
        marks.runs(y).for_each(|run| each(y, left + run.start as isize..left + run.end as isize));
    }
}

/// The pixel at (x, y) of a window of `k` samples of which `s` > 0 are known.
pub(crate) fn pixel(x: isize, y: isize, k: usize, s: u32) -> Pixel {
    Pixel { x: x as u16, y: y as u16, ratio: k as f32 / s as f32 }
}
