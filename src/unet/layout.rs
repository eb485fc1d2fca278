//! Where every feature map lives: offsets in one arena, such that maps alive at the same step do not overlap.

use crate::buffer::Buffer;

/// Steps during which a buffer is in use, and its size.
#[derive(Clone, Copy, Debug)]
pub(super) struct Lifetime {
    /// Step that writes it.
    pub first: usize,
    /// Last step that reads it.
    pub last: usize,
    /// Floats.
    pub len: usize,
}

/// An offset for each buffer, on cache lines, and the length of the arena. Largest first, each at the lowest offset
/// that is free during its life.
pub(super) fn place(buffers: &[Lifetime]) -> (Vec<usize>, usize) {
    let mut order: Vec<usize> = (0..buffers.len()).collect();
    order.sort_by_key(|&i| std::cmp::Reverse(buffers[i].len));
    let mut offsets = vec![0; buffers.len()];
    let mut end = 0;
    for (rank, &i) in order.iter().enumerate() {
        let this = buffers[i];
        let mut taken: Vec<(usize, usize)> = order[..rank]
            .iter()
            .filter(|&&j| buffers[j].first <= this.last && this.first <= buffers[j].last)
            .map(|&j| (offsets[j], offsets[j] + buffers[j].len))
            .collect();
        taken.sort_unstable();
        let mut offset = 0usize;
        for (from, to) in taken {
            if offset + this.len <= from {
                break;
            }
            offset = offset.max(to.next_multiple_of(Buffer::LINE));
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
            let (offsets, end) = place(&buffers);
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
    fn a_chain_takes_two_neighbours() {
        let chain: Vec<Lifetime> = (0..8).map(|i| Lifetime { first: i, last: i + 1, len: 160 }).collect();
        assert_eq!(place(&chain).1, 320);
    }
}
