//! Peak memory of a job, known from the headers, the mask and the plan before a pixel is decoded.

use inpaint_edge::Mask;
use inpaint_edge::weights::{Config, LayerShape};
use inpaint_edge_image::{Header, OutputFormat};

/// What is known of weights before they are loaded.
#[derive(Clone)]
pub struct Known {
    pub config: Config,
    /// Bytes that the weights take once they are loaded.
    pub bytes: usize,
}

/// Peak bytes while a mask is decoded and cut at its threshold.
pub fn mask_peak_bytes(mask: &Header) -> usize {
    let (width, height) = (mask.width as usize, mask.height as usize);
    let plane = if mask.channels * mask.sample_bytes == 1 { 0 } else { width * height };
    let bits = 2 * Mask::bytes_for(width, height);
    mask.decode_bytes().max(mask.pixel_bytes() + plane.max(bits)).max(plane + bits)
}

/// Peak bytes while the hole is found: from a mask, then from the pixels of the image if `in_pixels`, then grown. Until
/// the image is decoded, `piped` bytes of it are held.
pub fn hole_peak_bytes(image: &Header, mask: Option<&Header>, in_pixels: bool, piped: usize) -> usize {
    // Painted pixels take a mask of their own, and pixels near them a third one.
    let bits = if in_pixels { 3 } else { 2 } * mask_bytes(image);
    let pixels = if in_pixels { image.decode_bytes() } else { piped };
    (pixels + bits).max(piped + mask.map_or(0, mask_peak_bytes))
}

/// Peak bytes while weights of `packed` bytes are loaded, with the largest tensor as in the file and as f32.
pub fn loading_peak_bytes(config: &Config, packed: usize) -> usize {
    let numbers = |l: &LayerShape| l.c_out * (l.c_in + l.c_skip) * l.kernel * l.kernel;
    let largest = config.layers().iter().map(numbers).max().unwrap_or(0);
    packed.saturating_add(largest.saturating_mul(8))
}

/// Peak bytes from decoding to encoding when the hole is filled.
pub fn job_peak_bytes(weights: usize, plan: usize, photo: &Header, format: OutputFormat) -> usize {
    // A picture that is decoded in part has a mask of that part, which is compared with what a run looks at.
    let part = if photo.in_part && format == OutputFormat::Jpeg(None) { mask_bytes(photo) } else { 0 };
    let fill = (photo.held_bytes() + 2 * part).saturating_add(plan.max(photo.seal_bytes()));
    // The inpainter releases the memory of the run before the result is encoded.
    weights.saturating_add(fill.max(part + preview_peak_bytes(photo, format)))
}

/// Peak bytes from decoding to encoding when nothing is filled.
pub fn preview_peak_bytes(photo: &Header, format: OutputFormat) -> usize {
    mask_bytes(photo) + photo.decode_bytes().max(photo.encode_bytes(format))
}

fn mask_bytes(photo: &Header) -> usize {
    Mask::bytes_for(photo.width as usize, photo.height as usize)
}

/// More than enough bytes for a job that loads weights beside the image and releases nothing until its end. Where so
/// many are free, nobody needs the exact number.
pub fn ample_bytes(known: &Known, photo: &Header, mask: Option<&Header>, format: OutputFormat) -> usize {
    let (width, height) = (photo.width as usize, photo.height as usize);
    // The largest region, and coarser copies of the image.
    let run = known.config.plan_bytes(width, height).unwrap_or(usize::MAX).saturating_add(2 * photo.pixel_bytes());
    let bits = 10 * mask_bytes(photo) + mask.map_or(0, mask_peak_bytes);
    let files = photo.decode_bytes().saturating_add(photo.encode_bytes(format).saturating_add(photo.seal_bytes()));
    let all =
        loading_peak_bytes(&known.config, known.bytes).saturating_add(run).saturating_add(bits).saturating_add(files);
    all.saturating_add(all / 4)
}
