//! What a file carries beside its pixels.

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{DynamicImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader};

use crate::support::*;

/// A minimal EXIF block whose only tag is the orientation.
fn exif(orientation: u8) -> Vec<u8> {
    let mut block = b"II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    block.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    block
}

fn with_metadata(mut encoder: impl ImageEncoder, exif: Vec<u8>, icc: Option<Vec<u8>>, image: &DynamicImage) {
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
        let orientation = image::metadata::Orientation::from_exif(tag).unwrap();
        // Of all stored pictures, the one that turns into `upright`.
        let inverse = image::metadata::Orientation::from_exif(match tag {
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
    upright.apply_orientation(image::metadata::Orientation::NoTransforms);
    let mut turned = image::open(&mask).unwrap();
    turned.apply_orientation(image::metadata::Orientation::Rotate270);
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
    for (from, to) in [("png", "png"), ("jpg", "jpg"), ("jpg", "png"), ("webp", "png"), ("png", "webp")] {
        let mut bytes = Vec::new();
        match from {
            "png" => with_metadata(PngEncoder::new(&mut bytes), exif(6), Some(icc.clone()), &image),
            "jpg" => with_metadata(JpegEncoder::new(&mut bytes), exif(6), Some(icc.clone()), &image),
            _ => with_metadata(WebPEncoder::new_lossless(&mut bytes), exif(6), Some(icc.clone()), &image),
        }
        let out = folder.path(&format!("out.{to}"));
        // The wrong ending: content decides.
        succeeds(&run(&[&folder.put("in.bin", bytes), &folder.mask(16, 16), &out]));
        let mut decoder = ImageReader::open(&out).unwrap().into_decoder().unwrap();
        assert_eq!(decoder.icc_profile().unwrap(), Some(icc.clone()), "{from} to {to}");
        assert_eq!(decoder.exif_metadata().unwrap(), Some(exif(6)), "{from} to {to}");
    }
}

/// One PNG chunk, with the CRC of PNG.
fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let crc = body
        .iter()
        .fold(!0u32, |crc, byte| (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xEDB8_8320 * (crc & 1))));
    [&(data.len() as u32).to_be_bytes()[..], &body, &(!crc).to_be_bytes()].concat()
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
    upright.apply_orientation(image::metadata::Orientation::Rotate270);
    let mut bytes = Vec::new();
    with_metadata(WebPEncoder::new_lossless(&mut bytes), [b"Exif\0\0", &exif(6)[..]].concat(), None, &upright);
    succeeds(&run(&[&folder.put("turned.webp", bytes), &mask, &out]));
    let mut decoder = ImageReader::open(&out).unwrap().into_decoder().unwrap();
    assert_eq!(decoder.exif_metadata().unwrap(), Some(exif(6)));
    let mut result = DynamicImage::from_decoder(decoder).unwrap();
    result.apply_orientation(image::metadata::Orientation::Rotate90);
    assert_eq!(result, expected);
}
