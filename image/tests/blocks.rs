//! A JPEG keeps what its hole does not touch.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};

use image::{DynamicImage, GrayImage, Rgb, RgbImage};
use inpaint_edge::{ErrorKind, Inpainter, Mask, Options, Texture};
use inpaint_edge_image::{Encoded, OutputFormat, Photo};

const JPEG: OutputFormat = OutputFormat::Jpeg(None);

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images").join(name)
}

/// Files of every sampling and order of scans that are kept, with their names.
fn files() -> Vec<(String, Vec<u8>)> {
    let entries = ["jpeg", "kinds"].map(|name| std::fs::read_dir(folder(name)).unwrap()).into_iter().flatten();
    let names = entries.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|e| e == "jpg"));
    let named = |path: PathBuf| (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap());
    let kept: Vec<_> = names.map(named).filter(|(name, _)| name != "cmyk.jpg").collect();
    assert!(kept.len() > 20);
    kept
}

/// The file with an EXIF orientation, before any other that it has.
fn oriented(bytes: &[u8], orientation: u8) -> Vec<u8> {
    let mut exif = b"\xFF\xE1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    exif.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    [&bytes[..2], &exif, &bytes[2..]].concat()
}

/// The headers of scans with what is coded.
fn scans(bytes: &[u8]) -> Vec<&[u8]> {
    let (mut at, mut found) = (2, Vec::new());
    while bytes[at + 1] != 0xD9 {
        let (start, marker) = (at, bytes[at + 1]);
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        while marker == 0xDA && (bytes[at] != 0xFF || matches!(bytes[at + 1], 0 | 0xD0..=0xD7)) {
            at += 1;
        }
        if marker == 0xDA {
            found.push(&bytes[start..at]);
        }
    }
    found
}

/// The segments of Huffman tables before the scans.
fn tables(bytes: &[u8]) -> Vec<u8> {
    let (mut at, mut found) = (2, Vec::new());
    while bytes[at + 1] != 0xDA {
        let end = at + 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        if bytes[at + 1] == 0xC4 {
            found.extend_from_slice(&bytes[at..end]);
        }
        at = end;
    }
    found
}

/// A box, painted in one colour.
struct Painted {
    photo: Photo,
    mask: Mask,
    columns: std::ops::Range<u32>,
    rows: std::ops::Range<u32>,
}

const COLOUR: [u8; 3] = [120, 110, 100];
const GREY: u8 = 170;

/// Paints a box in the middle of a picture of 40 pixels a side or more.
fn painted(bytes: &[u8]) -> Painted {
    let mut photo = Photo::decode(bytes).unwrap();
    let (width, height) = (photo.pixels.width(), photo.pixels.height());
    let (columns, rows) = (width / 2 - 5..width / 2 + 4, height / 2 - 3..height / 2 + 8);
    for (x, y) in rows.clone().flat_map(|y| columns.clone().map(move |x| (x, y))) {
        match &mut photo.pixels {
            DynamicImage::ImageLuma8(image) => image.get_pixel_mut(x, y).0 = [GREY],
            DynamicImage::ImageRgb8(image) => image.get_pixel_mut(x, y).0 = COLOUR,
            other => panic!("{other:?}"),
        }
    }
    let mut mask = Mask::new(width as usize, height as usize).unwrap();
    mask.add_box(columns.start as usize..columns.end as usize, rows.start as usize..rows.end as usize);
    Painted { photo, mask, columns, rows }
}

/// Asserts that `after` shows the paint, and `before` beyond the MCUs that it touches and the pixel beside them. Returns how many
/// pixels those are.
#[track_caller]
fn is_painted(before: &DynamicImage, after: &DynamicImage, painted: &Painted, name: &str) -> usize {
    let Painted { columns, rows, .. } = painted;
    // The rest of an MCU and a pixel, whichever way the picture is turned.
    let reach = if ["411", "3x1"].iter().any(|wide| name.contains(wide)) { 32 } else { 16 };
    let is_near = |x: u32, y: u32| {
        let around = |range: &std::ops::Range<u32>| range.start.saturating_sub(reach)..range.end + reach;
        around(columns).contains(&x) && around(rows).contains(&y)
    };
    let (before, after) = (before.to_rgb8(), after.to_rgb8());
    let (mut off, mut kept) = (0, 0);
    for (x, y, pixel) in after.enumerate_pixels() {
        if columns.contains(&x) && rows.contains(&y) {
            let paint = if painted.photo.pixels.color().has_color() { COLOUR } else { [GREY; 3] };
            off += pixel.0.into_iter().zip(paint).map(|(a, b)| u32::from(a.abs_diff(b))).sum::<u32>();
        } else if !is_near(x, y) {
            assert_eq!(pixel, before.get_pixel(x, y), "{name}: {x}, {y}");
            kept += 1;
        }
    }
    let mean = off / 3 / (columns.len() * rows.len()) as u32;
    assert!(mean <= 40, "{name}: the paint is {mean} off");
    kept
}

#[test]
fn blocks_that_the_hole_does_not_touch_are_kept() {
    let mut kept = 0;
    for (name, bytes) in files() {
        let before = Photo::decode(&bytes).unwrap();
        let painted = painted(&bytes);
        let result = painted.photo.encode_filled(JPEG, &painted.mask).unwrap();
        let after = Photo::decode(&result).unwrap();
        kept += is_painted(&before.pixels, &after.pixels, &painted, &name);
        // The size follows the hole: grey paint takes less than what was there.
        assert!(result.len() < bytes.len() * 21 / 20 + 400, "{name}: {} of {}", result.len(), bytes.len());
    }
    assert!(kept > 10_000, "{kept}");
}

#[test]
fn a_file_without_a_hole_keeps_its_scans_byte_for_byte() {
    for (name, bytes) in files() {
        let photo = Photo::decode(&bytes).unwrap();
        let none = Mask::new(photo.pixels.width() as usize, photo.pixels.height() as usize).unwrap();
        let once = photo.encode_filled(JPEG, &none).unwrap();
        assert!(Photo::decode(&once).unwrap().pixels == photo.pixels, "{name}");
        if !name.contains("progressive") && !name.contains("arithmetic") {
            assert!(scans(&once) == scans(&bytes), "{name}");
        }
        let twice = Photo::decode(&once).unwrap().encode_filled(JPEG, &none).unwrap();
        assert!(once == twice, "{name}");
    }
}

#[test]
fn blocks_that_hold_the_fill_already_are_kept_too() {
    let again = |bytes: &Vec<u8>| {
        let painted = painted(bytes);
        painted.photo.encode_filled(JPEG, &painted.mask).unwrap()
    };
    let (mut at_once, mut all) = (0, 0);
    for (name, bytes) in files() {
        let once = again(&bytes);
        let twice = again(&once);
        assert!(twice == again(&twice), "{name}");
        (at_once, all) = (at_once + usize::from(once == twice), all + 1);
    }
    assert!(10 * at_once >= 9 * all, "{at_once} of {all}");
}

#[test]
fn filling_twice_changes_nothing_more() {
    let options = || Options::default().threads(1);
    let inpainter = Inpainter::embedded(options()).unwrap();
    let fill = |bytes: &[u8], by: &Inpainter, hole: &Mask| {
        let mut photo = Photo::decode(bytes).unwrap();
        let report = photo.fill(by, hole, true, &mut |_| ControlFlow::Continue(())).unwrap();
        assert_eq!(report.hole_pixels, hole.count());
        (photo.encode_filled(JPEG, hole).unwrap(), report.regions, photo.notes())
    };
    for (name, bytes) in files() {
        let hole = painted(&bytes).mask;
        let (once, regions, notes) = fill(&bytes, &inpainter, &hole);
        assert!(regions > 0 && !notes.iter().any(|note| note.contains("seal")), "{name}");
        let (twice, regions, notes) = fill(&once, &inpainter, &hole);
        assert!(twice == once, "{name}");
        assert!(regions == 0 && notes.iter().any(|note| note.contains("seal")), "{name}: {notes:?}");
        // Nor does it change where the result is of another format.
        let mut photo = Photo::decode(&once).unwrap();
        let before = photo.pixels.clone();
        photo.fill(&inpainter, &hole, true, &mut |_| ControlFlow::Continue(())).unwrap();
        assert!(photo.pixels == before, "{name}");
    }
    let bytes = std::fs::read(folder("kinds/baseline-420.jpg")).unwrap();
    let hole = painted(&bytes).mask;
    let (once, ..) = fill(&bytes, &inpainter, &hole);
    let is_filled = |bytes: &[u8], by: &Inpainter, hole: &Mask| fill(bytes, by, hole).1 > 0;
    // Another hole, another way to fill it, another network, other blocks.
    let mut wider = hole.clone();
    wider.add_box(0..3, 0..3);
    assert!(is_filled(&once, &inpainter, &wider));
    for other in [options().grain(false), options().texture(Texture::On), options().context(Some(20))] {
        assert!(is_filled(&once, &Inpainter::embedded(other).unwrap(), &hole));
    }
    let nano = std::fs::read(folder("../../weights/nano.safetensors")).unwrap();
    assert!(is_filled(&once, &Inpainter::from_bytes(&nano, options()).unwrap(), &hole));
    let elsewhere = fill(&once, &inpainter, &wider).0;
    assert!(is_filled(&elsewhere, &inpainter, &hole));
    // Painted over by a program that keeps the seal.
    let mut forged = painted(&once).photo.encode_filled(JPEG, &hole).unwrap();
    let seal = once.windows(12).position(|name| name == b"inpaint-edge").unwrap();
    forged.splice(2..2, once[seal - 4..seal + 29].iter().copied());
    assert!(is_filled(&forged, &inpainter, &hole));
    assert!(!is_filled(&once, &Inpainter::embedded(Options::default().threads(2)).unwrap(), &hole));
}

#[test]
fn what_is_not_seen_is_not_decoded_and_not_missed() {
    let options = Options::default().threads(1).context(Some(4)).texture(Texture::Off).grain(false);
    let inpainter = Inpainter::embedded(options).unwrap();
    let fill = |photo: &mut Photo, hole: &Mask| photo.fill(&inpainter, hole, true, &mut |_| ControlFlow::Continue(()));
    let turned = |orientation: u8| files().into_iter().map(move |(name, bytes)| (name, oriented(&bytes, orientation)));
    let (mut unseen, mut in_part) = (0, 0);
    for (name, bytes) in files().into_iter().chain((2..=8).flat_map(turned)) {
        let photo = Photo::decode(&bytes).unwrap();
        let (width, height) = (photo.pixels.width() as usize, photo.pixels.height() as usize);
        let corner = |x: usize, y: usize| (x..x + 6, y..y + 6);
        for (columns, rows) in [corner(0, 0), corner(width / 2, height / 2), corner(width - 6, height - 6)] {
            let mut hole = Mask::new(width, height).unwrap();
            hole.add_box(columns, rows);
            let seen = inpainter.seen(&hole).unwrap();
            let taller = Mask::new(width, height + 1).unwrap();
            let decode =
                |hole: &Mask, format| Encoded::new(&bytes).unwrap().decode_to_fill(&inpainter, hole, format).unwrap();
            let (mut whole, mut part) = (photo.clone(), decode(&hole, JPEG));
            let channels = usize::from(photo.pixels.color().channel_count());
            let pixels = |photo: &Photo| photo.pixels.as_bytes().to_vec();
            for (i, (a, b)) in pixels(&whole).chunks(channels).zip(pixels(&part).chunks(channels)).enumerate() {
                match seen.is_hole(i % width, i / width) {
                    true => assert_eq!(a, b, "{name} at {}, {}", i % width, i / width),
                    false => unseen += usize::from(a != b),
                }
            }
            fill(&mut whole, &hole).unwrap();
            fill(&mut part, &hole).unwrap();
            assert!(whole.encode_filled(JPEG, &hole).unwrap() == part.encode_filled(JPEG, &hole).unwrap(), "{name}");
            // For another format, or a mask of another size, all is decoded.
            for (hole, format) in [(&hole, OutputFormat::Png), (&taller, JPEG)] {
                assert!(decode(hole, format).pixels == photo.pixels, "{name}");
            }
            let mut other = decode(&hole, JPEG);
            assert_eq!(fill(&mut other, &taller).unwrap_err().kind(), ErrorKind::Input);
            other.pixels = DynamicImage::new_rgb8(width as u32, height as u32 + 1);
            assert_eq!(other.encode_filled(JPEG, &taller).is_ok(), other.encode(JPEG).is_ok());
            // Nothing else is done with such a picture.
            if let Err(e) = part.encode(OutputFormat::Png) {
                let all = hole.clone().resized(1000).unwrap();
                let mut wider = hole.clone().resized(5).unwrap();
                wider.remove(&hole);
                for e in [e, part.encode(JPEG).unwrap_err(), part.encode_filled(JPEG, &all).unwrap_err()] {
                    assert_eq!(e.kind(), ErrorKind::Usage);
                    assert!(e.to_string().ends_with("found one that is decoded elsewhere"), "{e}");
                }
                assert_eq!(fill(&mut part, &wider).unwrap_err().kind(), ErrorKind::Usage);
                in_part += 1;
            }
        }
    }
    assert!(unseen > 100_000 && in_part > 200, "{unseen}, {in_part}");
}

#[test]
fn what_is_not_decoded_is_checked_all_the_same() {
    let inpainter = Inpainter::embedded(Options::default().threads(1)).unwrap();
    let none = Mask::new(72, 56).unwrap();
    let refused = |bytes: &[u8]| {
        let part = Encoded::new(bytes).and_then(|picture| picture.decode_to_fill(&inpainter, &none, JPEG));
        let (part, whole) = (part.unwrap_err(), Photo::decode(bytes).unwrap_err());
        assert_eq!((part.kind(), part.to_string()), (ErrorKind::Input, whole.to_string()));
    };
    let bytes = std::fs::read(folder("kinds/baseline-420.jpg")).unwrap();
    // Without tables, and cut in its last row.
    let tables = bytes.windows(2).position(|marker| marker == [0xFF, 0xDB]).unwrap();
    let length = 2 + usize::from(u16::from_be_bytes([bytes[tables + 2], bytes[tables + 3]]));
    refused(&[&bytes[..tables], &bytes[tables + length..]].concat());
    refused(&[&bytes[..bytes.len() - 12], &[0xFF, 0xD9]].concat());
}

#[test]
fn stored_blocks_stay_where_they_are_under_every_orientation() {
    let plain = std::fs::read(folder("kinds/baseline-420-restart.jpg")).unwrap();
    for orientation in 1..=8 {
        let bytes = oriented(&plain, orientation);
        let before = Photo::decode(&bytes).unwrap();
        let painted = painted(&bytes);
        let result = painted.photo.encode_filled(JPEG, &painted.mask).unwrap();
        let after = Photo::decode(&result).unwrap();
        assert_eq!(after.is_turned(), orientation > 1);
        let kept = is_painted(&before.pixels, &after.pixels, &painted, &format!("orientation {orientation}"));
        assert!(kept > 1000, "{kept}");
        let none = Mask::new(painted.mask.width(), painted.mask.height()).unwrap();
        assert!(scans(&before.encode_filled(JPEG, &none).unwrap()) == scans(&plain), "orientation {orientation}");
    }
}

#[test]
fn a_fill_that_the_codes_of_the_file_lack_gets_new_codes() {
    // A ramp, which needs few codes, with the best codes for it.
    let ramp = RgbImage::from_fn(120, 90, |x, y| Rgb([x as u8, y as u8, 99]));
    let encoded = |is_optimal: bool| {
        let mut bytes = Vec::new();
        let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 90);
        encoder.set_optimized_huffman_tables(is_optimal);
        encoder.encode(&ramp, 120, 90, jpeg_encoder::ColorType::Rgb).unwrap();
        bytes
    };
    let (optimal, standard) = (encoded(true), encoded(false));
    // All codes, where it is too late for them.
    let end = optimal.len() - 2;
    let late = [&optimal[..end], &tables(&standard), &optimal[end..]].concat();
    for (name, bytes) in [("ramp", optimal), ("ramp with late tables", late)] {
        let before = Photo::decode(&bytes).unwrap();
        let painted = painted(&bytes);
        let result = painted.photo.encode_filled(JPEG, &painted.mask).unwrap();
        assert!(scans(&result) != scans(&bytes), "{name}");
        assert!(is_painted(&before.pixels, &Photo::decode(&result).unwrap().pixels, &painted, name) > 1000);
    }
}

#[test]
fn known_samples_change_less_than_by_the_nearest_steps() {
    // The luma of a grey picture is its pixels. Beside the hole, a coarse table changes what is known.
    let waves = GrayImage::from_fn(64, 64, |x, y| image::Luma([(x * x / 9 + y * 3 + x * y / 7) as u8]));
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, 60);
    encoder.set_optimized_huffman_tables(false);
    encoder.encode(&waves, 64, 64, jpeg_encoder::ColorType::Luma).unwrap();
    let before = Photo::decode(&bytes).unwrap();
    let painted = painted(&bytes);
    let change = |result: &[u8]| {
        let after = Photo::decode(result).unwrap();
        let pixels = before.pixels.as_bytes().iter().zip(after.pixels.as_bytes()).enumerate();
        let known = pixels.filter(|(i, _)| !painted.mask.is_hole(i % 64, i / 64));
        known.map(|(_, (a, b))| u32::from(a.abs_diff(*b)).pow(2)).sum::<u32>()
    };
    let kept = change(&painted.photo.encode_filled(JPEG, &painted.mask).unwrap());
    let anew = change(&painted.photo.encode(JPEG).unwrap());
    assert!(kept > 0 && 4 * kept < 3 * anew, "{kept} beside {anew}");
}

#[test]
fn pixels_that_no_hole_names_are_written_where_all_is_encoded_anew() {
    let bytes = std::fs::read(folder("kinds/baseline-444.jpg")).unwrap();
    let mut photo = Photo::decode(&bytes).unwrap();
    photo.pixels = photo.pixels.brighten(60);
    let brighter = Photo::decode(&photo.encode(JPEG).unwrap()).unwrap().pixels;
    let mean = |pixels: &DynamicImage| {
        pixels.as_bytes().iter().map(|v| u64::from(*v)).sum::<u64>() / pixels.as_bytes().len() as u64
    };
    assert!(mean(&brighter).abs_diff(mean(&photo.pixels)) < 3);
    let none = Mask::new(photo.pixels.width() as usize, photo.pixels.height() as usize).unwrap();
    let kept = Photo::decode(&photo.encode_filled(JPEG, &none).unwrap()).unwrap().pixels;
    assert!(kept == Photo::decode(&bytes).unwrap().pixels);
    // Another quality asks for encoding anew.
    let quality = OutputFormat::Jpeg(Some(95));
    assert!(photo.encode_filled(quality, &none).unwrap() == photo.encode(quality).unwrap());
}

#[test]
fn a_hole_of_another_size_is_refused() {
    let photo = Photo::open(&folder("kinds/baseline-444.jpg")).unwrap();
    let e = photo.encode_filled(JPEG, &Mask::new(9, 7).unwrap()).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Input);
    assert!(e.to_string().contains("found one in 9×7"), "{e}");
}

/// Changed bits often make another picture of the same kind. What can be read must come out as it was read.
#[test]
fn files_with_changed_bits_are_kept_or_refused() {
    let mut state = 7u32;
    let mut random = |below: usize| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 8) as usize % below
    };
    let mut read = 0;
    for (name, bytes) in files() {
        for _ in 0..25 {
            let mut bytes = bytes.clone();
            let at = random(bytes.len() - 2) + 2;
            bytes[at] ^= 1 << random(8);
            let Ok(before) = Photo::decode(&bytes) else { continue };
            let (width, height) = (before.pixels.width() as usize, before.pixels.height() as usize);
            if width * height > 1 << 16 || width.min(height) < 16 {
                continue;
            }
            let none = Mask::new(width, height).unwrap();
            let kept = before.encode_filled(JPEG, &none).unwrap_or_else(|e| panic!("{name}, byte {at}: {e}"));
            assert!(Photo::decode(&kept).unwrap().pixels == before.pixels, "{name}, byte {at}");
            let painted = painted(&bytes);
            let result =
                painted.photo.encode_filled(JPEG, &painted.mask).unwrap_or_else(|e| panic!("{name}, {at}: {e}"));
            let after = Photo::decode(&result).unwrap_or_else(|e| panic!("{name}, byte {at}: {e}"));
            assert_eq!((after.pixels.width() as usize, after.pixels.height() as usize), (width, height));
            read += 1;
        }
    }
    assert!(read > 80, "{read}");
}
