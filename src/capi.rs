//! The C interface, `include/inpaint_edge.h`: checks what C hands over and calls [`Inpainter`].
//!
//! A panic, which would be a mistake of this library, ends in `INPAINT_INTERNAL` and goes no further.
//!
//! # Safety
//!
//! A pointer is NULL, or what the function's description calls it: options and engines of the functions that make them and
//! not yet freed, strings that end, memory of the size that is named and that nobody else uses meanwhile.

#![allow(unsafe_code, non_camel_case_types, clippy::missing_safety_doc)]

mod mask;
mod run;

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::alloc::try_with_capacity;
use crate::error::{Error, Result};
use crate::inpainter::{Inpainter, Options};
use crate::mask::{MaskRule, MaskWhite};
use crate::parallel::MAX_THREADS;
use crate::simd::Isa;
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
pub struct inpaint_options(Options, Reading);

/// A network ready to run. Made by inpaint_engine_new; any number of threads may use it at once. Its worker threads are not
/// there in a child of fork(): inpaint_run is INPAINT_USAGE there, and inpaint_engine_free frees all but them; the child
/// makes an engine of its own, or runs one of one thread that no thread was running at the fork.
pub struct inpaint_engine(Inpainter, Reading);

/// How masks are read, and how far their holes grow.
#[derive(Clone, Copy, Default)]
struct Reading {
    rule: MaskRule,
    grow: usize,
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

/// Told after every layer how much of a run is done, in pixels, on one thread at a time that need not be
/// the caller's. Anything but 0 ends the run with INPAINT_CANCELLED. It must return (no longjmp, no exception) and must
/// neither free the engine nor wait for another run of it: one run may be under way inside of another.
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
    LAST_ERROR.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Options with their defaults: all cores, the best instruction set, white (128 or more) is the hole. NULL where there is
/// no memory.
#[unsafe(no_mangle)]
pub extern "C" fn inpaint_options_new() -> *mut inpaint_options {
    let mut options = std::ptr::null_mut();
    guard(|| {
        options = boxed(inpaint_options(Options::default(), Reading::default()))?;
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
    set(options, |options, _| match threads as usize {
        threads @ 0..=MAX_THREADS => Ok(options.threads(threads)),
        _ => Err(Error::usage(format!("0 to {MAX_THREADS} threads expected, {threads} found"))),
    })
}

/// Instruction set: "avx512", "avx2", "neon", "scalar", or "auto", the default, for the best of this CPU. Never changes a
/// result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_isa(options: *mut inpaint_options, name: *const c_char) -> inpaint_status {
    set(options, |options, _| {
        // SAFETY: the caller vouches for a string.
        let name = unsafe { string("name", name) }?.to_string_lossy();
        match Isa::ALL.into_iter().find(|isa| isa.name() == name) {
            None if name != "auto" => Err(Error::usage(format!("an instruction set expected, {name:?} found"))),
            isa => Ok(options.isa(isa)),
        }
    })
}

/// Whether to leave out work that cannot reach the hole: not 0, the default. Never changes a result.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_hole_aware(options: *mut inpaint_options, on: c_int) -> inpaint_status {
    set(options, |options, _| Ok(options.hole_aware(on != 0)))
}

/// What white in a mask means. Default INPAINT_WHITE_IS_HOLE.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_polarity(
    options: *mut inpaint_options,
    polarity: inpaint_polarity,
) -> inpaint_status {
    set(options, |options, reading| {
        reading.rule = match polarity {
            INPAINT_WHITE_IS_HOLE => reading.rule.white(MaskWhite::Hole),
            INPAINT_WHITE_IS_KEPT => reading.rule.white(MaskWhite::Keep),
            _ => return Err(Error::usage(format!("polarity: 0 or 1 expected, {polarity} found"))),
        };
        Ok(options)
    })
}

/// Mask bytes from here on are white. Default 128.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_threshold(options: *mut inpaint_options, threshold: u8) -> inpaint_status {
    set(options, |options, reading| {
        reading.rule = reading.rule.threshold(threshold);
        Ok(options)
    })
}

/// Grow the hole by a disc of this radius, pixels. Default 0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_options_set_grow(options: *mut inpaint_options, radius: u32) -> inpaint_status {
    set(options, |options, reading| {
        reading.grow = radius as usize;
        Ok(options)
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
    // SAFETY: passed on to the caller.
    unsafe {
        create(options, engine, |options| {
            if weights.is_null() {
                return if size == 0 { built_in(options) } else { Err(null("weights")) };
            }
            if size > isize::MAX as usize {
                return Err(Error::usage(format!("weights: {size} bytes are more than memory holds")));
            }
            Inpainter::from_bytes(std::slice::from_raw_parts(weights.cast(), size), options)
        })
    }
}

/// An engine from a weights file on disk, as inpaint_engine_new. The path is in the system's encoding: UTF-8 on Windows.
/// INPAINT_USAGE where the library was built without feature "fs".
#[unsafe(no_mangle)]
pub unsafe extern "C" fn inpaint_engine_new_from_file(
    path: *const c_char,
    options: *const inpaint_options,
    engine: *mut *mut inpaint_engine,
) -> inpaint_status {
    // SAFETY: passed on to the caller.
    unsafe { create(options, engine, |options| from_file(string("path", path)?, options)) }
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
        Some(engine) => engine.0.isa().c_name().as_ptr(),
    }
}

/// Bytes of scratch memory that inpaint_run uses on a picture of this size. They depend on the weights and the size alone.
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
        *size = run::scratch_size(&engine.0, width as usize, height as usize)?;
        Ok(())
    })
}

/// Fills the hole that mask shows in image, in place. Pixels outside the hole are not written; on a failure none is. A mask
/// without a hole is INPAINT_OK, one of nothing but hole INPAINT_INPUT.
///
/// scratch is memory of inpaint_scratch_size bytes or more, at any address and of any content, which no other run uses
/// meanwhile; with it an engine of one thread allocates nothing. Where it is NULL (and scratch_size 0) the engine takes
/// memory of its own and keeps it for the next run.
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
        let inpaint_engine(engine, reading) = engine.ok_or_else(|| null("engine"))?;
        let (image, mask) = (image.ok_or_else(|| null("image"))?, mask.ok_or_else(|| null("mask"))?);
        let run = Run { engine, reading: *reading, image, mask, scratch: scratch.cast(), scratch_size, progress, user };
        match image.format {
            INPAINT_GREY8..=INPAINT_RGBA8 => run.fill::<u8>(image.format as usize),
            INPAINT_GREY16..=INPAINT_RGBA16 => run.fill::<u16>((image.format - 0x10) as usize),
            format => Err(unknown(format)),
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
        match image.format {
            INPAINT_GREY8..=INPAINT_RGBA8 => mask::write::<u8>(image, image.format as usize, channel, mask, mask_size),
            INPAINT_GREY16..=INPAINT_RGBA16 => {
                mask::write::<u16>(image, (image.format - 0x10) as usize, channel, mask, mask_size)
            }
            format => Err(unknown(format)),
        }
    })
}

fn unknown(format: inpaint_format) -> Error {
    Error::usage(format!("a format of this interface expected, {format} found"))
}

#[cfg(feature = "embedded-weights")]
fn built_in(options: Options) -> Result<Inpainter> {
    Inpainter::embedded(options)
}

#[cfg(not(feature = "embedded-weights"))]
fn built_in(_: Options) -> Result<Inpainter> {
    Err(Error::usage("this build has no weights of its own: weights expected"))
}

#[cfg(feature = "fs")]
fn from_file(path: &CStr, options: Options) -> Result<Inpainter> {
    #[cfg(unix)]
    let path: &std::ffi::OsStr = std::os::unix::ffi::OsStrExt::from_bytes(path.to_bytes());
    #[cfg(not(unix))]
    let path = path.to_str().map_err(|_| Error::usage("path: UTF-8 expected"))?;
    Inpainter::from_path(path, options)
}

#[cfg(not(feature = "fs"))]
fn from_file(_: &CStr, _: Options) -> Result<Inpainter> {
    Err(Error::usage("this build reads no files: weights in memory expected"))
}

/// Puts what `make` makes into `*engine`.
///
/// # Safety
///
/// `options` is NULL or comes from `inpaint_options_new`; `engine` is NULL or may be written.
unsafe fn create(
    options: *const inpaint_options,
    engine: *mut *mut inpaint_engine,
    make: impl FnOnce(Options) -> Result<Inpainter>,
) -> inpaint_status {
    guard(|| {
        if engine.is_null() {
            return Err(null("engine"));
        }
        // SAFETY: not NULL, so it may be written.
        unsafe { engine.write(std::ptr::null_mut()) };
        // SAFETY: the caller vouches for the options.
        let (options, reading) = unsafe { options.as_ref() }
            .map_or_else(Default::default, |inpaint_options(options, reading)| (options.clone(), *reading));
        let made = boxed(inpaint_engine(make(options)?, reading))?;
        // SAFETY: as above.
        unsafe { engine.write(made) };
        Ok(())
    })
}

/// Changes `options`, which are NULL or come from `inpaint_options_new`.
fn set(options: *mut inpaint_options, change: impl FnOnce(Options, &mut Reading) -> Result<Options>) -> inpaint_status {
    guard(|| {
        // SAFETY: the callers pass on what their caller vouches for.
        let inpaint_options(options, reading) = unsafe { options.as_mut() }.ok_or_else(|| null("options"))?;
        *options = change(options.clone(), reading)?;
        Ok(())
    })
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
    Error::usage(format!("{name}: an address expected, NULL found"))
}

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// On the heap, where memory can be had.
fn boxed<T>(value: T) -> Result<*mut T> {
    let mut one = try_with_capacity(1)?;
    one.push(value);
    Ok(Box::into_raw(one.into_boxed_slice()).cast())
}

/// The status of `work`, its message kept for `inpaint_last_error`; a panic ends here.
fn guard(work: impl FnOnce() -> Result<()>) -> inpaint_status {
    let (status, message) = match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => return INPAINT_OK,
        Ok(Err(error)) => (error.kind().status(), error.to_string()),
        Err(panic) => (INPAINT_INTERNAL, format!("internal error: {}", panic_message(panic))),
    };
    let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
    let _ = LAST_ERROR.try_with(|last| last.replace(message));
    status
}

fn panic_message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    // What a panic carries may panic when dropped.
    std::mem::forget(panic);
    text.unwrap_or_else(|| "a panic".to_owned())
}

#[cfg(test)]
mod tests;
