//! The types that C sees: numbers with names, pictures, masks, and opaque options and engines.

use std::ffi::{c_int, c_void};

use crate::inpainter::{Inpainter, Options};
use crate::mask::MaskRule;

/// The outcome of a call: one of the numbers below. New ones may be added, none is reused.
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

/// Which holes get texture: one of the numbers below.
pub type inpaint_texture = i32;

/// Those in which a square of more than 32 pixels fits. Without feature "texture" the library gives none.
pub const INPAINT_TEXTURE_AUTO: inpaint_texture = 0;
/// None. Scratch memory is several times smaller.
pub const INPAINT_TEXTURE_OFF: inpaint_texture = 1;
/// All. Without feature "texture" an engine is INPAINT_USAGE.
pub const INPAINT_TEXTURE_ON: inpaint_texture = 2;

/// The channel of a picture that is read as a mask: one of the numbers below.
pub type inpaint_channel = i32;

/// INPAINT_CHANNEL_LUMA where the picture has no alpha or the same alpha everywhere. INPAINT_CHANNEL_ALPHA where all visible
/// pixels (alpha above 0) have one colour, give or take 8, and half of the picture or less is opaque (alpha of 128 or more):
/// strokes on a transparent layer. A picture that may mean either, such as a photograph with an erased hole, is
/// INPAINT_INPUT.
pub const INPAINT_CHANNEL_AUTO: inpaint_channel = 0;
/// Grey, or the luma of colour (0.2126 R + 0.7152 G + 0.0722 B, rounded down).
pub const INPAINT_CHANNEL_LUMA: inpaint_channel = 1;
/// Opaque is white. A picture whose hole is transparent needs INPAINT_WHITE_IS_KEPT.
pub const INPAINT_CHANNEL_ALPHA: inpaint_channel = 2;
/// Red alone; grey counts as equal red, green and blue.
pub const INPAINT_CHANNEL_RED: inpaint_channel = 3;
/// Green alone.
pub const INPAINT_CHANNEL_GREEN: inpaint_channel = 4;
/// Blue alone.
pub const INPAINT_CHANNEL_BLUE: inpaint_channel = 5;

/// Number of this interface. It changes when programs compiled for the one before would no longer run rightly.
pub const INPAINT_ABI_VERSION: u32 = 1;

/// How an engine is to work. Made by inpaint_options_new; one thread at a time may use them.
pub struct inpaint_options {
    pub(super) options: Options,
    pub(super) reading: Reading,
}

/// A network ready to run. Made by inpaint_engine_new; any number of threads may use it at once. A child of fork() has none
/// of its worker threads: there inpaint_run is INPAINT_USAGE, and inpaint_engine_free frees everything but the threads. The
/// child can make an engine of its own, or run an engine of one thread that was not running at the fork.
pub struct inpaint_engine {
    pub(super) inpainter: Inpainter,
    pub(super) reading: Reading,
}

/// A picture in the caller's memory, upright, the top row first.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct inpaint_image {
    /// The first sample of the first row. 16-bit samples need an even address.
    pub data: *mut c_void,
    /// Bytes at data that belong to the picture.
    pub size: usize,
    /// Bytes from a row to the next; 0 where rows follow each other without a gap. 16-bit samples need an even stride.
    pub stride: usize,
    /// Width, pixels.
    pub width: u32,
    /// Height, pixels.
    pub height: u32,
    /// How a pixel lies in memory.
    pub format: inpaint_format,
}

/// A mask in the caller's memory, one byte a pixel, as wide and high as the picture. Bytes at or above the options'
/// threshold are white.
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

/// Called after every layer with the pixels done so far and in all, of the regions that the network runs on. Calls come from
/// one thread at a time, not always the caller's. Any result but 0 ends the run with INPAINT_CANCELLED. The callback must
/// return (no longjmp, no exception), and must neither free the engine nor wait for another run of it: one run may be under
/// way inside of another.
pub type inpaint_progress = Option<unsafe extern "C" fn(user: *mut c_void, done: u64, total: u64) -> c_int>;

/// How masks are read, and how far their holes grow.
#[derive(Clone, Copy, Default)]
pub(super) struct Reading {
    pub rule: MaskRule,
    pub grow: usize,
}
