//! A row or column of cells and the one of half as many, whose cell `i` lies over cells `2i` and `2i + 1`.

use std::ops::Range;

/// The coarse cells that lie over cells of `run` alone, where there are `end` cells: the last may lie over one.
pub(crate) fn whole_cells(run: Range<usize>, end: usize) -> Range<usize> {
    run.start.div_ceil(2)..if run.end == end { run.end.div_ceil(2) } else { run.end / 2 }
}

/// The coarse cell over cell `v`, and the next nearest of `end` coarse cells.
pub(crate) fn parents(v: usize, end: usize) -> (usize, usize) {
    let near = v / 2;
    (near, if v.is_multiple_of(2) { near.saturating_sub(1) } else { (near + 1).min(end - 1) })
}
