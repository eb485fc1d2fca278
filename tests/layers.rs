//! Modules use only what lies below them, and no file uses itself by way of others: the folders stay a way and not a web.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Each module with those it may use, all of them above it in the list.
const LAYERS: [(&str, &[&str]); 20] = [
    ("error", &[]),
    ("clock", &[]),
    ("numerics", &[]),
    ("sample", &["numerics"]),
    ("alloc", &["error"]),
    ("mask", &["error", "alloc", "sample"]),
    ("prior", &["error", "alloc", "mask"]),
    ("simd", &["error", "numerics"]),
    ("parallel", &["simd", "alloc"]),
    ("weights", &["error", "alloc", "simd"]),
    ("gemm", &["error", "numerics", "simd", "alloc"]),
    ("pconv", &["error", "numerics", "simd", "gemm", "alloc", "parallel", "weights"]),
    ("unet", &["error", "numerics", "simd", "alloc", "mask", "parallel", "pconv", "weights"]),
    (
        "engine",
        &["error", "clock", "numerics", "sample", "alloc", "mask", "prior", "simd", "parallel", "weights", "unet"],
    ),
    ("inpainter", &["error", "sample", "alloc", "mask", "simd", "parallel", "weights", "unet", "engine"]),
    ("selftest", &["error", "sample", "mask", "weights", "inpainter"]),
    ("capi", &["error", "sample", "alloc", "mask", "simd", "parallel", "weights", "inpainter"]),
    ("image", &["error", "alloc", "sample", "mask", "inpainter"]),
    ("bin", &[]),
    ("lib", &[]),
];

/// What only some files may name: a time, a thread, a file, another process, the system itself.
const OF_THE_SYSTEM: [(&str, &[&str]); 6] = [
    ("Instant", &["clock.rs"]),
    ("std::time", &["clock.rs", "parallel.rs"]),
    ("std::thread", &["parallel.rs"]),
    ("std::process", &["parallel.rs"]),
    ("std::fs", &["weights/source.rs"]),
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
        if ["bin", "lib"].contains(&module) {
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

/// The file that a path leads to from the module of `folder` (`a/b` for `a/b.rs` and `a/b/mod.rs`): a module inside it, or
/// else the module itself, for what it defines or re-exports.
fn file_of(folder: &str, path: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let mut at = folder.to_owned();
    let find = |at: &str| [format!("{at}.rs"), format!("{at}/mod.rs")].into_iter().find(|f| files.contains_key(f));
    for part in path.split("::") {
        let next = if at.is_empty() { part.to_owned() } else { format!("{at}/{part}") };
        if find(&next).is_none() {
            break;
        }
        at = next;
    }
    find(&at)
}

#[test]
fn no_file_uses_itself_by_way_of_others() {
    let files = sources(&root());
    let mut left: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (file, code) in &files {
        if ["bin", "lib", "image"].contains(&module(file)) {
            continue;
        }
        let own = file.trim_end_matches(".rs").trim_end_matches("/mod");
        let parent = own.rsplit_once('/').map_or("", |(parent, _)| parent);
        // A folder's list of what it has to offer uses nothing itself.
        let lines = code.lines().filter(|line| !line.starts_with("pub use ") && !line.starts_with("pub(crate) use "));
        let code: String = lines.map(|line| format!("{line}\n")).collect();
        let mut uses = BTreeSet::new();
        uses.extend(paths(&code, "super::").iter().filter_map(|path| file_of(parent, path, &files)));
        uses.extend(paths(&code, "crate::").iter().filter_map(|path| file_of("", path, &files)));
        for (inside, _) in code.match_indices("mod ").map(|(at, word)| (&code[at + word.len()..], word)) {
            let name: String = inside.chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
            let is_used = code.contains(&format!("{name}::"));
            uses.extend(file_of(own, &name, &files).filter(|_| is_used));
        }
        uses.remove(file);
        left.insert(file.clone(), uses);
    }
    assert!(left.values().map(BTreeSet::len).sum::<usize>() > 80, "the test no longer reads the sources");
    while !left.is_empty() {
        let names: BTreeSet<_> = left.keys().cloned().collect();
        // What uses none of those that are left lies below them.
        left.retain(|_, uses| !uses.is_disjoint(&names));
        assert!(left.len() < names.len(), "a circle of, or under, {left:#?}");
    }
}

#[test]
fn only_some_files_name_time_threads_files_and_the_system() {
    for (file, code) in sources(&root()) {
        if ["bin", "image"].contains(&module(&file)) {
            continue;
        }
        for (name, allowed) in OF_THE_SYSTEM {
            assert!(!code.contains(name) || allowed.contains(&&*file), "{file} names {name}");
        }
    }
}
