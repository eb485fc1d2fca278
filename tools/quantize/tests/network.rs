//! A network of floats made one of integers.

use inpaint_edge::weights::Weights;
use inpaint_edge::{Inpainter, Mask, Options, Request, Texture};
use inpaint_quantize::network::{Rule, quantise};
use inpaint_quantize::statistics::Statistics;
use ndarray::Array3;
use std::collections::BTreeMap;

const NANO: &[u8] = inpaint_edge_weights::NANO_F16;

/// Waves and a slope.
fn photograph(seed: usize) -> Array3<u8> {
    Array3::from_shape_fn((96, 128, 3), |(y, x, c)| {
        let wave = ((x * (3 + c) + y * 2 + seed * 17) as f32 * 0.11).sin() * 60.0;
        (110.0 + wave + (y as f32 * 0.5) + (x * y % 7) as f32) as u8
    })
}

fn hole() -> Mask {
    let mut mask = Mask::new(128, 96).unwrap();
    mask.add_box(40..64, 30..50);
    mask.add_box(80..85, 10..90);
    mask
}

fn inpainter(weights: &[u8]) -> Inpainter {
    Inpainter::from_bytes(weights, Options::default().threads(1).texture(Texture::Off)).unwrap()
}

fn statistics() -> Vec<Statistics> {
    let inpainter = inpainter(NANO);
    let maps = inpainter.config().layers().len() + 1;
    let mut all: Vec<Statistics> = std::iter::repeat_with(Statistics::default).take(maps).collect();
    for seed in 0..4 {
        let mut image = photograph(seed);
        let mut observe = |map: usize, values: &[f32]| all[map].add(values);
        inpainter.run(Request::new(image.view_mut(), &hole()).observe(&mut observe)).unwrap();
    }
    all
}

fn integers(rule: Rule) -> Vec<u8> {
    quantise(Weights::from_bytes(NANO).unwrap(), &statistics(), rule, &BTreeMap::new()).unwrap().0
}

/// Root of the mean squared difference in the hole.
fn difference(a: &Array3<u8>, b: &Array3<u8>) -> f64 {
    let mask = hole();
    let squares = a.indexed_iter().filter(|((y, x, _), _)| mask.is_hole(*x, *y));
    let squares: Vec<f64> = squares.map(|(at, v)| (f64::from(*v) - f64::from(b[at])).powi(2)).collect();
    (squares.iter().sum::<f64>() / squares.len() as f64).sqrt()
}

#[test]
fn integers_fill_nearly_as_floats_do() {
    let image = photograph(9);
    let floats = inpainter(NANO).inpaint(image.view(), &hole()).unwrap();
    let rule = Rule { wide: 2, share: 0.99999 };
    let of = |rule| difference(&floats, &inpainter(&integers(rule)).inpaint(image.view(), &hole()).unwrap());
    let (mixed, wide) = (of(rule), of(Rule { wide: 6, ..rule }));
    assert!(mixed < 2.5, "8 and 16 bits: {mixed}");
    assert!(wide < 1.5, "16 bits: {wide}");
    // Clipping a tenth of all values shows.
    let clipped = of(Rule { share: 0.9, ..rule });
    assert!(clipped > mixed, "{clipped}, {mixed}");
}

#[test]
fn the_same_arguments_give_the_same_file() {
    let rule = Rule { wide: 1, share: 0.999 };
    let file = integers(rule);
    assert!(file == integers(rule));
    assert!(file != integers(Rule { share: 0.99, ..rule }));
    // A byte a weight, but for zeros that fill panels up.
    assert!(file.len() < NANO.len());
}
