//! What a batch is to do: two folders paired by name, or a list on stdin.

use std::collections::{BTreeMap, HashMap};
use std::ffi::{OsStr, OsString};
use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use inpaint_edge::image::{ENDINGS, read_within, target_of};
use inpaint_edge::{Error, ErrorKind, Result};

use crate::args::BatchArgs;
use crate::job::{Job, is_pipe};

/// A list at the most: bytes, jobs.
const MAX_LIST: u64 = 256 << 20;
const MAX_JOBS: usize = 1_000_000;
/// A line at the most, by far: three names of 4096 bytes, all of them escaped.
const MAX_LINE: usize = 1 << 17;
/// Bytes that are made of a byte of a line at the most: of `1,` in a list of JSON that grows, two times 32.
const PARSED: usize = 64;

/// A job, and why it cannot be done where that is known already.
pub struct Item {
    pub job: Job,
    pub problem: Option<Error>,
}

/// The jobs, in their order: that of names, or that of lines.
pub fn items(args: &BatchArgs) -> Result<Vec<Item>> {
    match (&args.images, &args.out) {
        (Some(images), Some(out)) => of_folders(images, args.masks.as_deref(), out, args.job.hole.in_image()),
        _ if std::io::stdin().is_terminal() => usage("--images and --out, or a list on stdin expected"),
        _ => {
            let list = read_within(std::io::stdin().lock(), MAX_LIST).map_err(|e| e.of("stdin"))?;
            let list = str::from_utf8(&list)
                .map_err(|e| Error::new(ErrorKind::Input, format!("stdin: a list in UTF-8 expected: {e}")))?;
            of_list(list, args.job.hole.in_image())
        }
    }
}

fn usage<T>(detail: impl Into<String>) -> Result<T> {
    Err(Error::new(ErrorKind::Usage, detail))
}

fn of_folders(images: &Path, masks: Option<&Path>, out: &Path, in_image: bool) -> Result<Vec<Item>> {
    if masks.is_none() && !in_image {
        return usage("--masks, --mask-alpha, --mask-color or --box expected, none of them found");
    }
    if [Some(images), masks].into_iter().flatten().any(|folder| is_same(folder, out)) {
        return usage(format!("{}: another folder than those of images and masks expected for --out", out.display()));
    }
    let names = pictures(images)?;
    if names.is_empty() {
        let detail =
            format!("{}: files .png, .jpg, .jpeg, .webp, .tif or .tiff expected, none found", images.display());
        return Err(Error::new(ErrorKind::Input, detail));
    }
    let masks_found = masks.map_or_else(|| Ok(Vec::new()), pictures)?;
    let folders = [Some(images), masks, Some(out)].into_iter().flatten().map(|folder| folder.as_os_str().len());
    let folders: usize = folders.sum();
    let of_names: usize = names.iter().chain(&masks_found).map(|name| name.len()).sum();
    check_room(of_names + folders * names.len(), names.len() + masks_found.len())?;
    let mut by_stem = BTreeMap::<OsString, Vec<PathBuf>>::new();
    for name in masks_found {
        by_stem.entry(stem(&name).to_owned()).or_default().push(masks.unwrap_or(images).join(name));
    }
    let item = |name: OsString| {
        let image = images.join(&name);
        let found = by_stem.get(stem(&name)).map_or(&[][..], Vec::as_slice);
        let problem = masks.filter(|_| found.len() != 1).map(|masks| {
            let detail = format!("one mask {}.* expected, {} found", masks.join(stem(&name)).display(), found.len());
            Error::new(ErrorKind::Input, detail).of(image.display())
        });
        Item { job: Job { image, mask: found.first().cloned(), out: out.join(name) }, problem }
    };
    let items = names.into_iter().map(item).collect();
    std::fs::create_dir_all(out)
        .map_err(|e| Error::new(ErrorKind::Output, format!("{}: cannot be made: {e}", out.display())))?;
    Ok(items)
}

/// Refuses jobs that memory cannot be had for: their names, `bytes` in all, as they are read, kept, found again and told,
/// the jobs themselves and what becomes of them.
fn check_room(bytes: usize, jobs: usize) -> Result<()> {
    let needed = bytes.saturating_mul(4).saturating_add(jobs.saturating_mul(512));
    let had = Vec::<u8>::new().try_reserve_exact(needed);
    had.map_err(|_| Error::new(ErrorKind::Limits, format!("no memory for {jobs} jobs")))
}

/// Names of the pictures in a folder, sorted; hidden files are none.
fn pictures(folder: &Path) -> Result<Vec<OsString>> {
    let list = || {
        let mut names = Vec::new();
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let ending = Path::new(&name).extension().unwrap_or_default().to_ascii_lowercase();
            let is_picture = ENDINGS.iter().any(|(known, _)| ending == *known);
            if is_picture && !name.as_encoded_bytes().starts_with(b".") {
                names.try_reserve(1).map_err(std::io::Error::from)?;
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    };
    let cannot = |e: std::io::Error| {
        let kind = if e.kind() == std::io::ErrorKind::OutOfMemory { ErrorKind::Limits } else { ErrorKind::Input };
        Error::new(kind, format!("{}: cannot be read: {e}", folder.display()))
    };
    list().map_err(cannot)
}

fn stem(name: &OsStr) -> &OsStr {
    Path::new(name).file_stem().unwrap_or(name)
}

/// Whether both are there and the same, whatever the names.
pub fn is_same(a: &Path, b: &Path) -> bool {
    matches!((a.canonicalize(), b.canonicalize()), (Ok(a), Ok(b)) if a == b)
}

/// A list with a job a line; empty lines are none.
pub fn of_list(list: &str, in_image: bool) -> Result<Vec<Item>> {
    let filled = || list.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let jobs = filled().take(MAX_JOBS + 1).count();
    check_room(list.len() + PARSED * MAX_LINE.min(list.len()), jobs)?;
    let (mut folders, mut lines) = (Folders::default(), HashMap::with_capacity(jobs));
    let mut items = Vec::with_capacity(jobs);
    for (i, line) in filled() {
        let of_line = |e: Error| e.of(format_args!("stdin, line {}", i + 1));
        if line.len() > MAX_LINE {
            return usage(format!("at most {MAX_LINE} bytes expected, {} found", line.len())).map_err(of_line);
        }
        let job = of_line_text(line, in_image).map_err(of_line)?;
        if let Some(first) = lines.insert(folders.place(&job.out), i + 1) {
            return usage(format!("another result expected, {} of line {first} found", job.out.display()))
                .map_err(of_line);
        }
        items.push(Item { job, problem: None });
        if items.len() > MAX_JOBS {
            return usage(format!("at most {MAX_JOBS} jobs expected, more found")).map_err(of_line);
        }
    }
    Ok(items)
}

/// Folders by number: one has the same whatever the name that leads to it.
#[derive(Default)]
struct Folders {
    named: HashMap<PathBuf, usize>,
    real: HashMap<PathBuf, usize>,
}

impl Folders {
    /// Folder and name of the file that writing to `path` makes or replaces.
    fn place(&mut self, path: &Path) -> (usize, OsString) {
        let target = target_of(path).unwrap_or_else(|_| path.to_owned());
        let folder = folder_of(&target);
        let number = self.named.get(folder).copied().unwrap_or_else(|| {
            let real = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
            let next = self.real.len();
            let number = *self.real.entry(real).or_insert(next);
            self.named.insert(folder.to_owned(), number);
            number
        });
        (number, target.file_name().unwrap_or_default().to_owned())
    }
}

pub fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn of_line_text(line: &str, in_image: bool) -> Result<Job> {
    let [image, mask, out] = if line.trim_start().starts_with('{') {
        let object: serde_json::Value = serde_json::from_str(line)
            .map_err(|e| Error::new(ErrorKind::Usage, format!("a JSON object expected: {e}")))?;
        let name = |key: &str| match &object[key] {
            serde_json::Value::Null => Ok(None),
            serde_json::Value::String(name) => Ok(Some(name.clone())),
            _ => usage(format!("a name as a string expected for {key}, another value found")),
        };
        [name("image")?, name("mask")?, name("out")?]
    } else {
        match *line.split('\t').collect::<Vec<_>>() {
            [image, mask, out] => [image, mask, out].map(|name| Some(name.to_owned())),
            [image, out] => [Some(image.to_owned()), None, Some(out.to_owned())],
            ref fields => return usage(format!("IMAGE<TAB>MASK<TAB>OUT expected, {} fields found", fields.len())),
        }
    };
    let path = |name: Option<String>| name.filter(|name| !name.is_empty()).map(PathBuf::from);
    let (image, mask, out) = (path(image), path(mask), path(out));
    let (Some(image), Some(out)) = (image, out) else { return usage("the names image and out expected") };
    if mask.is_none() && !in_image {
        return usage("a mask expected; none only with --mask-alpha, --mask-color or --box");
    }
    if [Some(&image), mask.as_ref(), Some(&out)].into_iter().flatten().any(|name| is_pipe(name)) {
        return usage("names of files expected, - found");
    }
    Ok(Job { image, mask, out })
}
