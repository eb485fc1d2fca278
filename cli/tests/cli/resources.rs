//! Memory, disks, pipes and time that run out: one line and the right exit code, nothing half-written and nothing left behind.
#![cfg(target_os = "linux")]

use std::io::Read;
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use image::{DynamicImage, ImageFormat};

use crate::support::*;

/// A folder with a picture in each format and their mask.
fn pictures(width: u32, height: u32) -> Folder {
    let folder = Folder::new();
    let picture = picture(width, height, image::ColorType::Rgb8);
    for (name, format) in [("in.png", ImageFormat::Png), ("in.jpg", ImageFormat::Jpeg), ("in.webp", ImageFormat::WebP)]
    {
        folder.put(name, encoded(&picture, format));
    }
    folder.mask(width, height);
    folder
}

const PICTURES: [&str; 4] = ["in.jpg", "in.png", "in.webp", "mask.png"];

/// From just enough to start to more than enough, every run succeeds or says that there is no memory.
#[test]
fn running_out_of_memory_anywhere_is_a_limits_error() {
    let folder = pictures(500, 400);
    let (mask, out) = (folder.path("mask.png"), folder.path("out.png"));
    let starts = |kilobytes: &u32| run_after(&format!("ulimit -v {kilobytes}"), &[&"--version"]).status.success();
    let first = (10_000..).step_by(1_000).find(starts).unwrap();
    let mut codes = [0; 2];
    for (i, kilobytes) in (first..first + 60_000).step_by(1_700).enumerate() {
        let image = folder.path(PICTURES[i % 3]);
        let (context, threads) = (["all", "20"][i / 3 % 2], ["1", "4"][i / 6 % 2]);
        let limit = format!("ulimit -v {kilobytes}");
        let output = run_after(&limit, &[&image, &mask, &out, &"--context", &context, &"--threads", &threads]);
        if output.status.success() {
            assert!(image::open(&out).is_ok());
            std::fs::remove_file(&out).unwrap();
        } else {
            let stderr = String::from_utf8_lossy(&output.stderr);
            assert_eq!(output.status.code(), Some(5), "{kilobytes} kB, context {context}, {image:?}: {stderr}");
            // Where a library asked in vain, Rust adds how to see a backtrace.
            let lines = stderr.lines().filter(|line| !line.is_empty() && !line.starts_with("note: run with")).count();
            assert!(lines == 1 && stderr.contains("memory"), "{kilobytes} kB: {stderr}");
        }
        codes[usize::from(output.status.success())] += 1;
        assert_eq!(folder.names(), PICTURES);
    }
    println!("{} runs had too little memory, {} enough", codes[0], codes[1]);
    assert!(codes[0] > 0 && codes[1] > 0);
}

#[test]
fn a_batch_goes_on_after_running_out_of_memory() {
    let folder = pictures(200, 150);
    folder.put("large.png", encoded(&DynamicImage::new_rgb16(4000, 4000), ImageFormat::Png));
    folder.put("empty.png", encoded(&DynamicImage::new_luma8(4000, 4000), ImageFormat::Png));
    let list = folder.put("list", "large.png\tempty.png\tone.png\nin.png\tmask.png\ttwo.png\n");
    let setup = format!("cd {}; ulimit -v 100000; exec < {}", folder.path("").display(), list.display());
    let output = run_after(&setup, &[&"batch", &"--quiet", &"--threads", &"1"]);
    fails(&output, 5, &["large.png", "no memory"]);
    assert!(folder.path("two.png").exists() && !folder.path("one.png").exists());
}

/// Stacks smaller than the system's own: the work does not depend on what the main thread has.
#[test]
fn a_small_stack_is_enough() {
    let folder = pictures(300, 200);
    let (mask, out) = (folder.path("mask.png"), folder.path("out.png"));
    for kilobytes in [64, 128, 256, 512, 1024, 4096] {
        let limit = format!("ulimit -s {kilobytes}");
        for image in ["in.jpg", "in.png", "in.webp"] {
            succeeds(&run_after(&limit, &[&folder.path(image), &mask, &out, &"--threads", &"2"]));
            assert!(image::open(&out).is_ok());
            std::fs::remove_file(&out).unwrap();
        }
        for args in [&["--help"][..], &["info"], &["man", "batch"]] {
            succeeds(&run_after(&limit, &args.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>).collect::<Vec<_>>()));
        }
        fails(&run_after(&limit, &[&folder.path("none.png"), &mask, &out]), 3, &["none.png"]);
    }
    // From too little memory for a thread to enough: a limit, in one line where the thread has not begun.
    let starts = |kilobytes: u32| run_after(&format!("ulimit -s 256; ulimit -v {kilobytes}"), &[&"--version"]);
    let mut outputs = (10_000..100_000).step_by(200).map(starts);
    fails(&outputs.find(|output| output.status.code() == Some(5)).unwrap(), 5, &["no memory for a thread"]);
    assert!(outputs.any(|output| output.status.success()));
}

/// Rust panics in a thread that has a stack but finds no memory for that of its signals: a few kilobytes of limit below where
/// threads start.
#[test]
fn a_thread_without_memory_for_its_signal_stack_is_a_limits_error() {
    let starts = |kilobytes: u32| run_after(&format!("ulimit -s 256; ulimit -v {kilobytes}"), &[&"--version"]);
    let says = |output: &Output, words: &str| String::from_utf8_lossy(&output.stderr).contains(words);
    let limits = (10_000..100_000).step_by(200).take_while(|limit| !starts(*limit).status.success());
    let no_thread = limits.filter(|limit| says(&starts(*limit), "no memory for a thread")).last().unwrap();
    let mut outputs = (no_thread..no_thread + 400).step_by(4).map(starts);
    let found = outputs.find(|output| says(output, "signal stack")).expect("a limit between no thread and all of it");
    fails(&found, 5, &["no memory for the signal stack of a thread"]);
}

/// Limits of memory cgroups, which are files: those of a folder that stands in for `/sys/fs/cgroup`. What would be killed is
/// refused before work, and what has little memory goes the frugal way to the same bytes.
#[test]
fn a_memory_cgroup_is_a_limit() {
    let folder = pictures(600, 500);
    let mask = folder.path("mask.png");
    let groups = folder.path("groups");
    std::fs::create_dir_all(groups.join("memory")).unwrap();
    let within = |files: &[(&str, u32)], args: &[&dyn AsRef<std::ffi::OsStr>]| {
        std::fs::remove_dir_all(&groups).unwrap();
        std::fs::create_dir_all(groups.join("memory")).unwrap();
        files.iter().for_each(|(name, megabytes)| {
            std::fs::write(groups.join(name), format!("{}\n", u64::from(*megabytes) << 20)).unwrap();
        });
        let script = format!("mount --bind {} /sys/fs/cgroup && exec \"$@\"", groups.display());
        let command = ["-rm", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_inpaint-edge")];
        Command::new("unshare").args(command).args(args.iter().map(|a| a.as_ref())).output().unwrap()
    };
    let first = |limit, used| [("memory/memory.limit_in_bytes", limit), ("memory/memory.usage_in_bytes", used)];
    let tried = within(&first(4000, 0), &[&"info", &"--json"]);
    if !tried.status.success() {
        return not_run(format_args!("no mount over /sys/fs/cgroup: {}", String::from_utf8_lossy(&tried.stderr)));
    }
    let groups_of = std::fs::read_to_string("/proc/self/cgroup").unwrap();
    let has_first = groups_of.lines().any(|line| line.contains(":memory:"));
    let has_second = groups_of.lines().any(|line| line.starts_with("0::"));
    assert!(has_first || has_second, "{groups_of}");
    let swap = std::fs::read_to_string("/proc/meminfo").unwrap();
    if !swap.lines().any(|line| line.starts_with("SwapFree:") && line.contains(" 0 kB")) {
        return not_run("limits of memory cgroups where the machine has swap, which adds to them");
    }
    let second = |limit, used| [("memory.max", limit), ("memory.current", used)];
    for (is_tried, files) in
        [(has_first, &first as &dyn Fn(u32, u32) -> [(&'static str, u32); 2]), (has_second, &second)]
    {
        if !is_tried {
            not_run("a version of memory cgroups");
            continue;
        }
        let json = within(&files(300, 20), &[&"info", &"--json"]);
        let info: serde_json::Value = serde_json::from_slice(&json.stdout).unwrap();
        assert_eq!(info["memory_free"], 280 << 20);
        for image in ["in.png", "in.jpg", "in.webp"] {
            let (image, out) = (folder.path(image), folder.path("out.png"));
            // Each number is enough for what is known by then.
            let (mut free, mut numbers) = (20, 0);
            let frugal = loop {
                let output = within(&files(free, 0), &[&image, &mask, &out, &"--json"]);
                if output.status.success() {
                    break output;
                }
                let found = format!("found {free}M free in this memory cgroup");
                fails(&output, 5, &[image.to_str().unwrap(), "M of memory or more", &found]);
                assert!(!out.exists() && numbers < 3);
                let stderr = String::from_utf8(output.stderr).unwrap();
                let named = stderr.split("M of memory").next().unwrap().rsplit(' ').next().unwrap();
                (free, numbers) = (named.parse().unwrap(), numbers + 1);
            };
            assert!(numbers > 0);
            let plenty = within(&files(4000, 0), &[&image, &mask, &out, &"--json"]);
            succeeds(&plenty);
            let digest = |output: &std::process::Output| {
                serde_json::from_slice::<serde_json::Value>(&output.stdout).unwrap()["output_sha256"].clone()
            };
            assert_eq!(digest(&frugal), digest(&plenty));
            std::fs::remove_file(out).unwrap();
        }
        // Where there is room for one at a time, the other waits.
        let (photos, results) = (folder.path("photos"), folder.path("results"));
        std::fs::create_dir_all(&photos).unwrap();
        for name in ["a.png", "b.png", "c.png"] {
            std::fs::copy(folder.path("in.png"), photos.join(name)).unwrap();
        }
        let args: &[&dyn AsRef<std::ffi::OsStr>] =
            &[&"batch", &"--images", &photos, &"--box", &"200,200,90,80", &"--out", &results, &"--jobs", &"2"];
        let batch = within(&files(300, 0), args);
        succeeds(&batch);
        assert!(String::from_utf8_lossy(&batch.stderr).contains("3 filled, 0 failed"));
        std::fs::remove_dir_all(&results).unwrap();
        fails(&within(&files(20, 0), args), 5, &["M free in this memory cgroup"]);
    }
}

/// A disk of 64 kB, where the user may have one.
#[test]
fn a_full_disk_is_an_output_error() {
    let folder = pictures(300, 200);
    let disk = folder.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let script =
        format!("mount -t tmpfs -o size=64k disk {0} && \"$@\"; code=$?; ls -A {0}; exit $code", disk.display());
    let output = Command::new("unshare")
        .args(["-rm", "sh", "-c", &script, "sh", env!("CARGO_BIN_EXE_inpaint-edge")])
        .args([&folder.path("in.png"), &folder.path("mask.png"), &disk.join("out.png")])
        .output()
        .unwrap();
    if String::from_utf8_lossy(&output.stderr).contains("unshare") {
        not_run(format_args!("no mount of a small disk: {}", String::from_utf8_lossy(&output.stderr)));
    } else {
        fails(&output, 1, &["out.png: cannot be written", "no space left"]);
        assert!(output.stdout.is_empty(), "left: {}", String::from_utf8_lossy(&output.stdout));
    }
    // A limit on the size of files, which everybody has.
    let output =
        run_after("ulimit -f 64", &[&folder.path("in.png"), &folder.path("mask.png"), &folder.path("out.png")]);
    fails(&output, 1, &["out.png: cannot be written", "larger than a file may be"]);
    std::fs::remove_dir(&disk).unwrap();
    assert_eq!(folder.names(), PICTURES);
}

/// A folder that nobody, root included, can write in.
#[test]
fn a_folder_that_cannot_be_written_is_an_output_error() {
    let folder = pictures(40, 30);
    for out in ["/proc/out.png", "/sys/out.png"] {
        let output = run(&[&folder.path("in.png"), &folder.path("mask.png"), &out]);
        fails(&output, 1, &[out, "cannot be written"]);
    }
    let one = folder.put("list", "in.png\tmask.png\t/proc/out.png\nin.png\tmask.png\tout.png\n");
    let setup = format!("cd {}; exec < {}", folder.path("").display(), one.display());
    fails(&run_after(&setup, &[&"batch", &"-q"]), 1, &["/proc/out.png", "cannot be written"]);
    assert!(image::open(folder.path("out.png")).is_ok());
}

#[test]
fn stdout_that_cannot_be_written_is_an_output_error() {
    let folder = pictures(200, 150);
    let (image, mask) = (folder.path("in.png"), folder.path("mask.png"));
    let full = |args: &[&dyn AsRef<std::ffi::OsStr>]| run_after("exec > /dev/full", args);
    fails(&full(&[&image, &mask, &"-"]), 1, &["stdout: cannot be written", "no space left"]);
    fails(&full(&[&image, &mask, &folder.path("out.png"), &"--json"]), 1, &["stdout: cannot be written"]);
    fails(&full(&[&"info"]), 1, &["stdout: cannot be written"]);
    // A reader that has gone.
    for args in [vec![image.as_os_str(), mask.as_os_str(), "-".as_ref()], vec!["info".as_ref()], vec!["man".as_ref()]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = Command::new(env!("CARGO_BIN_EXE_inpaint-edge")).args(args).stdout(writer).output().unwrap();
        fails(&output, 1, &["stdout: cannot be written", "nobody reads it"]);
    }
    // Where stdout or stderr is closed, it is /dev/null.
    for closed in [">&-", "2>&-", ">&- 2>&-"] {
        let output = run_after(&format!("exec {closed}"), &[&image, &mask, &folder.path("out.png"), &"--json"]);
        assert_eq!(output.status.code(), Some(0), "{closed}");
    }
    let output = run_after("exec 2>&-", &[&image, &folder.path("none.png"), &folder.path("out.png")]);
    assert_eq!(output.status.code(), Some(3));
    assert_eq!(folder.names(), ["in.jpg", "in.png", "in.webp", "mask.png", "out.png"]);
}

/// Ends runs after more and more time, the first at once, so that some are met while they write.
#[test]
fn a_signal_leaves_the_old_result_or_the_new() {
    let folder = pictures(700, 500);
    let (image, mask, out) = (folder.path("in.png"), folder.path("mask.png"), folder.path("out.png"));
    let start = Instant::now();
    succeeds(&run(&[&image, &mask, &out]));
    let whole = start.elapsed();
    let (new, old) = (std::fs::read(&out).unwrap(), b"what was there".to_vec());
    let mut ended = 0;
    for (i, signal) in ["TERM", "INT", "HUP", "KILL"].into_iter().cycle().take(40).enumerate() {
        std::fs::write(&out, &old).unwrap();
        let mut child = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
            .args([&image, &mask, &out])
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        std::thread::sleep(whole.mul_f64(i as f64 / 40.0).min(Duration::from_secs(5)));
        let id = child.id().to_string();
        let _ = Command::new("sh").args(["-c", &format!("kill -{signal} {id} 2>/dev/null")]).status().unwrap();
        let status = child.wait().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert!(stderr.is_empty(), "{stderr}");
        let found = std::fs::read(&out).unwrap();
        assert!(found == new || (found == old && !status.success()), "{} bytes after {signal}", found.len());
        ended += usize::from(!status.success());
        let names = folder.names();
        assert!(names.len() == 5 && names[4] == "out.png", "{names:?} after {signal}");
    }
    println!("{ended} of 40 runs were ended midway");
    assert!(ended > 0);
}

/// A user who may start no thread at all; root, whom such limits do not hold, runs as another.
#[test]
fn without_threads_the_work_is_done_on_one() {
    let folder = pictures(40, 30);
    // Where another may run it.
    let program = folder.path("program");
    std::fs::copy(env!("CARGO_BIN_EXE_inpaint-edge"), &program).unwrap();
    assert!(Command::new("chmod").args(["-R", "a+rwx"]).arg(folder.path("")).status().unwrap().success());
    let is_root = Command::new("id").arg("-u").output().unwrap().stdout == b"0\n";
    let as_other: &[&str] = if is_root { &["setpriv", "--reuid", "54321", "--clear-groups"] } else { &[] };
    let command = [as_other, &["prlimit", "--nproc=1", program.to_str().unwrap()]].concat();
    if let Err(e) = Command::new(command[0]).arg("--version").output() {
        return not_run(format_args!("{}: {e}", command[0]));
    }
    let files = ["in.png", "mask.png", "out.png"].map(|name| folder.path(name));
    let output =
        Command::new(command[0]).args(&command[1..]).args(&files).args(["--threads", "4", "--json"]).output().unwrap();
    succeeds(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["threads"], 1);
}
