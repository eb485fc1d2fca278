//! GIF, BMP, PNM and QOI in; kinds of files that are not read.

use image::ColorType::{L8, L16, Rgb8, Rgb16, Rgba8};
use image::codecs::gif::GifEncoder;
use image::{DynamicImage, Frame, ImageFormat};

use crate::support::*;

#[test]
fn bmp_pnm_and_qoi_keep_every_pixel_outside_the_hole() {
    let folder = Folder::new();
    for (format, colors) in [
        (ImageFormat::Bmp, &[L8, Rgb8, Rgba8][..]),
        (ImageFormat::Pnm, &[L8, Rgb8, L16, Rgb16]),
        (ImageFormat::Qoi, &[Rgb8, Rgba8]),
    ] {
        for color in colors {
            let original = picture(61, 43, *color);
            let input = folder.put("in", encoded(&original, format));
            let (mask, out) = (folder.mask(61, 43), folder.path("out.png"));
            succeeds(&run(&[&input, &mask, &out]));
            // A grey BMP has a palette.
            let expected = match (format, color) {
                (ImageFormat::Bmp, L8) => DynamicImage::from(original.to_rgb8()),
                _ => original,
            };
            same_outside_hole(&expected, &image::open(&out).unwrap());
        }
    }
}

#[test]
fn text_forms_of_pnm_are_read() {
    let folder = Folder::new();
    for (text, expected) in [
        ("P1\n# bits\n3 2\n0 1 0\n1 1 0\n", [255, 0, 255, 0, 0, 255]),
        ("P2\n3 2\n15\n0 1 2\n3 4 15\n", [0, 17, 34, 51, 68, 255]),
    ] {
        let (input, out) = (folder.put("in.pnm", text), folder.path("out.png"));
        succeeds(&run(&[&"--box", &"0,0,1,1", &input, &out]));
        assert_eq!(image::open(&out).unwrap().into_luma8().into_raw()[1..], expected[1..]);
    }
}

/// A GIF of these pictures.
fn gif(pictures: &[DynamicImage]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = GifEncoder::new(&mut bytes);
    pictures.iter().for_each(|picture| encoder.encode_frame(Frame::new(picture.to_rgba8())).unwrap());
    drop(encoder);
    bytes
}

#[test]
fn a_still_gif_is_read_and_an_animation_refused() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(61, 43), folder.path("out.png"));
    let still = gif(&[picture(61, 43, Rgb8)]);
    let output = run(&[&folder.put("in.gif", &still), &mask, &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("in.gif: a palette, written as RGB\n"));
    let expected = image::load_from_memory(&still).unwrap();
    same_outside_hole(&expected.to_rgb8().into(), &image::open(&out).unwrap());

    let animation = gif(&[picture(61, 43, Rgb8), picture(61, 43, Rgba8)]);
    fails(&run(&[&folder.put("in.gif", animation), &mask, &out]), 3, &["in.gif: a still picture expected"]);
}

#[test]
fn nothing_of_a_gif_is_cut_off_by_its_screen() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(61, 43), folder.path("out.png"));
    let mut bytes = gif(&[picture(61, 43, Rgb8)]);
    let whole = image::load_from_memory(&bytes).unwrap().into_rgb8();
    // The screen's sides, behind the signature.
    bytes[6..10].copy_from_slice(&[30, 0, 20, 0]);
    succeeds(&run(&[&folder.put("in.gif", &bytes), &mask, &out]));
    same_outside_hole(&whole.into(), &image::open(&out).unwrap());
}

#[test]
fn transparent_pixels_of_a_gif_are_transparent() {
    let folder = Folder::new();
    let mut clear = picture(8, 8, Rgba8).into_rgba8();
    clear.pixels_mut().enumerate().for_each(|(i, pixel)| pixel[3] = if i % 3 == 0 { 0 } else { 255 });
    let input = folder.put("in.gif", gif(&[clear.clone().into()]));
    let out = folder.path("out.png");
    succeeds(&run(&[&"--box", &"1,0,1,1", &input, &out]));
    let result = image::open(&out).unwrap().into_rgba8();
    assert!(clear.pixels().zip(result.pixels()).all(|(a, b)| a[3] == b[3]));
}

#[test]
fn a_resolution_and_a_profile_in_a_bmp_are_carried() {
    let folder = Folder::new();
    let mut bytes = encoded(&picture(8, 8, Rgb8), ImageFormat::Bmp);
    // BITMAPINFOHEADER: pixels a metre across and down.
    bytes[38..46].copy_from_slice(&[0x13, 0x0B, 0, 0, 0x13, 0x0B, 0, 0]);
    let out = folder.path("out.png");
    succeeds(&run(&[&"--box", &"0,0,1,1", &folder.put("in.bmp", bytes), &out]));
    let reader = png::Decoder::new(std::io::BufReader::new(std::fs::File::open(&out).unwrap())).read_info().unwrap();
    let density = reader.info().pixel_dims.unwrap();
    assert_eq!((density.xppu, density.yppu), (2835, 2835));
}

#[test]
fn a_bmp_whose_pixels_begin_in_its_palette_is_refused() {
    let folder = Folder::new();
    let mut bytes = encoded(&picture(8, 8, L8), ImageFormat::Bmp);
    bytes[10..14].copy_from_slice(&54u32.to_le_bytes());
    let output = run(&[&"--box", &"0,0,1,1", &folder.put("in.bmp", bytes), &folder.path("out.png")]);
    fails(
        &output,
        3,
        &["in.bmp: cannot be decoded: pixels from byte 1078 on or later expected, from byte 54 on found"],
    );
}

#[test]
fn cut_files_are_refused() {
    let folder = Folder::new();
    let out = folder.path("out.png");
    for (name, bytes) in [
        ("in.bmp", encoded(&picture(9, 7, Rgb8), ImageFormat::Bmp)),
        ("in.ppm", encoded(&picture(9, 7, Rgb8), ImageFormat::Pnm)),
        ("in.qoi", encoded(&picture(9, 7, Rgb8), ImageFormat::Qoi)),
        ("in.gif", gif(&[picture(9, 7, Rgb8)])),
    ] {
        // Of two bytes or fewer nobody can tell what they began.
        for length in (3..bytes.len()).step_by(bytes.len() / 40 + 1) {
            let output = run(&[&"--box", &"0,0,1,1", &folder.put(name, &bytes[..length]), &out]);
            fails(&output, 3, &[name]);
            assert!(!out.exists(), "{name} of {length} bytes");
        }
    }
}

#[test]
fn opaque_pictures_with_alpha_become_jpegs() {
    let folder = Folder::new();
    let mut opaque = picture(61, 43, Rgba8).into_rgba8();
    opaque.pixels_mut().for_each(|pixel| pixel[3] = 255);
    let (mask, out) = (folder.mask(61, 43), folder.path("out.jpg"));
    succeeds(&run(&[&folder.put("in.png", encoded(&opaque.clone().into(), ImageFormat::Png)), &mask, &out]));
    assert_eq!(image::open(&out).unwrap().color(), Rgb8);

    // What is erased is the hole, and is opaque once it is filled.
    opaque.get_pixel_mut(9, 9)[3] = 0;
    let erased = folder.put("in.png", encoded(&opaque.into(), ImageFormat::Png));
    succeeds(&run(&[&"--mask-alpha", &erased, &out]));
    fails(&run(&[&erased, &mask, &out]), 2, &["out.jpg: 8 bits without transparency expected for JPEG, RGBA found"]);
}

#[test]
fn files_that_are_not_read_are_named() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(8, 8), folder.path("out.png"));
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    fails(&run(&[&folder.put("in.jpg", heic), &mask, &out]), 3, &["in.jpg: ", "HEIC; `heif-convert IN out.png`"]);
    fails(&run(&[&folder.put("in.png", "<!DOCTYPE html><html>"), &mask, &out]), 3, &["found a web page"]);
}
