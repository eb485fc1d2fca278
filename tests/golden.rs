//! Digests of real outputs that every architecture reproduces: `tests/golden/digests.tsv`.
//!
//! After a change that is meant to change results, `UPDATE_GOLDEN=1 cargo test --test golden` rewrites the file.
#![cfg(feature = "embedded-weights")]

use std::fmt::Write;

use image::imageops::crop_imm;
use image::{DynamicImage, GrayImage};
use inpaint_edge::{Inpainter, Options, Result, Sample};
use ndarray::{ArrayView2, ArrayView3};
use sha2::{Digest, Sha256};

/// The filled samples of a picture of the mask's size, in memory order.
fn filled<T: Sample>(inpainter: &Inpainter, samples: &[T], mask: &GrayImage) -> Result<Vec<T>> {
    let (height, width) = (mask.height() as usize, mask.width() as usize);
    let image = ArrayView3::from_shape((height, width, samples.len() / (height * width)), samples).unwrap();
    let mask = ArrayView2::from_shape((height, width), mask.as_raw()).unwrap();
    inpainter.inpaint(image, mask).map(|(out, _)| out.into_iter().collect())
}

#[test]
fn outputs_have_the_recorded_digests() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let photo = image::open(folder.join("images/photo.png")).unwrap();
    let mask = image::open(folder.join("images/mask.png")).unwrap().into_luma8();
    let inpainter = Inpainter::embedded(Options::default()).unwrap();
    let mut found = String::new();
    for (x, y, width, height) in [(280, 190, 64, 64), (300, 200, 97, 53), (150, 60, 31, 128), (320, 230, 1, 1)] {
        let crop: DynamicImage = crop_imm(&photo, x, y, width, height).to_image().into();
        let hole: GrayImage = crop_imm(&mask, x, y, width, height).to_image();
        let narrow = |image: DynamicImage| filled(&inpainter, image.as_bytes(), &hole);
        let deep = filled(&inpainter, crop.to_rgb16().as_raw(), &hole);
        for (kind, result) in [
            ("rgb8", narrow(crop.to_rgb8().into())),
            ("rgba8", narrow(crop.to_rgba8().into())),
            ("grey8", narrow(crop.to_luma8().into())),
            ("rgb16", deep.map(|samples| samples.into_iter().flat_map(u16::to_le_bytes).collect())),
        ] {
            let digest = match result {
                Ok(bytes) => Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect(),
                Err(e) => e.kind().name().to_owned(),
            };
            writeln!(found, "{x},{y} {width}x{height}\t{kind}\t{digest}").unwrap();
        }
    }
    let path = folder.join("golden/digests.tsv");
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, std::fs::read_to_string(&path).unwrap());
}
