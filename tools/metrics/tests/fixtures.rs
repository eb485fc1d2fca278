//! The metrics against scikit-image's and OpenCV's (`fixture.py` writes `fixture.json`).

use inpaint_metrics::{MAX_PSNR, gradient_energy, l1_hole, psnr, psnr_hole, ssim, ssim_hole};
use serde::Deserialize;

#[derive(Deserialize)]
struct Case {
    name: String,
    width: usize,
    height: usize,
    image: Vec<u8>,
    truth: Vec<u8>,
    mask: Vec<u8>,
    psnr: f64,
    ssim: f64,
    l1_hole: f64,
    psnr_hole: f64,
    ssim_hole: f64,
    gradient_energy: f64,
}

fn cases() -> Vec<Case> {
    let cases: Vec<Case> = serde_json::from_str(include_str!("fixture.json")).unwrap();
    assert_eq!(cases.len(), 4);
    cases
}

fn values(levels: &[u8]) -> Vec<f32> {
    levels.iter().map(|&level| f32::from(level) / 255.0).collect()
}

#[test]
fn the_numbers_are_those_of_others() {
    for case in cases() {
        let (image, truth) = (values(&case.image), values(&case.truth));
        let close = |got: f64, expected: f64, within: f64| {
            assert!((got - expected).abs() < within, "{}: {got}, expected {expected}", case.name);
        };
        close(psnr(&image, &truth), case.psnr, 1e-4);
        close(ssim(&image, &truth, case.width, case.height), case.ssim, 1e-6);
        close(l1_hole(&image, &truth, &case.mask), case.l1_hole, 1e-6);
        close(psnr_hole(&image, &truth, &case.mask), case.psnr_hole, 1e-4);
        close(ssim_hole(&image, &truth, &case.mask, case.width, case.height), case.ssim_hole, 1e-6);
        close(gradient_energy(&image, &case.mask, case.width), case.gradient_energy, 1e-9);
    }
}

#[test]
fn equal_images_are_perfect() {
    let case = &cases()[0];
    let truth = values(&case.truth);
    assert_eq!(psnr(&truth, &truth), MAX_PSNR);
    assert!((ssim(&truth, &truth, case.width, case.height) - 1.0).abs() < 1e-12);
    assert_eq!(l1_hole(&truth, &truth, &case.mask), 0.0);
    assert_eq!(psnr_hole(&truth, &truth, &case.mask), MAX_PSNR);
    assert!((ssim_hole(&truth, &truth, &case.mask, case.width, case.height) - 1.0).abs() < 1e-12);
}

#[test]
fn only_the_hole_counts() {
    let (truth, mut image) = (vec![0.5; 12], vec![0.5; 12]);
    image[..3].copy_from_slice(&[0.75, 0.25, 0.5]);
    image[3..6].copy_from_slice(&[9.0; 3]);
    assert_eq!(l1_hole(&image, &truth, &[0, 1, 0, 1]), 0.5 / 6.0);
    assert_eq!(l1_hole(&image, &truth, &[1; 4]), 0.0);
    assert_eq!(psnr_hole(&image, &truth, &[0, 1, 0, 1]), -10.0 * (0.125_f64 / 6.0).log10());
    assert_eq!(psnr_hole(&image, &truth, &[1; 4]), MAX_PSNR);
}

#[test]
fn a_hole_without_windows_or_gradients_is_told() {
    let (black, white) = (vec![0.0; 3 * 144], vec![1.0; 3 * 144]);
    assert_eq!(ssim_hole(&black, &white, &[1; 144], 12, 12), 1.0);
    assert!(ssim_hole(&black, &white, &[0; 144], 12, 12) < 0.01);
    // Grey 0, 255, 255 in three rows: the first differs from the second, the third has no next one.
    let image: Vec<f32> = [[0.0; 6], [1.0; 6], [1.0; 6]].concat();
    assert_eq!(gradient_energy(&image, &[0; 6], 2), 255.0 * 255.0 / 2.0);
    assert_eq!(gradient_energy(&image, &[1, 0, 1, 0, 0, 0], 2), 0.0);
}
