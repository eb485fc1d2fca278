//! Scores of a hole beside those of scikit-image, OpenCV and numpy (`fixture.py` prints them).

use image::{Rgb, RgbImage};
use inpaint_eval::{
    features::Features,
    scores::{Scores, Truth},
};
use std::path::Path;

const SIZE: u32 = 64;

/// What `fixture.py` draws: a truth with a hole, and a fill.
fn pictures() -> (RgbImage, Vec<u8>, RgbImage) {
    let channels = |value: &dyn Fn(i32) -> i32| Rgb([0, 1, 2].map(|c| value(c) as u8));
    let truth = RgbImage::from_fn(SIZE, SIZE, |x, y| {
        let (x, y) = (x as i32, y as i32);
        channels(&|c| 128 + 8 * ((5 * x + 3 * y * (c + 1)) % 31 - 15).abs() - (x * x * (c + 1) + y * y * x) % 61)
    });
    let (mut known, mut filled) = (Vec::new(), truth.clone());
    for (x, y, pixel) in filled.enumerate_pixels_mut() {
        let (x, y) = (x as i32, y as i32);
        let hole = 5 * (x - 30).pow(2) + 3 * (y - 34).pow(2) + (x - 30) * (y - 34) < 1400;
        known.push(u8::from(!hole));
        if hole {
            *pixel = channels(&|c| 100 + x + y * (c + 1) / 3 + (x * y) % 13);
        }
    }
    (truth, known, filled)
}

fn vgg() -> Features {
    Features::open(&Path::new(env!("CARGO_MANIFEST_DIR")).join("../../weights/vgg16-conv1-3.f16.safetensors")).unwrap()
}

#[test]
fn the_scores_of_a_hole_are_those_of_others() {
    let (truth, known, filled) = pictures();
    let vgg = vgg();
    let scores = Truth::new(&truth, &known, Some(&vgg), true).scores(&filled);
    let close = |name: &str, got: f64, expected: f64| {
        assert!((got - expected).abs() < 1e-4, "{name}: {got}, expected {expected}");
    };
    close("psnr", scores.psnr, 15.475974342544559);
    close("ssim", scores.ssim, 0.13102244660492704);
    close("l1", scores.l1, 0.13886110681491412);
    close("vgg", scores.vgg.unwrap(), 1.1809253924515113);
    close("gram", scores.gram.unwrap(), 0.9581323179480901);
    close("energy", scores.energy, 0.056858332253055886);
}

#[test]
fn of_a_composite_the_known_pixels_count() {
    let (truth, known, filled) = pictures();
    let vgg = vgg();
    let [whole, hole] = [false, true].map(|hole| Truth::new(&truth, &known, Some(&vgg), hole).scores(&filled));
    assert!(whole.psnr > hole.psnr + 5.0 && whole.ssim > hole.ssim + 0.4 && whole.vgg < hole.vgg);
    assert_eq!(Scores { psnr: hole.psnr, ssim: hole.ssim, vgg: hole.vgg, ..whole }, hole);
    let without = Truth::new(&truth, &known, None, true).scores(&filled);
    assert_eq!(without, Scores { vgg: None, gram: None, ..hole });
    let equal = Truth::new(&truth, &known, Some(&vgg), true).scores(&truth);
    assert_eq!((equal.vgg, equal.gram, equal.energy), (Some(0.0), Some(0.0), 1.0));
}
