//! Counts the pixels of a mask picture, to explain a hole that is not the expected one.

use ndarray::ArrayView3;

use super::pixels::{for_each_pixel, has_alpha};
use super::select::MaskChannel;
use crate::error::Result;
use crate::sample::Sample;

/// Counts of a mask picture's pixels. Samples count by their [byte](Sample::to_byte).
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct MaskSurvey {
    /// Pixels by their value in red, green, blue and alpha; alpha is 255 where the picture has none.
    pub levels: [[usize; 256]; 4],
    /// Pixels whose red, green and blue are more than 32 apart.
    pub coloured: usize,
    /// Different colours, to the highest 4 bits of red, green and blue.
    pub colours: usize,
}

impl MaskChannel {
    /// Counts the pixels of a picture `[height, width, 1 | 2 | 3 | 4]`.
    ///
    /// # Errors
    ///
    /// Input, where there is another number of channels.
    pub fn survey<T: Sample>(picture: ArrayView3<'_, T>) -> Result<MaskSurvey> {
        has_alpha(&picture)?;
        let mut survey = MaskSurvey { levels: [[0; 256]; 4], coloured: 0, colours: 0 };
        let mut seen = [0u64; 64];
        for_each_pixel(picture, |_, _, rgb, alpha| {
            let [r, g, b] = rgb;
            for (levels, v) in survey.levels.iter_mut().zip([r, g, b, alpha]) {
                levels[usize::from(v)] += 1;
            }
            survey.coloured += usize::from(r.max(g).max(b) - r.min(g).min(b) > 32);
            let colour = usize::from(r >> 4) << 8 | usize::from(g >> 4) << 4 | usize::from(b >> 4);
            seen[colour / 64] |= 1 << (colour % 64);
        });
        survey.colours = seen.iter().map(|bits| bits.count_ones() as usize).sum();
        Ok(survey)
    }
}
