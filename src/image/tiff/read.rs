//! TIFF in.

use ::image::{DynamicImage, ImageBuffer, Luma, LumaA, Pixel, Rgb, Rgba};

use super::super::metadata::Metadata;
use super::super::{Header, MAX_SIDE, check_metadata, check_size, damaged, exif};
use super::structure::{Entry, MAX_ENTRIES};
use super::{Structure, tag};
use crate::error::{Error, Result};
use crate::room;

/// PhotometricInterpretation.
const WHITE_IS_ZERO: usize = 0;
const BLACK_IS_ZERO: usize = 1;
const RGB: usize = 2;
const PALETTE: usize = 3;
const CMYK: usize = 5;

/// Compression.
const NONE: usize = 1;
const LZW: usize = 5;
const DEFLATE: usize = 8;
const PACK_BITS: usize = 32_773;
const OLD_DEFLATE: usize = 32_946;

/// How the pixels are stored.
struct Layout<'a> {
    file: Structure<'a>,
    ifd0: usize,
    width: usize,
    height: usize,
    photometric: usize,
    samples: usize,
    sample_bytes: usize,
    compression: usize,
    has_predictor: bool,
    /// Sides of a strip or tile.
    part: (usize, usize),
    /// Offsets and lengths of strips or tiles, row by row.
    parts: [Entry<'a>; 2],
}

/// What decoding takes, `bytes` included.
pub(in super::super) fn header(bytes: &[u8]) -> Result<Header> {
    let layout = Layout::of(bytes)?;
    Ok(layout.header(&layout.metadata()?))
}

/// Decodes to grey or RGB, with or without alpha, of 8 or 16 bits.
pub(in super::super) fn decode(bytes: &[u8]) -> Result<(DynamicImage, Metadata)> {
    let layout = Layout::of(bytes)?;
    let metadata = layout.metadata()?;
    room::check(layout.header(&metadata).decode_bytes() - bytes.len())?;
    let mut samples = layout.samples()?;
    if layout.photometric == WHITE_IS_ZERO {
        samples.iter_mut().for_each(|byte| *byte = !*byte);
    }
    let pixels = match (layout.photometric, layout.sample_bytes) {
        (PALETTE, _) => layout.image::<Rgb<u8>>(layout.colours(&samples)?),
        (_, 1) => match layout.samples {
            1 => layout.image::<Luma<u8>>(samples),
            2 => layout.image::<LumaA<u8>>(samples),
            3 => layout.image::<Rgb<u8>>(samples),
            _ => layout.image::<Rgba<u8>>(samples),
        },
        _ => {
            let samples = samples.as_chunks().0.iter().map(|v| u16::from_ne_bytes(*v)).collect();
            match layout.samples {
                1 => layout.image::<Luma<u16>>(samples),
                2 => layout.image::<LumaA<u16>>(samples),
                3 => layout.image::<Rgb<u16>>(samples),
                _ => layout.image::<Rgba<u16>>(samples),
            }
        }
    };
    Ok((pixels, metadata))
}

impl<'a> Layout<'a> {
    fn of(bytes: &'a [u8]) -> Result<Self> {
        let cut = || Error::input(format!("cut short: more than the {} bytes found are expected", bytes.len()));
        let file = Structure::new(bytes).ok_or_else(cut)?;
        let ifd0 = file.offset(4).ok_or_else(cut)?;
        let link = file.link(ifd0).ok_or_else(cut)?;
        if file.entries(ifd0).any(|entry| entry.is_none()) {
            return Err(cut());
        }
        check_pictures(file, ifd0, link)?;
        let numbers = |tag| file.find(ifd0, tag).into_iter().flat_map(|entry| file.numbers(entry));
        let number = |tag, default| numbers(tag).next().unwrap_or(default);

        let photometric = number(tag::PHOTOMETRIC_INTERPRETATION, usize::MAX);
        let colours = match photometric {
            WHITE_IS_ZERO | BLACK_IS_ZERO | PALETTE => 1,
            RGB => 3,
            CMYK => return Err(Error::input("a TIFF in grey or RGB expected, CMYK found")),
            other => {
                return Err(Error::input(format!("a TIFF in grey or RGB expected, colours of kind {other} found")));
            }
        };
        let samples = number(tag::SAMPLES_PER_PIXEL, 1);
        let has_alpha = samples == colours + 1 && matches!(photometric, BLACK_IS_ZERO | RGB);
        expect(samples == colours || has_alpha, "a sample for each colour and at most one for alpha", samples)?;
        let is_multiplied = has_alpha && number(tag::EXTRA_SAMPLES, 0) == 1;
        expect(!is_multiplied, "alpha beside the colours", "colours multiplied by it")?;
        let depth = number(tag::BITS_PER_SAMPLE, 1);
        let is_known = depth == 8 || depth == 16 && photometric != PALETTE;
        expect(is_known && numbers(tag::BITS_PER_SAMPLE).all(|bits| bits == depth), "8 or 16 bits a sample", depth)?;
        expect(numbers(tag::SAMPLE_FORMAT).all(|format| format == 1), "samples that are whole numbers", "others")?;
        let planes = if samples > 1 { number(tag::PLANAR_CONFIGURATION, 1) } else { 1 };
        expect(planes == 1, "the samples of a pixel side by side", "a plane for each")?;
        expect(number(tag::FILL_ORDER, 1) == 1, "the highest bit first", "the lowest")?;
        let compression = number(tag::COMPRESSION, NONE);
        let is_known = matches!(compression, NONE | LZW | DEFLATE | PACK_BITS | OLD_DEFLATE);
        expect(is_known, "no compression, LZW, deflate or PackBits", format!("number {compression}"))?;
        let predictor = number(tag::PREDICTOR, 1);
        expect(matches!(predictor, 1 | 2), "no predictor or that for whole numbers", format!("number {predictor}"))?;

        let (width, height) = (number(tag::IMAGE_WIDTH, 0), number(tag::IMAGE_LENGTH, 0));
        let are_sides = |(width, height)| [width, height].iter().all(|side| (1..=MAX_SIDE as usize).contains(side));
        let sides = |(width, height)| format!("{width}×{height}");
        expect(are_sides((width, height)), "sides of 1 to 65535 pixels", sides((width, height)))?;
        let (part, offsets, lengths) = if file.find(ifd0, tag::TILE_OFFSETS).is_some() {
            let part = (number(tag::TILE_WIDTH, 0), number(tag::TILE_LENGTH, 0));
            (part, tag::TILE_OFFSETS, tag::TILE_BYTE_COUNTS)
        } else {
            let rows = number(tag::ROWS_PER_STRIP, height).min(height);
            ((width, rows), tag::STRIP_OFFSETS, tag::STRIP_BYTE_COUNTS)
        };
        expect(are_sides(part), "strips or tiles of 1 to 65535 pixels", sides(part))?;
        let expected = width.div_ceil(part.0) * height.div_ceil(part.1);
        let entries = [file.find(ifd0, offsets), file.find(ifd0, lengths)];
        let found = entries.iter().map(|entry| entry.map_or(0, |entry| entry.count as usize)).min().unwrap_or(0);
        let parts = match entries {
            [Some(a), Some(b)] if a.count as usize == expected && b.count as usize == expected => [a, b],
            _ => {
                let strips = format!("{expected} strips or tiles");
                return Err(Error::input(format!("a TIFF with {strips} expected, {found} found")));
            }
        };
        if parts_of(file, parts).take(expected).filter(Option::is_some).count() < expected {
            return Err(cut());
        }
        let (sample_bytes, has_predictor) = (depth / 8, predictor == 2);
        for (width, height) in [(width, height), part] {
            check_size(width as u64 * height as u64 * (samples * sample_bytes) as u64)?;
        }
        Ok(Self {
            file,
            ifd0,
            width,
            height,
            photometric,
            samples,
            sample_bytes,
            compression,
            has_predictor,
            part,
            parts,
        })
    }

    /// What decoding takes, the file included.
    fn header(&self, metadata: &Metadata) -> Header {
        let size = (self.width as u32, self.height as u32);
        let has_palette = self.photometric == PALETTE;
        let channels = if has_palette { 3 } else { self.samples };
        // Numbers of colours, or the bytes of 16-bit samples, before they become pixels.
        let is_copied = has_palette || self.sample_bytes == 2;
        let copied = if is_copied { self.width * self.height * self.samples * self.sample_bytes } else { 0 };
        let decoder_bytes = self.file.bytes.len() + metadata.copies() + self.tile_bytes() + copied;
        let turned = super::super::turned(size, exif::orientation(metadata));
        Header { channels, sample_bytes: self.sample_bytes, decoder_bytes, ..turned }
    }

    /// Bytes of a tile that is not decoded in its place.
    fn tile_bytes(&self) -> usize {
        let (width, height) = self.part;
        if width == self.width { 0 } else { width * height * self.samples * self.sample_bytes }
    }

    /// The samples in the byte order of the machine.
    fn samples(&self) -> Result<Vec<u8>> {
        let pixel = self.samples * self.sample_bytes;
        let row = self.width * pixel;
        let mut samples = room::filled(0, self.height * row)?;
        let (width, height) = self.part;
        let across = self.width.div_ceil(width);
        let mut tile = room::filled(0, self.tile_bytes())?;
        for (i, data) in parts_of(self.file, self.parts).flatten().enumerate() {
            let (x, y) = (i % across * width, i / across * height);
            let rows = height.min(self.height - y);
            if width == self.width {
                self.expand(data, &mut samples[y * row..(y + rows) * row])?;
                continue;
            }
            self.expand(data, &mut tile)?;
            let length = width.min(self.width - x) * pixel;
            for (from, to) in tile.chunks(width * pixel).zip(samples[y * row..].chunks_mut(row)) {
                to[x * pixel..][..length].copy_from_slice(&from[..length]);
            }
        }
        Ok(samples)
    }

    /// Decompresses a strip or tile into `out`, which is as large.
    fn expand(&self, data: &[u8], out: &mut [u8]) -> Result<()> {
        let is_whole = match self.compression {
            LZW => unpack_lzw(data, out),
            PACK_BITS => unpack_bits(data, out),
            NONE => data.get(..out.len()).map(|data| out.copy_from_slice(data)).is_some(),
            _ => fdeflate::Decompressor::new().read(data, out, 0, true).is_ok_and(|(_, n)| n == out.len()),
        };
        if !is_whole {
            return Err(damaged("a strip or tile lacks pixels"));
        }
        if self.sample_bytes == 2 {
            out.as_chunks_mut().0.iter_mut().for_each(|v| *v = u16::from_le_bytes(self.file.order(*v)).to_ne_bytes());
        }
        if self.has_predictor {
            let (n, row) = (self.samples, self.part.0 * self.samples);
            match self.sample_bytes {
                1 => out
                    .chunks_mut(row)
                    .for_each(|row| (n..row.len()).for_each(|i| row[i] = row[i].wrapping_add(row[i - n]))),
                _ => out.as_chunks_mut().0.chunks_mut(row).for_each(|row| {
                    let value = |v: [u8; 2]| u16::from_ne_bytes(v);
                    (n..row.len()).for_each(|i| row[i] = value(row[i]).wrapping_add(value(row[i - n])).to_ne_bytes());
                }),
            }
        }
        Ok(())
    }

    /// The colours of a palette for its indices: all reds, all greens, all blues, 16 bits each.
    fn colours(&self, indices: &[u8]) -> Result<Vec<u8>> {
        let entry = self.file.find(self.ifd0, tag::COLOR_MAP);
        let map: Vec<_> = entry.into_iter().flat_map(|entry| self.file.numbers(entry)).take(3 * 256).collect();
        let found = entry.map_or(0, |entry| entry.count as usize);
        if found != 3 * 256 || map.len() != found {
            return Err(damaged(format!("a palette of 256 colours expected, {} found", found / 3)));
        }
        let mut colours = room::filled(0, 3 * indices.len())?;
        for (colour, i) in colours.as_chunks_mut().0.iter_mut().zip(indices) {
            *colour = [0, 256, 512].map(|plane| (map[plane + usize::from(*i)] >> 8) as u8);
        }
        Ok(colours)
    }

    fn image<P: Pixel>(&self, samples: Vec<P::Subpixel>) -> DynamicImage
    where
        DynamicImage: From<ImageBuffer<P, Vec<P::Subpixel>>>,
    {
        let image = ImageBuffer::from_raw(self.width as u32, self.height as u32, samples);
        image.expect("a sample per pixel and channel").into()
    }

    /// What the file says about the photograph, as an EXIF block.
    fn exif(&self) -> Result<Option<Vec<u8>>> {
        let mut block = room::copied(&self.file.bytes[..4])?;
        room::append(&mut block, &self.file.order(8u32.to_le_bytes()))?;
        self.file.copy(self.ifd0, 0, &mut { MAX_ENTRIES }, &mut block)?;
        Ok((block[8..10] != [0; 2]).then_some(block))
    }

    fn metadata(&self) -> Result<Metadata> {
        let data = |tag| self.file.find(self.ifd0, tag).map(|entry| entry.data);
        let (icc, xmp) = (data(tag::ICC_PROFILE), data(tag::XMP));
        check_metadata([icc, xmp].into_iter().flatten().map(<[u8]>::len).sum())?;
        let (icc, xmp) = (icc.map(room::copied).transpose()?, xmp.map(room::copied).transpose()?);
        let has_palette = self.photometric == PALETTE;
        Ok(Metadata { icc, exif: self.exif()?, xmp, has_palette, ..Metadata::default() })
    }
}

fn expect(is_so: bool, what: &str, found: impl std::fmt::Display) -> Result<()> {
    if is_so { Ok(()) } else { Err(Error::input(format!("a TIFF with {what} expected, {found} found"))) }
}

/// Refuses raw data behind a thumbnail, and further pictures that are no thumbnails.
fn check_pictures(file: Structure, ifd0: usize, link: usize) -> Result<()> {
    let is_raw = is_small(file, ifd0) || file.find(ifd0, tag::DNG_VERSION).is_some();
    expect(!is_raw, "a developed photograph", "raw data")?;
    let mut next = file.offset(link);
    let mut seen = 0;
    while let Some(ifd) = next {
        seen += 1;
        expect(is_small(file, ifd) && seen <= MAX_THUMBNAILS, "one picture", "more")?;
        next = file.link(ifd).and_then(|link| file.offset(link));
    }
    Ok(())
}

/// The most thumbnails behind the picture.
const MAX_THUMBNAILS: usize = 16;

/// Whether a directory is of a picture at reduced resolution.
fn is_small(file: Structure, ifd: usize) -> bool {
    let kind = file.find(ifd, tag::NEW_SUBFILE_TYPE).and_then(|entry| file.numbers(entry).next());
    kind.is_some_and(|kind| kind & 1 == 1)
}

/// The bytes of each strip or tile; nothing in place of one that lies outside.
fn parts_of<'a>(file: Structure<'a>, [offsets, lengths]: [Entry<'a>; 2]) -> impl Iterator<Item = Option<&'a [u8]>> {
    file.numbers(offsets).zip(file.numbers(lengths)).map(move |(at, length)| file.bytes.get(at..)?.get(..length))
}

fn unpack_lzw(mut data: &[u8], mut out: &mut [u8]) -> bool {
    let mut decoder = weezl::decode::Decoder::with_tiff_size_switch(weezl::BitOrder::Msb, 8);
    while !out.is_empty() {
        let done = decoder.decode_bytes(data, out);
        if done.status.is_err() || done.consumed_in + done.consumed_out == 0 {
            return false;
        }
        data = &data[done.consumed_in..];
        out = &mut out[done.consumed_out..];
    }
    true
}

/// Runs: n in 0 … 127 stands before n + 1 bytes, -n in -127 … -1 before one that is there n + 1 times.
fn unpack_bits(mut data: &[u8], mut out: &mut [u8]) -> bool {
    while !out.is_empty() {
        let [n, rest @ ..] = data else { return false };
        let (n, is_repeated) = match *n as i8 {
            -128 => (0, false),
            n @ 0.. => (usize::from(n.unsigned_abs()) + 1, false),
            n => (usize::from(n.unsigned_abs()) + 1, true),
        };
        let taken = if is_repeated { 1 } else { n };
        let Some((run, rest)) = rest.split_at_checked(taken) else { return false };
        let Some((to, behind)) = std::mem::take(&mut out).split_at_mut_checked(n) else { return false };
        if is_repeated {
            to.fill(run[0])
        } else {
            to.copy_from_slice(run)
        }
        (data, out) = (rest, behind);
    }
    true
}
