//! The facade on the types of the `image` crate.

use std::ops::ControlFlow;

use ::image::{DynamicImage, GrayImage, ImageBuffer, Pixel};
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut3};

use crate::error::{Error, Result};
use crate::holes::Holes;
use crate::inpainter::{Inpainter, Progress, Report};
use crate::sample::Sample;

impl Inpainter {
    /// [`Inpainter::inpaint_into`] on a grey, grey + alpha, RGB or RGBA image of 8 or 16 bits.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint`]; input, where the pixels are of another type.
    pub fn inpaint_image(
        &self,
        image: &DynamicImage,
        mask: &GrayImage,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<(DynamicImage, Report)> {
        crate::room::check(image.as_bytes().len())?;
        let mut out = DynamicImage::new(image.width(), image.height(), image.color());
        let report = match (image, &mut out) {
            (DynamicImage::ImageLuma8(i), DynamicImage::ImageLuma8(o)) => fill(self, i, mask, o, progress),
            (DynamicImage::ImageLumaA8(i), DynamicImage::ImageLumaA8(o)) => fill(self, i, mask, o, progress),
            (DynamicImage::ImageRgb8(i), DynamicImage::ImageRgb8(o)) => fill(self, i, mask, o, progress),
            (DynamicImage::ImageRgba8(i), DynamicImage::ImageRgba8(o)) => fill(self, i, mask, o, progress),
            (DynamicImage::ImageLuma16(i), DynamicImage::ImageLuma16(o)) => fill(self, i, mask, o, progress),
            (DynamicImage::ImageLumaA16(i), DynamicImage::ImageLumaA16(o)) => fill(self, i, mask, o, progress),
            (DynamicImage::ImageRgb16(i), DynamicImage::ImageRgb16(o)) => fill(self, i, mask, o, progress),
            (DynamicImage::ImageRgba16(i), DynamicImage::ImageRgba16(o)) => fill(self, i, mask, o, progress),
            _ => Err(Error::input(format!("8 or 16 bits a sample expected, {:?} found", image.color()))),
        }?;
        Ok((out, report))
    }

    /// [`Inpainter::inpaint_holes`] on such an image.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint_image`].
    pub fn inpaint_image_holes(
        &self,
        image: &mut DynamicImage,
        holes: &Holes,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        match image {
            DynamicImage::ImageLuma8(i) => fill_holes(self, i, holes, progress),
            DynamicImage::ImageLumaA8(i) => fill_holes(self, i, holes, progress),
            DynamicImage::ImageRgb8(i) => fill_holes(self, i, holes, progress),
            DynamicImage::ImageRgba8(i) => fill_holes(self, i, holes, progress),
            DynamicImage::ImageLuma16(i) => fill_holes(self, i, holes, progress),
            DynamicImage::ImageLumaA16(i) => fill_holes(self, i, holes, progress),
            DynamicImage::ImageRgb16(i) => fill_holes(self, i, holes, progress),
            DynamicImage::ImageRgba16(i) => fill_holes(self, i, holes, progress),
            _ => Err(Error::input(format!("8 or 16 bits a sample expected, {:?} found", image.color()))),
        }
    }
}

fn fill_holes<P>(
    inpainter: &Inpainter,
    image: &mut ImageBuffer<P, Vec<P::Subpixel>>,
    holes: &Holes,
    progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<Report>
where
    P: Pixel<Subpixel: Sample>,
{
    let shape = (image.height() as usize, image.width() as usize, usize::from(P::CHANNEL_COUNT));
    let view = ArrayViewMut3::from_shape(shape, &mut *image).expect("a buffer holds its pixels");
    inpainter.inpaint_holes(view, holes, progress)
}

fn fill<P>(
    inpainter: &Inpainter,
    image: &ImageBuffer<P, Vec<P::Subpixel>>,
    mask: &GrayImage,
    out: &mut ImageBuffer<P, Vec<P::Subpixel>>,
    progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
) -> Result<Report>
where
    P: Pixel<Subpixel: Sample>,
{
    let shape = (image.height() as usize, image.width() as usize, usize::from(P::CHANNEL_COUNT));
    let whole = "a buffer holds its pixels";
    let mask_shape = (mask.height() as usize, mask.width() as usize);
    inpainter.inpaint_into(
        ArrayView3::from_shape(shape, image.as_raw()).expect(whole),
        ArrayView2::from_shape(mask_shape, mask.as_raw()).expect(whole),
        ArrayViewMut3::from_shape(shape, &mut *out).expect(whole),
        progress,
    )
}
