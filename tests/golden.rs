//! Digests of real outputs that every architecture reproduces: `tests/golden/digests.tsv`.
//!
//! After a change that is meant to change results, `UPDATE_GOLDEN=1 cargo test --test golden` rewrites the file.
#![cfg(all(feature = "cli", feature = "embedded-weights"))]

use std::fmt::Write;
use std::ops::ControlFlow;

use image::imageops::crop_imm;
use image::{DynamicImage, GrayImage};
use inpaint_edge::{Inpainter, Options};
use sha2::{Digest, Sha256};

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
        let kinds: [(&str, DynamicImage); 4] = [
            ("rgb8", crop.to_rgb8().into()),
            ("rgba8", crop.to_rgba8().into()),
            ("grey8", crop.to_luma8().into()),
            ("rgb16", crop.to_rgb16().into()),
        ];
        for (kind, image) in kinds {
            let digest = match inpainter.inpaint_image(&image, &hole, &mut |_| ControlFlow::Continue(())) {
                Ok((out, _)) => {
                    let bytes: Vec<u8> = match &out {
                        DynamicImage::ImageRgb16(p) => p.iter().flat_map(|v| v.to_le_bytes()).collect(),
                        narrow => narrow.as_bytes().to_vec(),
                    };
                    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
                }
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
