//! Checkpoints of every program, converted and run by the engine, beside what that program's layers compute from them
//! (`tests/fixtures/make.py`), and what Keras and Chainer themselves compute (`keras_real.py`, `chainer_real.py`).

use std::io::{Cursor, Read};
use std::path::PathBuf;

use inpaint_convert::input::Input;
use inpaint_convert::layout::{Fact, Layout};
use inpaint_convert::{Options, Report, convert};
use inpaint_edge::weights::Dtype;
use inpaint_edge::{Inpainter, Mask, MaskRule, Result};
use ndarray::{Array2, Array3};
use safetensors::SafeTensors;

fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn converted(name: &str, options: &Options) -> Result<(Vec<u8>, Report)> {
    let mut out = Vec::new();
    let report = convert(Input::from_bytes(&fixture(name)), options, &mut out)?;
    Ok((out, report))
}

/// The largest difference between the engine's result and the fixture's `case`.
fn difference(weights: &[u8], case: &str) -> f32 {
    let [bytes, keras, chainer] =
        ["cases", "keras_real", "chainer_real"].map(|name| fixture(&format!("{name}.safetensors")));
    let [cases, keras, chainer] = [&bytes, &keras, &chainer].map(|bytes| SafeTensors::deserialize(bytes).unwrap());
    let floats = |name: &str| {
        let tensor = [&cases, &keras, &chainer].into_iter().find_map(|cases| cases.tensor(name).ok()).unwrap();
        let [h, w, c] = tensor.shape().try_into().unwrap();
        let data = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        Array3::from_shape_vec((h, w, c), data).unwrap()
    };
    let (x, expected) = (floats("x"), floats(case));
    let (h, w, _) = x.dim();
    let known = cases.tensor("m").unwrap().data().to_vec();
    let mask = Array2::from_shape_vec((h, w), known).unwrap().mapv(|m| 255 * (1 - m));
    let inpainter = Inpainter::from_bytes(weights, Default::default()).unwrap();
    let mask = Mask::from_bytes(mask.view(), MaskRule::default()).unwrap();
    let found = inpainter.inpaint(x.view(), &mask).unwrap();
    assert_ne!(found, x);
    found.iter().zip(&expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max)
}

fn check(name: &str, layout: &str, facts: &[Fact], ones: usize) {
    for from in [None, Some(Layout::named(layout).unwrap())] {
        let options = Options { from, facts: facts.to_vec(), ..Options::default() };
        let (weights, report) = converted(name, &options).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!(report.layout, layout, "{name}");
        assert_eq!(report.ones, ones, "{name}: mask kernels");
        let case = if facts.contains(&Fact::NoTanh) { format!("{name}, no-tanh") } else { name.to_owned() };
        let most = difference(&weights, &case);
        println!("{case}: largest difference {most:e}");
        assert!(most <= 2e-5, "{case}: {most:e}");
    }
}

#[test]
fn naoto_legacy_file_with_optimizer() {
    check("naoto.legacy.pth", "naoto", &[], 6);
}

#[test]
fn every_type_stride_and_shared_storage() {
    check("mixed.pth", "naoto", &[], 4);
    check("mixed.legacy.pth", "naoto", &[], 4);
    let both = ["mixed.pth", "mixed.legacy.pth"].map(|name| converted(name, &Options::default()).unwrap().0);
    assert!(both[0] == both[1], "the two file formats hold the same numbers");
}

#[test]
fn bobqywei() {
    check("bobqywei.pth", "bobqywei", &[], 6);
}

#[test]
fn mmediting_swaps_colours() {
    check("mmediting.pth", "mmediting", &[], 6);
}

#[test]
fn xyfjason() {
    check("xyfjason.pth", "xyfjason", &[], 8);
}

#[test]
fn ja3067_with_tanh_and_without() {
    check("ja3067.pth", "ja3067", &[], 0);
    check("ja3067.pth", "ja3067", &[Fact::NoTanh], 0);
}

#[test]
fn reference_module_in_safetensors() {
    check("nvidia.safetensors", "nvidia", &[], 0);
}

#[test]
fn reference_module() {
    check("reference.pth", "nvidia", &[], 0);
}

#[test]
fn keras_ends_in_a_head_and_a_sigmoid() {
    check("keras.h5", "keras", &[Fact::FrozenBn], 0);
}

#[test]
fn keras_on_tensorflow_2_saves_kernels_of_ones() {
    check("keras2.h5", "keras", &[Fact::FrozenBn], 6);
    check("keras2.keras", "keras", &[Fact::FrozenBn], 6);
    let of = |name| converted(name, &frozen()).unwrap().0;
    assert!(of("keras2.h5") == of("keras2.keras"), "both file formats hold the same network");
}

/// One that training has moved is a part of the network that the engine does not have.
#[test]
fn keras_with_a_trained_kernel_of_ones_is_refused() {
    let mut bytes = fixture("keras2.h5");
    let ones: Vec<u8> = [1f32; 9 * 5 * 5].iter().flat_map(|v| v.to_le_bytes()).collect();
    let at = bytes.windows(ones.len()).position(|window| window == ones).unwrap();
    bytes[at] = 1;
    for allow_extra in [false, true] {
        let options = Options { allow_extra, ..frozen() };
        let error = convert(Input::from_bytes(&bytes), &options, &mut Vec::new()).unwrap_err().to_string();
        assert!(error.contains("/Variable: expected ones, found others"), "{error}");
    }
}

#[test]
fn keras_3_names_no_layers() {
    check("keras3.keras", "keras", &[Fact::FrozenBn], 0);
    // `save_weights` writes what is inside of the archive.
    let whole = fixture("keras3.keras");
    let mut archive = zip::ZipArchive::new(Cursor::new(&whole)).unwrap();
    let mut weights = Vec::new();
    archive.by_name("model.weights.h5").unwrap().read_to_end(&mut weights).unwrap();
    let mut out = Vec::new();
    convert(Input::from_bytes(&weights), &frozen(), &mut out).unwrap();
    assert!(out == converted("keras3.keras", &frozen()).unwrap().0);
}

/// A file on disk is read as its tensors are needed, with the same result.
#[test]
fn keras_from_disk() {
    for name in ["keras2.h5", "keras3.keras"] {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
        let mut out = Vec::new();
        convert(Input::open(&path).unwrap(), &frozen(), &mut out).unwrap();
        assert!(out == converted(name, &frozen()).unwrap().0, "{name}");
    }
}

fn frozen() -> Options {
    Options { facts: vec![Fact::FrozenBn], ..Options::default() }
}

#[test]
fn chainer_skips_first() {
    check("chainer.npz", "chainer", &[], 6);
}

/// The program resets its kernels of ones at every call, and the optimizer moves them before they are saved.
#[test]
fn chainer_after_training() {
    check("trained.npz", "chainer", &[], 6);
    let (_, report) = converted("trained.npz", &Options::default()).unwrap();
    assert!(report.notes[0].contains("statistics of each image"), "{report:?}");
}

#[test]
fn halves_are_near() {
    let options = Options { dtype: Dtype::F16, ..Options::default() };
    let (weights, _) = converted("xyfjason.pth", &options).unwrap();
    let (whole, _) = converted("xyfjason.pth", &Options::default()).unwrap();
    assert!(weights.len() < whole.len() * 2 / 3);
    let most = difference(&weights, "xyfjason.pth");
    assert!((1e-6..1e-2).contains(&most), "{most:e}");
}

#[test]
fn what_the_engine_cannot_do_is_refused_with_the_reason() {
    for (name, reason) in [("tanimutomo.pth", "ratio twice"), ("keras.h5", "train_bn=True")] {
        let error = converted(name, &Options::default()).unwrap_err();
        assert_eq!(error.kind().exit_code(), 4, "{name}");
        assert!(error.to_string().contains(reason), "{name}: {error}");
    }
}
