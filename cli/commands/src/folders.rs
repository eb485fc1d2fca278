//! Reads the jobs of a folder: each image, and the mask of its name.

use std::collections::{BTreeSet, HashMap};
use std::ffi::{OsStr, OsString};
use std::path::Path;

use inpaint_edge::{Error, ErrorKind, Result};
use inpaint_edge_image::{is_picture_name, picture_endings};

use crate::files::Files;
use crate::item::{Item, check_memory, usage};
use crate::names;

/// The jobs in the order of names, and whatever else is in the folder of images.
pub fn items(images: &Path, masks: Option<&Path>, out: &Path, in_image: bool) -> Result<(Vec<Item>, PassedOver)> {
    if masks.is_none() && !in_image {
        return usage("expected --masks, --mask-alpha, --mask-color or --box, found none of them");
    }
    if [Some(images), masks].into_iter().flatten().any(|folder| names::is_same(folder, out)) {
        let detail = "expected another folder than those of images and masks for --out, found one of them";
        return Err(Error::usage(detail).of(out.display()));
    }
    let (names, passed_over) = pictures(images)?;
    if names.is_empty() {
        let found = if passed_over.count == 0 { "none".to_owned() } else { passed_over.to_string() };
        let detail = format!("{}: expected files {}, found {found}", images.display(), picture_endings());
        return Err(Error::input(detail));
    }
    let masks_found = masks.map_or_else(|| Ok(Vec::new()), |masks| pictures(masks).map(|(names, _)| names))?;
    let folders = [Some(images), masks, Some(out)].into_iter().flatten().map(|folder| folder.as_os_str().len());
    let folders: usize = folders.sum();
    let of_names: usize = names.iter().chain(&masks_found).map(|name| name.len()).sum();
    check_memory(of_names + folders * names.len(), names.len() + masks_found.len())?;

    let by_stem = by(&masks_found, |name| names::normal(stem(name)));
    let by_result = by(&names, |name| names::of_result(name));
    let item = |name: &OsString| {
        let (image, result) = (images.join(name), names::of_result(name));
        let found = masks.map(|masks| (masks, masks_of(name, &by_stem)));
        let refused = |detail| Some(Error::input(detail).of(image.display()));
        let same = by_result.get(&result).map_or(&[][..], Vec::as_slice);
        let problem = match &found {
            _ if same.len() > 1 && *name != result => {
                let other = same.iter().find(|other| **other != name).map_or(name, |other| other);
                let (out, other) = (out.join(&result), images.join(other));
                let (out, other) = (out.display(), other.display());
                refused(format!("expected a result of its own, found {out}, which is that of {other}, too"))
            }
            Some((masks, found)) if found.len() != 1 => {
                refused(format!("expected one mask {}.*, found {}", masks.join(stem(name)).display(), found.len()))
            }
            _ => None,
        };
        let mask = found.and_then(|(masks, found)| Some(masks.join(found.first()?)));
        Item { files: Files { image, mask, out: out.join(result) }, problem }
    };
    let items = names.iter().map(item).collect();
    names::make_folder(out)?;
    Ok((items, passed_over))
}

fn by(names: &[OsString], key: impl Fn(&OsString) -> OsString) -> HashMap<OsString, Vec<&OsString>> {
    let mut map = HashMap::<_, Vec<_>>::with_capacity(names.len());
    names.iter().for_each(|name| map.entry(key(name)).or_default().push(name));
    map
}

/// Masks with exactly the image's name, endings apart, or else those whose names are the same text in form NFC.
fn masks_of<'m>(image: &OsStr, by_stem: &HashMap<OsString, Vec<&'m OsString>>) -> Vec<&'m OsString> {
    let alike = by_stem.get(&names::normal(stem(image))).map_or(&[][..], Vec::as_slice);
    let exact: Vec<_> = alike.iter().copied().filter(|mask| stem(mask) == stem(image)).collect();
    if exact.is_empty() { alike.to_vec() } else { exact }
}

fn stem(name: &OsStr) -> &OsStr {
    Path::new(name).file_stem().unwrap_or(name)
}

/// Entries of a folder that are not taken for pictures.
#[derive(Default)]
pub struct PassedOver {
    pub count: usize,
    /// The first of their names; those of folders end in a slash.
    names: BTreeSet<OsString>,
}

impl PassedOver {
    const NAMED: usize = 3;

    fn add(&mut self, name: OsString) {
        self.count += 1;
        self.names.insert(name);
        if self.names.len() > Self::NAMED {
            self.names.pop_last();
        }
    }
}

impl std::fmt::Display for PassedOver {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let more = self.count - self.names.len();
        let names: Vec<_> = self.names.iter().map(|name| format!("{name:?}")).collect();
        let more = if more == 0 { String::new() } else { format!(" and {more} more") };
        write!(f, "{}{more}", names.join(", "))
    }
}

/// Names of the pictures in a folder, sorted; hidden files do not count.
fn pictures(folder: &Path) -> Result<(Vec<OsString>, PassedOver)> {
    let list = || {
        let (mut names, mut passed_over) = (Vec::new(), PassedOver::default());
        for entry in std::fs::read_dir(folder)? {
            let entry = entry?;
            let mut name = entry.file_name();
            // A link counts as what it leads to; a link that leads nowhere is reported later, as a file that cannot be
            // read.
            let kind = match entry.file_type() {
                Ok(kind) if kind.is_symlink() => std::fs::metadata(entry.path()).map(|of| of.file_type()),
                kind => kind,
            };
            let is_file = kind.as_ref().map_or(true, |kind| kind.is_file());
            if is_file && is_picture_name(Path::new(&name)) && !name.as_encoded_bytes().starts_with(b".") {
                names.try_reserve(1).map_err(std::io::Error::from)?;
                names.push(name);
                continue;
            }
            if kind.is_ok_and(|kind| kind.is_dir()) {
                name.push("/");
            }
            passed_over.add(name);
        }
        names.sort();
        Ok((names, passed_over))
    };
    let cannot = |e: std::io::Error| {
        let kind = if e.kind() == std::io::ErrorKind::OutOfMemory { ErrorKind::Limits } else { ErrorKind::Input };
        names::unreadable(kind, e).of(folder.display())
    };
    list().map_err(cannot)
}
