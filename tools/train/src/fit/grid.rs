//! Pictures of what the average weights do: input, output, truth.

use super::sample::Sample;
use crate::{
    net::{Net, Params},
    sheet::Sheet,
};
use image::RgbImage;

/// Rows of two crops, each as input (holes white), output and truth.
pub fn grid(net: &mut Net, params: &Params, samples: &[Sample]) -> RgbImage {
    let size = samples.first().map_or(0, |sample| sample.batch.size);
    let mut sheet = Sheet::new(size, 6, 3 * samples.len());
    let bytes = |pixel: &[f32]| [0, 1, 2].map(|c| (pixel[c].clamp(0.0, 1.0) * 255.0).round() as u8);
    for Sample { batch, prior } in samples {
        let filled = net.fill(params, batch, prior.as_deref());
        let truth = || batch.images.chunks_exact(3).map(bytes);
        sheet.push(truth().zip(&batch.masks).map(|(pixel, &known)| if known == 1 { pixel } else { [255; 3] }));
        sheet.push(filled.chunks_exact(3).map(bytes));
        sheet.push(truth());
    }
    sheet.image().clone()
}
