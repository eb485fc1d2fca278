//! Any calls of the C interface that keep the header's contract end in a status it names, with a message where it is not
//! `INPAINT_OK`, and write nothing but colours of the picture.
//!
//! The contract: addresses are NULL or of memory as large as is said, and of objects not yet freed. All else is the
//! input's: sizes, strides, formats, alignment, overlaps, options, weights.
#![no_main]

use std::ffi::{CStr, c_int, c_void};
use std::ptr::{null, null_mut};

use arbitrary::{Arbitrary, Result, Unstructured};
use inpaint_edge::capi::*;
use inpaint_fuzz::{SMALL_NETWORK, one_line};
use libfuzzer_sys::fuzz_target;

/// Bytes that images, masks and scratch memory are parts of.
const MEMORY: usize = 1 << 16;

/// A status is 0, or one that the header names other than `INPAINT_INTERNAL`, and then there is a message.
fn checked(status: inpaint_status) -> inpaint_status {
    assert!(matches!(status, INPAINT_OK | INPAINT_USAGE..=INPAINT_OUTPUT), "{status}: {}", last_error());
    if status != INPAINT_OK {
        one_line(&last_error());
    }
    status
}

fn last_error() -> String {
    // SAFETY: valid until the next call that fails.
    unsafe { CStr::from_ptr(inpaint_last_error()) }.to_str().expect("UTF-8").to_owned()
}

/// Counts itself, and asks to stop at the call whose number it is given.
unsafe extern "C" fn progress(calls: *mut c_void, done: u64, total: u64) -> c_int {
    assert!(done <= total);
    // SAFETY: `run` hands over two numbers.
    let calls = unsafe { &mut *calls.cast::<[u32; 2]>() };
    calls[0] += 1;
    c_int::from(calls[0] == calls[1])
}

/// A number that may be small, large or close to one that matters.
fn number(u: &mut Unstructured, near: usize) -> Result<usize> {
    Ok(match u.int_in_range(0..=5)? {
        0 => 0,
        1 => near.wrapping_add(u.int_in_range(-3i8..=3)? as usize),
        2 => usize::from(u8::arbitrary(u)?),
        3 => usize::from(u16::arbitrary(u)?),
        4 => usize::MAX - usize::from(u8::arbitrary(u)?),
        _ => usize::arbitrary(u)?,
    })
}

/// A part of `memory` of some `near` bytes.
fn part(u: &mut Unstructured, memory: &mut [u8], near: usize) -> Result<(*mut u8, usize)> {
    if u.ratio(1, 16)? {
        return Ok((null_mut(), number(u, 0)?));
    }
    let start = u.int_in_range(0..=MEMORY)?;
    let size = if u.arbitrary()? { near } else { number(u, near)? };
    Ok((memory[start..].as_mut_ptr(), size.min(MEMORY - start)))
}

struct Options(*mut inpaint_options);

impl Options {
    fn make(u: &mut Unstructured) -> Result<Self> {
        let options = Self(inpaint_options_new());
        // SAFETY: options just made, and strings.
        unsafe {
            // One thread, mostly: starting more takes longer than all else here.
            let threads = if u.ratio(1, 16)? { u.int_in_range(0..=3)? } else { 1 };
            checked(inpaint_options_set_threads(options.0, threads));
            checked(inpaint_options_set_threads(options.0, 513 + u32::from(u8::arbitrary(u)?)));
            let mut name = <[u8; 7]>::arbitrary(u)?.to_vec();
            name.push(0);
            let name = CStr::from_bytes_until_nul(&name).expect("a 0 at the end");
            let known = [c"auto", c"avx512", c"avx2", c"neon", c"scalar", name];
            checked(inpaint_options_set_isa(options.0, u.choose(&known)?.as_ptr()));
            checked(inpaint_options_set_isa(options.0, null()));
            checked(inpaint_options_set_hole_aware(options.0, u.arbitrary()?));
            checked(inpaint_options_set_grain(options.0, u.arbitrary()?));
            checked(inpaint_options_set_polarity(options.0, u.int_in_range(-1..=2)?));
            checked(inpaint_options_set_threshold(options.0, u.arbitrary()?));
            checked(inpaint_options_set_grow(options.0, number(u, 3)? as u32));
        }
        Ok(options)
    }
}

impl Drop for Options {
    fn drop(&mut self) {
        // SAFETY: made by `inpaint_options_new`, or NULL.
        unsafe { inpaint_options_free(self.0) }
    }
}

struct Engine(*mut inpaint_engine);

impl Engine {
    fn make(u: &mut Unstructured) -> Result<Self> {
        let options = if u.ratio(1, 8)? { Options(null_mut()) } else { Options::make(u)? };
        let mut engine = Self(null_mut());
        let weights =
            if u.ratio(1, 16)? { &SMALL_NETWORK[..u.int_in_range(0..=SMALL_NETWORK.len())?] } else { SMALL_NETWORK };
        let (address, size) =
            if u.ratio(1, 16)? { (null(), number(u, 1)?.max(1)) } else { (weights.as_ptr(), weights.len()) };
        // SAFETY: weights of this size or NULL, options of ours, an engine to be written.
        let status = unsafe { checked(inpaint_engine_new(address.cast(), size, options.0, &mut engine.0)) };
        assert_eq!(status == INPAINT_OK, !engine.0.is_null());
        // SAFETY: as above.
        assert_eq!(unsafe { inpaint_engine_new(address.cast(), size, options.0, null_mut()) }, INPAINT_USAGE);
        Ok(engine)
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        // SAFETY: made by `inpaint_engine_new`, or NULL.
        unsafe { inpaint_engine_free(self.0) }
    }
}

fn run(u: &mut Unstructured, engine: &Engine, memory: &mut [u8]) -> Result<()> {
    let width = if u.ratio(7, 8)? { u.int_in_range(0..=64)? } else { number(u, 64)? as u32 };
    let height = if u.ratio(7, 8)? { u.int_in_range(0..=48)? } else { number(u, 48)? as u32 };
    let formats = [0, 1, 2, 3, 4, 5, 0x10, 0x11, 0x12, 0x13, 0x14, 0x15, i32::MIN, i32::MAX];
    let format = *u.choose(&formats)?;
    let (channels, sample) = ((format & 7).max(0) as usize, if format & 0x10 == 0 { 1 } else { 2 });

    let mut scratch_size = 0;
    // SAFETY: an engine of ours or NULL, and a size to be written.
    let sized = unsafe { checked(inpaint_scratch_size(engine.0, width, height, &mut scratch_size)) } == INPAINT_OK;
    assert!(!sized || !engine.0.is_null());
    // SAFETY: as above.
    assert_eq!(unsafe { inpaint_scratch_size(engine.0, width, height, null_mut()) }, INPAINT_USAGE);

    let row = (width as usize).saturating_mul(channels * sample);
    let stride = if u.arbitrary()? { 0 } else { number(u, row)? };
    let (data, size) = part(u, memory, (height as usize).saturating_mul(row.max(stride)))?;
    let image = inpaint_image { data: data.cast(), size, stride, width, height, format };
    let mask_stride = if u.arbitrary()? { 0 } else { number(u, width as usize)? };
    let (mask_data, mask_size) = part(u, memory, (height as usize).saturating_mul((width as usize).max(mask_stride)))?;
    let mask = inpaint_mask { data: mask_data, size: mask_size, stride: mask_stride };
    let mut own_scratch = vec![0xA5u8; if u.ratio(1, 2)? { scratch_size.min(1 << 20) } else { 0 }];
    let (scratch, scratch_size) = match own_scratch.is_empty() {
        true => part(u, memory, 0)?,
        false => (own_scratch.as_mut_ptr(), own_scratch.len() - usize::from(u.ratio(1, 16)?)),
    };
    let mut calls = [0, u32::from(u8::arbitrary(u)?)];
    let (callback, user): (inpaint_progress, _) =
        if u.arbitrary()? { (Some(progress), (&raw mut calls).cast()) } else { (None, null_mut()) };

    // A mask of the picture, made where it overlaps nothing.
    let mut made = vec![0x5Au8; usize::from(u16::arbitrary(u)?)];
    let channel = u.int_in_range(-1..=6)?;
    // SAFETY: a picture as below, and memory of its own.
    let read = unsafe { checked(inpaint_mask_from_image(&image, channel, made.as_mut_ptr(), made.len())) };
    assert!(read == INPAINT_OK || made.iter().all(|v| *v == 0x5A));

    let before = memory.to_vec();
    let base = memory.as_mut_ptr();
    // SAFETY: each address is NULL or of memory as large as is said; overlaps are for the library to notice.
    let status = unsafe {
        let (image, mask) = (u.ratio(31, 32)?.then_some(&image), u.ratio(31, 32)?.then_some(&mask));
        let (image, mask) = (image.map_or(null(), |i| i), mask.map_or(null(), |m| m));
        checked(inpaint_run(engine.0, image, mask, scratch.cast(), scratch_size, callback, user))
    };
    // SAFETY: the memory is `MEMORY` bytes, and no call is under way.
    let after = unsafe { std::slice::from_raw_parts(base, MEMORY) };
    let offset = |address: *mut u8| address.addr().wrapping_sub(base.addr());
    let scratch =
        if own_scratch.is_empty() { offset(scratch)..offset(scratch).wrapping_add(scratch_size) } else { 0..0 };
    let pixels = offset(data)..offset(data).saturating_add(size);
    for (at, _) in before.iter().zip(after).enumerate().filter(|(_, (a, b))| a != b) {
        assert!(
            scratch.contains(&at) || (status == INPAINT_OK && pixels.contains(&at)),
            "{at} written, status {status}"
        );
        if pixels.contains(&at) && !scratch.contains(&at) {
            let stride = if stride == 0 { row } else { stride };
            let (y, x) = ((at - pixels.start) / stride, (at - pixels.start) % stride / (channels * sample));
            assert!(y < height as usize && x < width as usize, "{at} is no pixel");
            let has_alpha = channels.is_multiple_of(2);
            let channel = (at - pixels.start) % stride % (channels * sample) / sample;
            assert!(!has_alpha || channel + 1 < channels, "{at} is alpha");
        }
    }
    Ok(())
}

fuzz_target!(|bytes: &[u8]| {
    let u = &mut Unstructured::new(bytes);
    let mut memory = vec![0; MEMORY];
    // What the input begins with, again and again.
    let content = bytes.len().min(1 << 10);
    memory
        .chunks_mut(content.max(1))
        .filter(|_| content > 0)
        .for_each(|chunk| chunk.copy_from_slice(&bytes[..chunk.len()]));
    let mut calls = || -> Result<()> {
        for _ in 0..2 {
            let engine = Engine::make(u)?;
            for _ in 0..3 {
                run(u, &engine, &mut memory)?;
            }
        }
        Ok(())
    };
    // An input that is too short asks for fewer calls.
    let _ = calls();
});
