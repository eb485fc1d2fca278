//! The C interface, `include/inpaint_edge.h`: checks its arguments and calls [`Inpainter`].
//!
//! A panic, which would be a mistake of this library, becomes `INPAINT_INTERNAL` and goes no further.
//!
//! # Safety
//!
//! A pointer is NULL, or what the function's description calls it: options and engines come from the functions that make
//! them and are not yet freed; strings end in NUL; memory has the size that is named, and nobody else uses it meanwhile.

#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod engine;
mod guard;
mod lent;
mod mask;
mod run;
mod types;

pub use types::*;

use std::ffi::{c_char, c_int, c_void};

use crate::error::{Error, Result};
use crate::inpainter::{Inpainter, Options, Texture};
use crate::mask::{MaskWhite, Paint};
use crate::parallel::MAX_THREADS;
use crate::simd::Isa;
use engine::{built_in, create, from_file};
use guard::{boxed, guard};
use lent::{Samples, null, samples, string};
use run::Run;

/// The version of the library, such as "0.1.0". Never freed.
#[unsafe(no_mangle)]
pub extern "C" fn inpaint_version() -> *const c_char {
    concat!(env!("CARGO_PKG_VERSION"), "\0").as_ptr().cast()
}

/// INPAINT_ABI_VERSION of the library, to be compared with the header's.
#[unsafe(no_mangle)]
pub extern "C" fn inpaint_abi_version() -> u32 {
    INPAINT_ABI_VERSION
}

/// The message of this thread's last call that failed: one line of UTF-8 that says what was expected and what was found;
/// empty if no call has failed. Valid until the next call of this thread that fails.
#[unsafe(no_mangle)]
pub extern "C" fn inpaint_last_error() -> *const c_char {
    guard::last_error()
}

/// Options with their defaults: all cores, the best instruction set, white (128 or more) is the hole.
/// NULL where there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn inpaint_options_new() -> *mut inpaint_options {
    let mut options = std::ptr::null_mut();
    guard(|| {
        options = boxed(inpaint_options { options: Options::default(), reading: Reading::default() })?;
        Ok(())
    });
    options
}

/// Frees options. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_free(options: *mut inpaint_options) {
    if !options.is_null() {
        // SAFETY: made by `boxed`, and the caller gives it up.
        drop(unsafe { Box::from_raw(options) });
    }
}

/// Worker threads, 512 at the most; 0, the default, means all cores. Where not all can be started, or in a library built
/// without threads, an engine has one. Never changes a result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_threads(options: *mut inpaint_options, threads: u32) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        options.options = match threads as usize {
            threads @ 0..=MAX_THREADS => options.options.clone().threads(threads),
            _ => return Err(Error::usage(format!("threads: expected 0 to {MAX_THREADS}, found {threads}"))),
        };
        Ok(())
    })
}

/// Instruction set: "avx512", "avx2", "neon", "scalar", or "auto", the default, which is the best of this CPU. Never changes
/// a result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_isa(options: *mut inpaint_options, name: *const c_char) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        // SAFETY: the caller vouches for a string.
        let name = unsafe { string("name", name) }?.to_string_lossy();
        let isa = match Isa::ALL.into_iter().find(|isa| isa.name() == name) {
            None if name != "auto" => {
                return Err(Error::usage(format!("name: expected an instruction set or auto, found {name:?}")));
            }
            isa => isa,
        };
        options.options = options.options.clone().isa(isa);
        Ok(())
    })
}

/// Whether to leave out work that cannot reach the hole: 0 is no, any other number, the default, is yes. Never changes a
/// result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_hole_aware(options: *mut inpaint_options, on: c_int) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        options.options = options.options.clone().hole_aware(on != 0);
        Ok(())
    })
}

/// What white in a mask means. Default INPAINT_WHITE_IS_HOLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_polarity(
    options: *mut inpaint_options,
    polarity: inpaint_polarity,
) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        let white = match polarity {
            INPAINT_WHITE_IS_HOLE => MaskWhite::Hole,
            INPAINT_WHITE_IS_KEPT => MaskWhite::Keep,
            _ => return Err(Error::usage(format!("polarity: expected 0 or 1, found {polarity}"))),
        };
        options.reading.rule = options.reading.rule.white(white);
        Ok(())
    })
}

/// The lowest mask byte that is white. Default 128.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_threshold(options: *mut inpaint_options, threshold: u8) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        options.reading.rule = options.reading.rule.threshold(threshold);
        Ok(())
    })
}

/// Grows the hole by a disc of this radius, pixels. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_grow(options: *mut inpaint_options, radius: u32) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        options.reading.grow = radius as usize;
        Ok(())
    })
}

/// How many pixels around a hole the network sees. 0, the default, is what the weights say; UINT32_MAX is all of the picture.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_context(options: *mut inpaint_options, pixels: u32) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        let context = match pixels {
            0 => None,
            u32::MAX => Some(usize::MAX),
            pixels => Some(pixels as usize),
        };
        options.options = options.options.clone().context(context);
        Ok(())
    })
}

/// Which holes get the texture of the photograph around them. Default INPAINT_TEXTURE_AUTO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_texture(
    options: *mut inpaint_options,
    texture: inpaint_texture,
) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        let texture = match texture {
            INPAINT_TEXTURE_AUTO => Texture::Auto,
            INPAINT_TEXTURE_OFF => Texture::Off,
            INPAINT_TEXTURE_ON => Texture::On,
            _ => return Err(Error::usage(format!("texture: expected 0 to 2, found {texture}"))),
        };
        options.options = options.options.clone().texture(texture);
        Ok(())
    })
}

/// Whether fills that are smoother than a noisy photograph around them get its grain. Default 1.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_grain(options: *mut inpaint_options, on: c_int) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let options = unsafe { options_of(options) }?;
        options.options = options.options.clone().grain(on != 0);
        Ok(())
    })
}

/// Makes an engine from a weights file in memory or, where weights is NULL and size 0, from the weights built into the
/// library. Options may be NULL for the defaults. Weights and options may be freed afterwards. On a failure *engine is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_engine_new(
    weights: *const c_void,
    size: usize,
    options: *const inpaint_options,
    engine: *mut *mut inpaint_engine,
) -> inpaint_status {
    let make = |options| {
        if weights.is_null() {
            return if size == 0 { built_in(options) } else { Err(null("weights")) };
        }
        if size > isize::MAX as usize {
            return Err(Error::usage(format!("weights: expected a size that memory can hold, found {size} bytes")));
        }
        // SAFETY: not NULL, so the caller lends `size` bytes.
        Inpainter::from_bytes(unsafe { std::slice::from_raw_parts(weights.cast(), size) }, options)
    };
    // SAFETY: passed on to the caller.
    unsafe { create(options, engine, make) }
}

/// Makes an engine from a weights file on disk, as inpaint_engine_new does. The path is in the system's encoding; on Windows
/// it is UTF-8. INPAINT_USAGE where the library was built without feature "fs".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_engine_new_from_file(
    path: *const c_char,
    options: *const inpaint_options,
    engine: *mut *mut inpaint_engine,
) -> inpaint_status {
    // SAFETY: the caller vouches for a string.
    let make = |options| from_file(unsafe { string("path", path) }?, options);
    // SAFETY: passed on to the caller.
    unsafe { create(options, engine, make) }
}

/// Frees an engine, which no thread may be running. NULL is allowed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_engine_free(engine: *mut inpaint_engine) {
    guard(|| {
        if !engine.is_null() {
            // SAFETY: made by `boxed`, and the caller gives it up.
            drop(unsafe { Box::from_raw(engine) });
        }
        Ok(())
    });
}

/// The instruction set in use: "avx512", "avx2", "neon" or "scalar". Never freed. NULL where engine is NULL.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_isa(engine: *const inpaint_engine) -> *const c_char {
    // SAFETY: the caller vouches for the engine.
    match unsafe { engine.as_ref() } {
        None => std::ptr::null(),
        Some(engine) => engine.inpainter.isa().c_name().as_ptr(),
    }
}

/// Bytes of scratch memory that inpaint_run uses on a picture of this size. They depend on the engine and the size alone.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_scratch_size(
    engine: *const inpaint_engine,
    width: u32,
    height: u32,
    size: *mut usize,
) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for both.
        let (engine, size) = unsafe { (engine.as_ref(), size.as_mut()) };
        let (engine, size) = (engine.ok_or_else(|| null("engine"))?, size.ok_or_else(|| null("size"))?);
        *size = engine.scratch_size(width as usize, height as usize)?;
        Ok(())
    })
}

/// Fills the hole that mask shows in image, in place. Pixels outside the hole are never written. On a failure no pixel is
/// written, except that a run that was stopped or found no memory may have filled some of the hole. A mask
/// without a hole is INPAINT_OK, a mask of nothing but hole INPAINT_INPUT.
///
/// scratch is memory of inpaint_scratch_size bytes or more, at any address and of any content, which no other run uses
/// meanwhile; with it an engine of one thread allocates nothing, but for smaller pictures in which a hole wider than the network
/// reaches (128 pixels with the weights delivered) is filled first. Where scratch is NULL (and scratch_size 0) the engine takes
/// memory of its own and keeps it for the next run.
///
/// progress may be NULL; it is called with user. image, mask and scratch must not overlap, from the first byte of each to
/// its last, the gaps between rows included.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_run(
    engine: *const inpaint_engine,
    image: *const inpaint_image,
    mask: *const inpaint_mask,
    scratch: *mut c_void,
    scratch_size: usize,
    progress: inpaint_progress,
    user: *mut c_void,
) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for all three.
        let (engine, image, mask) = unsafe { (engine.as_ref(), image.as_ref(), mask.as_ref()) };
        let engine = engine.ok_or_else(|| null("engine"))?;
        let (image, mask) = (image.ok_or_else(|| null("image"))?, mask.ok_or_else(|| null("mask"))?);
        let run = Run { engine, image, mask, scratch: scratch.cast(), scratch_size, progress, user };
        // SAFETY: passed on to the caller.
        unsafe {
            match samples(image.format)? {
                Samples::U8(channels) => run.fill::<u8>(channels),
                Samples::U16(channels) => run.fill::<u16>(channels),
            }
        }
    })
}

/// Writes the mask that a picture shows to the mask_size bytes at mask: a byte a pixel, without gaps between rows, ready for
/// inpaint_mask. 16-bit samples count by their high byte. The picture is not written, and must not overlap the mask.
/// On a failure no byte is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_mask_from_image(
    image: *const inpaint_image,
    channel: inpaint_channel,
    mask: *mut u8,
    mask_size: usize,
) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the picture.
        let image = unsafe { image.as_ref() }.ok_or_else(|| null("image"))?;
        let channel = mask::channel(channel)?;
        // SAFETY: passed on to the caller.
        unsafe {
            match samples(image.format)? {
                Samples::U8(channels) => mask::write::<u8>(image, channels, channel, mask, mask_size),
                Samples::U16(channels) => mask::write::<u16>(image, channels, channel, mask, mask_size),
            }
        }
    })
}

/// Adds what is painted in a colour to the mask_size bytes at mask: 255 where the picture has the colour, all other bytes stay.
/// tolerance, 0 to 255, is the largest difference in red, green or blue that still counts as the colour; -1 also finds paint
/// that JPEG or a soft brush has changed. The picture is not written, and must not overlap the mask. On a failure no byte is written.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_mask_add_colour(
    image: *const inpaint_image,
    red: u8,
    green: u8,
    blue: u8,
    tolerance: i32,
    mask: *mut u8,
    mask_size: usize,
) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the picture.
        let image = unsafe { image.as_ref() }.ok_or_else(|| null("image"))?;
        let tolerance = match tolerance {
            -1 => None,
            tolerance => match u8::try_from(tolerance) {
                Ok(tolerance) => Some(tolerance),
                Err(_) => return Err(Error::usage(format!("tolerance: expected -1 to 255, found {tolerance}"))),
            },
        };
        let paint = Paint { rgb: [red, green, blue], tolerance };
        // SAFETY: passed on to the caller.
        unsafe {
            match samples(image.format)? {
                Samples::U8(channels) => mask::add_colour::<u8>(image, channels, paint, mask, mask_size),
                Samples::U16(channels) => mask::add_colour::<u16>(image, channels, paint, mask, mask_size),
            }
        }
    })
}

/// The options at `options`.
///
/// # Safety
///
/// `options` is NULL, or comes from `inpaint_options_new` and lives on, unused by others.
unsafe fn options_of<'a>(options: *mut inpaint_options) -> Result<&'a mut inpaint_options> {
    // SAFETY: passed on to the caller.
    unsafe { options.as_mut() }.ok_or_else(|| null("options"))
}

#[cfg(test)]
mod tests;
