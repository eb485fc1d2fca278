//! The segments that a result takes from the file as they are.

use inpaint_edge::{Result, alloc};

use super::super::segments::{ADOBE, JFIF, add_segment, next_marker};

/// Segments on how the picture is coded, up to the end of the image: tables, frame, headers of scans. Where each begins, its
/// marker, and all of it.
pub(super) fn coding(bytes: &[u8]) -> impl Iterator<Item = (usize, u8, &[u8])> {
    segments(bytes).filter(|(_, marker, _)| !matches!(marker, 0xE0..=0xEF | 0xFE))
}

/// Adds three parts to `head`, which ends in SOI: the file's JFIF header, `metadata`, and the file's Adobe segment. Readers take
/// the colours from the first and the last.
pub(super) fn add(head: &mut Vec<u8>, bytes: &[u8], metadata: &[u8]) -> Result<()> {
    let before_scans = || segments(bytes).take_while(|(_, marker, _)| *marker != 0xDA);
    let find = |wanted: u8, prefix: &[u8], least: usize| {
        let found = before_scans().filter(|(_, marker, _)| *marker == wanted).map(|(.., segment)| &segment[4..]);
        found.filter(|data| data.starts_with(prefix) && data.len() >= least).last().map(|data| &data[..least])
    };
    if let Some(jfif) = find(0xE0, JFIF, 14) {
        // Without its thumbnail, whose sides are the last two bytes.
        add_segment(head, 0xE0, &jfif[..12], &[0, 0])?;
    }
    alloc::try_extend(head, metadata)?;
    if let Some(adobe) = find(0xEE, ADOBE, 12) {
        add_segment(head, 0xEE, adobe, &[])?;
    }
    Ok(())
}

fn segments(bytes: &[u8]) -> impl Iterator<Item = (usize, u8, &[u8])> {
    let mut at = 2;
    std::iter::from_fn(move || {
        let start = next_marker(bytes, at, |_| ())?;
        let [_, marker, high, low] = *bytes.get(start..)?.first_chunk()?;
        at = start + 2 + usize::from(u16::from_be_bytes([high, low]));
        let segment = bytes.get(start..at)?;
        (marker != 0xD9).then_some((start, marker, segment))
    })
}
