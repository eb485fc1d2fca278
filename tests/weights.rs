//! The weights file: what is read, and that every departure from the schema is named.

#[path = "common/safetensors.rs"]
mod safetensors;

use std::error::Error as _;
#[cfg(feature = "fs")]
use std::path::Path;

use half::f16;
use inpaint_edge::weights::{Prior, Weights};
use inpaint_edge::{ErrorKind, Inpainter, Isa, Options};

use safetensors::{Meta, Tensor, Tensors};

#[derive(Clone)]
struct Model {
    meta: Meta,
    tensors: Tensors,
}

/// The `i`-th number of a tensor: small, distinct, exact in f16.
fn value(i: usize) -> f32 {
    (i % 251) as f32 / 256.0 - 0.5
}

impl Model {
    /// Two levels, 4 and 6 channels.
    fn new() -> Self {
        let meta = [
            ("format", "inpaint-edge/1"),
            ("arch", "pconv-unet"),
            ("levels", "2"),
            ("color", "rgb"),
            ("input_mean", "0.5,0.25,0.125"),
            ("input_std", "1, 2,4"),
            ("encoder_activation", "relu"),
            ("decoder_slope", "0.2"),
        ];
        let meta = meta.map(|(k, v)| (k.to_owned(), v.to_owned())).into();
        let mut model = Self { meta, tensors: Tensors::new() };
        for (name, shape) in
            [("enc1", [4, 3, 7, 7]), ("enc2", [6, 4, 5, 5]), ("dec2", [4, 10, 3, 3]), ("dec1", [3, 7, 3, 3])]
        {
            model = model.tensor(&format!("{name}.weight"), &shape).tensor(&format!("{name}.bias"), &shape[..1]);
        }
        model
    }

    fn meta(mut self, key: &str, value: &str) -> Self {
        self.meta.insert(key.into(), value.into());
        self
    }

    fn without(mut self, key: &str) -> Self {
        assert!(self.meta.remove(key).is_some() || self.tensors.remove(key).is_some(), "{key}");
        self
    }

    fn tensor(self, name: &str, shape: &[usize]) -> Self {
        let data = (0..shape.iter().product()).flat_map(|i| value(i).to_le_bytes()).collect();
        self.raw(name, "F32", shape, data)
    }

    fn raw(mut self, name: &str, dtype: &'static str, shape: &[usize], data: Vec<u8>) -> Self {
        self.tensors.insert(name.into(), Tensor { dtype, shape: shape.into(), data });
        self
    }

    fn half(mut self) -> Self {
        for tensor in self.tensors.values_mut() {
            let floats = tensor.data.chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()));
            tensor.data = floats.flat_map(|v| f16::from_f32(v).to_le_bytes()).collect();
            tensor.dtype = "F16";
        }
        self
    }

    fn bytes(&self) -> Vec<u8> {
        safetensors::serialize(&self.meta, &self.tensors)
    }
}

/// Everything a file holds, or the first error.
fn read(mut weights: Weights<'_>) -> inpaint_edge::Result<Vec<(Vec<f32>, Vec<f32>)>> {
    (0..weights.config().layers().len())
        .map(|i| {
            let (mut weight, mut bias) = (vec![9.0], vec![9.0]);
            weights.read_layer(i, &mut weight, &mut bias).map(|()| (weight, bias))
        })
        .collect()
}

fn complaint(bytes: &[u8]) -> String {
    let error = Weights::from_bytes(bytes).and_then(read).expect_err("an error");
    assert_eq!(error.kind(), ErrorKind::Weights, "{error}");
    error.to_string()
}

fn refused(model: Model, message: &str) {
    assert_eq!(complaint(&model.bytes()), message);
}

#[test]
fn config_is_what_the_file_says() {
    let model = Model::new().meta("prior", "harmonic").meta("provenance.note", "anything").bytes();
    let weights = Weights::from_bytes(&model).unwrap();
    let config = weights.config();
    assert_eq!((config.levels(), config.slope(), config.prior()), (2, 0.2, Prior::Harmonic));
    assert_eq!((config.mean(), config.std()), ([0.5, 0.25, 0.125], [1.0, 2.0, 4.0]));
    let layers: Vec<_> = config.layers().iter().map(|l| (&l.name[..], l.c_out, l.c_in, l.c_skip, l.kernel)).collect();
    assert_eq!(layers, [("enc1", 4, 3, 0, 7), ("enc2", 6, 4, 0, 5), ("dec2", 4, 6, 4, 3), ("dec1", 3, 4, 3, 3)]);
    assert_eq!(config.parameters(), 4 * 148 + 6 * 101 + 4 * 91 + 3 * 64);
    for model in [Model::new(), Model::new().meta("prior", "none")] {
        assert_eq!(Weights::from_bytes(&model.bytes()).unwrap().config().prior(), Prior::None);
    }
}

#[test]
fn memory_of_a_network_is_known_before_it_is_loaded() {
    for file in [Model::new().bytes(), Model::new().half().bytes()] {
        let config = Weights::from_bytes(&file).unwrap().config().clone();
        for isa in Isa::available().map(Some) {
            let inpainter = Inpainter::from_bytes(&file, Options::default().isa(isa)).unwrap();
            assert_eq!(config.packed_bytes(isa), Ok(inpainter.weights_bytes()), "{isa:?}");
            assert_eq!(config.plan_bytes(70, 50), inpainter.scratch_bytes(70, 50));
        }
    }
}

#[test]
fn a_prior_that_is_read_widens_enc1_and_dec1() {
    let reading = || Model::new().meta("prior", "harmonic").meta("prior_input", "true");
    let wide = || reading().tensor("enc1.weight", &[4, 6, 7, 7]).tensor("dec1.weight", &[3, 10, 3, 3]);
    let model = wide().bytes();
    let weights = Weights::from_bytes(&model).unwrap();
    let config = weights.config();
    assert!(config.prior_input());
    assert_eq!((config.inputs(), config.layers()[0].c_in, config.layers()[3].c_skip), (6, 6, 6));
    refused(reading(), "tensor enc1.weight: expected [1 … 4096, 6, k, k], found [4, 3, 7, 7]");
    refused(wide().meta("prior", "none"), "metadata prior_input: expected false without a prior, found true");
    refused(wide().meta("prior_input", "1"), "metadata prior_input: expected true or false, found 1");
    let not_read = Model::new().meta("prior", "harmonic").meta("prior_input", "false").bytes();
    assert!(!Weights::from_bytes(&not_read).unwrap().config().prior_input());
}

#[test]
fn both_types_are_read_as_f32() {
    let expected = |n| (0..n).map(value).collect::<Vec<_>>();
    for model in [Model::new(), Model::new().half()] {
        let bytes = model.bytes();
        let layers = read(Weights::from_bytes(&bytes).unwrap()).unwrap();
        for ((weight, bias), (w, b)) in layers.iter().zip([(588, 4), (600, 6), (360, 4), (189, 3)]) {
            assert_eq!((weight, bias), (&expected(w), &expected(b)));
        }
    }
}

#[test]
fn missing_keys_are_named() {
    for key in Model::new().meta.keys() {
        refused(Model::new().without(key), &format!("metadata {key}: missing"));
    }
}

#[test]
fn wrong_values_are_named() {
    for (key, expected, values) in [
        ("format", "inpaint-edge/1 or inpaint-edge/2", &["inpaint-edge/3", ""][..]),
        ("arch", "pconv-unet", &["unet"]),
        ("color", "rgb", &["bgr"]),
        ("encoder_activation", "relu", &["gelu"]),
        ("levels", "1 … 12", &["0", "13", "-1", "two", "2.0", ""]),
        ("input_mean", "three numbers r,g,b", &["0.5", "1,2", "1,2,3,4", "a,b,c", "1,2,nan", "1,2,inf", "1,,2", ""]),
        ("input_std", "three numbers r,g,b", &["1,1", "1,1,-inf"]),
        ("decoder_slope", "a number", &["steep", "nan", "inf", "1e99", ""]),
        ("prior", "none or harmonic", &["laplace", ""]),
    ] {
        for value in values {
            refused(Model::new().meta(key, value), &format!("metadata {key}: expected {expected}, found {value}"));
        }
    }
    for (value, found) in [("1,0,1", "[1.0, 0.0, 1.0]"), ("1,1,-2", "[1.0, 1.0, -2.0]")] {
        let message = format!("metadata input_std: expected three positive numbers, found {found}");
        refused(Model::new().meta("input_std", value), &message);
    }
    refused(Model::new().meta("input_gamma", "2.2"), "metadata input_gamma: not a key of this format");
}

#[test]
fn missing_and_foreign_tensors_are_named() {
    for name in Model::new().tensors.keys() {
        refused(Model::new().without(name), &format!("tensor {name}: missing"));
    }
    for name in ["enc3.weight", "enc1.running_mean", "dec01.bias"] {
        let message = format!("tensor {name}: not part of a network of 2 levels");
        refused(Model::new().tensor(name, &[1]), &message);
    }
    refused(Model::new().meta("levels", "1"), "tensor dec2.bias: not part of a network of 1 levels");
    refused(Model::new().meta("levels", "3"), "tensor enc3.weight: missing");
}

#[test]
fn misshapen_tensors_are_named() {
    for (name, shape, expected) in [
        ("enc1.weight", &[4, 3, 7][..], "[1 … 4096, 3, k, k]"),
        ("enc1.weight", &[4, 3, 7, 7, 1], "[1 … 4096, 3, k, k]"),
        ("enc1.weight", &[4, 1, 7, 7], "[1 … 4096, 3, k, k]"),
        ("enc1.weight", &[4, 3, 7, 5], "[1 … 4096, 3, k, k]"),
        ("enc1.weight", &[4, 3, 6, 6], "[1 … 4096, 3, k, k]"),
        ("enc1.weight", &[4, 3, 17, 17], "[1 … 4096, 3, k, k]"),
        ("enc1.weight", &[0, 3, 7, 7], "[1 … 4096, 3, k, k]"),
        ("enc1.weight", &[4097, 3, 1, 1], "[1 … 4096, 3, k, k]"),
        ("enc2.weight", &[6, 5, 5, 5], "[1 … 4096, 4, k, k]"),
        ("dec2.weight", &[4, 9, 3, 3], "[1 … 4096, 10, 3, 3]"),
        ("dec2.weight", &[4, 10, 5, 5], "[1 … 4096, 10, 3, 3]"),
        ("dec1.weight", &[4, 7, 3, 3], "[3, 7, 3, 3]"),
        ("dec1.weight", &[3, 7, 1, 1], "[3, 7, 3, 3]"),
        ("enc1.bias", &[5], "[4]"),
        ("enc1.bias", &[], "[4]"),
        ("enc1.bias", &[4, 1], "[4]"),
        ("dec1.bias", &[0], "[3]"),
    ] {
        let message = format!("tensor {name}: expected {expected}, found {shape:?}");
        refused(Model::new().tensor(name, shape), &message);
    }
}

#[test]
fn other_types_are_named() {
    for (dtype, size) in [("BF16", 2), ("F64", 8), ("I32", 4), ("U8", 1)] {
        let message = format!("tensor dec2.bias: expected f32 or f16, found {dtype}");
        refused(Model::new().raw("dec2.bias", dtype, &[4], vec![0; 4 * size]), &message);
    }
}

#[test]
fn numbers_that_are_not_finite_are_named() {
    for (bad, found) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
        for (name, index) in [("enc1.weight", 587), ("enc2.bias", 0), ("dec1.weight", 100)] {
            for half in [false, true] {
                let mut model = if half { Model::new().half() } else { Model::new() };
                let data = &mut model.tensors.get_mut(name).unwrap().data;
                match half {
                    true => data[2 * index..][..2].copy_from_slice(&f16::from_f32(bad).to_le_bytes()),
                    false => data[4 * index..][..4].copy_from_slice(&bad.to_le_bytes()),
                }
                refused(model, &format!("{name}: expected finite numbers, found {found} at index {index}"));
            }
        }
    }
}

#[test]
fn broken_files_are_explained() {
    let whole = Model::new().bytes();
    let header = u64::from_le_bytes(whole[..8].try_into().unwrap());
    let with_header = |json: &str| [&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat();
    for (bytes, message) in [
        (vec![], "expected a safetensors file, found 0 bytes".to_owned()),
        (vec![0; 7], "expected a safetensors file, found 7 bytes".into()),
        (vec![0xff; 16], format!("expected a safetensors file, found a header of {} bytes in a file of 16", u64::MAX)),
        (
            [&(1u64 << 21).to_le_bytes()[..], &vec![b' '; 1 << 21]].concat(),
            format!("expected a safetensors file, found a header of {} bytes in a file of {}", 1 << 21, (1 << 21) + 8),
        ),
        (
            whole[..header as usize + 7].to_vec(),
            format!("expected a safetensors file, found a header of {header} bytes in a file of {}", header + 7),
        ),
        (
            whole[..whole.len() - 1].to_vec(),
            format!("expected {} bytes, as its header says, found {}", whole.len(), whole.len() - 1),
        ),
        (
            [&whole[..], b"+"].concat(),
            format!("expected {} bytes, as its header says, found {}", whole.len(), whole.len() + 1),
        ),
        (with_header("{}"), "metadata format: missing".into()),
    ] {
        assert_eq!(complaint(&bytes), message);
    }
    for (json, detail) in [
        ("\u{89}PNG", "expected value at line 1 column 1"),
        ("[1]", "invalid type: sequence"),
        (r#"{"__metadata__":{"levels":2}}"#, "invalid type: integer"),
        ("{", "EOF"),
    ] {
        let message = complaint(&with_header(json));
        assert!(message.starts_with("expected a safetensors file, found a header with "), "{message}");
        assert!(message.contains(detail), "{detail}: {message}");
        let error = Weights::from_bytes(&with_header(json)).unwrap_err();
        assert!(error.source().is_some_and(|source| source.is::<serde_json::Error>()), "{error}");
    }
}

#[test]
fn tensors_that_contradict_themselves_are_named() {
    for (dtype, shape, offsets, detail) in [
        ("F32", "[2]", "[0,4]", "expected offsets that hold F32 [2], found 0 to 4"),
        ("F16", "[1]", "[0,4]", "expected offsets that hold F16 [1], found 0 to 4"),
        ("F32", "[1]", "[4,0]", "expected offsets that hold F32 [1], found 4 to 0"),
        ("F32", "[4294967296,4294967296,4294967296,4294967296]", "[0,4]", "found 0 to 4"),
        ("F32", "[-2]", "[0,4]", "-2"),
    ] {
        let tensor = |offsets| format!(r#"{{"dtype":"{dtype}","shape":{shape},"data_offsets":{offsets}}}"#);
        let json = format!(r#"{{"__metadata__":{{"format":"inpaint-edge/1"}},"dec1.bias":{}}}"#, tensor(offsets));
        let message = complaint(&[&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat());
        assert!(message.starts_with("tensor dec1.bias: ") && message.contains(detail), "{detail}: {message}");
    }
}

/// Each tensor alone fits in 64 bits; their sum, or the sum with the header, does not.
#[test]
fn offsets_at_the_end_of_the_address_space_are_refused() {
    const SIDE: u64 = (1 << 61) - 1;
    for sides in [vec![SIDE; 8], vec![u64::MAX], vec![u64::MAX - 1, 1], vec![i64::MAX as u64, 1]] {
        let mut end = 0u64;
        let mut tensors = Vec::new();
        for (i, side) in sides.iter().enumerate() {
            let start = end;
            end += side;
            tensors.push(format!(r#""t{i}":{{"dtype":"U8","shape":[{side}],"data_offsets":[{start},{end}]}}"#));
        }
        for padding in 0..9 {
            let json = format!("{{{}}}{}", tensors.join(","), " ".repeat(padding));
            for behind in [0, 64] {
                let bytes = [&(json.len() as u64).to_le_bytes(), json.as_bytes(), &vec![0; behind]].concat();
                let message = complaint(&bytes);
                if usize::BITS == 64 {
                    let total = (8 + json.len()) as u128 + u128::from(end);
                    let found = bytes.len();
                    assert_eq!(message, format!("expected {total} bytes, as its header says, found {found}"));
                }
            }
        }
    }
}

#[test]
fn gaps_and_duplicate_names_are_named() {
    let tensor = |name, start, end| {
        format!(r#""{name}":{{"dtype":"F32","shape":[{}],"data_offsets":[{start},{end}]}}"#, (end - start) / 4)
    };
    let (one, two) = (tensor("a", 0, 4), tensor("b", 4, 12));
    for (entries, message) in [
        ([tensor("a", 4, 8), String::new()], "tensor a: expected offsets from 0 on, found 4 to 8"),
        ([one.clone(), tensor("b", 8, 12)], "tensor b: expected offsets from 4 on, found 8 to 12"),
        ([two, tensor("c", 0, 8)], "tensor b: expected offsets from 8 on, found 4 to 12"),
        ([one, tensor("a", 4, 8)], "tensor a: expected once, found twice"),
        (
            [r#""__metadata__":{"levels":"1","levels":"2"}"#.into(), String::new()],
            "metadata levels: expected once, found twice",
        ),
        (
            [r#""__metadata__":{"levels":"1"}"#.into(), r#""__metadata__":{"levels":"1"}"#.into()],
            "metadata levels: expected once, found twice",
        ),
    ] {
        let entries: Vec<_> = entries.into_iter().filter(|entry| !entry.is_empty()).collect();
        let json = format!("{{{}}}", entries.join(","));
        assert_eq!(complaint(&[&(json.len() as u64).to_le_bytes(), json.as_bytes(), &[0; 12]].concat()), message);
    }
    for (fields, detail) in [
        (r#""dtype":"F32","shape":[1]"#, "missing field `data_offsets`"),
        (r#""dtype":"F32","data_offsets":[0,4]"#, "missing field `shape`"),
        (r#""shape":[1],"data_offsets":[0,4]"#, "missing field `dtype`"),
        (r#""shape":[1],"data_offsets":[0,4],"shape":[1]"#, "shape: expected once, found twice"),
        (r#""shape":[1],"data_offsets":[0,4,8]"#, "trailing characters"),
    ] {
        let json = format!(r#"{{"a":{{{fields}}}}}"#);
        let message = complaint(&[&(json.len() as u64).to_le_bytes(), json.as_bytes()].concat());
        assert!(message.starts_with("tensor a: ") && message.contains(detail), "{detail}: {message}");
    }
}

#[test]
fn every_truncation_is_an_error() {
    let whole = Model::new().bytes();
    for len in 0..whole.len() {
        complaint(&whole[..len]);
    }
    read(Weights::from_bytes(&whole).unwrap()).unwrap();
}

#[test]
fn flipped_bytes_never_panic() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = |end: usize| {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 11) as usize % end
    };
    let (mut good, mut bad) = (0, 0);
    for model in [Model::new(), Model::new().half()] {
        let whole = model.bytes();
        let header = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
        for round in 0..4000 {
            let mut bytes = whole.clone();
            for _ in 0..=round % 3 {
                // Most of the flips where most can go wrong.
                let at = random(if round % 8 == 0 { whole.len() } else { header });
                bytes[at] ^= 1 + random(255) as u8;
            }
            match Weights::from_bytes(&bytes).and_then(read) {
                Ok(_) => good += 1,
                Err(e) => {
                    assert_eq!(e.kind(), ErrorKind::Weights, "{e}");
                    bad += 1;
                }
            }
        }
    }
    assert!(good > 100 && bad > 4000, "{good} files read, {bad} refused");
}

#[cfg(feature = "fs")]
#[test]
fn a_file_reads_like_its_bytes() {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join("model.safetensors");
    for model in [Model::new(), Model::new().half()] {
        let bytes = model.bytes();
        std::fs::write(&path, &bytes).unwrap();
        let (file, memory) = (Weights::open(&path).unwrap(), Weights::from_bytes(&bytes).unwrap());
        assert_eq!(file.config(), memory.config());
        assert_eq!(read(file).unwrap(), read(memory).unwrap());
    }
    let whole = Model::new().bytes();
    let nan = {
        let mut model = Model::new();
        model.tensors.get_mut("dec1.bias").unwrap().data[..4].copy_from_slice(&f32::NAN.to_le_bytes());
        model.bytes()
    };
    let foreign = Model::new().tensor("enc3.weight", &[1]).bytes();
    for bytes in [&whole[..3], &whole[..100], &whole[..whole.len() - 1], &foreign] {
        std::fs::write(&path, bytes).unwrap();
        let error = Weights::open(&path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Weights);
        assert_eq!(error.to_string(), format!("{}: {}", path.display(), complaint(bytes)));
    }
    std::fs::write(&path, &nan).unwrap();
    assert_eq!(read(Weights::open(&path).unwrap()).unwrap_err().to_string(), complaint(&nan));
}

#[cfg(feature = "fs")]
#[test]
fn a_file_that_cannot_be_read_is_named() {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let absent = folder.join("absent.safetensors");
    for path in [&absent, folder] {
        let error = Weights::open(path).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Weights);
        assert!(error.to_string().starts_with(&format!("{}: cannot be read: ", path.display())), "{error}");
    }
    let error = Inpainter::from_path(&absent, Options::default()).err().unwrap();
    let source = error.source().and_then(|source| source.downcast_ref::<std::io::Error>());
    assert_eq!(source.unwrap().kind(), std::io::ErrorKind::NotFound);
}
