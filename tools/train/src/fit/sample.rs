//! A batch with what the network needs beside it.

use crate::data::Batch;
use inpaint_edge::{
    Mask,
    prior::{CYCLES, Harmonic},
};

/// A batch and the harmonic prior of its crops.
pub struct Sample {
    /// Crops and masks.
    pub batch: Batch,
    /// `[n, size, size, 3]`, values 0 … 1; nothing for a network without prior.
    pub prior: Option<Vec<f32>>,
}

impl Sample {
    /// Solves for the prior of every crop with the engine's own solver, if the network takes one.
    pub fn new(batch: Batch, harmonic: bool) -> Self {
        let prior = harmonic.then(|| {
            let Batch { images, masks, size, .. } = &batch;
            let mut prior = images.clone();
            let solver = Harmonic::new(*size, *size).expect("a crop within the engine's limits");
            let mut scratch = vec![0.0; solver.scratch_len()];
            for (image, known) in prior.chunks_exact_mut(3 * size * size).zip(masks.chunks_exact(size * size)) {
                let mut mask = Mask::new(*size, *size).expect("memory for the mask of a crop");
                for (i, _) in known.iter().enumerate().filter(|(_, known)| **known == 0) {
                    mask.add(i % size, i / size);
                }
                solver.fill(image, &mask, CYCLES, &mut scratch);
            }
            prior
        });
        Self { batch, prior }
    }
}

impl Sample {
    /// One of its crops as a batch of its own.
    pub fn single(&self, item: usize) -> Self {
        let Batch { images, masks, size, .. } = &self.batch;
        let pixels = size * size;
        let three = |values: &[f32]| values[3 * pixels * item..][..3 * pixels].to_vec();
        Self {
            batch: Batch { images: three(images), masks: masks[pixels * item..][..pixels].to_vec(), size: *size, n: 1 },
            prior: self.prior.as_deref().map(three),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prior_reads_nothing_in_the_hole() {
        let size = 16;
        let masks: Vec<u8> = (0..2 * 256).map(|i| u8::from(!(5..11).contains(&(i % 16)) || i % 256 / 16 < 4)).collect();
        let batch = |in_hole: f32| {
            let value = |i: usize| if masks[i / 3] == 1 { (i % 97) as f32 / 97.0 } else { in_hole };
            Batch { images: (0..3 * masks.len()).map(value).collect(), masks: masks.clone(), size, n: 2 }
        };
        let [a, b] = [0.0, 1.0].map(|in_hole| Sample::new(batch(in_hole), true).prior.unwrap());
        assert_eq!(a, b);
        let filled = a.chunks_exact(3).zip(&masks).filter(|(_, known)| **known == 0);
        assert!(filled.flat_map(|(pixel, _)| pixel).all(|&v| v > 0.0 && v < 1.0));
        let images = batch(0.5).images;
        let kept = a.iter().zip(&images).enumerate().filter(|(i, _)| masks[i / 3] == 1);
        assert!(kept.map(|(_, pair)| pair).all(|(a, b)| a == b));
        assert!(Sample::new(batch(0.0), false).prior.is_none());
    }
}
