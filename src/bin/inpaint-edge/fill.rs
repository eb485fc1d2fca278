//! The main job.

use std::borrow::Cow;
use std::io::{IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use image::{DynamicImage, GrayImage};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use inpaint_edge::image::{OutputFormat, Photo, write_atomically};
use inpaint_edge::selftest::hex;
use inpaint_edge::{Error, ErrorKind, Inpainter, Options, Result};
use sha2::{Digest, Sha256};

use crate::args::FillArgs;

pub fn run(args: &FillArgs) -> Result<()> {
    let start = Instant::now();
    let is_pipe = |path: &Path| path.as_os_str() == "-";
    let usage = |detail: &str| Err(Error::new(ErrorKind::Usage, detail));
    if is_pipe(&args.image) && is_pipe(&args.mask) {
        return usage("IMAGE and MASK cannot both be stdin");
    }
    if args.json && is_pipe(&args.out) {
        return usage("--json and the image cannot both go to stdout");
    }
    let format = match is_pipe(&args.out) {
        true => OutputFormat::Png,
        false => OutputFormat::of_path(&args.out, args.quality).map_err(|e| e.of(args.out.display()))?,
    };
    let options = Options {
        threads: args.threads,
        isa: args.isa.choice(),
        mask_white: args.mask_white.into(),
        mask_threshold: args.mask_threshold,
        mask_grow: args.mask_grow,
        ..Options::default()
    };
    // A weights error does not wait for the end of stdin.
    let parallel = args.threads != 1 && !is_pipe(&args.image) && !is_pipe(&args.mask);
    let (inpainter, (photo, mask, decode)) =
        both(parallel, || open(args.weights.as_deref(), options), || decode(args))?;
    let (width, height) = (photo.pixels.width(), photo.pixels.height());
    if mask.dimensions() != (width, height) {
        let (w, h) = mask.dimensions();
        let detail = format!("a mask of {width}×{height} expected, as {}, {w}×{h} found", args.image.display());
        return Err(Error::new(ErrorKind::Input, detail).of(args.mask.display()));
    }

    let bar = progress_bar(args.quiet);
    let filled = inpainter.inpaint_image(&photo.pixels, &mask, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let (pixels, report) = filled.map_err(|e| match e.kind() {
        ErrorKind::Input => e.of(args.mask.display()),
        _ => e.of(args.image.display()),
    })?;
    if report.hole_pixels == 0 && !args.quiet {
        let _ = writeln!(std::io::stderr(), "inpaint-edge: {}: no hole in the mask, image copied", args.mask.display());
    }

    let encode = Instant::now();
    let result = photo.with_pixels(pixels);
    let bytes = result.encode(format).map_err(|e| e.of(args.out.display()))?;
    if is_pipe(&args.out) {
        crate::print(&bytes)?;
    } else {
        write_atomically(&args.out, &bytes)?;
    }
    let encode = encode.elapsed();

    if args.json {
        let ms = |d: Duration| (d.as_secs_f64() * 1e6).round() / 1e3;
        let total = ms(start.elapsed());
        let json = serde_json::json!({
            "width": report.width,
            "height": report.height,
            "hole_pixels": report.hole_pixels,
            "hole_ratio": report.hole_ratio(),
            "plan_bytes": report.plan_bytes,
            "macs": report.macs,
            "ms": {
                "decode": ms(decode),
                "plan": ms(report.plan),
                "network": ms(report.network),
                "composite": ms(report.composite),
                "encode": ms(encode),
                "total": total,
            },
            "isa": inpainter.isa().name(),
            "threads": inpainter.threads(),
            "weights_sha256": weights_sha256(args.weights.as_deref())?,
            "output_sha256": hex(&Sha256::digest(samples(&result.stored()))),
        });
        crate::print(format!("{json}\n").as_bytes())?;
    }
    Ok(())
}

/// Image and mask, and the time they took.
fn decode(args: &FillArgs) -> Result<(Photo, GrayImage, Duration)> {
    let start = Instant::now();
    let photo = load(&args.image)?;
    let mask = load(&args.mask)?.into_mask();
    Ok((photo, mask, start.elapsed()))
}

/// Both results, or the error of `a` before that of `b`. Where `parallel`, `b` runs on a thread of its own if one can be had.
fn both<A, B: Send>(parallel: bool, a: impl FnOnce() -> Result<A>, b: impl Fn() -> Result<B> + Sync) -> Result<(A, B)> {
    std::thread::scope(|scope| {
        let beside = parallel.then(|| std::thread::Builder::new().spawn_scoped(scope, &b));
        let a = a()?;
        let b = match beside {
            Some(Ok(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            _ => b(),
        };
        Ok((a, b?))
    })
}

/// An inpainter from a file or the built-in weights.
pub fn open(weights: Option<&Path>, options: Options) -> Result<Inpainter> {
    match weights {
        Some(path) => Inpainter::from_path(path, options),
        None => built_in(options),
    }
}

#[cfg(feature = "embedded-weights")]
fn built_in(options: Options) -> Result<Inpainter> {
    Inpainter::embedded(options)
}

#[cfg(not(feature = "embedded-weights"))]
fn built_in(_: Options) -> Result<Inpainter> {
    Err(Error::new(ErrorKind::Usage, "this build has no weights of its own: --weights FILE expected"))
}

/// SHA-256 of a weights file or of the built-in weights; nothing in a build without any.
pub fn weights_sha256(weights: Option<&Path>) -> Result<String> {
    let Some(path) = weights else {
        #[cfg(feature = "embedded-weights")]
        return Ok(hex(&Sha256::digest(inpaint_edge::weights::EMBEDDED)));
        #[cfg(not(feature = "embedded-weights"))]
        return Ok(String::new());
    };
    let cannot = |e: std::io::Error| Error::new(ErrorKind::Weights, format!("{}: cannot be read: {e}", path.display()));
    let mut file = std::fs::File::open(path).map_err(cannot)?;
    let (mut digest, mut block) = (Sha256::new(), vec![0; 1 << 16]);
    loop {
        match file.read(&mut block).map_err(cannot)? {
            0 => return Ok(hex(&digest.finalize())),
            count => digest.update(&block[..count]),
        }
    }
}

/// Samples row by row, channels interleaved, 16 bits little-endian.
fn samples(pixels: &DynamicImage) -> Cow<'_, [u8]> {
    match pixels.as_flat_samples_u16() {
        Some(deep) => deep.samples.iter().flat_map(|v| v.to_le_bytes()).collect(),
        None => pixels.as_bytes().into(),
    }
}

fn load(path: &Path) -> Result<Photo> {
    let read = || match path.as_os_str() == "-" {
        true => {
            let mut bytes = Vec::new();
            std::io::stdin().lock().read_to_end(&mut bytes).map(|_| bytes)
        }
        false => std::fs::read(path),
    };
    let bytes = read().map_err(|e| Error::new(ErrorKind::Input, format!("{}: cannot be read: {e}", path.display())))?;
    Photo::decode(&bytes).map_err(|e| e.of(path.display()))
}

/// A bar on stderr where that is a terminal, else nothing.
fn progress_bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {elapsed}").expect("a valid template");
    ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()).with_style(style)
}
