//! How fast training data is made, on one core:
//! `cargo run --profile tools --example throughput -p inpaint-train [FOLDER OF PHOTOGRAPHS]`.

use inpaint_train::{
    data::{Augment, Batch, Folder, Recipe},
    masks::{Kind, Masks},
    rng::Rng,
};
use std::time::Instant;

fn main() {
    println!("{:<12}{:>12}{:>12}  ms a mask, ratio 0.02..0.5", "masks", "128²", "256²");
    for kind in Kind::ALL {
        let masks = Masks::of(kind, 0.02..=0.5);
        let ms = [128, 256].map(|size| {
            let start = Instant::now();
            let holes: usize = (0..200)
                .map(|item| masks.sample(&mut Rng::stream(1, 0, item), size, size).iter().filter(|&&k| k == 0).count())
                .sum();
            assert!(holes > 0);
            start.elapsed().as_secs_f64() * 1000.0 / 200.0
        });
        println!("{:<12}{:>12.3}{:>12.3}", kind.name(), ms[0], ms[1]);
    }
    let Some(data) = std::env::args().nth(1) else { return };
    let folder = Folder::open(data, 1 << 32).expect("a folder of photographs");
    let start = Instant::now();
    let bytes: usize = (0..folder.len()).filter_map(|index| folder.photo(index)).map(|photo| photo.bytes()).sum();
    println!("decoded {} files to {} MB in {:.1} s", folder.len(), bytes >> 20, start.elapsed().as_secs_f64());
    let start = Instant::now();
    let manifest = folder.manifest().expect("files to be read");
    println!("manifest {} in {:.1} s", &manifest[..16], start.elapsed().as_secs_f64());
    for size in [128, 256] {
        let recipe = Recipe { size, n: 16, augment: Augment::default(), masks: Masks::default() };
        let start = Instant::now();
        let images: usize = (0..30).map(|step| Batch::make(&folder, 1, step, &recipe).n).sum();
        println!("{size}²: {:.0} samples a second, masks included", images as f64 / start.elapsed().as_secs_f64());
    }
}
