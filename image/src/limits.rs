//! The largest pictures that are read.

use inpaint_edge::{Error, Result};

/// The most pixels of a side.
pub(crate) const MAX_SIDE: u32 = 65_535;
/// The most bytes of all pixels. Where addresses have 32 bits, it is so small that no sum of sizes overflows.
pub(crate) const MAX_BYTES: u64 = if usize::BITS > 32 { 4 << 30 } else { 256 << 20 };

/// The most bytes that metadata may take: a compressed profile of kilobytes can claim gigabytes.
pub(crate) const MAX_METADATA: usize = 16 << 20;

/// Refuses metadata of more than [`MAX_METADATA`].
pub(crate) fn check_metadata(bytes: usize) -> Result<()> {
    if bytes > MAX_METADATA {
        return Err(Error::limits(format!("expected at most {MAX_METADATA} bytes of metadata, found {bytes}")));
    }
    Ok(())
}

/// Refuses pixels of more than [`MAX_BYTES`].
pub(crate) fn check_size(bytes: u64) -> Result<()> {
    match bytes {
        0..=MAX_BYTES => Ok(()),
        _ => Err(Error::limits(format!("expected at most {MAX_BYTES} bytes of pixels, found {bytes}"))),
    }
}

/// Refuses sides of 0 pixels and of more than [`MAX_SIDE`].
pub(crate) fn check_sides(width: u32, height: u32) -> Result<()> {
    let is_side = |side| (1..=MAX_SIDE).contains(&side);
    if is_side(width) && is_side(height) {
        return Ok(());
    }
    Err(Error::input(format!("expected sides of 1 to {MAX_SIDE} pixels, found {width}×{height}")))
}
