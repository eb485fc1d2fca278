//! Modules use only what lies below them: the folders stay a way and not a web.

use std::path::Path;

/// Each module with those it may use.
const LAYERS: [(&str, &[&str]); 20] = [
    ("error", &[]),
    ("room", &["error"]),
    ("numerics", &[]),
    ("buffer", &["error"]),
    ("mask", &["error"]),
    ("harmonic", &["error", "buffer"]),
    ("parallel", &["simd", "buffer"]),
    ("sample", &["numerics"]),
    ("holes", &["error", "room", "mask"]),
    ("select", &["error", "sample", "holes"]),
    ("window", &["error", "room", "holes", "sample"]),
    ("simd", &["error", "numerics"]),
    ("weights", &["error", "room", "simd"]),
    ("gemm", &["error", "numerics", "simd", "buffer"]),
    ("pconv", &["error", "numerics", "simd", "gemm", "buffer", "mask", "parallel", "weights"]),
    ("unet", &["error", "numerics", "simd", "buffer", "mask", "harmonic", "parallel", "pconv", "weights"]),
    ("inpainter", &["error", "numerics", "simd", "buffer", "parallel", "sample", "holes", "window", "unet", "weights"]),
    ("image", &["error", "room", "sample", "holes", "select", "inpainter"]),
    ("selftest", &["error", "sample", "inpainter", "weights"]),
    ("capi", &["error", "room", "simd", "parallel", "sample", "select", "weights", "inpainter"]),
];

fn sources(path: &Path, found: &mut Vec<std::path::PathBuf>) {
    for entry in std::fs::read_dir(path).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            if path.file_name().unwrap() != "bin" {
                sources(&path, found);
            }
        } else {
            found.push(path);
        }
    }
}

#[test]
fn modules_use_only_what_lies_below() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    let mut uses = 0;
    for file in files {
        let inside = file.strip_prefix(&root).unwrap();
        let module = inside.iter().next().unwrap().to_str().unwrap().trim_end_matches(".rs").to_owned();
        if module == "lib" {
            continue;
        }
        let (_, allowed) =
            LAYERS.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("{module}: no layer"));
        let text = std::fs::read_to_string(&file).unwrap();
        let code = text.lines().map(str::trim).filter(|line| !line.starts_with("//"));
        for used in code.flat_map(|line| line.split("crate::").skip(1).map(str::to_owned).collect::<Vec<_>>()) {
            let used: String = used.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            assert!(!used.is_empty(), "{}: a use of several modules, which this test does not read", inside.display());
            if used == module || used.starts_with(char::is_uppercase) {
                continue;
            }
            uses += 1;
            assert!(allowed.contains(&&*used), "{}: {module} must not use {used}", inside.display());
        }
    }
    assert!(uses > 30, "{uses} uses found: the test no longer reads the sources");
}

#[test]
fn no_module_of_the_program_uses_itself_by_way_of_others() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/bin/inpaint-edge");
    let mut files = Vec::new();
    sources(&folder, &mut files);
    let module = |file: &Path| file.file_stem().unwrap().to_str().unwrap().to_owned();
    let mut left: Vec<_> = files.iter().map(|file| (module(file), std::fs::read_to_string(file).unwrap())).collect();
    assert!(left.len() > 15, "{} modules found: the test no longer reads the sources", left.len());
    // The root knows all, and what all use of it is no module.
    left.retain(|(name, _)| name != "main");
    while !left.is_empty() {
        let names: Vec<_> = left.iter().map(|(name, _)| name.clone()).collect();
        let before = left.len();
        // What uses none of those that are left lies below them.
        left.retain(|(name, text)| {
            let uses = |other: &String| [';', ':'].iter().any(|end| text.contains(&format!("crate::{other}{end}")));
            names.iter().any(|other| other != name && uses(other))
        });
        assert!(
            left.len() < before,
            "a circle of, or under, {:?}",
            left.iter().map(|(name, _)| name).collect::<Vec<_>>()
        );
    }
}
