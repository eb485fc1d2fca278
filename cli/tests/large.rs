//! The program on photographs of 12, 24 and 50 megapixels within a memory limit. Not part of `cargo test`, for its time:
//! `cargo test --release --test large`.
#![cfg(all(feature = "embedded-weights", target_os = "linux"))]

use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use image::{GrayImage, Luma, Rgb, RgbImage};

/// What the program says, and the most memory it had, KiB. The system's account of a child that has ended begins with the
/// memory of its parent, so it is asked while it runs; what it writes fits into a pipe.
fn run(folder: &Path, args: &[&str]) -> (Output, u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"));
    let mut child =
        command.args(args).current_dir(folder).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let status = format!("/proc/{}/status", child.id());
    let mut peak = 0;
    while child.try_wait().unwrap().is_none() {
        let text = std::fs::read_to_string(&status).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = peak.max(line.map_or(0, |line| line.trim().trim_end_matches(" kB").parse().unwrap()));
        std::thread::sleep(Duration::from_millis(1));
    }
    (child.wait_with_output().unwrap(), peak)
}

/// Runs within the memory that refusals ask for. Returns that, and the most memory it had, KiB.
fn run_within_least(folder: &Path, args: &[&str]) -> (u64, u64) {
    let mut limit = "20M".to_owned();
    for _ in 0..5 {
        let (output, peak) = run(folder, &[args, &["--max-memory", &limit]].concat());
        if output.status.success() {
            return (1024 * limit.trim_end_matches('M').parse::<u64>().unwrap(), peak);
        }
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(5), "{stderr}");
        limit = stderr.split("--max-memory ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    }
    panic!("{args:?}: refused at {limit}, too");
}

/// Waves with noise, which no encoder makes small.
fn photo(width: u32, height: u32) -> RgbImage {
    let mut state = 1u32;
    RgbImage::from_fn(width, height, |x, y| {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        let wave = |k: f32| 110.0 + 90.0 * (x as f32 / (90.0 * k)).sin() * (y as f32 / (70.0 * k)).cos();
        let noise = (state >> 27) as f32 - 16.0;
        Rgb([wave(1.0), wave(1.7), wave(2.9)].map(|v| (v + noise) as u8))
    })
}

/// Dust, a scratch from corner to corner, a corner, and a hole of 900×700.
fn is_hole(x: u32, y: u32, width: u32, height: u32) -> bool {
    let dust = x % 701 < 9 && y % 503 < 7;
    let scratch = (u64::from(y) * u64::from(width) / u64::from(height)).abs_diff(u64::from(x)) < 6;
    let corner = x + 80 >= width && y < 60;
    let huge = (width / 2..width / 2 + 900).contains(&x) && (height / 4..height / 4 + 700).contains(&y);
    dust || scratch || corner || huge
}

#[test]
fn large_photographs_stay_within_the_memory_limit() {
    let folder = tempfile::tempdir().unwrap();
    for (width, height, limit, of_texture) in
        [(4000, 3000, "128M", "260M"), (6000, 4000, "192M", "300M"), (8660, 5774, "256M", "384M")]
    {
        let original = photo(width, height);
        let mut jpeg = jpeg_encoder::Encoder::new_file(folder.path().join("in.jpg"), 75).unwrap();
        jpeg.set_sampling_factor(jpeg_encoder::SamplingFactor::F_1_1);
        jpeg.encode(&original, width as u16, height as u16, jpeg_encoder::ColorType::Rgb).unwrap();
        original.save(folder.path().join("in.png")).unwrap();
        let white = |x, y| Luma([if is_hole(x, y, width, height) { 255 } else { 0 }]);
        GrayImage::from_fn(width, height, white).save(folder.path().join("mask.png")).unwrap();

        let cases = [
            ("in.png", "textured.png", "auto", of_texture),
            ("in.png", "out.png", "off", limit),
            ("in.jpg", "out.jpg", "off", limit),
        ];
        for (input, out, texture, limit) in cases {
            let mut digests = Vec::new();
            for threads in ["1", "3"] {
                let args = [input, "mask.png", out, "--json", "--max-memory", limit, "--threads", threads];
                let (output, peak) = run(folder.path(), &[&args[..], &["--texture", texture]].concat());
                assert!(output.status.success(), "{width}×{height}: {}", String::from_utf8_lossy(&output.stderr));
                let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
                assert!(report["regions"].as_u64() > Some(9));
                digests.push(report["output_sha256"].clone());
                println!(
                    "{width}×{height} {input}, texture {texture}, {threads} threads: {} regions, {} KiB",
                    report["regions"], peak
                );
                let kib = 1024 * limit.trim_end_matches('M').parse::<u64>().unwrap();
                assert!(peak > 40_000 && peak <= kib, "{width}×{height} {input}: {peak} KiB, {kib} allowed");
            }
            assert_eq!(digests[0], digests[1]);
        }

        // Without a digest in a report, a JPEG is decoded in part. What takes most: it is turned, and nearly all of it is seen.
        let path = |name: &str| folder.path().join(name);
        let jpeg = std::fs::read(path("in.jpg")).unwrap();
        let half_turn = b"\xFF\xE1\0\x22Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x03\0\0\0\0\0\0\0";
        std::fs::write(path("turned.jpg"), [&jpeg[..2], half_turn, &jpeg[2..]].concat()).unwrap();
        let dust = |x, y| Luma([if x % 64 == 9 && y % 64 == 9 && y > 300 { 255 } else { 0 }]);
        GrayImage::from_fn(width, height, dust).save(path("dust.png")).unwrap();
        for (input, mask, out) in [("in.jpg", "mask.png", "part.jpg"), ("turned.jpg", "dust.png", "dusted.jpg")] {
            let args = [input, mask, out, "--threads", "1", "--texture", "off", "--grain", "off"];
            let (limit, peak) = run_within_least(folder.path(), &args);
            println!("{width}×{height} {input} in part: {peak} KiB, {limit} asked for");
            assert!(peak > 20_000 && peak <= limit, "{width}×{height} {input}: {peak} KiB, {limit} allowed");
        }
        let filled = image::open(folder.path().join("out.png")).unwrap().into_rgb8();
        let mut error = [0u64; 2];
        for ((x, y, a), b) in original.enumerate_pixels().zip(filled.pixels()) {
            if is_hole(x, y, width, height) {
                let squares = a.0.iter().zip(b.0).map(|(a, b)| u64::from(a.abs_diff(b)).pow(2));
                error = [error[0] + squares.sum::<u64>(), error[1] + 3];
            } else {
                assert_eq!(a, b, "{x}, {y}");
            }
        }
        println!("{width}×{height}: mean square error {}", error[0] as f64 / error[1] as f64);

        // A crop from a multiple of 64 pixels on, with a speck of dust in its middle, is filled as the photograph is.
        let (x, y, w, h) = (2560, 320, 512, 320);
        image::imageops::crop_imm(&original, x, y, w, h).to_image().save(folder.path().join("crop.png")).unwrap();
        let white = |i, j| Luma([if is_hole(x + i, y + j, width, height) { 255 } else { 0 }]);
        let mask = GrayImage::from_fn(w, h, white);
        assert_eq!(mask.pixels().filter(|p| p.0[0] > 0).count(), 63);
        mask.save(folder.path().join("crop_mask.png")).unwrap();
        let (output, _) = run(folder.path(), &["crop.png", "crop_mask.png", "crop_out.png"]);
        assert!(output.status.success());
        let crop = image::open(folder.path().join("crop_out.png")).unwrap().into_rgb8();
        assert!(crop == image::imageops::crop_imm(&filled, x, y, w, h).to_image(), "{width}×{height}");

        let (refused, _) = run(folder.path(), &["in.png", "mask.png", "none.png", "--max-memory", "40M"]);
        let stderr = String::from_utf8_lossy(&refused.stderr);
        assert_eq!(refused.status.code(), Some(5), "{stderr}");
        assert!(stderr.contains("M or more") && stderr.contains(", found 40M"), "{stderr}");
        assert!(!folder.path().join("none.png").exists());
        // The number in the message is enough.
        let number = stderr.split("--max-memory ").nth(1).unwrap().split(' ').next().unwrap();
        let mut limit = number.to_owned();
        let (mut output, _) = run(folder.path(), &["in.png", "mask.png", "again.png", "--max-memory", &limit]);
        if output.status.code() == Some(5) {
            // What the regions take was known once the hole was.
            assert!(stderr.contains("to find out what filling takes"), "{stderr}");
            let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
            limit = stderr.split("--max-memory ").nth(1).unwrap().split(' ').next().unwrap().to_owned();
            (output, _) = run(folder.path(), &["in.png", "mask.png", "again.png", "--max-memory", &limit]);
        }
        assert!(output.status.success(), "{limit}: {}", String::from_utf8_lossy(&output.stderr));
        let same = std::fs::read(folder.path().join("textured.png")).unwrap();
        assert!(std::fs::read(folder.path().join("again.png")).unwrap() == same, "the limit changed the result");
    }
}
