//! Modules use only modules below them. Few files name time, threads, files and the system.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Each module with those it may use, all of them above it in the list.
const LAYERS: [(&str, &[&str]); 20] = [
    ("error", &[]),
    ("clock", &[]),
    ("numerics", &[]),
    ("sample", &["numerics"]),
    ("alloc", &["error"]),
    ("mask", &["error", "alloc", "sample"]),
    ("grain", &["alloc"]),
    ("prior", &["error", "alloc", "mask"]),
    ("simd", &["error", "numerics"]),
    ("parallel", &["simd", "alloc"]),
    ("synthesis", &["error", "numerics", "alloc", "mask", "prior", "simd", "parallel"]),
    ("weights", &["error", "alloc", "simd"]),
    ("gemm", &["error", "numerics", "simd", "alloc"]),
    ("pconv", &["error", "numerics", "simd", "gemm", "alloc", "parallel", "weights"]),
    ("unet", &["error", "numerics", "simd", "alloc", "mask", "parallel", "pconv", "weights"]),
    (
        "engine",
        &[
            "error",
            "clock",
            "numerics",
            "sample",
            "alloc",
            "mask",
            "prior",
            "simd",
            "parallel",
            "synthesis",
            "grain",
            "weights",
            "unet",
        ],
    ),
    ("inpainter", &["error", "sample", "alloc", "mask", "simd", "parallel", "weights", "unet", "engine"]),
    ("selftest", &["error", "sample", "mask", "weights", "inpainter"]),
    ("capi", &["error", "sample", "alloc", "mask", "simd", "parallel", "weights", "inpainter"]),
    ("lib", &[]),
];

/// Paths that only these files may name: time, threads, processes, files, the system itself.
const OF_THE_SYSTEM: [(&str, &[&str]); 6] = [
    ("Instant", &["clock.rs"]),
    ("std::time", &["clock.rs", "parallel.rs"]),
    ("std::thread", &["parallel.rs"]),
    ("std::process", &["parallel.rs"]),
    ("std::fs", &["weights/mod.rs", "weights/source.rs"]),
    ("libc::", &["alloc/buffer.rs"]),
];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Path inside `root` and code of every file there, without comments and tests.
fn sources(root: &Path) -> BTreeMap<String, String> {
    let (mut found, mut folders) = (BTreeMap::new(), vec![root.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") && path.file_stem().unwrap() != "tests" {
                let text = std::fs::read_to_string(&path).unwrap();
                let lines = text.lines().filter(|line| !line.trim_start().starts_with("//"));
                let code: String = lines.map(|line| format!("{line}\n")).collect();
                let code = code.split("#[cfg(test)]\nmod tests").next().unwrap().to_owned();
                let inside = path.strip_prefix(root).unwrap().to_str().unwrap().replace('\\', "/");
                found.insert(inside, code);
            }
        }
    }
    found
}

/// The module at the top of the tree that a file belongs to.
fn module(file: &str) -> &str {
    file.split('/').next().unwrap().trim_end_matches(".rs")
}

/// The paths that code names behind `prefix`, such as `super::`: `a`, `a::b`, and of a list in braces each.
fn paths(code: &str, prefix: &str) -> Vec<String> {
    let word = |text: &str| -> String {
        text.chars().take_while(|c| c.is_alphanumeric() || ['_', ':'].contains(c)).collect::<String>()
    };
    let mut found = Vec::new();
    for (at, _) in code.match_indices(prefix) {
        if code[..at].ends_with(|c: char| c.is_alphanumeric() || c == ':') {
            continue;
        }
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            None => found.push(word(rest)),
            Some(list) => {
                let mut depth = 0;
                let item = |c: char| {
                    depth += i32::from(c == '{') - i32::from(c == '}');
                    c == ',' && depth == 0 || depth < 0
                };
                let end = list.find(';').expect("a list of uses ends");
                found.extend(list[..end].split(item).map(|item| word(item.trim())).filter(|item| !item.is_empty()));
            }
        }
    }
    found
}

#[test]
fn modules_use_only_what_lies_below() {
    for (i, (name, uses)) in LAYERS.iter().enumerate() {
        let below: Vec<_> = LAYERS[..i].iter().map(|(name, _)| *name).collect();
        assert!(uses.iter().all(|used| below.contains(used)), "{name}: a module below it expected of each of {uses:?}");
    }
    let mut uses = 0;
    for (file, code) in sources(&root()) {
        let module = module(&file);
        let (_, allowed) =
            LAYERS.iter().find(|(name, _)| *name == module).unwrap_or_else(|| panic!("{module}: no layer"));
        if module == "lib" {
            continue;
        }
        for path in paths(&code, "crate::") {
            let used = path.split("::").next().unwrap();
            // Errors are re-exported at the root.
            if used == module || used.starts_with(char::is_uppercase) {
                continue;
            }
            uses += 1;
            assert!(allowed.contains(&used), "{file}: {module} must not use {used}");
        }
    }
    assert!(uses > 60, "{uses} uses found: the test no longer reads the sources");
}

#[test]
fn only_some_files_name_time_threads_files_and_the_system() {
    for (file, code) in sources(&root()) {
        for (name, allowed) in OF_THE_SYSTEM {
            assert!(!code.contains(name) || allowed.contains(&&*file), "{file} names {name}");
        }
    }
}
