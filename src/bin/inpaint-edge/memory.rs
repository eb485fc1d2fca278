//! What a job takes at its most, known from the headers, the mask and the plan, before a pixel is decoded.

use inpaint_edge::image::{Header, OutputFormat};
use inpaint_edge::{Error, ErrorKind, Holes, Inpainter, Report, Result};

/// The program itself: code, stacks, tables of decoders and encoders.
const PROGRAM: usize = 12 << 20;

/// Refuses a job of more than `limit` bytes.
pub fn check(limit: usize, needed: usize) -> Result<()> {
    if needed <= limit {
        return Ok(());
    }
    let needed = needed.div_ceil(1 << 20);
    Err(Error::new(ErrorKind::Limits, format!("--max-memory {needed}M or more expected, {}M found", limit >> 20)))
}

/// Bytes while the mask is decoded and cut at its threshold.
pub fn of_mask(mask: &Header) -> usize {
    let (width, height) = (mask.width as usize, mask.height as usize);
    let plane = if mask.channels * mask.sample_bytes == 1 { 0 } else { width * height };
    let bits = 2 * Holes::bytes_for(width, height);
    PROGRAM + mask.decode_bytes().max(mask.pixel_bytes() + plane.max(bits)).max(plane + bits)
}

/// Bytes of what follows: decode, fill, encode.
pub fn of_job(inpainter: &Inpainter, plan: &Report, holes: &Holes, photo: &Header, format: OutputFormat) -> usize {
    let fill = photo.pixel_bytes().saturating_add(plan.plan_bytes);
    let files = holes.bytes() + photo.decode_bytes().max(photo.encode_bytes(format));
    // The memory of the run is kept by the inpainter, and given back before the result is encoded.
    PROGRAM.saturating_add(inpainter.weights_bytes()).saturating_add(fill.max(files))
}
