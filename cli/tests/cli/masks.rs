//! Masks and paint as people have them: holes in alpha, labels, soft brushes, JPEG; and what the program says of them.

use image::codecs::png::PngEncoder;
use image::{DynamicImage, GrayImage, ImageFormat, Luma, Rgb, RgbImage, Rgba, RgbaImage};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use crate::codecs::jpeg_of;
use crate::metadata::{exif, with_metadata};
use crate::support::*;

const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/prior.weights.safetensors");
const WIDTH: u32 = 160;
const HEIGHT: u32 = 120;

fn photo() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images/photo.png")
}

/// Hole pixels and notes of a run.
fn told(folder: &Folder, args: &[&dyn AsRef<OsStr>]) -> (u64, Vec<String>) {
    let out = folder.path("out.png");
    let ways: [&dyn AsRef<OsStr>; 5] = [&"--json", &"--weights", &SMALL, &"--texture", &"off"];
    let output = run(&[&ways[..], args, &[&out]].concat());
    succeeds(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let notes = report["notes"].as_array().unwrap().iter().map(|note| note.as_str().unwrap().to_owned()).collect();
    (report["hole_pixels"].as_u64().unwrap(), notes)
}

/// Asserts that one of the notes has every part.
fn says(notes: &[String], parts: &[&str]) {
    assert!(notes.iter().any(|note| parts.iter().all(|part| note.contains(part))), "{parts:?} expected in {notes:?}");
}

fn put(folder: &Folder, name: &str, image: impl Into<DynamicImage>) -> PathBuf {
    folder.put(name, encoded(&image.into(), ImageFormat::Png))
}

/// A photograph of its own size for masks of [`WIDTH`] × [`HEIGHT`].
fn plain(folder: &Folder) -> PathBuf {
    put(folder, "in.png", picture(WIDTH, HEIGHT, image::ColorType::Rgb8))
}

fn in_stroke(x: u32, y: u32) -> bool {
    (40..90).contains(&x) && (30..45).contains(&y)
}

const STROKE: u64 = 50 * 15;

#[test]
fn strokes_on_a_transparent_layer_are_the_hole() {
    const PAINTED: u64 = 4294;
    let folder = Folder::new();
    for name in ["mask-strokes-black-in-alpha.png", "mask-strokes-white-on-transparent-white.png"] {
        let (pixels, notes) = told(&folder, &[&photo(), &kind(name)]);
        assert_eq!(pixels, PAINTED);
        says(&notes, &[name, "read by its alpha, opaque is the hole"]);
        assert_eq!(told(&folder, &[&"--mask-channel", &"alpha", &photo(), &kind(name)]), (PAINTED, vec![]));
        let (pixels, _) = told(&folder, &[&"--mask-white", &"keep", &photo(), &kind(name)]);
        assert_eq!(pixels, 768 * 512 - PAINTED);
    }
    // By colour they are what they were.
    let (pixels, notes) =
        told(&folder, &[&"--mask-channel", &"luma", &photo(), &kind("mask-strokes-black-in-alpha.png")]);
    assert_eq!(pixels, 0);
    says(&notes, &["its brightest value is 0 of 255", "--mask-channel alpha"]);
    // In grey and 16 bits too, and within a limit of memory.
    let image = plain(&folder);
    let grey = image::ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| {
        image::LumaA([7u16, if in_stroke(x, y) { 40_000 } else { 0 }])
    });
    let mask = put(&folder, "mask.png", grey);
    assert_eq!(told(&folder, &[&image, &mask]).0, STROKE);
    assert_eq!(told(&folder, &[&image, &mask, &"--max-memory", &"64M"]).0, STROKE);
}

#[test]
fn a_mask_that_may_be_meant_either_way_is_refused_with_both_choices() {
    let folder = Folder::new();
    let (image, out) = (plain(&folder), folder.path("out.png"));
    let erased = |rgb: &dyn Fn(u32) -> [u8; 3]| {
        RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| {
            let [r, g, b] = rgb(x);
            Rgba([r, g, b, if in_stroke(x, y) { 0 } else { 255 }])
        })
    };
    let photo = put(&folder, "photo.png", erased(&|x| [x as u8, 90, 30]));
    let parts = ["photo.png", "--mask-channel luma", "--mask-channel alpha", "--mask-white keep", "--mask-alpha"];
    fails(&run(&[&image, &photo, &out]), 3, &parts);
    fails(&run(&[&image, &photo, &out, &"--max-memory", &"64M"]), 3, &parts);
    let white = put(&folder, "white.png", erased(&|_| [255; 3]));
    fails(&run(&[&image, &white, &out]), 3, &["white.png", "one colour", "--mask-channel alpha", "--mask-white keep"]);
    assert!(!out.exists());
    for mask in [&photo, &white] {
        let alpha: [&dyn AsRef<OsStr>; 2] = [&"--mask-channel", &"alpha"];
        let keep = [&alpha[..], &[&"--mask-white", &"keep"]].concat();
        assert_eq!(told(&folder, &[&keep[..], &[&image, mask]].concat()).0, STROKE);
        let (pixels, notes) = told(&folder, &[&alpha[..], &[&image, mask]].concat());
        assert_eq!(pixels, u64::from(WIDTH * HEIGHT) - STROKE);
        says(&notes, &["96 % of it is hole", "--mask-white keep"]);
    }
    assert_eq!(told(&folder, &[&"--mask-white", &"keep", &image, &white]).0, STROKE);
    let opaque = run(&[&"--mask-channel", &"alpha", &image, &image, &out]);
    fails(&opaque, 3, &["expected an alpha channel for --mask-channel alpha"]);
}

#[test]
fn a_mask_without_a_hole_names_its_brightest_value_and_what_would_help() {
    let folder = Folder::new();
    let image = plain(&folder);
    let labels =
        GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([u8::from(in_stroke(x, y)) * (3 + 8 * u8::from(x > 60))]));
    let colours = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| match in_stroke(x, y) {
        true => Rgb([128 * u8::from(x <= 60), 128 * u8::from(x > 60), 0]),
        false => Rgb([0; 3]),
    });
    let soft = GrayImage::from_fn(WIDTH, HEIGHT, |x, _| Luma([x as u8 / 2]));
    let [labels, colours, soft, black] = [
        put(&folder, "labels.png", labels),
        put(&folder, "colours.png", colours),
        put(&folder, "soft.png", soft),
        put(&folder, "black.png", GrayImage::new(WIDTH, HEIGHT)),
    ];
    let (zero_one, red) = (kind("mask-of-0-and-1.png"), kind("mask-red-on-black.png"));
    let (small, large) = (&image, &photo());
    for (image, mask, note, help, pixels) in [
        (large, &zero_one, "its brightest value is 1 of 255", &["--mask-threshold", "1"][..], 4294),
        (large, &red, "its brightest value of luma is 54 of 255", &["--mask-channel", "red"], 4294),
        (large, &red, "54 of 255", &["--mask-threshold", "54"], 4294),
        (small, &labels, "its brightest value is 11 of 255", &["--mask-threshold", "3"], STROKE),
        (small, &colours, "of luma is 91 of 255", &["--mask-threshold", "27"], STROKE),
        (small, &soft, "its brightest value is 79 of 255", &["--mask-threshold", "40"], 80 * u64::from(HEIGHT)),
        (small, &black, "its brightest value is 0 of 255", &[], 0),
    ] {
        let (none, notes) = told(&folder, &[image, mask]);
        assert_eq!(none, 0);
        says(&notes, &[&mask.display().to_string(), note, &help.join(" ")]);
        let output = run(&[image, mask, &folder.path("out.png")]);
        assert!(String::from_utf8_lossy(&output.stderr).contains("no hole, image copied"));
        let mut args: Vec<&dyn AsRef<OsStr>> = help.iter().map(|option| option as _).collect();
        args.extend([image as &dyn AsRef<OsStr>, mask]);
        assert_eq!(told(&folder, &args).0, pixels, "{}", mask.display());
    }
    let (none, notes) =
        told(&folder, &[&"--mask-white=keep", &"--mask-threshold=2", &image, &put(&folder, "pale.png", pale())]);
    assert_eq!(none, 0);
    says(&notes, &["its darkest value is 2 of 255", "--mask-threshold 9"]);
}

#[test]
fn a_mask_without_a_hole_is_noted_even_with_a_box() {
    let folder = Folder::new();
    let image = plain(&folder);
    let (pixels, notes) = told(&folder, &[&"--box", &"1,1,4,4", &image, &put(&folder, "pale.png", pale())]);
    assert_eq!(pixels, 16);
    says(&notes, &["pale.png: no hole in it", "its brightest value is 9 of 255", "--mask-threshold 9"]);
    let (pixels, notes) = told(&folder, &[&"--mask-grow", &"-50", &image, &folder.mask(WIDTH, HEIGHT)]);
    assert_eq!(pixels, 0);
    says(&notes, &["in.png: --mask-grow -50 leaves nothing of the hole"]);
    // Grey as large parts of it may be, a mask of two values is no photograph.
    let two = GrayImage::from_fn(WIDTH, HEIGHT, |x, _| Luma([if x < 60 { 200 } else { 100 }]));
    assert_eq!(
        told(&folder, &[&"--mask-threshold", &"128", &image, &put(&folder, "two.png", two)]),
        (60 * 120, vec![])
    );
}

/// 2 where the stroke is and 9 elsewhere.
fn pale() -> GrayImage {
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| Luma([if in_stroke(x, y) { 2 } else { 9 }]))
}

#[test]
fn a_mask_that_is_all_hole_says_why_that_may_be() {
    let folder = Folder::new();
    let (image, out) = (plain(&folder), folder.path("out.png"));
    let white = put(&folder, "white.png", GrayImage::from_pixel(WIDTH, HEIGHT, Luma([255])));
    let refused = |args: &[&dyn AsRef<OsStr>], parts: &[&str]| {
        fails(&run(&[args, &[&out]].concat()), 3, &[&["leaves no pixel known"], parts].concat());
        fails(&run(&[args, &[&out, &"--max-memory", &"64M"]].concat()), 3, parts);
    };
    refused(&[&image, &white], &["white.png", "255 of 255, is white and white is the hole", "--mask-white keep"]);
    let pale = put(&folder, "pale.png", pale());
    refused(&[&"--mask-white", &"keep", &image, &pale], &["2 to 9 of 255", "black is the hole", "--mask-threshold 9"]);
    let mask = folder.mask(WIDTH, HEIGHT);
    refused(&[&"--mask-grow", &"500", &image, &mask], &["mask.png", "--mask-grow 500 has taken what was left"]);
    let clear = put(&folder, "clear.png", RgbaImage::new(WIDTH, HEIGHT));
    refused(&[&"--mask-alpha", &clear], &["clear.png", "transparent"]);
    assert!(!out.exists());
}

/// A disc of a soft brush: 255 up to `radius`, falling to 0 over `fall` pixels.
fn brush(radius: f32, fall: f32) -> GrayImage {
    GrayImage::from_fn(WIDTH, HEIGHT, |x, y| {
        let away = (x as f32 - 80.0).hypot(y as f32 - 60.0) - radius;
        Luma([(255.0 * (1.0 - away / fall)).clamp(0.0, 255.0) as u8])
    })
}

#[test]
fn a_soft_edge_of_a_mask_is_noted_with_an_option_that_covers_it() {
    let folder = Folder::new();
    let image = plain(&folder);
    for fall in [4.0, 12.0] {
        let mut soft = brush(20.0, fall);
        let seen = soft.pixels().filter(|v| v.0[0] >= 16).count() as u64;
        let mask = put(&folder, "mask.png", soft.clone());
        let (pixels, notes) = told(&folder, &[&image, &mask]);
        says(&notes, &["mask.png: a soft edge", "16 to 127", "--mask-threshold 16", "--mask-grow "]);
        assert_eq!(told(&folder, &[&"--mask-threshold", &"16", &image, &mask]), (seen, vec![]));
        let grow = notes[0].split("--mask-grow ").nth(1).unwrap().to_owned();
        let (grown, notes) = told(&folder, &[&"--mask-grow", &grow, &image, &mask]);
        assert!(pixels < seen && seen <= grown && grown < 2 * seen, "{pixels} {seen} {grown}");
        assert!(notes.is_empty(), "{notes:?}");
        // The other way round.
        soft.pixels_mut().for_each(|v| v.0[0] = 255 - v.0[0]);
        let mask = put(&folder, "keep.png", soft);
        let (_, notes) = told(&folder, &[&"--mask-white", &"keep", &image, &mask]);
        says(&notes, &["keep.png: a soft edge", "--mask-threshold 240"]);
        let (all, notes) = told(&folder, &[&"--mask-white", &"keep", &"--mask-threshold", &"240", &image, &mask]);
        assert!(all.abs_diff(seen) < 9 && notes.is_empty(), "{all} {seen} {notes:?}");
    }
    // A hard edge has none, antialiased or in a JPEG.
    for (name, mask) in [("hard.png", brush(20.0, 0.001)), ("smooth.png", brush(20.0, 1.0))] {
        assert_eq!(told(&folder, &[&image, &put(&folder, name, mask.clone())]).1, Vec::<String>::new(), "{name}");
        for quality in [60, 75, 90] {
            let jpeg = jpeg_of(&mask.clone().into(), quality);
            assert_eq!(
                told(&folder, &[&image, &folder.put("mask.jpg", jpeg)]).1,
                Vec::<String>::new(),
                "{name}, {quality}"
            );
        }
    }
}

#[test]
fn a_photograph_as_a_mask_is_noted() {
    let folder = Folder::new();
    says(
        &told(&folder, &[&photo(), &photo()]).1,
        &["photo.png: looks like a photograph", "expected a mask in black and white"],
    );
    let grey = put(&folder, "grey.png", image::open(photo()).unwrap().into_luma8());
    says(&told(&folder, &[&photo(), &grey]).1, &["grey.png: looks like a photograph"]);
    assert_eq!(
        told(&folder, &[&photo(), &Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images/mask.png")]).1,
        [""; 0]
    );
}

#[test]
fn a_mask_across_its_image_says_which_of_the_two_exif_turns() {
    let folder = Folder::new();
    let out = folder.path("out.png");
    let turned = |name: &str, orientation: Option<u8>, width, height| {
        let image = picture(width, height, image::ColorType::L8);
        let mut bytes = Vec::new();
        match orientation {
            Some(tag) => with_metadata(PngEncoder::new(&mut bytes), exif(tag), None, &image),
            None => bytes = encoded(&image, ImageFormat::Png),
        }
        folder.put(name, bytes)
    };
    for (image, mask, part) in [
        (Some(6), None, "the image is turned by its EXIF orientation, the mask is not"),
        (None, Some(8), "the mask is turned by its EXIF orientation, the image is not"),
        (Some(6), Some(1), "the image is turned by its EXIF orientation, the mask is not"),
        (Some(6), Some(3), "the two have different EXIF orientations"),
    ] {
        let (image, mask) = (turned("image.png", image, 40, 30), turned("mask.png", mask, 40, 30));
        for limit in [&[][..], &["--max-memory", "64M"]] {
            let mut args: Vec<&dyn AsRef<OsStr>> = vec![&image, &mask, &out];
            args.extend(limit.iter().map(|option| option as &dyn AsRef<OsStr>));
            fails(&run(&args), 3, &["mask.png: expected a mask of ", "image.png", part]);
        }
    }
    let (image, mask) = (turned("image.png", None, 40, 30), turned("mask.png", None, 30, 40));
    fails(&run(&[&image, &mask, &out]), 3, &["found 30×40; one lies across the other"]);
    let other = run(&[&image, &turned("mask.png", Some(6), 41, 30), &out]);
    fails(&other, 3, &["expected a mask of 40×30", "found 30×41"]);
    let other = String::from_utf8(other.stderr).unwrap();
    assert!(!other.contains("turn") && !other.contains("shape"), "{other}");
    let half = run(&[&image, &turned("mask.png", None, 20, 15), &out]);
    fails(&half, 3, &["expected a mask of 40×30", "found 20×15; it has the same shape: scale it"]);
}

#[test]
fn a_mask_of_16_bits_with_values_of_8_is_named() {
    let folder = Folder::new();
    let (image, out) = (plain(&folder), folder.path("out.png"));
    for value in [1u16, 255] {
        let grey = image::ImageBuffer::from_fn(WIDTH, HEIGHT, |x, y| Luma([value * u16::from(in_stroke(x, y))]));
        for (name, format) in [("mask.png", ImageFormat::Png), ("mask.tif", ImageFormat::Tiff)] {
            let mask = folder.put(name, encoded(&DynamicImage::ImageLuma16(grey.clone()), format));
            let (pixels, notes) = told(&folder, &[&image, &mask]);
            assert_eq!(pixels, 0);
            let brightest = format!("its brightest value is {value} of 65535, of which the high byte counts");
            says(&notes, &[name, &brightest, "convert mask.png -threshold 0"]);
            let parts = [&format!("0 to {value} of 65535, counts as black"), "-threshold 0"];
            fails(&run(&[&"--mask-white", &"keep", &image, &mask, &out]), 3, &parts);
        }
    }
}

#[test]
fn labels_that_are_kept_are_noted() {
    let folder = Folder::new();
    let image = plain(&folder);
    let inner = |x: u32| x < 60;
    let labels = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| match in_stroke(x, y) {
        true => Luma([if inner(x) { 60 } else { 200 }]),
        false => Luma([5]),
    });
    let mut keep = labels.clone();
    keep.pixels_mut().for_each(|v| v.0[0] = 255 - v.0[0]);
    let strokes = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| match in_stroke(x, y) {
        true => Rgb(if inner(x) { [255, 0, 0] } else { [255; 3] }),
        false => Rgb([0; 3]),
    });
    let masks = [put(&folder, "labels.png", labels), put(&folder, "strokes.png", strokes)];
    for (mask, note, help) in [(&masks[0], "300 pixels of 60 are", "60"), (&masks[1], "300 pixels of 54 of luma", "54")]
    {
        let (pixels, notes) = told(&folder, &[&image, mask]);
        assert_eq!(pixels, STROKE - 300);
        says(&notes, &[note, "kept beside the hole", &format!("--mask-threshold {help} takes them")]);
        assert_eq!(told(&folder, &[&"--mask-threshold", &help, &image, mask]), (STROKE, vec![]));
    }
    let keep = put(&folder, "keep.png", keep);
    let (pixels, notes) = told(&folder, &[&"--mask-white", &"keep", &image, &keep]);
    assert_eq!(pixels, STROKE - 300);
    says(&notes, &["300 pixels of 195 are kept beside the hole", "--mask-threshold 196 takes them"]);
    let taken = told(&folder, &[&"--mask-white", &"keep", &"--mask-threshold", &"196", &image, &keep]);
    assert_eq!(taken, (STROKE, vec![]));
    let low = GrayImage::from_fn(WIDTH, HEIGHT, |x, y| {
        Luma([[0, 255, 3][usize::from(in_stroke(x, y)) << usize::from(inner(x))]])
    });
    says(&told(&folder, &[&image, &put(&folder, "low.png", low)]).1, &["300 pixels of 3 are", "--mask-threshold 3"]);
    // Whoever gives a threshold has decided.
    assert_eq!(told(&folder, &[&"--mask-threshold", &"128", &image, &masks[0]]), (STROKE - 300, vec![]));
}

#[test]
fn white_paint_that_a_jpeg_has_changed_is_noted() {
    let folder = Folder::new();
    // Slanted, so that no block of the JPEG is white alone.
    let in_line = |x: u32, y: u32| (20..140).contains(&x) && (30 + x / 4..36 + x / 4).contains(&y);
    const LINE: u64 = 120 * 6;
    let painted = RgbImage::from_fn(WIDTH, HEIGHT, |x, y| match in_line(x, y) {
        true => Rgb([255; 3]),
        false => Rgb([(40 + x / 2) as u8, (30 + y) as u8, 90]),
    });
    for (colour, black) in [("white", false), ("black", true)] {
        let mut painted = painted.clone();
        if black {
            painted.pixels_mut().for_each(|p| p.0.iter_mut().for_each(|v| *v = 255 - *v));
        }
        // Hard-edged, beside much that is near it too.
        let mut hard = painted.clone();
        for (x, _, pixel) in hard.enumerate_pixels_mut().filter(|(x, y, _)| (36 + x / 4..46 + x / 4).contains(y)) {
            let off = 9 + (x % 20) as u8;
            *pixel = Rgb([if black { off } else { 255 - off }; 3]);
        }
        assert_eq!(told(&folder, &[&"--mask-color", &colour, &put(&folder, "hard.png", hard)]), (LINE, vec![]));
        let lossy = folder.put("lossy.jpg", jpeg_of(&painted.clone().into(), 75));
        let (pixels, notes) = told(&folder, &[&"--mask-color", &colour, &lossy]);
        assert!(pixels < LINE * 9 / 10, "{pixels}");
        says(&notes, &["lossy.jpg", "near it: --mask-color "]);
        // As under a soft brush, of which next to nothing is exact.
        let mut soft = painted.clone();
        for (x, y, pixel) in soft.enumerate_pixels_mut().filter(|(x, y, _)| in_line(*x, *y)) {
            let off = [0, 9, 9, 18, 27, 27][(y - 30 - x / 4) as usize];
            *pixel = Rgb([if black { off } else { 255 - off }; 3]);
        }
        let (pixels, soft) = told(&folder, &[&"--mask-color", &colour, &put(&folder, "soft.png", soft)]);
        assert_eq!(pixels, LINE / 6);
        says(&soft, &["soft.png: 120 pixels are", "more beside them are near it"]);
        let wider = notes[0].split("--mask-color ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
        let (pixels, _) = told(&folder, &[&"--mask-color", &wider, &lossy]);
        assert!((LINE * 7 / 10..LINE * 12 / 10).contains(&pixels), "{pixels} by {wider}");
    }
}

/// Where the lines of `kinds/painted-420.jpg` are, `away` pixels around included.
fn in_lines(x: u32, y: u32, away: u32) -> bool {
    let within =
        |v: u32, range: std::ops::RangeInclusive<u32>| (range.start() - away..=range.end() + away).contains(&v);
    within(x, 30..=129) && within(y, 50..=54) || within(x, 70..=72) && within(y, 10..=109)
}

/// Painted, of what the lines are; and how many pixels beside are taken.
fn found(folder: &Folder, image: &Path, options: &[&str], away: u32) -> (f64, usize, Vec<String>) {
    let args = |more: &[&str]| -> Vec<std::ffi::OsString> {
        let path = |p: &Path| p.as_os_str().to_owned();
        more.iter().map(Into::into).chain([path(image), "--preview".into(), path(&folder.path("p.png"))]).collect()
    };
    let shown = |args: Vec<std::ffi::OsString>| {
        let args: Vec<&dyn AsRef<OsStr>> = args.iter().map(|arg| arg as _).collect();
        let output = run(&args);
        succeeds(&output);
        let lines = String::from_utf8(output.stderr).unwrap().lines().map(str::to_owned).collect();
        (image::open(folder.path("p.png")).unwrap().into_rgb8(), lines)
    };
    let (before, _) = shown(args(&["--mask-color", "010203+0"]));
    let (after, lines) = shown(args(options));
    let (mut painted, mut taken, mut beside) = (0, 0, 0);
    for (x, y, pixel) in before.enumerate_pixels() {
        let is_taken = after.get_pixel(x, y) != pixel;
        painted += usize::from(in_lines(x, y, 0));
        taken += usize::from(is_taken && in_lines(x, y, 0));
        beside += usize::from(is_taken && !in_lines(x, y, away));
    }
    (taken as f64 / painted as f64, beside, lines)
}

#[test]
fn paint_saved_as_jpeg_is_found_and_its_rim_is_noted() {
    let folder = Folder::new();
    let lossy = kind("painted-420.jpg");
    let (part, beside, notes) = found(&folder, &lossy, &["--mask-color", "magenta"], 2);
    assert!(part > 0.94 && beside == 0, "{part}, {beside}");
    says(&notes, &["painted-420.jpg", "fades out", "--mask-grow 3 takes its rim"]);
    let (part, beside, notes) = found(&folder, &lossy, &["--mask-color", "magenta", "--mask-grow", "3"], 5);
    assert!(part == 1.0 && beside == 0 && notes.is_empty(), "{part}, {beside}, {notes:?}");
    // A tolerance means what it says.
    let (part, _, notes) = found(&folder, &lossy, &["--mask-color", "ff00ff+0"], 0);
    assert!(part < 0.05, "{part}");
    says(&notes, &["25 pixels are ff00ff±0", "666 more", "--mask-color ff00ff alone or ff00ff±"]);
    let (pixels, notes) = told(&folder, &[&"--mask-color", &"00ff00", &lossy]);
    assert_eq!(pixels, 0);
    says(&notes, &["no pixel is 00ff00: the nearest is ", " off"]);

    // Of every quality, on a photograph of its own.
    let mut painted = image::open(photo()).unwrap().into_rgb8();
    painted.enumerate_pixels_mut().filter(|(x, y, _)| in_lines(*x, *y, 0)).for_each(|(_, _, v)| v.0 = [255, 0, 255]);
    for quality in [75, 85, 95] {
        let jpeg = jpeg_of(&painted.clone().into(), quality);
        let (part, beside, _) = found(&folder, &folder.put("in.jpg", jpeg), &["--mask-color", "magenta"], 2);
        assert!(part > 0.9 && beside == 0, "{quality}: {part}, {beside}");
    }
    let (part, beside, notes) = found(&folder, &put(&folder, "in.png", painted), &["--mask-color", "magenta"], 0);
    assert!(part == 1.0 && beside == 0 && notes.is_empty(), "{part}, {beside}, {notes:?}");
}

#[test]
fn paint_of_a_soft_brush_is_found_and_its_rim_is_noted() {
    let folder = Folder::new();
    let mut image = image::open(photo()).unwrap().crop_imm(0, 0, WIDTH, HEIGHT).into_rgb8();
    let brush = brush(4.0, 16.0);
    for (pixel, paint) in image.pixels_mut().zip(brush.pixels()) {
        let share = u32::from(paint.0[0]);
        for (v, c) in pixel.0.iter_mut().zip([255, 0, 255]) {
            *v = ((u32::from(*v) * (255 - share) + c * share) / 255) as u8;
        }
    }
    let image = put(&folder, "in.png", image);
    let count = |from: u8| brush.pixels().filter(|v| v.0[0] >= from).count() as u64;
    let (pixels, notes) = told(&folder, &[&"--mask-color", &"magenta", &image]);
    assert!((count(160)..count(16)).contains(&pixels), "{pixels}, {} to {}", count(160), count(16));
    says(&notes, &["in.png", "fades out around them", "--mask-grow "]);
    // No tolerance takes all that a brush leaves, so that none is offered beside.
    assert!(!notes[0].contains('±'), "{notes:?}");
    let grow = notes[0].split("--mask-grow ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let (grown, notes) = told(&folder, &[&"--mask-color", &"magenta", &"--mask-grow", &grow, &image]);
    assert!(grown >= count(26), "{grown}, {} expected", count(26));
    assert!(notes.is_empty(), "{notes:?}");
}
