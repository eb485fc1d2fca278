//! Where everything of a run lives, by model and image size alone: offsets in one block of memory, such that feature
//! maps alive at the same step do not overlap.

use arrayvec::ArrayVec;

use crate::buffer::{Buffer, floats_for};
use crate::error::{Error, Result};
use crate::harmonic::Harmonic;
use crate::pconv::{Map, Pixel};
use crate::weights::{Config, MAX_LEVELS, Prior};

/// The longest side, pixels, after padding to a multiple of 2^levels.
const MAX_SIDE: usize = 1 << 16;

/// The maps of the input and of every layer.
const MAX_MAPS: usize = 2 * MAX_LEVELS + 1;

/// Operands and result of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The previous map of an encoder layer; up and skip of a decoder layer.
    pub inputs: ArrayVec<Map, 2>,
    pub output: Map,
}

/// The memory of a run on one image size.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Image size, pixels.
    pub width: usize,
    pub height: usize,
    /// enc1 … encL, decL … dec1.
    pub steps: ArrayVec<Step, { 2 * MAX_LEVELS }>,
    /// Floats of the arena that the maps' offsets refer to.
    pub arena: usize,
    /// The most pixels that all layers compute or blank.
    pub pixels: usize,
    /// The harmonic prior.
    pub prior: Option<Solve>,
}

/// The harmonic prior's solver and memory.
#[derive(Clone, Debug)]
pub(crate) struct Solve {
    pub solver: Harmonic,
    /// Where it is solved, [height, width, 3] floats, in the arena.
    pub image: usize,
    /// Where the solver's scratch starts.
    pub scratch: usize,
    /// Whether the network reads it, and the last three channels of its input hold it to the end.
    pub input: bool,
}

impl Layout {
    /// For images of `width`×`height`.
    ///
    /// # Errors
    ///
    /// Limits, where a side or a buffer is too large.
    pub fn new(config: &Config, width: usize, height: usize) -> Result<Self> {
        let levels = config.levels;
        let too_large = || Error::limits(format!("{width}×{height} pixels are more than this build can address"));
        let padded = |side: usize| side.checked_next_multiple_of(1 << levels).filter(|s| *s <= MAX_SIDE);
        let (Some(w), Some(h)) = (padded(width), padded(height)) else { return Err(too_large()) };

        let (encoder, decoder) = config.layers.split_at(levels);
        let pad = |level: usize| encoder.get(level).map_or(0, |layer| layer.kernel / 2).max(1);
        let map = |scale: usize, channels: usize, halo: usize| Map {
            width: w >> scale,
            height: h >> scale,
            channels,
            halo,
            offset: 0,
        };
        // Maps in the order they are written: input, enc1 … encL, decL … dec1.
        let mut maps = ArrayVec::<Map, MAX_MAPS>::from_iter([map(0, config.inputs(), pad(0))]);
        maps.extend(encoder.iter().enumerate().map(|(i, layer)| map(i + 1, layer.c_out, pad(i + 1))));
        maps.extend(decoder.iter().enumerate().map(|(i, layer)| map(levels - 1 - i, layer.c_out, 1)));

        let mut lifetimes = ArrayVec::<Lifetime, MAX_BUFFERS>::new();
        for (i, map) in maps.iter().enumerate() {
            let area = (map.width + 2 * map.halo).checked_mul(map.height + 2 * map.halo);
            let len = area.and_then(|a| a.checked_mul(map.channels)).filter(|l| *l <= isize::MAX as usize / 64);
            // Map i is written by step i and read by the next; a skip is read again on the way up.
            let last = if i < levels { 2 * levels - i } else { (i + 1).min(2 * levels) };
            lifetimes.push(Lifetime { first: i, last, len: len.ok_or_else(too_large)? });
        }
        let solver = match config.prior {
            Prior::None => None,
            Prior::Harmonic => Some(Harmonic::new(width, height)?),
        };
        if let Some(solver) = &solver {
            // It is solved before the first layer, and added to the output after the last; the network's input keeps it
            // where the network reads it.
            let last = if config.prior_input { 0 } else { 2 * levels };
            lifetimes.push(Lifetime { first: 0, last, len: 3 * width * height });
            lifetimes.push(Lifetime { first: 0, last: 0, len: solver.scratch_len() });
        }
        let (offsets, arena) = place(&lifetimes);
        for (map, offset) in maps.iter_mut().zip(&offsets) {
            map.offset = *offset;
        }
        let memory = maps.len();
        let prior = solver.map(|solver| Solve {
            solver,
            image: offsets[memory],
            scratch: offsets[memory + 1],
            input: config.prior_input,
        });

        let steps = (1..maps.len()).map(|i| {
            let mut inputs = ArrayVec::from_iter([maps[i - 1]]);
            if i > levels {
                inputs.push(maps[2 * levels - i]);
            }
            Step { inputs, output: maps[i] }
        });
        let steps: ArrayVec<Step, { 2 * MAX_LEVELS }> = steps.collect();
        let pixels = steps.iter().map(|s| s.output.width * s.output.height).sum();
        let layout = Self { width, height, steps, arena, pixels, prior };
        if layout.floats() > isize::MAX as usize / size_of::<f32>() { Err(too_large()) } else { Ok(layout) }
    }

    /// Floats of all memory a run uses.
    pub fn floats(&self) -> usize {
        let [w, h] = self.padded();
        let levels = self.levels();
        let encoder: usize = (0..=levels).map(|scale| floats_for::<u8>((w >> scale) * (h >> scale))).sum();
        let decoder: usize = (0..levels).map(|scale| floats_for::<u8>((w >> scale) * (h >> scale))).sum();
        self.arena + floats_for::<Pixel>(self.pixels) + floats_for::<u32>(2 * w) + encoder + 2 * decoder
    }

    pub fn levels(&self) -> usize {
        self.steps.len() / 2
    }

    /// Width and height of the input map.
    pub fn padded(&self) -> [usize; 2] {
        let input = self.input();
        [input.width, input.height]
    }

    /// The map the normalised image goes into.
    pub fn input(&self) -> Map {
        self.steps[0].inputs[0]
    }

    /// The map the network's result comes out of.
    pub fn output(&self) -> Map {
        self.steps[self.steps.len() - 1].output
    }
}

/// The maps, and the prior's image and scratch.
const MAX_BUFFERS: usize = MAX_MAPS + 2;

/// Steps during which a buffer is in use, and its size.
#[derive(Clone, Copy, Debug)]
struct Lifetime {
    /// Step that writes it.
    pub first: usize,
    /// Last step that reads it.
    pub last: usize,
    /// Floats.
    pub len: usize,
}

/// An offset for each buffer, on cache lines, and the length of the arena. Largest first, each at the lowest offset
/// that is free during its life.
fn place(buffers: &[Lifetime]) -> (ArrayVec<usize, MAX_BUFFERS>, usize) {
    let mut order = ArrayVec::<usize, MAX_BUFFERS>::new();
    for (i, buffer) in buffers.iter().enumerate() {
        order.insert(order.iter().position(|&j| buffers[j].len < buffer.len).unwrap_or(i), i);
    }
    let mut offsets: ArrayVec<usize, MAX_BUFFERS> = buffers.iter().map(|_| 0).collect();
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
