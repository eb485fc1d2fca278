//! Bytes that a job takes at its most, known from the headers, the mask and the plan before a pixel is decoded.

use inpaint_edge::weights::{Config, LayerShape};
use inpaint_edge::{Mask, Strategy};
use inpaint_edge_image::{Header, OutputFormat};

/// What is known of weights before they are loaded.
#[derive(Clone)]
pub struct Known {
    pub config: Config,
    /// Bytes that they take once they are loaded.
    pub bytes: usize,
}

impl Known {
    /// Bytes of a native run on an image of this size, where it would be one.
    pub fn native_bytes(&self, strategy: Strategy, width: usize, height: usize) -> Option<usize> {
        let is_native = strategy.for_size(width, height) == Strategy::Native;
        is_native.then(|| self.config.plan_bytes(width, height).ok()).flatten()
    }
}

/// Bytes while a mask is decoded and cut at its threshold.
pub fn mask_peak_bytes(mask: &Header) -> usize {
    let (width, height) = (mask.width as usize, mask.height as usize);
    let plane = if mask.channels * mask.sample_bytes == 1 { 0 } else { width * height };
    let bits = 2 * Mask::bytes_for(width, height);
    mask.decode_bytes().max(mask.pixel_bytes() + plane.max(bits)).max(plane + bits)
}

/// Bytes while the hole is put together: from a mask, then from the pixels of the image where `in_pixels`, then grown. Until
/// the image is decoded, `piped` bytes of it are held.
pub fn hole_peak_bytes(image: &Header, mask: Option<&Header>, in_pixels: bool, piped: usize) -> usize {
    // What is painted is found beside what is marked, and what is near it beside both.
    let bits = if in_pixels { 3 } else { 2 } * Mask::bytes_for(image.width as usize, image.height as usize);
    let pixels = if in_pixels { image.decode_bytes() } else { piped };
    (pixels + bits).max(piped + mask.map_or(0, mask_peak_bytes))
}

/// Bytes while weights are loaded that take `packed`: beside them a tensor, as it is in the file and as f32.
pub fn loading_peak_bytes(config: &Config, packed: usize) -> usize {
    let numbers = |l: &LayerShape| l.c_out * (l.c_in + l.c_skip) * l.kernel * l.kernel;
    let largest = config.layers().iter().map(numbers).max().unwrap_or(0);
    packed.saturating_add(largest.saturating_mul(8))
}

/// Bytes from decoding to encoding, where the hole is filled.
pub fn job_peak_bytes(weights: usize, plan: usize, photo: &Header, format: OutputFormat) -> usize {
    let fill = photo.pixel_bytes().saturating_add(plan);
    // The inpainter keeps the memory of the run, and releases it before the result is encoded.
    weights.saturating_add(fill.max(preview_peak_bytes(photo, format)))
}

/// Bytes from decoding to encoding, where nothing is filled.
pub fn preview_peak_bytes(photo: &Header, format: OutputFormat) -> usize {
    let holes = Mask::bytes_for(photo.width as usize, photo.height as usize);
    holes + photo.decode_bytes().max(photo.encode_bytes(format))
}

/// Bytes that are more than enough for a job that loads weights beside the image and releases nothing until its end: where
/// there are so many, nobody needs to know exactly.
pub fn ample_bytes(
    known: &Known,
    photo: &Header,
    mask: Option<&Header>,
    strategy: Strategy,
    format: OutputFormat,
) -> usize {
    let (width, height) = (photo.width as usize, photo.height as usize);
    let run = match known.native_bytes(strategy, width, height) {
        Some(bytes) => bytes,
        // Larger than any region, and the coarser sizes of everything.
        None => known.native_bytes(Strategy::Native, 1024, 1024).unwrap_or(0) + 2 * photo.pixel_bytes(),
    };
    let holes = 8 * Mask::bytes_for(width, height) + mask.map_or(0, mask_peak_bytes);
    let files = photo.decode_bytes().saturating_add(photo.encode_bytes(format));
    let all =
        loading_peak_bytes(&known.config, known.bytes).saturating_add(run).saturating_add(holes).saturating_add(files);
    all.saturating_add(all / 4)
}
