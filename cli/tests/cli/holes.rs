//! Holes without a mask file, grown, shrunk and shown.

use image::{DynamicImage, ImageFormat, Rgba, RgbaImage};

use crate::support::*;

const WIDTH: u32 = 40;
const HEIGHT: u32 = 30;

/// Runs with `--json` and returns the number of hole pixels and the result.
fn filled(folder: &Folder, args: &[&dyn AsRef<std::ffi::OsStr>]) -> (u64, DynamicImage) {
    let out = folder.path("out.png");
    let mut all: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"--json"];
    all.extend(args);
    all.push(&out);
    let output = run(&all);
    succeeds(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    (report["hole_pixels"].as_u64().unwrap(), image::open(&out).unwrap())
}

/// A picture whose alpha is 0, 127, 128 and 255 in columns 0…9, 10…19, 20…29 and 30…39.
fn clear() -> RgbaImage {
    let mut image = picture(WIDTH, HEIGHT, image::ColorType::Rgba8).into_rgba8();
    image.enumerate_pixels_mut().for_each(|(x, _, pixel)| pixel.0[3] = [0, 127, 128, 255][x as usize / 10]);
    image
}

fn put(folder: &Folder, name: &str, image: impl Into<DynamicImage>) -> std::path::PathBuf {
    folder.put(name, encoded(&image.into(), ImageFormat::Png))
}

/// Asserts that `is_hole` tells what changed, and that what changed is opaque where `opaque`.
fn only_changes(before: &RgbaImage, after: &DynamicImage, opaque: bool, is_hole: impl Fn(u32, u32) -> bool) {
    let mut changed = 0;
    for (x, y, pixel) in after.to_rgba8().enumerate_pixels() {
        let old = before.get_pixel(x, y);
        if is_hole(x, y) {
            changed += u32::from(pixel.0[..3] != old.0[..3]);
            assert_eq!(pixel.0[3], if opaque { 255 } else { old.0[3] }, "alpha at {x}, {y}");
        } else {
            assert_eq!(pixel, old, "at {x}, {y}");
        }
    }
    assert!(changed > 0, "nothing was filled");
}

#[test]
fn transparency_is_a_hole_and_is_filled_opaque() {
    let folder = Folder::new();
    let before = clear();
    let image = put(&folder, "in.png", before.clone());
    // All of it, the rim that a soft eraser leaves too, unless a threshold says otherwise.
    let (pixels, after) = filled(&folder, &[&"--mask-alpha", &image]);
    assert_eq!(pixels, 30 * 30);
    only_changes(&before, &after, true, |x, _| x < 30);
    for (threshold, end) in [("255", 30), ("128", 20), ("1", 10)] {
        let (pixels, after) = filled(&folder, &[&"--mask-alpha", &"--mask-threshold", &threshold, &image]);
        assert_eq!(pixels, u64::from(end) * 30);
        only_changes(&before, &after, true, |x, _| x < end);
    }
    // Without the option, alpha is what it was.
    let (_, after) = filled(&folder, &[&"--box", &"0,0,5,5", &image]);
    only_changes(&before, &after, false, |x, y| x < 5 && y < 5);
    // Of 16 bits too, and a threshold counts by their high byte.
    let mut deep = DynamicImage::from(before.clone()).into_rgba16();
    deep.put_pixel(35, 3, Rgba([0, 0, 0, u16::MAX - 1]));
    let deep = put(&folder, "deep.png", deep);
    assert_eq!(filled(&folder, &[&"--mask-alpha", &"--mask-threshold", &"128", &deep]).0, 20 * 30);
    let (pixels, after) = filled(&folder, &[&"--mask-alpha", &deep]);
    assert_eq!((pixels, after.color()), (30 * 30 + 1, image::ColorType::Rgba16));
    assert_eq!(after.into_rgba16().get_pixel(3, 3).0[3], u16::MAX);
}

#[test]
fn a_painted_colour_is_a_hole() {
    let folder = Folder::new();
    let mut before = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba([(x * 5) as u8, (y * 7) as u8, 90, 255]));
    for (x, colour) in [(10, [255, 0, 255]), (11, [247, 8, 247]), (12, [246, 0, 255]), (13, [0, 255, 0])] {
        before.put_pixel(x, 9, Rgba([colour[0], colour[1], colour[2], 255]));
    }
    let image = put(&folder, "in.png", before.clone());
    let columns = |options: &[&str]| {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = options.iter().map(|o| o as _).collect();
        args.push(&image);
        let (pixels, after) = filled(&folder, &args);
        let end = 10 + pixels as u32;
        only_changes(&before, &after, true, |x, y| y == 9 && (10..end).contains(&x));
        pixels
    };
    assert_eq!(columns(&["--mask-color", "ff00ff+0"]), 1);
    assert_eq!(columns(&["--mask-color", "FF00FF+8"]), 2);
    assert_eq!(columns(&["--mask-color", "ff00ff±9"]), 3);
    assert_eq!(columns(&["--mask-color", "ff00ff±9", "--mask-color=00ff00"]), 4);
    // However it is written.
    for colour in ["#FF00ff", "#f0f", "f0f", "magenta", "Fuchsia", "rgb(255, 0, 255)"] {
        assert_eq!(columns(&["--mask-color", &format!("{colour}+8")]), 2, "{colour}");
        assert_eq!(columns(&["--mask-colour", &format!("{colour} ± 8")]), 2, "{colour}");
    }
    // Without a tolerance what is near counts too.
    assert_eq!(columns(&["--mask-color", "magenta"]), 3);
    // Grey counts as red, green and blue alike.
    let mut grey = picture(WIDTH, HEIGHT, image::ColorType::L8).into_luma8();
    grey.pixels_mut().for_each(|v| v.0[0] = v.0[0].max(1));
    grey.put_pixel(4, 4, image::Luma([0]));
    assert_eq!(filled(&folder, &[&"--mask-color", &"000000", &put(&folder, "grey.png", grey)]).0, 1);
}

#[test]
fn holes_add_up_then_grow_or_shrink() {
    let folder = Folder::new();
    let before = clear();
    let (image, mask) = (put(&folder, "in.png", before.clone()), folder.mask(WIDTH, HEIGHT));
    let in_mask = |x, y| is_hole(x, y, WIDTH, HEIGHT);
    let in_boxes = |x: u32, y: u32| (30..40).contains(&x) && y < 3 || x == 39 && y == 29;
    let boxes: [&dyn AsRef<std::ffi::OsStr>; 4] = [&"--box", &"30,0,10,3", &"--box", &"39,29,1,1"];
    let count = |is_hole: &dyn Fn(u32, u32) -> bool| {
        (0..WIDTH * HEIGHT).filter(|i| is_hole(i % WIDTH, i / WIDTH)).count() as u64
    };

    let (pixels, after) = filled(&folder, &[&boxes[..], &[&image]].concat());
    assert_eq!(pixels, 31);
    only_changes(&before, &after, false, in_boxes);
    let (pixels, after) = filled(&folder, &[&boxes[..], &[&image, &mask]].concat());
    assert_eq!(pixels, count(&|x, y| in_mask(x, y) || in_boxes(x, y)));
    only_changes(&before, &after, false, |x, y| in_mask(x, y) || in_boxes(x, y));
    let (pixels, _) = filled(&folder, &[&boxes[..], &[&"--mask-alpha", &image, &mask]].concat());
    assert_eq!(pixels, count(&|x, y| in_mask(x, y) || in_boxes(x, y) || x < 30));

    // Discs, from their definition; beyond the border nothing is known.
    let near = |x: u32, y: u32, r: i64, hole: bool| {
        (0..WIDTH * HEIGHT).any(|i| {
            let (dx, dy) = (i64::from(i % WIDTH) - i64::from(x), i64::from(i / WIDTH) - i64::from(y));
            dx * dx + dy * dy <= r * r && in_boxes(i % WIDTH, i / WIDTH) == hole
        })
    };
    let (pixels, after) = filled(&folder, &[&boxes[..], &[&"--mask-grow", &"3", &image]].concat());
    assert_eq!(pixels, count(&|x, y| near(x, y, 3, true)));
    only_changes(&before, &after, false, |x, y| near(x, y, 3, true));
    let (pixels, after) = filled(&folder, &[&boxes[..], &[&"--mask-grow", &"-2", &image]].concat());
    assert_eq!(pixels, count(&|x, y| !near(x, y, 2, false)));
    assert!((1..31).contains(&pixels));
    only_changes(&before, &after, false, |x, y| !near(x, y, 2, false));
}

#[test]
fn shrunk_to_nothing_is_a_copy() {
    let folder = Folder::new();
    let (image, mask, out) = (put(&folder, "in.png", clear()), folder.mask(WIDTH, HEIGHT), folder.path("out.png"));
    let output = run(&[&"--mask-grow=-4294967295", &image, &mask, &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("mask.png: no hole"));
    assert_eq!(image::open(&out).unwrap().into_rgba8(), clear());
    let output = run(&[&"--mask-color", &"123456", &put(&folder, "grey.png", image::GrayImage::new(9, 9)), &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("grey.png: no hole, image copied"));
}

#[test]
fn limited_memory_finds_the_same_hole() {
    let folder = Folder::new();
    let (image, mask) = (put(&folder, "in.png", clear()), folder.mask(WIDTH, HEIGHT));
    let options: [&dyn AsRef<std::ffi::OsStr>; 5] = [&"--mask-alpha", &"--box", &"30,0,10,3", &"--mask-grow", &"1"];
    let free = filled(&folder, &[&options[..], &[&image, &mask]].concat());
    let limited = filled(&folder, &[&options[..], &[&"--max-memory", &"64M", &image, &mask]].concat());
    assert_eq!(free, limited);
    let out = folder.path("none.png");
    let refused = run(&[&"--mask-alpha", &"--max-memory", &"1M", &image, &out]);
    fails(&refused, 5, &["in.png", "--max-memory", "found 1M"]);
    assert!(!out.exists());
}

/// Image and mask of 24 MB each.
#[test]
#[cfg(target_os = "linux")]
fn image_and_mask_are_not_in_memory_at_once() {
    const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/prior.weights.safetensors");
    let folder = Folder::new();
    let mut deep = image::ImageBuffer::from_pixel(2000, 1500, Rgba([u16::MAX; 4]));
    deep.put_pixel(900, 700, Rgba([0; 4]));
    let image = put(&folder, "in.png", deep);
    let mut mask = image::ImageBuffer::from_pixel(2000, 1500, Rgba([0u16; 4]));
    mask.put_pixel(50, 60, Rgba([u16::MAX; 4]));
    let (mask, out) = (put(&folder, "mask.png", mask), folder.path("out.png"));
    let args = |limit: &str| -> Vec<std::ffi::OsString> {
        let options = ["--mask-alpha", "--threads", "1", "--weights", SMALL, "--max-memory", limit];
        options.map(Into::into).into_iter().chain([&image, &mask, &out].map(Into::into)).collect()
    };
    let program = || std::process::Command::new(env!("CARGO_BIN_EXE_inpaint-edge"));
    let mut limit = "1M".to_owned();
    let peak = loop {
        let (output, peak) = run_to_peak(program().args(args(&limit)));
        if output.status.success() {
            break peak;
        }
        fails(&output, 5, &["--max-memory"]);
        limit = named_limit(&output);
    };
    let allowed: u64 = limit.strip_suffix('M').unwrap().parse().unwrap();
    assert!((24 << 10..=allowed << 10).contains(&peak), "{peak} KiB, {limit} allowed");
}

#[test]
fn a_preview_shows_the_hole_and_fills_nothing() {
    let folder = Folder::new();
    let before = clear();
    let (image, mask) = (put(&folder, "in.png", before.clone()), folder.mask(WIDTH, HEIGHT));
    let (out, preview) = (folder.path("out.png"), folder.path("preview.png"));
    let shows = |is_hole: &dyn Fn(u32, u32) -> bool| {
        let (mut red, mut white) = (0, 0);
        for (x, y, pixel) in image::open(&preview).unwrap().into_rgba8().enumerate_pixels() {
            let old = before.get_pixel(x, y).0;
            // Half of the old value, and half of red or of white, to the nearest.
            let half = |end: [u16; 3]| std::array::from_fn(|c| (u16::from(old[c]) + end[c]).div_ceil(2) as u8);
            let [r, w]: [[u8; 3]; 2] = [[255, 0, 0], [255; 3]].map(half);
            let rgb = [pixel.0[0], pixel.0[1], pixel.0[2]];
            if is_hole(x, y) {
                assert_eq!(pixel.0[3], 255);
                assert!(rgb == r || rgb == w, "{rgb:?} at {x}, {y}; {r:?} or {w:?} expected");
                (red, white) = (red + u32::from(rgb == r), white + u32::from(rgb == w));
            } else {
                assert_eq!(pixel.0, old, "at {x}, {y}");
            }
        }
        assert!(red > 0 && white > 0);
        std::fs::remove_file(&preview).unwrap();
    };
    let in_mask = |x, y| is_hole(x, y, WIDTH, HEIGHT);
    succeeds(&run(&[&"--preview", &preview, &image, &mask]));
    shows(&in_mask);
    succeeds(&run(&[&image, &mask, &out, &"--preview", &preview]));
    shows(&in_mask);
    succeeds(&run(&[&image, &mask, &"--preview", &preview, &"--max-memory", &"64M"]));
    shows(&in_mask);
    succeeds(&run(&[&image, &"--mask-alpha", &"--preview", &preview]));
    shows(&|x, _| x < 30);
    succeeds(&run(&[&image, &out, &"--mask-alpha", &"--preview", &preview]));
    shows(&|x, _| x < 30);
    succeeds(&run(&[&image, &mask, &out, &"--mask-alpha", &"--preview", &preview]));
    shows(&|x, y| x < 30 || in_mask(x, y));
    // A hole that leaves nothing known can be shown, if not filled.
    succeeds(&run(&[&image, &"--box", &"0,0,40,30", &"--preview", &preview]));
    shows(&|_, _| true);
    // Deep grey stays what it is, in black and white.
    let grey = put(&folder, "grey.png", picture(WIDTH, HEIGHT, image::ColorType::L16));
    succeeds(&run(&[&grey, &mask, &"--preview", &preview]));
    let shown = image::open(&preview).unwrap();
    same_outside_hole(&shown, &image::open(&grey).unwrap());
    assert_ne!(shown, image::open(&grey).unwrap());

    let palette = run(&[&kind("palette.png"), &"--box", &"0,0,1,1", &"--preview", &preview]);
    succeeds(&palette);
    assert!(String::from_utf8_lossy(&palette.stderr).contains("palette.png: a palette, written as RGB"));
    let none = run(&[&image, &"--mask-color", &"010203", &"--preview", &preview]);
    succeeds(&none);
    assert!(String::from_utf8_lossy(&none.stderr).contains("in.png: no hole to show"));
    fails(&run(&[&"--preview", &folder.path("a.gif"), &image, &mask]), 2, &["a.gif", ".png"]);
    fails(&run(&[&"--preview", &preview, &image]), 2, &["MASK"]);
    // A preview in place would be the end of the photograph.
    let (photo, drawn) = (std::fs::read(&image).unwrap(), std::fs::read(&mask).unwrap());
    for file in [&image, &mask] {
        let in_place = run(&[&"--preview", file, &image, &mask]);
        fails(&in_place, 2, &[&file.display().to_string(), "expected another file than IMAGE and MASK for --preview"]);
    }
    assert!(std::fs::read(&image).unwrap() == photo && std::fs::read(&mask).unwrap() == drawn);
    assert_eq!(run(&[&"--preview", &preview, &image, &mask, &"--json"]).status.code(), Some(2));
    assert!(!out.exists());
}

/// `--box` as it is given, and the part of the image that it is.
#[test]
fn a_box_past_the_edge_is_clipped_with_a_note() {
    let folder = Folder::new();
    let before = clear();
    let image = put(&folder, "in.png", before.clone());
    for (area, [x, y, w, h]) in [
        ("30,0,11,3", [30, 0, 10, 3]),
        ("-5,-7,10,10", [0, 0, 5, 3]),
        ("0,29,1,4294967295", [0, 29, 1, 1]),
        (" -1, 2, 3, 4 ", [0, 2, 2, 4]),
    ] {
        let (pixels, after) = filled(&folder, &[&"--box", &area, &image]);
        assert_eq!(pixels, u64::from(w * h));
        only_changes(&before, &after, false, |i, j| (x..x + w).contains(&i) && (y..y + h).contains(&j));
        let output = run(&[&"--box", &area, &image, &folder.path("out.png")]);
        let line = format!("{} reaches beyond 40×30: {x},{y},{w},{h} taken", area.replace(' ', ""));
        assert!(String::from_utf8_lossy(&output.stderr).contains(&line), "{line}");
        let quiet = run(&[&"--box", &area, &image, &folder.path("out.png"), &"--quiet"]);
        assert_eq!((quiet.status.code(), quiet.stderr.len()), (Some(0), 0));
    }
}

#[test]
fn invalid_hole_options_are_refused() {
    let folder = Folder::new();
    let (image, mask, out) = (put(&folder, "in.png", clear()), folder.mask(WIDTH, HEIGHT), folder.path("out.png"));
    for area in ["40,0,1,1", "0,30,9,9", "-5,0,5,9", "0,-4294967295,9,4294967295", "4294967295,0,4294967295,1"] {
        fails(&run(&[&"--box", &area, &image, &out]), 3, &["in.png", "a box inside 40×30", area]);
        fails(&run(&[&"--box", &area, &image, &mask, &out]), 3, &["in.png", area]);
    }
    for area in ["", "1,2,3", "1,2,3,4,5", "1,2,0,4", "1,2,3,-1", "1.5,2,3,4", "a,2,3,4", "1,2,3,4294967296", "--json"]
    {
        fails(&run(&[&"--box", &area, &image, &out]), 2, &["'--box <X,Y,W,H>'", "10,20,64,48"]);
    }
    for colour in ["", "ff00f", "ff00ff0", "+f00ff", "gg00ff", "magentaa", "ff00ff-3", "ff00ff80", "transparent"] {
        fails(&run(&[&format!("--mask-color={colour}"), &image, &out]), 2, &["an opaque colour such as ff00ff"]);
    }
    for colour in ["ff00ff+", "magenta+256", "#f0f±-1", "ff00ff+3+"] {
        fails(&run(&[&format!("--mask-color={colour}"), &image, &out]), 2, &["--mask-color"]);
    }
    for radius in ["-4294967296", "2.5", "3px", ""] {
        fails(&run(&[&"--mask-grow", &radius, &image, &mask, &out]), 2, &["a whole number of pixels", "such as 2"]);
    }
    // What a shell makes of spaces, of # and of *.
    fails(&run(&[&"--box", &"10,", &"20,", &"5,", &"5", &image, &out]), 2, &["without spaces"]);
    fails(&run(&[&image, &out, &"--mask-color"]), 2, &["expected a colour after --mask-color", "#"]);
    fails(&run(&[&image, &image, &image, &image, &image]), 2, &["in.png beside them", "inpaint-edge batch"]);
    let opaque = put(&folder, "opaque.png", picture(9, 9, image::ColorType::Rgb8));
    fails(&run(&[&"--mask-alpha", &opaque, &out]), 3, &["opaque.png", "expected an alpha channel"]);
    fails(&run(&[&"--box", &"0,0,40,30", &image, &out]), 3, &["in.png", "no pixel known", "boxed or painted"]);
    fails(&run(&[&image, &out]), 2, &["expected IMAGE, MASK and OUT", "--mask-alpha"]);
    fails(&run(&[&image]), 2, &["MASK"]);
    fails(&run(&[&"--mask-alpha", &image]), 2, &["expected IMAGE and OUT"]);
    assert_eq!(run(&[&"--mask-alpha"]).status.code(), Some(2));
    assert!(!out.exists());
}
