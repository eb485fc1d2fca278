//! Shapes derived from a hole: its largest square, the mask at half the size, its core.

use super::bits::Mask;
use super::halves::whole_cells;
use super::rect::Rect;
use crate::alloc;
use crate::error::Result;

impl<W: AsRef<[u64]>> Mask<W> {
    /// Side of the largest square in `area` that is all hole.
    pub(crate) fn largest_square(&self, area: Rect) -> Result<usize> {
        Ok(self.largest_square_in(area, &mut alloc::try_filled(0, area.width + 1)?))
    }

    /// As [`Mask::largest_square`], in memory of a number for each column and one more.
    pub(crate) fn largest_square_in(&self, area: Rect, sides: &mut [u32]) -> usize {
        // sides[x + 1]: side of the largest square whose lower right corner is pixel x of this row, or of the row above for
        // pixels that are still to come.
        let sides = &mut sides[..area.width + 1];
        sides.fill(0);
        let mut largest = 0;
        for y in area.rows() {
            let (mut x, mut diagonal) = (area.x, 0);
            for run in self.runs(y, area.columns()) {
                if x < run.start {
                    diagonal = sides[run.start - area.x];
                    sides[x - area.x + 1..run.start - area.x + 1].fill(0);
                }
                let mut left = 0;
                for side in &mut sides[run.start - area.x + 1..run.end - area.x + 1] {
                    left = 1 + left.min(*side).min(diagonal);
                    diagonal = std::mem::replace(side, left);
                    largest = largest.max(left);
                }
                x = run.end;
            }
            sides[x - area.x + 1..].fill(0);
        }
        largest as usize
    }

    /// The mask at half the size: a cell is hole where all the pixels under it are.
    pub(crate) fn coarsened(&self) -> Result<Mask> {
        let mut out = Mask::new(self.width().div_ceil(2), self.height().div_ceil(2))?;
        for y in 0..out.height() {
            let below = (2 * y + 1).min(self.height() - 1);
            for run in self.runs(2 * y, 0..self.width()) {
                for run in self.runs(below, run) {
                    out.set(y, whole_cells(run, self.width()), true);
                }
            }
        }
        Ok(out)
    }

    /// A copy of the mask's part in `area`.
    pub(crate) fn crop(&self, area: Rect) -> Result<Mask> {
        self.region(area).copy()
    }

    /// The pixels around which a square of `margin` pixels on every side is all hole; what lies beyond the image counts as
    /// hole.
    pub(crate) fn core(&self, margin: usize) -> Result<Mask> {
        let mut out = Mask::new(self.width(), self.height())?;
        self.core_into(&mut out, margin, &mut alloc::try_filled(0, self.width())?);
        Ok(out)
    }

    /// As [`Mask::core`], added to `out` of the same size, in memory of a number for each column.
    pub(crate) fn core_into(
        &self,
        out: &mut Mask<impl AsRef<[u64]> + AsMut<[u64]>>,
        margin: usize,
        columns: &mut [u32],
    ) {
        let Some(bounds) = self.bounds(self.whole()) else { return };
        // Of each column, how many rows down to this one have a hole that wide around it.
        let rows = &mut columns[..bounds.width];
        rows.fill(if bounds.y == 0 { margin as u32 } else { 0 });
        let end = if bounds.y + bounds.height == self.height() { margin } else { 0 };
        for y in bounds.y..bounds.y + bounds.height + end {
            let mut x = bounds.x;
            for run in self.runs(y.min(self.height() - 1), bounds.columns()) {
                let start = if run.start == 0 { 0 } else { run.start + margin };
                let end = if run.end == self.width() { run.end } else { run.end.saturating_sub(margin) };
                if y < self.height() && start < end {
                    rows[x - bounds.x..start - bounds.x].fill(0);
                    x = end;
                }
                if start < end {
                    rows[start - bounds.x..end - bounds.x].iter_mut().for_each(|rows| *rows += 1);
                }
            }
            if y < self.height() {
                rows[x - bounds.x..].fill(0);
            }
            let Some(row) = y.checked_sub(margin) else { continue };
            let is_core = |rows: &u32| *rows as usize > 2 * margin;
            let mut from = 0;
            while let Some(start) = rows[from..].iter().position(is_core).map(|len| from + len) {
                from = rows[start..].iter().position(|rows| !is_core(rows)).map_or(rows.len(), |len| start + len);
                out.set(row, bounds.x + start..bounds.x + from, true);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::MaskRule;
    use ndarray::Array2;

    /// Rectangles of white on black, from a fixed sequence.
    fn bytes(width: usize, height: usize, seed: usize) -> Array2<u8> {
        let mut bytes = Array2::zeros((height, width));
        for i in 1..5 {
            let v = |k: usize, end: usize| (seed * 7919 + i * 104_729 + k * 15_485_863) / 13 % end;
            let (x, y) = (v(1, width), v(2, height));
            let (right, bottom) = ((x + v(3, width)).min(width), (y + v(4, height)).min(height));
            bytes.slice_mut(ndarray::s![y..bottom, x..right]).fill(255);
        }
        bytes
    }

    fn of(bytes: &Array2<u8>) -> Mask {
        Mask::from_bytes(bytes.view(), MaskRule::default().threshold(1)).unwrap()
    }

    /// Compares every operation with its definition, pixel by pixel.
    #[test]
    fn operations_agree_with_their_definitions() {
        for (seed, (width, height)) in
            [(1, 1), (64, 3), (65, 40), (130, 67), (63, 64), (200, 31)].into_iter().enumerate()
        {
            let bytes = bytes(width, height, seed);
            let mask = of(&bytes);
            let at = |x: isize, y: isize| {
                let inside = (0..width as isize).contains(&x) && (0..height as isize).contains(&y);
                inside.then(|| bytes[[y as usize, x as usize]] == 255)
            };
            assert_eq!(mask.count(), bytes.iter().filter(|m| **m == 255).count());
            for radius in [1, 3] {
                let (core, dilated) = (mask.core(radius).unwrap(), mask.clone().dilated(radius).unwrap());
                let eroded = mask.clone().eroded(radius).unwrap();
                let r = radius as isize;
                for (y, x) in (0..height).flat_map(|y| (0..width).map(move |x| (y, x))) {
                    let near = |dy: isize, dx: isize| at(x as isize + dx, y as isize + dy);
                    let mut square = (-r..=r).flat_map(|dy| (-r..=r).map(move |dx| (dy, dx)));
                    let disc = square.clone().filter(|(dy, dx)| dy * dy + dx * dx <= r * r);
                    assert_eq!(core.is_hole(x, y), square.all(|(dy, dx)| near(dy, dx) != Some(false)), "{x} {y}");
                    let reached = disc.clone().any(|(dy, dx)| near(dy, dx) == Some(true));
                    assert_eq!(dilated.is_hole(x, y), reached, "{x} {y}");
                    let kept = disc.clone().all(|(dy, dx)| near(dy, dx) != Some(false));
                    assert_eq!(eroded.is_hole(x, y), kept, "{x} {y}");
                }
            }
            let sides = (0..height).flat_map(|y| (0..width).map(move |x| (y as isize, x as isize)));
            let differ = |a: Option<bool>, b: Option<bool>| usize::from(a.is_some() && b.is_some() && a != b);
            let edge = sides.map(|(y, x)| differ(at(x, y), at(x + 1, y)) + differ(at(x, y), at(x, y + 1)));
            assert_eq!(mask.edge(), edge.sum::<usize>());
            let coarse = mask.coarsened().unwrap();
            for (y, x) in (0..coarse.height()).flat_map(|y| (0..coarse.width()).map(move |x| (y, x))) {
                let mut under = [(0, 0), (0, 1), (1, 0), (1, 1)].into_iter();
                let all = under.all(|(dy, dx)| at((2 * x + dx) as isize, (2 * y + dy) as isize) != Some(false));
                assert_eq!(coarse.is_hole(x, y), all, "{x} {y}");
            }
            let area = Rect { x: width / 3, y: height / 3, width: width - width / 3, height: height - height / 3 };
            let is_hole = |x: usize, y: usize| bytes[[y, x]] == 255;
            let inside: Vec<_> = area
                .rows()
                .flat_map(|y| area.columns().map(move |x| (x, y)))
                .filter(|(x, y)| is_hole(*x, *y))
                .collect();
            let bounds = mask.bounds(area);
            assert_eq!(bounds.is_none(), inside.is_empty());
            if let Some(b) = bounds {
                let xs = || inside.iter().map(|p| p.0);
                let ys = || inside.iter().map(|p| p.1);
                assert_eq!((b.x, b.x + b.width - 1), (xs().min().unwrap(), xs().max().unwrap()));
                assert_eq!((b.y, b.y + b.height - 1), (ys().min().unwrap(), ys().max().unwrap()));
            }
            let (crop, region) = (mask.crop(area).unwrap(), mask.region(area));
            assert_eq!((crop.count(), region.count(), region.edge()), (inside.len(), inside.len(), crop.edge()));
            assert_eq!(region.is_empty(), inside.is_empty());
            assert!((0..area.height).all(|y| region.runs(y, 0..area.width).eq(crop.runs(y, 0..area.width))));
            assert!(
                (0..area.height)
                    .all(|y| (0..area.width).all(|x| crop.is_hole(x, y) == is_hole(x + area.x, y + area.y)))
            );
            let fits = |side: usize| {
                (area.y..area.y + area.height + 1 - side.min(area.height)).any(|y| {
                    (area.x..area.x + area.width + 1 - side.min(area.width))
                        .any(|x| (y..y + side).all(|y| (x..x + side).all(|x| at(x as isize, y as isize) == Some(true))))
                })
            };
            let largest = mask.largest_square(area).unwrap();
            assert!(largest == 0 || fits(largest), "{width}×{height}: {largest}");
            assert!(largest == area.width.min(area.height) || !fits(largest + 1), "{width}×{height}: {largest}");
            let mut left = mask.clone();
            left.clear(area);
            assert_eq!(left.count() + inside.len(), mask.count());
            left.add_box(area.columns(), area.rows());
            assert_eq!(left.count(), mask.count() - inside.len() + area.width * area.height);
            left.invert();
            assert_eq!(left.count(), width * height - mask.count() + inside.len() - area.width * area.height);
        }
    }
}
