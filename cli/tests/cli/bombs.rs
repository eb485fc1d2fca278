//! Small files that claim or unfold to much: refused by what they claim, before memory is taken for it.

use std::io::Write;

use image::ImageFormat;
use inpaint_edge::ErrorKind;
use inpaint_edge_image::Photo;

use crate::support::*;

/// A PNG of this size and kind with `extra` chunks and these compressed pixels.
fn png(width: u32, height: u32, kind: [u8; 2], extra: &[u8], pixels: &[u8]) -> Vec<u8> {
    let header = [&width.to_be_bytes()[..], &height.to_be_bytes(), &kind, &[0; 3]].concat();
    let (header, pixels) = (chunk(b"IHDR", &header), chunk(b"IDAT", pixels));
    [b"\x89PNG\r\n\x1a\n", &header[..], extra, &pixels, &chunk(b"IEND", b"")].concat()
}

/// `megabytes` of zeros as a zlib stream of some kilobytes: one block of fixed codes, runs of 258 at distance 1.
fn zeros(megabytes: usize) -> Vec<u8> {
    let len = megabytes << 20;
    let (mut out, mut bits, mut count) = (vec![0x78, 0x01], 0u64, 0);
    let mut put = |value: u64, width: u32| {
        bits |= value << count;
        count += width;
        while count >= 8 {
            out.push(bits as u8);
            bits >>= 8;
            count -= 8;
        }
    };
    // A last block of fixed codes; the literal 0; then length 258 (code 285) and distance 1 (code 0), codes reversed.
    put(0b011, 3);
    put(0b0000_1100, 8);
    (0..(len - 1) / 258).for_each(|_| put(0b1010_0011, 8 + 5));
    (0..(len - 1) % 258).for_each(|_| put(0b0000_1100, 8));
    put(0, 7 + 8);
    let b = len % 65521;
    out.extend((((b as u32) << 16) | 1).to_be_bytes());
    out
}

#[test]
fn compressed_zeros_decode_to_zeros() {
    let photo = Photo::decode(&png(1023, 1024, [8, 0], &[], &zeros(1))).unwrap();
    assert!(photo.pixels.as_bytes().iter().all(|v| *v == 0));
}

/// 65,535 pixels a side are 16 GB to 32 GB in PNG, 13 GB in JPEG.
#[test]
fn headers_that_claim_gigabytes_are_limits_errors() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(16, 16), folder.path("out.png"));
    let mut jpeg = std::fs::read(kind("baseline-444.jpg")).unwrap();
    let frame = jpeg.windows(2).position(|pair| pair == [0xFF, 0xC0]).unwrap();
    jpeg[frame + 5..frame + 9].fill(0xFF);
    let files = [
        ("deep.png", png(65_535, 65_535, [16, 6], &[], &zeros(1))),
        ("colour.png", png(65_535, 65_535, [8, 2], &[], &zeros(1))),
        ("huge.jpg", jpeg),
    ];
    for (name, bytes) in &files {
        assert!(bytes.len() < 20_000, "{name}: {} bytes", bytes.len());
        let image = folder.put(name, bytes);
        for limit in [&[][..], &["--max-memory", "256M"]] {
            let with = |first: [&dyn AsRef<std::ffi::OsStr>; 3]| {
                let limit = limit.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>);
                run(&first.into_iter().chain(limit).collect::<Vec<_>>())
            };
            fails(&with([&image, &mask, &out]), 5, &[name, "bytes of pixels, found "]);
            fails(&with([&kind("plain.png"), &image, &out]), 5, &[name, "bytes of pixels, found "]);
        }
    }
    // Just under the limit of pixels, and far above what is allowed: 4 GB of grey.
    let grey = folder.put("grey.png", png(65_535, 65_535, [8, 0], &[], &zeros(1)));
    fails(&run(&[&grey, &mask, &out, &"--max-memory", &"256M"]), 5, &["--max-memory"]);
    fails(&run(&[&kind("plain.png"), &grey, &out, &"--max-memory", &"256M"]), 5, &["--max-memory"]);
    for side in [0, 65_536, u32::MAX] {
        let image = folder.put("side.png", png(side, 1, [8, 0], &[], &zeros(1)));
        let output = run(&[&image, &mask, &out]);
        fails(&output, if side == 0 { 3 } else { 5 }, &["side.png"]);
    }
    assert!(!out.exists());
}

#[test]
fn compressed_metadata_is_bounded() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(32, 32), folder.path("out.png"));
    // A profile of gigabytes is left out, as a damaged one is.
    let profile = [b"x\0\0", &zeros(1 << 11)[..]].concat();
    let bomb = folder.put("bomb.png", png(32, 32, [8, 0], &chunk(b"iCCP", &profile), &zeros(1)));
    succeeds(&run_after("ulimit -v 200000", &[&bomb, &mask, &out, &"--threads", &"1"]));
    assert!(std::fs::metadata(&out).unwrap().len() < 10_000);
    // Text is carried as it is.
    let text = [b"x\0\0", &zeros(64)[..]].concat();
    let international = [b"x\0\x01\0\0\0", &zeros(64)[..]].concat();
    let extra = [chunk(b"zTXt", &text), chunk(b"iTXt", &international)].concat();
    assert!(Photo::decode(&png(4, 4, [8, 0], &extra, &zeros(1))).is_ok());
    let long = chunk(b"tEXt", &[b"x\0", &vec![b'a'; 17 << 20][..]].concat());
    let error = Photo::decode(&png(4, 4, [8, 0], &long, &zeros(1))).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Limits, "{error}");
}

/// The canvas of a WebP is small, its frame claims 16,383 by 16,383.
#[test]
fn a_frame_is_no_larger_than_its_canvas() {
    let folder = Folder::new();
    let mut webp = std::fs::read(kind("lossy-alpha.webp")).unwrap();
    let frame = webp.windows(4).position(|name| name == b"VP8 ").unwrap() + 8;
    assert_eq!(webp[frame + 3..frame + 6], [0x9D, 0x01, 0x2A]);
    webp[frame + 6..frame + 10].copy_from_slice(&[0xFF, 0x3F, 0xFF, 0x3F]);
    let (image, mask) = (folder.put("frame.webp", &webp), folder.mask(72, 56));
    let output = run_after("ulimit -v 200000", &[&image, &mask, &folder.path("out.png"), &"--threads", &"1"]);
    fails(&output, 3, &["frame.webp", "found 16383×16383"]);
}

/// Ten gigabytes of nothing, but for the first bytes.
#[test]
fn a_file_that_is_too_long_is_not_read() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    for name in ["baseline-444.jpg", "lossy.webp", "grey.tif", "plain.png"] {
        let path = folder.put("long", std::fs::read(kind(name)).unwrap());
        let file = std::fs::OpenOptions::new().write(true).open(&path).unwrap();
        file.set_len(10 << 30).unwrap();
        let output = run(&[&path, &mask, &out]);
        if name.ends_with(".png") {
            // Of a PNG nothing behind its end is looked at.
            succeeds(&output);
            std::fs::remove_file(&out).unwrap();
        } else {
            fails(&output, 5, &["long", "expected at most"]);
            fails(&run(&[&path, &mask, &out, &"--max-memory", &"256M"]), 5, &["long", "--max-memory"]);
        }
    }
    fails(&run(&[&"/dev/zero", &mask, &out]), 3, &["/dev/zero: expected a picture in PNG, JPEG"]);
    let endless = run(&[&kind("plain.png"), &mask, &out, &"--weights", &"/dev/zero", &"--json"]);
    fails(&endless, 4, &["/dev/zero", "expected a regular file"]);
    fails(&run(&[&"selftest", &"--weights", &"/dev/zero"]), 4, &["/dev/zero", "expected a regular file"]);
    let weights = folder.put("weights", 8u64.to_le_bytes());
    std::fs::OpenOptions::new().write(true).open(&weights).unwrap().set_len(10 << 30).unwrap();
    fails(&run(&[&kind("plain.png"), &mask, &out, &"--weights", &weights]), 4, &["weights"]);
}

/// More through a pipe than may be held.
#[test]
fn an_endless_pipe_is_a_limits_error() {
    let folder = Folder::new();
    let mask = folder.mask(72, 56);
    let mut child = std::process::Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
        .args(["-".as_ref(), mask.as_os_str(), "-".as_ref()])
        .args(["--max-memory", "64M"])
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let _ = stdin.write_all(&encoded(&picture(72, 56, image::ColorType::Rgb8), ImageFormat::Png));
    let mut blocks = 0;
    while blocks < 10_000 && stdin.write_all(&[0; 1 << 16]).is_ok() {
        blocks += 1;
    }
    drop(stdin);
    assert!(blocks < 10_000, "655 MB were read");
    fails(&child.wait_with_output().unwrap(), 5, &["-: expected at most 67108864 bytes"]);
}

/// Every entry of a directory leads to the same directory of as many entries.
#[test]
fn cycles_of_directories_end() {
    let tiff = std::fs::read(kind("grey.tif")).unwrap();
    assert_eq!(tiff[..4], *b"II*\0");
    let ifd0 = u32::from_le_bytes(*tiff[4..].first_chunk().unwrap()) as usize;
    let count = usize::from(u16::from_le_bytes(*tiff[ifd0..].first_chunk().unwrap()));
    let mut bytes = tiff.clone();
    let start = bytes.len().next_multiple_of(2);
    bytes.resize(start, 0);
    let leads_on = 65_535 - count;
    let below = (start + 2 + 12 * 65_535 + 4) as u32;
    let entry = |to: u32| [&[0x69, 0x87, 4, 0, 1, 0, 0, 0], &to.to_le_bytes()[..]].concat();
    bytes.extend([0xFF, 0xFF]);
    bytes.extend_from_slice(&tiff[ifd0 + 2..][..12 * count]);
    bytes.extend(entry(below).repeat(leads_on));
    bytes.extend([0; 4]);
    bytes.extend([0xFF, 0xFF]);
    bytes.extend(entry(below).repeat(65_535));
    bytes.extend([0; 4]);
    bytes[4..8].copy_from_slice(&(start as u32).to_le_bytes());
    let error = Photo::decode(&bytes).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Input, "{error}");
}

#[test]
fn a_list_is_of_a_million_jobs_at_most() {
    let folder = Folder::new();
    let list: String = (0..=1_000_000).map(|i| format!("a\t{i}.png\n")).collect();
    let list = folder.put("list", list);
    let output = run_after(&format!("exec < {}", list.display()), &[&"batch", &"--box", &"0,0,1,1"]);
    fails(&output, 2, &["stdin, line 1000001", "at most 1000000 jobs"]);
}

/// A line of tabs or of JSON is made into many times its bytes.
#[test]
fn long_lines_of_a_list_are_refused_before_they_are_parsed() {
    let folder = Folder::new();
    for (line, what) in [("x\t".repeat(20_000_000), "tabs"), (format!("{{\"a\":[1{}", ",1".repeat(20_000_000)), "JSON")]
    {
        let list = folder.put("list", format!("a\tb.png\n{line}"));
        let setup = format!("ulimit -v 400000; exec < {}", list.display());
        let output = run_after(&setup, &[&"batch", &"--box", &"0,0,1,1"]);
        fails(&output, 2, &["stdin, line 2", "at most 131072 bytes", &format!("found {}", line.len())]);
        assert!(folder.names() == ["list"], "{what}");
    }
}

/// What is named twice has to be readable twice, where its header is read first.
#[test]
fn a_pipe_by_name_is_refused_under_a_limit() {
    let folder = Folder::new();
    let (mask, out) = (folder.mask(72, 56), folder.path("out.png"));
    let setup = format!("exec < {}", kind("plain.png").display());
    let pipe = format!("cat {} |", kind("plain.png").display());
    let output = run_after(&setup, &[&"/dev/stdin", &mask, &out, &"--max-memory", &"256M"]);
    succeeds(&output);
    let script = format!("{pipe} \"$@\"");
    let output = std::process::Command::new("sh")
        .args(["-c", &script, "sh", env!("CARGO_BIN_EXE_inpaint-edge"), "/dev/stdin"])
        .args([&mask, &out])
        .args(["--max-memory", "256M"])
        .output()
        .unwrap();
    fails(&output, 3, &["/dev/stdin", "or -"]);
}
