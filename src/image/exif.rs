//! EXIF blocks: a TIFF structure whose first directory, IFD0, describes the photograph and whose second, IFD1, its thumbnail.

use std::ops::Range;

use ::image::metadata::Orientation;

use super::tiff::{Structure, tag};

/// Where IFD1 says that a thumbnail's bytes are, and how many: of a JPEG, of strips.
const THUMBNAILS: [(u16, u16); 2] =
    [(tag::THUMBNAIL_OFFSET, tag::THUMBNAIL_LENGTH), (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)];

pub(super) fn orientation(exif: Option<&[u8]>) -> Orientation {
    exif.and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms)
}

/// As it goes into a result: without the prefix of JPEG's segment, which some writers put into a PNG or WebP, and without the
/// thumbnail, which shows what is taken out of the photograph.
///
/// The thumbnail's bytes and the link to it become zero, so that every offset in the block holds.
pub(super) fn carried(mut exif: Vec<u8>) -> Vec<u8> {
    if exif.starts_with(b"Exif\0\0") {
        exif.drain(..6);
    }
    if let Some((link, thumbnail)) = thumbnail(&exif) {
        for part in std::iter::once(link).chain(thumbnail) {
            exif[part].fill(0);
        }
    }
    exif
}

/// Where the link from IFD0 to IFD1 is, and the bytes of the thumbnail that IFD1 describes.
fn thumbnail(exif: &[u8]) -> Option<(Range<usize>, Vec<Range<usize>>)> {
    let block = Structure::new(exif)?;
    let link = block.link(block.offset(4)?)?;
    let mut parts = Vec::new();
    if let Some(ifd1) = block.offset(link) {
        for (offsets, lengths) in THUMBNAILS {
            let numbers = |tag| block.find(ifd1, tag).map_or(Vec::new(), |entry| block.numbers(entry));
            let bounds = numbers(offsets).into_iter().zip(numbers(lengths));
            parts.extend(bounds.map(|(at, length)| at..at.saturating_add(length)));
        }
    }
    // What does not lie behind IFD0 is no thumbnail.
    parts.retain(|part| part.start >= link + 4 && part.end <= exif.len());
    Some((link..link + 4, parts))
}
