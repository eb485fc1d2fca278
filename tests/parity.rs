//! The engine agrees with an independent one: fixtures made by ONNX Runtime (`tests/fixtures/make.py`).

#[path = "common/safetensors.rs"]
mod safetensors;

use inpaint_edge::{Inpainter, Isa, Mask, MaskRule, Options};
use ndarray::{Array2, Array3};

/// The networks see all of the photograph, as in the fixtures.
fn check(name: &str, weights: &[u8]) {
    let path = format!("{}/tests/fixtures/{name}.case.safetensors", env!("CARGO_MANIFEST_DIR"));
    let bytes = std::fs::read(path).unwrap();
    let (_, case) = safetensors::deserialize(&bytes);
    let floats = |name: &str| {
        let tensor = &case[name];
        let [h, w, c] = tensor.shape[..].try_into().unwrap();
        let data = tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        Array3::from_shape_vec((h, w, c), data).unwrap()
    };
    let (x, expected) = (floats("x"), floats("y"));
    let (h, w, _) = x.dim();
    let known = case["m"].data.clone();
    let mask = Array2::from_shape_vec((h, w), known).unwrap().mapv(|m| 255 * (1 - m));
    let mask = Mask::from_bytes(mask.view(), MaskRule::default()).unwrap();
    for isa in Isa::available() {
        for hole_aware in [true, false] {
            let options =
                Options::default().isa(Some(isa)).hole_aware(hole_aware).context(Some(usize::MAX)).grain(false);
            let inpainter = Inpainter::from_bytes(weights, options).unwrap();
            let found = inpainter.inpaint(x.view(), &mask).unwrap();
            let most = found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            println!("{name}, {isa}, hole_aware {hole_aware}: largest difference {most:e}");
            assert!(most <= 2e-5, "{name}, {isa}, hole_aware {hole_aware}: {most:e}");
            assert_ne!(found, x);
        }
    }
}

#[test]
fn random_networks_agree_with_onnx_runtime() {
    for name in ["l1", "l2", "l3", "l4", "prior"] {
        let path = format!("{}/tests/fixtures/{name}.weights.safetensors", env!("CARGO_MANIFEST_DIR"));
        check(name, &std::fs::read(path).unwrap());
    }
}

#[test]
fn shipped_weights_agree_with_onnx_runtime_on_a_photograph() {
    check("photo", &std::fs::read(concat!(env!("CARGO_MANIFEST_DIR"), "/weights/edge-f16.safetensors")).unwrap());
}
