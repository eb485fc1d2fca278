//! Every way a weights file can depart from the schema is an error that names the culprit.

mod common;

use std::collections::HashMap;

use inpaint_edge::ErrorKind;
use inpaint_edge::weights::Weights;
use safetensors::tensor::{Dtype, SafeTensors, TensorView};

/// A tiny valid file, taken apart.
struct Parts {
    meta: HashMap<String, String>,
    tensors: Vec<(String, Dtype, Vec<usize>, Vec<u8>)>,
}

impl Parts {
    fn tiny() -> Self {
        let net = common::Net::random(2, &[(3, 2), (3, 2)], &[2, 3], 1);
        let (_, header) = SafeTensors::read_metadata(&net.file).unwrap();
        let file = SafeTensors::deserialize(&net.file).unwrap();
        let tensors = file.iter().map(|(n, t)| (n.to_owned(), t.dtype(), t.shape().to_vec(), t.data().to_vec()));
        Self { meta: header.metadata().clone().unwrap(), tensors: tensors.collect() }
    }

    fn file(&self) -> Vec<u8> {
        let views = self.tensors.iter().map(|(n, t, s, d)| (n.clone(), TensorView::new(*t, s.clone(), d).unwrap()));
        safetensors::serialize(views, Some(self.meta.clone())).unwrap()
    }

    fn reshape(&mut self, name: &str, shape: &[usize]) {
        let tensor = self.tensors.iter_mut().find(|t| t.0 == name).unwrap();
        tensor.2 = shape.to_vec();
        tensor.3 = vec![0; shape.iter().product::<usize>() * 4];
    }
}

/// Reads everything, as an engine does.
fn read(bytes: &[u8]) -> inpaint_edge::Result<()> {
    let mut weights = Weights::from_bytes(bytes)?;
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    (0..weights.config().layers.len()).try_for_each(|i| weights.read_layer(i, &mut weight, &mut bias))
}

fn fails(change: impl FnOnce(&mut Parts), parts: &[&str]) {
    let mut file = Parts::tiny();
    change(&mut file);
    let error = read(&file.file()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Weights);
    for part in parts {
        assert!(error.to_string().contains(part), "{part:?} expected in {error}");
    }
}

#[test]
fn metadata() {
    read(&Parts::tiny().file()).unwrap();
    for key in ["format", "arch", "levels", "color", "input_mean", "input_std", "encoder_activation", "decoder_slope"] {
        fails(|f| drop(f.meta.remove(key)), &[key, "missing"]);
        fails(|f| drop(f.meta.insert(key.into(), "odd".into())), &[key, "expected", "odd"]);
    }
    let set = |key: &'static str, value: &'static str| {
        move |f: &mut Parts| drop(f.meta.insert(key.to_owned(), value.to_owned()))
    };
    fails(set("prior", "magic"), &["prior", "harmonic", "magic"]);
    fails(set("extra", "1"), &["extra"]);
    fails(set("levels", "0"), &["levels", "1 … 12"]);
    fails(set("levels", "13"), &["levels", "13"]);
    fails(set("input_std", "1,0,1"), &["input_std", "positive"]);
    fails(set("input_mean", "1,2"), &["input_mean", "1,2"]);
    fails(set("input_mean", "1,nan,2"), &["input_mean"]);
    fails(set("decoder_slope", "inf"), &["decoder_slope"]);
    let mut file = Parts::tiny();
    set("provenance.steps", "12")(&mut file);
    set("prior", "none")(&mut file);
    read(&file.file()).unwrap();
}

#[test]
fn tensors() {
    for name in ["enc1.weight", "enc2.bias", "dec2.weight", "dec1.bias"] {
        fails(|f| f.tensors.retain(|t| t.0 != name), &[name, "missing"]);
    }
    fails(|f| f.reshape("enc1.weight", &[2, 4, 3, 3]), &["enc1.weight", ", 3, k, k]", "[2, 4, 3, 3]"]);
    fails(|f| f.reshape("enc2.weight", &[2, 2, 4, 4]), &["enc2.weight", "[2, 2, 4, 4]"]);
    fails(|f| f.reshape("enc2.weight", &[2, 2, 17, 17]), &["enc2.weight"]);
    fails(|f| f.reshape("enc2.weight", &[2, 2, 3, 5]), &["enc2.weight"]);
    fails(|f| f.reshape("enc2.weight", &[2, 18]), &["enc2.weight", "[2, 18]"]);
    fails(|f| f.reshape("enc2.weight", &[0, 2, 3, 3]), &["enc2.weight"]);
    fails(|f| f.reshape("enc2.bias", &[3]), &["enc2.bias", "[2]", "[3]"]);
    fails(|f| f.reshape("dec2.weight", &[2, 5, 3, 3]), &["dec2.weight", "4, 3, 3]"]);
    fails(|f| f.reshape("dec2.weight", &[2, 4, 5, 5]), &["dec2.weight", "3, 3]"]);
    fails(|f| f.reshape("dec1.weight", &[4, 5, 3, 3]), &["dec1.weight", "[3, 5, 3, 3]"]);
    fails(|f| f.tensors.push(("dec3.bias".into(), Dtype::F32, vec![1], vec![0; 4])), &["dec3.bias", "2 levels"]);
    let dtype = |f: &mut Parts| f.tensors.iter_mut().filter(|t| t.0 == "enc1.bias").for_each(|t| t.1 = Dtype::I32);
    fails(dtype, &["enc1.bias", "I32"]);
    for value in [f32::NAN, f32::INFINITY] {
        let spoil = |f: &mut Parts| {
            let tensor = f.tensors.iter_mut().find(|t| t.0 == "dec2.weight").unwrap();
            tensor.3[8..12].copy_from_slice(&value.to_le_bytes());
        };
        fails(spoil, &["dec2.weight", "finite", "index 2"]);
    }
}

#[test]
fn half_precision_is_exact() {
    let net = common::Net::random(1, &[(3, 4)], &[3], 9);
    let mut file = Parts::tiny();
    file.tensors.clear();
    file.meta.insert("levels".into(), "1".into());
    let full = SafeTensors::deserialize(&net.file).unwrap();
    let mut expected: HashMap<String, Vec<f32>> = HashMap::new();
    for (name, tensor) in full.iter() {
        let values = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
        let halves: Vec<half::f16> = values.map(half::f16::from_f32).collect();
        expected.insert(name.to_owned(), halves.iter().map(|h| h.to_f32()).collect());
        let bytes = halves.iter().flat_map(|h| h.to_le_bytes()).collect();
        file.tensors.push((name.to_owned(), Dtype::F16, tensor.shape().to_vec(), bytes));
    }
    let bytes = file.file();
    let mut weights = Weights::from_bytes(&bytes).unwrap();
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    for (i, name) in ["enc1", "dec1"].into_iter().enumerate() {
        weights.read_layer(i, &mut weight, &mut bias).unwrap();
        assert_eq!(weight, expected[&format!("{name}.weight")]);
        assert_eq!(bias, expected[&format!("{name}.bias")]);
    }
}

#[test]
fn damaged_files_are_refused_without_panic() {
    let file = Parts::tiny().file();
    for len in 0..file.len() {
        assert!(read(&file[..len]).is_err(), "{len} of {} bytes", file.len());
    }
    assert!(read(&[&file[..], &[0]].concat()).is_err());
    let mut random = common::Random::new(4);
    let mut pick = |n: usize| ((random.unit() * 0.5 + 0.5) * n as f32) as usize % n;
    for _ in 0..20_000 {
        let mut damaged = file.clone();
        for _ in 0..1 + pick(3) {
            let at = pick(file.len());
            damaged[at] = pick(256) as u8;
        }
        let _ = read(&damaged);
    }
}

#[cfg(feature = "fs")]
#[test]
fn a_path_gives_what_memory_gives() {
    let net = common::Net::random(2, &[(3, 2), (3, 2)], &[2, 3], 1);
    let folder = std::env::temp_dir().join(format!("inpaint-edge-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("net.safetensors");
    std::fs::write(&path, &net.file).unwrap();
    let (mut file, mut memory) = (Weights::open(&path).unwrap(), Weights::from_bytes(&net.file).unwrap());
    assert_eq!(file.config(), memory.config());
    for i in 0..4 {
        let layer = || (Vec::new(), Vec::new());
        let (mut a, mut b) = (layer(), layer());
        file.read_layer(i, &mut a.0, &mut a.1).unwrap();
        memory.read_layer(i, &mut b.0, &mut b.1).unwrap();
        assert_eq!(a, b);
    }
    std::fs::write(&path, &net.file[..net.file.len() - 1]).unwrap();
    let error = Weights::open(&path).unwrap_err().to_string();
    assert!(error.contains("net.safetensors") && error.contains("bytes expected"), "{error}");
    std::fs::remove_dir_all(&folder).unwrap();
}
