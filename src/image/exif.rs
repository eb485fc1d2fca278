//! EXIF blocks: a TIFF structure whose first directory, IFD0, describes the photograph and whose second, IFD1, its thumbnail.

use std::ops::Range;

use ::image::metadata::Orientation;

/// Tags of IFD1 that say where a thumbnail's bytes are and how many: of a JPEG, of strips.
const THUMBNAILS: [(u16, u16); 2] = [(0x0201, 0x0202), (0x0111, 0x0117)];

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
    let block = Block::new(exif)?;
    let link = block.entries(block.offset(4)?)?.end;
    block.u32(link)?;
    let mut parts = Vec::new();
    if let Some(entries) = block.offset(link).and_then(|ifd1| block.entries(ifd1)) {
        for (offsets, lengths) in THUMBNAILS {
            let [offsets, lengths] = [offsets, lengths].map(|tag| block.values(entries.clone(), tag));
            parts.extend(offsets.into_iter().zip(lengths).map(|(at, length)| at..at.saturating_add(length)));
        }
    }
    // What does not lie behind IFD0 is no thumbnail.
    parts.retain(|part| part.start >= link + 4 && part.end <= exif.len());
    Some((link..link + 4, parts))
}

/// A TIFF structure; what lies outside of it reads as nothing.
struct Block<'a> {
    bytes: &'a [u8],
    is_big_endian: bool,
}

impl<'a> Block<'a> {
    fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = match bytes.first_chunk()? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        Some(Self { bytes, is_big_endian })
    }

    fn u16(&self, at: usize) -> Option<usize> {
        let value = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(value) } else { u16::from_le_bytes(value) }.into())
    }

    fn u32(&self, at: usize) -> Option<usize> {
        let value = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u32::from_be_bytes(value) } else { u32::from_le_bytes(value) } as usize)
    }

    /// The offset at `at`, where it lies inside.
    fn offset(&self, at: usize) -> Option<usize> {
        self.u32(at).filter(|offset| (8..self.bytes.len()).contains(offset))
    }

    /// The entries of a directory, 12 bytes each: tag, type, count, values or where they are. The link to the next
    /// directory follows.
    fn entries(&self, ifd: usize) -> Option<Range<usize>> {
        let start = ifd + 2;
        Some(start..start + 12 * self.u16(ifd)?)
    }

    /// The numbers of a tag of type SHORT or LONG.
    fn values(&self, entries: Range<usize>, tag: u16) -> Vec<usize> {
        let values = || {
            let entry = entries.step_by(12).find(|at| self.u16(*at) == Some(tag.into()))?;
            let (size, count) = (if self.u16(entry + 2)? == 3 { 2 } else { 4 }, self.u32(entry + 4)?);
            let start = if count.saturating_mul(size) <= 4 { entry + 8 } else { self.offset(entry + 8)? };
            let read = |i: usize| if size == 2 { self.u16(start + i * size) } else { self.u32(start + i * size) };
            (0..count).map(read).collect::<Option<Vec<_>>>()
        };
        values().unwrap_or_default()
    }
}
