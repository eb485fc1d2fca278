//! What a file carries beside its pixels.

use std::fs::File;
use std::io::BufReader;

use image::codecs::{png::PngEncoder, webp::WebPEncoder};
use image::metadata::Orientation;
use image::{DynamicImage, GenericImageView, ImageEncoder, ImageFormat};

use inpaint_edge_image::{Encoded, OutputFormat, Photo};

use crate::codecs::{contents, jpeg_with};
use crate::support::*;

/// A minimal EXIF block whose only tag is the orientation.
pub fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

pub fn with_metadata(mut encoder: impl ImageEncoder, exif: Vec<u8>, icc: Option<Vec<u8>>, image: &DynamicImage) {
    encoder.set_exif_metadata(exif).unwrap();
    if let Some(icc) = icc {
        encoder.set_icc_profile(icc).unwrap();
    }
    encoder.write_image(image.as_bytes(), image.width(), image.height(), image.color().into()).unwrap();
}

#[test]
fn orientation_counts_for_image_and_mask_alike() {
    let folder = Folder::new();
    let mut upright = picture(24, 40, image::ColorType::Rgb8);
    let mask = folder.mask(24, 40);
    let plain = folder.path("plain.png");
    succeeds(&run(&[&folder.put("in.png", encoded(&upright, ImageFormat::Png)), &mask, &plain]));
    let expected = image::open(&plain).unwrap();
    for tag in 1..=8u8 {
        let orientation = Orientation::from_exif(tag).unwrap();
        // Of all stored pictures, the one that turns into `upright`.
        let inverse = Orientation::from_exif(match tag {
            6 => 8,
            8 => 6,
            other => other,
        });
        let mut stored = upright.clone();
        stored.apply_orientation(inverse.unwrap());
        let mut bytes = Vec::new();
        with_metadata(PngEncoder::new(&mut bytes), exif(tag), None, &stored);
        let out = folder.path("turned.png");
        succeeds(&run(&[&folder.put("turned-in.png", bytes), &mask, &out]));
        let mut result = image::open(&out).unwrap();
        assert_eq!((result.width(), result.height()), (stored.width(), stored.height()));
        result.apply_orientation(orientation);
        assert_eq!(result, expected, "orientation {tag}");
    }
    // A mask with an orientation of its own.
    upright.apply_orientation(Orientation::NoTransforms);
    let mut turned = image::open(&mask).unwrap();
    turned.apply_orientation(Orientation::Rotate270);
    let mut bytes = Vec::new();
    with_metadata(PngEncoder::new(&mut bytes), exif(6), None, &turned);
    let out = folder.path("by-mask.png");
    succeeds(&run(&[&folder.path("in.png"), &folder.put("turned-mask.png", bytes), &out]));
    assert_eq!(image::open(&out).unwrap(), expected);
}

#[test]
fn icc_and_exif_are_carried() {
    let folder = Folder::new();
    let image = picture(16, 16, image::ColorType::Rgb8);
    let icc: Vec<u8> = (0..600).map(|i| (i % 251) as u8).collect();
    for (from, to) in [("png", "png"), ("jpg", "jpg"), ("jpg", "png"), ("webp", "png"), ("png", "webp"), ("png", "tif")]
    {
        let mut bytes = Vec::new();
        match from {
            "png" => with_metadata(PngEncoder::new(&mut bytes), exif(6), Some(icc.clone()), &image),
            "jpg" => bytes = jpeg_with(&image, 75, Some(&exif(6)), Some(&icc)),
            _ => with_metadata(WebPEncoder::new_lossless(&mut bytes), exif(6), Some(icc.clone()), &image),
        }
        let out = folder.path(&format!("out.{to}"));
        // The wrong ending: content decides.
        succeeds(&run(&[&folder.put("in.bin", bytes), &folder.mask(16, 16), &out]));
        let found = contents(&out);
        assert_eq!(found.icc, Some(icc.clone()), "{from} to {to}");
        assert_eq!(found.orientation, Orientation::Rotate90, "{from} to {to}");
        if to != "tif" {
            assert_eq!(found.exif, Some(exif(6)), "{from} to {to}");
        }
    }
}

#[test]
fn png_chunks_are_carried_to_png() {
    let folder = Folder::new();
    let mut bytes = encoded(&picture(16, 16, image::ColorType::Rgb8), ImageFormat::Png);
    let chunks = [
        chunk(b"gAMA", &45455u32.to_be_bytes()),
        chunk(b"cHRM", &[0, 0, 1, 44].repeat(8)),
        chunk(b"sRGB", &[1]),
        chunk(b"pHYs", &[0, 0, 0x0B, 0x13, 0, 0, 0x0B, 0x12, 1]),
        chunk(b"tEXt", b"Author\0Somebody"),
        chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta/>"),
    ]
    .concat();
    let dropped = chunk(b"bKGD", &[0, 1, 0, 2, 0, 3]);
    bytes.splice(33..33, [&chunks[..], &dropped].concat());
    // Text and EXIF may also follow the pixels.
    let late = chunk(b"tEXt", b"Comment\0late");
    let end = bytes.len() - 12;
    bytes.splice(end..end, [&late[..], &chunk(b"eXIf", &exif(3))].concat());
    let (mask, out) = (folder.mask(16, 16), folder.path("out.png"));
    let input = folder.put("in.png", &bytes);
    succeeds(&run(&[&input, &mask, &out]));
    let result = std::fs::read(&out).unwrap();
    let holds = |part: &[u8]| result.windows(part.len()).any(|w| w == part);
    assert!(holds(&[&chunks[..], &late].concat()) && !holds(&dropped));
    let decoder = png::Decoder::new(std::io::Cursor::new(&result)).read_info().unwrap();
    let info = decoder.info();
    assert_eq!(info.pixel_dims.unwrap().xppu, 0x0B13);
    assert_eq!(info.uncompressed_latin1_text.len(), 2);
    assert_eq!(info.exif_metadata.as_deref(), Some(&exif(3)[..]));
    for to in ["out.webp", "out.jpg"] {
        succeeds(&run(&[&input, &mask, &folder.path(to)]));
    }
}

#[test]
fn an_exif_prefix_in_webp_hides_no_orientation() {
    let folder = Folder::new();
    let mut upright = picture(24, 40, image::ColorType::Rgb8);
    let (mask, out) = (folder.mask(24, 40), folder.path("out.png"));
    succeeds(&run(&[&folder.put("in.png", encoded(&upright, ImageFormat::Png)), &mask, &out]));
    let expected = image::open(&out).unwrap();
    upright.apply_orientation(Orientation::Rotate270);
    let mut bytes = Vec::new();
    with_metadata(WebPEncoder::new_lossless(&mut bytes), [b"Exif\0\0", &exif(6)[..]].concat(), None, &upright);
    succeeds(&run(&[&folder.put("turned.webp", bytes), &mask, &out]));
    let found = contents(&out);
    assert_eq!(found.exif, Some(exif(6)));
    let mut result = found.pixels;
    result.apply_orientation(Orientation::Rotate90);
    assert_eq!(result, expected);
}

/// Says what the EXIF of the same file says; both stay as they are, so they never contradict each other.
const XMP: &str = r#"<x:xmpmeta xmlns:x="adobe:ns:meta/"><rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#"><rdf:Description tiff:Orientation="6" xmlns:tiff="http://ns.adobe.com/tiff/1.0/"/></rdf:RDF></x:xmpmeta>"#;

/// A file of the format with EXIF of a turned picture and XMP.
pub fn with_xmp(format: &str, xmp: &[u8]) -> Vec<u8> {
    let image = picture(24, 16, image::ColorType::Rgb8);
    let mut bytes = Vec::new();
    match format {
        "png" => {
            with_metadata(PngEncoder::new(&mut bytes), exif(6), None, &image);
            // Behind the pixels, as exiftool writes it.
            let end = bytes.len() - 12;
            bytes.splice(end..end, chunk(b"iTXt", &[b"XML:com.adobe.xmp\0\0\0en\0\0", xmp].concat()));
        }
        "jpg" => {
            bytes = jpeg_with(&image, 75, Some(&exif(6)), None);
            bytes.splice(2..2, segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", xmp]));
        }
        _ => {
            let mut encoder = image_webp::WebPEncoder::new(&mut bytes);
            encoder.set_exif_metadata(exif(6));
            encoder.set_xmp_metadata(xmp.to_vec());
            encoder.encode(image.as_bytes(), 24, 16, image_webp::ColorType::Rgb8).unwrap();
        }
    }
    bytes
}

#[test]
fn xmp_is_carried_between_all_formats() {
    let folder = Folder::new();
    let mask = folder.mask(16, 24);
    for from in ["png", "jpg", "webp"] {
        for to in ["png", "jpg", "webp", "tif"] {
            let (input, out) = (folder.put("in", with_xmp(from, XMP.as_bytes())), folder.path(&format!("out.{to}")));
            succeeds(&run(&[&input, &mask, &out]));
            let found = contents(&out);
            assert_eq!(found.xmp, Some(XMP.into()), "{from} to {to}");
            // The pixels stay turned as both say.
            assert_eq!(found.orientation, Orientation::Rotate90, "{from} to {to}");
            if to != "tif" {
                assert_eq!(found.exif, Some(exif(6)), "{from} to {to}");
            }
            assert_eq!(found.pixels.dimensions(), (24, 16), "{from} to {to}");
        }
    }
}

#[test]
fn metadata_too_long_for_jpeg_is_refused() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(16, 24), folder.path("out.jpg"));
    let names = ["in", "mask.png"];
    for (xmp, fits) in [(65_504, true), (65_505, false)] {
        let output = run(&[&folder.put("in", with_xmp("png", &vec![b' '; xmp])), &mask, &out]);
        if fits {
            succeeds(&output);
            let found = contents(&out);
            assert_eq!(found.xmp.map(|xmp| xmp.len()), Some(xmp));
            std::fs::remove_file(&out).unwrap();
        } else {
            fails(&output, 2, &["out.jpg", "XMP of at most 65504 bytes", "found 65505"]);
        }
    }
    let mut bytes = Vec::new();
    let long = [exif(1), vec![0; 65_527]].concat();
    with_metadata(PngEncoder::new(&mut bytes), long, None, &picture(16, 24, image::ColorType::Rgb8));
    fails(&run(&[&folder.put("in", bytes), &mask, &out]), 2, &["out.jpg", "EXIF of at most 65527 bytes"]);
    assert_eq!(folder.names(), names);
}

/// What Photoshop and cameras write beside the pixels: `tagged.jpg` is exiftool's.
#[test]
fn jpeg_segments_are_carried_to_jpeg_without_thumbnails() {
    let folder = Folder::new();
    let tagged = std::fs::read(kind("tagged.jpg")).unwrap();
    let thumbnail = std::fs::read(kind("thumbnail.jpg")).unwrap();
    let count = |bytes: &[u8], part: &[u8]| bytes.windows(part.len()).filter(|w| *w == part).count();
    // Of EXIF and of Photoshop.
    assert_eq!(count(&tagged, &thumbnail), 2);
    // Two segments of an XMP that is longer than one.
    let more = |n: u8| segment(0xE1, &[b"http://ns.adobe.com/xmp/extension/\0", &[b'0' + n; 40], &[n; 300]]);
    let more = [more(1), more(2)].concat();
    let whole = [&tagged[..2], &more, &tagged[2..]].concat();
    let (mask, out) = (folder.mask(56, 72), folder.path("out.jpg"));
    let input = folder.put("in.jpg", &whole);
    succeeds(&run(&[&input, &mask, &out]));
    let result = std::fs::read(&out).unwrap();
    // The pictures of the two thumbnails begin as the result's own does.
    let start = thumbnail.len() / 2;
    assert_eq!((count(&whole, &thumbnail[start..]), count(&result, &thumbnail[start..])), (2, 0));
    let iptc = b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x1C\x1C\x02\x19\0\x07keyword\x1C\x02\x5A\0\x04City\x1C\x02\0\0\x02\0\x04";
    for part in [&more[..], &segment(0xED, &[iptc]), &segment(0xFE, &[b"drawn by make.py"])] {
        assert_eq!((count(&result, part), count(&result, &part[4..])), (1, 1));
    }
    // The JFIF header, byte for byte.
    assert_eq!(result[..20], tagged[..20]);
    assert_eq!(result[20..22], [0xFF, 0xE1], "EXIF follows");
    let blocks = [&input, &out].map(|path| {
        let found = contents(path);
        (found.exif.unwrap(), found.xmp.unwrap())
    });
    let [(before, xmp), (after, xmp_after)] = blocks;
    assert_eq!(xmp, xmp_after);
    let shown = before.windows(thumbnail.len()).position(|w| w == thumbnail).unwrap();
    // IFD0 of 8 entries, then the link to IFD1.
    let link = 8 + 2 + 8 * 12;
    for (i, (b, a)) in before.iter().zip(&after).enumerate() {
        let is_gone = (link..link + 4).contains(&i) || (shown..shown + thumbnail.len()).contains(&i);
        assert_eq!(*a, if is_gone { 0 } else { *b }, "{i}");
    }
    assert_eq!(before.len(), after.len());
}

#[test]
fn resources_of_every_signature_are_carried() {
    let plain = std::fs::read(kind("grey.jpg")).unwrap();
    let resource = |signature: &[u8; 4], id: u16| [&signature[..], &id.to_be_bytes(), b"\0\0\0\0\0\x02of"].concat();
    // The last one is of nobody.
    let signatures = [b"MeSa", b"PHUT", b"AgHg", b"DCSR", b"8BIM", b"none"];
    let whole = signatures.map(|signature| resource(signature, 0x0404));
    let thumbnail = resource(b"8BIM", 0x040C);
    let app13 = segment(0xED, &[b"Photoshop 3.0\0", &thumbnail, &whole.concat()]);
    let photo = Photo::decode(&[&plain[..2], &app13, &plain[2..]].concat()).unwrap();
    let result = photo.encode(OutputFormat::Jpeg(Some(90))).unwrap();
    let carried = segment(0xED, &[b"Photoshop 3.0\0", &whole[..5].concat()]);
    assert!(result.windows(carried.len()).any(|w| w == carried));
}

#[test]
fn empty_metadata_does_no_harm() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.jpg"));
    let plain = std::fs::read(kind("grey.jpg")).unwrap();
    let empty =
        [segment(0xE1, &[b"Exif\0\0"]), segment(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0"]), segment(0xED, &[])];
    let comment = segment(0xFE, &[b"a comment"]);
    let input = folder.put("in.jpg", [&plain[..2], &empty.concat(), &comment, &plain[2..]].concat());
    for to in ["out.png", "out.webp", "out.tif", "out.jpg"] {
        succeeds(&run(&[&input, &mask, &folder.path(to)]));
        assert_eq!(open(folder.path(to)).width(), 72);
    }
    assert!(std::fs::read(&out).unwrap().windows(comment.len()).any(|w| w == comment));
}

#[test]
fn density_goes_from_jpeg_to_png_and_back() {
    let folder = Folder::new();
    let mask = folder.mask(56, 72);
    let (png, jpg) = (folder.path("out.png"), folder.path("out.jpg"));
    let density = || {
        let decoder = png::Decoder::new(BufReader::new(File::open(&png).unwrap()));
        decoder.read_info().unwrap().info().pixel_dims.map(|d| (d.xppu, d.yppu, d.unit))
    };
    succeeds(&run(&[&kind("tagged.jpg"), &mask, &png]));
    // 300 / 0.0254 pixels a metre.
    assert_eq!(density(), Some((11_811, 11_811, png::Unit::Meter)));
    succeeds(&run(&[&png, &mask, &jpg]));
    let result = std::fs::read(&jpg).unwrap();
    assert_eq!(result[..20], *b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x02\x01\x01\x2C\x01\x2C\0\0");
    // Of EXIF, as cameras write it: without a JFIF header, or with one that gives a ratio alone.
    let tagged = std::fs::read(kind("tagged.jpg")).unwrap();
    let ratio = [&tagged[..13], &[0, 0, 1, 0, 1], &tagged[18..]].concat();
    for bytes in [[&tagged[..2], &tagged[20..]].concat(), ratio] {
        let input = folder.put("in.jpg", &bytes);
        succeeds(&run(&[&input, &mask, &png]));
        assert_eq!(density(), Some((11_811, 11_811, png::Unit::Meter)));
        // From JPEG to JPEG it stays in EXIF; encoded anew, it is in the JFIF header too.
        succeeds(&run(&[&input, &mask, &jpg]));
        assert_eq!(std::fs::read(&jpg).unwrap()[..20], bytes[..20]);
        succeeds(&run(&[&input, &mask, &jpg, &"--quality", &"90"]));
        assert_eq!(std::fs::read(&jpg).unwrap()[..20], result[..20]);
    }
    // A JPEG that knows no density makes no pHYs.
    succeeds(&run(&[&kind("grey.jpg"), &folder.mask(72, 56), &png]));
    assert_eq!(density(), None);
}

/// Where a thumbnail is said to be longer than all there is, and before the first directory.
#[test]
fn thumbnails_in_odd_places_are_dropped_too() {
    let tagged = std::fs::read(kind("tagged.jpg")).unwrap();
    let thumbnail = std::fs::read(kind("thumbnail.jpg")).unwrap();
    let count = |bytes: &[u8]| bytes.windows(150).filter(|w| *w == &thumbnail[thumbnail.len() - 150..]).count();
    let length = b"\x02\x02\0\x04\0\0\0\x01";
    let at = tagged.windows(length.len()).position(|w| w == length).unwrap() + length.len();
    let mut longer = tagged.clone();
    longer[at] = 1;
    let block = [&b"II*\0"[..], &(8 + thumbnail.len() as u32).to_le_bytes(), &thumbnail].concat();
    let [offset, length] = [8, thumbnail.len() as u32].map(u32::to_le_bytes);
    let ifd1 = (block.len() as u32 + 6).to_le_bytes();
    let entries = [&b"\x01\x02\x04\0\x01\0\0\0"[..], &offset, b"\x02\x02\x04\0\x01\0\0\0", &length].concat();
    let before = [&block[..], &[0, 0], &ifd1, &[2, 0], &entries, &[0; 4]].concat();
    let plain = Photo::decode(&tagged).unwrap().encode(OutputFormat::Jpeg(Some(90))).unwrap();
    let before = [&plain[..2], &segment(0xE1, &[b"Exif\0\0", &before]), &plain[2..]].concat();
    for (bytes, found) in [(longer, 2), (before, 1)] {
        let result = Photo::decode(&bytes).unwrap().encode(OutputFormat::Png).unwrap();
        assert_eq!((count(&bytes), count(&result)), (found, 0));
    }
}

/// ImageMagick writes what it does not know of a JPEG into text of a PNG, compressed where it is long; GraphicsMagick calls all
/// of Photoshop's resources IPTC.
#[test]
fn raw_profiles_that_may_hold_a_thumbnail_are_dropped() {
    let png = std::fs::read(kind("plain.png")).unwrap();
    let (iptc, resources) = ("1c02190001", "3842494d04");
    let is_kept = |kind: &[u8; 4], name: &str, digits: &str| {
        let text = format!("\n{name}\n       5\n{digits}\n").into_bytes();
        let text = if kind == b"zTXt" { [vec![0], fdeflate::compress_to_vec(&text)].concat() } else { text };
        let keyword = format!("Raw profile type {name}\0");
        let bytes = [&png[..33], &chunk(kind, &[keyword.as_bytes(), &text].concat()), &png[33..]].concat();
        let result = Photo::decode(&bytes).unwrap().encode(OutputFormat::Png).unwrap();
        result.windows(keyword.len()).any(|w| w == keyword.as_bytes())
    };
    for kind in [b"tEXt", b"zTXt"] {
        let kept = ["8bim", "exif", "APP1", "iptc"].map(|name| is_kept(kind, name, iptc));
        assert_eq!((kept, is_kept(kind, "iptc", resources)), ([false, false, false, true], false));
    }
}

/// Some writers put the prefix of EXIF twice.
#[test]
fn the_header_is_turned_as_the_pixels_are() {
    let picture = encoded(&picture(20, 10, image::ColorType::Rgb8), ImageFormat::Jpeg);
    let bytes = [&picture[..2], &segment(0xE1, &[b"Exif\0\0Exif\0\0", &exif(6)]), &picture[2..]].concat();
    let (header, photo) =
        (Encoded::new(&bytes).and_then(|encoded| encoded.header()).unwrap(), Photo::decode(&bytes).unwrap());
    assert_eq!((header.width, header.height), (10, 20));
    assert_eq!((photo.pixels.width(), photo.pixels.height()), (10, 20));
}

/// TIFF 6.0 asks readers to skip what they do not know. Kind 129 is UTF-8, of EXIF 3.0.
#[test]
fn tags_of_unknown_kinds_are_skipped() {
    let mut bytes = std::fs::read(kind("tagged.tif")).unwrap();
    let expected = Photo::decode(&bytes).unwrap().pixels;
    let make = [[0x0F, 0x01, 2, 0], [0x01, 0x0F, 0, 2].map(|b: u8| b)];
    let at = bytes.windows(4).position(|w| make.iter().any(|m| w == m)).unwrap();
    let low = if bytes[0] == b'I' { at + 2 } else { at + 3 };
    for (kind, is_known) in [(16, false), (129, true)] {
        bytes[low] = kind;
        let photo = Photo::decode(&bytes).unwrap();
        assert_eq!(photo.pixels, expected);
        for format in [OutputFormat::Png, OutputFormat::Tiff] {
            let result = photo.encode(format).unwrap();
            assert_eq!(result.windows(13).any(|w| w == b"inpaint-edge\0"), is_known, "{kind} to {format:?}");
        }
    }
}

/// A TIFF whose EXIF leads outside would be refused, so that none is written.
#[test]
fn a_tiff_keeps_inline_values_of_damaged_exif() {
    let mut bytes = std::fs::read(kind("tagged.jpg")).unwrap();
    let gps = b"\x88\x25\0\x04\0\0\0\x01";
    let at = bytes.windows(gps.len()).position(|w| w == gps).unwrap() + gps.len();
    bytes[at..at + 4].fill(0x7F);
    let photo = Photo::decode(&bytes).unwrap();
    let tiff = photo.encode(OutputFormat::Tiff).unwrap();
    let again = Photo::decode(&tiff).unwrap();
    // As TIFF 6.0 asks, every tag once and in order.
    assert_eq!(tiff[..4], *b"MM\0*");
    let ifd0 = u32::from_be_bytes(*tiff[4..].first_chunk().unwrap()) as usize;
    let count = u16::from_be_bytes(*tiff[ifd0..].first_chunk().unwrap()).into();
    let tags: Vec<_> = tiff[ifd0 + 2..].chunks(12).take(count).map(|entry| [entry[0], entry[1]]).collect();
    assert!(tags.is_sorted_by(|a, b| a < b), "{tags:?}");
    // Upright, and stored as the JPEG's pixels are: the orientation is there.
    assert_eq!(again.pixels, photo.pixels);
    assert_eq!(again.stored(), photo.stored());
    assert_ne!(again.pixels.width(), again.stored().width());
}

/// The EXIF, XMP and density that exiftool and ImageMagick wrote into `tagged.tif`.
#[test]
fn tiff_tags_are_carried_everywhere() {
    let folder = Folder::new();
    let mask = folder.mask(56, 72);
    let mut from = kind("tagged.tif");
    let xmp = contents(&from).xmp.unwrap();
    // From TIFF to PNG, from that to the next, and so on.
    for to in ["out.png", "out.jpg", "out.webp", "out.tif", "again.tif"] {
        let out = folder.path(to);
        succeeds(&run(&[&from, &mask, &out]));
        let found = contents(&out);
        assert_eq!(found.xmp, Some(xmp.clone()), "{to}");
        assert_eq!(found.orientation, Orientation::Rotate90, "{to}");
        let bytes = std::fs::read(&out).unwrap();
        let count = |part: &[u8]| bytes.windows(part.len()).filter(|w| *w == part).count();
        assert_eq!(count(b"inpaint-edge\0"), 1, "Make in {to}");
        // 48 degrees, 12 minutes, 0 seconds north.
        assert_eq!(count(b"\x30\0\0\0\x01\0\0\0\x0C\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0"), 1, "GPS in {to}");
        from = out;
    }
    let png = std::fs::read(folder.path("out.png")).unwrap();
    assert!(png.windows(13).any(|w| w == b"pHYs\0\0\x2E\x23\0\0\x2E\x23\x01"), "300 an inch");
    let jpg = std::fs::read(folder.path("out.jpg")).unwrap();
    assert_eq!(jpg[..20], *b"\xFF\xD8\xFF\xE0\0\x10JFIF\0\x01\x02\x01\x01\x2C\x01\x2C\0\0");
}

/// As ImageMagick and Pillow have it: XMP says which way up where EXIF does not.
#[test]
fn orientation_of_xmp_alone_counts() {
    let folder = Folder::new();
    let image = picture(24, 16, image::ColorType::Rgb8);
    let mut upright = image.clone();
    upright.apply_orientation(Orientation::Rotate90);
    for from in ["png", "jpg", "webp"] {
        let encode = |exif: Option<u8>| {
            let mut bytes = with_xmp(from, XMP.as_bytes());
            let place = bytes.windows(18).position(|w| w == &self::exif(6)[..18]).unwrap();
            // A tag that nobody knows, or another orientation.
            bytes[place + 10] = if exif.is_some() { 0x12 } else { 0xFF };
            bytes[place + 18] = exif.unwrap_or(6);
            if from == "png" {
                let at = bytes.windows(4).position(|w| w == b"eXIf").unwrap();
                let length = u32::from_be_bytes(*bytes[at - 4..].first_chunk().unwrap()) as usize;
                let crc = crc32fast::hash(&bytes[at..at + 4 + length]).to_be_bytes();
                bytes[at + 4 + length..][..4].copy_from_slice(&crc);
            }
            bytes
        };
        let (alone, beside) = (encode(None), encode(Some(3)));
        let header = Encoded::new(&alone).and_then(|encoded| encoded.header()).unwrap();
        assert_eq!((header.width, header.height), (16, 24), "{from}");
        let photo = Photo::decode(&alone).unwrap();
        assert_eq!((photo.pixels.width(), photo.stored().width()), (16, 24), "{from}");
        let header = Encoded::new(&beside).and_then(|encoded| encoded.header()).unwrap();
        assert_eq!((header.width, header.height), (24, 16), "{from}");
        // The result is stored as the input is, and says the same.
        for to in ["png", "tif"] {
            let out = folder.path(&format!("out.{to}"));
            succeeds(&run(&[&folder.put("in", &alone), &folder.mask(16, 24), &out]));
            let found = contents(&out);
            assert_eq!((found.pixels.dimensions(), found.xmp), ((24, 16), Some(XMP.into())));
            assert_eq!(Photo::open(&out).unwrap().pixels.width(), 16, "{from} to {to}");
        }
        if from == "png" {
            assert!(photo.pixels == upright);
        }
    }
}
