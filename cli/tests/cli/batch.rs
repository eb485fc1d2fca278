//! Folders and lists.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use image::ImageFormat;
use serde_json::Value;

use crate::support::*;

const BATCH: &str = "batch";

/// Weights of few bytes, so that a memory limit is about photographs.
const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/prior.weights.safetensors");

/// Folders `in` and `masks` with a picture of each of `names`, and its mask.
fn folders(names: &[&str], side: u32) -> (Folder, PathBuf, PathBuf, PathBuf) {
    let folder = Folder::new();
    let [images, masks, out] = ["in", "masks", "out"].map(|name| folder.path(name));
    std::fs::create_dir(&images).unwrap();
    std::fs::create_dir(&masks).unwrap();
    let mask = std::fs::read(folder.mask(side, side)).unwrap();
    for (i, name) in (0..).zip(names) {
        let format = ImageFormat::from_path(name).unwrap();
        let picture = picture(side + i, side, image::ColorType::Rgb8).crop_imm(i, 0, side, side);
        std::fs::write(images.join(name), encoded(&picture, format)).unwrap();
        std::fs::write(masks.join(name).with_extension("png"), &mask).unwrap();
    }
    (folder, images, masks, out)
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> =
        std::fs::read_dir(folder).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

fn records(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn with_list(list: impl AsRef<[u8]>, args: &[&str]) -> Output {
    let mut child = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
        .arg(BATCH)
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(list.as_ref()).unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_folder_is_filled_as_its_files_are() {
    let (folder, images, masks, out) = folders(&["b.png", "a.jpg", "C.WebP"], 32);
    std::fs::write(images.join("notes.txt"), "no picture").unwrap();
    std::fs::write(images.join(".hidden.png"), "no picture").unwrap();
    std::fs::write(images.join("x.heic"), "no picture that can be read").unwrap();
    std::fs::create_dir(images.join("old.png")).unwrap();
    let output = run(&[&BATCH, &"--images", &images, &"--masks", &masks, &"--out", &out, &"--json-lines"]);
    succeeds(&output);
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "inpaint-edge: 3 filled, 0 failed, 4 passed over: \".hidden.png\", \"notes.txt\", \"old.png/\" and 1 more\n"
    );
    assert_eq!(names(&out), ["C.WebP", "a.jpg", "b.png"]);
    let records = records(&output);
    for (record, name) in records.iter().zip(["C.WebP", "a.jpg", "b.png"]) {
        let (one, mask) = (folder.path(name), masks.join(name).with_extension("png"));
        let alone = run(&[&images.join(name), &mask, &one, &"--json"]);
        succeeds(&alone);
        assert!(std::fs::read(&one).unwrap() == std::fs::read(out.join(name)).unwrap(), "{name}");
        let alone: Value = serde_json::from_slice(&alone.stdout).unwrap();
        for (key, value) in alone.as_object().unwrap() {
            assert!(record.get(key).is_some(), "{key}");
            assert!(key == "ms" || record[key] == *value, "{key}: {} and {value}", record[key]);
        }
        assert_eq!(record["image"], images.join(name).to_str().unwrap());
        assert_eq!(record["mask"], mask.to_str().unwrap());
        assert_eq!(record["out"], out.join(name).to_str().unwrap());
    }
    assert_eq!(records.len(), 3);
}

#[test]
fn bad_files_are_reported_and_the_rest_goes_on() {
    let (_folder, images, masks, out) = folders(&["a.png", "b.png", "c.png", "d.png", "e.png", "f.png"], 24);
    std::fs::write(images.join("b.png"), "no picture").unwrap();
    std::fs::remove_file(masks.join("c.png")).unwrap();
    std::fs::write(masks.join("d.webp"), "another").unwrap();
    std::fs::create_dir_all(out.join("e.png")).unwrap();
    let args: [&dyn AsRef<std::ffi::OsStr>; 9] =
        [&BATCH, &"--images", &images, &"--masks", &masks, &"--out", &out, &"--json-lines", &"--quiet"];
    for jobs in ["1", "3"] {
        let output = run(&[&args[..], &[&"--jobs", &jobs, &"--overwrite"]].concat());
        assert_eq!(output.status.code(), Some(3));
        let stderr = String::from_utf8(output.stderr.clone()).unwrap();
        let expected = [
            ("b.png", "PNG, JPEG, WebP, TIFF, GIF, BMP, PNM or QOI", 3),
            ("c.png", "one mask", 3),
            ("d.png", "found 2", 3),
            ("e.png", "cannot be written", 1),
        ];
        assert_eq!(stderr.lines().count(), expected.len(), "{stderr}");
        let records = records(&output);
        assert_eq!(records.len(), 6);
        for ((name, part, code), line) in expected.into_iter().zip(stderr.lines()) {
            assert!(line.starts_with("inpaint-edge: ") && line.contains(name) && line.contains(part), "{line}");
            let record = records.iter().find(|r| r["image"].as_str().unwrap().ends_with(name)).unwrap();
            assert_eq!(record["exit_code"], code);
            assert_eq!(format!("inpaint-edge: {}", record["error"].as_str().unwrap()), line);
        }
        let order: Vec<_> = records.iter().map(|r| r["image"].as_str().unwrap().to_owned()).collect();
        assert!(order.is_sorted(), "{order:?}");
        assert_eq!(names(&out), ["a.png", "e.png", "f.png"]);
        assert!(image::open(out.join("f.png")).is_ok());
    }
    // The first failure in the order of the list gives the exit code.
    std::fs::remove_file(images.join("b.png")).unwrap();
    std::fs::remove_file(images.join("c.png")).unwrap();
    std::fs::remove_file(images.join("d.png")).unwrap();
    assert_eq!(run(&args).status.code(), Some(1));
}

#[test]
fn images_with_a_result_are_skipped() {
    let (_folder, images, masks, out) = folders(&["a.png", "b.png"], 24);
    let args: [&dyn AsRef<std::ffi::OsStr>; 8] =
        [&BATCH, &"--images", &images, &"--masks", &masks, &"--out", &out, &"--json-lines"];
    succeeds(&run(&args));
    let filled = std::fs::read(out.join("a.png")).unwrap();
    std::fs::write(out.join("a.png"), "kept").unwrap();
    std::fs::remove_file(out.join("b.png")).unwrap();
    let again = run(&args);
    succeeds(&again);
    assert_eq!(String::from_utf8_lossy(&again.stderr), "inpaint-edge: 1 filled, 0 failed, 1 had a result already\n");
    let records = records(&again);
    assert_eq!((&records[0]["skipped"], &records[1]["skipped"]), (&Value::Bool(true), &Value::Null));
    assert!(records[0].get("error").is_none() && records[1]["hole_pixels"].as_u64() > Some(0));
    assert_eq!(std::fs::read(out.join("a.png")).unwrap(), b"kept");
    succeeds(&run(&[&args[..], &[&"--overwrite"]].concat()));
    assert!(std::fs::read(out.join("a.png")).unwrap() == filled);
}

#[test]
fn a_list_comes_through_stdin() {
    let (folder, images, masks, _) = folders(&["a.png", "b.png", "c d.png"], 24);
    let of = |path: PathBuf| path.into_os_string().into_string().unwrap();
    let [a, b, c] = ["a.png", "b.png", "c d.png"].map(|name| of(images.join(name)));
    let mask = of(masks.join("a.png"));
    let [x, y, z] = ["x.jpg", "y.png", "z.png"].map(|name| of(folder.path(name)));
    let json = serde_json::json!({"out": y, "mask": mask, "image": b, "note": "more keys do no harm"});
    let list = format!("{a}\t{mask}\t{x}\r\n\n{json}\n{c}\t{mask}\t{z}");
    let output = with_list(&list, &["--json-lines", "--jobs", "2"]);
    succeeds(&output);
    let outs: Vec<_> = records(&output).iter().map(|r| r["out"].as_str().unwrap().to_owned()).collect();
    assert_eq!(outs, [x.clone(), y, z]);
    assert_eq!(open(&x).width(), 24);
    // No masks, one box for all.
    let output = with_list(format!("{a}\t{x}\n{{\"image\": {b:?}, \"out\": {x:?}}}x"), &["--box", "1,1,3,3"]);
    fails(&output, 2, &["stdin, line 2", "JSON"]);
    let output = with_list(format!("{a}\t{x}\n"), &["--box", "1,1,3,3", "--overwrite", "--json-lines", "--quiet"]);
    succeeds(&output);
    assert_eq!((&records(&output)[0]["hole_pixels"], &records(&output)[0]["mask"]), (&9.into(), &Value::Null));
    // A line that makes no sense is refused before any work.
    let out = of(folder.path("new.png"));
    for (line, part) in [
        ("a".to_owned(), "found no tab"),
        ("a\tb\tc\td".to_owned(), "found 4 fields"),
        (format!("{a}\t{out}"), "expected a mask"),
        (format!("{a}\t\t{out}"), "expected a mask"),
        (format!("\t{mask}\t{out}"), "expected the names image and out"),
        ("{\"image\": \"a\", \"mask\": \"b\"}".to_owned(), "expected the names image and out"),
        ("{\"image\"".to_owned(), "JSON object in UTF-8, found another line: EOF while parsing an object at column 8"),
        (format!("-\t{mask}\t{out}"), "found -"),
        (format!("{a}\t{mask}\t{out}"), "which is that of line 1"),
        (format!("{a}\t{mask}\t{}", of(folder.path("./new.png"))), "which is that of line 1"),
        (format!("{a}\t{mask}\t{}", of(images.join("../new.png"))), "which is that of line 1"),
        (format!("{{\"image\": {a:?}, \"mask\": 3, \"out\": \"b.png\"}}"), "a string for mask"),
        (format!("{{\"image\": [{a:?}], \"mask\": {mask:?}, \"out\": \"b.png\"}}"), "a string for image"),
        (format!("{{\"image\": {a:?}, \"mask\": {mask:?}, \"out\": true}}"), "a string for out"),
    ] {
        let output = with_list(format!("{a}\t{mask}\t{out}\n{line}\n"), &[]);
        fails(&output, 2, &["stdin, line 2", part]);
    }
    fails(&with_list("a\tm\0\tb", &[]), 2, &["stdin, line 1", "found a zero byte"]);
    let utf_16: Vec<u8> = "\u{FEFF}a\tm\tb\n".encode_utf16().flat_map(u16::to_le_bytes).collect();
    fails(&with_list(utf_16, &[]), 2, &["stdin: ", "found UTF-16"]);
    assert!(!Path::new(&out).exists());
    let none = with_list("", &["--json-lines"]);
    succeeds(&none);
    assert!(none.stdout.is_empty());
}

#[test]
fn unusable_folders_are_refused() {
    let (folder, images, masks, out) = folders(&["a.png"], 24);
    let empty = folder.path("empty");
    std::fs::create_dir(&empty).unwrap();
    let batch = |images: &Path, masks: &Path, out: &Path, extra: &[&dyn AsRef<std::ffi::OsStr>]| {
        run(&[
            &[&BATCH as &dyn AsRef<std::ffi::OsStr>, &"--images", &images, &"--masks", &masks, &"--out", &out],
            extra,
        ]
        .concat())
    };
    fails(&batch(&empty, &masks, &out, &[]), 3, &["empty", ".png", "found none"]);
    fails(&batch(&folder.path("none"), &masks, &out, &[]), 3, &["none: cannot be read: no such file or folder"]);
    fails(&batch(&images, &folder.path("none"), &out, &[]), 3, &["none: cannot be read: no such file or folder"]);
    fails(&batch(&images, &masks, &images, &[]), 2, &["another folder"]);
    fails(&batch(&images, &masks, &masks.join("."), &[]), 2, &["another folder"]);
    fails(&batch(&images, &masks, &images.join("a.png"), &[]), 1, &["a.png: cannot be made"]);
    // What is there instead.
    std::fs::write(empty.join("a.heic"), "no picture that can be read").unwrap();
    fails(&batch(&empty, &masks, &out, &[]), 3, &["empty", ".png", "found \"a.heic\""]);
    fails(&run(&[&BATCH, &"--images", &images, &"--out", &out]), 2, &["--masks", "--box"]);
    fails(&batch(&images, &masks, &out, &[&"--weights", &folder.path("w")]), 4, &["w: "]);
    for jobs in ["0", "513", "-1", "two"] {
        let output = batch(&images, &masks, &out, &[&format!("--jobs={jobs}")]);
        assert_eq!(output.status.code(), Some(2), "{jobs}");
    }
    assert_eq!(run(&[&BATCH, &"--images", &images]).status.code(), Some(2));
    assert_eq!(run(&[&BATCH, &"--masks", &masks]).status.code(), Some(2));
    assert_eq!(run(&[&BATCH, &"--out", &out]).status.code(), Some(2));
    // A result is no proof of work done where it is the image itself.
    let (image, mask) = (images.join("a.png"), masks.join("a.png"));
    let line = format!("{0}\t{1}\t{0}", image.display(), mask.display());
    fails(&with_list(&line, &["--quiet"]), 2, &["a.png", "expected --overwrite"]);
    let before = std::fs::read(&image).unwrap();
    succeeds(&with_list(&line, &["--quiet", "--overwrite"]));
    assert!(std::fs::read(&image).unwrap() != before);
}

#[test]
fn closed_stdout_ends_a_batch() {
    if !cfg!(unix) {
        return;
    }
    let (_folder, images, masks, out) = folders(&["a.png", "b.png"], 24);
    let mut child = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
        .args([BATCH, "--json-lines", "--quiet"])
        .args(["--images".as_ref(), images.as_os_str(), "--masks".as_ref(), masks.as_os_str()])
        .args(["--out".as_ref(), out.as_os_str()])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    fails(&child.wait_with_output().unwrap(), 1, &["stdout: cannot be written"]);
    assert_eq!(names(&out), ["a.png"]);
}

#[test]
fn limited_memory_changes_no_byte_and_refuses_what_does_not_fit() {
    let (folder, images, masks, out) = folders(&["a.png", "b.png", "c.png"], 32);
    let big = image::RgbImage::from_fn(3000, 2000, |x, y| image::Rgb([x as u8, y as u8, (x + y) as u8]));
    let big = encoded(&big.into(), ImageFormat::Png);
    std::fs::write(images.join("big.png"), big).unwrap();
    std::fs::copy(folder.mask(3000, 2000), masks.join("big.png")).unwrap();
    let batch = |out: &Path, extra: &[&dyn AsRef<std::ffi::OsStr>]| {
        run(&[
            &[&BATCH as &dyn AsRef<std::ffi::OsStr>, &"--images", &images, &"--masks", &masks, &"--out", &out][..],
            &[&"--weights", &SMALL],
            extra,
        ]
        .concat())
    };
    let limited = batch(&out, &[&"--max-memory", &"32M", &"--jobs", &"3", &"--quiet"]);
    fails(&limited, 5, &["big.png", "--max-memory", "found 32M"]);
    assert_eq!(names(&out), ["a.png", "b.png", "c.png"]);
    std::fs::remove_file(images.join("big.png")).unwrap();
    let free = folder.path("free");
    succeeds(&batch(&free, &[]));
    for name in names(&out) {
        assert!(std::fs::read(out.join(&name)).unwrap() == std::fs::read(free.join(&name)).unwrap(), "{name}");
    }
}

/// Six photographs of 18 MB, of which a job takes some 40 MB: four jobs would take 120 MB and more.
#[test]
#[cfg(target_os = "linux")]
fn limited_memory_is_for_all_jobs_together() {
    let folder = Folder::new();
    let photo = image::RgbImage::from_fn(3000, 2000, |x, y| image::Rgb([x as u8, y as u8, (x + y) as u8]));
    let image = folder.put("in.png", encoded(&photo.into(), ImageFormat::Png));
    let list: String =
        (0..6).map(|i| format!("{}\t{}\n", image.display(), folder.path(&format!("{i}.jpg")).display())).collect();
    let list = folder.put("list.tsv", list);
    let (output, peak) = run_to_peak(
        Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
            .args([BATCH, "--jobs", "4", "--max-memory", "64M", "--weights", SMALL])
            .args(["--box", "500,500,90,60", "--box", "2000,900,80,80"])
            .stdin(std::fs::File::open(list).unwrap()),
    );
    succeeds(&output);
    assert!((18 << 10..=64 << 10).contains(&peak), "{peak} KiB");
    assert_eq!(names(folder.path("").as_path()).len(), 8);
}

#[test]
fn a_killed_batch_leaves_whole_files_and_goes_on() {
    let all: Vec<_> = (0..12).map(|i| format!("{i:02}.png")).collect();
    let (_folder, images, masks, out) = folders(&all.iter().map(String::as_str).collect::<Vec<_>>(), 96);
    let start = || {
        Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
            .args([BATCH, "--jobs", "2", "--json-lines"])
            .args(["--images".as_ref(), images.as_os_str(), "--masks".as_ref(), masks.as_os_str()])
            .args(["--out".as_ref(), out.as_os_str()])
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap()
    };
    let results = || {
        let all = if out.exists() { names(&out) } else { Vec::new() };
        all.into_iter().filter(|name| !name.starts_with('.')).collect::<Vec<_>>()
    };
    for more in [1, 3, 5] {
        let (mut child, deadline) = (start(), Instant::now() + Duration::from_secs(300));
        while results().len() < more && Instant::now() < deadline {
            std::thread::sleep(Duration::from_millis(1));
        }
        child.kill().unwrap();
        child.wait().unwrap();
        assert!(results().len() >= more);
        results().iter().for_each(|name| assert_eq!(image::open(out.join(name)).unwrap().width(), 96, "{name}"));
    }
    // What a killed run leaves beside its target, and what a living one is writing.
    std::fs::write(out.join(".inpaint-edge-killed"), "half").unwrap();
    std::fs::write(out.join(".other"), "another's").unwrap();
    let living = std::fs::File::create(out.join(".inpaint-edge-living")).unwrap();
    living.lock().unwrap();
    let there = results().len();
    let output = start().wait_with_output().unwrap();
    succeeds(&output);
    assert_eq!(records(&output).iter().filter(|r| r["skipped"] == true).count(), there);
    assert_eq!(results(), all);
    let hidden: Vec<_> = names(&out).into_iter().filter(|name| name.starts_with('.')).collect();
    assert_eq!(hidden, [".inpaint-edge-living", ".other"]);
}
