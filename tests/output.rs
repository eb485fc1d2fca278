//! Networks with a head, tanh or sigmoid after the last layer, compared with the same network without.

mod common;

use inpaint_edge::weights::{Output, Weights};
use inpaint_edge::{Inpainter, Isa, Options};
use ndarray::Array3;

use common::safetensors::{Tensor, deserialize, serialize};

const HEAD: [f32; 9] = [0.5, -0.25, 0.125, 1.5, 0.75, -1.0, 0.25, -0.5, 2.0];
const BIAS: [f32; 3] = [0.1, -0.2, 0.3];

/// `file` with `output` and perhaps a head, on values that need no scaling.
fn variant(file: &[u8], output: &str, head: bool) -> Vec<u8> {
    let (mut meta, mut tensors) = deserialize(file);
    for (key, value) in [("output", output), ("input_mean", "0,0,0"), ("input_std", "1,1,1")] {
        meta.insert(key.into(), value.into());
    }
    let tensor = |shape, values: &[f32]| {
        let data = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        Tensor { dtype: "F32", shape, data }
    };
    if head {
        tensors.insert("head.weight".into(), tensor(vec![3, 3, 1, 1], &HEAD));
        tensors.insert("head.bias".into(), tensor(vec![3], &BIAS));
    }
    serialize(&meta, &tensors)
}

fn expected(v: f32, output: &str) -> f32 {
    match output {
        "tanh" => f64::from(v).tanh() as f32,
        "sigmoid" => (1.0 / (1.0 + (-f64::from(v)).exp())) as f32,
        _ => v,
    }
}

#[test]
fn a_head_and_a_function_apply_to_the_last_layers_output() {
    let net = common::Net::random(2, &[(5, 6), (3, 9)], &[6, 3], 8);
    let (image, mask) = common::scene(40, 32, 0, 5);
    let fill = |file: &[u8], isa| {
        let inpainter = Inpainter::from_bytes(file, Options::default().isa(Some(isa))).unwrap();
        inpainter.inpaint(image.view(), &common::hole(&mask)).unwrap()
    };
    let plain = fill(&variant(&net.file, "linear", false), Isa::best());
    // Pixels whose three channels are inside 0 … 1, so that clipping hides none.
    let inside = |v: &[f32]| v.iter().all(|v| *v > 0.0 && *v < 1.0);
    let pixels: Vec<(usize, usize)> = (0..32 * 40)
        .map(|i| (i / 40, i % 40))
        .filter(|&(y, x)| mask[[y, x]] > 0 && inside(&[plain[[y, x, 0]], plain[[y, x, 1]], plain[[y, x, 2]]]))
        .collect();
    assert!(pixels.len() > 30, "{} pixels", pixels.len());
    for output in ["linear", "tanh", "sigmoid"] {
        for head in [false, true] {
            let file = variant(&net.file, output, head);
            let results: Vec<Array3<f32>> = Isa::available().map(|isa| fill(&file, isa)).collect();
            assert!(
                results.iter().all(|result| *result == results[0]),
                "{output}, head {head}: instruction sets differ"
            );
            for &(y, x) in &pixels {
                for o in 0..3 {
                    let v = match head {
                        true => (0..3).map(|c| HEAD[3 * o + c] * plain[[y, x, c]]).sum::<f32>() + BIAS[o],
                        false => plain[[y, x, o]],
                    };
                    let (found, expected) = (results[0][[y, x, o]], expected(v, output).clamp(0.0, 1.0));
                    assert!(
                        (found - expected).abs() < 1e-6,
                        "{output}, head {head}: {expected} expected, {found} found"
                    );
                }
            }
        }
    }
}

#[test]
fn the_schema_has_a_head_and_the_output_functions() {
    let net = common::Net::random(1, &[(3, 2)], &[3], 1);
    for (name, output) in [("linear", Output::Linear), ("tanh", Output::Tanh), ("sigmoid", Output::Sigmoid)] {
        let file = variant(&net.file, name, true);
        let weights = Weights::from_bytes(&file).unwrap();
        assert_eq!((weights.config().output(), weights.config().head()), (output, true));
    }
    let plain = Weights::from_bytes(&net.file).unwrap().config().clone();
    assert_eq!((plain.output(), plain.head()), (Output::Linear, false));
    let file = variant(&net.file, "linear", true);
    assert_eq!(Weights::from_bytes(&file).unwrap().config().parameters(), plain.parameters() + 12);
    let complaint = |file: &[u8]| Weights::from_bytes(file).unwrap_err().to_string();
    assert_eq!(
        complaint(&variant(&net.file, "relu", false)),
        "metadata output: expected linear, tanh or sigmoid, found relu"
    );
    let renamed = |from: &str, to: &str| {
        let at = file.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut file = file.clone();
        file[at..at + to.len()].copy_from_slice(to.as_bytes());
        file
    };
    assert_eq!(complaint(&renamed("head.bias", "head.bia5")), "tensor head.bias: missing");
    assert_eq!(
        complaint(&renamed("[3,3,1,1]", "[1,3,1,3]")),
        "tensor head.weight: expected [3, 3, 1, 1], found [1, 3, 1, 3]"
    );
}
