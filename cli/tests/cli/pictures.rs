//! Pixels in, pixels out: every kind of picture keeps what is known.

use std::path::Path;

use image::{ImageFormat, Luma};

use crate::support::*;

#[test]
fn shipped_photograph_equals_another_engine() {
    let folder = Folder::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images");
    let (out, floats) = (folder.path("out.png"), data.join("../../weights/edge-f16.safetensors"));
    let (photo, mask) = (data.join("photo.png"), data.join("mask.png"));
    succeeds(&run(&[&photo, &mask, &out, &"--context", &"all", &"--weights", &floats]));
    let open = |path: &Path| image::open(path).unwrap().into_rgb8();
    let (found, expected) = (open(&out), open(&data.join("onnxruntime_out.png")));
    let most = found.iter().zip(expected.iter()).map(|(a, b)| a.abs_diff(*b)).max();
    assert!(most <= Some(1), "{most:?}");
    assert_ne!(found, open(&data.join("photo.png")));
}

#[test]
fn every_png_type_keeps_its_known_pixels() {
    use image::ColorType::*;
    let folder = Folder::new();
    for color in [L8, La8, Rgb8, Rgba8, L16, La16, Rgb16, Rgba16] {
        for (width, height) in [(1, 1), (2, 3), (33, 17), (64, 5)] {
            let image = picture(width, height, color);
            let (input, out) = (folder.put("in.png", encoded(&image, ImageFormat::Png)), folder.path("out.png"));
            succeeds(&run(&[&input, &folder.mask(width, height), &out]));
            let result = image::open(&out).unwrap();
            assert_eq!(result.color(), color);
            let size = usize::from(color.bytes_per_pixel());
            for (i, (a, b)) in image.as_bytes().chunks(size).zip(result.as_bytes().chunks(size)).enumerate() {
                let (x, y) = (i as u32 % width, i as u32 / width);
                let alpha = size - size / usize::from(color.channel_count());
                if !is_hole(x, y, width, height) {
                    assert_eq!(a, b, "{color:?} {width}×{height} at {x}, {y}");
                } else if color.has_alpha() {
                    assert_eq!(a[alpha..], b[alpha..], "alpha of {color:?} at {x}, {y}");
                }
            }
        }
    }
}

#[test]
fn palette_becomes_rgb() {
    let folder = Folder::new();
    let colours: Vec<u8> = (0..=255u8).flat_map(|i| [i, 255 - i, i / 2]).collect();
    let indices: Vec<u8> = (0..32 * 32).map(|i| (i * 7 % 256) as u8).collect();
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::new(&mut bytes, 32, 32);
    encoder.set_color(png::ColorType::Indexed);
    encoder.set_palette(colours.clone());
    encoder.write_header().unwrap().write_image_data(&indices).unwrap();
    let (input, mask, out) = (folder.put("in.png", bytes), folder.mask(32, 32), folder.path("out.png"));
    let output = run(&[&input, &mask, &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).ends_with("in.png: a palette, written as RGB\n"));
    assert!(run(&[&input, &mask, &out, &"--quiet"]).stderr.is_empty());
    let result = image::open(&out).unwrap();
    let result = result.as_rgb8().expect("RGB");
    for (x, y, pixel) in result.enumerate_pixels().filter(|(x, y, _)| !is_hole(*x, *y, 32, 32)) {
        let at = usize::from(indices[(y * 32 + x) as usize]) * 3;
        assert_eq!(pixel.0, colours[at..at + 3]);
    }
}

/// Every file fills, and keeps what other readers see in it.
#[test]
fn every_kind_of_file_keeps_its_known_pixels() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    for name in JPEGS.into_iter().chain(["lossy.webp", "lossy-alpha.webp", "interlaced.png", "plain.png"]).chain(TIFFS)
    {
        succeeds(&run(&[&kind(name), &mask, &out]));
        same_outside_hole(&right(&kind(name)), &image::open(&out).unwrap());
    }
    let open = |name| open(kind(name));
    assert_eq!(open("interlaced.png"), open("plain.png"));
    assert_eq!(open("lzw-predictor.tif"), open("plain.png"));
    assert_eq!(open("deflate-tiles.tif"), open("plain.png"));
    assert_eq!(open("packbits.tif"), open("grey.tif"));
    let deep = open("deep.tif");
    assert_eq!((deep.color(), deep.into_rgb8()), (image::ColorType::Rgb16, open("plain.png").into_rgb8()));
    assert_eq!(open("grey.jpg").color(), image::ColorType::L8);
    assert_eq!(open("lossy-alpha.webp").color(), image::ColorType::Rgba8);
}

#[test]
fn packed_and_transparent_pngs_are_expanded() {
    use png::{BitDepth, ColorType};
    let folder = Folder::new();
    let (mask, out) = (folder.mask(40, 9), folder.path("out.png"));
    let palette: Vec<u8> = (0..48).map(|v| v * 5).collect();
    for (color, depth, trns, expected) in [
        (ColorType::Grayscale, BitDepth::One, None, image::ColorType::L8),
        (ColorType::Grayscale, BitDepth::Two, None, image::ColorType::L8),
        (ColorType::Grayscale, BitDepth::Four, None, image::ColorType::L8),
        (ColorType::Grayscale, BitDepth::Four, Some(vec![0, 3]), image::ColorType::La8),
        (ColorType::Grayscale, BitDepth::Sixteen, Some(vec![3, 3]), image::ColorType::La16),
        (ColorType::Rgb, BitDepth::Eight, Some(vec![0, 1, 0, 2, 0, 3]), image::ColorType::Rgba8),
        (ColorType::Rgb, BitDepth::Sixteen, Some(vec![1, 1, 2, 2, 3, 3]), image::ColorType::Rgba16),
        (ColorType::Indexed, BitDepth::One, None, image::ColorType::Rgb8),
        (ColorType::Indexed, BitDepth::Two, Some(vec![0, 128]), image::ColorType::Rgba8),
        (ColorType::Indexed, BitDepth::Four, Some(vec![9, 99, 255]), image::ColorType::Rgba8),
    ] {
        let bits = depth as usize * color.samples();
        let data: Vec<u8> = (0..9 * 40 * bits / 8).map(|i| (i * 37 % 251) as u8).collect();
        let mut bytes = Vec::new();
        let mut encoder = png::Encoder::new(&mut bytes, 40, 9);
        encoder.set_color(color);
        encoder.set_depth(depth);
        if color == ColorType::Indexed {
            encoder.set_palette(palette.clone());
        }
        if let Some(trns) = trns {
            encoder.set_trns(trns);
        }
        encoder.write_header().unwrap().write_image_data(&data).unwrap();
        let input = folder.put("in.png", bytes);
        succeeds(&run(&[&input, &mask, &out]));
        let (input, result) = (image::open(&input).unwrap(), image::open(&out).unwrap());
        assert_eq!(result.color(), expected, "{color:?} {depth:?}");
        same_outside_hole(&input, &result);
        // Exact scaling: the first packed sample.
        if (color, depth) == (ColorType::Grayscale, BitDepth::Two) {
            assert_eq!(input.as_bytes()[4..8], [37 >> 6, 37 >> 4 & 3, 37 >> 2 & 3, 37 & 3].map(|v| v * 85));
        }
    }
}

#[test]
fn pictures_of_one_line_are_filled() {
    let folder = Folder::new();
    for (width, height) in [(1, 40), (40, 1), (2, 1)] {
        let image = picture(width, height, image::ColorType::Rgb8);
        let mut mask = image::GrayImage::new(width, height);
        mask.pixels_mut().last().unwrap().0 = [255];
        let (input, out) = (folder.put("in.png", encoded(&image, ImageFormat::Png)), folder.path("out.png"));
        succeeds(&run(&[&input, &folder.put("m.png", encoded(&mask.into(), ImageFormat::Png)), &out]));
        let (known, result) = (image.as_bytes().len() - 3, image::open(&out).unwrap());
        assert_eq!((result.width(), result.height()), (width, height));
        assert_eq!(image.as_bytes()[..known], result.as_bytes()[..known]);
    }
}

/// The hole is where the mask's grey is 128 or more: luma of colour, the high byte of 16 bits, whatever the alpha.
#[test]
fn every_kind_of_mask_shows_the_same_hole() {
    use image::{ImageBuffer, LumaA, Rgb, Rgba};
    let folder = Folder::new();
    let input = folder.put("in.png", encoded(&picture(8, 8, image::ColorType::Rgb8), ImageFormat::Png));
    let hole = |mask: image::DynamicImage| {
        let mask = folder.put("m.png", encoded(&mask, ImageFormat::Png));
        let output = run(&[&input, &mask, &folder.path("out.png"), &"--json"]);
        succeeds(&output);
        serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["hole_pixels"].clone()
    };
    // The first row is just white, the rest just not.
    let row = |y: u32, white: u16, black: u16| if y == 0 { white } else { black };
    let narrow = |y| row(y, 128, 127) as u8;
    let deep = |y| row(y, 0x8000, 0x7FFF);
    assert_eq!(hole(image::GrayImage::from_fn(8, 8, |_, y| Luma([narrow(y)])).into()), 8);
    assert_eq!(hole(ImageBuffer::from_fn(8, 8, |_, y| LumaA([narrow(y), 0])).into()), 8);
    assert_eq!(hole(ImageBuffer::from_fn(8, 8, |_, y| Rgb([narrow(y); 3])).into()), 8);
    assert_eq!(hole(ImageBuffer::from_fn(8, 8, |_, y| Luma([deep(y)])).into()), 8);
    assert_eq!(hole(ImageBuffer::from_fn(8, 8, |_, y| Rgb([deep(y); 3])).into()), 8);
    assert_eq!(hole(ImageBuffer::from_fn(8, 8, |_, y| Rgba([deep(y), deep(y), deep(y), 0])).into()), 8);
    // 0.2126 · 255 + 0.7152 · 103 = 127.9, with 104: 128.6.
    assert_eq!(hole(ImageBuffer::from_fn(8, 8, |_, y| Rgb([255, row(y, 104, 103) as u8, 0])).into()), 8);
}
