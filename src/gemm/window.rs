//! How a row of A lies in its feature map, and the blocks of k that it is cut into.

/// How a row of A lies in its feature map: `runs` runs of `run_len` values, `run_stride` apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// Number of runs, one per kernel row.
    pub runs: usize,
    /// Consecutive values in a run: kernel width times channels.
    pub run_len: usize,
    /// Values from the start of a run to the start of the next.
    pub run_stride: usize,
}

impl Window {
    /// k's in the window.
    pub fn k(&self) -> usize {
        self.runs.saturating_mul(self.run_len)
    }

    /// Values from its first to past its last; `None` where a `usize` overflows.
    pub(super) fn span(&self) -> Option<usize> {
        match self.k() {
            0 => Some(0),
            _ => (self.runs - 1).checked_mul(self.run_stride)?.checked_add(self.run_len),
        }
    }

    /// Cuts the window, of [`Window::span`], into blocks of about `kc` > 0: several whole runs, or an even part of one. Runs and
    /// `kc` are whole groups of `group` values, and so are blocks.
    pub(super) fn blocks(self, kc: usize, group: usize) -> impl Iterator<Item = Block> {
        let Window { run_len, run_stride, .. } = self;
        let runs = if run_len == 0 { 0 } else { self.runs };
        let (together, parts) = if run_len <= kc { (kc / run_len.max(1), 1) } else { (1, run_len.div_ceil(kc)) };
        let part = run_len.div_ceil(parts).next_multiple_of(group);
        (0..runs).step_by(together).flat_map(move |run| {
            (0..parts).map(move |p| Block {
                offset: run * run_stride + p * part,
                k: run * run_len + p * part,
                runs: together.min(runs - run),
                run_len: part.min(run_len - p * part),
                run_stride,
            })
        })
    }
}

/// Part of a window: `runs` runs of `run_len` values, `run_stride` apart, from `offset`, whose first k is `k`.
#[derive(Clone, Copy)]
pub(super) struct Block {
    pub offset: usize,
    pub k: usize,
    pub runs: usize,
    pub run_len: usize,
    pub run_stride: usize,
}

impl Block {
    /// The block of a window without k.
    pub const EMPTY: Block = Block { offset: 0, k: 0, runs: 0, run_len: 0, run_stride: 0 };

    /// k's in the block.
    pub fn len(&self) -> usize {
        self.runs * self.run_len
    }
}
