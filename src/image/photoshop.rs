//! Photoshop's image resources, in the APP13 segments of a JPEG: IPTC is one of them.

/// How such a segment begins.
pub(super) const PREFIX: &[u8] = b"Photoshop 3.0\0";
/// The most bytes of resources that a segment holds.
pub(super) const MAX_PART: usize = 65_533 - PREFIX.len();

/// Thumbnails, old and new.
const THUMBNAILS: [u16; 2] = [0x0409, 0x040C];

/// The resources of all segments together without the thumbnail, which shows what is taken out of the photograph, and
/// without what follows a damaged one.
pub(super) fn carried(resources: &[u8]) -> Vec<u8> {
    let (mut kept, mut rest) = (Vec::new(), resources);
    while let Some((id, resource, tail)) = split(rest) {
        if !THUMBNAILS.contains(&id) {
            kept.extend_from_slice(resource);
        }
        rest = tail;
    }
    kept
}

/// The first resource and its number: signature, number, name of a counted length, length, data; name and data padded to even.
fn split(bytes: &[u8]) -> Option<(u16, &[u8], &[u8])> {
    let [high, low, name_length, ..] = *bytes.strip_prefix(b"8BIM")? else { return None };
    let data = 6 + (1 + usize::from(name_length)).next_multiple_of(2) + 4;
    let length = u32::from_be_bytes(*bytes.get(data - 4..)?.first_chunk()?) as usize;
    let end = data.checked_add(length)?;
    // The last one may lack its padding.
    let (resource, tail) = bytes.split_at_checked(end.checked_next_multiple_of(2)?.min(bytes.len().max(end)))?;
    Some((u16::from_be_bytes([high, low]), resource, tail))
}
