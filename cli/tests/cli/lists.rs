//! Lists and folders as people have them: names in any writing, results that are images of others, files of other kinds.

use std::path::Path;
use std::process::{Command, Output, Stdio};

use image::{GrayImage, ImageFormat};
use serde_json::Value;

use crate::support::*;

/// Weights of few bytes.
const SMALL: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/prior.weights.safetensors");

/// A folder with `a.png`, 40×30, and two masks of other holes, `m.png` and `n.png`.
fn folder() -> Folder {
    let folder = Folder::new();
    folder.put("a.png", encoded(&picture(40, 30, image::ColorType::Rgb8), ImageFormat::Png));
    for (name, from) in [("m.png", 5), ("n.png", 15)] {
        let mask = GrayImage::from_fn(40, 30, |x, y| {
            image::Luma([if (from..from + 16).contains(&x) && (8..20).contains(&y) { 255 } else { 0 }])
        });
        folder.put(name, encoded(&mask.into(), ImageFormat::Png));
    }
    folder
}

/// A batch in the folder, which reads this list.
fn batch(folder: &Folder, list: impl AsRef<[u8]>, args: &[&str]) -> Output {
    // Outside of the folder.
    let file = Folder::new();
    let list = file.put("list", list);
    Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
        .current_dir(folder.path(""))
        .args(["batch", "--weights", SMALL])
        .args(args)
        .stdin(std::fs::File::open(list).unwrap())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .output()
        .unwrap()
}

fn records(output: &Output) -> Vec<Value> {
    String::from_utf8_lossy(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_list_may_begin_with_a_byte_order_mark() {
    let folder = folder();
    succeeds(&batch(&folder, "\u{FEFF}a.png\tm.png\tb.png\n", &[]));
    let json = "\u{FEFF}{\"image\": \"a.png\", \"mask\": \"m.png\", \"out\": \"c.png\"}\n";
    succeeds(&batch(&folder, json, &[]));
    assert_eq!(folder.names(), ["a.png", "b.png", "c.png", "m.png", "n.png"]);
}

#[test]
#[cfg(target_os = "linux")]
fn names_of_a_list_are_bytes_and_reports_tell_them_apart() {
    use std::os::unix::ffi::OsStrExt;
    let folder = folder();
    // é and è in Latin-1: of both, a text has the same sign.
    let names: Vec<_> = [&b"caf\xE9.png"[..], b"caf\xE8.png"].map(std::ffi::OsStr::from_bytes).to_vec();
    for name in &names {
        std::fs::copy(folder.path("a.png"), folder.path("").join(name)).unwrap();
    }
    let list = b"caf\xE9.png\tm.png\tout\xE9.png\r\ncaf\xE8.png\tm.png\tout\xE8.png\n";
    let output = batch(&folder, list, &["--json-lines"]);
    succeeds(&output);
    let records = records(&output);
    for (record, last) in records.iter().zip(["e9", "e8"]) {
        assert_eq!(record["image_bytes"], format!("636166{last}2e706e67"));
        assert_eq!(record["out_bytes"], format!("6f7574{last}2e706e67"));
        assert_eq!((record["image"].as_str(), record.get("mask_bytes")), (Some("caf\u{FFFD}.png"), None));
    }
    for name in [&b"out\xE9.png"[..], b"out\xE8.png"] {
        assert!(folder.path("").join(std::ffi::OsStr::from_bytes(name)).exists());
    }
    // The reports are a list.
    let output = batch(&folder, &output.stdout, &[]);
    succeeds(&output);
    assert_eq!(stderr(&output), "inpaint-edge: 0 filled, 0 failed, 2 had a result already\n");
    let line = "{\"image_bytes\": \"6g\", \"mask\": \"m.png\", \"out\": \"b.png\"}";
    fails(&batch(&folder, line, &[]), 2, &["stdin, line 1", "hexadecimal for image_bytes"]);
    let latin = b"{\"image\": \"caf\xE9.png\", \"mask\": \"m.png\", \"out\": \"b.png\"}";
    fails(&batch(&folder, latin, &[]), 2, &["stdin, line 1", "expected a JSON object in UTF-8"]);
}

/// A result may be the image or the mask of a later line, under another name, and replace those of an earlier one.
#[test]
#[cfg(unix)]
fn several_jobs_at_a_time_give_what_one_gives() {
    let folder = folder();
    std::os::unix::fs::symlink("b.png", folder.path("link.png")).unwrap();
    let list = "a.png\tm.png\tb.png\n\
                ./b.png\tn.png\tc.png\n\
                link.png\tn.png\td.png\n\
                a.png\tm.png\ta.png\n\
                a.png\tn.png\te.png\n\
                n.png\tm.png\tf.png\n\
                a.png\tf.png\tg.png\n\
                c.png\tm.png\tn.png\n";
    let all = ["a.png", "b.png", "c.png", "d.png", "e.png", "f.png", "g.png", "n.png"];
    let kept = ["a.png", "n.png"].map(|name| (name, std::fs::read(folder.path(name)).unwrap()));
    let mut expected: Option<Vec<Vec<u8>>> = None;
    for (i, jobs) in ["1", "2", "5", "8"].into_iter().cycle().take(16).enumerate() {
        // What earlier runs made is replaced, or has never been.
        kept.iter().for_each(|(name, bytes)| std::fs::write(folder.path(name), bytes).unwrap());
        if i % 3 == 0 {
            all[1..7].iter().for_each(|name| drop(std::fs::remove_file(folder.path(name))));
        }
        let limit = if i % 2 == 0 { &["--max-memory", "64M"][..] } else { &[] };
        let output = batch(&folder, list, &[&["--overwrite", "--jobs", jobs, "--quiet"], limit].concat());
        succeeds(&output);
        let found: Vec<_> = all.iter().map(|name| std::fs::read(folder.path(name)).unwrap()).collect();
        match &expected {
            None => expected = Some(found),
            Some(expected) => {
                for ((name, found), expected) in all.iter().zip(&found).zip(expected) {
                    assert!(found == expected, "{name} of --jobs {jobs}");
                }
            }
        }
    }
}

#[test]
fn a_job_whose_input_failed_fails_and_names_it() {
    let folder = folder();
    // From an earlier run.
    std::fs::copy(folder.path("a.png"), folder.path("b.png")).unwrap();
    folder.put("bad.png", "no picture");
    let list = "bad.png\tm.png\tb.png\nb.png\tn.png\tc.png\nc.png\tn.png\td.png\na.png\tm.png\te.png\n";
    for jobs in ["1", "3"] {
        let output = batch(&folder, list, &["--overwrite", "--jobs", jobs]);
        assert_eq!(output.status.code(), Some(3));
        let stderr = stderr(&output);
        let lines: Vec<_> = stderr.lines().collect();
        assert!(lines[0].contains("bad.png: "), "{stderr}");
        assert_eq!(
            lines[1],
            "inpaint-edge: b.png: expected the result of bad.png, found none, since that could not be filled"
        );
        assert_eq!(
            lines[2],
            "inpaint-edge: c.png: expected the result of b.png, found none, since that could not be filled"
        );
        assert_eq!(lines[3..], ["inpaint-edge: 1 filled, 3 failed"]);
        assert!(folder.path("e.png").exists() && !folder.path("c.png").exists());
    }
}

#[test]
fn a_copy_is_not_counted_as_filled() {
    let folder = folder();
    folder.put("black.png", encoded(&GrayImage::new(40, 30).into(), ImageFormat::Png));
    let list = "a.png\tm.png\tb.png\na.png\tblack.png\tc.png\na.png\tblack.png\td.png\n";
    let output = batch(&folder, list, &["--json-lines"]);
    succeeds(&output);
    assert_eq!(stderr(&output), "inpaint-edge: 1 filled, 2 with nothing to fill copied, 0 failed\n");
    let copied: Vec<_> = records(&output).iter().map(|record| record["copied"].as_bool()).collect();
    assert_eq!(copied, [Some(false), Some(true), Some(true)]);
}

#[test]
fn records_carry_the_notes() {
    let folder = folder();
    let image = kind("palette.png");
    let list = format!("{}\t\tb.png\n", image.display());
    let output = batch(&folder, list.replace("\t\t", "\t"), &["--box", "1,1,3,3", "--json-lines"]);
    succeeds(&output);
    let notes = records(&output)[0]["notes"].to_string();
    assert!(notes.contains("palette"), "{notes}");
}

/// A batch of the folders `in`, `masks` and `out`.
fn of_folders(folder: &Folder) -> Output {
    let [images, masks, out] = ["in", "masks", "out"].map(|name| folder.path(name));
    run(&[&"batch", &"--images", &images, &"--masks", &masks, &"--out", &out, &"--weights", &SMALL])
}

fn put_in(folder: &Folder, images: &[&str], masks: &[&str]) {
    std::fs::create_dir(folder.path("in")).unwrap();
    std::fs::create_dir(folder.path("masks")).unwrap();
    for (of, to, names) in [("a.png", "in", images), ("m.png", "masks", masks)] {
        for name in names {
            std::fs::copy(folder.path(of), folder.path(to).join(name)).unwrap();
        }
    }
}

#[test]
#[cfg(target_os = "linux")]
fn names_match_in_either_form_of_unicode() {
    let folder = folder();
    // As one letter, as letter and accent.
    put_in(&folder, &["\u{E9}t\u{E9}.png", "e\u{301}.png"], &["e\u{301}te\u{301}.png", "\u{E9}.png", "e\u{301}.webp"]);
    let output = of_folders(&folder);
    succeeds(&output);
    assert_eq!(stderr(&output), "inpaint-edge: 2 filled, 0 failed\n");
    let result = |name: &str| folder.path("out").join(name).exists();
    assert!(result("\u{E9}t\u{E9}.png") && result("e\u{301}.png"));
}

#[test]
#[cfg(target_os = "linux")]
fn a_file_under_the_same_text_is_told() {
    let folder = folder();
    std::fs::copy(folder.path("a.png"), folder.path("e\u{301}.png")).unwrap();
    for limit in [&[][..], &["--max-memory", "64M"]] {
        let output = batch(&folder, "\u{E9}.png\tm.png\tb.png\n", &[&["--quiet"], limit].concat());
        fails(
            &output,
            3,
            &["\u{E9}.png: cannot be read: no such file", "reads the same, in another normal form of Unicode"],
        );
        let output = batch(&folder, "a\u{E9}.png\tm.png\tb.png\n", &[&["--quiet"], limit].concat());
        fails(&output, 3, &["a\u{E9}.png: cannot be read"]);
        assert!(!stderr(&output).contains("reads the same"));
    }
}

#[test]
fn two_images_with_the_same_result_are_refused() {
    let folder = folder();
    put_in(&folder, &["a.png", "a.gif", "b.jpe", "c.jfif"], &["a.png", "b.png", "c.png"]);
    let output = of_folders(&folder);
    assert_eq!(output.status.code(), Some(3));
    let lines = stderr(&output);
    let first = lines.lines().next().unwrap();
    for part in ["a.gif: expected a result of its own", "a.png, which is that of", "in/a.png, too"] {
        assert!(first.replace('\\', "/").contains(part), "{first}");
    }
    assert!(lines.ends_with("3 filled, 1 failed\n"), "{lines}");
    for name in ["a.png", "b.jpe", "c.jfif"] {
        assert!(folder.path("out").join(name).exists(), "{name}");
    }
}

#[test]
fn a_folder_as_result_takes_the_name_of_the_image() {
    let folder = folder();
    std::fs::create_dir(folder.path("out")).unwrap();
    std::fs::copy(folder.path("a.png"), folder.path("scan")).unwrap();
    let (image, mask) = (folder.path("a.png"), folder.path("m.png"));
    let slash = |path: &Path| format!("{}/", path.display());
    succeeds(&run(&[&image, &mask, &folder.path("out")]));
    succeeds(&run(&[&folder.path("scan"), &mask, &slash(&folder.path("out"))]));
    succeeds(&batch(&folder, "m.png\tn.png\tout/\n", &[]));
    let names: Vec<_> = ["a.png", "m.png", "scan.png"].map(|name| folder.path("out").join(name)).to_vec();
    assert!(names.iter().all(|name| image::open(name).is_ok()));
    // In place only by name.
    let before = std::fs::read(&image).unwrap();
    fails(&run(&[&image, &mask, &slash(&folder.path(""))]), 2, &["expected another folder"]);
    assert_eq!(std::fs::read(&image).unwrap(), before);
    fails(&run(&[&"-", &mask, &folder.path("out")]), 2, &["out: expected the name of a file"]);
    fails(
        &run(&[&image, &mask, &slash(&folder.path("none"))]),
        1,
        &["cannot be written: expected a folder", "found none"],
    );
}

#[test]
fn results_with_a_note_are_counted() {
    let folder = folder();
    let soft = GrayImage::from_fn(40, 30, |x, _| image::Luma([(255 - 9 * x.min(28)) as u8]));
    folder.put("soft.png", encoded(&soft.into(), ImageFormat::Png));
    let list = "a.png\tsoft.png\tb.png\na.png\tm.png\tc.png\n";
    let output = batch(&folder, list, &[]);
    assert_eq!(stderr(&output), "inpaint-edge: 2 filled, 0 failed, 1 with a note, which --json-lines has\n");
    let output = batch(&folder, list, &["--json-lines", "--overwrite"]);
    assert_eq!(stderr(&output), "inpaint-edge: 2 filled, 0 failed, 1 with a note\n");
    assert!(records(&output)[0]["notes"][0].as_str().unwrap().contains("a soft edge"));
}
