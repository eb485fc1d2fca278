//! The engine's weights to PyTorch and back, and the program as a user calls it.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use inpaint_convert::layout::Fact;
use inpaint_convert::{Options, convert_file, pytorch};
use inpaint_edge::ErrorKind;
use inpaint_edge::weights::{Config, Weights};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name)
}

type Layers = Vec<(Vec<f32>, Vec<f32>)>;

fn read(path: &Path) -> (Config, Layers) {
    let mut weights = Weights::open(path).unwrap();
    let config = weights.config().clone();
    let layers = (0..config.layers().len()).map(|i| {
        let (mut weight, mut bias) = Default::default();
        weights.read_layer(i, &mut weight, &mut bias).unwrap();
        (weight, bias)
    });
    let mut layers: Layers = layers.collect();
    let (mut weight, mut bias) = Default::default();
    weights.read_head(&mut weight, &mut bias).unwrap();
    layers.push((weight, bias));
    (config, layers)
}

fn run(arguments: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inpaint-convert"));
    arguments.iter().for_each(|argument| _ = command.arg(argument.as_ref()));
    command.output().unwrap()
}

#[test]
fn to_pytorch_and_back_is_exact() {
    let folder = tempfile::tempdir().unwrap();
    let (torch, back) = (folder.path().join("model.pth"), folder.path().join("model.safetensors"));
    // The first is f16 with a harmonic prior; the last two end in tanh, and in a head and a sigmoid.
    let names = ["weights/edge-f16", "tests/fixtures/l1.weights", "tests/fixtures/l4.weights"];
    let mut paths: Vec<PathBuf> = names.map(|name| repository().join(format!("{name}.safetensors"))).into();
    for name in ["ja3067.pth", "keras.h5"] {
        let path = folder.path().join(name);
        let options = Options { facts: vec![Fact::FrozenBn], ..Options::default() };
        convert_file(&fixture(name), &path, &options).unwrap();
        paths.push(path);
    }
    for path in &paths {
        let name = path.display();
        let parameters = pytorch::to_pytorch(path, &torch).unwrap();
        // A checkpoint has no place for the context.
        let options = Options { context: read(path).0.context(), ..Options::default() };
        let report = convert_file(&torch, &back, &options).unwrap();
        assert_eq!((report.layout, report.parameters), ("nvidia", parameters));
        let (before, after) = (read(path), read(&back));
        assert_eq!(before.0, after.0, "{name}: configuration");
        assert!(before.1 == after.1, "{name}: numbers");
    }
}

#[test]
fn the_program_converts_and_reports() {
    let folder = tempfile::tempdir().unwrap();
    let (out, torch) = (folder.path().join("out.safetensors"), folder.path().join("out.pth"));
    let done = run(&[&fixture("xyfjason.pth"), &out, &"--json"]);
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!(report["layout"], "xyfjason");
    assert_eq!(report["levels"], 4);
    assert_eq!(report["mask_kernels_dropped"], 8);
    assert!(run(&[&"--to-pytorch", &out, &torch]).status.success());
    assert!(run(&[&torch, &out, &"--dtype", &"f16"]).status.success());
    assert_eq!(read(&out).0.levels(), 4);
    let done = run(&[&fixture("metadata.pth"), &out, &"--json", &"--verbose"]);
    let report: serde_json::Value = serde_json::from_slice(&done.stdout).unwrap();
    assert!(report["skipped"].as_array().unwrap().iter().any(|name| name == "posix.system"), "{report}");
    assert_eq!((&report["root"], &report["outside_root"]), (&"model".into(), &4.into()));
    let told = String::from_utf8(done.stderr).unwrap();
    assert!(told.contains("skipped, not executed: ") && told.contains("posix.system"), "{told}");
    assert!(run(&[&torch, &out, &"--dtype", &"f16"]).status.success());
    // The same bytes every time.
    let bytes = std::fs::read(&out).unwrap();
    assert!(run(&[&torch, &out, &"--dtype", &"f16", &"--from", &"nvidia"]).status.success());
    assert!(bytes == std::fs::read(&out).unwrap());
}

/// A new file is for whom the umask leaves it; what replaces one keeps its mode, and a symbolic link goes on leading to it.
#[cfg(unix)]
#[test]
fn results_follow_umask_modes_and_links() {
    use std::os::unix::fs::{PermissionsExt, symlink};
    let folder = tempfile::tempdir().unwrap();
    let [new, kept, link] =
        ["new.safetensors", "kept.safetensors", "link.safetensors"].map(|name| folder.path().join(name));
    let mode = |path| std::fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777;
    for umask in ["077", "027", "002"] {
        let _ = std::fs::remove_file(&new);
        let done = Command::new("sh")
            .args(["-c", r#"umask "$1" && exec "$2" "$3" "$4""#, "sh", umask, env!("CARGO_BIN_EXE_inpaint-convert")])
            .args([&fixture("xyfjason.pth"), &new])
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(mode(&new), 0o666 & !u32::from_str_radix(umask, 8).unwrap(), "umask {umask}");
    }

    std::fs::write(&kept, "as it was").unwrap();
    std::fs::set_permissions(&kept, PermissionsExt::from_mode(0o604)).unwrap();
    symlink("kept.safetensors", &link).unwrap();
    assert!(run(&[&fixture("xyfjason.pth"), &link]).status.success());
    assert_eq!(std::fs::read_link(&link).unwrap(), Path::new("kept.safetensors"));
    assert!(std::fs::read(&kept).unwrap() == std::fs::read(&new).unwrap());
    assert_eq!(mode(&kept), 0o604);
    let torch = folder.path().join("link.pth");
    symlink("kept.pth", &torch).unwrap();
    let refused = run(&[&"--to-pytorch", &new, &torch]);
    assert!(!refused.status.success(), "a link that leads nowhere");
    assert!(torch.is_symlink() && !folder.path().join("kept.pth").exists());
    std::fs::write(folder.path().join("kept.pth"), "as it was").unwrap();
    assert!(run(&[&"--to-pytorch", &new, &torch]).status.success());
    assert!(torch.is_symlink() && std::fs::read(folder.path().join("kept.pth")).unwrap().starts_with(b"PK"));
    // Nothing temporary is left.
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 5);
}

#[test]
fn failures_have_one_line_a_code_and_no_output() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("out.safetensors");
    std::fs::write(&out, "as it was").unwrap();
    let text = folder.path().join("text.pth");
    std::fs::write(&text, "not a checkpoint at all").unwrap();
    let missing = folder.path().join("missing.pth");
    let weights = repository().join("weights/edge-f16.safetensors");
    let cases: [(&[&dyn AsRef<std::ffi::OsStr>], i32, &str); 8] = [
        (&[&text, &out], 4, "text.pth: expected a PyTorch, safetensors, Keras (.h5, .keras) or NumPy .npz file"),
        (&[&missing, &out], 4, "missing.pth: cannot be read"),
        (&[&folder.path(), &out], 4, "not a file"),
        (
            &[&fixture("tanimutomo.pth"), &out],
            4,
            "tanimutomo.pth: tanimutomo: dec_1 multiplies by the mask ratio twice",
        ),
        (
            &[&fixture("xyfjason.pth"), &out, &"--from", &"naoto"],
            4,
            "xyfjason.pth: missing: enc_1.conv.input_conv.weight, behind whatever prefix",
        ),
        (&[&weights, &out], 4, "in the engine's format already"),
        (&[&"--to-pytorch", &fixture("nvidia.safetensors"), &out], 4, "nvidia.safetensors: metadata format: missing"),
        (&[&fixture("xyfjason.pth"), &folder.path().join("no/where")], 1, "cannot be written"),
    ];
    for (arguments, code, message) in cases {
        let done = run(arguments);
        let stderr = String::from_utf8(done.stderr).unwrap();
        assert_eq!(done.status.code(), Some(code), "{stderr}");
        assert!(stderr.contains(message) && stderr.starts_with("inpaint-convert: "), "{message} expected in: {stderr}");
        assert_eq!(stderr.trim_end().lines().count(), 1, "{stderr}");
        assert!(done.stdout.is_empty());
    }
    assert_eq!(run(&[&text]).status.code(), Some(2));
    assert_eq!(std::fs::read(&out).unwrap(), b"as it was");
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left.len(), 2, "{left:?}");
}

#[test]
fn an_unwritable_result_is_an_error_of_output() {
    let error =
        convert_file(&fixture("xyfjason.pth"), Path::new("/no/such/folder/out"), &Options::default()).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Output);
}
