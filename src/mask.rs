//! Masks, 1 = known and 0 = hole, and integer counts over windows of them.

/// A plane of 0 and 1.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Plane<'m> {
    pub width: usize,
    pub height: usize,
    pub data: &'m mut [u8],
}

impl Plane<'_> {
    pub fn row(&self, y: usize) -> &[u8] {
        &self.data[y * self.width..][..self.width]
    }

    pub fn row_mut(&mut self, y: usize) -> &mut [u8] {
        &mut self.data[y * self.width..][..self.width]
    }

    /// Adds rows `first` … `first + count - 1` into `sums` [width]; rows outside the plane are holes.
    pub fn add_rows(&self, first: isize, count: usize, sums: &mut [u32]) {
        for y in first..first + count as isize {
            if (0..self.height as isize).contains(&y) {
                for (sum, &m) in sums.iter_mut().zip(self.row(y as usize)) {
                    *sum += u32::from(m);
                }
            }
        }
    }

    /// `out` (half the size) gets 1 wherever a 3×3 window over the ×2 upsampled `out` around a 1 of `self` reads it:
    /// dilate by one, then halve.
    pub fn dilate_and_halve(&self, out: &mut Plane) {
        out.data.fill(0);
        let readers =
            |v: usize, end: usize| [v.wrapping_sub(1) / 2, v.div_ceil(2)].into_iter().filter(move |o| *o < end);
        for y in 0..self.height {
            for (x, _) in self.row(y).iter().enumerate().filter(|(_, m)| **m == 1) {
                for oy in readers(y, out.height) {
                    for ox in readers(x, out.width) {
                        out.row_mut(oy)[ox] = 1;
                    }
                }
            }
        }
    }

    /// Grows the zeros in the first `width`×`height` by a disc of `radius`; `source` is scratch of the same size.
    pub fn grow_holes(&mut self, width: usize, height: usize, radius: usize, source: &mut Plane) {
        source.data.copy_from_slice(self.data);
        for y in 0..height {
            let mut x = 0;
            while x < width {
                if source.row(y)[x] == 1 {
                    x += 1;
                    continue;
                }
                let run = source.row(y)[x..width].iter().take_while(|m| **m == 0).count();
                for ty in y.saturating_sub(radius)..y.saturating_add(radius).saturating_add(1).min(height) {
                    let reach = disc_reach(radius, ty.abs_diff(y));
                    let (from, to) = (x.saturating_sub(reach), (x + run).saturating_add(reach).min(width));
                    self.row_mut(ty)[from..to].fill(0);
                }
                x += run;
            }
        }
    }
}

/// How far a disc of `radius` reaches along a row `away` from its centre's.
pub(crate) fn disc_reach(radius: usize, away: usize) -> usize {
    // Squares of sides of an image are more than a 32-bit machine's word.
    let square = |v: usize| v as u64 * v as u64;
    (square(radius) - square(away)).isqrt() as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn discs_reach_as_far_as_images_do() {
        assert_eq!([0, 3, 4, 5].map(|away| disc_reach(5, away)), [5, 4, 3, 0]);
        assert_eq!([disc_reach(65_536, 0), disc_reach(131_072, 1)], [65_536, 131_071]);
    }

    fn pixels(rows: &[&str]) -> Vec<u8> {
        rows.iter().flat_map(|r| r.bytes().map(|b| u8::from(b == b'#'))).collect()
    }

    #[test]
    fn holes_grow_by_a_disc() {
        let mut data = pixels(&["#######", "#######", "#######", "###.###", "#######", "#######", "#######"]);
        let mut p = Plane { width: 7, height: 7, data: &mut data };
        p.grow_holes(7, 7, 2, &mut Plane { width: 7, height: 7, data: &mut [9; 49] });
        assert_eq!(data, pixels(&["#######", "###.###", "##...##", "#.....#", "##...##", "###.###", "#######"]));
    }

    #[test]
    fn rows_outside_are_holes() {
        let p = Plane { width: 3, height: 2, data: &mut pixels(&["##.", ".##"]) };
        let mut sums = [0; 3];
        p.add_rows(-1, 5, &mut sums);
        assert_eq!(sums, [1, 2, 1]);
    }

    #[test]
    fn halving_keeps_what_a_window_reads() {
        let size = 8;
        for at in 0..size * size {
            let p = Plane { width: size, height: size, data: &mut [0; 64] };
            p.data[at] = 1;
            let mut out = Plane { width: size / 2, height: size / 2, data: &mut [9; 16] };
            p.dilate_and_halve(&mut out);
            let (y, x) = (at / size, at % size);
            for oy in 0..size / 2 {
                for ox in 0..size / 2 {
                    let reads = |at: usize, o: usize| (at.saturating_sub(1)..(at + 2).min(size)).any(|v| v / 2 == o);
                    assert_eq!(out.row(oy)[ox] == 1, reads(y, oy) && reads(x, ox), "{at} {oy} {ox}");
                }
            }
        }
    }
}
