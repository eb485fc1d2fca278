//! Finds the hole, on the types of the `image` crate.

use image::{DynamicImage, GrayImage};
use inpaint_edge::{Error, Mask, MaskChannel, MaskGuess, MaskRule, MaskSurvey, Paint, Painted, Result, alloc};
use ndarray::{ArrayView2, ArrayView3, ArrayViewMut2};

use crate::photo::Photo;

/// Samples `[height, width, channels]` of an image.
enum Samples<'i> {
    U8(ArrayView3<'i, u8>),
    U16(ArrayView3<'i, u16>),
}

fn samples(image: &DynamicImage) -> Result<Samples<'_>> {
    let channels = usize::from(image.color().channel_count());
    let shape = (image.height() as usize, image.width() as usize, channels);
    let whole = "a buffer holds its pixels";
    if let Some(deep) = image.as_flat_samples_u16() {
        return Ok(Samples::U16(ArrayView3::from_shape(shape, deep.samples).expect(whole)));
    }
    match image.as_flat_samples_u8() {
        Some(flat) => Ok(Samples::U8(ArrayView3::from_shape(shape, flat.samples).expect(whole))),
        None => Err(Error::input(format!("expected 8 or 16 bits a sample, found {:?}", image.color()))),
    }
}

impl Photo {
    /// Guesses which channel tells the hole if this is a mask.
    ///
    /// # Errors
    ///
    /// Input, where the pixels are of another type than 8 or 16 bits a sample.
    pub fn guess_mask(&self) -> Result<MaskGuess> {
        // A band that stands in its place is no alpha.
        if !self.has_alpha() {
            return Ok(MaskGuess::Luma);
        }
        match samples(&self.pixels)? {
            Samples::U8(view) => MaskChannel::guess(view),
            Samples::U16(view) => MaskChannel::guess(view),
        }
    }

    /// Counts values and colours if this is a mask.
    ///
    /// # Errors
    ///
    /// As [`Photo::guess_mask`].
    pub fn survey_mask(&self) -> Result<MaskSurvey> {
        match samples(&self.pixels)? {
            Samples::U8(view) => MaskChannel::survey(view),
            Samples::U16(view) => MaskChannel::survey(view),
        }
    }

    /// The image as one grey plane of 8 bits, upright, as a mask is read. Samples of 16 bits count by their high byte.
    ///
    /// # Errors
    ///
    /// As [`MaskChannel::resolve`]; input, where the pixels are of another type than 8 or 16 bits a sample; limits, where
    /// memory cannot be had.
    pub fn into_mask(self, channel: MaskChannel) -> Result<GrayImage> {
        // A band that stands in the place of alpha is none.
        let channel = match channel {
            MaskChannel::Auto if !self.has_alpha() => MaskChannel::Luma,
            MaskChannel::Alpha if !self.has_alpha() => {
                return Err(Error::input("expected an alpha channel, found none"));
            }
            channel => channel,
        };
        match self.pixels {
            DynamicImage::ImageLuma8(plane) => Ok(plane),
            pixels => mask_of(&pixels, channel),
        }
    }
}

fn mask_of(pixels: &DynamicImage, channel: MaskChannel) -> Result<GrayImage> {
    let (width, height) = (pixels.width(), pixels.height());
    let shape = (height as usize, width as usize);
    let mut plane = alloc::try_filled(0, shape.0 * shape.1)?;
    let out = ArrayViewMut2::from_shape(shape, &mut plane[..]).expect("a byte a pixel");
    match samples(pixels)? {
        Samples::U8(view) => channel.write_plane(view, out)?,
        Samples::U16(view) => channel.write_plane(view, out)?,
    };
    Ok(GrayImage::from_raw(width, height, plane).expect("a byte a pixel"))
}

/// The hole that a plane of [`Photo::into_mask`] shows.
///
/// # Errors
///
/// As [`Mask::from_bytes`].
pub fn hole_of(plane: &GrayImage, rule: MaskRule) -> Result<Mask> {
    let shape = (plane.height() as usize, plane.width() as usize);
    Mask::from_bytes(ArrayView2::from_shape(shape, plane.as_raw()).expect("a byte a pixel"), rule)
}

/// Adds to `mask` what is transparent in an image of 8 or 16 bits a sample, as [`Mask::add_transparent`] says.
///
/// # Errors
///
/// As [`Mask::add_transparent`]; input, where the pixels are of another type.
pub fn add_transparent(mask: &mut Mask, image: &DynamicImage, opaque_from: Option<u8>) -> Result<()> {
    match samples(image)? {
        Samples::U8(view) => mask.add_transparent(view, opaque_from),
        Samples::U16(view) => mask.add_transparent(view, opaque_from),
    }
}

/// Adds to `mask` what has the colour of `paint` in an image of 8 or 16 bits a sample, as [`Mask::add_painted`] says.
///
/// # Errors
///
/// As [`Mask::add_painted`]; input, where the pixels are of another type.
pub fn add_painted(mask: &mut Mask, image: &DynamicImage, paint: Paint) -> Result<Painted> {
    match samples(image)? {
        Samples::U8(view) => mask.add_painted(view, paint),
        Samples::U16(view) => mask.add_painted(view, paint),
    }
}
