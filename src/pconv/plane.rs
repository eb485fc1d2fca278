//! The known pixels of a feature map, a byte a pixel (1 = known, 0 = hole), and integer counts over windows of them.

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
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pixels(rows: &[&str]) -> Vec<u8> {
        rows.iter().flat_map(|r| r.bytes().map(|b| u8::from(b == b'#'))).collect()
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
