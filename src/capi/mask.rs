//! One call of `inpaint_mask_from_image`: checks what C lends, then reads it.

use ndarray::{ArrayView3, ArrayViewMut2, ShapeBuilder};

use super::lent::{Pixels, apart, extent};
use super::types::*;
use crate::error::{Error, Result};
use crate::mask::MaskChannel;
use crate::sample::Sample;

pub(super) fn channel(channel: inpaint_channel) -> Result<MaskChannel> {
    match channel {
        INPAINT_CHANNEL_AUTO => Ok(MaskChannel::Auto),
        INPAINT_CHANNEL_LUMA => Ok(MaskChannel::Luma),
        INPAINT_CHANNEL_ALPHA => Ok(MaskChannel::Alpha),
        INPAINT_CHANNEL_RED => Ok(MaskChannel::Red),
        INPAINT_CHANNEL_GREEN => Ok(MaskChannel::Green),
        INPAINT_CHANNEL_BLUE => Ok(MaskChannel::Blue),
        _ => Err(Error::usage(format!("channel: expected 0 to 5, found {channel}"))),
    }
}

/// Writes the mask of a picture of `channels` to the `size` bytes at `mask`.
///
/// # Safety
///
/// `image.data` and `mask` are NULL or point to memory of the sizes given; meanwhile nobody else uses the mask or writes the
/// picture.
pub(super) unsafe fn write<T: Sample>(
    image: &inpaint_image,
    channels: usize,
    channel: MaskChannel,
    mask: *mut u8,
    size: usize,
) -> Result<()> {
    let Pixels { width, height, stride, addresses } = Pixels::of::<T>(image, channels)?;
    let (bytes, _) = extent("mask", mask, size, 0, width, height)?;
    apart("image and mask", &addresses, &bytes)?;
    let shape = (height, width, channels).strides((stride / size_of::<T>(), channels, 1));
    // SAFETY: `Pixels::of` has checked address, stride, length and alignment, every pattern of bits is a sample, and nobody
    // writes these pixels meanwhile, as the caller vouches.
    let picture = unsafe { ArrayView3::from_shape_ptr(shape, image.data.cast::<T>().cast_const()) };
    let channel = channel.resolve(picture)?;
    // SAFETY: `extent` has checked address and length; image and mask do not overlap, and the caller lends the mask to
    // nobody else; written, it may be referred to.
    let plane = unsafe {
        mask.write_bytes(0, width * height);
        ArrayViewMut2::from_shape_ptr((height, width), mask)
    };
    channel.write_plane(picture, plane).map(drop)
}
