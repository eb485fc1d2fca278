//! One call of `inpaint_mask_from_image` or `inpaint_mask_add_colour`: checks what C lends, then reads it.

use ndarray::{ArrayView3, ArrayViewMut2, ShapeBuilder};

use super::lent::{Pixels, apart, extent};
use super::types::*;
use crate::error::{Error, Result};
use crate::mask::{Mask, MaskChannel, Paint};
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
    // SAFETY: passed on to the caller.
    let picture = unsafe { picture::<T>(image, channels, mask, size)? };
    let (height, width, _) = picture.dim();
    let channel = channel.resolve(picture)?;
    // SAFETY: `picture` has checked address and length; image and mask do not overlap, and the caller lends the mask to
    // nobody else; written, it may be referred to.
    let plane = unsafe {
        mask.write_bytes(0, width * height);
        ArrayViewMut2::from_shape_ptr((height, width), mask)
    };
    channel.write_plane(picture, plane).map(drop)
}

/// Writes 255 to the bytes of the mask whose pixels are painted.
///
/// # Safety
///
/// As [`write`].
pub(super) unsafe fn add_colour<T: Sample>(
    image: &inpaint_image,
    channels: usize,
    paint: Paint,
    mask: *mut u8,
    size: usize,
) -> Result<()> {
    // SAFETY: passed on to the caller.
    let picture = unsafe { picture::<T>(image, channels, mask, size)? };
    let (height, width, _) = picture.dim();
    let mut painted = Mask::new(width, height)?;
    painted.add_painted(picture, paint)?;
    for y in 0..height {
        for run in painted.runs(y, 0..width) {
            // SAFETY: `picture` has checked address and length, and a run lies inside its row.
            unsafe { mask.add(y * width + run.start).write_bytes(u8::MAX, run.len()) };
        }
    }
    Ok(())
}

/// The picture at `image`, once it and the `size` bytes at `mask` are known to fit each other and not to overlap.
///
/// # Safety
///
/// As [`write`]; the picture lives on.
unsafe fn picture<'a, T: Sample>(
    image: &inpaint_image,
    channels: usize,
    mask: *const u8,
    size: usize,
) -> Result<ArrayView3<'a, T>> {
    let Pixels { width, height, stride, addresses } = Pixels::of::<T>(image, channels)?;
    let (bytes, _) = extent("mask", mask, size, 0, width, height)?;
    apart("image and mask", &addresses, &bytes)?;
    let shape = (height, width, channels).strides((stride / size_of::<T>(), channels, 1));
    // SAFETY: `Pixels::of` has checked address, stride, length and alignment, every pattern of bits is a sample, and nobody
    // writes these pixels meanwhile, as the caller vouches.
    Ok(unsafe { ArrayView3::from_shape_ptr(shape, image.data.cast::<T>().cast_const()) })
}
