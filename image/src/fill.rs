//! Fills the pixels of the `image` crate.

use std::ops::ControlFlow;

use image::{DynamicImage, ImageBuffer, Pixel};
use inpaint_edge::{Error, Inpainter, Mask, Progress, Report, Request, Result, Sample};
use ndarray::ArrayViewMut3;

/// Fills the hole of a grey, grey + alpha, RGB or RGBA image of 8 or 16 bits, in place.
///
/// # Errors
///
/// As [`Inpainter::run`]; input, where the pixels are of another type.
pub fn fill(
    inpainter: &Inpainter,
    image: &mut DynamicImage,
    mask: &Mask,
    progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<Report> {
    match image {
        DynamicImage::ImageLuma8(i) => run(inpainter, i, mask, progress),
        DynamicImage::ImageLumaA8(i) => run(inpainter, i, mask, progress),
        DynamicImage::ImageRgb8(i) => run(inpainter, i, mask, progress),
        DynamicImage::ImageRgba8(i) => run(inpainter, i, mask, progress),
        DynamicImage::ImageLuma16(i) => run(inpainter, i, mask, progress),
        DynamicImage::ImageLumaA16(i) => run(inpainter, i, mask, progress),
        DynamicImage::ImageRgb16(i) => run(inpainter, i, mask, progress),
        DynamicImage::ImageRgba16(i) => run(inpainter, i, mask, progress),
        _ => Err(Error::input(format!("expected 8 or 16 bits a sample, found {:?}", image.color()))),
    }
}

fn run<P>(
    inpainter: &Inpainter,
    image: &mut ImageBuffer<P, Vec<P::Subpixel>>,
    mask: &Mask,
    progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<Report>
where
    P: Pixel<Subpixel: Sample>,
{
    let shape = (image.height() as usize, image.width() as usize, usize::from(P::CHANNEL_COUNT));
    let view = ArrayViewMut3::from_shape(shape, &mut *image).expect("a buffer holds its pixels");
    inpainter.run(Request::new(view, mask).progress(progress))
}
