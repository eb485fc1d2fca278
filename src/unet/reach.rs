//! Which pixels of every map a hole depends on, along one axis: the need, followed backwards through the layers, as far as
//! windows hold something that the network sees.

use std::ops::Range;

use arrayvec::ArrayVec;

use crate::pconv::windows::{strided, through_up};
use crate::weights::{LayerShape, MAX_LEVELS};

/// The pixels of every map that a run reads or writes. They may lie beyond the image, where maps are zero.
#[derive(Debug)]
pub(super) struct Reach {
    /// Of the input and of enc1 … encL.
    pub encoder: ArrayVec<Range<isize>, { MAX_LEVELS + 1 }>,
    /// Of dec1 … decL.
    pub decoder: ArrayVec<Range<isize>, MAX_LEVELS>,
}

impl Reach {
    /// For outputs `target` of a network with these `encoder` layers, where it sees nothing outside `seen`. The image and its
    /// padding are `side` pixels.
    pub fn new(encoder: &[LayerShape], side: usize, target: &Range<usize>, seen: &Range<usize>) -> Self {
        let levels = encoder.len();
        let signed = |range: &Range<usize>| range.start as isize..range.end as isize;
        let inside = |range: &Range<isize>, scale: usize| range.start.max(0)..range.end.min((side >> scale) as isize);

        // Outputs whose windows hold something seen.
        let mut known = ArrayVec::<Range<isize>, { MAX_LEVELS + 1 }>::from_iter([signed(seen)]);
        for layer in encoder {
            let (below, pad) = (&known[known.len() - 1], (layer.kernel / 2) as isize);
            known.push((below.start - pad + 1) >> 1..((below.end - 1 + pad) >> 1) + 1);
        }

        let mut decoder = ArrayVec::<Range<isize>, MAX_LEVELS>::from_iter([signed(target)]);
        for scale in 0..levels - 1 {
            decoder.push(through_up(&inside(&decoder[scale], scale)));
        }
        let deepest = through_up(&inside(&decoder[levels - 1], levels - 1));
        let mut reads = ArrayVec::<Range<isize>, { MAX_LEVELS + 1 }>::from_iter([deepest]);
        for scale in (0..levels).rev() {
            let outputs = inside(&common(&reads[reads.len() - 1], &known[scale + 1]), scale + 1);
            let skip = inside(&decoder[scale], scale);
            let (mut start, mut end) = (skip.start - 1, skip.end + 1);
            if outputs.start < outputs.end {
                let kernel = encoder[scale].kernel;
                start = start.min(strided(outputs.start, kernel).start);
                end = end.max(strided(outputs.end - 1, kernel).end);
            }
            reads.push(start..end);
        }
        reads.reverse();
        Self { encoder: reads, decoder }
    }
}

fn common(a: &Range<isize>, b: &Range<isize>) -> Range<isize> {
    a.start.max(b.start)..a.end.min(b.end)
}
