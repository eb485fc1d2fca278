//! The files of a package use each other in no circle.
//!
//! A use is a path from `crate`, `super`, `self` or a module that the file declares. A name that a file only passes on by
//! `pub use` counts as a use of the file it comes from. Tests inside files do not count.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// Packages by their folders, and the least number of uses between their files: with fewer, this test no longer reads them.
const PACKAGES: [(&str, usize); 12] = [
    (".", 80),
    ("cli", 1),
    ("cli/commands", 30),
    ("image", 60),
    ("python", 10),
    ("tools/atomic", 1),
    ("tools/convert", 15),
    ("tools/corpus", 1),
    ("tools/eval", 5),
    ("tools/metrics", 0),
    ("tools/train", 40),
    ("weights", 0),
];

type Module = Vec<String>;

/// A file of a package.
struct File {
    module: Module,
    /// Paths that its code names, from the root of the package, with where they stand.
    paths: Vec<Module>,
    /// Names that it passes on, by the paths they come from.
    passed_on: BTreeMap<String, Module>,
}

fn rust_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => rust_files(&path, found),
            false if path.extension().is_some_and(|ending| ending == "rs") => found.push(path),
            false => {}
        }
    }
}

/// `a/b.rs` and `a/b/mod.rs` are `[a, b]`; the roots are `[]`.
fn module_of(file: &Path) -> Module {
    let mut parts: Module = file.with_extension("").iter().map(|part| part.to_str().unwrap().to_owned()).collect();
    if ["mod", "lib", "main"].contains(&parts.last().unwrap().as_str()) {
        parts.pop();
    }
    parts
}

/// The code without comments, texts and the tests at its end.
fn code_of(text: &str) -> String {
    let text = text.split("#[cfg(test)]\nmod tests").next().unwrap();
    let mut code = String::new();
    for line in text.lines() {
        for part in line.split('"').step_by(2) {
            let (part, has_comment) = part.split_once("//").map_or((part, false), |(part, _)| (part, true));
            code += part;
            if has_comment {
                break;
            }
        }
        code.push('\n');
    }
    code
}

/// The paths of a use tree such as `a::{b, c::{self, d as e}}`, with the name each has here.
fn expand(tree: &str, before: &[String], found: &mut Vec<(Module, String)>) {
    let tree = tree.trim();
    if let Some((head, group)) = tree.split_once('{') {
        let mut path = before.to_vec();
        path.extend(head.split("::").map(str::trim).filter(|part| !part.is_empty()).map(str::to_owned));
        let group = group.trim_end().strip_suffix('}').unwrap();
        let (mut depth, mut start) = (0, 0);
        for (i, c) in group.char_indices().chain([(group.len(), ',')]) {
            match c {
                '{' => depth += 1,
                '}' => depth -= 1,
                ',' if depth == 0 => {
                    expand(&group[start..i], &path, found);
                    start = i + 1;
                }
                _ => {}
            }
        }
    } else if !tree.is_empty() {
        let (path, name) = tree.split_once(" as ").unwrap_or((tree, ""));
        let mut all = before.to_vec();
        all.extend(
            path.split("::").map(|part| part.trim().to_owned()).filter(|part| part != "self" || before.is_empty()),
        );
        let name = if name.is_empty() { all.last().unwrap().clone() } else { name.trim().to_owned() };
        found.push((all, name));
    }
}

/// A path from the root of the package, where it is one: from `crate`, `super`, `self` or one of `children`.
fn absolute(path: &[String], module: &Module, children: &BTreeSet<String>) -> Option<Module> {
    let mut at = match path.first()?.as_str() {
        "crate" => Vec::new(),
        "super" | "self" => module.clone(),
        child if children.contains(child) => [module.clone(), vec![child.to_owned()]].concat(),
        _ => return None,
    };
    let mut rest = path;
    while rest.first().is_some_and(|part| part == "super") {
        at.pop();
        rest = &rest[1..];
    }
    if path[0] != "super" {
        rest = &rest[1..];
    }
    at.extend(rest.iter().cloned());
    Some(at)
}

fn read(root: &Path, file: &Path) -> File {
    let module = module_of(file.strip_prefix(root).unwrap());
    let mut code = code_of(&std::fs::read_to_string(file).unwrap());
    let declares = |line: &str| -> Option<String> {
        let line = line.trim();
        let line = line
            .strip_prefix("pub ")
            .or_else(|| line.split_once(") ").filter(|(v, _)| v.starts_with("pub(")).map(|v| v.1))
            .unwrap_or(line);
        Some(line.strip_prefix("mod ")?.strip_suffix(';')?.to_owned())
    };
    let children: BTreeSet<String> = code.lines().filter_map(declares).collect();
    let (mut paths, mut passed_on) = (Vec::new(), BTreeMap::new());
    // Items of use, which may take several lines, then paths in what is left.
    while let Some(start) = code.find("use ") {
        let is_item = code[..start].chars().next_back().is_none_or(|c| c == '\n' || c == ' ');
        let Some(length) = code[start..].find(';').filter(|_| is_item) else {
            code.replace_range(start..start + 4, "");
            continue;
        };
        let line = code[..start].rsplit('\n').next().unwrap().trim().to_owned();
        let mut found = Vec::new();
        expand(&code[start + 4..start + length], &[], &mut found);
        for (path, name) in found {
            match absolute(&path, &module, &children) {
                Some(path) if line.starts_with("pub") => drop(passed_on.insert(name, path)),
                Some(path) => paths.push(path),
                None => {}
            }
        }
        code.replace_range(start..start + length + 1, "");
    }
    let is_name = |c: char| c.is_alphanumeric() || c == '_';
    for (at, _) in code.match_indices("::") {
        let start = code[..at].rfind(|c: char| !is_name(c)).map_or(0, |i| i + 1);
        let is_first = !code[..start].ends_with("::") && start < at;
        if is_first {
            let end = code[at..].find(|c: char| !is_name(c) && c != ':').map_or(code.len(), |i| at + i);
            let path: Module =
                code[start..end].split("::").filter(|part| !part.is_empty()).map(str::to_owned).collect();
            paths.extend(absolute(&path, &module, &children));
        }
    }
    File { module, paths, passed_on }
}

/// The file that a path leads to.
fn target<'f>(path: &[String], files: &'f BTreeMap<Module, File>) -> Option<&'f File> {
    let depth = (0..=path.len()).rev().find(|depth| files.contains_key(&path[..*depth]))?;
    let file = &files[&path[..depth]];
    let passed_on = path.get(depth).and_then(|name| file.passed_on.get(name));
    match passed_on {
        Some(from) if *from != path => target(from, files),
        _ => Some(file),
    }
}

#[test]
fn files_use_each_other_in_no_circle() {
    for (package, least) in PACKAGES {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(package).join("src");
        let mut found = Vec::new();
        rust_files(&root, &mut found);
        // A program and its library are two roots; nothing uses the program's.
        let has_library = root.join("lib.rs").exists();
        found.retain(|file| !(has_library && *file == root.join("main.rs")));
        let files: BTreeMap<Module, File> =
            found.iter().map(|file| read(&root, file)).map(|file| (file.module.clone(), file)).collect();
        let mut uses: BTreeMap<&Module, BTreeSet<&Module>> = BTreeMap::new();
        for file in files.values() {
            let used = file.paths.iter().filter_map(|path| target(path, &files)).map(|used| &used.module);
            uses.insert(&file.module, used.filter(|used| **used != file.module).collect());
        }
        let count: usize = uses.values().map(BTreeSet::len).sum();
        assert!(count >= least, "{package}: {count} uses found, {least} or more expected");
        // A file that uses none of those that are left lies below them.
        while !uses.is_empty() {
            let left: Vec<&Module> = uses.keys().copied().collect();
            let before = uses.len();
            uses.retain(|_, used| used.iter().any(|used| left.contains(used)));
            assert!(uses.len() < before, "{package}: {}", circle(&uses));
        }
    }
}

/// One circle, file by file.
fn circle(uses: &BTreeMap<&Module, BTreeSet<&Module>>) -> String {
    let mut way = vec![*uses.keys().next().unwrap()];
    loop {
        let next = *uses[way.last().unwrap()].iter().find(|next| uses.contains_key(*next)).unwrap();
        let start = way.iter().position(|module| *module == next);
        way.push(next);
        if let Some(start) = start {
            return way[start..].iter().map(|module| format!("/{}", module.join("/"))).collect::<Vec<_>>().join(" → ");
        }
    }
}

#[test]
fn circles_are_found() {
    let folder = std::env::temp_dir().join(format!("circles-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("a")).unwrap();
    let put = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    put("lib.rs", "mod a;\nmod b;\npub use a::{Deep as Name};\n");
    put("a/mod.rs", "mod deep;\npub use deep::Deep;\nuse crate::b::{self, x::Y};\n");
    put("a/deep.rs", "pub struct Deep; // crate::b::X\nfn f() { \"crate::b\"; }\n");
    put("b.rs", "fn g(v: crate::Name) {}\n#[cfg(test)]\nmod tests { use crate::a; }\n");
    let mut found = Vec::new();
    rust_files(&folder, &mut found);
    let files: BTreeMap<Module, File> =
        found.iter().map(|file| read(&folder, file)).map(|file| (file.module.clone(), file)).collect();
    let uses = |module: &str| -> Vec<String> {
        let file = &files[&module.split('/').filter(|part| !part.is_empty()).map(str::to_owned).collect::<Module>()];
        file.paths.iter().filter_map(|path| target(path, &files)).map(|used| used.module.join("/")).collect()
    };
    assert_eq!((uses("a"), uses("b"), uses("a/deep")), (vec!["b".into(), "b".into()], vec!["a/deep".into()], vec![]));
    std::fs::remove_dir_all(folder).unwrap();
}
