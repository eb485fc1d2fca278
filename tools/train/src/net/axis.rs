//! The windows of a convolution along one axis: plain, strided, over an upsampled map, and their transposes.

use std::ops::Range;

/// Output i = lattice·j + q reads the samples from step·j + first\[q\] on, one a tap of phase q.
///
/// A tap stands for a range of the kernel's own taps, whose weights add up: those that nearest ×2 upsampling sends to
/// the same sample.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Distance of outputs of one phase.
    pub lattice: usize,
    /// Distance of the first samples of their windows.
    pub step: usize,
    /// One for each residue of i by the lattice.
    pub phases: Vec<Phase>,
}

/// The windows of one residue.
#[derive(Clone, Debug, PartialEq)]
pub struct Phase {
    /// First sample read by the output j = 0; negative in the halo.
    pub first: isize,
    /// The kernel's taps behind each tap of the window.
    pub taps: Vec<Range<usize>>,
}

impl Axis {
    /// A kernel of odd length with as much padding as keeps the size, or with stride 2 halves it.
    pub fn strided(kernel: usize, stride: usize) -> Self {
        let taps = (0..kernel).map(|tap| tap..tap + 1).collect();
        Self { lattice: 1, step: stride, phases: vec![Phase { first: -((kernel / 2) as isize), taps }] }
    }

    /// A kernel of length 3 over samples each taken twice.
    pub fn upsampled() -> Self {
        let phase = |first, cut: usize| Phase { first, taps: vec![0..cut, cut..3] };
        Self { lattice: 2, step: 1, phases: vec![phase(-1, 1), phase(0, 2)] }
    }

    /// The windows in which a sample finds the outputs that read it, with the taps they read it through.
    ///
    /// # Panics
    /// If a sample is read by none, as with a kernel shorter than its stride.
    pub fn transposed(&self) -> Self {
        let (lattice, step) = (self.lattice as isize, self.step as isize);
        let phase = |residue: isize| {
            // Sample step·j' + residue = step·j + first + tap gives output lattice·j + q.
            let mut taps = Vec::new();
            for (q, phase) in self.phases.iter().enumerate() {
                for (tap, range) in phase.taps.iter().enumerate() {
                    let distance = residue - phase.first - tap as isize;
                    if distance % step == 0 {
                        taps.push((lattice * (distance / step) + q as isize, range.clone()));
                    }
                }
            }
            taps.sort_by_key(|(at, _)| *at);
            let first = taps.first().expect("every sample is read").0;
            assert!(taps.iter().zip(first..).all(|((at, _), expected)| *at == expected), "a window without gaps");
            Phase { first, taps: taps.into_iter().map(|(_, range)| range).collect() }
        };
        Self { lattice: self.step, step: self.lattice, phases: (0..step).map(phase).collect() }
    }

    /// First sample that output i reads.
    pub fn start(&self, i: usize) -> isize {
        (self.step * (i / self.lattice)) as isize + self.phases[i % self.lattice].first
    }

    /// Taps of the windows of output i.
    pub fn taps(&self, i: usize) -> &[Range<usize>] {
        &self.phases[i % self.lattice].taps
    }

    /// Zeros needed on either side of `samples` samples for `outputs` outputs.
    pub fn halo(&self, samples: usize, outputs: usize) -> usize {
        let beyond = |i: usize| {
            let (first, end) = (self.start(i), self.start(i) + self.taps(i).len() as isize);
            (-first).max(end - samples as isize).max(0) as usize
        };
        (0..outputs).map(beyond).max().unwrap_or(0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transposing_twice_is_nothing() {
        for axis in [3, 5, 7].into_iter().flat_map(|k| [Axis::strided(k, 1), Axis::strided(k, 2)]) {
            assert_eq!(axis.transposed().transposed(), axis);
        }
        assert_eq!(Axis::upsampled().transposed().transposed(), Axis::upsampled());
    }

    #[test]
    fn an_upsampled_sample_is_read_by_four_outputs() {
        let Axis { lattice, step, phases } = Axis::upsampled().transposed();
        assert_eq!((lattice, step), (1, 2));
        assert_eq!(phases, [Phase { first: -1, taps: vec![2..3, 1..3, 0..2, 0..1] }]);
    }
}
