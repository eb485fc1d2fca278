//! The main job.

use std::io::{IsTerminal, Read, Write};
use std::ops::ControlFlow;
use std::path::Path;
use std::time::{Duration, Instant};

use image::DynamicImage;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use inpaint_edge::image::{Header, OutputFormat, Photo, write_atomically_with};
use inpaint_edge::selftest::hex;
use inpaint_edge::{Error, ErrorKind, Holes, Inpainter, Options, Result};
use ndarray::ArrayView2;
use sha2::{Digest, Sha256};

use crate::args::FillArgs;
use crate::memory;

pub fn run(args: &FillArgs) -> Result<()> {
    let start = Instant::now();
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
        strategy: args.strategy.into(),
        ..Options::default()
    };
    // A weights error does not wait for the end of stdin.
    let parallel = args.threads != 1 && !is_pipe(&args.image) && !is_pipe(&args.mask);
    let (inpainter, (job, decode)) =
        both(parallel, || open(args.weights.as_deref(), options.clone()), || decode(args, &options))?;
    let (mut photo, holes, decode) = match job {
        Job::Decoded(photo, holes) => (photo, holes, decode),
        Job::Planned { limit, image, header, holes } => {
            check_size(args, (header.width, header.height), &holes)?;
            let plan = inpainter.plan_holes(&holes, header.channels, header.sample_bytes).map_err(|e| name(args, e))?;
            let needed = memory::of_job(&inpainter, &plan, &holes, &header, format);
            memory::check(limit, needed).map_err(|e| e.of(args.image.display()))?;
            let start = Instant::now();
            (image.decode()?, holes, decode + start.elapsed())
        }
    };
    check_size(args, (photo.pixels.width(), photo.pixels.height()), &holes)?;

    let bar = progress_bar(args.quiet);
    let filled = inpainter.inpaint_image_holes(&mut photo.pixels, &holes, &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let report = filled.map_err(|e| name(args, e))?;
    let (isa, threads) = (inpainter.isa(), inpainter.threads());
    drop((inpainter, holes));
    if report.hole_pixels == 0 && !args.quiet {
        let _ = writeln!(std::io::stderr(), "inpaint-edge: {}: no hole in the mask, image copied", args.mask.display());
    }

    let encode = Instant::now();
    if is_pipe(&args.out) {
        let mut out = std::io::stdout().lock();
        photo.write(format, &mut out).map_err(|e| e.of("stdout"))?;
    } else {
        write_atomically_with(&args.out, |out| photo.write(format, out))?;
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
            "strategy": report.strategy.name(),
            "windows": report.windows,
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
            "isa": isa.name(),
            "threads": threads,
            "weights_sha256": weights_sha256(args.weights.as_deref())?,
            "output_sha256": digest(&photo.stored()),
        });
        crate::print(format!("{json}\n").as_bytes())?;
    }
    Ok(())
}

fn is_pipe(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The error with the name of the file it is about.
fn name(args: &FillArgs, e: Error) -> Error {
    match e.kind() {
        ErrorKind::Input => e.of(args.mask.display()),
        _ => e.of(args.image.display()),
    }
}

fn check_size(args: &FillArgs, (width, height): (u32, u32), holes: &Holes) -> Result<()> {
    let (w, h) = (holes.width(), holes.height());
    if (w, h) == (width as usize, height as usize) {
        return Ok(());
    }
    let detail = format!("a mask of {width}×{height} expected, as {}, {w}×{h} found", args.image.display());
    Err(Error::new(ErrorKind::Input, detail).of(args.mask.display()))
}

/// Photograph and hole; where memory is limited, only what tells how much the photograph will take.
enum Job<'a> {
    Decoded(Photo, Holes),
    Planned { limit: usize, image: Source<'a>, header: Header, holes: Holes },
}

/// A job, and the time it took to decode.
fn decode<'a>(args: &'a FillArgs, options: &Options) -> Result<(Job<'a>, Duration)> {
    let start = Instant::now();
    let (image, mask) = (Source::read(&args.image)?, Source::read(&args.mask)?);
    let Some(limit) = args.max_memory else {
        let photo = image.decode()?;
        return Ok((Job::Decoded(photo, mask.holes(options)?), start.elapsed()));
    };
    let header = image.header()?;
    memory::check(limit, memory::of_mask(&mask.header()?)).map_err(|e| e.of(args.mask.display()))?;
    let holes = mask.holes(options)?;
    Ok((Job::Planned { limit, image, header, holes }, start.elapsed()))
}

/// A file, or what came through stdin.
enum Source<'a> {
    File(&'a Path),
    Piped(Vec<u8>),
}

impl<'a> Source<'a> {
    fn read(path: &'a Path) -> Result<Self> {
        if !is_pipe(path) {
            return Ok(Self::File(path));
        }
        let mut bytes = Vec::new();
        let read = std::io::stdin().lock().read_to_end(&mut bytes);
        read.map_err(|e| Error::new(ErrorKind::Input, format!("-: cannot be read: {e}")))?;
        Ok(Self::Piped(bytes))
    }

    fn decode(self) -> Result<Photo> {
        match self {
            Self::File(path) => Photo::open(path).map_err(|e| e.of(path.display())),
            Self::Piped(bytes) => Photo::decode(&bytes).map_err(|e| e.of("-")),
        }
    }

    fn header(&self) -> Result<Header> {
        match self {
            Self::File(path) => Photo::header(path).map_err(|e| e.of(path.display())),
            Self::Piped(bytes) => Photo::header_of(bytes).map_err(|e| e.of("-")),
        }
    }

    fn holes(self, options: &Options) -> Result<Holes> {
        let mask = self.decode()?.into_mask();
        let shape = (mask.height() as usize, mask.width() as usize);
        Holes::new(ArrayView2::from_shape(shape, mask.as_raw()).expect("a byte a pixel"), options)
    }
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

/// SHA-256 of the samples row by row, channels interleaved, 16 bits little-endian.
fn digest(pixels: &DynamicImage) -> String {
    let mut digest = Sha256::new();
    match pixels.as_flat_samples_u16() {
        Some(deep) => deep.samples.chunks(1 << 16).for_each(|part| {
            digest.update(part.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }),
        None => digest.update(pixels.as_bytes()),
    }
    hex(&digest.finalize())
}

/// A bar on stderr where that is a terminal, else nothing.
fn progress_bar(quiet: bool) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_bar} {percent:>3} %  {elapsed}").expect("a valid template");
    ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()).with_style(style)
}
