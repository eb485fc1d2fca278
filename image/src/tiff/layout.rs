//! How a TIFF stores its pixels: reads its first directory as libtiff does, and names what is not supported.

use inpaint_edge::{Error, Result};

use crate::directories::{Entry, Structure, tag};
use crate::fault::damaged;
use crate::limits::{MAX_SIDE, check_size};

/// PhotometricInterpretation.
const WHITE_IS_ZERO: usize = 0;
const BLACK_IS_ZERO: usize = 1;
const RGB: usize = 2;
const PALETTE: usize = 3;

/// Compression.
const NONE: usize = 1;
const LZW: usize = 5;
const DEFLATE: usize = 8;
const PACK_BITS: usize = 32_773;
const OLD_DEFLATE: usize = 32_946;

/// How the pixels are stored.
pub(crate) struct Layout<'a> {
    pub file: Structure<'a>,
    pub ifd0: usize,
    pub width: usize,
    pub height: usize,
    pub colours: Colours,
    /// What a sample beside the colours is.
    pub extra_sample: Option<ExtraSample>,
    /// Samples of a pixel.
    pub samples: usize,
    /// Bits of a sample: 1, 2, 4, 8 or 16.
    pub bits: usize,
    /// 1, or one for each sample of a pixel.
    pub planes: usize,
    pub compression: usize,
    /// Whether samples are stored as their difference to those before.
    pub has_predictor: bool,
    /// Whether the first bit of a byte is the lowest.
    pub is_reversed: bool,
    /// Width and height of a strip or tile, pixels.
    pub part: (usize, usize),
    is_tiled: bool,
    offsets: Entry<'a>,
    lengths: Option<Entry<'a>>,
}

#[derive(Clone, Copy, PartialEq)]
pub(crate) enum Colours {
    Grey { is_inverted: bool },
    Rgb,
    Palette,
}

/// ExtraSamples.
#[derive(Clone, Copy, PartialEq)]
pub(crate) enum ExtraSample {
    /// A band of another kind, such as near infrared.
    Unspecified,
    /// Alpha that the colours are multiplied by.
    AssociatedAlpha,
    Alpha,
}

/// A strip or tile.
pub(crate) struct Part<'a> {
    pub data: &'a [u8],
    pub plane: usize,
    /// Its upper left corner, pixels.
    pub x: usize,
    pub y: usize,
    /// Rows that it stores.
    pub rows: usize,
}

impl<'a> Layout<'a> {
    pub fn of(bytes: &'a [u8]) -> Result<Self> {
        let cut = || Error::input(format!("cut short: expected more than {} bytes, found no more", bytes.len()));
        let file = Structure::of_file(bytes).ok_or_else(cut)?;
        let ifd0 = file.ifd0().ok_or_else(cut)?;
        let link = file.link(ifd0).ok_or_else(cut)?;
        if file.entries(ifd0).any(|entry| entry.is_none()) {
            return Err(cut());
        }
        check_pictures(file, ifd0, link)?;
        let numbers = |tag| file.find(ifd0, tag).into_iter().flat_map(|entry| file.numbers(entry));
        let number = |tag, default| numbers(tag).next().unwrap_or(default);

        let compression = number(tag::COMPRESSION, NONE);
        check_compression(compression)?;
        let samples = number(tag::SAMPLES_PER_PIXEL, 1);
        let (colours, extra_sample) =
            kind_of_samples(samples, numbers(tag::PHOTOMETRIC_INTERPRETATION).next(), || numbers(tag::EXTRA_SAMPLES))?;
        // One value for all samples, as some writers do, or one for each, and perhaps more.
        let of_samples = |tag, default| -> Option<usize> {
            let mut values = numbers(tag).take(samples);
            let first = values.next().unwrap_or(default);
            let count = file.find(ifd0, tag).map_or(1, |entry| entry.count as usize);
            ((count == 1 || count >= samples) && values.all(|value| value == first)).then_some(first)
        };
        match of_samples(tag::SAMPLE_FORMAT, 1) {
            Some(1 | 4) => {}
            Some(2) => return Err(found("with samples without sign", "signed samples", "")),
            Some(3) => return Err(found("with samples that are whole numbers", "float samples", DEPTH)),
            Some(5 | 6) => return Err(found("with samples that are whole numbers", "complex samples", "")),
            other => return Err(found("with samples of one kind", mixed(other), "")),
        }
        let bits = of_samples(tag::BITS_PER_SAMPLE, 1);
        let is_known = matches!(bits, Some(1 | 2 | 4 | 8)) || bits == Some(16) && colours != Colours::Palette;
        let Some(bits) = bits.filter(|_| is_known) else {
            return Err(match (colours, bits) {
                (Colours::Palette, _) => found("with 1, 2, 4 or 8 bits for a palette", mixed(bits), ""),
                (_, None) => found("with as many bits for each sample", mixed(bits), ""),
                _ => found("with 1, 2, 4, 8 or 16 bits a sample", mixed(bits), DEPTH),
            });
        };
        let planes = match number(tag::PLANAR_CONFIGURATION, 1) {
            2 => samples,
            _ => 1,
        };
        let predictor = if matches!(compression, LZW | DEFLATE | OLD_DEFLATE) { number(tag::PREDICTOR, 1) } else { 1 };
        if !(matches!(predictor, 0 | 1) || predictor == 2 && bits >= 8) {
            let what = format!("predictor {predictor} for {bits} bits");
            return Err(found("with no predictor, or the one for whole numbers of 8 or 16 bits", what, ""));
        }

        let (width, height) = (number(tag::IMAGE_WIDTH, 0), number(tag::IMAGE_LENGTH, 0));
        let check_sides = |what: &str, (width, height): (usize, usize)| {
            if [width, height].iter().all(|side| (1..=MAX_SIDE as usize).contains(side)) {
                return Ok(());
            }
            Err(found(format!("with {what} of 1 to 65535 pixels"), format!("{width}×{height}"), ""))
        };
        check_sides("sides", (width, height))?;
        // As in libtiff, offsets of tiles may stand for those of strips, and the reverse.
        let either = |a, b| file.find(ifd0, a).or_else(|| file.find(ifd0, b));
        let is_tiled = file.find(ifd0, tag::TILE_WIDTH).is_some();
        let offsets = either(tag::STRIP_OFFSETS, tag::TILE_OFFSETS);
        let lengths = either(tag::STRIP_BYTE_COUNTS, tag::TILE_BYTE_COUNTS);
        let stored = offsets.map_or(0, |entry| entry.count as usize);
        let part = if is_tiled {
            (number(tag::TILE_WIDTH, 0), number(tag::TILE_LENGTH, 0))
        } else {
            let rows = number(tag::ROWS_PER_STRIP, height);
            (width, if rows == 0 && stored == planes { height } else { rows.min(height) })
        };
        check_sides("strips or tiles", part)?;
        for (width, height) in [(width, height), part] {
            check_size(width as u64 * height as u64 * (samples * bits.div_ceil(8)) as u64)?;
        }
        let expected = planes * width.div_ceil(part.0) * height.div_ceil(part.1);
        let Some(offsets) = offsets.filter(|_| stored >= expected) else {
            return Err(found(format!("with {expected} strips or tiles"), stored, ""));
        };
        let has_predictor = predictor == 2;
        let is_reversed = number(tag::FILL_ORDER, 1) == 2;
        let layout = Self {
            file,
            ifd0,
            width,
            height,
            colours,
            extra_sample,
            samples,
            bits,
            planes,
            compression,
            has_predictor,
            is_reversed,
            part,
            is_tiled,
            offsets,
            lengths,
        };
        for part in layout.parts() {
            let part = part.ok_or_else(cut)?;
            // LZW as of before 1990: codes begin at the lowest bit.
            if compression == LZW && matches!(part.data, [0, second, ..] if second & 1 == 1) {
                return Err(found("with LZW as of TIFF 5 or later", "the one before", ""));
            }
        }
        Ok(layout)
    }

    /// Samples of a pixel in a strip or tile.
    pub fn part_samples(&self) -> usize {
        self.samples / self.planes
    }

    /// Bytes of a row of a strip or tile.
    pub fn row_bytes(&self) -> usize {
        (self.part.0 * self.part_samples() * self.bits).div_ceil(8)
    }

    /// The strips or tiles, plane by plane, row by row; `None` in place of one that lies outside.
    pub fn parts(&self) -> impl Iterator<Item = Option<Part<'a>>> {
        let (across, down) = (self.width.div_ceil(self.part.0), self.height.div_ceil(self.part.1));
        let mut lengths = self.lengths.map(|lengths| self.file.numbers(lengths));
        let count = self.planes * across * down;
        self.file.numbers(self.offsets).take(count).chain(std::iter::repeat(0)).take(count).enumerate().map(
            move |(i, at)| {
                let (x, y) = (i % across * self.part.0, i / across % down * self.part.1);
                let rows = if self.is_tiled { self.part.1 } else { self.part.1.min(self.height - y) };
                let given = lengths.as_mut().and_then(Iterator::next);
                let length = match given {
                    // Uncompressed samples have a known length.
                    _ if self.compression == NONE => rows * self.row_bytes(),
                    None | Some(0) if count == 1 => self.file.bytes.len().checked_sub(at)?,
                    given => given?,
                };
                let data = self.file.bytes.get(at..)?.get(..length).filter(|_| at > 0)?;
                Some(Part { data, plane: i / (across * down), x, y, rows })
            },
        )
    }

    /// The colours of a palette, 8 bits each.
    pub fn palette(&self) -> Result<Vec<[u8; 3]>> {
        let count = 1 << self.bits;
        let entry = self.file.find(self.ifd0, tag::COLOR_MAP);
        // All reds, all greens, all blues, 16 bits each.
        let map: Vec<_> = entry.into_iter().flat_map(|entry| self.file.numbers(entry)).take(3 * count).collect();
        if map.len() != 3 * count {
            return Err(damaged(format!("expected a palette of {count} colours, found {}", map.len() / 3)));
        }
        // Some writers store 8 bits; as libtiff does, these are recognised by values below 256.
        let shift = if map.iter().all(|value| *value < 256) { 0 } else { 8 };
        Ok((0..count).map(|i| [0, count, 2 * count].map(|plane| (map[plane + i] >> shift) as u8)).collect())
    }
}

/// An ImageMagick command that makes a file that is read.
const DEPTH: &str = "`convert in.tif -depth 16 -define quantum:format=unsigned out.tif`";
const COLOURS: &str = "`convert in.tif -colorspace sRGB -type TrueColor out.tif`";
const UNPACKED: &str = "`convert in.tif -compress LZW out.tif`";

/// An error that names what was found, and a command that would help.
fn found(expected: impl std::fmt::Display, found: impl std::fmt::Display, help: &str) -> Error {
    let help = if help.is_empty() { String::new() } else { format!("; {help} makes one") };
    Error::input(format!("expected a TIFF {expected}, found {found}{help}"))
}

/// The bits or kind of all samples, or that they are not alike.
fn mixed(value: Option<usize>) -> String {
    value.map_or_else(|| "several kinds".to_owned(), |value| value.to_string())
}

fn check_compression(compression: usize) -> Result<()> {
    let name = match compression {
        NONE | LZW | DEFLATE | PACK_BITS | OLD_DEFLATE => return Ok(()),
        2 | 32_771 => "CCITT run lengths",
        3 => "CCITT group 3 (fax)",
        4 => "CCITT group 4 (fax)",
        6 => "old-style JPEG",
        7 | 34_892 => "JPEG",
        9 | 10 | 34_661 => "JBIG",
        34_676 | 34_677 => "SGI LogLuv",
        33_003 | 33_004 | 33_005 | 34_712 => "JPEG 2000",
        34_887 => "LERC",
        34_925 => "LZMA",
        34_926 | 50_000 => "Zstandard",
        34_927 | 50_001 => "WebP",
        34_933 => "PNG",
        50_002 | 52_546 => "JPEG XL",
        other => return Err(found(LOSSLESS, format!("number {other}"), "")),
    };
    Err(found(LOSSLESS, format!("{name} inside"), UNPACKED))
}

const LOSSLESS: &str = "with no compression, LZW, deflate or PackBits";

/// What the samples of a pixel are.
fn kind_of_samples<I: Iterator<Item = usize>>(
    samples: usize,
    photometric: Option<usize>,
    extra: impl Fn() -> I,
) -> Result<(Colours, Option<ExtraSample>)> {
    let colours = "in grey, RGB or a palette";
    // If missing, as libtiff guesses it.
    let photometric = photometric.or_else(|| match samples.checked_sub(extra().take(samples).count()) {
        Some(1) => Some(BLACK_IS_ZERO),
        Some(3) => Some(RGB),
        _ => None,
    });
    let (kind, count) = match photometric {
        Some(kind @ (WHITE_IS_ZERO | BLACK_IS_ZERO)) => (Colours::Grey { is_inverted: kind == WHITE_IS_ZERO }, 1),
        Some(RGB) => (Colours::Rgb, 3),
        Some(PALETTE) => (Colours::Palette, 1),
        Some(4) => return Err(found(colours, "a transparency mask", "")),
        Some(5) => return Err(found(colours, "CMYK", COLOURS)),
        Some(6) => return Err(found(colours, "YCbCr", COLOURS)),
        Some(8..=10) => return Err(found(colours, "Lab", COLOURS)),
        Some(32_803 | 34_892) => return Err(raw()),
        Some(32_844 | 32_845) => return Err(found(colours, "LogLuv", COLOURS)),
        Some(other) => return Err(found(colours, format!("colours of kind {other}"), "")),
        None => {
            let found_here = format!("{samples} samples a pixel and no PhotometricInterpretation");
            return Err(found(colours, found_here, ""));
        }
    };
    let most = if kind == Colours::Palette { count } else { count + 1 };
    if !(count..=most).contains(&samples) {
        let (what, help) = match kind {
            Colours::Grey { .. } => ("1 or 2 samples a pixel for grey", ""),
            Colours::Rgb if samples > count => ("3 or 4 samples a pixel for RGB", FEWER),
            Colours::Rgb => ("3 or 4 samples a pixel for RGB", ""),
            Colours::Palette => ("1 sample a pixel for a palette", FEWER),
        };
        return Err(found(format!("with {what}"), samples, help));
    }
    let extra_sample = (samples > count).then(|| match extra().next() {
        Some(1) => ExtraSample::AssociatedAlpha,
        Some(2) => ExtraSample::Alpha,
        _ => ExtraSample::Unspecified,
    });
    Ok((kind, extra_sample))
}

const FEWER: &str = "`convert in.tif -alpha off out.tif`";

fn raw() -> Error {
    Error::input("expected a developed photograph, found raw data of a camera; a raw developer writes one")
}

/// Refuses raw data behind a thumbnail, and further pictures that are no thumbnails.
fn check_pictures(file: Structure, ifd0: usize, link: usize) -> Result<()> {
    let has = |ifd, tag| file.find(ifd, tag).is_some();
    let is_of_camera = has(ifd0, tag::DNG_VERSION)
        || is_small(file, ifd0) && has(ifd0, tag::SUB_IFDS)
        || file.bytes.get(8..10) == Some(b"CR");
    if is_of_camera {
        return Err(raw());
    }
    let is_picture = |ifd| {
        let sides = [tag::IMAGE_WIDTH, tag::IMAGE_LENGTH];
        let has_pixels = has(ifd, tag::STRIP_OFFSETS) || has(ifd, tag::TILE_OFFSETS);
        file.link(ifd).is_some() && sides.iter().all(|tag| has(ifd, *tag)) && has_pixels
    };
    // A link to no directory of a picture, or to one already seen, ends the list.
    let mut seen = vec![ifd0];
    let mut pictures = 1;
    let mut next = file.offset(link);
    while let Some(ifd) = next.filter(|ifd| !seen.contains(ifd) && seen.len() < MAX_DIRECTORIES && is_picture(*ifd)) {
        seen.push(ifd);
        pictures += usize::from(!is_small(file, ifd));
        next = file.link(ifd).and_then(|link| file.offset(link));
    }
    let pages = |what: String, page| {
        let help = format!("`tiffcp in.tif,{page} out.tif` takes one out");
        Err(Error::input(format!("expected a TIFF with one picture, found {what}; {help}")))
    };
    match pictures {
        1 => Ok(()),
        _ if is_small(file, ifd0) => pages("a thumbnail before it".to_owned(), 1),
        _ => pages(format!("{pictures} pictures"), 0),
    }
}

/// The most directories that are looked at.
const MAX_DIRECTORIES: usize = 1000;

/// Whether a directory is of a picture at reduced resolution.
fn is_small(file: Structure, ifd: usize) -> bool {
    let kind = file.find(ifd, tag::NEW_SUBFILE_TYPE).and_then(|entry| file.numbers(entry).next());
    kind.is_some_and(|kind| kind & 1 == 1)
}
