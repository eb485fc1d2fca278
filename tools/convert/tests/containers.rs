//! Files as programs write them around a network: archives and names.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use inpaint_convert::input::Input;
use inpaint_convert::{Options, Report, convert};
use inpaint_edge::Result;
use safetensors::tensor::{Dtype, TensorView};
use safetensors::{SafeTensors, serialize};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn converted(bytes: &[u8], options: &Options) -> Result<(Vec<u8>, Report)> {
    let mut out = Vec::new();
    let report = convert(Input::from_bytes(bytes), options, &mut out)?;
    Ok((out, report))
}

/// An archive of PyTorch as it is named `stem` when it is saved. PyTorch writes records of ZIP64, 76 bytes, in every one.
fn named(archive: &[u8], stem: &str) -> Vec<u8> {
    let mut from = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut to = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..from.len() {
        let mut entry = from.by_index(i).unwrap();
        let name = entry.name().unwrap().split_once('/').unwrap().1.to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        to.start_file(format!("{stem}/{name}"), stored).unwrap();
        to.write_all(&bytes).unwrap();
    }
    let mut bytes = to.finish().unwrap().into_inner();
    let end = bytes.len() - 22;
    assert!(bytes[end..].starts_with(b"PK\x05\x06"));
    let word = |at: usize| u32::from_le_bytes(bytes[end + at..][..4].try_into().unwrap());
    let (entries, size, start) = (from.len() as u64, u64::from(word(12)), u64::from(word(16)));
    let mut records = b"PK\x06\x06".to_vec();
    records.extend(44u64.to_le_bytes());
    records.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    [entries, entries, size, start].iter().for_each(|n| records.extend(n.to_le_bytes()));
    records.extend(b"PK\x06\x07\0\0\0\0");
    records.extend((end as u64).to_le_bytes());
    records.extend(1u32.to_le_bytes());
    assert_eq!(records.len(), 76);
    bytes.splice(end..end, records);
    bytes
}

#[test]
fn an_archive_may_have_any_name() {
    let original = fixture("xyfjason.pth");
    let (expected, _) = converted(&original, &Options::default()).unwrap();
    let lengths = (1..=100).map(|length| "n".repeat(length));
    for name in lengths.chain(["code", "constants.pkl", "archive_format"].map(str::to_owned)) {
        let bytes = named(&original, &name);
        let (found, _) = converted(&bytes, &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert!(found == expected, "{name}");
    }
}

/// `metadata.py` puts everything else that training scripts write beside a network, one object of which runs a command.
#[test]
fn what_lies_beside_a_network_is_skipped() {
    let mut results = Vec::new();
    for (name, root) in [("metadata.pth", "model"), ("metadata.legacy.pth", "")] {
        let (weights, report) =
            converted(&fixture(name), &Options::default()).unwrap_or_else(|e| panic!("{name}: {e}"));
        assert_eq!((report.layout, &*report.root), ("naoto", root), "{name}");
        assert!(report.extra.is_empty() && report.outside > 0, "{name}: {report:?}");
        for global in [
            "posix.system",
            "argparse.Namespace",
            "numpy.dtype",
            "collections.Counter",
            "__main__.HistoryBuffer",
            "torch.optim.adam.Adam",
            "torch.nn.modules.conv.Conv2d",
            "torch._utils._rebuild_sparse_tensor",
            "torch._utils._rebuild_qtensor",
        ] {
            assert!(report.skipped.iter().any(|skipped| skipped == global), "{name}: {global}: {:?}", report.skipped);
        }
        results.push(weights);
    }
    assert!(results[0] == results[1], "both file formats hold the same network");
    assert!(!Path::new("/tmp/inpaint-convert-was-here").exists(), "a pickle has been executed");
}

/// The reference module's tensors behind each of the prefixes, those of the n-th n+1 times as large, and others beside.
fn rooted(prefixes: &[&str], beside: &[&str]) -> Vec<u8> {
    let bytes = fixture("nvidia.safetensors");
    let network = SafeTensors::deserialize(&bytes).unwrap();
    let mut tensors = Vec::new();
    for (n, prefix) in prefixes.iter().enumerate() {
        for (name, tensor) in network.tensors() {
            let scale = if name.ends_with("weight") { n as f32 + 1.0 } else { 1.0 };
            let numbers = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap()) * scale);
            let data: Vec<u8> = match tensor.dtype() {
                Dtype::F32 => numbers.flat_map(f32::to_le_bytes).collect(),
                _ => tensor.data().to_vec(),
            };
            tensors.push((format!("{prefix}{name}"), tensor.dtype(), tensor.shape().to_vec(), data));
        }
    }
    let others = beside.iter().map(|name| ((*name).to_owned(), Dtype::F32, vec![1, 1, 3, 3], vec![0; 36]));
    tensors.extend(others);
    let views = tensors
        .iter()
        .map(|(name, dtype, shape, data)| (name.clone(), TensorView::new(*dtype, shape.clone(), data).unwrap()));
    serialize(views, None).unwrap()
}

fn under(root: &str) -> Options {
    Options { root: Some(root.to_owned()), ..Options::default() }
}

fn refusal(bytes: &[u8], options: &Options) -> String {
    converted(bytes, options).expect_err("a refusal").to_string()
}

#[test]
fn a_network_is_found_behind_any_prefix() {
    let (expected, _) = converted(&rooted(&[""], &[]), &Options::default()).unwrap();
    for prefix in [
        "model.",
        "state_dict.",
        "model_state_dict.",
        "net.",
        "network.",
        "generator.",
        "netG.",
        "G.",
        "params.",
        "params_ema.",
        "ema_state_dict.",
        "state_dict.generator.",
        "_orig_mod.",
        "module.",
        "module.module.",
        "state_dict.module._orig_mod.",
        "updater/model:main/",
    ] {
        let beside = ["discriminator.conv1.conv.weight", "loss_percep.vgg.features.0.weight", "rng"];
        let (found, report) =
            converted(&rooted(&[prefix], &beside), &Options::default()).unwrap_or_else(|e| panic!("{prefix}: {e}"));
        assert!(found == expected, "{prefix}");
        assert_eq!(report.root, prefix[..prefix.len() - 1]);
        assert_eq!((report.extra.len(), report.outside), (0, 3), "{prefix}");
    }
    // Under the root a tensor that is not the network's may be a part of it that is not known.
    for prefix in ["", "generator."] {
        let name = format!("{prefix}refine.weight");
        let bytes = rooted(&[prefix], &[&name]);
        let refusal = refusal(&bytes, &Options::default());
        assert!(refusal.contains(&format!("not part of the network: {name} (--allow-extra")), "{refusal}");
        let (found, report) = converted(&bytes, &Options { allow_extra: true, ..Options::default() }).unwrap();
        assert!(found == expected && report.extra == [name], "{report:?}");
    }
}

#[test]
fn of_two_networks_one_is_chosen_by_name() {
    let bytes = rooted(&["params.", "params_ema."], &[]);
    for options in [Options::default(), Options { allow_extra: true, ..Options::default() }] {
        let refusal = refusal(&bytes, &options);
        let expected = "found 2: `params`, `params_ema` (an average of weights); --root NAME chooses";
        assert!(refusal.contains(expected), "{refusal}");
    }
    let (plain, report) = converted(&bytes, &under("params")).unwrap();
    assert!(report.notes[0].contains("an average of weights lies beside") && report.root == "params", "{report:?}");
    assert!(report.notes[0].ends_with("--root params_ema"), "{report:?}");
    let (average, report) = converted(&bytes, &under("params_ema")).unwrap();
    assert!(report.notes.is_empty() && report.root == "params_ema", "{report:?}");
    assert!(plain != average);
    assert!(plain == converted(&rooted(&["", "ema."], &[]), &under("")).unwrap().0);
    assert!(plain == converted(&rooted(&["model.module.", "best.module."], &[]), &under("model")).unwrap().0);

    let refused = refusal(&bytes, &under("model"));
    assert!(refused.contains("expected a network under `model`, found one under `params`"), "{refused}");
    let inside = rooted(&["state_dict.generator.", "state_dict.generator_ema."], &[]);
    assert!(refusal(&inside, &under("state_dict")).contains("found 2"));
    // Half a network is none, whatever its name.
    let (whole, report) = converted(&rooted(&["net."], &["ema.enc1.weight"]), &Options::default()).unwrap();
    assert!(whole == plain && report.root == "net" && report.notes.is_empty(), "{report:?}");
}

/// An archive of such entries, each of a few bytes.
fn archive(names: &[&str], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for name in names {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(b"content").unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn files_that_are_taken_for_checkpoints_are_named() {
    let mut tar = vec![0; 1024];
    tar[257..262].copy_from_slice(b"ustar");
    let whole = fixture("xyfjason.pth");
    let archive = |names: &[&str]| self::archive(names, CompressionMethod::Stored);
    let cases: [(&[u8], &str); 18] = [
        (b"", "found an empty file"),
        (b"\x08\x07\x12\x07pytorch\x1a\x051.9.0", "found an ONNX model"),
        (b"\x08\x08:\x80\x01", "found an ONNX model"),
        (b"\n<!DOCTYPE html><html>", "found a web page: download"),
        (b"<html lang=en>", "found a web page"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1", "found a Git LFS pointer"),
        (b"\x1f\x8b\x08\0\0\0", "found a gzip archive: unpack it"),
        (b"BZh91AY", "found a bzip2 archive"),
        (&tar, "found a tar archive: unpack it"),
        (&archive(&["m/data.pkl", "m/code/__torch__/net.py", "m/constants.pkl"]), "found a TorchScript program"),
        (&archive(&["m/archive_format", "m/models/model.json", "m/data/weights/weight_0"]), "torch.export (.pt2)"),
        (&archive(&["serialized_exported_program.json", "version"]), "torch.export (.pt2)"),
        (&archive(&["readme.txt", "pconv/net.pth"]), "found an archive that holds pconv/net.pth: unpack it"),
        (&archive(&["readme.txt"]), "found another archive"),
        (&archive(&["model.weights.h5"]), "the HDF5 file is damaged"),
        (&self::archive(&["model.weights.h5"], CompressionMethod::Deflated), "uncompressed, as Keras writes it"),
        (&whole[..whole.len() / 2], "the archive is cut short: its directory"),
        (&whole[..whole.len() - 1], "the archive is damaged"),
    ];
    for (bytes, reason) in cases {
        let line = refusal(bytes, &Options::default());
        assert!(line.contains(reason) && !line.contains('\n'), "{reason:?} expected in: {line}");
    }
}
