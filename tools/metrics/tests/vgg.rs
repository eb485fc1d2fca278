//! The features against a plain loop, and what the distance means.

use inpaint_metrics::vgg::{Vgg, feature_distance};
use safetensors::{
    SafeTensors, serialize,
    tensor::{Dtype, TensorView},
};

const SHAPES: [(&str, usize, usize); 7] = [
    ("conv1_1", 3, 64),
    ("conv1_2", 64, 64),
    ("conv2_1", 64, 128),
    ("conv2_2", 128, 128),
    ("conv3_1", 128, 256),
    ("conv3_2", 256, 256),
    ("conv3_3", 256, 256),
];

fn floats(bytes: &[u8]) -> Vec<f32> {
    bytes.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect()
}

/// A weights file of small numbers that tell every weight apart.
fn file(change: impl Fn(&str, &mut Vec<usize>)) -> Vec<u8> {
    let mut tensors: Vec<(String, Vec<usize>, Vec<u8>)> = Vec::new();
    for (name, c_in, c_out) in SHAPES {
        let scale = (2.0 / (9 * c_in) as f32).sqrt();
        let value = |i: usize| scale * ((i * 7919 % 1009) as f32 / 504.0 - 1.0);
        let mut shape = vec![c_out, c_in, 3, 3];
        change(name, &mut shape);
        let weight = (0..shape.iter().product()).flat_map(|i| value(i).to_le_bytes()).collect();
        tensors.push((format!("{name}.weight"), shape, weight));
        let bias = (0..c_out).flat_map(|i| (0.1 * value(i)).to_le_bytes()).collect();
        tensors.push((format!("{name}.bias"), vec![c_out], bias));
    }
    let views = tensors.iter().map(|(n, s, b)| (n, TensorView::new(Dtype::F32, s.clone(), b).unwrap()));
    serialize(views, None).unwrap()
}

/// pool1 of a plain loop over the definition.
fn first_pool(file: &[u8], image: &[f32], size: usize) -> Vec<f32> {
    let file = SafeTensors::deserialize(file).unwrap();
    let mean = [123.68, 116.779, 103.939];
    let mut map: Vec<f32> = image.iter().enumerate().map(|(i, v)| 255.0 * v - mean[i % 3]).collect();
    // Blue, green, red.
    map.chunks_exact_mut(3).for_each(|pixel| pixel.swap(0, 2));
    for (name, c_in, c_out) in &SHAPES[..2] {
        let weight = floats(file.tensor(&format!("{name}.weight")).unwrap().data());
        let bias = floats(file.tensor(&format!("{name}.bias")).unwrap().data());
        let mut out = vec![0.0; size * size * c_out];
        for (i, out) in out.iter_mut().enumerate() {
            let (o, x, y) = (i % c_out, i / c_out % size, i / c_out / size);
            let mut sum = f64::from(bias[o]);
            for tap in 0..9 {
                let (sx, sy) = ((x + tap % 3).wrapping_sub(1), (y + tap / 3).wrapping_sub(1));
                if sx < size && sy < size {
                    for c in 0..*c_in {
                        let w = weight[(o * c_in + c) * 9 + tap];
                        sum += f64::from(w) * f64::from(map[(sy * size + sx) * c_in + c]);
                    }
                }
            }
            *out = sum.max(0.0) as f32;
        }
        map = out;
    }
    let at = |x: usize, y: usize, c: usize| map[(y * size + x) * 64 + c];
    let half = size / 2;
    (0..half * half * 64)
        .map(|i| {
            let (c, x, y) = (i % 64, 2 * (i / 64 % half), 2 * (i / 64 / half));
            at(x, y, c).max(at(x + 1, y, c)).max(at(x, y + 1, c)).max(at(x + 1, y + 1, c))
        })
        .collect()
}

#[test]
fn the_first_pool_is_that_of_the_definition() {
    let (file, size) = (file(|_, _| ()), 8);
    let image: Vec<f32> = (0..size * size * 3).map(|i| (i * 37 % 101) as f32 / 100.0).collect();
    let features = Vgg::from_bytes(&file).unwrap().features(&image, size, size);
    assert_eq!(features.each_ref().map(Vec::len), [16 * 64, 4 * 128, 256]);
    for (found, expected) in features[0].iter().zip(first_pool(&file, &image, size)) {
        assert!((found - expected).abs() < 1e-3 * expected.abs().max(1.0), "{found}, {expected} expected");
    }
}

#[test]
fn distances_are_relative() {
    let truth = [vec![1.0, 3.0], vec![2.0], vec![4.0]];
    assert_eq!(feature_distance(&truth, &truth), 0.0);
    let other = [vec![2.0, 3.0], vec![1.0], vec![4.0]];
    assert!((feature_distance(&other, &truth) - (0.25 + 0.5) / 3.0).abs() < 1e-12);
}

#[test]
fn a_wrong_file_is_named() {
    let wrong = file(|name, shape| {
        if name == "conv2_1" {
            shape[1] = 63
        }
    });
    let error = Vgg::from_bytes(&wrong).err().unwrap();
    assert_eq!(error, "tensor conv2_1.weight: [128, 64, 3, 3] expected, [128, 63, 3, 3] found");
    assert!(Vgg::from_bytes(b"no").is_err());
}
