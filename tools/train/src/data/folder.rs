//! A folder of photographs, decoded once.

use super::photo::Photo;
use crate::hex;
use sha2::{Digest, Sha256};
use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::{
        Arc, OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
};

/// Every JPEG, PNG and WebP file under a folder, in the order of their paths.
///
/// A photograph is decoded when it is first asked for and kept until the memory given is used up; from then on
/// photographs not yet kept are decoded each time. A broken file is named on stderr once and yields nothing.
pub struct Folder {
    root: PathBuf,
    /// Relative to `root`, sorted.
    paths: Vec<PathBuf>,
    slots: Vec<OnceLock<Slot>>,
    memory: usize,
    used: AtomicUsize,
}

/// What is known of a file once it has been decoded.
enum Slot {
    Kept(Arc<Photo>),
    OnDisk,
    Broken,
}

impl Folder {
    /// Lists a folder and its subfolders; `memory` is the bytes of pixels to keep.
    ///
    /// # Errors
    /// If the folder cannot be read or has no picture files.
    pub fn open(root: impl Into<PathBuf>, memory: usize) -> io::Result<Self> {
        let root = root.into();
        let mut paths = Vec::new();
        list(&root, Path::new(""), &mut paths)
            .map_err(|error| io::Error::new(error.kind(), format!("{}: {error}", root.display())))?;
        if paths.is_empty() {
            return Err(io::Error::new(io::ErrorKind::NotFound, format!("{}: no photographs", root.display())));
        }
        paths.sort();
        let slots = paths.iter().map(|_| OnceLock::new()).collect();
        Ok(Self { root, paths, slots, memory, used: AtomicUsize::new(0) })
    }

    /// Takes out one in `every` files, the first included: what is left, and what is taken out.
    pub fn split(mut self, every: usize) -> (Self, Self) {
        let listed = std::mem::take(&mut self.paths).into_iter().enumerate();
        let (out, left): (Vec<_>, Vec<_>) = listed.partition(|(index, _)| index.is_multiple_of(every));
        let of = |paths: Vec<(usize, PathBuf)>| Self {
            root: self.root.clone(),
            slots: paths.iter().map(|_| OnceLock::new()).collect(),
            paths: paths.into_iter().map(|(_, path)| path).collect(),
            memory: self.memory,
            used: AtomicUsize::new(0),
        };
        (of(left), of(out))
    }

    /// Files listed, broken ones included.
    pub fn len(&self) -> usize {
        self.paths.len()
    }

    /// Never: a folder without pictures does not open.
    pub fn is_empty(&self) -> bool {
        self.paths.is_empty()
    }

    /// The listed files, relative to the folder.
    pub fn paths(&self) -> &[PathBuf] {
        &self.paths
    }

    /// A photograph by its place in the list; nothing if the file is broken.
    pub fn photo(&self, index: usize) -> Option<Arc<Photo>> {
        let path = self.root.join(&self.paths[index]);
        let slot = self.slots[index].get_or_init(|| match Photo::decode(&path) {
            Ok(photo) if self.used.fetch_add(photo.bytes(), Ordering::Relaxed) < self.memory => {
                Slot::Kept(Arc::new(photo))
            }
            Ok(_) => Slot::OnDisk,
            Err(error) => {
                eprintln!("skipped {}: {error}", path.display());
                Slot::Broken
            }
        });
        match slot {
            Slot::Kept(photo) => Some(photo.clone()),
            Slot::OnDisk => Photo::decode(&path).ok().map(Arc::new),
            Slot::Broken => None,
        }
    }

    /// SHA-256, in hexadecimal, over the path, the length and the SHA-256 of every file: which data a model has seen.
    ///
    /// # Errors
    /// If a listed file cannot be read.
    pub fn manifest(&self) -> io::Result<String> {
        let mut manifest = Sha256::new();
        for path in &self.paths {
            let bytes = fs::read(self.root.join(path))?;
            let name = path.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/");
            manifest.update(format!("{name}\0{}\0", bytes.len()));
            manifest.update(Sha256::digest(&bytes));
        }
        Ok(hex(&manifest.finalize()))
    }
}

fn list(root: &Path, under: &Path, paths: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(root.join(under))? {
        let entry = entry?;
        let path = under.join(entry.file_name());
        // Links to files count; links to folders could lead in circles.
        if entry.file_type()?.is_dir() {
            list(root, &path, paths)?;
        } else if is_picture(&path) && entry.path().is_file() {
            paths.push(path);
        }
    }
    Ok(())
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
    ["jpg", "jpeg", "png", "webp"].contains(&extension.as_str())
}
