//! Files made to harm: one clear line, exit code 4, nothing written.

use std::fs;
use std::io::{Cursor, Write};
use std::path::{Path, PathBuf};
use std::process::Command;

use inpaint_convert::input::Input;
use inpaint_convert::{Options, convert};
use inpaint_edge::ErrorKind;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

fn corpus() -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/convert");
    let mut files: Vec<PathBuf> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    assert!(files.len() >= 11, "{} has {} files", folder.display(), files.len());
    files
}

/// The line with which `bytes` are refused.
fn refusal(bytes: &[u8]) -> Option<String> {
    let error = convert(Input::from_bytes(bytes), &Options::default(), &mut Vec::new()).err()?;
    assert_eq!(error.kind(), ErrorKind::Weights, "{error}");
    let line = error.to_string();
    assert!(!line.contains(char::is_control) && !line.is_empty() && line.len() < 2000, "{line:?}");
    Some(line)
}

fn refused(bytes: &[u8], reason: &str) {
    let line = refusal(bytes).unwrap_or_else(|| panic!("refused for {reason:?} expected, converted"));
    assert!(line.contains(reason), "{reason:?} expected in: {line}");
}

/// Pickles, opcode by opcode.
#[derive(Clone, Default)]
struct Pickle(Vec<u8>);

impl Pickle {
    fn new() -> Self {
        Self(vec![0x80, 2])
    }

    fn raw(mut self, bytes: &[u8]) -> Self {
        self.0.extend(bytes);
        self
    }

    fn text(self, text: &str) -> Self {
        self.raw(b"X").raw(&(text.len() as u32).to_le_bytes()).raw(text.as_bytes())
    }

    /// LONG1 of eight bytes.
    fn int(self, value: i64) -> Self {
        self.raw(&[0x8a, 8]).raw(&value.to_le_bytes())
    }

    fn ints(self, values: &[i64]) -> Self {
        values.iter().fold(self.raw(b"("), |p, v| p.int(*v)).raw(b"t")
    }

    fn tensor(self, key: &str, numbers: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Self {
        let p = self.raw(b"ctorch._utils\n_rebuild_tensor_v2\n((").text("storage").raw(b"ctorch\nFloatStorage\n");
        let p = p.text(key).text("cpu").int(numbers).raw(b"tQ").int(offset).ints(shape).ints(strides);
        p.raw(b"\x89ccollections\nOrderedDict\n)RtR")
    }
}

/// A file of `torch.save` before 1.6 that holds the pickle and storages.
fn legacy(pickle: Pickle, storages: &[(&str, &[f32])]) -> Vec<u8> {
    let mut file = Pickle::new().raw(b"\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.").0;
    file.extend(Pickle::new().raw(b"M\xe9\x03.").0);
    file.extend(Pickle::new().raw(b"}").text("little_endian").raw(b"\x88s.").0);
    file.extend(pickle.raw(b".").0);
    let names = storages.iter().fold(Pickle::new().raw(b"]"), |p, (key, _)| p.text(key).raw(b"a"));
    file.extend(names.raw(b".").0);
    for (_, numbers) in storages {
        file.extend((numbers.len() as u64).to_le_bytes());
        numbers.iter().for_each(|v| file.extend(v.to_le_bytes()));
    }
    file
}

fn archive(entries: &[(&str, &[u8])], method: CompressionMethod) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in entries {
        zip.start_file(*name, SimpleFileOptions::default().compression_method(method)).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

/// A dict of one tensor of the name that `--from auto` takes for naoto's.
fn dict(numbers: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Pickle {
    let p = Pickle::new().raw(b"}").text("enc_1.conv.input_conv.weight");
    p.tensor("7", numbers, offset, shape, strides).raw(b"s")
}

fn one(numbers: i64, offset: i64, shape: &[i64], strides: &[i64]) -> Vec<u8> {
    legacy(dict(numbers, offset, shape, strides), &[("7", &[1.0; 12])])
}

#[test]
fn the_assembler_makes_files_that_are_read() {
    refused(&one(12, 0, &[1, 3, 2, 2], &[12, 4, 2, 1]), "missing: dec_1.conv.input_conv.weight");
}

/// PyTorch saves a parameter so that has attributes.
#[test]
fn parameters_with_a_state_are_tensors() {
    let p = Pickle::new().raw(b"}").text("enc_1.conv.input_conv.weight");
    let p = p.raw(b"ctorch._utils\n_rebuild_parameter_with_state\n(").tensor("7", 12, 0, &[1, 3, 2, 2], &[12, 4, 2, 1]);
    let p = p.raw(b"\x88}cmodels\nState\n)RtRs");
    refused(&legacy(p, &[("7", &[1.0; 12])]), "missing: dec_1.conv.input_conv.weight");
}

#[test]
fn truncated_anywhere() {
    for path in corpus() {
        let bytes = fs::read(&path).unwrap();
        // The files of HDF5 take most of the time.
        let step = if path.to_str().unwrap().contains("keras") { 7 } else { 1 };
        for count in (0..bytes.len()).step_by(step) {
            assert!(refusal(&bytes[..count]).is_some(), "{}: {count} of {} bytes", path.display(), bytes.len());
        }
    }
}

#[test]
fn more_bytes_than_the_storages() {
    let mut bytes = one(12, 0, &[1, 3, 2, 2], &[12, 4, 2, 1]);
    bytes.push(0);
    refused(&bytes, "bytes, as its storages say");
}

#[test]
fn absurd_shapes_strides_and_offsets() {
    refused(&one(12, 0, &[1 << 40, 1 << 40], &[0, 0]), "absurd");
    refused(&one(12, 0, &[4096, 4096, 15, 15], &[0, 0, 0, 0]), "absurd over a storage of 12");
    refused(&one(12, 0, &[1, 3, 2, 2], &[1, -4, 2, 1]), "stride of -4");
    refused(&one(12, -1, &[1, 3, 2, 2], &[12, 4, 2, 1]), "offset or stride of -1");
    refused(&one(12, 1, &[1, 3, 2, 2], &[12, 4, 2, 1]), "outside its storage of 12");
    refused(&one(12, 0, &[1, 3, 2, 2], &[12, 5, 2, 1]), "outside its storage of 12");
    refused(&one(12, i64::MAX, &[2, 3], &[i64::MAX, i64::MAX]), "outside its storage of 12");
    refused(&one(13, 0, &[1, 3, 2, 2], &[12, 4, 2, 1]), "expected 13 numbers, found 12");
    refused(&one(i64::MAX, 0, &[1, 3, 2, 2], &[12, 4, 2, 1]), "found 12");
    refused(&one(12, 0, &[1; 9], &[1; 9]), "9 axes");
    refused(&one(12, 0, &[3, 2], &[1]), "axes, each with a stride");
    refused(&one(12, 0, &[0, 3, 3, 3], &[0; 4]), "missing");
}

/// An archive may say that an entry holds more than it does.
#[test]
fn a_storage_larger_than_its_file() {
    let pickle = dict(1 << 29, 0, &[4096, 4096, 5, 5], &[0; 4]).raw(b".").0;
    let mut zip = archive(&[("m/data.pkl", &pickle), ("m/data/7", &[0; 48])], CompressionMethod::Stored);
    let entry = zip.windows(4).rposition(|bytes| bytes == b"PK\x01\x02").unwrap();
    zip[entry + 24..entry + 28].copy_from_slice(&(1u32 << 31).to_le_bytes());
    refused(&zip, "absurd over a storage of 536870912, of which it spans 1");
}

#[test]
fn duplicates() {
    let twice = |p: Pickle| p.text("enc_1.conv.input_conv.weight").tensor("7", 12, 0, &[12], &[1]).raw(b"s");
    refused(&legacy(twice(twice(Pickle::new().raw(b"}"))), &[("7", &[1.0; 12])]), "there twice");
    let p = twice(Pickle::new().raw(b"}"));
    refused(&legacy(p, &[("7", &[1.0; 12]), ("7", &[1.0; 12])]), "storage 7: there twice");

    let header = br#"{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]},"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4]}}"#;
    let mut file = (header.len() as u64).to_le_bytes().to_vec();
    file.extend(header);
    file.extend([0; 4]);
    refused(&file, "tensor a: there twice");

    // No archive has an entry twice, so one is renamed.
    let mut zip = archive(&[("PConv_00/c/W.npy", b"x"), ("PConv_00/c/V.npy", b"y")], CompressionMethod::Stored);
    for i in 0..zip.len() - 3 {
        if zip[i..].starts_with(b"/V.n") {
            zip[i + 1] = b'W';
        }
    }
    refused(&zip, "entry twice");
}

#[test]
fn numbers_that_are_none() {
    let bytes = fs::read(corpus().iter().find(|path| path.ends_with("nvidia.safetensors")).unwrap()).unwrap();
    let header = u64::from_le_bytes(bytes[..8].try_into().unwrap()) as usize;
    let info: serde_json::Value = serde_json::from_slice(&bytes[8..8 + header]).unwrap();
    for name in ["enc1.weight", "enc2.bn.running_var", "dec1.bias", "input_mean"] {
        let at = 8 + header + info[name]["data_offsets"][0].as_u64().unwrap() as usize;
        for (value, text) in [(f32::NAN, "NaN"), (f32::INFINITY, "inf"), (f32::NEG_INFINITY, "-inf")] {
            let mut bytes = bytes.clone();
            bytes[at..at + 4].copy_from_slice(&value.to_le_bytes());
            refused(&bytes, &format!("tensor {name}: expected finite numbers, found {text} at index 0"));
        }
    }
    let at = 8 + header + info["enc2.bn.running_var"]["data_offsets"][0].as_u64().unwrap() as usize;
    let mut bytes = bytes.clone();
    bytes[at..at + 4].copy_from_slice(&(-1f32).to_le_bytes());
    refused(&bytes, "a variance of -1");
}

#[test]
fn mask_kernels_that_are_not_ones() {
    let bytes = fs::read(corpus().iter().find(|path| path.ends_with("naoto.legacy.pth")).unwrap()).unwrap();
    let ones: Vec<u8> = [1f32; 9].iter().flat_map(|v| v.to_le_bytes()).collect();
    let at = bytes.windows(36).position(|window| window == ones).unwrap();
    let mut bytes = bytes.clone();
    bytes[at + 4] = 1;
    refused(&bytes, "expected ones, found others");
}

#[test]
fn names_missing_and_unknown() {
    let bytes = fs::read(corpus().iter().find(|path| path.ends_with("nvidia.safetensors")).unwrap()).unwrap();
    let renamed = |from: &str, to: &str| {
        assert_eq!(from.len(), to.len());
        let at = bytes.windows(from.len()).position(|window| window == from.as_bytes()).unwrap();
        let mut bytes = bytes.clone();
        bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        bytes
    };
    refused(&renamed("enc2.weight", "enc9.weight"), "missing");
    refused(&renamed("dec1.bias", "dec1.bia5"), "missing: dec1.bias");
    refused(&renamed("enc2.bn.num_batches_tracked", "enc2.bn.num_batches_trackex"), "enc2.bn.num_batches_trackex");
    let renamed = renamed("enc2.bn.num_batches_tracked", "enc2.bn.num_batches_trackex");
    let options = Options { allow_extra: true, ..Options::default() };
    let report = convert(Input::from_bytes(&renamed), &options, &mut Vec::new()).unwrap();
    assert_eq!(report.extra, ["enc2.bn.num_batches_trackex"]);
}

/// Every way in which a pickle may call, make, fill and name something: nothing is executed.
#[test]
fn pickles_that_ask_for_code() {
    let was_here = Path::new("/tmp/inpaint-convert-was-here");
    let touch = |p: Pickle| p.text("touch /tmp/inpaint-convert-was-here");
    for module in ["os", "posix", "nt"] {
        let global = |p: Pickle| p.raw(format!("c{module}\nsystem\n").as_bytes());
        let calls = [
            touch(global(Pickle::new()).raw(b"(")).raw(b"tR"),
            touch(global(Pickle::new()).raw(b"(")).raw(b"t\x81"),
            touch(global(Pickle::new()).raw(b"(")).raw(b"t}\x92"),
            touch(Pickle::new().raw(b"(")).raw(format!("i{module}\nsystem\n").as_bytes()),
            touch(global(Pickle::new().raw(b"("))).raw(b"o"),
            touch(Pickle::new().text(module).text("system").raw(b"\x93(")).raw(b"tR"),
            touch(global(Pickle::new()).raw(b"(")).raw(b"tR}b"),
        ];
        let reason = format!("no tensors found; objects, which are not opened: all of it ({module}.system); save");
        for call in calls {
            refused(&legacy(call.clone(), &[]), &reason);
            let zip = archive(&[("archive/data.pkl", &call.raw(b".").0)], CompressionMethod::Stored);
            refused(&zip, &reason);
        }
    }
    let p = |raw: &[u8]| legacy(Pickle::new().raw(raw), &[]);
    refused(&p(b"cbuiltins\neval\nX\x01\0\0\0x\x85R"), "builtins.eval");
    refused(&p(b"cos\nsys\x1btem\n)R"), "os.sys tem");
    refused(&p(b"N)R"), "a call of something that is no function");
    refused(&p(b"]}b"), "a state of something that has none");
    refused(&p(b"ctorch\nFloatStorage\n)R"), "other arguments");
    assert!(!was_here.exists());
}

#[test]
fn files_without_a_network() {
    let p = |raw: &[u8]| legacy(Pickle::new().raw(raw), &[]);
    refused(&p(b"}"), "no tensors found");
    let groups = Pickle::new().raw(b"}").text("state").raw(b"}s").text("param_groups").raw(b"]s");
    refused(&legacy(groups.clone(), &[]), "no tensors found, only an optimizer's state");
    let adam = Pickle::new().raw(b"}").text("optimizer").raw(b"ctorch.optim.adam\nAdam\n)Rs");
    refused(&legacy(adam.clone(), &[]), "no tensors found, only an optimizer's state");
    let module = "no tensors found; objects, which are not opened: `net` (models.Net); save a state_dict()";
    refused(&legacy(adam.text("net").raw(b"cmodels\nNet\n)Rs"), &[]), module);
}

/// A tensor that has been through an unknown global is not the file's word any more.
#[test]
fn weights_inside_of_objects_are_not_taken() {
    let name = "enc_1.conv.input_conv.weight";
    let storage: &[(&str, &[f32])] = &[("7", &[1.0; 12])];
    let tensor = |p: Pickle| p.tensor("7", 12, 0, &[1, 3, 2, 2], &[12, 4, 2, 1]);
    let object = |p: Pickle| p.raw(b"cmodels\nNet\n");
    let inside = "no tensors found; objects, which are not opened: all of it (models.Net)";
    // Called with it, filled with it as an attribute, as an item and as an entry.
    refused(&legacy(tensor(object(Pickle::new()).raw(b"(")).raw(b"tR"), storage), inside);
    let made = object(Pickle::new()).raw(b")\x81");
    refused(&legacy(tensor(made.clone().raw(b"}").text(name)).raw(b"sb"), storage), inside);
    refused(&legacy(tensor(made.clone()).raw(b"a"), storage), inside);
    refused(&legacy(tensor(made.clone().text(name)).raw(b"s"), storage), inside);
    // Made by it, under the right name.
    let named = |p: Pickle| p.raw(b"}").text(name);
    let under = format!("no tensors found; objects, which are not opened: `{name}` (models.Net)");
    refused(&legacy(tensor(object(named(Pickle::new())).raw(b"(")).raw(b"tRs"), storage), &under);
    // A storage, a parameter and a dict of it.
    let of = |raw: &[u8]| object(named(Pickle::new()).raw(raw));
    let opaque_storage = of(b"ctorch._utils\n_rebuild_tensor_v2\n(").int(0).ints(&[12]).ints(&[1]).raw(b"tRs");
    refused(&legacy(opaque_storage, &[]), &under);
    refused(&legacy(of(b"ctorch._utils\n_rebuild_parameter\n(").raw(b"tRs"), &[]), &under);
    refused(&legacy(of(b"ccollections\nOrderedDict\n(").raw(b"tRs"), &[]), &under);
    // One of a network's tensors.
    let bytes = fs::read(corpus().iter().find(|path| path.ends_with("naoto.legacy.pth")).unwrap()).unwrap();
    let from = b"ctorch._utils\n_rebuild_tensor_v2\n";
    let at = bytes.windows(from.len()).position(|window| window == from).unwrap();
    let mut bytes = bytes.clone();
    bytes[at + 5] = b'e';
    assert!(refusal(&bytes).unwrap().contains("torce._utils._rebuild_tensor_v2"), "{:?}", refusal(&bytes));
}

#[test]
fn a_loss_for_every_step_of_training() {
    let thousand = [&b"("[..], &b"G\x3f\xe0\0\0\0\0\0\0".repeat(1000), b"e"].concat();
    let tensors = |steps: usize| {
        let p = dict(12, 0, &[1, 3, 2, 2], &[12, 4, 2, 1]);
        legacy(p.text("losses").raw(b"]").raw(&thousand.repeat(steps / 1000)).raw(b"s"), &[("7", &[1.0; 12])])
    };
    refused(&tensors(1_000_000), "missing: dec_1.conv.input_conv.weight");
    refused(&tensors(2_000_000), "more entries");
}

#[test]
fn pickles_that_grow() {
    let p = |raw: &[u8]| legacy(Pickle::new().raw(raw), &[]);
    // A dict inside itself, and dicts that double at each level.
    refused(&p(b"}q\0X\x01\0\0\0kh\0s"), "nested deeper");
    let level = b"q\0}X\x01\0\0\0ah\0sX\x01\0\0\0bh\0s";
    refused(&p(&[&b"}"[..], &level.repeat(14)].concat()), "no tensors found");
    refused(&p(&[&b"}"[..], &level.repeat(16)].concat()), "more entries");
    refused(&p(&b"]".repeat(1 << 19)), "more objects");
    // Tuples of one object, over and over.
    let tuple = [&b"(N"[..], &b"2".repeat(1 << 16), b"t0"].concat();
    refused(&p(&tuple.repeat(1 << 5)), "more entries");
    refused(&p(&b"(".repeat(1 << 19)), "too many marks");
    refused(&p(&[&b"]"[..], &b"2".repeat(1 << 19)].concat()), "stack is larger");
    refused(&p(b"X\xff\xff\xff\x7fabc"), "cut short");
    refused(&p(b"\x8d\xff\xff\xff\xff\xff\xff\xff\x7fabc"), "cut short");
    refused(&p(b"\x8b\xff\xff\xff\x7fabc"), "cut short");
    refused(&p(b"\x8b\xff\xff\xff\xffabc"), "cut short");
    let globals: String = (0..5000).map(|i| format!("ca\nb{i}\n0")).collect();
    refused(&p(globals.as_bytes()), "more globals");
}

#[test]
fn archives_that_grow() {
    let array = |sides: &[usize]| {
        let sides_text: String = sides.iter().map(|side| format!("{side}, ")).collect();
        let header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({sides_text}), }}\n");
        let mut array = b"\x93NUMPY\x01\0".to_vec();
        array.extend((header.len() as u16).to_le_bytes());
        array.extend(header.as_bytes());
        array.resize(array.len() + 4 * sides.iter().product::<usize>(), 0);
        array
    };
    let bomb = |c_out: usize| {
        let entries = [
            ("PConv_00/c/W.npy", array(&[c_out, 3, 15, 15])),
            ("PConv_00/c/b.npy", array(&[c_out])),
            ("PConv_10/c/W.npy", array(&[3, 3 + c_out, 3, 3])),
            ("PConv_10/c/b.npy", array(&[3])),
        ];
        let entries: Vec<(&str, &[u8])> = entries.iter().map(|(name, array)| (*name, &array[..])).collect();
        archive(&entries, CompressionMethod::Deflated)
    };
    let zip = bomb(4096);
    assert!(zip.len() < 1 << 15, "{}", zip.len());
    refused(&zip, "tensor PConv_00/c/W: cannot be read: more bytes are declared than can be in the file");
    assert_eq!(refusal(&bomb(16)), None);
}

#[test]
fn the_program_leaves_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let (bad, out) = (folder.path().join("bad.pth"), folder.path().join("out.safetensors"));
    let read = |name: &str| fs::read(corpus().iter().find(|path| path.ends_with(name)).unwrap()).unwrap();
    let whole = read("xyfjason.pth");
    // All names and shapes are right in this one: it fails while it is written.
    let mut late = read("nvidia.safetensors");
    let header = u64::from_le_bytes(late[..8].try_into().unwrap()) as usize;
    let info: serde_json::Value = serde_json::from_slice(&late[8..8 + header]).unwrap();
    let at = 8 + header + info["enc2.weight"]["data_offsets"][0].as_u64().unwrap() as usize;
    late[at..at + 4].copy_from_slice(&f32::NAN.to_le_bytes());
    for bytes in [&whole[..whole.len() / 2], &legacy(Pickle::new().raw(b"cos\nsystem\n)R"), &[]), &late] {
        fs::write(&bad, bytes).unwrap();
        let done = Command::new(env!("CARGO_BIN_EXE_inpaint-convert")).args([&bad, &out]).output().unwrap();
        let line = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(4), "{line}");
        assert!(line.lines().count() == 1 && line.contains("bad.pth: "), "{line}");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{line}");
    }
}

#[test]
fn flipped_bits_in_an_archive_are_noticed() {
    let bytes = fs::read(corpus().iter().find(|path| path.ends_with("xyfjason.pth")).unwrap()).unwrap();
    let mut flipped = 0;
    for at in (0..bytes.len()).step_by(5) {
        let mut bytes = bytes.clone();
        bytes[at] ^= 0x04;
        flipped += usize::from(refusal(&bytes).is_some_and(|line| line.contains("checksum")));
    }
    assert!(flipped > 50, "{flipped} checksums");
}
