//! The C interface, `include/inpaint_edge.h`: checks what C hands over and calls [`Inpainter`].
//!
//! A panic, which would be a mistake of this library, ends in `INPAINT_INTERNAL` and goes no further.
//!
//! # Safety
//!
//! A pointer is NULL, or what the function's description calls it: options and engines of the functions that make them and
//! not yet freed, strings that end, memory of the size that is named and that nobody else uses meanwhile.

#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod engine;
mod guard;
mod mask;
mod run;

use std::ffi::{CStr, c_char, c_int, c_void};

use crate::error::{Error, Result};
use crate::inpainter::{Inpainter, Options, Strategy};
use crate::mask::{MaskRule, MaskWhite};
use crate::parallel::MAX_THREADS;
use crate::simd::Isa;
use engine::{built_in, create, from_file};
use guard::{boxed, guard};
use run::Run;

/// What a call came to: one of the numbers below. New ones may be added, none is reused.
pub type inpaint_status = i32;

/// Done.
pub const INPAINT_OK: inpaint_status = 0;
/// An argument is wrong, or the options contradict each other, this CPU or this build.
pub const INPAINT_USAGE: inpaint_status = 2;
/// The image or the mask cannot be used.
pub const INPAINT_INPUT: inpaint_status = 3;
/// The weights cannot be read, or are malformed or contradictory.
pub const INPAINT_WEIGHTS: inpaint_status = 4;
/// The work needs more memory or larger indices than there are.
pub const INPAINT_LIMITS: inpaint_status = 5;
/// The progress callback asked to stop.
pub const INPAINT_CANCELLED: inpaint_status = 6;
/// A result could not be written.
pub const INPAINT_OUTPUT: inpaint_status = 7;
/// A mistake in this library; please report the message.
pub const INPAINT_INTERNAL: inpaint_status = 8;

/// How pixels lie in memory: one of the numbers below. Samples of a pixel follow each other; 16-bit samples are in the
/// machine's byte order. Alpha is never changed.
pub type inpaint_format = i32;

/// Grey, 8 bits.
pub const INPAINT_GREY8: inpaint_format = 0x01;
/// Grey and alpha, 8 bits each.
pub const INPAINT_GREYA8: inpaint_format = 0x02;
/// Red, green, blue, 8 bits each.
pub const INPAINT_RGB8: inpaint_format = 0x03;
/// Red, green, blue, alpha, 8 bits each.
pub const INPAINT_RGBA8: inpaint_format = 0x04;
/// Grey, 16 bits.
pub const INPAINT_GREY16: inpaint_format = 0x11;
/// Grey and alpha, 16 bits each.
pub const INPAINT_GREYA16: inpaint_format = 0x12;
/// Red, green, blue, 16 bits each.
pub const INPAINT_RGB16: inpaint_format = 0x13;
/// Red, green, blue, alpha, 16 bits each.
pub const INPAINT_RGBA16: inpaint_format = 0x14;

/// What white in a mask means: one of the numbers below.
pub type inpaint_polarity = i32;

/// White is the hole to fill.
pub const INPAINT_WHITE_IS_HOLE: inpaint_polarity = 0;
/// White is kept, black is the hole.
pub const INPAINT_WHITE_IS_KEPT: inpaint_polarity = 1;

/// What the network runs on at a time: one of the numbers below. It decides the bytes of a result.
pub type inpaint_strategy = i32;

/// INPAINT_STRATEGY_NATIVE up to INPAINT_NATIVE_PIXELS, INPAINT_STRATEGY_WINDOW above.
pub const INPAINT_STRATEGY_AUTO: inpaint_strategy = 0;
/// The whole picture, however large: memory grows with it.
pub const INPAINT_STRATEGY_NATIVE: inpaint_strategy = 1;
/// One region around the holes after another: memory follows the largest. Holes wider than a region are filled at half the
/// size first, and so on.
pub const INPAINT_STRATEGY_WINDOW: inpaint_strategy = 2;

/// The most pixels of a picture that INPAINT_STRATEGY_AUTO runs whole: 2^20.
pub const INPAINT_NATIVE_PIXELS: u32 = 1048576;

/// What of a picture is white or black where it is a mask: one of the numbers below.
pub type inpaint_channel = i32;

/// INPAINT_CHANNEL_LUMA where the picture has no alpha or the same everywhere. INPAINT_CHANNEL_ALPHA where all that can be
/// seen (alpha above 0) has one colour, give or take 8, and half of the picture or less is opaque (alpha of 128 or more), as
/// strokes on a transparent layer. What may be meant either way, as a photograph with an erased hole, is INPAINT_INPUT.
pub const INPAINT_CHANNEL_AUTO: inpaint_channel = 0;
/// Grey, or the luma of colour (0.2126 R + 0.7152 G + 0.0722 B, rounded down).
pub const INPAINT_CHANNEL_LUMA: inpaint_channel = 1;
/// Opaque is white. Of a picture whose hole is transparent, with INPAINT_WHITE_IS_KEPT.
pub const INPAINT_CHANNEL_ALPHA: inpaint_channel = 2;
/// Red alone; grey is as much red, green and blue.
pub const INPAINT_CHANNEL_RED: inpaint_channel = 3;
/// Green alone.
pub const INPAINT_CHANNEL_GREEN: inpaint_channel = 4;
/// Blue alone.
pub const INPAINT_CHANNEL_BLUE: inpaint_channel = 5;

/// Number of this interface. It changes when a program compiled for another would not run rightly.
pub const INPAINT_ABI_VERSION: u32 = 1;

/// How an engine is to work. Made by inpaint_options_new; to be used by one thread at a time.
#[derive(Clone, Default)]
pub struct inpaint_options {
    options: Options,
    reading: Reading,
}

/// How masks are read, and how far their holes grow.
#[derive(Clone, Copy, Default)]
struct Reading {
    rule: MaskRule,
    grow: usize,
}

/// A network ready to run. Made by inpaint_engine_new; any number of threads may use it at once. Its worker threads are not
/// there in a child of fork(): inpaint_run is INPAINT_USAGE there, and inpaint_engine_free frees all but them; the child
/// makes an engine of its own, or runs one of one thread that no thread was running at the fork.
pub struct inpaint_engine {
    inpainter: Inpainter,
    reading: Reading,
}

/// A picture in the caller's memory, upright, the top row first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct inpaint_image {
    /// The first sample of the first row; of 16 bits, at an even address.
    pub data: *mut c_void,
    /// Bytes at data that belong to the picture.
    pub size: usize,
    /// Bytes from a row to the next; 0 where rows follow each other without a gap. Of 16-bit samples, even.
    pub stride: usize,
    /// Pixels.
    pub width: u32,
    /// Pixels.
    pub height: u32,
    /// How a pixel lies in memory.
    pub format: inpaint_format,
}

/// A mask in the caller's memory, one byte a pixel and of the picture's width and height. Its bytes from the options'
/// threshold on are white.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct inpaint_mask {
    /// The first byte of the first row.
    pub data: *const u8,
    /// Bytes at data that belong to the mask.
    pub size: usize,
    /// Bytes from a row to the next; 0 where rows follow each other without a gap.
    pub stride: usize,
}

/// Told after every layer how much of a run is done, in pixels of the regions that the network runs in, on
/// one thread at a time that need not be the caller's. Anything but 0 ends the run with INPAINT_CANCELLED. It must return (no
/// longjmp, no exception) and must neither free the engine nor wait for another run of it: one run may be under way inside
/// of another.
pub type inpaint_progress = Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64) -> c_int>;

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

/// One line of UTF-8 that says what was expected and what was found in the last call of this thread that failed; empty where
/// none has. Valid until the next call of this thread that fails.
#[unsafe(no_mangle)]
pub extern "C" fn inpaint_last_error() -> *const c_char {
    guard::last_error()
}

/// Options with their defaults: all cores, the best instruction set, white (128 or more) is the hole, INPAINT_STRATEGY_AUTO.
/// NULL where there is no memory.
#[unsafe(no_mangle)]
pub extern "C" fn inpaint_options_new() -> *mut inpaint_options {
    let mut options = std::ptr::null_mut();
    guard(|| {
        options = boxed(inpaint_options::default())?;
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

/// Worker threads, 512 at the most; 0, the default, for all cores. Where not all can be started, or in a library built
/// without threads, an engine has one. Never changes a result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_threads(options: *mut inpaint_options, threads: u32) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let inpaint_options { options, .. } = unsafe { options_of(options) }?;
        *options = match threads as usize {
            threads @ 0..=MAX_THREADS => options.clone().threads(threads),
            _ => return Err(Error::usage(format!("threads: expected 0 to {MAX_THREADS}, found {threads}"))),
        };
        Ok(())
    })
}

/// Instruction set: "avx512", "avx2", "neon", "scalar", or "auto", the default, for the best of this CPU. Never changes a
/// result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_isa(options: *mut inpaint_options, name: *const c_char) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let inpaint_options { options, .. } = unsafe { options_of(options) }?;
        // SAFETY: the caller vouches for a string.
        let name = unsafe { string("name", name) }?.to_string_lossy();
        let isa = match Isa::ALL.into_iter().find(|isa| isa.name() == name) {
            None if name != "auto" => {
                return Err(Error::usage(format!("name: expected an instruction set or auto, found {name:?}")));
            }
            isa => isa,
        };
        *options = options.clone().isa(isa);
        Ok(())
    })
}

/// Whether to leave out work that cannot reach the hole: not 0, the default. Never changes a result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_hole_aware(options: *mut inpaint_options, on: c_int) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let inpaint_options { options, .. } = unsafe { options_of(options) }?;
        *options = options.clone().hole_aware(on != 0);
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
        let inpaint_options { reading, .. } = unsafe { options_of(options) }?;
        reading.rule = match polarity {
            INPAINT_WHITE_IS_HOLE => reading.rule.white(MaskWhite::Hole),
            INPAINT_WHITE_IS_KEPT => reading.rule.white(MaskWhite::Keep),
            _ => return Err(Error::usage(format!("polarity: expected 0 or 1, found {polarity}"))),
        };
        Ok(())
    })
}

/// Mask bytes from here on are white. Default 128.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_threshold(options: *mut inpaint_options, threshold: u8) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let inpaint_options { reading, .. } = unsafe { options_of(options) }?;
        reading.rule = reading.rule.threshold(threshold);
        Ok(())
    })
}

/// Grow the hole by a disc of this radius, pixels. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_grow(options: *mut inpaint_options, radius: u32) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let inpaint_options { reading, .. } = unsafe { options_of(options) }?;
        reading.grow = radius as usize;
        Ok(())
    })
}

/// What the network runs on at a time. Default INPAINT_STRATEGY_AUTO.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_strategy(
    options: *mut inpaint_options,
    strategy: inpaint_strategy,
) -> inpaint_status {
    guard(|| {
        // SAFETY: the caller vouches for the options.
        let inpaint_options { options, .. } = unsafe { options_of(options) }?;
        *options = options.clone().strategy(match strategy {
            INPAINT_STRATEGY_AUTO => Strategy::Auto,
            INPAINT_STRATEGY_NATIVE => Strategy::Native,
            INPAINT_STRATEGY_WINDOW => Strategy::Window,
            _ => return Err(Error::usage(format!("strategy: expected 0 to 2, found {strategy}"))),
        });
        Ok(())
    })
}

/// An engine from a weights file in memory, which may be freed afterwards, or, where weights is NULL and size 0, from the
/// weights built into the library. Options may be NULL for the defaults, and may be freed afterwards. On a failure *engine
/// is NULL.
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

/// An engine from a weights file on disk, as inpaint_engine_new. The path is in the system's encoding: UTF-8 on Windows.
/// INPAINT_USAGE where the library was built without feature "fs".
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

/// The instruction set in use: "avx512", "avx2", "neon" or "scalar". Never freed. NULL where engine is.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_isa(engine: *const inpaint_engine) -> *const c_char {
    // SAFETY: the caller vouches for the engine.
    match unsafe { engine.as_ref() } {
        None => std::ptr::null(),
        Some(engine) => engine.inpainter.isa().c_name().as_ptr(),
    }
}

/// Bytes of scratch memory that inpaint_run uses on a picture of this size. They depend on the weights and the size alone.
/// INPAINT_USAGE where such a picture is run in regions, which takes no scratch memory: see inpaint_strategy.
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

/// Fills the hole that mask shows in image, in place. Pixels outside the hole are not written; on a failure none is, but of a
/// run in regions that was stopped or found no memory some of the hole may be. A mask without a hole is INPAINT_OK, one of
/// nothing but hole INPAINT_INPUT.
///
/// scratch is memory of inpaint_scratch_size bytes or more, at any address and of any content, which no other run uses
/// meanwhile; with it an engine of one thread allocates nothing. Where it is NULL (and scratch_size 0) the engine takes
/// memory of its own and keeps it for the next run. A picture that is run in regions takes no scratch: INPAINT_USAGE.
///
/// progress may be NULL; user is handed to it. image, mask and scratch must not overlap, from the first byte of each to its
/// last, the gaps between rows included.
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
            match image.format {
                INPAINT_GREY8..=INPAINT_RGBA8 => run.fill::<u8>(image.format as usize),
                INPAINT_GREY16..=INPAINT_RGBA16 => run.fill::<u16>((image.format - 0x10) as usize),
                format => Err(unknown(format)),
            }
        }
    })
}

/// Writes the mask that a picture shows, a byte a pixel, to the mask_size bytes at mask: what inpaint_mask is of, without
/// gaps between rows. 16-bit samples count by their high byte. The picture is not written, and must not overlap the mask.
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
            match image.format {
                INPAINT_GREY8..=INPAINT_RGBA8 => {
                    mask::write::<u8>(image, image.format as usize, channel, mask, mask_size)
                }
                INPAINT_GREY16..=INPAINT_RGBA16 => {
                    mask::write::<u16>(image, (image.format - 0x10) as usize, channel, mask, mask_size)
                }
                format => Err(unknown(format)),
            }
        }
    })
}

fn unknown(format: inpaint_format) -> Error {
    Error::usage(format!("format: expected one of this interface, found {format}"))
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

/// The string at `text`.
///
/// # Safety
///
/// `text` is NULL or a string that lives on.
unsafe fn string<'a>(name: &str, text: *const c_char) -> Result<&'a CStr> {
    if text.is_null() {
        return Err(null(name));
    }
    // SAFETY: passed on to the caller.
    Ok(unsafe { CStr::from_ptr(text) })
}

fn null(name: &str) -> Error {
    Error::usage(format!("{name}: expected an address, found NULL"))
}

#[cfg(test)]
mod tests;
