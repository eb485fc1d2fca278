//! Checks the strings and memory that C lends before they are used: addresses, sizes, strides, overlaps.

use std::ffi::{CStr, c_char};
use std::ops::Range;

use super::types::*;
use crate::error::{Error, Result};

/// The string at `text`.
///
/// # Safety
///
/// `text` is NULL or a string that lives on.
pub(super) unsafe fn string<'a>(name: &str, text: *const c_char) -> Result<&'a CStr> {
    if text.is_null() {
        return Err(null(name));
    }
    // SAFETY: passed on to the caller.
    Ok(unsafe { CStr::from_ptr(text) })
}

pub(super) fn null(name: &str) -> Error {
    Error::usage(format!("{name}: expected an address, found NULL"))
}

/// Refuses memory that overlaps.
pub(super) fn apart(name: &str, a: &Range<usize>, b: &Range<usize>) -> Result<()> {
    if a.start < b.end && b.start < a.end {
        return Err(Error::usage(format!("{name}: expected memory of their own, found an overlap")));
    }
    Ok(())
}

/// The number type of a picture's samples, and how many a pixel has.
pub(super) enum Samples {
    U8(usize),
    U16(usize),
}

/// How a pixel of this format lies in memory.
pub(super) fn samples(format: inpaint_format) -> Result<Samples> {
    match format {
        INPAINT_GREY8..=INPAINT_RGBA8 => Ok(Samples::U8(format as usize)),
        INPAINT_GREY16..=INPAINT_RGBA16 => Ok(Samples::U16((format - 0x10) as usize)),
        _ => Err(Error::usage(format!("format: expected one of this interface, found {format}"))),
    }
}

/// A picture whose size, stride, alignment and length fit each other.
pub(super) struct Pixels {
    pub width: usize,
    pub height: usize,
    /// Bytes from a row to the next.
    pub stride: usize,
    pub addresses: Range<usize>,
}

impl Pixels {
    pub fn of<T>(image: &inpaint_image, channels: usize) -> Result<Self> {
        let (width, height) = (image.width as usize, image.height as usize);
        if width == 0 || height == 0 {
            return Err(Error::input(format!("image: expected at least one pixel, found {width}×{height}")));
        }
        let row = width
            .checked_mul(channels * size_of::<T>())
            .ok_or_else(|| Error::limits("image: expected rows that can be addressed, found longer ones"))?;
        let (addresses, stride) = extent("image", image.data.cast(), image.size, image.stride, row, height)?;
        if !addresses.start.is_multiple_of(align_of::<T>()) || !stride.is_multiple_of(align_of::<T>()) {
            return Err(Error::usage(
                "image: expected an even address and an even stride for 16-bit samples, found an odd one",
            ));
        }
        Ok(Self { width, height, stride, addresses })
    }
}

/// Addresses of `height` rows of `row` bytes, and the bytes from one to the next.
pub(super) fn extent(
    name: &str,
    data: *const u8,
    size: usize,
    stride: usize,
    row: usize,
    height: usize,
) -> Result<(Range<usize>, usize)> {
    if data.is_null() {
        return Err(null(name));
    }
    let stride = if stride == 0 { row } else { stride };
    if stride < row {
        return Err(Error::usage(format!("{name}: expected a stride of {row} bytes or more, found {stride}")));
    }
    // A single row needs no stride, so any will do.
    let stride = if height == 1 { row } else { stride };
    let bytes = stride.checked_mul(height - 1).and_then(|bytes| bytes.checked_add(row));
    let bytes = bytes.filter(|bytes| *bytes <= isize::MAX as usize);
    let end = bytes.and_then(|bytes| (data as usize).checked_add(bytes));
    let (Some(bytes), Some(end)) = (bytes, end) else {
        return Err(Error::usage(format!(
            "{name}: expected rows inside of memory, found {height}, {stride} bytes apart, past its end"
        )));
    };
    if size < bytes {
        return Err(Error::usage(format!("{name}: expected {bytes} bytes, found {size}")));
    }
    Ok((data as usize..end, stride))
}
