//! Finds the hole in a channel of a mask picture, or in an image's transparency.

use ndarray::{ArrayView3, ArrayViewMut2, Axis};

use super::bits::Mask;
use super::pixels::{check_size, for_each_pixel, has_alpha};
use crate::error::{Error, Result};
use crate::sample::Sample;

/// The channel of a mask picture that shows the hole. Samples count by their [byte](Sample::to_byte).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum MaskChannel {
    /// [`MaskChannel::Alpha`] or [`MaskChannel::Luma`], as [`MaskChannel::guess`] says; a picture that may mean either is
    /// refused.
    #[default]
    Auto,
    /// Grey as it is, colour by its luma (0.2126 R + 0.7152 G + 0.0722 B, rounded down). Alpha does not count.
    Luma,
    /// Opaque is white.
    Alpha,
    /// Red alone. Grey counts as equal red, green and blue.
    Red,
    /// Green alone.
    Green,
    /// Blue alone.
    Blue,
}

/// What the channels of a mask picture may mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskGuess {
    /// There is no alpha, or it is the same everywhere: colour shows the hole.
    Luma,
    /// All visible pixels (alpha above 0) have one colour, and half of the picture or less is opaque (alpha of 128 or more):
    /// strokes on a transparent layer. Alpha shows the hole: what is opaque was painted.
    Alpha,
    /// All visible pixels have one colour, and more than half of the picture is opaque: alpha shows the hole, but it may
    /// have been painted or erased.
    AlphaEitherWay,
    /// Colour and alpha both vary, as in a photograph with an erased hole: either may show the hole.
    LumaOrAlpha,
}

/// Colours that differ by no more than this in red, green and blue count as one: lossy files and colours stored multiplied
/// by alpha are no more exact.
const ONE_COLOUR: u32 = 8;

impl MaskChannel {
    /// Lower-case name, for options.
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Luma => "luma",
            Self::Alpha => "alpha",
            Self::Red => "red",
            Self::Green => "green",
            Self::Blue => "blue",
        }
    }

    /// Guesses what the channels of a mask picture `[height, width, 1 | 2 | 3 | 4]` mean: grey or RGB, with or without
    /// alpha.
    ///
    /// # Errors
    ///
    /// Input, where there is another number of channels.
    pub fn guess<T: Sample>(picture: ArrayView3<'_, T>) -> Result<MaskGuess> {
        if !has_alpha(&picture)? {
            return Ok(MaskGuess::Luma);
        }
        let (mut least, mut most, mut colour) = (u8::MAX, 0, [0; 3]);
        for_each_pixel(picture, |_, _, rgb, alpha| {
            least = least.min(alpha);
            if alpha > most {
                (most, colour) = (alpha, rgb);
            }
        });
        if least == most {
            return Ok(MaskGuess::Luma);
        }
        let (mut is_one, mut opaque) = (true, 0);
        for_each_pixel(picture, |_, _, rgb, alpha| {
            // A difference counts as far as alpha lets it be seen.
            let differs = |(v, c): (u8, u8)| u32::from(v.abs_diff(c)) * u32::from(alpha) > ONE_COLOUR * 255;
            is_one &= !rgb.into_iter().zip(colour).any(differs);
            opaque += usize::from(alpha >= 128);
        });
        let pixels = picture.dim().0 * picture.dim().1;
        Ok(match (is_one, 2 * opaque > pixels) {
            (false, _) => MaskGuess::LumaOrAlpha,
            (true, true) => MaskGuess::AlphaEitherWay,
            (true, false) => MaskGuess::Alpha,
        })
    }

    /// The channel that is read in such a picture: never [`MaskChannel::Auto`].
    ///
    /// # Errors
    ///
    /// Input, where alpha is asked for and there is none, where [`MaskChannel::Auto`] may mean either channel or either
    /// polarity, or where there is another number of channels than 1 to 4.
    pub fn resolve<T: Sample>(self, picture: ArrayView3<'_, T>) -> Result<Self> {
        let refused = |found| Err(Error::input(format!("expected one of the channels luma and alpha, found {found}")));
        match self {
            Self::Auto => match Self::guess(picture)? {
                MaskGuess::Luma => Ok(Self::Luma),
                MaskGuess::Alpha => Ok(Self::Alpha),
                MaskGuess::AlphaEitherWay => {
                    refused("one colour, opaque in most places: what is opaque or what is not may be the hole")
                }
                MaskGuess::LumaOrAlpha => refused("a picture whose colour and alpha both vary"),
            },
            Self::Alpha if !has_alpha(&picture)? => Err(Error::input("expected an alpha channel, found none")),
            channel => has_alpha(&picture).map(|_| channel),
        }
    }

    /// Writes the channel into `plane` `[height, width]`, a byte a pixel, for [`Mask::from_bytes`]. Returns the channel that
    /// was read.
    ///
    /// # Errors
    ///
    /// As [`MaskChannel::resolve`]; input, where the sizes differ.
    pub fn write_plane<T: Sample>(
        self,
        picture: ArrayView3<'_, T>,
        mut plane: ArrayViewMut2<'_, u8>,
    ) -> Result<MaskChannel> {
        let ((height, width, _), (h, w)) = (picture.dim(), plane.dim());
        if (height, width) != (h, w) {
            return Err(Error::input(format!("expected a mask of {width}×{height}, as the picture, found {w}×{h}")));
        }
        let channel = self.resolve(picture)?;
        for_each_pixel(picture, |x, y, rgb, alpha| plane[[y, x]] = channel.byte(rgb, alpha));
        Ok(channel)
    }

    fn byte(self, [r, g, b]: [u8; 3], alpha: u8) -> u8 {
        match self {
            Self::Luma | Self::Auto if r == g && g == b => g,
            Self::Luma | Self::Auto => {
                ((2126 * u32::from(r) + 7152 * u32::from(g) + 722 * u32::from(b)) / 10_000) as u8
            }
            Self::Alpha => alpha,
            Self::Red => r,
            Self::Green => g,
            Self::Blue => b,
        }
    }
}

impl Mask {
    /// Adds what is transparent in an image `[height, width, 2 | 4]` of the same size: all that is not fully opaque, or,
    /// where `opaque_from` is given, what has an alpha [byte](Sample::to_byte) below it.
    ///
    /// # Errors
    ///
    /// Input, where there is no alpha or the sizes differ.
    pub fn add_transparent<T: Sample>(&mut self, image: ArrayView3<'_, T>, opaque_from: Option<u8>) -> Result<()> {
        check_size(self, &image)?;
        if !has_alpha(&image)? {
            return Err(Error::input("expected an alpha channel, found none"));
        }
        let alpha = image.index_axis(Axis(2), image.dim().2 - 1);
        for ((y, x), alpha) in alpha.indexed_iter() {
            if opaque_from.map_or(alpha.to_unit() < 1.0, |from| alpha.to_byte() < from) {
                self.add(x, y);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
