//! The engine's weights as a `state_dict` for the reference module `pytorch/pconv_unet.py`, in the archive format of
//! `torch.save`. Numbers are f32 and exact.

use std::io::{Seek, Write};
use std::path::Path;

use inpaint_edge::Result;
use inpaint_edge::weights::{Output, Prior, Weights};
use inpaint_edge::{Error, ErrorKind};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use crate::output::{self, unwritten};

/// Where PyTorch puts the numbers of an entry.
const ALIGNMENT: u16 = 64;

/// Converts the weights file `from` to the PyTorch file `to`. Returns the parameters written.
///
/// # Errors
///
/// Weights, where `from` is not a weights file; output, where `to` cannot be written. `to` is then as it was.
pub fn to_pytorch(from: &Path, to: &Path) -> Result<usize> {
    let mut weights = Weights::open(from)?;
    output::write(
        to,
        |out| {
            archive(&mut weights, out).map_err(|e| match e.kind() {
                inpaint_edge::ErrorKind::Output => e.of(to.display()),
                _ => e.of(from.display()),
            })
        },
        |_| Ok(()),
    )
}

fn archive(weights: &mut Weights, out: &mut (impl Write + Seek)) -> Result<usize> {
    let config = weights.config().clone();
    let mut tensors: Vec<(String, Vec<usize>)> = Vec::new();
    for layer in config.layers() {
        let weight = vec![layer.c_out, layer.c_in + layer.c_skip, layer.kernel, layer.kernel];
        tensors.push((format!("{}.weight", layer.name), weight));
        tensors.push((format!("{}.bias", layer.name), vec![layer.c_out]));
    }
    if config.head() {
        tensors.push(("head.weight".into(), vec![3, 3, 1, 1]));
        tensors.push(("head.bias".into(), vec![3]));
    }
    let output = match config.output() {
        Output::Linear => 0.0,
        Output::Tanh => 1.0,
        Output::Sigmoid => 2.0,
        other => {
            return Err(Error::new(ErrorKind::Weights, format!("metadata output: {other:?} is not in the module")));
        }
    };
    let prior = if config.prior() == Prior::Harmonic { 1.0 } else { 0.0 };
    let settings = [
        ("input_mean", config.mean().to_vec()),
        ("input_std", config.std().to_vec()),
        ("decoder_slope", vec![config.slope()]),
        ("harmonic_prior", vec![prior]),
        ("output_function", vec![output]),
    ];
    for (name, values) in &settings {
        tensors.push((name.to_string(), if values.len() == 1 { vec![] } else { vec![values.len()] }));
    }

    let mut zip = ZipWriter::new(out);
    let options = SimpleFileOptions::default().compression_method(CompressionMethod::Stored).with_alignment(ALIGNMENT);
    let mut put = |name: &str, bytes: &[u8]| {
        let file = zip.start_file(format!("archive/{name}"), options).map_err(std::io::Error::other);
        file.and_then(|()| zip.write_all(bytes)).map_err(unwritten)
    };
    put("data.pkl", &pickle(&tensors))?;
    put("byteorder", b"little")?;
    let mut entry = 0;
    let mut numbers = |values: &[f32]| {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        entry += 1;
        put(&format!("data/{}", entry - 1), &bytes)
    };
    let (mut weight, mut bias) = (Vec::new(), Vec::new());
    for i in 0..config.layers().len() {
        weights.read_layer(i, &mut weight, &mut bias)?;
        numbers(&weight)?;
        numbers(&bias)?;
    }
    if config.head() {
        weights.read_head(&mut weight, &mut bias)?;
        numbers(&weight)?;
        numbers(&bias)?;
    }
    settings.iter().try_for_each(|(_, values)| numbers(values))?;
    put("version", b"3\n")?;
    zip.finish().map_err(std::io::Error::other).map_err(unwritten)?;
    Ok(config.parameters())
}

/// A dict of tensors, each `torch._utils._rebuild_tensor_v2` of a `torch.FloatStorage` of its own, protocol 2.
fn pickle(tensors: &[(String, Vec<usize>)]) -> Vec<u8> {
    let mut p = b"\x80\x02}(".to_vec();
    for (key, (name, shape)) in tensors.iter().enumerate() {
        text(&mut p, name);
        p.extend(b"ctorch._utils\n_rebuild_tensor_v2\n((");
        text(&mut p, "storage");
        p.extend(b"ctorch\nFloatStorage\n");
        text(&mut p, &key.to_string());
        text(&mut p, "cpu");
        integer(&mut p, shape.iter().product());
        // The storage; the first number's offset, sizes, strides, no gradient, no hooks.
        p.extend(b"tQK\x00");
        let strides = crate::checkpoint::row_major(shape).expect("a tensor in memory");
        for sizes in [shape, &strides] {
            p.push(b'(');
            sizes.iter().for_each(|size| integer(&mut p, *size));
            p.push(b't');
        }
        p.extend(b"\x89ccollections\nOrderedDict\n)RtR");
    }
    p.extend(b"u.");
    p
}

fn text(p: &mut Vec<u8>, text: &str) {
    p.push(b'X');
    p.extend((text.len() as u32).to_le_bytes());
    p.extend(text.as_bytes());
}

fn integer(p: &mut Vec<u8>, value: usize) {
    p.push(b'J');
    p.extend(i32::try_from(value).expect("channels and kernels are bounded").to_le_bytes());
}
