//! Photographs, crops and batches.

use image::{Rgb, RgbImage};
use inpaint_train::{
    data::{Augment, Batch, Batches, Colour, Folder, Photo, Placement, Recipe, Warp},
    masks::Masks,
    rng::Rng,
};
use std::{fs, path::Path, sync::Arc};

/// A picture whose every pixel is different.
fn pattern(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| Rgb([(x * 5) as u8, (y * 3) as u8, (x * 7 + y * 11) as u8]))
}

fn level(value: u8) -> f32 {
    f32::from(value) / 255.0
}

fn at(crop: &[f32], size: usize, x: usize, y: usize) -> &[f32] {
    &crop[(y * size + x) * 3..][..3]
}

fn identity(x: f64, y: f64) -> Warp {
    Warp { origin: [x, y], across: [1.0, 0.0], down: [0.0, 1.0] }
}

#[test]
fn the_identity_copies_pixels() {
    let image = pattern(70, 50);
    let photo = Photo::from(image.clone());
    let crop = identity(9.0, 4.0).crop(&photo, 40);
    for (x, y) in (0..40).flat_map(|y| (0..40).map(move |x| (x, y))) {
        let expected = image.get_pixel(x + 9, y + 4).0.map(level);
        assert_eq!(at(&crop, 40, x as usize, y as usize), expected, "{x},{y}");
    }
}

#[test]
fn flips_and_quarter_turns_permute_pixels() {
    let photo = Photo::from(pattern(64, 48));
    let n = 33;
    let place = Placement { centre: [30.0, 22.0], step: [1.0, 1.0], angle: 0.0, flip: false, quarters: 0 };
    let plain = place.warp(n).crop(&photo, n);
    let last = n - 1;
    type From = fn(usize, usize, usize) -> (usize, usize);
    let cases: [(bool, u8, From); 5] = [
        (true, 0, |x, y, last| (last - x, y)),
        (false, 1, |x, y, last| (last - y, x)),
        (false, 2, |x, y, last| (last - x, last - y)),
        (false, 3, |x, y, last| (y, last - x)),
        (true, 2, |x, y, last| (x, last - y)),
    ];
    for (flip, quarters, from) in cases {
        let turned = Placement { flip, quarters, ..place }.warp(n).crop(&photo, n);
        assert_ne!(turned, plain);
        for (x, y) in (0..n).flat_map(|y| (0..n).map(move |x| (x, y))) {
            let (u, v) = from(x, y, last);
            assert_eq!(at(&turned, n, x, y), at(&plain, n, u, v), "flip {flip}, {quarters} quarters, {x},{y}");
        }
    }
}

#[test]
fn halving_is_the_mean_of_four() {
    let image = pattern(128, 128);
    let photo = Photo::from(image.clone());
    let half = Warp { origin: [20.5, 10.5], across: [2.0, 0.0], down: [0.0, 2.0] }.crop(&photo, 30);
    for (x, y) in (0..30).flat_map(|y| (0..30).map(move |x| (x, y))) {
        for c in 0..3 {
            let value = |dx: u32, dy: u32| f32::from(image.get_pixel(20 + 2 * x + dx, 10 + 2 * y + dy).0[c]);
            let mean = (value(0, 0) + value(1, 0) + value(0, 1) + value(1, 1)) / 4.0;
            let got = at(&half, 30, x as usize, y as usize)[c] * 255.0;
            assert!((got - mean).abs() <= 0.51, "{x},{y}: {got} for {mean}");
        }
    }
}

#[test]
fn shrinking_does_not_alias() {
    // Stripes of two pixels' period are grey at any scale that cannot show them.
    let photo = Photo::from(RgbImage::from_fn(256, 256, |x, _| Rgb([255 * (x % 2) as u8; 3])));
    for step in [1.9, 2.0, 2.7, 3.5, 5.0, 7.3] {
        let crop = Warp { origin: [10.0, 10.0], across: [step, 0.0], down: [0.0, step] }.crop(&photo, 30);
        let off = crop.iter().map(|v| (v - 0.5).abs()).fold(0.0, f32::max);
        assert!(off < 0.11, "step {step}: {off} off grey");
    }
}

#[test]
fn a_ramp_stays_a_ramp_under_any_map() {
    let photo = Photo::from(RgbImage::from_fn(200, 200, |x, y| Rgb([x as u8, y as u8, 90])));
    for (angle, step) in [(0.3, 0.8), (-0.7, 1.3), (2.0, 2.5), (0.1, 4.1)] {
        let place = Placement { centre: [99.5, 99.5], step: [step, step], angle, flip: true, quarters: 3 };
        let warp = place.warp(32);
        let crop = warp.crop(&photo, 32);
        for (x, y) in (0..32).flat_map(|y| (0..32).map(move |x| (x, y))) {
            for axis in 0..2 {
                let expected = warp.origin[axis] + x as f64 * warp.across[axis] + y as f64 * warp.down[axis];
                let got = f64::from(at(&crop, 32, x, y)[axis]) * 255.0;
                // Halved levels round up by up to half a grey level each.
                assert!((got - expected).abs() < 1.1, "angle {angle}, step {step}: {got} for {expected}");
            }
        }
    }
}

#[test]
fn crops_lie_within_the_photograph() {
    let augment = Augment { rotate: 0.8, angle: 180.0, quarter: 0.5, ..Augment::default() };
    let mut exact = 0;
    for item in 0..3000 {
        let mut rng = Rng::stream(4, 0, item);
        let (width, height) = (rng.between(130, 600), rng.between(130, 600));
        let place = augment.place(&mut rng, width, height, 128);
        let warp = place.warp(128);
        for (i, j) in [(0.0, 0.0), (127.0, 0.0), (0.0, 127.0), (127.0, 127.0)] {
            let corner = [0, 1].map(|axis| warp.origin[axis] + i * warp.across[axis] + j * warp.down[axis]);
            assert!(corner[0] > -0.01 && corner[0] < width as f64 - 0.99, "{corner:?} in {width}×{height}: {place:?}");
            assert!(corner[1] > -0.01 && corner[1] < height as f64 - 0.99, "{corner:?} in {width}×{height}: {place:?}");
        }
        let whole = warp.origin.iter().all(|v| v.fract() == 0.0);
        exact += usize::from(whole && place.step == [1.0, 1.0] && place.angle == 0.0);
    }
    assert!((750..1050).contains(&exact), "{exact} of 3000 pixel for pixel");
}

#[test]
fn colours_change_as_told() {
    let grey: Vec<f32> = [0.3; 12].to_vec();
    let change = |colour: &Colour, crop: &[f32], item| {
        let mut crop = crop.to_vec();
        colour.apply(&mut Rng::stream(0, 0, item), &mut crop);
        crop
    };
    let none = Colour { share: 1.0, brightness: 0.0, contrast: 0.0, saturation: 0.0, hue: 0.0 };
    let bright = [0.5, 0.3, 0.2, 0.4, 0.6, 0.3];
    let luma = |p: &[f32]| 0.299 * p[0] + 0.587 * p[1] + 0.114 * p[2];
    for item in 0..50 {
        let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-5);
        assert!(close(&change(&none, &bright, item), &bright));
        let tinted = Colour { saturation: 0.5, hue: 0.1, ..none.clone() };
        assert!(close(&change(&tinted, &grey, item), &grey), "grey has no hue");
        let turned = change(&tinted, &bright, item);
        assert!(!close(&turned, &bright));
        assert!((luma(&turned) - luma(&bright)).abs() < 1e-5, "hue and saturation keep luma");
        let contrasted = change(&Colour { contrast: 0.4, ..none.clone() }, &bright, item);
        let mean = |crop: &[f32]| (luma(&crop[..3]) + luma(&crop[3..])) / 2.0;
        assert!((mean(&contrasted) - mean(&bright)).abs() < 1e-5, "contrast keeps the mean");
        let lit = change(&Colour { brightness: 0.5, ..none.clone() }, &bright, item);
        assert!((lit[0] / lit[1] - 5.0 / 3.0).abs() < 1e-4, "brightness scales");
    }
}

/// A folder with photographs in two levels, broken files and others.
fn album(root: &Path) {
    fs::create_dir_all(root.join("b/deep")).unwrap();
    for (name, side) in [("z.png", 90), ("b/deep/a.PNG", 120), ("b/m.png", 100)] {
        pattern(side, side).save_with_format(root.join(name), image::ImageFormat::Png).unwrap();
    }
    fs::write(root.join("a-broken.jpg"), b"no picture").unwrap();
    let whole = fs::read(root.join("z.png")).unwrap();
    fs::write(root.join("b/cut.png"), &whole[..whole.len() / 2]).unwrap();
    pattern(8, 90).save(root.join("b/narrow.png")).unwrap();
    fs::write(root.join("README.txt"), b"text").unwrap();
}

#[test]
fn broken_files_are_skipped() {
    let root = tempfile::tempdir().unwrap();
    album(root.path());
    let folder = Folder::open(root.path(), usize::MAX).unwrap();
    let names: Vec<_> = folder.paths().iter().map(|path| path.to_str().unwrap()).collect();
    assert_eq!(names, ["a-broken.jpg", "b/cut.png", "b/deep/a.PNG", "b/m.png", "b/narrow.png", "z.png"]);
    let sides: Vec<_> = (0..folder.len()).map(|index| folder.photo(index).map(|photo| photo.width())).collect();
    assert_eq!(sides, [None, None, Some(120), Some(100), None, Some(90)]);
    assert!(Folder::open(root.path().join("none"), 0).is_err());
    fs::create_dir(root.path().join("empty")).unwrap();
    assert!(Folder::open(root.path().join("empty"), 0).is_err());
}

#[test]
fn the_manifest_names_paths_and_contents() {
    let root = tempfile::tempdir().unwrap();
    album(root.path());
    let manifest = || Folder::open(root.path(), 0).unwrap().manifest().unwrap();
    let first = manifest();
    assert_eq!(first.len(), 64);
    assert_eq!(first, manifest());
    fs::write(root.path().join("a-broken.jpg"), b"no pictur3").unwrap();
    let second = manifest();
    assert_ne!(first, second);
    fs::rename(root.path().join("z.png"), root.path().join("y.png")).unwrap();
    assert_ne!(second, manifest());
}

fn recipe(step: u64) -> Recipe {
    let size = if step < 3 { 32 } else { 48 };
    Recipe { size, n: 3, augment: Augment::default(), masks: Masks::default() }
}

#[test]
fn batches_do_not_depend_on_threads_memory_or_start() {
    let root = tempfile::tempdir().unwrap();
    album(root.path());
    let run = |threads, ahead, memory, first: u64, seed| -> Vec<Batch> {
        let folder = Arc::new(Folder::open(root.path(), memory).unwrap());
        let make = move |step| Batch::make(&folder, seed, step, &recipe(step));
        Batches::making(first, threads, ahead, make).take((8 - first) as usize).collect()
    };
    let expected = run(1, 0, usize::MAX, 0, 11);
    for (step, batch) in expected.iter().enumerate() {
        let Recipe { size, n, .. } = recipe(step as u64);
        assert_eq!((batch.size, batch.n), (size, n));
        assert_eq!(batch.images.len(), n * size * size * 3);
        assert_eq!(batch.masks.len(), n * size * size);
        assert!(batch.images.iter().all(|v| (0.0..=1.0).contains(v)));
    }
    assert!(expected[0] != expected[1]);
    assert!(run(3, 2, usize::MAX, 0, 11) == expected);
    assert!(run(2, 1, 0, 0, 11) == expected, "photographs decoded each time");
    assert!(run(2, 1, usize::MAX, 5, 11) == expected[5..], "a run resumed at step 5");
    assert!(run(1, 0, usize::MAX, 0, 12) != expected);
}

#[test]
fn augmentation_is_read_and_checked() {
    let augment: Augment = toml::from_str("flip = 0.0\narea = [0.2, 0.5]\n[colour]\nhue = 0.0").unwrap();
    assert_eq!((augment.flip, augment.area, augment.colour.hue), (0.0, [0.2, 0.5], 0.0));
    assert_eq!(augment.angle, Augment::default().angle);
    assert!(toml::from_str::<Augment>("flop = 1").is_err());
    assert!(augment.check().is_ok());
    for wrong in ["flip = 1.5", "area = [0.5, 0.2]", "aspect = 0.5", "magnify = 0.0", "angle = 270", "exact = nan"] {
        assert!(toml::from_str::<Augment>(wrong).unwrap().check().is_err(), "{wrong}");
    }
}
