//! Directories (IFDs) of TIFF and EXIF: reads them and copies them.

use inpaint_edge::{Result, alloc};

use crate::fault::damaged;
use crate::limits::MAX_METADATA;

/// Tags, by their names in the specification.
pub(crate) mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const IMAGE_WIDTH: u16 = 256;
    pub const IMAGE_LENGTH: u16 = 257;
    pub const BITS_PER_SAMPLE: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC_INTERPRETATION: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR_CONFIGURATION: u16 = 284;
    pub const RESOLUTION_UNIT: u16 = 296;
    pub const PREDICTOR: u16 = 317;
    pub const COLOR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_LENGTH: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTE_COUNTS: u16 = 325;
    pub const SUB_IFDS: u16 = 330;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const THUMBNAIL_OFFSET: u16 = 513;
    pub const THUMBNAIL_LENGTH: u16 = 514;
    pub const XMP: u16 = 700;
    pub const EXIF_IFD: u16 = 34_665;
    pub const ICC_PROFILE: u16 = 34_675;
    pub const GPS_IFD: u16 = 34_853;
    pub const INTEROPERABILITY_IFD: u16 = 40_965;
    pub const DNG_VERSION: u16 = 50_706;
    pub const C2PA: u16 = 52_545;
}

/// Whether a tag of IFD0 belongs to the file: it says how pixels are stored, or is carried separately or not at all.
/// All other tags describe the photograph, whatever its format.
pub(crate) fn is_of_the_file(tag: u16) -> bool {
    matches!(tag, 254..=266 | 273 | 277..=281 | 284 | 288..=293 | 297 | 317 | 320..=347 | 512..=532)
        || matches!(tag, tag::XMP | 33_723 | 34_377 | tag::ICC_PROFILE | 37_724 | tag::C2PA)
}

/// Tags that lead to further directories.
pub(crate) const LEAD_ON: [u16; 3] = [tag::EXIF_IFD, tag::GPS_IFD, tag::INTEROPERABILITY_IFD];
/// The ones that are followed, by level: in IFD0, in its directories, in theirs.
const BELOW: [&[u16]; 3] = [&[tag::EXIF_IFD, tag::GPS_IFD], &[tag::INTEROPERABILITY_IFD], &[]];

/// Kind of a number of 32 bits.
const LONG: u16 = 4;

/// A TIFF structure. Reading outside of it gives `None`.
#[derive(Clone, Copy)]
pub(crate) struct Structure<'a> {
    pub bytes: &'a [u8],
    pub is_big_endian: bool,
    /// Whether it is a BigTIFF, whose counts and offsets have 64 bits.
    pub is_wide: bool,
}

/// An entry of a directory.
#[derive(Clone, Copy)]
pub(crate) struct Entry<'a> {
    pub tag: u16,
    /// BYTE, ASCII, SHORT, LONG, RATIONAL …, by number.
    pub kind: u16,
    pub count: u32,
    /// The values, in the byte order of the structure.
    pub data: &'a [u8],
    /// Offset of this entry: tag, kind, count, and the values or their offset.
    pub at: usize,
}

/// Whether the numbers of a file that begins like this are big-endian, and whether it is a BigTIFF.
fn kind_of(start: &[u8; 4]) -> Option<(bool, bool)> {
    match start {
        b"MM\0*" => Some((true, false)),
        b"II*\0" => Some((false, false)),
        b"MM\0+" => Some((true, true)),
        b"II+\0" => Some((false, true)),
        _ => None,
    }
}

impl<'a> Structure<'a> {
    /// The structure of an EXIF block.
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        Self::of_file(bytes).filter(|block| !block.is_wide)
    }

    /// The structure of a TIFF or BigTIFF.
    pub fn of_file(bytes: &'a [u8]) -> Option<Self> {
        let (is_big_endian, is_wide) = kind_of(bytes.first_chunk()?)?;
        Some(Self { bytes, is_big_endian, is_wide })
    }

    /// Offset of IFD0.
    pub fn ifd0(&self) -> Option<usize> {
        self.offset(if self.is_wide { 8 } else { 4 })
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        let value = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(value) } else { u16::from_le_bytes(value) })
    }

    pub fn u32(&self, at: usize) -> Option<u32> {
        let value = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u32::from_be_bytes(value) } else { u32::from_le_bytes(value) })
    }

    fn u64(&self, at: usize) -> Option<u64> {
        let value = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u64::from_be_bytes(value) } else { u64::from_le_bytes(value) })
    }

    /// A count or an offset.
    fn word(&self, at: usize) -> Option<usize> {
        if self.is_wide { self.u64(at)?.try_into().ok() } else { self.u32(at)?.try_into().ok() }
    }

    /// Bytes of a count or an offset.
    fn word_bytes(&self) -> usize {
        if self.is_wide { 8 } else { 4 }
    }

    /// The bytes of a number from little-endian to the byte order of the structure, or back.
    pub fn order<const N: usize>(&self, mut bytes: [u8; N]) -> [u8; N] {
        if self.is_big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// An offset that lies inside the structure; 0 stands for none.
    pub fn offset(&self, at: usize) -> Option<usize> {
        self.word(at).filter(|offset| (8..self.bytes.len()).contains(offset))
    }

    /// Offset of the first entry of the directory at `ifd`, and the number of entries, at most one more than the
    /// structure has space for.
    fn places(&self, ifd: usize) -> Option<(usize, usize)> {
        let most = self.bytes.len() / self.entry_bytes() + 1;
        match self.is_wide {
            true => Some((ifd + 8, self.word(ifd)?.min(most))),
            false => Some((ifd + 2, usize::from(self.u16(ifd)?).min(most))),
        }
    }

    /// Bytes of an entry: tag, kind, count, values or offset.
    fn entry_bytes(&self) -> usize {
        2 + 2 + 2 * self.word_bytes()
    }

    /// Offset of the link that leads from the directory at `ifd` to the next one.
    pub fn link(&self, ifd: usize) -> Option<usize> {
        let (start, count) = self.places(ifd)?;
        let link = start + self.entry_bytes() * count;
        self.word(link).map(|_| link)
    }

    /// The entries of the directory at `ifd`, without those of an unknown kind. `None` in place of an entry whose
    /// values lie outside.
    pub fn entries(self, ifd: usize) -> impl Iterator<Item = Option<Entry<'a>>> {
        let (start, count) = self.places(ifd).unwrap_or((0, 0));
        let places = (0..count).map(move |i| start + self.entry_bytes() * i);
        places
            .filter(move |at| self.u16(at + 2).is_none_or(|kind| self.size_of_kind(kind) > 0))
            .map(move |at| self.entry(at))
    }

    /// The entry of `tag` in the directory at `ifd`.
    pub fn find(self, ifd: usize, tag: u16) -> Option<Entry<'a>> {
        self.entries(ifd).flatten().find(|entry| entry.tag == tag)
    }

    fn entry(self, at: usize) -> Option<Entry<'a>> {
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.word(at + 4)?.try_into().ok()?);
        let length = self.size_of_kind(kind) * u64::from(count);
        let value = at + 4 + self.word_bytes();
        let start = if length <= self.word_bytes() as u64 { value } else { self.offset(value)? };
        let data = self.bytes.get(start..)?.get(..usize::try_from(length).ok()?)?;
        Some(Entry { tag, kind, count, data, at })
    }

    /// Bytes of a value; 0 for kinds that neither TIFF 6.0 nor EXIF 3.0 knows, whose entries readers are told to skip.
    fn size_of_kind(&self, kind: u16) -> u64 {
        match kind {
            // 129 is UTF-8.
            1 | 2 | 6 | 7 | 129 => 1,
            3 | 8 => 2,
            4 | 9 | 11 | 13 => 4,
            5 | 10 | 12 => 8,
            16..=18 if self.is_wide => 8,
            _ => 0,
        }
    }

    /// The values of an entry of whole numbers: BYTE, SHORT, LONG, LONG8, their signed kinds, which some cameras write,
    /// and offsets of directories. A negative value becomes larger than any valid one.
    pub fn numbers(self, entry: Entry<'a>) -> impl Iterator<Item = usize> {
        let part = Self { bytes: entry.data, ..self };
        let number = move |i: usize| match entry.kind {
            1 | 6 => part.bytes.get(i).map(|byte| usize::from(*byte)),
            3 | 8 => part.u16(2 * i).map(usize::from),
            4 | 9 | 13 => part.u32(4 * i).map(|value| value as usize),
            16..=18 => part.u64(8 * i).map(|value| value.try_into().unwrap_or(usize::MAX)),
            _ => None,
        };
        (0..entry.count as usize).map_while(number)
    }

    /// Appends to `block` the entries of the directory at `ifd` that describe the photograph, and the directories it
    /// leads to. Returns the offset of the copy. `level` is 0 for IFD0; at most `left` entries are looked at.
    ///
    /// # Errors
    ///
    /// Input, if a value lies outside, or too many share one place; limits, if memory runs out.
    pub fn copy(self, ifd: usize, level: usize, left: &mut usize, block: &mut Vec<u8>) -> Result<usize> {
        let outside = || damaged("expected EXIF inside the file, found some outside");
        let (_, found) = self.places(ifd).ok_or_else(outside)?;
        *left = left.checked_sub(found).ok_or_else(outside)?;
        if self.entries(ifd).any(|entry| entry.is_none()) {
            return Err(outside());
        }
        let leads_on = |tag| BELOW[level].contains(&tag);
        let is_copied = |entry: &Entry| match entry.tag {
            tag if LEAD_ON.contains(&tag) => leads_on(tag),
            // Numbers of 64 bits are for BigTIFF alone.
            tag => (level > 0 || !is_of_the_file(tag)) && !matches!(entry.kind, 16..=18),
        };
        let entries = || self.entries(ifd).flatten().filter(is_copied);
        let count = entries().count();
        let start = block.len().next_multiple_of(2);
        // The link to the next directory stays 0.
        alloc::try_resize(block, start + 2 + 12 * count + 4, 0)?;
        block[start..start + 2].copy_from_slice(&self.order((count as u16).to_le_bytes()));
        for (i, entry) in entries().enumerate() {
            let at = start + 2 + 12 * i;
            let kind = if leads_on(entry.tag) { LONG } else { entry.kind };
            block[at..at + 2].copy_from_slice(&self.order(entry.tag.to_le_bytes()));
            block[at + 2..at + 4].copy_from_slice(&self.order(kind.to_le_bytes()));
            block[at + 4..at + 8].copy_from_slice(&self.order(entry.count.to_le_bytes()));
            let offset = if leads_on(entry.tag) {
                let below = self.numbers(entry).next().filter(|ifd| (8..self.bytes.len()).contains(ifd));
                self.copy(below.ok_or_else(outside)?, level + 1, left, block)?
            } else if entry.data.len() > 4 {
                alloc::try_resize(block, block.len().next_multiple_of(2), 0)?;
                alloc::try_extend(block, entry.data)?;
                block.len() - entry.data.len()
            } else {
                block[at + 8..at + 8 + entry.data.len()].copy_from_slice(entry.data);
                continue;
            };
            block[at + 8..at + 12].copy_from_slice(&self.order((offset as u32).to_le_bytes()));
            // A copy is no longer than its source, padding apart, unless many entries share one place.
            if block.len() > (2 * self.bytes.len()).min(MAX_METADATA) {
                return Err(outside());
            }
        }
        Ok(start)
    }
}

/// The most entries that are copied: far more than the directories of any real photograph have.
pub(crate) const MAX_ENTRIES: usize = 1 << 16;
