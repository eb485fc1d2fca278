//! The pixels of pictures of 1 to 4 channels, as masks count them.

use ndarray::ArrayView3;

use super::bits::Mask;
use crate::error::{Error, Result};
use crate::sample::Sample;

/// Refuses an image of another size than the mask's.
pub(super) fn check_size<T>(mask: &Mask, image: &ArrayView3<'_, T>) -> Result<()> {
    let ((h, w, _), width, height) = (image.dim(), mask.width(), mask.height());
    if (w, h) != (width, height) {
        return Err(Error::input(format!("expected an image of {width}×{height}, as the mask, found {w}×{h}")));
    }
    Ok(())
}

/// Whether the last of 1 to 4 channels is alpha.
pub(super) fn has_alpha<T>(picture: &ArrayView3<'_, T>) -> Result<bool> {
    match picture.dim().2 {
        channels @ 1..=4 => Ok(channels.is_multiple_of(2)),
        channels => Err(Error::input(format!("expected 1 to 4 channels, found {channels}"))),
    }
}

/// Column, row, colour and alpha of each pixel of 1 to 4 channels, row by row.
pub(super) fn for_each_pixel<T: Sample>(picture: ArrayView3<'_, T>, mut f: impl FnMut(usize, usize, [u8; 3], u8)) {
    let channels = picture.dim().2;
    for (y, row) in picture.outer_iter().enumerate() {
        let mut on = |x: usize, pixel: &[T]| {
            let (rgb, alpha) = match *pixel {
                [v, ref alpha @ ..] if channels < 3 => ([v.to_byte(); 3], alpha.first()),
                [r, g, b, ref alpha @ ..] => ([r, g, b].map(Sample::to_byte), alpha.first()),
                _ => return,
            };
            f(x, y, rgb, alpha.map_or(u8::MAX, |alpha| alpha.to_byte()));
        };
        match row.as_slice() {
            Some(row) => row.chunks_exact(channels).enumerate().for_each(|(x, pixel)| on(x, pixel)),
            None => {
                let mut pixel = [T::default(); 4];
                for (x, samples) in row.outer_iter().enumerate() {
                    samples.iter().zip(&mut pixel).for_each(|(v, to)| *to = *v);
                    on(x, &pixel[..channels]);
                }
            }
        }
    }
}
