//! The program, driven as a person or a script drives it.
#![cfg(feature = "cli")]

use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use image::codecs::{jpeg::JpegEncoder, png::PngEncoder, webp::WebPEncoder};
use image::{DynamicImage, GrayImage, ImageDecoder, ImageEncoder, ImageFormat, ImageReader, Luma};

fn run(args: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inpaint-edge")).args(args.iter().map(|a| a.as_ref())).output().unwrap()
}

/// Asserts the exit code and that stderr is one line that contains every part.
fn fails(output: &Output, code: i32, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.starts_with("inpaint-edge: ") && stderr.trim_end().lines().count() == 1, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} expected in {stderr:?}");
    }
}

fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// A mask with a hole of a quarter of each side, off centre.
    fn mask(&self, width: u32, height: u32) -> PathBuf {
        let mask = GrayImage::from_fn(width, height, |x, y| Luma([if is_hole(x, y, width, height) { 255 } else { 0 }]));
        mask.save(self.path("mask.png")).unwrap();
        self.path("mask.png")
    }

    fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

fn is_hole(x: u32, y: u32, width: u32, height: u32) -> bool {
    (x, y) != (0, 0) && (width / 4..=width / 2).contains(&x) && (height / 4..=height / 2).contains(&y)
}

fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

/// A gradient with noise, all of the image's type.
fn picture(width: u32, height: u32, color: image::ColorType) -> DynamicImage {
    let rgba = image::ImageBuffer::from_fn(width, height, |x, y| {
        let v = |k: u32| ((x * 997 + y * 1499 + k * 7919) * 2654 % 65536) as u16;
        image::Rgba([v(1), v(2), v(3), v(4)])
    });
    let deep = DynamicImage::ImageRgba16(rgba);
    match color {
        image::ColorType::L8 => deep.into_luma8().into(),
        image::ColorType::La8 => deep.into_luma_alpha8().into(),
        image::ColorType::Rgb8 => deep.into_rgb8().into(),
        image::ColorType::Rgba8 => deep.into_rgba8().into(),
        image::ColorType::L16 => deep.into_luma16().into(),
        image::ColorType::La16 => deep.into_luma_alpha16().into(),
        image::ColorType::Rgb16 => deep.into_rgb16().into(),
        _ => deep,
    }
}

#[test]
fn shipped_photograph_equals_another_engine() {
    let folder = Folder::new();
    let data = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images");
    let out = folder.path("out.png");
    succeeds(&run(&[&data.join("photo.png"), &data.join("mask.png"), &out]));
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
    let out = folder.path("out.png");
    succeeds(&run(&[&folder.put("in.png", bytes), &folder.mask(32, 32), &out]));
    let result = image::open(&out).unwrap();
    let result = result.as_rgb8().expect("RGB");
    for (x, y, pixel) in result.enumerate_pixels().filter(|(x, y, _)| !is_hole(*x, *y, 32, 32)) {
        let at = usize::from(indices[(y * 32 + x) as usize]) * 3;
        assert_eq!(pixel.0, colours[at..at + 3]);
    }
}

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

#[test]
fn pipes_and_in_place() {
    let folder = Folder::new();
    let bytes = encoded(&picture(40, 30, image::ColorType::Rgb8), ImageFormat::Png);
    let (image, mask, out) = (folder.put("in.png", &bytes), folder.mask(40, 30), folder.path("out.png"));
    succeeds(&run(&[&image, &mask, &out]));
    let mut child = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
        .args(["-".as_ref(), mask.as_os_str(), "-".as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let piped = child.wait_with_output().unwrap();
    succeeds(&piped);
    assert!(piped.stderr.is_empty(), "no progress bar in a pipe");
    assert_eq!(piped.stdout, std::fs::read(&out).unwrap());
    succeeds(&run(&[&image, &mask, &image]));
    assert_eq!(std::fs::read(&image).unwrap(), piped.stdout);
    assert_eq!(folder.names(), ["in.png", "mask.png", "out.png"]);
}

#[test]
fn report_is_complete_and_true() {
    let folder = Folder::new();
    let image = folder.put("in.png", encoded(&picture(40, 30, image::ColorType::Rgb16), ImageFormat::Png));
    let (mask, out) = (folder.mask(40, 30), folder.path("out.png"));
    let report = |extra: &[&str]| -> serde_json::Value {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&image, &mask, &out, &"--json"];
        args.extend(extra.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>));
        let output = run(&args);
        succeeds(&output);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let json = report(&["--threads", "1"]);
    let hole = (0..40 * 30).filter(|i| is_hole(i % 40, i / 40, 40, 30)).count();
    assert_eq!(json["hole_pixels"], hole);
    assert_eq!((json["width"].as_u64(), json["height"].as_u64()), (Some(40), Some(30)));
    assert_eq!(json["hole_ratio"], hole as f64 / 1200.0);
    for key in ["decode", "plan", "network", "composite", "encode", "total"] {
        assert!(json["ms"][key].as_f64() >= Some(0.0), "{key}");
    }
    assert!(json["plan_bytes"].as_u64() > Some(0) && json["macs"].as_u64() > Some(0));
    use sha2::Digest;
    let pixels: Vec<u8> = image::open(&out).unwrap().into_rgb16().iter().flat_map(|v| v.to_le_bytes()).collect();
    let hex: String = sha2::Sha256::digest(pixels).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(json["output_sha256"], hex);
    for extra in [["--threads", "3"], ["--isa", "scalar"]] {
        assert_eq!(report(&extra)["output_sha256"], hex, "{extra:?}");
    }
    assert_ne!(report(&["--mask-grow", "2"])["hole_pixels"], hole);
    assert_eq!(report(&["--mask-white", "keep"])["hole_pixels"], 1200 - hole);
}

#[test]
fn bad_input_gets_one_line_and_writes_nothing() {
    let folder = Folder::new();
    let png = encoded(&picture(20, 20, image::ColorType::Rgb8), ImageFormat::Png);
    let (image, mask, out) = (folder.put("in.png", &png), folder.mask(20, 20), folder.path("out.png"));
    let cut = folder.put("cut.png", &png[..png.len() / 2]);
    let empty = folder.put("empty.png", "");
    let text = folder.put("text.png", "not a picture");
    fails(&run(&[&cut, &mask, &out]), 3, &["cut.png"]);
    fails(&run(&[&empty, &mask, &out]), 3, &["empty.png", "PNG, JPEG or WebP", "0 bytes"]);
    fails(&run(&[&text, &mask, &out]), 3, &["text.png"]);
    fails(&run(&[&image, &text, &out]), 3, &["text.png"]);
    fails(&run(&[&folder.path("none.png"), &mask, &out]), 3, &["none.png"]);
    let small = folder.put("small.png", encoded(&picture(10, 20, image::ColorType::L8), ImageFormat::Png));
    fails(&run(&[&image, &small, &out]), 3, &["small.png", "20×20", "10×20"]);
    let white = folder.put("white.png", encoded(&GrayImage::from_pixel(20, 20, Luma([255])).into(), ImageFormat::Png));
    fails(&run(&[&image, &white, &out]), 3, &["white.png", "no pixel known"]);
    fails(&run(&[&image, &mask, &out, &"--weights", &text]), 4, &["text.png", "safetensors"]);
    fails(&run(&[&image, &mask, &out, &"--weights", &folder.path("none")]), 4, &["none"]);
    fails(&run(&[&image, &mask, &folder.path("out.tiff")]), 2, &["out.tiff", ".png"]);
    fails(&run(&[&"-", &"-", &out]), 2, &["stdin"]);
    fails(&run(&[&image, &mask, &"-", &"--json"]), 2, &["stdout"]);
    // A file where a folder should be: no user, not even root, can write below it.
    fails(&run(&[&image, &mask, &image.join("out.png")]), 1, &["in.png/out.png"]);
    for isa in ["avx512", "avx2", "neon", "scalar"] {
        let output = run(&[&image, &mask, &out, &"--isa", &isa]);
        let available = inpaint_edge::Isa::available().any(|i| i.name() == isa);
        println!("--isa {isa}: available {available}");
        if available {
            succeeds(&output);
            std::fs::remove_file(&out).unwrap();
        } else {
            fails(&output, 2, &[isa, "cannot run"]);
        }
    }
    assert_eq!(folder.names(), ["cut.png", "empty.png", "in.png", "mask.png", "small.png", "text.png", "white.png"]);
}

#[test]
fn no_hole_is_a_copy_with_a_note() {
    let folder = Folder::new();
    let image = picture(20, 20, image::ColorType::Rgba8);
    let input = folder.put("in.png", encoded(&image, ImageFormat::Png));
    let black = folder.put("black.png", encoded(&GrayImage::new(20, 20).into(), ImageFormat::Png));
    let out = folder.path("out.png");
    let output = run(&[&input, &black, &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("black.png: no hole"));
    assert_eq!(image::open(&out).unwrap(), image);
    assert!(run(&[&input, &black, &out, &"--quiet"]).stderr.is_empty());
}

#[test]
fn help_and_descriptions() {
    let text = |args: &[&dyn AsRef<std::ffi::OsStr>]| {
        let output = run(args);
        succeeds(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    let help = text(&[&"--help"]);
    for part in ["Examples:", "Exit codes:", "--mask-grow", "completions", "info"] {
        assert!(help.contains(part), "{part}");
    }
    assert!(text(&[&"--version"]).contains(env!("CARGO_PKG_VERSION")));
    assert!(text(&[&"completions", &"bash"]).contains("mask-white"));
    assert!(text(&[&"man"]).contains(".TH inpaint-edge"));
    assert!(text(&[&"info"]).contains("scalar"));
    let info: serde_json::Value = serde_json::from_str(&text(&[&"info", &"--json"])).unwrap();
    assert_eq!(info["channels"].as_array().unwrap().len() as u64, 2 * info["levels"].as_u64().unwrap());
    assert_eq!(run(&[&"one"]).status.code(), Some(2));
    assert_eq!(run(&[&"a", &"b", &"c", &"--no-such"]).status.code(), Some(2));
}
