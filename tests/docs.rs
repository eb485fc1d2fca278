//! Links between the pages of the repository, and to places in them, resolve; files that they name exist.

use std::collections::{HashMap, HashSet};
use std::path::{Component, Path, PathBuf};

/// Adds every `*.md` below `folder`, hidden folders and build results left out.
fn pages(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() && !path.is_symlink() {
            if !name.starts_with('.') && !["node_modules", "target"].contains(&&*name) {
                pages(&path, found);
            }
        } else if name.ends_with(".md") {
            found.push(path);
        }
    }
}

/// The text of a page without code: neither fenced blocks nor spans between backticks.
fn prose(page: &str) -> String {
    let mut text = String::new();
    let mut fence = None;
    for line in page.lines() {
        let start = line.trim_start();
        let marks = ["```", "~~~"].into_iter().find(|marks| start.starts_with(marks));
        match (fence, marks) {
            (None, Some(marks)) => fence = Some(marks),
            (Some(open), Some(marks)) if open == marks => fence = None,
            (None, None) if !line.starts_with("    ") => text += line,
            _ => {}
        }
        text.push('\n');
    }
    text.split("\n\n").map(without_spans).collect::<Vec<_>>().join("\n\n")
}

/// A paragraph without what stands between backticks.
fn without_spans(paragraph: &str) -> String {
    let parts: Vec<_> = paragraph.split('`').collect();
    // A last backtick that nothing closes is text.
    let closed = parts.len() - 1 + parts.len() % 2;
    parts.iter().enumerate().filter(|(i, _)| i % 2 == 0 || *i >= closed).map(|(_, part)| *part).collect()
}

/// The targets of a page's links: `[text](target)`, `![text](target)` and `[name]: target`.
fn links(page: &str) -> Vec<String> {
    let text = prose(page);
    let inline = text.split("](").skip(1).filter_map(|rest| rest.split_once(')')).map(|(target, _)| target);
    let defined = text.lines().filter_map(|line| line.strip_prefix('[')?.split_once("]: ")).map(|(_, target)| target);
    inline.chain(defined).map(|target| target.split_whitespace().next().unwrap_or("").to_owned()).collect()
}

/// The anchors that GitHub gives the headings of a page.
fn anchors(page: &str) -> HashSet<String> {
    let mut seen: HashMap<String, usize> = HashMap::new();
    let mut found = HashSet::new();
    let mut is_code = false;
    for line in page.lines() {
        if line.trim_start().starts_with("```") {
            is_code = !is_code;
        }
        let level = line.bytes().take_while(|byte| *byte == b'#').count();
        let Some(heading) = line.get(level..).and_then(|rest| rest.strip_prefix(' ')) else { continue };
        if is_code || !(1..=6).contains(&level) {
            continue;
        }
        let anchor: String = heading
            .trim()
            .to_lowercase()
            .chars()
            .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'))
            .map(|c| if c == ' ' { '-' } else { c })
            .collect();
        let times = seen.entry(anchor.clone()).or_default();
        found.insert(if *times == 0 { anchor } else { format!("{anchor}-{times}") });
        *times += 1;
    }
    found
}

/// `a/b/../c` as `a/c`.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut path, part| {
        if part == Component::ParentDir {
            path.pop();
        } else {
            path.push(part);
        }
        path
    })
}

/// The fault of a link of `page`, if it has one.
fn fault(root: &Path, page: &Path, target: &str) -> Option<String> {
    if target.contains("://") || target.starts_with("mailto:") {
        return None;
    }
    let (file, anchor) = target.split_once('#').map_or((target, None), |(file, anchor)| (file, Some(anchor)));
    let path = if file.is_empty() { page.to_owned() } else { normal(&page.parent().unwrap().join(file)) };
    if !path.starts_with(root) {
        return Some("leads out of the repository".to_owned());
    }
    if !path.exists() {
        return Some("expected a file, found none".to_owned());
    }
    let anchor = anchor?;
    let text = std::fs::read_to_string(&path).unwrap_or_default();
    (!anchors(&text).contains(anchor)).then(|| format!("expected a heading #{anchor}, found none"))
}

#[test]
fn links_between_pages_resolve() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    pages(root, &mut found);
    let (mut checked, mut faults) = (0, Vec::new());
    for page in &found {
        let text = std::fs::read_to_string(page).unwrap();
        for target in links(&text) {
            checked += 1;
            if let Some(fault) = fault(root, page, &target) {
                faults.push(format!("{}: {target}: {fault}", page.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(checked > 50, "expected more than 50 links, found {checked}: the test no longer reads the pages");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn readme_leads_to_every_page_of_docs() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = root.join("README.md");
    let named: HashSet<_> = links(&std::fs::read_to_string(&readme).unwrap())
        .iter()
        .map(|target| normal(&root.join(target.split('#').next().unwrap())))
        .collect();
    let mut docs = Vec::new();
    pages(&root.join("docs"), &mut docs);
    assert!(!docs.is_empty());
    for page in docs {
        assert!(named.contains(&page), "expected a link in README.md to {}, found none", page.display());
    }
}

/// The folders whose files pages name between backticks.
const FOLDERS: [&str; 12] = [
    ".ci/",
    "benches/",
    "cli/",
    "docs/",
    "examples/",
    "fuzz/",
    "image/",
    "include/",
    "src/",
    "tests/",
    "tools/",
    "weights/",
];

/// The paths that a page names between backticks, such as `src/lib.rs`.
fn named_paths(page: &str) -> Vec<&str> {
    let spans = page.lines().flat_map(|line| line.split('`').skip(1).step_by(2));
    let paths = spans.filter_map(|span| span.split_whitespace().next());
    paths.filter(|path| FOLDERS.iter().any(|folder| path.starts_with(folder)) && !path.contains('*')).collect()
}

/// A page names a file from the root of the repository, or from its own folder. The changelog names files of its time.
#[test]
fn paths_named_in_pages_exist() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut found = Vec::new();
    pages(root, &mut found);
    let (mut checked, mut faults) = (0, Vec::new());
    for page in found.iter().filter(|page| !page.ends_with("CHANGELOG.md")) {
        let text = std::fs::read_to_string(page).unwrap();
        for path in named_paths(&text) {
            checked += 1;
            if !root.join(path).exists() && !page.parent().unwrap().join(path).exists() {
                faults.push(format!("{}: expected {path}, found none", page.strip_prefix(root).unwrap().display()));
            }
        }
    }
    assert!(checked > 50, "expected more than 50 paths, found {checked}: the test no longer reads the pages");
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

#[test]
fn paths_are_found_between_backticks() {
    let page = "`src/a.rs` src/b.rs `tools/c.sh FOLDER` `tests/*.rs` `none/d.rs`\n`a` docs/e.md `f`\n";
    assert_eq!(named_paths(page), ["src/a.rs", "tools/c.sh"]);
}

#[test]
fn links_are_found_in_prose_and_not_in_code() {
    let page = "[a](A.md) `[b](B.md)` [c\nd](C.md#e \"title\")\n\n```sh\n[d](D.md)\n```\n\n![e](e.png)\n\n    [f](F.md)\n\n[g]: G.md\n";
    assert_eq!(links(page), ["A.md", "C.md#e", "e.png", "G.md"]);
    assert_eq!(links("it's ` alone [a](A.md)"), ["A.md"]);
}

#[test]
fn anchors_are_those_of_github() {
    let page = "# What is refused, and why\n## `unsafe` code\n```sh\n# no heading\n```\n## To add …\n## To add …\n#no heading\n";
    let expected = ["what-is-refused-and-why", "unsafe-code", "to-add-", "to-add--1"];
    assert_eq!(anchors(page), expected.into_iter().map(str::to_owned).collect());
}

#[test]
fn broken_links_are_noticed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = root.join("docs/FORMATS.md");
    for target in ["../README.md", "#what-is-read", "../README.md#limits", "https://example.org/none", "failures.jpg"] {
        assert_eq!(fault(root, &page, target), None, "{target}");
    }
    for target in ["README.md", "#none", "../README.md#none", "../../none.md", "none.jpg"] {
        assert!(fault(root, &page, target).is_some(), "{target}");
    }
}
