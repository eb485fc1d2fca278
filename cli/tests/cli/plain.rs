//! GIF, BMP, PNM and QOI in; kinds of files that are not read.

use image::ColorType::{L8, L16, Rgb8, Rgb16, Rgba8};
use image::{DynamicImage, ImageFormat};

use crate::codecs::{gif_of, of_gif};
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

#[test]
fn a_still_gif_is_read_and_an_animation_refused() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(61, 43), folder.path("out.png"));
    let still = gif_of(&[picture(61, 43, Rgb8)]);
    let output = run(&[&folder.put("in.gif", &still), &mask, &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("in.gif: a palette, written as RGB\n"));
    same_outside_hole(&of_gif(&still).to_rgb8().into(), &image::open(&out).unwrap());

    let animation = gif_of(&[picture(61, 43, Rgb8), picture(61, 43, Rgba8)]);
    fails(&run(&[&folder.put("in.gif", animation), &mask, &out]), 3, &["in.gif: expected a still picture"]);
}

#[test]
fn a_gif_whose_screen_is_too_small_is_as_large_as_its_picture() {
    let folder = Folder::new();
    let still = gif_of(&[picture(61, 43, Rgb8)]);
    let mut small = still.clone();
    // The screen: width and height in 16 bits each.
    small[6..10].copy_from_slice(&[9, 0, 70, 0]);
    let out = folder.path("out.png");
    succeeds(&run(&[&"--box", &"0,0,1,1", &folder.put("in.gif", small), &out]));
    let (found, expected) = (image::open(&out).unwrap().into_rgba8(), of_gif(&still).into_rgba8());
    assert_eq!(found.dimensions(), (61, 70));
    for (x, y, pixel) in found.enumerate_pixels().skip(1) {
        let expected = if y < 43 { *expected.get_pixel(x, y) } else { image::Rgba([0; 4]) };
        assert_eq!(*pixel, expected, "{x}, {y}");
    }
}

#[test]
fn sides_out_of_bounds_are_refused_in_plain_words() {
    let folder = Folder::new();
    let out = folder.path("out.png");
    let bmp = |width: u32| {
        let mut bytes = encoded(&picture(9, 7, Rgb8), ImageFormat::Bmp);
        bytes[18..22].copy_from_slice(&width.to_le_bytes());
        bytes
    };
    for (name, bytes) in [
        ("zero.bmp", bmp(0)),
        ("wide.bmp", bmp(70_000)),
        (
            "huge.pam",
            b"P7\nWIDTH 4294967295\nHEIGHT 4294967295\nDEPTH 1\nMAXVAL 1\nTUPLTYPE GRAYSCALE\nENDHDR\n".to_vec(),
        ),
    ] {
        let output = run(&[&"--box", &"0,0,1,1", &folder.put(name, bytes), &out]);
        fails(&output, 3, &[name, "expected sides of 1 to 65535 pixels"]);
    }
}

#[test]
fn transparent_pixels_of_a_gif_are_transparent() {
    let folder = Folder::new();
    let mut clear = picture(8, 8, Rgba8).into_rgba8();
    clear.pixels_mut().enumerate().for_each(|(i, pixel)| pixel[3] = if i % 3 == 0 { 0 } else { 255 });
    let input = folder.put("in.gif", gif_of(&[clear.clone().into()]));
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
        &["in.bmp: cannot be decoded: expected pixels from byte 1078 on or later, found from byte 54 on"],
    );
}

#[test]
fn missing_pixels_take_no_memory() {
    let folder = Folder::new();
    let mut bmp = encoded(&picture(8, 8, Rgb8), ImageFormat::Bmp);
    bmp[18..22].copy_from_slice(&60_000u32.to_le_bytes());
    bmp[22..26].copy_from_slice(&20_000u32.to_le_bytes());
    for (name, bytes, expected) in [
        ("in.pbm", b"P4 60000 60000\n".to_vec(), "expected 450000000 bytes of pixels, found 15 bytes in all"),
        ("in.ppm", b"P6 20000 20000 255\n".to_vec(), "expected 1200000000 bytes of pixels"),
        ("in.bmp", bmp, "expected 3600000000 bytes of pixels"),
    ] {
        // Far less than the pixels would take, and enough for the program.
        let output = run_after("ulimit -v 200000", &[&"--box", &"0,0,1,1", &folder.put(name, bytes), &"out.png"]);
        fails(&output, 3, &[name, "cut short", expected]);
    }
}

#[test]
fn cut_files_are_refused() {
    let folder = Folder::new();
    let out = folder.path("out.png");
    for (name, bytes) in [
        ("in.bmp", encoded(&picture(9, 7, Rgb8), ImageFormat::Bmp)),
        ("in.ppm", encoded(&picture(9, 7, Rgb8), ImageFormat::Pnm)),
        ("in.qoi", encoded(&picture(9, 7, Rgb8), ImageFormat::Qoi)),
        ("in.gif", gif_of(&[picture(9, 7, Rgb8)])),
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
    assert_eq!(open(&out).color(), Rgb8);

    // What is erased is the hole, and is opaque once it is filled.
    opaque.get_pixel_mut(9, 9)[3] = 0;
    let erased = folder.put("in.png", encoded(&opaque.into(), ImageFormat::Png));
    succeeds(&run(&[&"--mask-alpha", &erased, &out]));
    fails(&run(&[&erased, &mask, &out]), 2, &["out.jpg: expected 8 bits without transparency for JPEG, found RGBA"]);
}

#[test]
fn files_that_are_not_read_are_named() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(8, 8), folder.path("out.png"));
    let heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic";
    fails(&run(&[&folder.put("in.jpg", heic), &mask, &out]), 3, &["in.jpg: ", "HEIC; `heif-convert IN out.png`"]);
    fails(&run(&[&folder.put("in.png", "<!DOCTYPE html><html>"), &mask, &out]), 3, &["found a web page"]);
}
