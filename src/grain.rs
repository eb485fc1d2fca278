//! Grain: the noise of a photograph, told from its texture.
//!
//! A block of the photograph is grain where a plane is all there is to it besides. So grain is what the flattest blocks have
//! in common, if it is strong enough to be missed and as fine as noise: texture is coarser. What a plane leaves of those
//! blocks, turned over at random, is grain of the photograph's own strength, colours and shape.

#![allow(unsafe_code)]

use crate::alloc::{self, List, Plain};

/// Side of a block, pixels.
pub(crate) const SIDE: usize = 8;
const AREA: usize = SIDE * SIDE;

/// Red, green and blue of a block, row by row.
pub(crate) type Block = [[f32; 3]; AREA];

/// The flattest tenth of the blocks ends with the weakest grain. At least a fifth of all, and 16, must be no more than twice as
/// strong: noise is even, texture is not.
const FLATTEST: u32 = 10;
const EVEN: u32 = 5;
const FEWEST: u32 = 16;

/// The least variance of grain, 3.5 steps of 8 bits squared: fills of weaker grain show no bands.
const LEAST: f32 = 3.5 * 3.5 / (255.0 * 255.0);

/// The least share of the variance that is fine detail. It is 1 of white noise, 0.4 or more of scanned film, and up to 0.25 of
/// fur, leaves or water.
const FINEST: f32 = 0.3;

/// The most blocks that grain is taken from.
const MOST: usize = 256;

/// Of so many blocks, picked at random, a block of the fill gets the one most like it in brightness.
const TRIES: u32 = 8;

/// Bins of variances up to 1, of which 8 double it; the first has all below 2^-16, about a step of 8 bits squared.
const BINS: usize = 16 * OCTAVE;
const OCTAVE: usize = 8;
const FIRST: u32 = (127 - 16) * OCTAVE as u32;

fn bin(variance: f32) -> usize {
    ((variance.to_bits() >> 20).saturating_sub(FIRST) as usize).min(BINS - 1)
}

/// Mean brightness of a block and the variance of what a plane leaves of it, which takes its place.
fn flatten(block: &mut Block) -> (f32, f32) {
    let from_middle = |i: usize| i as f32 - 3.5;
    // 336 is the sum of the squares of either distance from the middle.
    let (mut mean, mut variance) = (0.0, 0.0);
    for c in 0..3 {
        let (mut level, mut across, mut down) = (0.0, 0.0, 0.0);
        for (i, pixel) in block.iter().enumerate() {
            level += pixel[c];
            across += pixel[c] * from_middle(i % SIDE);
            down += pixel[c] * from_middle(i / SIDE);
        }
        let (level, across, down) = (level / AREA as f32, across / 336.0, down / 336.0);
        mean += level / 3.0;
        for (i, pixel) in block.iter_mut().enumerate() {
            pixel[c] -= level + across * from_middle(i % SIDE) + down * from_middle(i / SIDE);
            variance += pixel[c] * pixel[c];
        }
    }
    (mean, variance / (3 * (AREA - 3)) as f32)
}

/// Variance of the detail finer than 3×3 pixels (Immerkær 1996), in as far as a block is `inside`; 0 where nowhere.
fn detail(block: &Block, inside: &[bool; AREA]) -> f32 {
    const ROWS: [usize; 3] = [0, SIDE, 2 * SIDE];
    let (mut sum, mut count) = (0.0, 0);
    for i in (0..AREA - 2 * SIDE).filter(|i| i % SIDE + 2 < SIDE) {
        if ROWS.iter().any(|row| !inside[i + row] || !inside[i + row + 1] || !inside[i + row + 2]) {
            continue;
        }
        count += 3;
        for c in [0, 1, 2] {
            let [a, b, d] = ROWS.map(|row| block[i + row][c] - 2.0 * block[i + row + 1][c] + block[i + row + 2][c]);
            let v = a - 2.0 * b + d;
            sum += v * v;
        }
    }
    if count == 0 { 0.0 } else { sum / (36 * count) as f32 }
}

/// How many blocks have which variance.
pub(crate) struct Census([u32; BINS]);

impl Census {
    pub fn new() -> Self {
        Self([0; BINS])
    }

    /// Counts a block of the photograph. One that is clipped says nothing.
    pub fn count(&mut self, mut block: Block) {
        if is_open(&block) {
            self.0[bin(flatten(&mut block).1)] += 1;
        }
    }

    /// The collection of grain in `memory` of [`Grain::floats`] and any content, if there may be any.
    pub fn collection<'m>(&self, memory: &'m mut [f32]) -> Option<Collection<'m>> {
        let blocks: u32 = self.0.iter().sum();
        let mut below = 0;
        let flattest = self.0.iter().position(|count| {
            below += count;
            below > blocks / FLATTEST
        })?;
        let strongest = (flattest + OCTAVE).min(BINS - 1);
        let count: u32 = self.0[..=strongest].iter().sum();
        if flattest < bin(LEAST) || count < FEWEST.max(blocks / EVEN) {
            return None;
        }
        let step = (count as usize).div_ceil(MOST);
        let blocks = List::new(alloc::values_mut(memory));
        Some(Collection { strongest, step, seen: 0, detail: 0.0, variance: 0.0, blocks })
    }
}

/// Whether no value of a block is clipped, nor beyond 0 … 1.
fn is_open(block: &Block) -> bool {
    block.as_flattened().iter().all(|v| *v > 0.0 && *v < 1.0)
}

/// A block of grain: what a plane left of the photograph.
#[derive(Clone, Copy)]
#[repr(C)]
struct Grains {
    /// Brightness of the photograph there.
    mean: f32,
    detail: f32,
    rest: Block,
}

// SAFETY: floats.
unsafe impl Plain for Grains {}

/// Grain while it is collected.
pub(crate) struct Collection<'m> {
    /// The bin of the strongest blocks that may be grain.
    strongest: usize,
    /// Of so many of them one is kept.
    step: usize,
    seen: usize,
    detail: f32,
    variance: f32,
    blocks: List<'m, Grains>,
}

impl<'m> Collection<'m> {
    /// Takes a block of the photograph, one of those counted before.
    pub fn take(&mut self, block: Block) {
        let mut rest = block;
        let (mean, variance) = flatten(&mut rest);
        if !is_open(&block) || bin(variance) > self.strongest {
            return;
        }
        let detail = detail(&rest, &[true; AREA]);
        self.detail += detail;
        self.variance += variance;
        if self.seen.is_multiple_of(self.step) {
            self.blocks.push(Grains { mean, detail, rest });
        }
        self.seen += 1;
    }

    /// The grain, unless it is texture.
    pub fn grain(self) -> Option<Grain<'m>> {
        (self.detail >= FINEST * self.variance).then(|| Grain { blocks: self.blocks.into_parts().0 })
    }
}

/// Grain of a photograph.
pub(crate) struct Grain<'m> {
    blocks: &'m [Grains],
}

/// What a block of a fill gets.
#[derive(Clone, Copy, PartialEq)]
#[repr(C)]
pub(crate) struct Share {
    /// Which grain, and in the lowest three bits which way round.
    of: u32,
    /// How much of it.
    gain: f32,
}

// SAFETY: an integer and a float of one size.
unsafe impl Plain for Share {}

impl Share {
    pub const NONE: Self = Self { of: 0, gain: 0.0 };
    pub const ALL: Self = Self { of: 0, gain: 1.0 };
}

impl Grain<'_> {
    /// The most floats of memory that grain takes, from blocks in `area` pixels.
    pub fn floats(area: usize) -> usize {
        alloc::floats_for::<Grains>(MOST.min(area / AREA))
    }

    /// The grain that a block of the fill lacks, of which those pixels count that are `inside`; `random` numbers are all its own.
    pub fn share(&self, block: &Block, inside: &[bool; AREA], random: impl Fn(u32) -> u32) -> Share {
        let (mut sum, mut count) = (0.0, 0);
        for (pixel, _) in block.iter().zip(inside).filter(|(_, inside)| **inside) {
            sum += (pixel[0] + pixel[1] + pixel[2]) / 3.0;
            count += 1;
        }
        let mean = sum / count as f32;
        let (mut best, mut least) = (0, f32::INFINITY);
        for i in 0..TRIES {
            let at = ((u64::from(random(i)) * self.blocks.len() as u64) >> 32) as usize;
            let away = (self.blocks[at].mean - mean).abs();
            if away < least {
                (best, least) = (at, away);
            }
        }
        let (own, wanted) = (detail(block, inside), self.blocks[best].detail);
        let gain = if own < wanted { (1.0 - own / wanted).sqrt() } else { 0.0 };
        Share { of: (best as u32) << 3 | random(TRIES) >> 29, gain }
    }

    /// What a share adds to pixel (x, y) of its block. It fades out to the block's border, such that blocks that overlap by a half
    /// are of even strength together.
    pub fn at(&self, share: Share, x: usize, y: usize) -> [f32; 3] {
        // Sines: the squares of two that are half a block apart add up to 1.
        const FADE: [f32; SIDE] =
            [0.19509032, 0.55557023, 0.831_469_6, 0.980_785_25, 0.980_785_25, 0.831_469_6, 0.55557023, 0.19509032];
        let Share { of, gain } = share;
        let gain = gain * FADE[x] * FADE[y];
        let gain = if of & 4 == 0 { gain } else { -gain };
        let x = if of & 1 == 0 { x } else { SIDE - 1 - x };
        let y = if of & 2 == 0 { y } else { SIDE - 1 - y };
        self.blocks[(of >> 3) as usize].rest[y * SIDE + x].map(|v| gain * v)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Numbers from −1 to 1.
    fn noise(state: &mut u32) -> f32 {
        *state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (*state >> 8) as f32 / (1 << 23) as f32 - 1.0
    }

    /// A block on a slope.
    fn block(mut pixel: impl FnMut(usize, usize) -> f32) -> Block {
        std::array::from_fn(|i| {
            let v = pixel(i % SIDE, i / SIDE);
            std::array::from_fn(|c| 0.4 + 0.05 * c as f32 + 0.01 * (i % SIDE) as f32 - 0.02 * (i / SIDE) as f32 + v)
        })
    }

    /// Whether blocks have grain, and of how many.
    fn found(blocks: &[Block]) -> Option<usize> {
        let mut census = Census::new();
        blocks.iter().for_each(|block| census.count(*block));
        let mut memory = vec![f32::NAN; Grain::floats(blocks.len() * AREA)];
        let mut collection = census.collection(&mut memory)?;
        blocks.iter().for_each(|block| collection.take(*block));
        collection.grain().map(|grain| grain.blocks.len())
    }

    #[test]
    fn variances_and_detail_are_those_of_noise() {
        let mut state = 1;
        let (mut all, mut fine) = (0.0, 0.0);
        for _ in 0..300 {
            let mut rest = block(|_, _| 0.1 * noise(&mut state));
            all += flatten(&mut rest).1 / 300.0;
            fine += detail(&rest, &[true; AREA]) / 300.0;
        }
        let expected = 0.1 * 0.1 / 3.0;
        assert!((all / expected - 1.0).abs() < 0.05 && (fine / expected - 1.0).abs() < 0.05, "{all} {fine} {expected}");
        let mut slope = block(|_, _| 0.0);
        let (mean, variance) = flatten(&mut slope);
        assert!((mean - 0.415).abs() < 1e-5 && variance < 1e-12, "{mean} {variance}");
    }

    #[test]
    fn grain_is_noise_in_flat_blocks() {
        let mut state = 2;
        let mut blocks = |count: usize, amplitude: f32| -> Vec<Block> {
            (0..count).map(|_| block(|_, _| amplitude * noise(&mut state))).collect()
        };
        let (noisy, weak, clean, few) = (blocks(100, 0.05), blocks(100, 0.02), blocks(30, 0.001), blocks(15, 0.05));
        assert_eq!(found(&noisy), Some(100));
        assert_eq!(found(&blocks(700, 0.05)), Some(234));
        assert_eq!((found(&weak), found(&clean), found(&few), found(&[])), (None, None, None, None));
        // A photograph with clean parts is clean, whatever its texture.
        assert_eq!(found(&[noisy.clone(), clean].concat()), None);
        // Texture beside it does not count, nor what is clipped.
        let texture: Vec<Block> = (0..300).map(|i| block(|x, _| if x < i % 7 + 1 { 0.2 } else { -0.2 })).collect();
        let clipped = vec![[[1.0; 3]; AREA]; 300];
        let broken = vec![[[f32::NAN; 3]; AREA]; 300];
        assert_eq!(found(&[noisy, texture.clone(), clipped, broken].concat()), Some(100));
        assert_eq!(found(&texture), None);
        // Neither does noise that is as coarse as texture.
        let mut state = 3;
        let coarse = |_| {
            let v: [f32; 16] = std::array::from_fn(|_| 0.1 * noise(&mut state));
            block(|x, y| v[y / 2 * 4 + x / 2])
        };
        assert_eq!(found(&(0..100).map(coarse).collect::<Vec<_>>()), None);
    }

    /// A fill gets what it lacks: all where it is smooth, nothing where it is as rough as the photograph.
    #[test]
    fn shares_are_what_a_fill_lacks() {
        let mut state = 4;
        let mut noisy = |amplitude: f32| block(|_, _| amplitude * noise(&mut state));
        let blocks: Vec<Block> = (0..100).map(|_| noisy(0.05)).collect();
        let mut census = Census::new();
        blocks.iter().for_each(|block| census.count(*block));
        let mut memory = vec![0.0; Grain::floats(100 * AREA)];
        let mut collection = census.collection(&mut memory).unwrap();
        blocks.iter().for_each(|block| collection.take(*block));
        let grain = collection.grain().unwrap();
        let random = |i: u32| i.wrapping_mul(0x9e37_79b9);
        let gain = |block: Block, inside: bool| grain.share(&block, &[inside; AREA], random).gain;
        assert!(
            gain(block(|_, _| 0.0), true) > 0.999 && gain(noisy(0.1), true) == 0.0 && gain(noisy(0.1), false) == 1.0
        );
        let half = gain(noisy(0.035), true);
        assert!(half > 0.3 && half < 0.95, "{half}");
        // Halfway into each of four blocks that overlap, their squared weights add up to 1.
        let share = Share { of: 0, gain: 1.0 };
        for (x, y) in [(0, 0), (1, 3), (2, 2)] {
            let weight = |x: usize, y: usize| grain.at(share, x, y)[0] / grain.blocks[0].rest[y * SIDE + x][0];
            let sum: f32 =
                [(x, y), (x + 4, y), (x, y + 4), (x + 4, y + 4)].map(|(x, y)| weight(x, y).powi(2)).iter().sum();
            assert!((sum - 1.0).abs() < 1e-4, "{sum}");
        }
    }
}
