//! Photoshop's image resources, in the APP13 segments of a JPEG: IPTC is one of them.

/// The start of such a segment.
pub(crate) const PREFIX: &[u8] = b"Photoshop 3.0\0";
/// The most bytes of resources that a segment holds.
pub(crate) const MAX_PART: usize = 65_533 - PREFIX.len();

/// The start of a resource: of Photoshop, ImageReady, PhotoDeluxe and others.
const SIGNATURES: [&[u8; 4]; 5] = [b"8BIM", b"MeSa", b"PHUT", b"AgHg", b"DCSR"];

/// Thumbnails, old and new.
const THUMBNAILS: [u16; 2] = [0x0409, 0x040C];

/// Removes the thumbnail, which still shows what was removed from the photograph, from the joined resources of all
/// segments. Also removes whatever follows a damaged resource.
pub(crate) fn carry(resources: &mut Vec<u8>) {
    let (mut kept, mut at) = (0, 0);
    while let Some((id, length)) = first(&resources[at..]) {
        if !THUMBNAILS.contains(&id) {
            resources.copy_within(at..at + length, kept);
            kept += length;
        }
        at += length;
    }
    resources.truncate(kept);
}

/// Number and length of the first resource: signature, number, name of a counted length, length, data; name and data padded
/// to even.
fn first(bytes: &[u8]) -> Option<(u16, usize)> {
    let (_, rest) = bytes.split_first_chunk().filter(|(signature, _)| SIGNATURES.contains(signature))?;
    let [high, low, name_length, ..] = *rest else { return None };
    let data = 6 + (1 + usize::from(name_length)).next_multiple_of(2) + 4;
    let length = u32::from_be_bytes(*bytes.get(data - 4..)?.first_chunk()?) as usize;
    let end = data.checked_add(length)?;
    // The last one may lack its padding.
    let padded = end.checked_next_multiple_of(2)?.min(bytes.len().max(end));
    (padded <= bytes.len()).then_some((u16::from_be_bytes([high, low]), padded))
}
