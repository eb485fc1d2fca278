//! What cannot be used gets one line and the right exit code, and nothing is written.

use std::process::Command;

use image::{GrayImage, ImageFormat, Luma};
use inpaint_edge::ErrorKind;
use inpaint_edge_image::Photo;

use crate::codecs::contents;
use crate::support::*;

#[test]
fn bad_input_gets_one_line_and_writes_nothing() {
    let folder = Folder::new();
    let png = encoded(&picture(20, 20, image::ColorType::Rgb8), ImageFormat::Png);
    let (image, mask, out) = (folder.put("in.png", &png), folder.mask(20, 20), folder.path("out.png"));
    let cut = folder.put("cut.png", &png[..png.len() / 2]);
    let empty = folder.put("empty.png", "");
    let text = folder.put("text.png", "not a picture");
    fails(&run(&[&cut, &mask, &out]), 3, &["cut.png"]);
    fails(&run(&[&empty, &mask, &out]), 3, &["empty.png", "PNG, JPEG, WebP", "found an empty file"]);
    fails(&run(&[&text, &mask, &out]), 3, &["text.png"]);
    fails(&run(&[&image, &text, &out]), 3, &["text.png"]);
    let missing =
        |output: &std::process::Output, code| fails(output, code, &["none: cannot be read: no such file or folder\n"]);
    missing(&run(&[&folder.path("none"), &mask, &out]), 3);
    missing(&run(&[&image, &folder.path("none"), &out]), 3);
    missing(&run(&[&image, &mask, &out, &"--weights", &folder.path("none")]), 4);
    missing(&run(&[&"info", &"--weights", &folder.path("none")]), 4);
    let small = folder.put("small.png", encoded(&picture(10, 20, image::ColorType::L8), ImageFormat::Png));
    fails(&run(&[&image, &small, &out]), 3, &["small.png", "20×20", "10×20"]);
    let white = folder.put("white.png", encoded(&GrayImage::from_pixel(20, 20, Luma([255])).into(), ImageFormat::Png));
    fails(&run(&[&image, &white, &out]), 3, &["white.png", "no pixel known"]);
    fails(&run(&[&image, &mask, &out, &"--weights", &text]), 4, &["text.png", "safetensors"]);
    fails(&run(&[&image, &mask, &folder.path("out.gif")]), 2, &["out.gif", ".png"]);
    fails(&run(&[&"-", &"-", &out]), 2, &["stdin"]);
    fails(&run(&[&image, &mask, &"-", &"--json"]), 2, &["stdout"]);
    // A file where a folder should be: no user, not even root, can write below it.
    fails(&run(&[&image, &mask, &image.join("out.png")]), 1, &["in.png/out.png"]);
    for isa in ["avx512", "avx2", "neon", "scalar"] {
        let output = run(&[&image, &mask, &out, &"--isa", &isa]);
        let available = inpaint_edge::Isa::available().any(|i| i.name() == isa);
        println!("--isa {isa}: available {available}");
        if available {
            succeeds(&output);
            std::fs::remove_file(&out).unwrap();
        } else {
            fails(&output, 2, &[isa, "expected an instruction set of this CPU"]);
        }
    }
    assert_eq!(folder.names(), ["cut.png", "empty.png", "in.png", "mask.png", "small.png", "text.png", "white.png"]);
}

#[test]
fn every_cut_of_every_kind_is_an_input_error() {
    let others = ["lossy.webp", "lossy-alpha.webp", "interlaced.png", "plain.png", "tagged.jpg"];
    for name in JPEGS.into_iter().chain(others).chain(TIFFS).chain(["tagged.tif"]) {
        let whole = std::fs::read(kind(name)).unwrap();
        for len in 0..whole.len() {
            let error = Photo::decode(&whole[..len]).expect_err(&format!("{name} of {len} bytes"));
            assert_eq!(
                (error.kind(), error.to_string().lines().count()),
                (ErrorKind::Input, 1),
                "{name}, {len}: {error}"
            );
        }
        // The whole, and as a camera leaves it: with another picture or padding behind.
        let mut expected = right(&kind(name));
        expected.apply_orientation(contents(&kind(name)).orientation);
        for behind in [&[][..], &whole, &[0; 100]] {
            assert!(Photo::decode(&[&whole[..], behind].concat()).unwrap().pixels == expected, "{name}");
        }
    }
}

#[test]
fn files_cut_in_half_write_nothing() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    for name in JPEGS.into_iter().chain(["lossy.webp", "plain.png"]) {
        let whole = std::fs::read(kind(name)).unwrap();
        let half = folder.put("half", &whole[..whole.len() / 2]);
        fails(&run(&[&half, &mask, &out]), 3, &["half: cut short: expected ", " bytes without "]);
        fails(&run(&[&kind("plain.png"), &half, &out]), 3, &["half: cut short"]);
    }
    assert_eq!(folder.names(), ["half", "mask.png"]);
}

/// The lenient decoder of the `image` crate draws grey from the damage on.
#[test]
fn damage_inside_a_jpeg_is_an_input_error() {
    for name in &JPEGS[..4] {
        let mut bytes = std::fs::read(kind(name)).unwrap();
        let scan = bytes.windows(2).position(|w| w == [0xFF, 0xDA]).unwrap() + 20;
        // All ones, stuffed: no Huffman code of JPEG begins so.
        bytes.splice(scan..scan, [0xFF, 0].repeat(8));
        let error = Photo::decode(&bytes).expect_err(name);
        assert_eq!(error.kind(), ErrorKind::Input, "{name}: {error}");
    }
}

#[test]
fn animated_cmyk_and_other_unread_pictures_are_refused() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(16, 16), folder.path("out.png"));
    for (name, part) in [
        ("animated.png", "found an animated PNG"),
        ("animated.webp", "found an animated WebP"),
        ("cmyk.jpg", "found CMYK (4 components)"),
        ("cmyk.tif", "expected a TIFF in grey, RGB or a palette, found CMYK"),
        ("multi.tif", "expected a TIFF with one picture, found 2 pictures"),
        ("float.tif", "samples that are whole numbers, found float samples"),
        ("bilevel.tif", "LZW, deflate or PackBits, found CCITT group 4 (fax) inside"),
    ] {
        fails(&run(&[&kind(name), &mask, &out]), 3, &[name, part]);
        fails(&run(&[&kind("plain.png"), &kind(name), &out]), 3, &[name, part]);
    }
    assert_eq!(folder.names(), ["mask.png"]);
}

#[test]
fn folders_are_neither_input_nor_output() {
    let folder = Folder::new();
    let (mask, sub) = (folder.mask(72, 56), folder.path("sub.png"));
    std::fs::create_dir(&sub).unwrap();
    fails(&run(&[&sub, &mask, &folder.path("out.png")]), 3, &["sub.png: cannot be read"]);
    fails(&run(&[&kind("plain.png"), &sub, &folder.path("out.png")]), 3, &["sub.png: cannot be read"]);
    // Into a folder goes a file of the image's name, in place of none.
    std::fs::create_dir(sub.join("plain.png")).unwrap();
    fails(&run(&[&kind("plain.png"), &mask, &sub]), 1, &["plain.png: cannot be written", "found a folder"]);
    fails(&run(&[&kind("plain.png"), &mask, &folder.path("none/out.png")]), 1, &["none/out.png: cannot be written"]);
    assert_eq!(folder.names(), ["mask.png", "sub.png"]);
}

#[test]
#[cfg(unix)]
fn a_link_stays_and_leads_to_the_result() {
    use std::os::unix::fs::symlink;
    let folder = Folder::new();
    let (mask, link) = (folder.mask(72, 56), folder.path("link.png"));
    std::fs::create_dir(folder.path("far")).unwrap();
    let far = folder.put("far/out.png", "what was there");
    symlink("far/out.png", &link).unwrap();
    let (image, list) = (kind("plain.png"), folder.path("list"));
    let line = |mask: &std::path::Path| format!("{}\t{}\t{}\n", image.display(), mask.display(), link.display());
    std::fs::write(&list, line(&mask)).unwrap();
    let batch = |args: &[&dyn AsRef<std::ffi::OsStr>]| run_after(&format!("exec < {}", list.display()), args);
    let stays = |output: &std::process::Output| {
        succeeds(output);
        assert!(link.is_symlink());
        assert_eq!(image::open(&far).unwrap().width(), 72);
        std::fs::write(&far, "what was there").unwrap();
    };
    stays(&run(&[&image, &mask, &link]));
    stays(&run(&[&image, &mask, &"--preview", &link]));
    stays(&batch(&[&"batch", &"--overwrite"]));
    // What a killed run left beside the file.
    folder.put("far/.inpaint-edge-killed", "half");
    succeeds(&batch(&[&"batch"]));
    assert!(!folder.path("far/.inpaint-edge-killed").exists());
    std::fs::remove_file(&far).unwrap();
    fails(&run(&[&image, &mask, &link]), 1, &["link.png: cannot be written", "no such file"]);
    assert!(link.is_symlink() && !far.exists());
}

/// Pipes have no length.
#[test]
#[cfg(unix)]
fn a_pipe_of_something_else_is_called_that() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    let nano = concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/nano.safetensors");
    let piped = |file: &str, args: &[&dyn AsRef<std::ffi::OsStr>]| {
        let script = "file=$0; cat \"$file\" | \"$@\"";
        let args = args.iter().map(|a| a.as_ref());
        let program = env!("CARGO_BIN_EXE_inpaint-edge");
        Command::new("sh").args(["-c", script, file, program]).args(args).output().unwrap()
    };
    let readme = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
    for file in [readme, "/dev/null"] {
        let output = piped(file, &[&"/dev/stdin", &mask, &out]);
        fails(&output, 3, &["/dev/stdin: expected a picture in PNG, JPEG"]);
    }
    let output = piped(nano, &[&kind("plain.png"), &mask, &out, &"--weights", &"/dev/stdin"]);
    fails(&output, 4, &["/dev/stdin: cannot be read: expected a regular file"]);
    // A picture is read through one.
    succeeds(&piped(kind("tagged.jpg").to_str().unwrap(), &[&"/dev/stdin", &"--box", &"0,0,1,1", &out]));
}

/// Refused before the image is looked at, and left as it is.
#[test]
#[cfg(unix)]
fn a_result_replaces_regular_files_alone() {
    use std::os::unix::fs::{FileTypeExt, symlink};
    let folder = Folder::new();
    let (mask, pipe, link) = (folder.mask(72, 56), folder.path("pipe.png"), folder.path("null.png"));
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    symlink("/dev/null", &link).unwrap();
    let none = folder.path("none.png");
    let list = folder.put("list", format!("{}\t{}\t{}\n", none.display(), mask.display(), pipe.display()));
    for output in [
        run(&[&none, &mask, &pipe]),
        run(&[&none, &mask, &"--preview", &pipe]),
        run_after(&format!("exec < {}", list.display()), &[&"batch", &"--quiet", &"--overwrite"]),
    ] {
        fails(&output, 1, &["pipe.png: cannot be written: expected a regular file or none"]);
    }
    fails(&run(&[&none, &mask, &link]), 1, &["null.png: cannot be written: expected a regular file or none"]);
    assert!(std::fs::metadata(&pipe).unwrap().file_type().is_fifo() && link.is_symlink());
}

/// A new result is for whom the umask leaves it; one that replaces a file is for whom that was, and whose.
#[test]
#[cfg(target_os = "linux")]
fn modes_and_owners_are_those_of_files() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    for (umask, mode) in [("022", 0o644), ("077", 0o600), ("002", 0o664)] {
        succeeds(&run_after(&format!("umask {umask}"), &[&kind("plain.png"), &mask, &out]));
        assert_eq!(std::fs::metadata(&out).unwrap().mode() & 0o7777, mode, "umask {umask}");
        std::fs::remove_file(&out).unwrap();
    }
    std::fs::write(&out, "what was there").unwrap();
    std::fs::set_permissions(&out, PermissionsExt::from_mode(0o640)).unwrap();
    let other = chown(&out, Some(54321), Some(54322)).is_ok();
    if !other {
        not_run("only root gives files away");
    }
    succeeds(&run_after("umask 077", &[&kind("plain.png"), &mask, &out]));
    let kept = std::fs::metadata(&out).unwrap();
    assert_eq!(kept.mode() & 0o7777, 0o640);
    assert!(!other || (kept.uid(), kept.gid()) == (54321, 54322), "{}, {}", kept.uid(), kept.gid());
}

/// Where the fill would fail, as nothing is known, the format is what is told.
#[test]
fn pixels_that_a_format_cannot_hold_are_refused_before_the_fill() {
    let folder = Folder::new();
    for (color, found, webp) in [
        (image::ColorType::La8, "found grey with alpha", true),
        (image::ColorType::Rgba8, "found RGBA", true),
        (image::ColorType::L16, "found grey of 16 bits", false),
        (image::ColorType::Rgba16, "found RGBA of 16 bits", false),
    ] {
        let image = folder.put("in.png", encoded(&picture(20, 20, color), ImageFormat::Png));
        // Nothing known would be what the fill finds; within a limit that is known before the image is read.
        for (hole, limit) in [("0,0,20,20", &[][..]), ("0,0,19,20", &["--max-memory", "256M"])] {
            let to = |out: &str| {
                let out = folder.path(out);
                let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"--box", &hole, &image, &out];
                args.extend(limit.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>));
                run(&args)
            };
            fails(&to("out.jpg"), 2, &["out.jpg: expected 8 bits without transparency for JPEG", found]);
            match (webp, limit) {
                (true, []) => fails(&to("out.webp"), 3, &["no pixel known"]),
                (true, _) => {
                    succeeds(&to("out.webp"));
                    std::fs::remove_file(folder.path("out.webp")).unwrap();
                }
                (false, _) => fails(&to("out.webp"), 2, &["out.webp: expected 8 bits for WebP", found]),
            }
        }
        let preview = run(&[&"--box", &"0,0,5,5", &image, &"--preview", &folder.path("out.jpg")]);
        fails(&preview, 2, &["out.jpg: expected 8 bits without transparency for JPEG", found]);
    }
    assert_eq!(folder.names(), ["in.png"]);
}

#[test]
fn growing_a_hole_over_everything_leaves_nothing_known() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    for grow in ["1000", "4294967295"] {
        let output = run(&[&kind("plain.png"), &mask, &out, &"--mask-grow", &grow]);
        fails(&output, 3, &["mask.png", "no pixel known"]);
    }
    assert_eq!(run(&[&kind("plain.png"), &mask, &out, &"--mask-grow", &"4294967296"]).status.code(), Some(2));
}

#[test]
fn threads_are_as_many_as_can_be_had() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    for threads in ["100000", "513", "-1", "two"] {
        let output = run(&[&kind("plain.png"), &mask, &out, &format!("--threads={threads}")]);
        assert_eq!(output.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&output.stderr).contains("expected 0 to 512"));
    }
    assert_eq!(folder.names(), ["mask.png"]);
    if cfg!(target_os = "linux") {
        // Address space for some of the 512 stacks but not for all.
        let output = Command::new("sh")
            .args(["-c", "ulimit -v 500000; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_inpaint-edge")])
            .args([&kind("plain.png"), &mask, &out])
            .args(["--json", "--threads", "512"])
            .env("MALLOC_ARENA_MAX", "1")
            .output()
            .unwrap();
        succeeds(&output);
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!(report["threads"], 1);
    }
}

/// No byte of a TIFF or of EXIF makes a decoder panic, or write more than there is.
#[test]
fn changed_bytes_of_tiff_and_exif_are_errors_at_most() {
    for name in ["tagged.tif", "tagged.jpg"] {
        let mut bytes = std::fs::read(kind(name)).unwrap();
        for at in 0..bytes.len() {
            let kept = bytes[at];
            for changed in [0xFF, kept ^ 1] {
                bytes[at] = changed;
                if let Ok(photo) = Photo::decode(&bytes) {
                    let written = photo.encode(inpaint_edge_image::OutputFormat::Tiff).unwrap();
                    assert!(written.len() < 4 * bytes.len() + photo.pixels.as_bytes().len(), "{name} at {at}");
                }
            }
            bytes[at] = kept;
        }
    }
}
