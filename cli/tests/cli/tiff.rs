//! TIFF in and out: layouts, of which `tools/compare/tiff.py` tries all; odd directories; what is not read, by its name.

use image::{GrayImage, ImageFormat, Luma};
use inpaint_edge::{ErrorKind, MaskChannel};
use inpaint_edge_image::{OutputFormat, Photo};

use crate::made_tiff::*;
use crate::support::*;

const RGB: [u8; 24] =
    [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 130, 140, 150, 160, 170, 180, 190, 200, 210, 220, 230, 240];

#[test]
fn a_palette_of_8_bit_colours_is_scaled_as_libtiff_does() {
    let photo = Photo::open(&kind("tiff-palette-8bit-colormap.tif")).unwrap();
    let right = std::fs::read(kind("tiff-palette-8bit-colormap.right.ppm")).unwrap();
    assert_eq!(*photo.pixels.as_bytes(), right[right.len() - photo.pixels.as_bytes().len()..]);
    assert_eq!(photo.notes(), ["a palette, written as RGB"]);
    // Two colours of 4 by 2 pixels, by their numbers: 8 bits each, and 16.
    let pixels = [0b0110_0000, 0b1001_0000];
    for (scale, high) in [(1, 0xFF), (256, 0xFF00)] {
        let map = Shorts([1, high / scale, 2, 0, 3, 0].map(|v: u16| v * scale).to_vec());
        let bytes = tiff(b"MM\0*", &[&pixels], with(four_by_two(1, 3, 1), 320, Some(map)));
        let (a, b) = ([1, 2, 3], [255, 0, 0]);
        assert_eq!(*Photo::decode(&bytes).unwrap().pixels.as_bytes(), [a, b, b, a, b, a, a, b].concat());
    }
}

#[test]
fn a_mask_of_1_bit_is_that_of_the_same_png() {
    let mask = |path: &std::path::Path| Photo::open(path).unwrap().into_mask(MaskChannel::Auto).unwrap();
    let expected = mask(&kind("mask-1bit.png"));
    let white = expected.pixels().filter(|v| v.0 == [255]).count();
    assert!(white > 1000 && expected.pixels().all(|v| matches!(v.0, [0 | 255])), "{white} white pixels");
    for name in ["mask-1bit-lzw.tif", "mask-1bit-packbits.tif"] {
        assert!(mask(&kind(name)) == expected, "{name}");
    }
    // White is 0 or 1, the first pixel in the highest or the lowest bit.
    let packed = |is_inverted: bool| -> Vec<u8> {
        let byte = |pixels: &[u8]| pixels.iter().fold(0, |byte, v| byte << 1 | (v ^ u8::from(is_inverted)) & 1);
        assert_eq!(expected.width() % 8, 0);
        expected.chunks(8).map(byte).collect()
    };
    for (photometric, order) in [(0, 1), (1, 1), (0, 2), (1, 2)] {
        let mut pixels = packed(photometric == 0);
        if order == 2 {
            pixels.iter_mut().for_each(|byte| *byte = byte.reverse_bits());
        }
        let mut fields = four_by_two(1, photometric, 1);
        let (width, height) = (expected.width(), expected.height());
        for (tag, value) in [(256, width), (257, height), (278, height), (266, order)] {
            fields = with(fields, tag, Some(Longs(vec![value])));
        }
        let bytes = tiff(b"II*\0", &[&pixels], fields);
        assert!(
            Photo::decode(&bytes).unwrap().into_mask(MaskChannel::Auto).unwrap() == expected,
            "{photometric}, {order}"
        );
    }
}

#[test]
fn few_bits_are_scaled_exactly() {
    for (bits, pixels, expected) in [
        (1, &[0b0101_0000, 0b1100_0000][..], [0, 255, 0, 255, 255, 255, 0, 0]),
        (2, &[0b0001_1011, 0b1110_0100], [0, 85, 170, 255, 255, 170, 85, 0]),
        (4, &[0x01, 0x2F, 0xF0, 0x8A], [0, 17, 34, 255, 255, 0, 136, 170]),
    ] {
        for start in [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"] {
            let decode =
                |photometric| Photo::decode(&tiff(start, &[pixels], four_by_two(bits, photometric, 1))).unwrap();
            assert_eq!(*decode(1).pixels.as_bytes(), expected, "{bits} bits");
            assert_eq!(*decode(0).pixels.as_bytes(), expected.map(|v| 255 - v), "{bits} bits, white is 0");
        }
    }
}

#[test]
fn planes_are_put_together() {
    let plane = |k: usize| RGB.iter().skip(k).step_by(3).copied().collect::<Vec<_>>();
    let [r, g, b] = [plane(0), plane(1), plane(2)];
    let fields = with(four_by_two(8, 2, 3), 284, Some(Shorts(vec![2])));
    assert_eq!(*Photo::decode(&tiff(b"II*\0", &[&r, &g, &b], fields)).unwrap().pixels.as_bytes(), RGB);
    let folder = Folder::new();
    let (mask, out) = (folder.mask(16, 16), folder.path("out.png"));
    succeeds(&run(&[&kind("planes.tif"), &mask, &out]));
    same_outside_hole(&image::open(kind("planes.png")).unwrap(), &image::open(&out).unwrap());
}

/// What libtiff reads, with a warning at most.
#[test]
fn directories_are_taken_as_libtiff_takes_them() {
    let rgb = || four_by_two(8, 2, 3);
    let mut last = tiff(b"II*\0", &[&RGB], rgb());
    for link in [[0xF0, 0xFF, 0xFF, 0x7F], [8, 0, 0, 0], *last[4..].first_chunk().unwrap()] {
        let at = last.len() - 4;
        last[at..].copy_from_slice(&link);
        assert_eq!(*Photo::decode(&last).unwrap().pixels.as_bytes(), RGB, "{link:?}");
    }
    for start in [b"II*\0", b"MM\0+"] {
        for (tag, values) in [
            (258, Some(Shorts(vec![8; 4]))),
            (258, Some(Shorts(vec![8]))),
            (259, None),
            (262, None),
            (278, None),
            (278, Some(Longs(vec![u32::MAX]))),
            (278, Some(Longs(vec![0]))),
            (279, Some(Longs(vec![0]))),
            (279, Some(Longs(vec![7]))),
            (279, Some(Longs(vec![1 << 30]))),
            (279, Some(Longs(vec![]))),
            (284, Some(Shorts(vec![1]))),
            (317, Some(Shorts(vec![2]))),
            (339, Some(Shorts(vec![4; 3]))),
        ] {
            let bytes = tiff(start, &[&RGB], with(rgb(), tag, values));
            let photo = Photo::decode(&bytes).unwrap_or_else(|e| panic!("{tag}: {e}"));
            assert_eq!(*photo.pixels.as_bytes(), RGB, "{tag}");
        }
    }
    // Neither samples nor what they mean: grey, black is 0.
    let bare = with(with(four_by_two(8, 1, 1), 262, None), 277, None);
    assert_eq!(*Photo::decode(&tiff(b"II*\0", &[&RGB[..8]], bare)).unwrap().pixels.as_bytes(), RGB[..8]);
}

#[test]
fn associated_alpha_is_divided_out() {
    let associated = |pixels: &[u8]| {
        let fields = with(four_by_two(8, 2, 4), 338, Some(Shorts(vec![1])));
        Photo::decode(&tiff(b"II*\0", &[pixels], fields)).unwrap()
    };
    let opaque: Vec<u8> = RGB.chunks(3).flat_map(|rgb| [rgb, &[255]].concat()).collect();
    let photo = associated(&opaque);
    assert_eq!((photo.pixels.as_bytes(), photo.notes().len()), (&opaque[..], 0));
    let half = [[64, 128, 1, 128], [0, 0, 0, 0], [3, 2, 1, 3], [255, 0, 9, 255]].concat().repeat(2);
    let photo = associated(&half);
    let expected = [[128, 255, 2, 128], [0, 0, 0, 0], [255, 170, 85, 3], [255, 0, 9, 255]].concat().repeat(2);
    assert_eq!(*photo.pixels.as_bytes(), expected);
    assert_eq!(photo.notes(), ["colours multiplied by alpha, written as colours beside it"]);
    assert_eq!(extra_samples(&photo.encode(OutputFormat::Tiff).unwrap()), Some(2));
    // Brighter than its alpha, which no colour is: twice in each row.
    let glow = [[9, 0, 0, 8], [1, 2, 3, 0], [8, 8, 8, 8], [0, 0, 0, 255]].concat().repeat(2);
    let photo = associated(&glow);
    let expected = [[255, 0, 0, 8], [0, 0, 0, 0], [255, 255, 255, 8], [0, 0, 0, 255]].concat().repeat(2);
    assert_eq!(*photo.pixels.as_bytes(), expected);
    assert!(photo.notes()[0].ends_with(", 4 pixels brighter than it clipped"), "{:?}", photo.notes());
    // 16 bits.
    let deep: Vec<u8> = [0x1000u16, 0x8000].repeat(8).into_iter().flat_map(u16::to_be_bytes).collect();
    let fields = with(four_by_two(16, 1, 2), 338, Some(Shorts(vec![1])));
    let photo = Photo::decode(&tiff(b"MM\0*", &[&deep], fields)).unwrap();
    assert_eq!(photo.pixels.as_luma_alpha16().unwrap().get_pixel(0, 0).0, [0x2000, 0x8000]);
}

/// Near infrared, say.
#[test]
fn a_band_that_is_no_alpha_stays_one() {
    let folder = Folder::new();
    let pixels: Vec<u8> = (0..32).map(|i| i * 7).collect();
    let fields = with(four_by_two(8, 2, 4), 338, Some(Shorts(vec![0])));
    let input = folder.put("in.tif", tiff(b"II*\0", &[&pixels], fields));
    let out = folder.path("out.tif");
    let output = run(&[&input, &"--box", &"0,0,1,1", &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("in.tif: a band beside the colours that is no alpha"));
    assert_eq!(extra_samples(&std::fs::read(&out).unwrap()), Some(0));
    let result = Photo::open(&out).unwrap();
    assert_eq!(result.pixels.as_bytes()[3..], pixels[3..], "the band, and all but the first pixel");
    assert!(!result.has_alpha() && result.pixels.color().has_alpha());
    for name in ["out.png", "out.webp", "out.jpg"] {
        let output = run(&[&input, &"--box", &"0,0,1,1", &folder.path(name)]);
        fails(&output, 2, &[name, "expected a result as .tif", "`convert in.tif -alpha off out.tif`"]);
    }
    let by_alpha = run(&[&input, &"--mask-alpha", &out, &"--quiet"]);
    fails(&by_alpha, 3, &["in.tif", "expected an alpha channel for --mask-alpha, found a band of another kind"]);
    // Nor does it say where the hole is, where the file is a mask.
    let mask = |channel| Photo::open(&input).unwrap().into_mask(channel);
    assert_eq!(mask(MaskChannel::Auto).unwrap(), mask(MaskChannel::Luma).unwrap());
    assert_eq!(mask(MaskChannel::Alpha).unwrap_err().kind(), ErrorKind::Input);
    assert_eq!(folder.names(), ["in.tif", "out.tif"]);
}

#[test]
fn kinds_of_tiff_that_are_not_read_are_named() {
    let pixels = [0; 64];
    let rgb = |tag, values| with(four_by_two(8, 2, 3), tag, Some(Shorts(values)));
    for (fields, parts) in [
        (four_by_two(8, 5, 4), ["found CMYK", "`convert in.tif -colorspace sRGB"]),
        (four_by_two(8, 6, 3), ["found YCbCr", "`convert in.tif -colorspace sRGB"]),
        (four_by_two(8, 8, 3), ["found Lab", "`convert in.tif -colorspace sRGB"]),
        (four_by_two(8, 4, 1), ["found a transparency mask", ""]),
        (four_by_two(8, 77, 1), ["found colours of kind 77", ""]),
        (with(four_by_two(8, 2, 2), 262, None), ["found 2 samples a pixel and no PhotometricInterpretation", ""]),
        (four_by_two(32, 1, 1), ["found 32", "`convert in.tif -depth 16"]),
        (four_by_two(12, 1, 1), ["found 12", "`convert in.tif -depth 16"]),
        (four_by_two(16, 3, 1), ["found 16", ""]),
        (rgb(339, vec![3; 3]), ["found float samples", "`convert in.tif -depth 16"]),
        (rgb(339, vec![2; 3]), ["found signed samples", ""]),
        (rgb(258, vec![5, 6, 5]), ["found several kinds", ""]),
        (rgb(259, vec![7]), ["found JPEG inside", "`convert in.tif -compress LZW"]),
        (rgb(259, vec![6]), ["found old-style JPEG inside", "`convert in.tif -compress LZW"]),
        (rgb(259, vec![50_000]), ["found Zstandard inside", "`convert in.tif -compress LZW"]),
        (four_by_two(8, 2, 5), ["3 or 4 samples a pixel for RGB, found 5", ""]),
        (four_by_two(8, 3, 2), ["1 sample a pixel for a palette, found 2", "`convert in.tif -alpha off"]),
    ] {
        let error = Photo::decode(&tiff(b"II*\0", &[&pixels], fields)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Input);
        assert!(parts.iter().all(|part| error.to_string().contains(part)), "{parts:?} expected in {error}");
    }
    // LZW of 1987 to 1989.
    let old = tiff(b"II*\0", &[&[0, 1, 2, 3]], rgb(259, vec![5]));
    assert!(Photo::decode(&old).unwrap_err().to_string().contains("LZW as of TIFF 5 or later"));
}

#[test]
fn further_pictures_are_counted_and_thumbnails_are_none() {
    let rgb = || four_by_two(8, 2, 3);
    let small = || with(rgb(), 254, Some(Longs(vec![1])));
    let decode = |fields: &[Fields]| {
        let strip: &[&[u8]] = &[&RGB];
        let pictures = fields.iter().map(|fields| (strip, fields.clone())).collect();
        Photo::decode(&pages(b"MM\0*", pictures)).map(|photo| photo.pixels.into_bytes()).map_err(|e| e.to_string())
    };
    for pictures in [&[rgb()][..], &[rgb(), small()], &[rgb(), small(), small()], &[small()]] {
        assert_eq!(decode(pictures).unwrap(), RGB);
    }
    let error = decode(&[rgb(), small(), rgb(), rgb()]).unwrap_err();
    assert!(error.ends_with("one picture, found 3 pictures; `tiffcp in.tif,0 out.tif` takes one out"), "{error}");
    let error = decode(&[small(), rgb()]).unwrap_err();
    assert!(error.ends_with("found a thumbnail before it; `tiffcp in.tif,1 out.tif` takes one out"), "{error}");
}

/// Directories of a BigTIFF have entries of 20 bytes, those of EXIF 12.
#[test]
fn metadata_of_a_bigtiff_is_carried_as_that_of_a_tiff() {
    let rational = |a: u32, b: u32, is_big_endian| {
        let bytes = |v: u32| if is_big_endian { v.to_be_bytes() } else { v.to_le_bytes() };
        Bytes(RATIONAL, [bytes(a), bytes(b)].concat())
    };
    let photo = |start: &[u8; 4]| {
        let is_big_endian = start[0] == b'M';
        let interoperability = vec![(1, Bytes(ASCII, b"R98\0".to_vec()))];
        let exif = vec![
            (33_434, rational(1, 125, is_big_endian)),
            (36_867, Bytes(ASCII, b"2026:11:25 12:00:00\0".to_vec())),
            (40_965, Below(interoperability)),
        ];
        let mut fields = four_by_two(8, 2, 3);
        fields.extend([
            (271, Bytes(ASCII, b"inpaint-edge\0".to_vec())),
            (274, Shorts(vec![6])),
            (282, rational(300, 1, is_big_endian)),
            (283, rational(300, 1, is_big_endian)),
            (700, Bytes(1, b"<x:xmpmeta/>".to_vec())),
            (34_665, Below(exif)),
            (34_675, Bytes(UNDEFINED, b"a colour profile".to_vec())),
            (34_853, Below(vec![(1, Bytes(ASCII, b"N\0".to_vec()))])),
        ]);
        Photo::decode(&tiff(start, &[&RGB], fields)).unwrap()
    };
    for (narrow, wide) in [(b"II*\0", b"II+\0"), (b"MM\0*", b"MM\0+")] {
        let (narrow, wide) = (photo(narrow), photo(wide));
        assert_eq!((wide.pixels.width(), &wide.pixels), (2, &narrow.pixels), "turned by the orientation");
        for format in [OutputFormat::Png, OutputFormat::Tiff, OutputFormat::Jpeg(Some(90))] {
            let bytes = wide.encode(format).unwrap();
            assert!(bytes == narrow.encode(format).unwrap(), "{format:?}");
            for part in [&b"inpaint-edge\0"[..], b"2026:11:25 12:00:00\0", b"R98\0", b"<x:xmpmeta/>"] {
                assert!(bytes.windows(part.len()).any(|w| w == part), "{part:?} in {format:?}");
            }
        }
    }
}

#[test]
fn content_credentials_are_not_kept_with_a_note() {
    let manifest = (52_545, Bytes(UNDEFINED, b"jumb manifest".to_vec()));
    let photo = Photo::decode(&tiff(b"II*\0", &[&RGB], [four_by_two(8, 2, 3), vec![manifest]].concat())).unwrap();
    assert_eq!(photo.notes(), ["the content credentials (C2PA) no longer hold and are not kept"]);
    for format in [OutputFormat::Tiff, OutputFormat::Png] {
        assert!(!photo.encode(format).unwrap().windows(4).any(|w| w == b"jumb"), "{format:?}");
    }
}

/// What is written as TIFF is what other programs read.
#[test]
fn every_tiff_type_keeps_its_known_pixels() {
    use image::ColorType::*;
    let folder = Folder::new();
    for color in [L8, Rgb8, Rgba8, L16, Rgb16, Rgba16] {
        // More than one strip, the last one shorter.
        let image = picture(700, 580, color);
        let input = folder.put("in.png", encoded(&image, ImageFormat::Png));
        let (mask, out) = (folder.path("mask.png"), folder.path("out.tif"));
        image::GrayImage::from_fn(700, 580, |x, y| Luma([if x / 8 + y / 8 == 40 { 255 } else { 0 }]))
            .save(&mask)
            .unwrap();
        succeeds(&run(&[&input, &mask, &out]));
        let result = open(&out);
        assert_eq!(result.color(), color);
        let size = usize::from(color.bytes_per_pixel());
        for (i, (a, b)) in image.as_bytes().chunks(size).zip(result.as_bytes().chunks(size)).enumerate() {
            assert!(a == b || i % 700 / 8 + i / 700 / 8 == 40, "{color:?} at {i}");
        }
    }
}

#[test]
fn palettes_and_inverted_greys_of_tiff_are_expanded() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    let output = run(&[&kind("palette.tif"), &mask, &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("palette.tif: a palette, written as RGB\n"));
    same_outside_hole(&image::open(kind("palette.png")).unwrap(), &image::open(&out).unwrap());
    succeeds(&run(&[&kind("white-is-zero.tif"), &mask, &out]));
    same_outside_hole(&open(kind("grey.tif")), &image::open(&out).unwrap());
    succeeds(&run(&[&kind("grey-alpha.tif"), &mask, &out]));
    same_outside_hole(&image::open(kind("grey-alpha.png")).unwrap(), &image::open(&out).unwrap());
}

/// A TIFF of these entries, all LONG, and 8 bytes of pixels behind its header.
fn of_longs(entries: &[(u16, u32)]) -> Vec<u8> {
    let mut bytes = b"II*\0\x10\0\0\0\x80\x80\x80\x80\x80\x80\x80\x80".to_vec();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, value) in entries {
        bytes.extend([&tag.to_le_bytes()[..], &4u16.to_le_bytes(), &1u32.to_le_bytes(), &value.to_le_bytes()].concat());
    }
    [&bytes[..], &[0; 4]].concat()
}

/// Width, height, bits, compression, grey, strip at 8, samples, rows of a strip, bytes of the strip.
const GREY: [(u16, u32); 9] =
    [(256, 4), (257, 2), (258, 8), (259, 1), (262, 1), (273, 8), (277, 1), (278, 2), (279, 8)];

#[test]
fn a_tiff_that_asks_for_more_than_it_has_is_refused() {
    let decode = |changes: &[(u16, u32)]| {
        let mut entries = GREY.to_vec();
        for change in changes {
            entries.retain(|entry| entry.0 != change.0);
            entries.push(*change);
        }
        entries.sort();
        Photo::decode(&of_longs(&entries)).map_err(|e| (e.kind(), e.to_string()))
    };
    // EXIF that leads back to the start ends.
    assert!(decode(&[(34_665, 16)]).is_ok());
    assert_eq!(decode(&[]).unwrap().pixels, image::DynamicImage::from(GrayImage::from_pixel(4, 2, Luma([128]))));
    for (changes, kind, part) in [
        (&[(256, 65_535), (257, 65_535), (278, 65_535)][..], ErrorKind::Input, "cut short"),
        (&[(256, 65_535), (257, 65_535), (278, 65_535), (259, 8)], ErrorKind::Input, "is damaged"),
        (&[(256, 65_535), (257, 65_535), (278, 65_535), (258, 16)], ErrorKind::Limits, "bytes of pixels"),
        (&[(256, 65_536)], ErrorKind::Input, "sides of 1 to 65535 pixels, found 65536×2"),
        (&[(257, 0)], ErrorKind::Input, "found 4×0"),
        (&[(278, 1)], ErrorKind::Input, "2 strips or tiles, found 1"),
        (&[(279, 1 << 30), (259, 5)], ErrorKind::Input, "cut short"),
        (&[(273, u32::MAX)], ErrorKind::Input, "cut short"),
        (&[(322, 65_535), (323, 65_535), (324, 8), (325, 8), (258, 16)], ErrorKind::Limits, "bytes of pixels"),
        (&[(259, 5)], ErrorKind::Input, "all pixels of a strip or tile, found fewer"),
        (&[(259, 7)], ErrorKind::Input, "found JPEG inside"),
        (&[(259, 12_345)], ErrorKind::Input, "found number 12345"),
        (&[(317, 3), (259, 8)], ErrorKind::Input, "found predictor 3 for 8 bits"),
        (&[(277, 5)], ErrorKind::Input, "1 or 2 samples a pixel for grey, found 5"),
        (&[(262, 3)], ErrorKind::Input, "a palette of 256 colours, found 0"),
        (&[(254, 1), (330, 16)], ErrorKind::Input, "found raw data of a camera"),
        (&[(50_706, 1)], ErrorKind::Input, "found raw data of a camera"),
        (&[(262, 32_803)], ErrorKind::Input, "found raw data of a camera"),
        // EXIF outside.
        (&[(34_665, 4000)], ErrorKind::Input, "expected EXIF inside the file"),
    ] {
        match decode(changes) {
            Err((found, detail)) => assert!(found == kind && detail.contains(part), "{changes:?}: {found:?}, {detail}"),
            Ok(_) => panic!("{changes:?} decoded"),
        }
    }
}
