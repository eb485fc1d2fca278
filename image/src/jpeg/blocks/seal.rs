//! The seal of a result. A fill follows the known samples around it, of which those in touched blocks change a little as they are
//! written; so a fill of the result would be another one, above all in texture. The seal says which fill the blocks hold.
//!
//! It is a sum of what anybody can compute, not a signature.

use std::hash::Hasher;

use inpaint_edge::Mask;
use siphasher::sip128::{Hasher128, SipHasher24};

use super::super::cells::Place;

/// What is sealed: a hole, what it was filled by, and the coefficients of the blocks that it touches.
pub(super) struct Seal {
    fill: SipHasher24,
    /// Of the blocks, which come in any order.
    sum: u128,
}

impl Seal {
    /// The seal of no block yet.
    pub fn new(by: &[u8], hole: &Mask) -> Self {
        let mut fill = SipHasher24::new();
        fill.write(by);
        let (width, height) = (hole.width(), hole.height());
        let mut add = |numbers: [usize; 3]| numbers.iter().for_each(|n| fill.write(&(*n as u64).to_le_bytes()));
        add([by.len(), width, height]);
        for y in 0..height {
            hole.runs(y, 0..width).for_each(|run| add([y, run.start, run.end]));
        }
        Self { fill, sum: 0 }
    }

    pub fn add(&mut self, Place { component, x, y }: Place, coefficients: &[i16; 64]) {
        let mut block = SipHasher24::new();
        [component, x, y].iter().for_each(|n| block.write(&(*n as u64).to_le_bytes()));
        coefficients.iter().for_each(|n| block.write(&n.to_le_bytes()));
        self.sum = self.sum.wrapping_add(block.finish128().as_u128());
    }

    pub fn digest(mut self) -> [u8; 16] {
        self.fill.write(&self.sum.to_le_bytes());
        self.fill.finish128().as_u128().to_le_bytes()
    }
}
