//! How fast training data is made, on one core: `cargo run --release --example throughput -p inpaint-train`.

use inpaint_train::{
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
}
