//! JPEG: read as libjpeg reads it or refused by name, and written as the input was.

use std::ffi::OsStr;
use std::path::PathBuf;

use image::ImageFormat;
use inpaint_edge::ErrorKind;
use inpaint_edge_image::{Encoded, OutputFormat, Photo};

use crate::support::*;

/// Files of `tests/images/jpeg`, with what they are.
fn files() -> Vec<(String, Vec<u8>)> {
    let entries = std::fs::read_dir(jpeg("")).unwrap().map(|entry| entry.unwrap().path());
    let files = entries.filter(|path| path.extension().is_some_and(|ending| ending == "jpg"));
    let named = |path: std::path::PathBuf| {
        (path.file_name().unwrap().to_str().unwrap().to_owned(), std::fs::read(path).unwrap())
    };
    let files: Vec<_> = files.map(named).collect();
    assert!(files.len() >= 16);
    files
}

/// Markers of a file with the places of their segments, up to EOI; what is coded belongs to the scan's header.
fn segments(bytes: &[u8]) -> Vec<(u8, std::ops::Range<usize>)> {
    let (mut at, mut found) = (2, Vec::new());
    loop {
        let (start, marker) = (at, bytes[at + 1]);
        assert_eq!(bytes[at], 0xFF);
        if marker == 0xD9 {
            return found;
        }
        at += 2 + usize::from(u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]));
        while marker == 0xDA && (bytes[at] != 0xFF || matches!(bytes[at + 1], 0 | 0xD0..=0xD7)) {
            at += 1;
        }
        found.push((marker, start..at));
    }
}

fn error_of(bytes: &[u8]) -> String {
    let error = Photo::decode(bytes).map(drop).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
    assert_eq!(
        Encoded::new(bytes)
            .and_then(|encoded| encoded.header())
            .map(drop)
            .map_err(|e| e.kind())
            .err()
            .unwrap_or(ErrorKind::Input),
        ErrorKind::Input
    );
    let text = error.to_string();
    assert!(!text.contains(['{', '\n']) && text.len() < 200, "{text}");
    text
}

/// Where the first frame header begins.
fn frame(bytes: &[u8]) -> usize {
    segments(bytes).into_iter().find(|(marker, _)| matches!(marker, 0xC0..=0xC2 | 0xC9 | 0xCA)).unwrap().1.start
}

#[test]
fn every_sampling_and_order_of_scans_is_read_as_libjpeg_reads_it() {
    for (name, bytes) in files() {
        let photo = Photo::decode(&bytes).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(photo.pixels == right(&jpeg(&name)), "{name}");
    }
}

#[test]
fn a_height_behind_the_scan_is_read() {
    let mut bytes = std::fs::read(jpeg("411.jpg")).unwrap();
    let at = frame(&bytes) + 5;
    let height: Vec<_> = bytes.splice(at..at + 2, [0, 0]).collect();
    assert!(error_of(&bytes).contains("height"));
    let end = bytes.len() - 2;
    bytes.splice(end..end, segment(0xDC, &[&height]));
    assert!(Photo::decode(&bytes).unwrap().pixels == right(&jpeg("411.jpg")));
}

/// As libjpeg takes them, some with a warning that costs no sample.
#[test]
fn stray_bytes_are_skipped() {
    for name in ["411.jpg", "420-three-scans.jpg", "420-progressive-restart.jpg", "420-arithmetic.jpg"] {
        let bytes = std::fs::read(jpeg(name)).unwrap();
        let parts = segments(&bytes);
        let joined = |before: &[u8], behind: &dyn Fn(u8) -> &'static [u8]| {
            let each = parts.iter().map(|(marker, at)| [before, &bytes[at.clone()], behind(*marker)].concat());
            [&bytes[..2], &each.collect::<Vec<_>>().concat(), b"\xFF\xD9"].concat()
        };
        let stray = |marker| if marker == 0xDA { &b""[..] } else { b"\0\x11\0" };
        let adobe = [&bytes[..2], b"\xFF\xEE\0\x07Adobe", &bytes[2..]].concat();
        let padded = [&bytes[..bytes.len() - 2], &[0; 40], b"\xFF\xD9"].concat();
        let followed = [&bytes[..], b"\0\0\xFF\xD8\xFF and more"].concat();
        let changed = [joined(b"\xFF\xFF", &|_| b""), joined(b"", &stray), adobe, padded, followed];
        for (i, changed) in changed.iter().enumerate() {
            let photo = Photo::decode(changed).unwrap_or_else(|e| panic!("{name}, {i}: {e}"));
            assert!(photo.pixels == right(&jpeg(name)), "{name}, {i}");
        }
    }
}

#[test]
fn a_scan_that_ends_early_is_cut_short_whatever_follows() {
    // In arithmetic coding, zeros at the end of a scan are left out, so that its end is known by restart markers alone.
    let kinds = JPEGS.map(|name| (name.to_owned(), std::fs::read(kind(name)).unwrap()));
    for (name, bytes) in files().into_iter().filter(|(name, _)| !name.contains("arithmetic")).chain(kinds) {
        let scans: Vec<_> = segments(&bytes).into_iter().filter(|(marker, _)| *marker == 0xDA).collect();
        for (_, at) in &scans {
            let data = at.start + 4 + 2 * usize::from(bytes[at.start + 4]) + 4;
            // What a short scan ends in may be padding alone.
            for share in [0.3, 0.9].into_iter().filter(|share| (at.end - data) as f64 * (1.0 - share) > 3.0) {
                let cut = data + ((at.end - data) as f64 * share) as usize;
                for rest in [&b"\xFF\xD9"[..], &bytes[at.end..]] {
                    let error = error_of(&[&bytes[..cut], rest].concat());
                    assert!(error.contains("cut short") || error.contains("cannot be decoded"), "{name}: {error}");
                }
            }
        }
        let (_, first) = &scans[0];
        let without = [&bytes[..first.start], &bytes[first.end..]].concat();
        assert!(error_of(&without).contains("expected"), "{name}");
        if scans.len() > 1 {
            assert!(error_of(&[&bytes[..first.end], b"\xFF\xD9"].concat()).contains("cut short"), "{name}");
        }
    }
}

#[test]
fn kinds_of_jpeg_that_are_not_read_are_named() {
    let plain = std::fs::read(jpeg("411.jpg")).unwrap();
    let at = frame(&plain);
    let changed = |offset: usize, value: u8| {
        let mut bytes = plain.clone();
        bytes[at + offset] = value;
        error_of(&bytes)
    };
    assert!(changed(1, 0xC3).contains("found a lossless one"));
    assert!(changed(1, 0xC5).contains("found a hierarchical one"));
    assert!(changed(4, 12).contains("found one of 12 bits"));
    assert!(changed(9, 2).contains("found 2 components"));
    // 4×1 beside 3×1.
    assert!(changed(14, 0x31).contains("found 3×1 beside 4×1"));
    assert!(error_of(&std::fs::read(kind("cmyk.jpg")).unwrap()).contains("convert in.jpg -colorspace sRGB out.png"));
}

/// Sampling factors of the components, and quantisation tables by number.
fn coding(bytes: &[u8]) -> (Vec<u8>, Vec<Vec<u8>>) {
    let parts = segments(bytes);
    let of =
        |wanted: u8| parts.iter().filter(move |(marker, _)| *marker == wanted).map(|(_, at)| &bytes[at.clone()][4..]);
    let factors = of(0xC0).chain(of(0xC2)).next().unwrap()[6..].chunks(3).map(|component| component[1]).collect();
    let mut tables: Vec<_> = of(0xDB).flat_map(|data| data.chunks(65).map(<[u8]>::to_vec)).collect();
    tables.sort();
    (factors, tables)
}

#[test]
fn a_result_is_coded_as_its_input_unless_asked_for_another_quality() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.jpg"));
    for name in JPEGS.into_iter().filter(|name| *name != "grey.jpg") {
        let input = std::fs::read(kind(name)).unwrap();
        succeeds(&run(&[&kind(name), &mask, &out]));
        let result = std::fs::read(&out).unwrap();
        assert_eq!(coding(&result), coding(&input), "{name}");
        assert!(result.len() < input.len() * 5 / 4, "{name}: {} of {}", result.len(), input.len());
        succeeds(&run(&[&kind(name), &mask, &out, &"--quality", &"30"]));
        let coarse = std::fs::read(&out).unwrap();
        assert!(coarse.len() < result.len(), "{name}");
        assert_ne!(coding(&coarse).1, coding(&input).1);
    }
    // 95 where the input is none.
    let of = |quality| {
        Photo::decode(&std::fs::read(kind("plain.png")).unwrap()).unwrap().encode(OutputFormat::Jpeg(quality))
    };
    assert_eq!(of(None).unwrap(), of(Some(95)).unwrap());
    assert_eq!(coding(&of(None).unwrap()).0, [0x11; 3]);
    // The sampling that is written row by row, and 8-bit tables.
    for (name, factors) in [("411.jpg", 0x21), ("tables-16-bit.jpg", 0x22), ("chroma-finer-across.jpg", 0x11)] {
        let photo = Photo::decode(&std::fs::read(jpeg(name)).unwrap()).unwrap();
        let result = photo.encode(OutputFormat::Jpeg(None)).unwrap();
        assert_eq!(coding(&result).0, [factors, 0x11, 0x11], "{name}");
        let again = Photo::decode(&result).unwrap();
        let error = photo.pixels.as_bytes().iter().zip(again.pixels.as_bytes()).map(|(a, b)| u32::from(a.abs_diff(*b)));
        let mean = error.sum::<u32>() as usize / photo.pixels.as_bytes().len();
        assert!(mean < 12, "{name}: {mean}");
    }
}

#[test]
fn a_result_filled_again_is_copied_unless_seals_are_overlooked() {
    let folder = Folder::new();
    let (mask, once, twice) = (folder.mask(72, 56), folder.path("once.jpg"), folder.path("twice.jpg"));
    let seals =
        |path: &PathBuf| std::fs::read(path).unwrap().windows(12).filter(|name| name == b"inpaint-edge").count();
    let copied = |args: &[&dyn AsRef<OsStr>]| {
        let output = run(&[args, &[&"--json"]].concat());
        succeeds(&output);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        (report["copied"].as_bool().unwrap(), report["notes"].to_string().contains("as the seal of the file says"))
    };
    for name in JPEGS.into_iter().filter(|name| *name != "grey.jpg") {
        assert_eq!(copied(&[&kind(name), &mask, &once]), (false, false), "{name}");
        assert_eq!(copied(&[&once, &mask, &twice]), (true, true), "{name}");
        assert!(std::fs::read(&once).unwrap() == std::fs::read(&twice).unwrap(), "{name}");
        assert_eq!(seals(&once), 1);
        // To another format, what was filled stays as it is.
        assert_eq!(copied(&[&once, &mask, &folder.path("out.png")]), (true, true), "{name}");
        assert!(Photo::open(&folder.path("out.png")).unwrap().pixels == Photo::open(&once).unwrap().pixels, "{name}");
        assert_eq!(copied(&[&once, &mask, &twice, &"--seal", &"off"]), (false, false), "{name}");
        assert_eq!(seals(&twice), 0);
        assert_eq!(copied(&[&once, &mask, &twice, &"--box", &"1,1,3,3"]), (false, false), "{name}");
        assert_eq!(seals(&twice), 1);
    }
}

#[test]
fn a_result_is_the_same_however_much_is_decoded() {
    let folder = Folder::new();
    let (in_part, whole) = (folder.path("in-part.jpg"), folder.path("whole.jpg"));
    for name in JPEGS {
        for place in ["0,0,6,6", "10,12,5,5", "3,22,6,4"] {
            let filled = |out: &PathBuf, more: &[&dyn AsRef<OsStr>]| {
                let image = kind(name);
                let files: [&dyn AsRef<OsStr>; 4] = [&image, out, &"--box", &place];
                let near: [&dyn AsRef<OsStr>; 6] = [&"--context", &"4", &"--texture", &"off", &"--grain", &"off"];
                succeeds(&run(&[&files[..], &near, more].concat()));
                std::fs::read(out).unwrap()
            };
            // A report has a digest of all pixels.
            assert!(filled(&in_part, &[]) == filled(&whole, &[&"--json"]), "{name}, {place}");
        }
    }
}

#[test]
fn all_endings_of_jpeg_are_read_and_written() {
    let folder = Folder::new();
    let (images, out) = (folder.path("in"), folder.path("out"));
    std::fs::create_dir(&images).unwrap();
    let names = ["a.jpg", "b.JPEG", "c.jpe", "d.jfif", "e.jif"];
    for name in names {
        std::fs::copy(kind("grey.jpg"), images.join(name)).unwrap();
    }
    succeeds(&run(&[&"batch", &"--images", &images, &"--out", &out, &"--box", &"8,8,9,9"]));
    for name in names {
        assert_eq!(image::guess_format(&std::fs::read(out.join(name)).unwrap()).unwrap(), ImageFormat::Jpeg, "{name}");
    }
}
