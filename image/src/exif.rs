//! EXIF blocks: a TIFF structure whose first directory, IFD0, describes the photograph and whose second, IFD1, its thumbnail.

use std::ops::Range;

use image::metadata::Orientation;
use inpaint_edge::{Result, alloc};

use crate::directories::{Structure, tag};
use crate::metadata::{Density, Metadata, Unit};
use crate::xmp;

/// Which way up, from 1 to 8.
const ORIENTATION: u16 = 274;

/// Where IFD1 says that a thumbnail's bytes are, and how many: of a JPEG, of strips.
const THUMBNAILS: [(u16, u16); 2] =
    [(tag::THUMBNAIL_OFFSET, tag::THUMBNAIL_LENGTH), (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)];

/// Strips of a thumbnail at the most, by far.
const MAX_PARTS: usize = 1 << 10;

/// Which way up a picture is: as IFD0 says or, where it says nothing, XMP.
pub(crate) fn orientation(metadata: &Metadata) -> Orientation {
    // Read as what writes TIFF reads it, so that a result is never turned in another way.
    let of_exif = |exif| {
        let block = Structure::new(exif)?;
        let number = block.numbers(block.find(block.offset(4)?, ORIENTATION)?).next()?;
        Orientation::from_exif(number.try_into().ok()?)
    };
    let of_exif = metadata.exif.as_deref().and_then(of_exif);
    of_exif.or_else(|| metadata.xmp.as_deref().and_then(xmp::orientation)).unwrap_or(Orientation::NoTransforms)
}

/// What IFD0 says about the resolution.
pub(crate) fn density(exif: Option<&[u8]>) -> Option<Density> {
    let block = Structure::new(exif?)?;
    let find = |tag| block.find(block.ifd0()?, tag);
    let unit = match find(tag::RESOLUTION_UNIT).map(|entry| block.numbers(entry).next()) {
        None | Some(Some(2)) => Unit::Inch,
        Some(Some(3)) => Unit::Centimetre,
        _ => Unit::None,
    };
    let rational = |tag| {
        let entry = find(tag).filter(|entry| entry.data.len() == 8)?;
        let part = Structure { bytes: entry.data, ..block };
        let value = f64::from(part.u32(0)?) / f64::from(part.u32(4)?);
        value.is_normal().then_some(value)
    };
    Some(Density { x: rational(tag::X_RESOLUTION)?, y: rational(tag::Y_RESOLUTION)?, unit })
}

/// As it goes into a result: without the prefix of JPEG's segment, which some writers put into a PNG or WebP, and without the
/// thumbnail, which shows what is taken out of the photograph.
///
/// The thumbnail's bytes and the link to it become zero, so that every offset in the block holds.
///
/// # Errors
///
/// Limits, where memory cannot be had.
pub(crate) fn carried(mut exif: Vec<u8>) -> Result<Vec<u8>> {
    if exif.starts_with(b"Exif\0\0") {
        exif.drain(..6);
    }
    let mut parts = alloc::try_with_capacity(THUMBNAILS.len() * MAX_PARTS)?;
    if let Some(link) = thumbnail(&exif, &mut parts) {
        for part in std::iter::once(link).chain(parts) {
            exif[part].fill(0);
        }
    }
    Ok(exif)
}

/// Where the link from IFD0 to IFD1 is; the bytes of the thumbnail that IFD1 describes go into `parts`, which has room.
fn thumbnail(exif: &[u8], parts: &mut Vec<Range<usize>>) -> Option<Range<usize>> {
    let block = Structure::new(exif)?;
    let link = block.link(block.ifd0()?)?;
    if let Some(ifd1) = block.offset(link) {
        let ifd0 = block.ifd0()?;
        for (offsets, lengths) in THUMBNAILS {
            let numbers = |tag| block.find(ifd1, tag).into_iter().flat_map(|entry| block.numbers(entry));
            let bounds = numbers(offsets).zip(numbers(lengths)).take(MAX_PARTS);
            parts.extend(bounds.map(|(at, length)| at..at.saturating_add(length).min(exif.len())));
        }
        // What is in the way of the header or of IFD0 is no thumbnail.
        parts.retain(|part| 8 <= part.start && part.start < part.end && (part.end <= ifd0 || link + 4 <= part.start));
        // Nor are parts that are longer together than all there is.
        let mut left = exif.len();
        parts.retain(|part| match left.checked_sub(part.len()) {
            Some(rest) => {
                left = rest;
                true
            }
            None => false,
        });
    }
    Some(link..link + 4)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientation_counts_whatever_the_kind_of_its_number() {
        for (kind, value) in [(1u8, 6u32), (3, 6), (4, 6), (6, 6), (8, 6), (9, 6)] {
            let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01".to_vec();
            block.extend([kind, 0, 1, 0, 0, 0]);
            block.extend(value.to_le_bytes());
            block.extend([0; 4]);
            let metadata = Metadata { exif: Some(block), ..Metadata::default() };
            assert_eq!(orientation(&metadata), Orientation::Rotate90, "kind {kind}");
        }
    }
}
