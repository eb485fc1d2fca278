//! Offsets of buffers in one arena: buffers in use at the same time do not overlap.

use arrayvec::ArrayVec;

use super::Buffer;

/// When a buffer is in use, and its size.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lifetime {
    /// Step that writes it.
    pub first: usize,
    /// Last step that reads it.
    pub last: usize,
    /// Floats.
    pub len: usize,
}

/// An offset for each of at most `N` buffers, on cache lines, and the length of the arena. Largest first, each at the
/// lowest offset that is free during its life.
pub(crate) fn place<const N: usize>(buffers: &[Lifetime]) -> (ArrayVec<usize, N>, usize) {
    let mut order = ArrayVec::<usize, N>::new();
    for (i, buffer) in buffers.iter().enumerate() {
        order.insert(order.iter().position(|&j| buffers[j].len < buffer.len).unwrap_or(i), i);
    }
    let mut offsets: ArrayVec<usize, N> = buffers.iter().map(|_| 0).collect();
    let mut end = 0;
    for (rank, &i) in order.iter().enumerate() {
        let this = buffers[i];
        let together = |j: usize| buffers[j].first <= this.last && this.first <= buffers[j].last;
        let in_the_way = |offset: usize| {
            let overlaps = |j: usize| offset < offsets[j] + buffers[j].len && offsets[j] < offset + this.len;
            order[..rank].iter().find(|&&j| together(j) && overlaps(j))
        };
        let mut offset = 0usize;
        while let Some(&j) = in_the_way(offset) {
            offset = (offsets[j] + buffers[j].len).next_multiple_of(Buffer::LINE);
        }
        offsets[i] = offset;
        end = end.max(offset + this.len);
    }
    (offsets, end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn living_buffers_never_overlap() {
        let mut state = 1u64;
        let mut next = |n: u64| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
            (state >> 33) % n
        };
        for _ in 0..200 {
            let buffers: Vec<Lifetime> = (0..12)
                .map(|_| {
                    let first = next(10) as usize;
                    Lifetime { first, last: first + next(6) as usize, len: 1 + next(500) as usize }
                })
                .collect();
            let (offsets, end) = place::<12>(&buffers);
            for (i, a) in buffers.iter().enumerate() {
                assert!(offsets[i] % Buffer::LINE == 0 && offsets[i] + a.len <= end);
                for (j, b) in buffers.iter().enumerate().skip(i + 1) {
                    let together = a.first <= b.last && b.first <= a.last;
                    let overlap = offsets[i] < offsets[j] + b.len && offsets[j] < offsets[i] + a.len;
                    assert!(!(together && overlap), "{a:?} at {} and {b:?} at {}", offsets[i], offsets[j]);
                }
            }
        }
    }

    #[test]
    fn a_chain_takes_the_memory_of_two_buffers() {
        let chain: Vec<Lifetime> = (0..8).map(|i| Lifetime { first: i, last: i + 1, len: 160 }).collect();
        assert_eq!(place::<8>(&chain).1, 320);
    }
}
