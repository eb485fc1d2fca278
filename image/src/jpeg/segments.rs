//! Walks the segments of a JPEG before a sample is decoded: is the picture whole, how much memory does decoding take,
//! which metadata does the file carry.
//!
//! As libjpeg does, skips bytes between segments that are no marker, and whatever follows the end of the image.

use std::mem::size_of;

use inpaint_edge::{Error, Result, alloc};
use libjpeg_turbo_rs::common::huffman_table::HuffmanTable;
use libjpeg_turbo_rs::common::quant_table::QuantTable;
use libjpeg_turbo_rs::decode::marker::ScanInfo;

use super::fault::CMYK_ADVICE;
use super::frame::{Component, Frame};
use super::photoshop;
use crate::fault::{cut_short, damaged};
use crate::limits::check_metadata;
use crate::metadata::{COPIES, Coding, Density, Metadata, Native};
use crate::{exif, xmp};

/// Prefixes of segments: APP0; APP1 with EXIF, with the XMP packet and with extended XMP; APP2; APP11; APP14.
pub(crate) const JFIF: &[u8] = b"JFIF\0";
const EXIF: &[u8] = b"Exif\0\0";
pub(crate) const XMP: &[u8] = b"http://ns.adobe.com/xap/1.0/\0";
const MORE_XMP: &[u8] = b"http://ns.adobe.com/xmp/extension/\0";
pub(crate) const ICC: &[u8] = b"ICC_PROFILE\0";
const MORE_PICTURES: &[u8] = b"MPF\0";
/// A gain map as of ISO 21496-1.
const GAIN_MAP: &[u8] = b"urn:iso:std:iso:ts:21496:-1\0";
const JUMBF: &[u8] = b"JP";
pub(crate) const ADOBE: &[u8] = b"Adobe";
/// The seal of a result, in APP15.
pub(crate) const SEAL: &[u8] = b"inpaint-edge\0";

/// Bytes behind the prefix of extended XMP: a digest, the length of all parts together, the offset of this part.
const MORE_XMP_HEAD: usize = 32 + 4 + 4;

/// The most scans: more than any real picture has. Each takes the time to look at every block.
const MAX_SCANS: usize = 1000;

/// What the segments tell before a sample is decoded.
pub(crate) struct Contents {
    pub frame: Frame,
    pub metadata: Metadata,
    /// Whether three components are red, green and blue as they are.
    pub is_rgb: bool,
    /// Whether the first scan has all components: then no other scan of a sequential picture counts.
    pub is_interleaved: bool,
    /// Whether restart markers are in a scan.
    pub has_restarts: bool,
    /// Bytes that the tables of all scans take once they are read.
    pub table_bytes: usize,
    /// Whether a quantisation table changes after its first use.
    pub has_changing_tables: bool,
    /// The digest of a result that was sealed.
    pub seal: Option<[u8; 16]>,
}

/// Walks the segments, up to EOI.
///
/// # Errors
///
/// Input, if the file is cut short, lacks a scan, or is of a kind that is not read; limits, if its metadata is too
/// long, or memory for a decoder's copies of it runs out.
pub(crate) fn read(bytes: &[u8]) -> Result<Contents> {
    let cut = || cut_short(bytes, "an end of image (EOI)");
    let mut walk = Walk::default();
    let mut at = 2;
    loop {
        at = next_marker(bytes, at, |number| walk.restarts.pass(number)).ok_or_else(cut)?;
        let marker = bytes[at + 1];
        at += 2;
        walk.end_scan()?;
        match marker {
            0xD9 => break,
            0x01 => return Err(damaged("expected segments with a length, found TEM")),
            0xD8 => return Err(damaged("expected one start of image (SOI), found another inside")),
            _ => {}
        }
        let length = bytes.get(at..at + 2).ok_or_else(cut)?;
        let segment = bytes.get(at..at + usize::from(u16::from_be_bytes([length[0], length[1]]))).ok_or_else(cut)?;
        let data =
            segment.get(2..).ok_or_else(|| damaged("expected a segment of 2 bytes or more, found a shorter one"))?;
        match marker {
            0xC0..=0xCF if !matches!(marker, 0xC4 | 0xC8 | 0xCC) => walk.frame(marker, data)?,
            0xC4 => walk.table_bytes += data.len().div_ceil(17) * size_of::<HuffmanTable>(),
            0xDA => walk.scan(data)?,
            0xDB => walk.quantisation(data)?,
            0xDC => walk.lines(data)?,
            0xDD => walk.interval = data.first_chunk().map_or(0, |interval| u16::from_be_bytes(*interval).into()),
            0xE0..=0xEF | 0xFE => {
                walk.held += segment.len();
                walk.application(marker, data)?;
                check_metadata(walk.segments.len() + walk.resources.len() + walk.profile_bytes())?;
            }
            _ => {}
        }
        at += segment.len();
    }
    walk.metadata.has_video |= has_video(&bytes[at..]);
    walk.finish()
}

/// Whether a video follows the picture: an MP4 or QuickTime file begins with a short box of its brands.
fn has_video(bytes: &[u8]) -> bool {
    memchr::memmem::find_iter(bytes, b"ftyp")
        .filter_map(|at| bytes[..at].last_chunk())
        .any(|length| (16..=128).contains(&u32::from_be_bytes(*length)))
}

/// Offset of the next marker from `at` on. In entropy-coded data, 0xFF is followed by 0 or is a restart marker; between
/// segments, it may be repeated.
pub(crate) fn next_marker(bytes: &[u8], mut at: usize, mut pass: impl FnMut(u8)) -> Option<usize> {
    loop {
        at += memchr::memchr(0xFF, bytes.get(at..)?)?;
        match bytes.get(at + 1)? {
            0 => at += 2,
            0xFF => at += 1,
            marker @ 0xD0..=0xD7 => {
                pass(marker & 7);
                at += 2;
            }
            _ => return Some(at),
        }
    }
}

/// The restart markers of a scan.
#[derive(Default)]
struct Restarts {
    /// The number that the current scan should have; `None` between scans.
    expected: Option<usize>,
    found: usize,
    are_in_order: bool,
}

impl Restarts {
    fn pass(&mut self, number: u8) {
        self.are_in_order &= usize::from(number) == self.found % 8;
        self.found += 1;
    }
}

/// The state of the walk.
#[derive(Default)]
struct Walk<'a> {
    frame: Option<Frame>,
    tables: [Option<[u16; 64]>; 4],
    scans: usize,
    /// MCUs from one restart marker to the next, or 0.
    interval: usize,
    restarts: Restarts,
    is_interleaved: bool,
    has_restarts: bool,
    table_bytes: usize,
    has_changing_tables: bool,
    has_jfif: bool,
    adobe: Option<u8>,
    /// Set by the first scan.
    is_rgb: bool,
    metadata: Metadata,
    /// Segments that are carried, and Photoshop's resources of all segments together.
    segments: Vec<u8>,
    resources: Vec<u8>,
    /// Parts of the colour profile: number, of how many, data.
    profile: Vec<(u8, u8, &'a [u8])>,
    /// Places of extended XMP's parts in `segments`, and their offsets in the whole.
    more_xmp: Vec<(std::ops::Range<usize>, usize)>,
    has_more_pictures: bool,
    seal: Option<[u8; 16]>,
    /// Bytes of all segments of metadata.
    held: usize,
}

impl<'a> Walk<'a> {
    fn frame(&mut self, marker: u8, data: &[u8]) -> Result<()> {
        let short = || damaged("expected a frame header of its full length, found a shorter one");
        let (&[precision, h1, h0, w1, w0, count], rest) = data.split_first_chunk().ok_or_else(short)?;
        let refused = |what: &str| {
            let expected = "a JPEG of 8 bits a sample, sequential or progressive";
            Err(Error::input(format!("expected {expected}, found {what}")))
        };
        match marker {
            0xC3 | 0xCB => return refused("a lossless one"),
            0xC5..=0xC7 | 0xCD..=0xCF => return refused("a hierarchical one"),
            _ => {}
        }
        if precision != 8 {
            return refused(&format!("one of {precision} bits"));
        }
        match count {
            1 | 3 => {}
            4 => {
                return Err(Error::input(format!(
                    "expected a JPEG in grey or RGB, found CMYK (4 components); {CMYK_ADVICE}"
                )));
            }
            _ => return Err(Error::input(format!("expected a JPEG in grey or RGB, found {count} components"))),
        }
        if self.frame.is_some() {
            return Err(damaged("expected one frame header, found another"));
        }
        let (width, height) = (u16::from_be_bytes([w1, w0]).into(), u16::from_be_bytes([h1, h0]).into());
        if width == 0 {
            return Err(damaged("expected a width of 1 or more, found 0"));
        }
        let components = rest.as_chunks::<3>().0.get(..count.into()).ok_or_else(short)?;
        let component = |&[id, factors, slot]: &[u8; 3]| {
            let (h, v) = (usize::from(factors >> 4), usize::from(factors & 15));
            if !(1..=4).contains(&h) || !(1..=4).contains(&v) {
                return Err(damaged(format!("expected sampling factors of 1 to 4, found {h}×{v}")));
            }
            if slot > 3 {
                return Err(damaged(format!("expected a quantisation table of 0 to 3, found {slot}")));
            }
            Ok(Component { id, h, v, slot: slot.into(), table: None, lowest_bits: [None; 64] })
        };
        let components = components.iter().map(component).collect::<Result<Vec<_>>>()?;
        let frame = Frame {
            width,
            height,
            components,
            is_progressive: matches!(marker, 0xC2 | 0xCA),
            is_arithmetic: marker > 0xC8,
        };
        let (max_h, max_v) = (frame.max_h(), frame.max_v());
        if let Some(c) = frame.components.iter().find(|c| max_h % c.h != 0 || max_v % c.v != 0) {
            let detail = "sampled as another one or in whole parts of it";
            return Err(Error::input(format!(
                "expected every component of a JPEG {detail}, found {}×{} beside {max_h}×{max_v}",
                c.h, c.v
            )));
        }
        self.frame = Some(frame);
        Ok(())
    }

    fn quantisation(&mut self, mut data: &[u8]) -> Result<()> {
        while let [head, rest @ ..] = data {
            let (is_wide, slot) = (head >> 4 != 0, usize::from(head & 15));
            let length = if is_wide { 128 } else { 64 };
            let (Some(values), true) = (rest.get(..length), slot < 4) else {
                return Err(damaged("expected a quantisation table of 64 values, of number 0 to 3, found another"));
            };
            let value = |i: usize| match is_wide {
                true => u16::from_be_bytes([values[2 * i], values[2 * i + 1]]),
                false => values[i].into(),
            };
            self.tables[slot] = Some(QuantTable::from_zigzag(&std::array::from_fn(value)).values);
            data = &rest[length..];
        }
        Ok(())
    }

    /// Reads the number of lines, which the frame header may leave open.
    fn lines(&mut self, data: &[u8]) -> Result<()> {
        if let (Some(frame), [high, low, ..]) = (&mut self.frame, data)
            && frame.height == 0
            && self.scans == 1
        {
            frame.height = u16::from_be_bytes([*high, *low]).into();
            if frame.is_progressive || frame.is_arithmetic {
                let kind = "with its height behind the first scan (DNL)";
                return Err(Error::input(format!(
                    "expected a JPEG with its height in the frame header, found one {kind}"
                )));
            }
        }
        Ok(())
    }

    fn scan(&mut self, data: &[u8]) -> Result<()> {
        let frame =
            self.frame.as_mut().ok_or_else(|| damaged("expected a frame header before the first scan, found none"))?;
        let short = || damaged("expected a scan header of its own length, found another");
        let (&count, rest) = data.split_first().ok_or_else(short)?;
        let (selectors, rest) = rest.split_at_checked(2 * usize::from(count)).ok_or_else(short)?;
        let &[first, last, bits] = rest else { return Err(short()) };
        let mcus = frame.mcus_of(selectors.as_chunks::<2>().0.iter().map(|selector| selector[0]));
        let expected = if self.interval > 0 { mcus.div_ceil(self.interval).saturating_sub(1) } else { 0 };
        self.restarts = Restarts { expected: Some(expected), found: 0, are_in_order: true };
        self.has_restarts |= self.interval > 0;
        self.scans += 1;
        if self.scans == 1 {
            self.is_interleaved = usize::from(count) == frame.components.len();
            let ids: Vec<_> = frame.components.iter().map(|c| c.id).collect();
            self.is_rgb = !self.has_jfif && self.adobe.map_or(ids == *b"RGB", |transform| transform == 0);
        } else if self.is_interleaved && !frame.is_progressive {
            return Ok(());
        }
        if self.scans > MAX_SCANS {
            return Err(Error::limits(format!("expected at most {MAX_SCANS} scans, found more")));
        }
        self.table_bytes += size_of::<ScanInfo>() + 4 * usize::from(count);
        let (before, bits) = (bits >> 4, bits & 15);
        let (first, last, bits) = if frame.is_progressive { (first, last, bits) } else { (0, 63, 0) };
        if first > last || last > 63 {
            return Err(damaged(format!("expected coefficients of 0 to 63, found {first} to {last}")));
        }
        for selector in selectors.as_chunks::<2>().0 {
            let component = frame.components.iter_mut().find(|c| c.id == selector[0]);
            let component = component
                .ok_or_else(|| damaged(format!("expected a scan of a known component, found {}", selector[0])))?;
            let table = self.tables[component.slot]
                .ok_or_else(|| damaged(format!("expected quantisation table {}, found none", component.slot)))?;
            self.has_changing_tables |= *component.table.get_or_insert(table) != table;
            for known in &mut component.lowest_bits[first.into()..=last.into()] {
                // A scan must refine what the one before it left.
                if frame.is_progressive && known.unwrap_or(0) != before {
                    return Err(damaged("expected scans that refine each other, found one of other bits"));
                }
                *known = Some(bits);
            }
        }
        Ok(())
    }

    /// Checks the restart markers of a scan that has ended.
    fn end_scan(&mut self) -> Result<()> {
        let Restarts { expected, found, are_in_order } = std::mem::take(&mut self.restarts);
        match expected {
            None if found > 0 => Err(damaged("expected restart markers in scans alone, found one between segments")),
            Some(expected) if found < expected || !are_in_order => {
                let order = if are_in_order { "" } else { " in order" };
                Err(Error::input(format!(
                    "cut short: expected {expected} restart markers{order} in a scan, found {found}"
                )))
            }
            _ => Ok(()),
        }
    }

    fn application(&mut self, marker: u8, data: &'a [u8]) -> Result<()> {
        match marker {
            0xE0 if data.starts_with(JFIF) => {
                self.has_jfif |= data.len() >= 14;
                self.metadata.density = Density::of_jfif(&data[JFIF.len()..]);
            }
            0xE1 if data.starts_with(EXIF) && self.metadata.exif.is_none() => {
                self.metadata.exif = Some(exif::carried(alloc::try_to_vec(&data[EXIF.len()..])?)?);
            }
            0xE1 if data.starts_with(XMP) => {
                let mut packet = alloc::try_to_vec(&data[XMP.len()..])?;
                self.metadata.note(xmp::quiet(&mut packet)?);
                add_segment(&mut self.segments, marker, XMP, &packet)?;
                self.metadata.xmp = self.metadata.xmp.take().or(Some(packet));
            }
            0xE1 if data.starts_with(MORE_XMP) => {
                add_segment(&mut self.segments, marker, data, &[])?;
                if let Some(part) = data.get(MORE_XMP.len() + MORE_XMP_HEAD..) {
                    let end = self.segments.len();
                    let offset = data[..data.len() - part.len()].last_chunk().map_or(0, |b| u32::from_be_bytes(*b));
                    alloc::try_push(&mut self.more_xmp, (end - part.len()..end, offset as usize))?;
                }
            }
            0xE2 => match data.strip_prefix(ICC) {
                Some([number, count, part @ ..]) => alloc::try_push(&mut self.profile, (*number, *count, part))?,
                _ => {
                    self.has_more_pictures |= data.starts_with(MORE_PICTURES);
                    self.metadata.has_gain_map |= data.starts_with(GAIN_MAP);
                }
            },
            0xEB if data.starts_with(JUMBF) && data.windows(4).any(|name| name == b"c2pa") => {
                self.metadata.has_credentials = true;
            }
            0xED => alloc::try_extend(&mut self.resources, data.strip_prefix(photoshop::PREFIX).unwrap_or_default())?,
            0xEE if data.starts_with(ADOBE) && data.len() >= 12 => self.adobe = Some(data[11]),
            0xEF => self.seal = data.strip_prefix(SEAL).and_then(|digest| digest.try_into().ok()).or(self.seal),
            // A comment.
            0xFE => add_segment(&mut self.segments, marker, data, &[])?,
            _ => {}
        }
        Ok(())
    }

    fn profile_bytes(&self) -> usize {
        self.profile.iter().map(|(_, _, part)| part.len()).sum()
    }

    fn finish(mut self) -> Result<Contents> {
        let frame = self.frame.take().ok_or_else(|| damaged("expected a frame header, found none"))?;
        if frame.height == 0 {
            return Err(damaged("expected a height of 1 or more, found 0"));
        }
        if self.scans == 0 {
            return Err(Error::input("cut short: expected a scan, found none"));
        }
        frame.check_scans()?;
        self.quiet_more_xmp()?;
        photoshop::carry(&mut self.resources);
        for part in self.resources.chunks(photoshop::MAX_PART) {
            add_segment(&mut self.segments, 0xED, photoshop::PREFIX, part)?;
        }
        self.metadata.icc = self.whole_profile()?;
        alloc::try_alloc(COPIES * self.held)?;
        if self.has_more_pictures && !self.metadata.has_gain_map {
            alloc::try_push(
                &mut self.metadata.notes,
                "the pictures behind the first one (MPO) are not kept".to_owned(),
            )?;
        }
        let tables = |i: usize| frame.components.get(i).and_then(|c| c.table);
        let ratio = |of: fn(&Component) -> usize, max: usize| {
            max / frame.components.iter().skip(1).map(of).max().unwrap_or(max).max(1)
        };
        self.metadata.coding = tables(0).map(|luma| {
            let (blue, red) = (tables(1).unwrap_or(luma), tables(2).or(tables(1)).unwrap_or(luma));
            // The finer table of the two.
            let chroma = std::array::from_fn(|i| blue[i].min(red[i]));
            let sampling = (ratio(|c| c.h, frame.max_h()), ratio(|c| c.v, frame.max_v()));
            Box::new(Coding { luma, chroma, sampling })
        });
        let metadata = Metadata { native: Native::Jpeg(self.segments), ..self.metadata };
        let Self { is_rgb, is_interleaved, has_restarts, table_bytes, has_changing_tables, seal, .. } = self;
        Ok(Contents { frame, metadata, is_rgb, is_interleaved, has_restarts, table_bytes, has_changing_tables, seal })
    }

    /// The colour profile, if all of its parts are there.
    fn whole_profile(&mut self) -> Result<Option<Vec<u8>>> {
        self.profile.sort_unstable_by_key(|part| part.0);
        let count = self.profile.len();
        let is_whole =
            |(i, part): (usize, &(u8, u8, &[u8]))| usize::from(part.0) == i + 1 && usize::from(part.1) == count;
        if count == 0 || !self.profile.iter().enumerate().all(is_whole) {
            return Ok(None);
        }
        let mut profile = alloc::try_with_capacity(self.profile_bytes())?;
        self.profile.iter().for_each(|(_, _, part)| profile.extend_from_slice(part));
        Ok(Some(profile))
    }

    /// Applies [`xmp::quiet`] to the extended XMP, which is one packet over several segments.
    fn quiet_more_xmp(&mut self) -> Result<()> {
        self.more_xmp.sort_unstable_by_key(|(_, offset)| *offset);
        let mut packet = alloc::try_with_capacity(self.more_xmp.iter().map(|(part, _)| part.len()).sum())?;
        self.more_xmp.iter().for_each(|(part, _)| packet.extend_from_slice(&self.segments[part.clone()]));
        self.metadata.note(xmp::quiet(&mut packet)?);
        let mut packet = &packet[..];
        for (part, _) in &self.more_xmp {
            let (of_part, rest) = packet.split_at(part.len());
            self.segments[part.clone()].copy_from_slice(of_part);
            packet = rest;
        }
        Ok(())
    }
}

/// Adds a segment: marker, length, data of at most 65,533 bytes, in two parts.
pub(crate) fn add_segment(segments: &mut Vec<u8>, marker: u8, data: &[u8], more: &[u8]) -> Result<()> {
    let length = u16::try_from(data.len() + more.len() + 2).expect("no segment is longer");
    let [high, low] = length.to_be_bytes();
    [&[0xFF, marker, high, low], data, more].into_iter().try_for_each(|part| alloc::try_extend(segments, part))
}
