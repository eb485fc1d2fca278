//! Pipes, reports, help.

use std::io::Write;
use std::process::{Command, Stdio};

use image::{GrayImage, ImageFormat};

use crate::support::*;

#[test]
fn pipes_and_in_place_give_the_same_bytes() {
    let folder = Folder::new();
    let bytes = encoded(&picture(40, 30, image::ColorType::Rgb8), ImageFormat::Png);
    let (image, mask, out) = (folder.put("in.png", &bytes), folder.mask(40, 30), folder.path("out.png"));
    succeeds(&run(&[&image, &mask, &out]));
    let mut child = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
        .args(["-".as_ref(), mask.as_os_str(), "-".as_ref()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&bytes).unwrap();
    let piped = child.wait_with_output().unwrap();
    succeeds(&piped);
    assert!(piped.stderr.is_empty(), "no progress bar in a pipe");
    assert_eq!(piped.stdout, std::fs::read(&out).unwrap());
    succeeds(&run(&[&image, &mask, &image]));
    assert_eq!(std::fs::read(&image).unwrap(), piped.stdout);
    assert_eq!(folder.names(), ["in.png", "mask.png", "out.png"]);
}

#[test]
fn report_is_complete_and_true() {
    let folder = Folder::new();
    let image = folder.put("in.png", encoded(&picture(40, 30, image::ColorType::Rgb16), ImageFormat::Png));
    let (mask, out) = (folder.mask(40, 30), folder.path("out.png"));
    let report = |extra: &[&str]| -> serde_json::Value {
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&image, &mask, &out, &"--json"];
        args.extend(extra.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>));
        let output = run(&args);
        succeeds(&output);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let json = report(&["--threads", "1"]);
    let hole = (0..40 * 30).filter(|i| is_hole(i % 40, i / 40, 40, 30)).count();
    assert_eq!(json["hole_pixels"], hole);
    assert_eq!((json["width"].as_u64(), json["height"].as_u64()), (Some(40), Some(30)));
    assert_eq!(json["hole_ratio"], hole as f64 / 1200.0);
    assert_eq!(json["regions"].as_u64(), Some(1));
    for key in ["decode", "mask", "regions", "prior", "network", "composite", "encode", "total"] {
        assert!(json["ms"][key].as_f64() >= Some(0.0), "{key}");
    }
    assert!(json["plan_bytes"].as_u64() > Some(0) && json["macs"].as_u64() > Some(0));
    use sha2::Digest;
    let pixels: Vec<u8> = image::open(&out).unwrap().into_rgb16().iter().flat_map(|v| v.to_le_bytes()).collect();
    let hex: String = sha2::Sha256::digest(pixels).iter().map(|b| format!("{b:02x}")).collect();
    assert_eq!(json["output_sha256"], hex);
    for extra in [["--threads", "3"], ["--isa", "scalar"], ["--max-memory", "1G"]] {
        assert_eq!(report(&extra)["output_sha256"], hex, "{extra:?}");
    }
    assert_ne!(report(&["--mask-grow", "2"])["hole_pixels"], hole);
    assert_eq!(report(&["--mask-white", "keep"])["hole_pixels"], 1200 - hole);
}

/// Of weights that go away while stdin is read, all that the report says is known.
#[test]
#[cfg(unix)]
fn a_report_does_not_fail_once_the_result_is_there() {
    let folder = Folder::new();
    let bytes = encoded(&picture(300, 200, image::ColorType::Rgb16), ImageFormat::Png);
    let (mask, out) = (folder.mask(300, 200), folder.path("out.png"));
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/prior.weights.safetensors");
    let weights = folder.put("weights", std::fs::read(small).unwrap());
    let mut child = Command::new(env!("CARGO_BIN_EXE_inpaint-edge"))
        .args(["-".as_ref(), mask.as_os_str(), out.as_os_str(), "--json".as_ref()])
        .args(["--weights".as_ref(), weights.as_os_str()])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    // More than a pipe holds: some of it has been read then.
    let (first, last) = bytes.split_at(bytes.len() - 1);
    assert!(first.len() > 200_000);
    stdin.write_all(first).unwrap();
    std::fs::remove_file(&weights).unwrap();
    stdin.write_all(last).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    succeeds(&output);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(report["weights_sha256"].as_str().unwrap().len(), 64);
}

#[test]
fn no_hole_is_a_copy_with_a_note() {
    let folder = Folder::new();
    let image = picture(20, 20, image::ColorType::Rgba8);
    let input = folder.put("in.png", encoded(&image, ImageFormat::Png));
    let black = folder.put("black.png", encoded(&GrayImage::new(20, 20).into(), ImageFormat::Png));
    let out = folder.path("out.png");
    let output = run(&[&input, &black, &out]);
    succeeds(&output);
    assert!(String::from_utf8_lossy(&output.stderr).contains("black.png: no hole"));
    assert_eq!(image::open(&out).unwrap(), image);
    assert!(run(&[&input, &black, &out, &"--quiet"]).stderr.is_empty());
}

#[test]
fn help_and_info_say_what_they_promise() {
    let text = |args: &[&dyn AsRef<std::ffi::OsStr>]| {
        let output = run(args);
        succeeds(&output);
        String::from_utf8(output.stdout).unwrap()
    };
    let help = text(&[&"--help"]);
    for part in ["Examples:", "Exit codes:", "--mask-grow", "--preview", "completions", "info", "batch"] {
        assert!(help.contains(part), "{part}");
    }
    assert!(text(&[&"--version"]).contains(env!("CARGO_PKG_VERSION")));
    assert!(text(&[&"completions", &"bash"]).contains("mask-white"));
    assert!(text(&[&"man"]).contains(".TH inpaint-edge"));
    assert!(text(&[&"info"]).contains("scalar"));
    let info: serde_json::Value = serde_json::from_str(&text(&[&"info", &"--json"])).unwrap();
    assert_eq!(info["channels"].as_array().unwrap().len() as u64, 2 * info["levels"].as_u64().unwrap());
    assert_eq!(run(&[&"one"]).status.code(), Some(2));
    for size in ["40", "0x3", "3x", "-1x4"] {
        assert_eq!(run(&[&"info", &"--plan", &size]).status.code(), Some(2), "{size}");
    }
    fails(&run(&[&"info", &"--plan", &"70000x1"]), 5, &["70000"]);
    if cfg!(target_os = "linux") {
        let plan = |size: &str| run_after("ulimit -v 400000", &[&"info", &"--plan", &size]);
        for (size, named) in [("40000x40000", "40000×40000"), ("65535x65535", "65535×65535")] {
            fails(&plan(size), 5, &[named, "no memory"]);
        }
        // Work is counted without memory for feature maps.
        succeeds(&run_after("ulimit -v 400000", &[&"info", &"--plan", &"4000x3000", &"--context", &"all"]));
        assert!(String::from_utf8(run(&[&"info", &"--plan", &"1x1"]).stdout).unwrap().contains("1×1"));
    }
    assert_eq!(run(&[&"a", &"b", &"c", &"--no-such"]).status.code(), Some(2));
}

#[test]
fn help_fits_the_terminal() {
    for (args, width) in
        [&["--help"][..], &["batch", "--help"], &["batch", "-h"]].iter().flat_map(|a| [(a, 80), (a, 100)])
    {
        let program = env!("CARGO_BIN_EXE_inpaint-edge");
        let output = Command::new(program).args(*args).env("COLUMNS", width.to_string()).output().unwrap();
        succeeds(&output);
        let help = String::from_utf8(output.stdout).unwrap();
        let lines: Vec<_> = help.lines().collect();
        for line in &lines {
            assert!(line.chars().count() <= width, "{args:?} at {width}: {line}");
        }
        // Text ends a line where the next word does not fit, and nowhere else.
        for pair in lines.windows(2).filter(|pair| pair.iter().all(|line| line.starts_with(char::is_alphabetic))) {
            let word = pair[1].split(' ').next().unwrap();
            assert!(pair[0].chars().count() + 1 + word.chars().count() > width, "{args:?} at {width}: {pair:?}");
        }
    }
}

#[test]
fn a_mistaken_command_line_gets_one_line() {
    for (args, part) in [
        (&["a", "b", "c", "--no-such"][..], "unexpected argument '--no-such' found"),
        (&["--quiet"], "arguments were not provided: <IMAGE>"),
        (&["a", "b", "c", "--mask-gro", "2"], "'--mask-gro' found; did you mean --mask-grow?"),
        (&["a", "b", "c", "--isa", "scalr"], "did you mean scalar?"),
        (&["a", "b", "c", "--context", "0"], "expected a number of pixels, or all"),
        (&["a", "b", "-o", "c"], "'-o' found; IMAGE, MASK and OUT have no option before them"),
        (&["--mask", "b", "a", "c"], "'--mask' found; IMAGE, MASK and OUT have no option before them"),
        (&["a", "b", "c", "--invert"], "'--invert' found; --mask-white keep fills what is black"),
        (&["a", "b", "c", "--dilate", "3"], "'--dilate' found; --mask-grow PX grows the hole"),
        (&["a", "b", "c", "--mask-threshold", "50%"], "expected 0 to 255"),
        (&["a", "b", "c", "--mask-threshold", "-1"], "expected 0 to 255"),
        (&["info", "--plan", "640,480"], "expected a size such as 640x480"),
        (&["man", "bacth"], "did you mean batch?"),
        (&["a", "b", "c", "--threads", "abc"], "'abc' for '--threads <N>': expected 0 to 512"),
        (&["a", "b", "c", "--threads", "-1"], "expected 0 to 512"),
        (&["a", "b", "c", "--quality", "0"], "expected 1 to 100"),
        (&["a", "b", "c", "--quality", "good"], "expected 1 to 100"),
        (&["a", "b", "c", "--max-memory", "-1"], "expected a size such as 256M"),
        (&["batch", "--jobs", "-3"], "expected 1 to 512"),
        (&["a", "b", ""], "[OUT]"),
        (&["a", "b", "c", "--isa", "a\nb\n\nc"], "invalid value 'a b"),
        (&["a", "b", "c", "--isa=x"], "[possible values: auto, "),
        (&["a", "b", "c", "--threads", "513"], "expected 0 to 512"),
        (&["batch", "--images", "a"], "--out <DIR>"),
        (&["selftest", "--digests"], "--isa <ISA> --threads <N>"),
    ] {
        let args: Vec<_> = args.iter().map(|a| a as &dyn AsRef<std::ffi::OsStr>).collect();
        let output = run(&args);
        fails(&output, 2, &[part]);
        assert!(output.stdout.is_empty());
    }
}

#[test]
fn without_arguments_there_is_a_hint() {
    let output = run(&[]);
    assert_eq!(output.status.code(), Some(2));
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(stderr.starts_with("Usage: inpaint-edge [OPTIONS] <IMAGE> <MASK> <OUT>\n"), "{stderr}");
    assert!(stderr.ends_with("inpaint-edge --help says more.\n") && stderr.lines().count() < 8, "{stderr}");
    assert!(output.stdout.is_empty());
}

/// What the program writes at a terminal, by `script` of util-linux, which has one.
#[test]
#[cfg(target_os = "linux")]
fn at_a_terminal_it_says_what_was_done() {
    let folder = Folder::new();
    let image = folder.put("in.png", encoded(&picture(200, 160, image::ColorType::Rgb8), ImageFormat::Png));
    let (mask, out) = (folder.mask(200, 160), folder.path("out.png"));
    let hole = (0..200 * 160).filter(|i| is_hole(i % 200, i / 200, 200, 160)).count();
    let hole = format!("{},{:03}", hole / 1000, hole % 1000);
    let at_terminal = |options: &str| {
        let command = [env!("CARGO_BIN_EXE_inpaint-edge"), image.to_str().unwrap(), mask.to_str().unwrap()];
        let command = format!("'{}' '{}' '{}' '{}' {options}", command[0], command[1], command[2], out.display());
        Command::new("script").args(["-qec", &command, "/dev/null"]).stdin(Stdio::null()).output()
    };
    let Ok(output) = at_terminal("") else { return not_run("no terminal by script") };
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{text}");
    let (_, seconds) = text.split_once(&format!("out.png: {hole} pixels filled in ")).expect(&text);
    let seconds: f64 = seconds.split(' ').next().unwrap().parse().unwrap();
    assert!(seconds < 60.0 && text.trim_end().ends_with(" s"), "{text}");
    assert_eq!(String::from_utf8_lossy(&at_terminal("--quiet").unwrap().stdout), "");
    let preview = folder.path("look.png");
    let shown = at_terminal(&format!("--preview '{}'", preview.display())).unwrap().stdout;
    assert!(String::from_utf8_lossy(&shown).contains(&format!("look.png: a hole of {hole} pixels shown")));
    // A script hears nothing.
    assert!(run(&[&image, &mask, &out]).stderr.is_empty());
}

#[test]
fn man_pages_are_written_for_every_subcommand() {
    let folder = Folder::new();
    let pages = folder.path("man/man1");
    succeeds(&run(&[&"man", &"--out", &pages]));
    let mut names: Vec<_> =
        std::fs::read_dir(&pages).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    let commands = ["-batch", "-completions", "-info", "-man", "-selftest", ""];
    assert_eq!(names, commands.map(|name| format!("inpaint-edge{name}.1")));
    for name in commands {
        let page = std::fs::read(pages.join(format!("inpaint-edge{name}.1"))).unwrap();
        let mut args: Vec<&dyn AsRef<std::ffi::OsStr>> = vec![&"man"];
        let subcommand = name.trim_start_matches('-');
        if !subcommand.is_empty() {
            args.push(&subcommand);
        }
        assert!(run(&args).stdout == page, "{name}");
        assert!(String::from_utf8(page).unwrap().contains(&format!(".TH inpaint-edge{name} 1")));
    }
    assert!(std::fs::read_to_string(pages.join("inpaint-edge-batch.1")).unwrap().contains("json\\-lines"));
    fails(&run(&[&"man", &"batch", &"--out", &pages]), 2, &["cannot be used with"]);
    fails(&run(&[&"man", &"--out", &pages.join("inpaint-edge.1")]), 1, &["inpaint-edge.1: cannot be made"]);
}

/// The README's lines, as written there, from an empty home.
#[test]
#[cfg(target_os = "linux")]
fn pages_and_completions_are_installed_as_the_readme_says() {
    let readme = include_str!("../../../README.md");
    let (_, rest) = readme.split_once("<!-- ci: installation of pages and completions -->\n```sh\n").unwrap();
    let (commands, _) = rest.split_once("```").unwrap();
    assert_eq!(commands.lines().count(), 2);
    let home = Folder::new();
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_inpaint-edge"));
    let path = format!("{}:{}", program.parent().unwrap().display(), std::env::var("PATH").unwrap());
    let output =
        Command::new("sh").args(["-euc", commands]).env("HOME", home.path("")).env("PATH", path).output().unwrap();
    succeeds(&output);
    assert!(output.stdout.is_empty() && output.stderr.is_empty());
    assert!(home.path(".local/share/man/man1/inpaint-edge-batch.1").exists());
    let script = home.path(".local/share/bash-completion/completions/inpaint-edge");
    // What bash offers for `inpaint-edge batch --js`.
    let ask = format!(
        "source '{}'; COMP_WORDS=(inpaint-edge batch --js); COMP_CWORD=2; \
         by=$(complete -p inpaint-edge | sed 's/.*-F \\([^ ]*\\).*/\\1/'); $by inpaint-edge --js batch; echo \"${{COMPREPLY[@]}}\"",
        script.display()
    );
    match Command::new("bash").args(["--norc", "-c", &ask]).output() {
        Ok(offered) => assert_eq!(String::from_utf8_lossy(&offered.stdout).trim(), "--json-lines"),
        Err(e) => not_run(format_args!("completions in bash: {e}")),
    }
}

#[test]
fn a_plan_says_what_a_run_does() {
    let folder = Folder::new();
    let (width, height) = (1200, 1000);
    let photo = image::RgbImage::from_fn(width, height, |x, y| image::Rgb([x, y, x ^ y].map(|v| v as u8)));
    let image = folder.put("in.png", encoded(&photo.into(), ImageFormat::Png));
    // 5 % of the image in its middle.
    let side = |end: u32| (f64::from(end) * 0.05f64.sqrt()).round() as u32;
    let middle = [(width - side(width)) / 2, (height - side(height)) / 2, side(width), side(height)];
    let middle = middle.map(|n| n.to_string()).join(",");
    let small = concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/nano.safetensors");
    let json = |args: &[&dyn AsRef<std::ffi::OsStr>]| -> serde_json::Value {
        let output = run(&[args, &[&"--weights", &small, &"--json"]].concat());
        succeeds(&output);
        serde_json::from_slice(&output.stdout).unwrap()
    };
    let plan = |args: &[&dyn AsRef<std::ffi::OsStr>]| {
        json(&[&[&"info" as &dyn AsRef<_>, &"--plan", &"1200x1000"], args].concat())["plan"]["holes"].clone()
    };
    for area in [&*middle, "40,30,21,9"] {
        for context in ["64", "all"] {
            let run = json(&[&image, &folder.path("out.png"), &"--box", &area, &"--context", &context]);
            let rows = plan(&[&"--hole", &area, &"--context", &context]);
            assert_eq!(rows.as_array().unwrap().len(), 1);
            for key in ["macs", "texture_pixels", "plan_bytes", "regions", "hole_ratio"] {
                assert_eq!(rows[0][key], run[key], "{area}, {context}: {key}");
            }
            let seconds = rows[0]["seconds_at_1_gflops"].as_f64().unwrap();
            assert_eq!(seconds, 2.0 * run["macs"].as_f64().unwrap() / 1e9);
        }
    }
    let rows = plan(&[]);
    let same = |row: &&serde_json::Value| row["shape"] == "rectangle" && row["hole_ratio"].as_f64() > Some(0.049);
    let five_percent = rows.as_array().unwrap().iter().find(same).unwrap();
    assert_eq!(five_percent["macs"], plan(&[&"--hole", &middle])[0]["macs"]);
    // One rate of this CPU, measured once: rows differ by their work, and by texture.
    let work = |row: &serde_json::Value| ["seconds", "macs"].map(|key| row[key].as_f64().unwrap());
    let largest = rows.as_array().unwrap().last().unwrap();
    let rate = work(largest)[1] / work(largest)[0];
    for row in rows.as_array().unwrap() {
        let [seconds, macs] = work(row);
        let without_texture = macs / rate;
        match row["texture_pixels"].as_u64().unwrap() {
            0 => assert!((seconds - without_texture).abs() < 0.001 + seconds / 100.0, "{row}"),
            _ => assert!(seconds > without_texture, "{row}"),
        }
    }
    fails(&run(&[&"info", &"--context", &"9"]), 2, &["--plan"]);
    fails(&run(&[&"info", &"--plan", &"30x20", &"--hole", &"40,0,5,5"]), 3, &["30×20: expected a box inside 30×20"]);
    fails(&run(&[&"info", &"--plan", &"30x20", &"--hole", &"0,0,30,20"]), 2, &["30×20: expected a --hole that leaves"]);
}

#[test]
fn selftest_compares_with_the_recorded_digests() {
    let one = run(&[&"selftest", &"--isa", &"auto", &"--threads", &"2"]);
    succeeds(&one);
    let text = String::from_utf8(one.stdout).unwrap();
    assert!(text.contains("2 threads  14 of 14 as recorded"), "{text}");
    let mut digests = String::new();
    for weights in ["edge", "nano", "nano-f16"] {
        let file = format!("{}/../weights/{weights}.safetensors", env!("CARGO_MANIFEST_DIR"));
        let one = run(&[&"selftest", &"--weights", &file, &"--isa", &"auto", &"--threads", &"1", &"--digests"]);
        succeeds(&one);
        digests += &String::from_utf8(one.stdout).unwrap();
    }
    assert_eq!(digests, include_str!("../../../tests/golden/digests.tsv"));
    let other = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/l1.weights.safetensors");
    fails(
        &run(&[&"selftest", &"--weights", &other]),
        2,
        &["l1.weights.safetensors: ", "expected weights with recorded digests"],
    );
    assert_eq!(run(&[&"selftest", &"--digests"]).status.code(), Some(2));
}

/// A file that is held while its header is looked at: how large the picture is, nobody knows before.
#[test]
fn a_memory_limit_too_low_to_look_at_the_image_says_that_more_is_to_come() {
    let folder = Folder::new();
    for (name, format) in [("in.jpg", ImageFormat::Jpeg), ("in.tif", ImageFormat::Tiff), ("in.webp", ImageFormat::WebP)]
    {
        let image = folder.put(name, encoded(&picture(300, 200, image::ColorType::Rgb8), format));
        let (mask, out) = (folder.mask(300, 200), folder.path("out.png"));
        let first = run(&[&image, &mask, &out, &"--max-memory", &"1M"]);
        fails(&first, 5, &[name, "M or more to find out what filling takes, found 1M"]);
        raised(&[&image, &mask, &out], named_limit(&first));
    }
}

/// Gives a job the limit that its refusal names until it runs, at most twice, and returns the last.
fn raised(args: &[&dyn AsRef<std::ffi::OsStr>], mut limit: String) -> String {
    let megabytes = |limit: &str| limit.trim_end_matches('M').parse::<u32>().unwrap();
    for _ in 0..3 {
        let output = run(&[args, &[&"--max-memory", &limit]].concat());
        if output.status.success() {
            return limit;
        }
        let named = named_limit(&output);
        assert!(megabytes(&named) > megabytes(&limit), "{named} named after {limit}");
        limit = named;
    }
    panic!("{limit} was not enough either");
}

#[test]
fn a_memory_limit_that_is_too_low_is_refused_by_number() {
    let folder = Folder::new();
    let image = folder.put("in.png", encoded(&picture(300, 200, image::ColorType::Rgb16), ImageFormat::Png));
    let (mask, out) = (folder.mask(300, 200), folder.path("out.png"));
    // What the run takes is known once the hole is.
    let mut limit = String::new();
    for low in ["1M", "100K", "1025"] {
        let refused = run(&[&image, &mask, &out, &"--max-memory", &low]);
        fails(
            &refused,
            5,
            &["in.png: expected --max-memory ", " to find out what filling takes", &format!("found {low}")],
        );
        assert!(limit.is_empty() || limit == named_limit(&refused), "{limit}, then another from {low}");
        limit = named_limit(&refused);
    }
    let less = format!("{}M", limit.strip_suffix('M').unwrap().parse::<u32>().unwrap() - 1);
    fails(&run(&[&image, &mask, &out, &"--max-memory", &less]), 5, &["M or more"]);
    // A larger hole takes more, which is known once the mask is read.
    let large = folder.put("large.png", encoded(&image::DynamicImage::new_rgb16(900, 700), ImageFormat::Png));
    let mask_of_all = GrayImage::from_fn(900, 700, |x, y| image::Luma([255 * u8::from(x > 9 && y > 9)]));
    let mask_of_all = folder.put("all.png", encoded(&mask_of_all.into(), ImageFormat::Png));
    let refused = run(&[&large, &mask_of_all, &out, &"--max-memory", &"60M"]);
    fails(&refused, 5, &["large.png: expected --max-memory ", "M or more, found 60M"]);
    let exact = named_limit(&refused);
    let less = format!("{}M", exact.strip_suffix('M').unwrap().parse::<u32>().unwrap() - 1);
    let refused = run(&[&large, &mask_of_all, &out, &"--max-memory", &less]);
    fails(&refused, 5, &[&format!("--max-memory {exact} or more")]);
    succeeds(&run(&[&large, &mask_of_all, &out, &"--max-memory", &exact]));
    std::fs::remove_file(&out).unwrap();
    for size in ["0", "M", "-1", "1T", "99999999999G"] {
        assert_eq!(run(&[&image, &mask, &out, &format!("--max-memory={size}")]).status.code(), Some(2), "{size}");
    }
    assert_eq!(folder.names(), ["all.png", "in.png", "large.png", "mask.png"]);
    raised(&[&image, &mask, &out], limit);
}

#[test]
#[cfg(target_os = "linux")]
fn weights_beyond_the_limit_are_not_loaded() {
    let folder = Folder::new();
    let image = folder.put("in.png", encoded(&picture(30, 20, image::ColorType::Rgb8), ImageFormat::Png));
    let (mask, out) = (folder.mask(30, 20), folder.path("out.png"));
    let edge = concat!(env!("CARGO_MANIFEST_DIR"), "/../weights/edge.safetensors");
    let limits = ["--max-memory", "24M", "--weights", edge];
    let program = || Command::new(env!("CARGO_BIN_EXE_inpaint-edge"));
    let (one, peak) = run_to_peak(program().args([&image, &mask, &out]).args(limits));
    fails(&one, 5, &["in.png: expected --max-memory", "found 24M"]);
    assert!(peak <= 24 << 10, "{peak} KiB");
    let list = folder.put("list", format!("{}\t{}\t{}\n", image.display(), mask.display(), out.display()));
    let list = std::fs::File::open(list).unwrap();
    let (batch, peak) = run_to_peak(program().arg("batch").args(limits).stdin(list));
    fails(&batch, 5, &["edge.safetensors: expected --max-memory", "found 24M"]);
    assert!(peak <= 24 << 10, "{peak} KiB");
}
