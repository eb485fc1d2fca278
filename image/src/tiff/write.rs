//! Writes uncompressed TIFF in strips, behind the EXIF block, whose entries go into the directory.

use std::borrow::Cow;
use std::io::Write;

use image::{ColorType, DynamicImage};
use inpaint_edge::{ErrorKind, Result, alloc};

use crate::directories::{Entry, LEAD_ON, MAX_ENTRIES, Structure, is_of_the_file, tag};
use crate::fault::{cannot_hold, unwritable};
use crate::metadata::{Density, Metadata, Unit};

/// Kinds of values.
const BYTE: u16 = 1;
const SHORT: u16 = 3;
const LONG: u16 = 4;
const RATIONAL: u16 = 5;
const UNDEFINED: u16 = 7;

/// Bytes of a strip, unless a row has more.
const STRIP: usize = 1 << 20;

/// Tag, kind, count and values of an entry. Up to four bytes of values stand in the entry itself.
type Field<'a> = (u16, u16, u32, Cow<'a, [u8]>);

/// Writes pixels of 8 or 16 bits.
pub(crate) fn write(out: &mut dyn Write, pixels: &DynamicImage, metadata: &Metadata) -> Result<()> {
    // Offsets inside an EXIF block count from its start. So it comes first, and only its IFD0 is replaced.
    let empty = *b"II*\0\0\0\0\0";
    let exif = metadata.exif.as_deref().and_then(Structure::new).filter(|exif| exif.ifd0().is_some());
    let block = exif.or_else(|| Structure::new(&empty)).expect("a header");
    let row = pixels.width() as usize * usize::from(pixels.color().bytes_per_pixel());
    let mut fields = fields_of_exif(block)?;
    // A unit without a resolution would become a second one.
    let has_density = [tag::X_RESOLUTION, tag::Y_RESOLUTION].iter().all(|t| fields.iter().any(|field| field.0 == *t));
    fields.retain(|field| has_density || !DENSITY.contains(&field.0));
    fields.extend(fields_of_metadata(block, metadata, has_density));
    let rows = (STRIP / row).max(1);
    fields.extend(fields_of_pixels(block, pixels, metadata.has_band, rows));
    fields.sort_by_key(|field| field.0);

    if u16::try_from(fields.len()).is_err() {
        return Err(cannot_hold(format!("expected at most 65535 tags, found {}", fields.len())));
    }
    let start = block.bytes.len().next_multiple_of(2);
    let values: usize =
        fields.iter().map(|field| if field.3.len() > 4 { field.3.len().next_multiple_of(2) } else { 0 }).sum();
    let end = start + 2 + 12 * fields.len() + 4 + values;
    let pixel_bytes = pixels.as_bytes().len();
    if u32::try_from(end + pixel_bytes).is_err() {
        return Err(cannot_hold(format!("expected at most 4 GiB, found {} bytes of pixels", pixel_bytes)));
    }
    let mut at = end as u32;
    let strips = pixels.as_bytes().chunks(rows * row);
    let offsets = strips.flat_map(|strip| {
        at += strip.len() as u32;
        block.order((at - strip.len() as u32).to_le_bytes())
    });
    if let Some(field) = fields.iter_mut().find(|field| field.0 == tag::STRIP_OFFSETS) {
        field.3 = offsets.collect();
    }
    let head = head(block, start, end, &fields)?;
    let mut written = || {
        out.write_all(&head)?;
        if is_deep(pixels) && block.is_big_endian != cfg!(target_endian = "big") {
            let mut swapped = Vec::with_capacity(row);
            for row in pixels.as_bytes().chunks(row) {
                swapped.clear();
                swapped.extend(row.as_chunks().0.iter().flat_map(|[a, b]| [*b, *a]));
                out.write_all(&swapped)?;
            }
            return Ok(());
        }
        out.write_all(pixels.as_bytes())
    };
    written().map_err(unwritable)
}

/// What comes before the pixels, `end` bytes: the block, the directory at `start`, its longer values.
fn head(block: Structure, start: usize, end: usize, fields: &[Field]) -> Result<Vec<u8>> {
    let mut head = alloc::try_filled(0, end)?;
    head[..block.bytes.len()].copy_from_slice(block.bytes);
    head[4..8].copy_from_slice(&block.order((start as u32).to_le_bytes()));
    head[start..start + 2].copy_from_slice(&block.order((fields.len() as u16).to_le_bytes()));
    // Behind the directory is the link to the next picture, which stays 0.
    let mut value = start + 2 + 12 * fields.len() + 4;
    for ((tag, kind, count, data), at) in fields.iter().zip((start + 2..).step_by(12)) {
        head[at..at + 2].copy_from_slice(&block.order(tag.to_le_bytes()));
        head[at + 2..at + 4].copy_from_slice(&block.order(kind.to_le_bytes()));
        head[at + 4..at + 8].copy_from_slice(&block.order(count.to_le_bytes()));
        if data.len() > 4 {
            head[at + 8..at + 12].copy_from_slice(&block.order((value as u32).to_le_bytes()));
            head[value..value + data.len()].copy_from_slice(data);
            value += data.len().next_multiple_of(2);
        } else {
            head[at + 8..at + 8 + data.len()].copy_from_slice(data);
        }
    }
    Ok(head)
}

/// The entries of the block that describe the photograph; longer values stay where they are, and the entry holds their
/// offset. From a damaged block, only values inside the entries themselves are taken, such as the orientation.
fn fields_of_exif<'a>(block: Structure<'a>) -> Result<Vec<Field<'a>>> {
    let Some(ifd0) = block.ifd0() else { return Ok(Vec::new()) };
    let is_sound = match block.copy(ifd0, 0, &mut { MAX_ENTRIES }, &mut alloc::try_filled(0, 8)?) {
        Err(e) if e.kind() == ErrorKind::Limits => return Err(e),
        copied => copied.is_ok(),
    };
    let stands_alone = |entry: &Entry| entry.data.len() <= 4 && !LEAD_ON.contains(&entry.tag);
    let mut fields = Vec::new();
    for e in block.entries(ifd0).flatten() {
        if (is_sound || stands_alone(&e)) && !is_of_the_file(e.tag) {
            alloc::try_push(&mut fields, (e.tag, e.kind, e.count, Cow::Borrowed(&block.bytes[e.at + 8..e.at + 12])))?;
        }
    }
    Ok(fields)
}

const DENSITY: [u16; 3] = [tag::X_RESOLUTION, tag::Y_RESOLUTION, tag::RESOLUTION_UNIT];

/// ICC profile and XMP, and the density unless EXIF has one.
fn fields_of_metadata<'a>(block: Structure, metadata: &'a Metadata, has_density: bool) -> Vec<Field<'a>> {
    let mut fields = Vec::new();
    for (tag, kind, data) in [(tag::ICC_PROFILE, UNDEFINED, &metadata.icc), (tag::XMP, BYTE, &metadata.xmp)] {
        fields.extend(data.as_ref().map(|data| (tag, kind, data.len() as u32, Cow::Borrowed(&data[..]))));
    }
    if let Some(Density { x, y, unit }) = metadata.density.filter(|_| !has_density) {
        let (metre, unit) = match unit {
            Unit::None => (1.0, 1),
            Unit::Inch => (1.0, 2),
            Unit::Centimetre => (1.0, 3),
            Unit::Metre => (0.01, 3u16),
        };
        let rational = |v: f64| {
            let hundredths = (100.0 * metre * v).round() as u32;
            [block.order(hundredths.to_le_bytes()), block.order(100u32.to_le_bytes())].concat().into()
        };
        fields.push((tag::X_RESOLUTION, RATIONAL, 1, rational(x)));
        fields.push((tag::Y_RESOLUTION, RATIONAL, 1, rational(y)));
        fields.push((tag::RESOLUTION_UNIT, SHORT, 1, block.order(unit.to_le_bytes()).to_vec().into()));
    }
    fields
}

/// How the pixels are stored, in strips of `rows`; the offsets of the strips are filled in later.
fn fields_of_pixels(block: Structure, pixels: &DynamicImage, has_band: bool, rows: usize) -> Vec<Field<'static>> {
    let color = pixels.color();
    let samples = usize::from(color.channel_count());
    let shorts = |tag, values: &[u16]| {
        let data = values.iter().flat_map(|v| block.order(v.to_le_bytes())).collect();
        (tag, SHORT, values.len() as u32, data)
    };
    let longs = |tag, values: &[u32]| {
        let data = values.iter().flat_map(|v| block.order(v.to_le_bytes())).collect();
        (tag, LONG, values.len() as u32, data)
    };
    let row = pixels.as_bytes().len() / pixels.height() as usize;
    let lengths: Vec<_> = pixels.as_bytes().chunks(rows * row).map(|strip| strip.len() as u32).collect();
    let mut fields = vec![
        longs(tag::IMAGE_WIDTH, &[pixels.width()]),
        longs(tag::IMAGE_LENGTH, &[pixels.height()]),
        shorts(tag::BITS_PER_SAMPLE, &vec![if is_deep(pixels) { 16 } else { 8 }; samples]),
        shorts(tag::COMPRESSION, &[1]),
        shorts(tag::PHOTOMETRIC_INTERPRETATION, &[if color.has_color() { 2 } else { 1 }]),
        longs(tag::STRIP_OFFSETS, &vec![0; lengths.len()]),
        shorts(tag::SAMPLES_PER_PIXEL, &[samples as u16]),
        longs(tag::ROWS_PER_STRIP, &[rows as u32]),
        longs(tag::STRIP_BYTE_COUNTS, &lengths),
        shorts(tag::PLANAR_CONFIGURATION, &[1]),
    ];
    if color.has_alpha() {
        // Unspecified, or alpha that is not multiplied into the colours.
        fields.push(shorts(tag::EXTRA_SAMPLES, &[if has_band { 0 } else { 2 }]));
    }
    fields
}

fn is_deep(pixels: &DynamicImage) -> bool {
    matches!(pixels.color(), ColorType::L16 | ColorType::La16 | ColorType::Rgb16 | ColorType::Rgba16)
}
