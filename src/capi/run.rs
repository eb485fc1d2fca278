//! One call of `inpaint_run`: checks what C lends, then fills it.

use std::ffi::c_void;
use std::ops::ControlFlow;

use ndarray::{ArrayView2, ArrayViewMut3, ShapeBuilder};

use super::lent::{Pixels, apart, extent, null};
use super::types::{Reading, inpaint_engine, inpaint_image, inpaint_mask, inpaint_progress};
use crate::alloc::{lines, split, split_words};
use crate::error::{Error, Result};
use crate::inpainter::{Progress, Request};
use crate::mask::{Mask, dilation_lines};
use crate::sample::Sample;

/// A call of `inpaint_run`.
pub(super) struct Run<'c> {
    pub engine: &'c inpaint_engine,
    pub image: &'c inpaint_image,
    pub mask: &'c inpaint_mask,
    pub scratch: *mut u8,
    pub scratch_size: usize,
    pub progress: inpaint_progress,
    pub user: *mut c_void,
}

impl Run<'_> {
    /// Fills a picture of `channels` samples of this type.
    ///
    /// # Safety
    ///
    /// `image.data`, `mask.data` and `scratch` are NULL or point to memory of the sizes given, which nobody else uses
    /// meanwhile; `progress` is NULL or may be called with `user` on any thread.
    pub unsafe fn fill<T: Sample>(&self, channels: usize) -> Result<()> {
        let Run { engine, image, mask, scratch, .. } = *self;
        let Pixels { width, height, stride, addresses: pixels } = Pixels::of::<T>(image, channels)?;
        let (bytes, mask_stride) = extent("mask", mask.data, mask.size, mask.stride, width, height)?;
        let scratch_size = match scratch.is_null() {
            false => engine.scratch_size(width, height)?,
            true if self.scratch_size == 0 => 0,
            true => return Err(null("scratch")),
        };
        if self.scratch_size < scratch_size {
            let found = self.scratch_size;
            return Err(Error::usage(format!("scratch: expected {scratch_size} bytes, found {found}")));
        }
        let memory = scratch as usize
            ..(scratch as usize)
                .checked_add(scratch_size)
                .ok_or_else(|| Error::usage("scratch: expected bytes inside of memory, found an end past it"))?;
        for (name, a, b) in [
            ("image and mask", &pixels, &bytes),
            ("image and scratch", &pixels, &memory),
            ("mask and scratch", &bytes, &memory),
        ] {
            apart(name, a, b)?;
        }

        let shape = (height, width, channels).strides((stride / size_of::<T>(), channels, 1));
        // SAFETY: `Pixels::of` has checked address, stride, length and alignment, every pattern of bits is a
        // sample, and the caller lends these pixels to nobody else.
        let pixels = unsafe { ArrayViewMut3::from_shape_ptr(shape, image.data.cast::<T>()) };
        let shape = (height, width).strides((mask_stride, 1));
        // SAFETY: as above; image and mask do not overlap.
        let mask = unsafe { ArrayView2::from_shape_ptr(shape, mask.data) };
        let scratch = (!scratch.is_null()).then(|| {
            // SAFETY: the caller lends `scratch_size` bytes, which overlap neither image nor mask; written, they may be
            // read.
            unsafe {
                scratch.write_bytes(0, scratch_size);
                std::slice::from_raw_parts_mut(scratch, scratch_size)
            }
        });
        let callback = Callback(self.progress, self.user);
        let progress = &mut |progress| {
            // SAFETY: the caller vouches for the callback.
            unsafe { callback.call(progress) }
        };
        let inpaint_engine { inpainter, reading } = engine;
        match scratch {
            None => {
                let mask = Mask::from_bytes(mask, reading.rule)?.dilated(reading.grow)?;
                inpainter.run(Request::new(pixels, &mask).progress(progress))
            }
            Some(scratch) => {
                let (mask, scratch) = mask_in(scratch, mask, *reading)?;
                inpainter.run(Request::new(pixels, &mask).progress(progress).scratch(scratch))
            }
        }
        .map(drop)
    }
}

/// Reads a mask into the front of `scratch`, and returns what is left of it.
fn mask_in<'s>(
    scratch: &'s mut [u8],
    bytes: ArrayView2<'_, u8>,
    reading: Reading,
) -> Result<(Mask<&'s mut [u64]>, &'s mut [u8])> {
    let (height, width) = bytes.dim();
    let count = Mask::words_for(width, height);
    let short = || Error::usage("scratch: expected memory for the mask, found less");
    let (words, rest) = split_words(scratch, count).ok_or_else(short)?;
    let mut mask = Mask::in_words(width, height, words)?;
    if reading.grow == 0 {
        mask.add_bytes(bytes, reading.rule);
        return Ok((mask, rest));
    }
    // Until the mask has grown, the run's memory holds the mask as it was read.
    let (words, lent) = split_words(rest, count).ok_or_else(short)?;
    let mut read = Mask::in_words(width, height, words)?;
    read.add_bytes(bytes, reading.rule);
    let (columns_and_rows, _) = split(lines(lent), dilation_lines(width, height));
    read.dilate_into(&mut mask, reading.grow, columns_and_rows);
    Ok((mask, rest))
}

/// The caller's callback and its `user`.
struct Callback(inpaint_progress, *mut c_void);

// SAFETY: the interface says that the callback runs on threads of the engine, one at a time.
unsafe impl Send for Callback {}
// SAFETY: as above.
unsafe impl Sync for Callback {}

impl Callback {
    /// Whether the run goes on.
    ///
    /// # Safety
    ///
    /// The callback is NULL or a function of its type that may be called on this thread with its `user`.
    unsafe fn call(&self, progress: Progress) -> ControlFlow<()> {
        // SAFETY: the caller vouches for it.
        match self.0.map_or(0, |callback| unsafe { callback(self.1, progress.done, progress.total) }) {
            0 => ControlFlow::Continue(()),
            _ => ControlFlow::Break(()),
        }
    }
}
