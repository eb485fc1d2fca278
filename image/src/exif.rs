//! EXIF blocks: a TIFF structure whose first directory, IFD0, describes the photograph and whose second, IFD1, its thumbnail.

use std::ops::Range;

use image::DynamicImage;
use image::metadata::Orientation;
use inpaint_edge::{Result, alloc};

use crate::directories::{Structure, tag};
use crate::metadata::{Density, Metadata, Unit};
use crate::xmp;

/// Orientation, 1 to 8.
const ORIENTATION: u16 = 274;

/// Tags of IFD1 with offset and length of a thumbnail: as a JPEG, or as strips.
const THUMBNAILS: [(u16, u16); 2] =
    [(tag::THUMBNAIL_OFFSET, tag::THUMBNAIL_LENGTH), (tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)];

/// The most strips of a thumbnail: far more than any real one has.
const MAX_PARTS: usize = 1 << 10;

/// The orientation: of IFD0 or, if it has none, of XMP.
pub(crate) fn orientation(metadata: &Metadata) -> Orientation {
    // Read in the same way as for a TIFF result, so that orientation in and out agree.
    let of_exif = |exif| {
        let block = Structure::new(exif)?;
        let number = block.numbers(block.find(block.offset(4)?, ORIENTATION)?).next()?;
        Orientation::from_exif(number.try_into().ok()?)
    };
    let of_exif = metadata.exif.as_deref().and_then(of_exif);
    of_exif.or_else(|| metadata.xmp.as_deref().and_then(xmp::orientation)).unwrap_or(Orientation::NoTransforms)
}

/// The density in IFD0.
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

/// The block as a result keeps it: without the prefix of a JPEG segment, which some writers put into a PNG or WebP, and
/// without the thumbnail, which still shows what was removed from the photograph.
///
/// The thumbnail's bytes and the link to it become zero, so that every offset in the block holds.
///
/// # Errors
///
/// Limits, if memory runs out.
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

/// Place of the link from IFD0 to IFD1. Adds the places of the thumbnail's bytes to `parts`, which has the capacity.
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
        // A place that overlaps the header or IFD0 is no thumbnail.
        parts.retain(|part| 8 <= part.start && part.start < part.end && (part.end <= ifd0 || link + 4 <= part.start));
        // Nor are places that together are longer than the block.
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

/// Turns `pixels` upright by `orientation`.
pub(crate) fn turn(pixels: &mut DynamicImage, orientation: Orientation) -> Result<()> {
    if orientation != Orientation::NoTransforms {
        alloc::try_alloc(pixels.as_bytes().len())?;
    }
    pixels.apply_orientation(orientation);
    Ok(())
}

/// The orientation that turns back what `orientation` turned.
pub(crate) fn inverse(orientation: Orientation) -> Orientation {
    match orientation {
        Orientation::Rotate90 => Orientation::Rotate270,
        Orientation::Rotate270 => Orientation::Rotate90,
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn orientation_is_read_from_whole_numbers_of_every_kind() {
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
