//! Directories of entries, anywhere in a file.

use super::super::{MAX_METADATA, damaged};
use super::tag;
use crate::error::Result;
use crate::room;

/// Tags that lead to further directories.
pub(super) const LEAD_ON: [u16; 3] = [tag::EXIF_IFD, tag::GPS_IFD, tag::INTEROPERABILITY_IFD];
/// Which of them do: in IFD0, in those of IFD0, in those of these.
const BELOW: [&[u16]; 3] = [&[tag::EXIF_IFD, tag::GPS_IFD], &[tag::INTEROPERABILITY_IFD], &[]];

/// A TIFF structure; what lies outside of it reads as nothing.
#[derive(Clone, Copy)]
pub(in super::super) struct Structure<'a> {
    pub bytes: &'a [u8],
    pub is_big_endian: bool,
}

/// An entry of a directory.
#[derive(Clone, Copy)]
pub(in super::super) struct Entry<'a> {
    pub tag: u16,
    /// BYTE, ASCII, SHORT, LONG, RATIONAL …, by number.
    pub kind: u16,
    pub count: u32,
    /// The values, in the byte order of the structure.
    pub data: &'a [u8],
    /// Where this entry is: tag, kind, count, and the values or their offset.
    pub at: usize,
}

impl<'a> Structure<'a> {
    pub fn new(bytes: &'a [u8]) -> Option<Self> {
        let is_big_endian = match bytes.first_chunk()? {
            b"MM\0*" => true,
            b"II*\0" => false,
            _ => return None,
        };
        Some(Self { bytes, is_big_endian })
    }

    pub fn u16(&self, at: usize) -> Option<u16> {
        let value = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u16::from_be_bytes(value) } else { u16::from_le_bytes(value) })
    }

    pub fn u32(&self, at: usize) -> Option<u32> {
        let value = *self.bytes.get(at..)?.first_chunk()?;
        Some(if self.is_big_endian { u32::from_be_bytes(value) } else { u32::from_le_bytes(value) })
    }

    /// The bytes of a number from little-endian to the byte order of the structure, or back.
    pub fn order<const N: usize>(&self, mut bytes: [u8; N]) -> [u8; N] {
        if self.is_big_endian {
            bytes.reverse();
        }
        bytes
    }

    /// An offset, where it lies inside; 0 stands for none.
    pub fn offset(&self, at: usize) -> Option<usize> {
        self.u32(at).map(|offset| offset as usize).filter(|offset| (8..self.bytes.len()).contains(offset))
    }

    /// Where the link to the directory behind that at `ifd` is.
    pub fn link(&self, ifd: usize) -> Option<usize> {
        let link = ifd + 2 + 12 * usize::from(self.u16(ifd)?);
        self.u32(link).map(|_| link)
    }

    /// The entries of the directory at `ifd` but for those of an unknown kind; nothing in place of one whose values lie
    /// outside.
    pub fn entries(self, ifd: usize) -> impl Iterator<Item = Option<Entry<'a>>> {
        let places = (0..usize::from(self.u16(ifd).unwrap_or(0))).map(move |i| ifd + 2 + 12 * i);
        places
            .filter(move |at| self.u16(at + 2).is_none_or(|kind| size_of_kind(kind) > 0))
            .map(move |at| self.entry(at))
    }

    /// The entry of `tag` in the directory at `ifd`.
    pub fn find(self, ifd: usize, tag: u16) -> Option<Entry<'a>> {
        self.entries(ifd).flatten().find(|entry| entry.tag == tag)
    }

    fn entry(self, at: usize) -> Option<Entry<'a>> {
        let (tag, kind, count) = (self.u16(at)?, self.u16(at + 2)?, self.u32(at + 4)?);
        let length = size_of_kind(kind) * u64::from(count);
        let start = if length <= 4 { at + 8 } else { self.offset(at + 8)? };
        let data = self.bytes.get(start..)?.get(..usize::try_from(length).ok()?)?;
        Some(Entry { tag, kind, count, data, at })
    }

    /// The values of an entry of kind BYTE, SHORT or LONG.
    pub fn numbers(self, entry: Entry<'a>) -> impl Iterator<Item = usize> {
        let part = Self { bytes: entry.data, ..self };
        let number = move |i: usize| match entry.kind {
            1 => part.bytes.get(i).map(|byte| usize::from(*byte)),
            3 => part.u16(2 * i).map(usize::from),
            4 => part.u32(4 * i).map(|value| value as usize),
            _ => None,
        };
        (0..entry.count as usize).map_while(number)
    }

    /// Appends to `block` what the directory at `ifd` says about the photograph, and the directories it leads to, and returns
    /// where it begins. `level` is 0 for IFD0, and `left` the most entries that are looked at.
    ///
    /// # Errors
    ///
    /// Input, where a value lies outside, or many share their place; limits, where memory cannot be had.
    pub fn copy(self, ifd: usize, level: usize, left: &mut usize, block: &mut Vec<u8>) -> Result<usize> {
        let outside = || damaged("EXIF inside the file expected, some outside found");
        let found = self.u16(ifd).map(usize::from).ok_or_else(outside)?;
        *left = left.checked_sub(found).ok_or_else(outside)?;
        if self.entries(ifd).any(|entry| entry.is_none()) {
            return Err(outside());
        }
        let leads_on = |tag| BELOW[level].contains(&tag);
        let is_copied = |entry: &Entry| match entry.tag {
            tag if LEAD_ON.contains(&tag) => leads_on(tag),
            tag => level > 0 || !super::is_of_the_file(tag),
        };
        let entries = || self.entries(ifd).flatten().filter(is_copied);
        let count = entries().count();
        let start = block.len().next_multiple_of(2);
        // The link to the next directory stays 0.
        room::resize(block, start + 2 + 12 * count + 4, 0)?;
        block[start..start + 2].copy_from_slice(&self.order((count as u16).to_le_bytes()));
        for (i, entry) in entries().enumerate() {
            let at = start + 2 + 12 * i;
            block[at..at + 12].copy_from_slice(&self.bytes[entry.at..entry.at + 12]);
            let offset = if leads_on(entry.tag) {
                self.copy(self.offset(entry.at + 8).ok_or_else(outside)?, level + 1, left, block)?
            } else if entry.data.len() > 4 {
                room::resize(block, block.len().next_multiple_of(2), 0)?;
                room::append(block, entry.data)?;
                block.len() - entry.data.len()
            } else {
                continue;
            };
            block[at + 8..at + 12].copy_from_slice(&self.order((offset as u32).to_le_bytes()));
            // An honest copy is no longer than what it is of, but for its padding.
            if block.len() > (2 * self.bytes.len()).min(MAX_METADATA) {
                return Err(outside());
            }
        }
        Ok(start)
    }
}

/// Entries of an honest photograph's directories at the most, by far.
pub(super) const MAX_ENTRIES: usize = 1 << 16;

/// Bytes of a value; 0 for kinds that neither TIFF 6.0 nor EXIF 3.0 knows, whose entries readers are told to skip.
fn size_of_kind(kind: u16) -> u64 {
    match kind {
        // The last is UTF-8.
        1 | 2 | 6 | 7 | 129 => 1,
        3 | 8 => 2,
        4 | 9 | 11 | 13 => 4,
        5 | 10 | 12 => 8,
        _ => 0,
    }
}
