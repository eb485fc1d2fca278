//! Alpha channels of opaque pictures.

use image::{DynamicImage, ImageBuffer, Pixel};
use inpaint_edge::Mask;

/// Whether every pixel outside the hole of `made_opaque` is opaque.
pub(crate) fn is_opaque(pixels: &DynamicImage, made_opaque: Option<&Mask>) -> bool {
    if !pixels.color().has_alpha() {
        return true;
    }
    let (width, channels) = (pixels.width() as usize, usize::from(pixels.color().channel_count()));
    let is_left_out = |i: usize| made_opaque.is_some_and(|mask| mask.is_hole(i % width, i / width));
    match pixels.as_flat_samples_u16() {
        Some(deep) => are_full(deep.samples, channels, u16::MAX, is_left_out),
        None => are_full(pixels.as_bytes(), channels, u8::MAX, is_left_out),
    }
}

fn are_full<T: PartialEq>(samples: &[T], channels: usize, full: T, is_left_out: impl Fn(usize) -> bool) -> bool {
    samples.chunks_exact(channels).enumerate().all(|(i, pixel)| pixel[channels - 1] == full || is_left_out(i))
}

/// Drops the alpha channel of 8-bit pixels in place.
pub(crate) fn drop(pixels: &mut DynamicImage) {
    *pixels = match std::mem::take(pixels) {
        DynamicImage::ImageLumaA8(image) => DynamicImage::ImageLuma8(without_alpha(image)),
        DynamicImage::ImageRgba8(image) => DynamicImage::ImageRgb8(without_alpha(image)),
        other => other,
    };
}

fn without_alpha<P, Q>(image: ImageBuffer<P, Vec<u8>>) -> ImageBuffer<Q, Vec<u8>>
where
    P: Pixel<Subpixel = u8>,
    Q: Pixel<Subpixel = u8>,
{
    let (width, height) = image.dimensions();
    let (from, to) = (usize::from(P::CHANNEL_COUNT), usize::from(Q::CHANNEL_COUNT));
    let mut samples = image.into_raw();
    let count = samples.len() / from;
    (1..count).for_each(|i| samples.copy_within(i * from..i * from + to, i * to));
    samples.truncate(count * to);
    ImageBuffer::from_raw(width, height, samples).expect("a sample per pixel and channel")
}
