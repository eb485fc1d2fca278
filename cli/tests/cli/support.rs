//! Running the program, folders to run it in, pictures to run it on.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
#[cfg(target_os = "linux")]
use std::{process::Stdio, time::Duration};

use image::{DynamicImage, GrayImage, Luma};

pub use crate::codecs::{encoded, open};

pub fn run(args: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_inpaint-edge")).args(args.iter().map(|a| a.as_ref())).output().unwrap()
}

/// Runs the program after `setup`, shell commands such as limits.
pub fn run_after(setup: &str, args: &[&dyn AsRef<std::ffi::OsStr>]) -> Output {
    Command::new("sh")
        .args(["-c", &format!("{setup}; exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_inpaint-edge")])
        .args(args.iter().map(|a| a.as_ref()))
        .env_remove("RUST_BACKTRACE")
        .output()
        .unwrap()
}

/// Runs the program to its end; with the most memory it had, KiB.
#[cfg(target_os = "linux")]
pub fn run_to_peak(command: &mut Command) -> (Output, u64) {
    let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let high = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix(" kB"));
        peak = high.map_or(peak, |kib| kib.parse().unwrap());
        std::thread::sleep(Duration::from_millis(2));
    }
    println!("{peak} KiB at the most");
    (child.wait_with_output().unwrap(), peak)
}

/// Asserts the exit code and that stderr is one line that contains every part.
pub fn fails(output: &Output, code: i32, parts: &[&str]) {
    let stderr = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{stderr}");
    assert!(stderr.starts_with("inpaint-edge: ") && stderr.trim_end().lines().count() == 1, "{stderr}");
    for part in parts {
        assert!(stderr.contains(part), "{part:?} expected in {stderr:?}");
    }
}

/// The limit that a refusal names.
pub fn named_limit(refused: &Output) -> String {
    let stderr = String::from_utf8_lossy(&refused.stderr);
    stderr.split("--max-memory ").nth(1).and_then(|rest| rest.split(' ').next()).expect(&stderr).to_owned()
}

/// Says what this machine could not try, also where the test passes: not through what the test runner keeps.
pub fn not_run(what: impl std::fmt::Display) {
    let _ = writeln!(std::io::stderr(), "NOT RUN: {what}");
}

pub fn succeeds(output: &Output) {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

pub struct Folder(tempfile::TempDir);

impl Folder {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    pub fn put(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        std::fs::write(self.path(name), bytes).unwrap();
        self.path(name)
    }

    /// A mask with a hole of a quarter of each side, off centre.
    pub fn mask(&self, width: u32, height: u32) -> PathBuf {
        let mask = GrayImage::from_fn(width, height, |x, y| Luma([if is_hole(x, y, width, height) { 255 } else { 0 }]));
        mask.save(self.path("mask.png")).unwrap();
        self.path("mask.png")
    }

    pub fn names(&self) -> Vec<String> {
        let entries = std::fs::read_dir(self.0.path()).unwrap();
        let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }
}

/// A file of `tests/images/kinds`.
pub fn kind(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images/kinds").join(name)
}

/// A file of `tests/images/jpeg`.
pub fn jpeg(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images/jpeg").join(name)
}

/// What other readers make of a file, as it is stored: libjpeg of a JPEG, else [`open`].
pub fn right(path: &Path) -> DynamicImage {
    if path.extension().is_some_and(|ending| ending == "jpg") {
        let name = Path::new(path.file_name().unwrap()).with_extension("png");
        return image::open(path.with_file_name("right").join(name)).unwrap();
    }
    open(path)
}

/// A JPEG segment.
pub fn segment(marker: u8, parts: &[&[u8]]) -> Vec<u8> {
    let data = parts.concat();
    [&[0xFF, marker][..], &((data.len() + 2) as u16).to_be_bytes(), &data].concat()
}

pub const JPEGS: [&str; 9] = [
    "baseline-420.jpg",
    "baseline-420-restart.jpg",
    "baseline-444.jpg",
    "baseline-444-restart.jpg",
    "progressive-420.jpg",
    "progressive-420-restart.jpg",
    "progressive-444.jpg",
    "progressive-444-restart.jpg",
    "grey.jpg",
];

pub const TIFFS: [&str; 5] = ["deep.tif", "deflate-tiles.tif", "grey.tif", "lzw-predictor.tif", "packbits.tif"];

/// Asserts that two pictures agree outside the hole of [`Folder::mask`], and in type and size.
pub fn same_outside_hole(a: &DynamicImage, b: &DynamicImage) {
    let (width, height) = (a.width(), a.height());
    assert_eq!((a.color(), width, height), (b.color(), b.width(), b.height()));
    let size = usize::from(a.color().bytes_per_pixel());
    for (i, (a, b)) in a.as_bytes().chunks(size).zip(b.as_bytes().chunks(size)).enumerate() {
        let (x, y) = (i as u32 % width, i as u32 / width);
        assert!(a == b || is_hole(x, y, width, height), "{a:?}, {b:?} at {x}, {y}");
    }
}

pub fn is_hole(x: u32, y: u32, width: u32, height: u32) -> bool {
    (x, y) != (0, 0) && (width / 4..=width / 2).contains(&x) && (height / 4..=height / 2).contains(&y)
}

/// A chunk of a PNG.
pub fn chunk(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
    let body = [kind, data].concat();
    let crc = crc32fast::hash(&body);
    [&(data.len() as u32).to_be_bytes(), &body[..], &crc.to_be_bytes()].concat()
}

/// A gradient with noise, all of the image's type.
pub fn picture(width: u32, height: u32, color: image::ColorType) -> DynamicImage {
    let rgba = image::ImageBuffer::from_fn(width, height, |x, y| {
        let v = |k: u32| ((x * 997 + y * 1499 + k * 7919) * 2654 % 65536) as u16;
        image::Rgba([v(1), v(2), v(3), v(4)])
    });
    let deep = DynamicImage::ImageRgba16(rgba);
    match color {
        image::ColorType::L8 => deep.into_luma8().into(),
        image::ColorType::La8 => deep.into_luma_alpha8().into(),
        image::ColorType::Rgb8 => deep.into_rgb8().into(),
        image::ColorType::Rgba8 => deep.into_rgba8().into(),
        image::ColorType::L16 => deep.into_luma16().into(),
        image::ColorType::La16 => deep.into_luma_alpha16().into(),
        image::ColorType::Rgb16 => deep.into_rgb16().into(),
        _ => deep,
    }
}
