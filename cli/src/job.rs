//! One photograph's way: read it, find its hole, fill it, write it.

use std::ops::ControlFlow;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::{Duration, Instant};

use image::DynamicImage;
use inpaint_edge::selftest::hex;
use inpaint_edge::{Error, ErrorKind, Holes, Inpainter, Isa, Progress, Report, Result};
use inpaint_edge_image::{Header, OutputFormat, Photo, check_writable, fill, write_atomically_with};
use sha2::{Digest, Sha256};

use crate::args::JobArgs;
use crate::engine::Engine;
use crate::hole::{self, Hole, Marked, Note};
use crate::memory::{self, Budget, Share};
use crate::names;
use crate::source::{Source, is_pipe};

/// Where a photograph comes from and goes to; - is stdin or stdout.
#[derive(Clone, Debug)]
pub struct Job {
    pub image: PathBuf,
    pub mask: Option<PathBuf>,
    pub out: PathBuf,
}

/// What was done.
pub struct Done {
    pub report: Report,
    /// What the user should know, a line each that names the file.
    pub notes: Vec<String>,
    isa: Isa,
    threads: usize,
    decode: Duration,
    encode: Duration,
    total: Duration,
    output_sha256: Option<String>,
}

/// What was shown.
pub struct Shown {
    pub hole_pixels: usize,
    /// What the user should know, a line each that names the file.
    pub notes: Vec<String>,
}

/// A photograph and its hole, ready to be filled.
struct Ready {
    photo: Photo,
    hole: Hole,
    decode: Duration,
}

impl Job {
    /// Where `out` is a folder, the result goes there under the image's name.
    ///
    /// # Errors
    ///
    /// Usage, where there is no such name, or it is the image's own: that is replaced only by name.
    pub fn new(image: PathBuf, mask: Option<PathBuf>, out: PathBuf) -> Result<Self> {
        if is_pipe(&out) || !names::is_folder(&out) {
            return Ok(Self { image, mask, out });
        }
        let refused = |detail| Err(Error::new(ErrorKind::Usage, detail).of(out.display()));
        let Some(name) = image.file_name().filter(|_| !is_pipe(&image)) else {
            return refused("the name of a file expected where the image has none, a folder found");
        };
        let result = out.join(names::of_result(name));
        if names::is_same(&result, &image) {
            return refused("another folder than that of the image expected, or the name of the file to replace");
        }
        Ok(Self { image, mask, out: result })
    }

    /// Fills the hole, within `budget`; with a digest of the result where `digest`.
    pub fn fill<'b>(
        &self,
        args: &JobArgs,
        engine: &mut Engine<'b>,
        budget: Option<&'b Budget>,
        digest: bool,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Done> {
        let start = Instant::now();
        let format = self.format(args)?;
        let mut sources = self.sources();
        let scarce = budget.filter(|budget| !self.has_plenty(&mut sources, args, engine, budget, format));
        let (inpainter, ready, _share) = match scarce {
            Some(budget) => {
                let (inpainter, ready, share) = self.prepare_within(sources, budget, args, engine, format)?;
                (inpainter, ready, Some(share))
            }
            None => {
                // A weights error does not wait for the end of stdin.
                let pipes = is_pipe(&self.image) || self.mask.as_deref().is_some_and(is_pipe);
                let parallel = args.threads != 1 && !pipes && !engine.is_ready();
                let (inpainter, ready) = both(parallel, || engine.take(), || self.prepare(sources, args))?;
                (inpainter, ready, None)
            }
        };
        let Ready { mut photo, hole, decode } = ready;
        let made_opaque = args.hole.mask_alpha.then_some(&hole.holes);
        let filled = self.check(&photo, format, made_opaque).and_then(|()| {
            let filled = fill(&inpainter, &mut photo.pixels, &hole.holes, progress);
            filled.map_err(|e| self.name(hole.explained(e)))
        });
        let (isa, threads) = (inpainter.isa(), inpainter.threads());
        engine.give_back(inpainter);
        let report = filled?;
        if args.hole.mask_alpha {
            hole::make_opaque(&mut photo.pixels, &hole.holes);
        }
        let notes = self.notes(&photo, &hole);
        drop(hole);
        photo.fit(format);
        let encode = Instant::now();
        self.write(&photo, format)?;
        let (encode, total) = (encode.elapsed(), start.elapsed());
        let output_sha256 = digest.then(|| digest_of(&photo.stored()));
        Ok(Done { report, notes, isa, threads, decode, encode, total, output_sha256 })
    }

    /// Whether the memory that is free is so much more than the job takes that nothing need be counted.
    fn has_plenty<'b>(
        &self,
        sources: &mut Sources<'_>,
        args: &JobArgs,
        engine: &mut Engine<'b>,
        budget: &'b Budget,
        format: OutputFormat,
    ) -> bool {
        if budget.is_strict() || self.files().any(is_pipe) {
            return false;
        }
        if !self.can_be_counted() {
            return true;
        }
        let headers = sources.iter_mut().map(Source::header).collect::<Result<Vec<_>>>();
        // What cannot be read is found out on the usual way.
        let (Ok(headers), Ok(known)) = (headers, engine.known()) else { return true };
        let bytes = memory::at_most(known, &headers[0], headers.get(1), args.strategy.into(), format);
        engine.has_room(budget, bytes)
    }

    /// Image and mask.
    fn files(&self) -> impl Iterator<Item = &Path> {
        std::iter::once(&*self.image).chain(self.mask.as_deref())
    }

    /// Whether no file can be read but once: what such a one takes is known when it has been read.
    fn can_be_counted(&self) -> bool {
        self.files().all(|path| is_pipe(path) || path.is_file())
    }

    /// Writes the photograph with its hole hatched, within `budget`.
    pub fn preview(&self, args: &JobArgs, budget: Option<&Budget>) -> Result<Shown> {
        let format = self.format(args)?;
        let budget = budget.filter(|budget| budget.is_strict() || self.can_be_counted());
        let mut share = budget.map(Budget::enter);
        let Ready { mut photo, hole, .. } = match &mut share {
            None => self.prepare(self.sources(), args)?,
            Some(share) => {
                let seen = self.see(self.sources(), args, share)?;
                let needed = memory::of_preview(&seen.header, format);
                let blame = if seen.hole_bytes > needed { self.hole_name() } else { self.image.display() };
                share.take(needed.max(seen.hole_bytes)).map_err(|e| e.of(blame))?;
                self.find_hole(args, seen)?.ready()?
            }
        };
        self.check(&photo, format, Some(&hole.holes))?;
        hole::hatch(&mut photo.pixels, &hole.holes);
        photo.fit(format);
        self.write(&photo, format)?;
        Ok(Shown { hole_pixels: hole.holes.pixels(), notes: self.notes(&photo, &hole) })
    }

    /// What is to blame for a mistaken hole.
    pub fn hole_name(&self) -> std::path::Display<'_> {
        self.mask.as_ref().unwrap_or(&self.image).display()
    }

    /// The format of OUT, once nothing speaks against writing there.
    fn format(&self, args: &JobArgs) -> Result<OutputFormat> {
        if is_pipe(&self.out) {
            return Ok(OutputFormat::Png);
        }
        let format = OutputFormat::of_path(&self.out, args.quality).map_err(|e| e.of(self.out.display()))?;
        check_writable(&self.out).map(|()| format)
    }

    /// Refuses a format that cannot hold the photograph, before it is filled for nothing.
    fn check(&self, photo: &Photo, format: OutputFormat, made_opaque: Option<&Holes>) -> Result<()> {
        photo.check_format(format, made_opaque).map_err(|e| e.of(self.out.display()))
    }

    /// The error with the name of the file it is about.
    fn name(&self, e: Error) -> Error {
        match e.kind() {
            ErrorKind::Input => e.of(self.hole_name()),
            _ => e.of(self.image.display()),
        }
    }

    fn prepare(&self, mut sources: Sources<'_>, args: &JobArgs) -> Result<Ready> {
        let start = Instant::now();
        sources.iter_mut().try_for_each(|source| source.read_stdin(u64::MAX))?;
        let Sources { image, mask } = sources;
        let marked = marked(args, mask)?;
        let photo = image.decode()?;
        let size = Size { width: photo.pixels.width(), height: photo.pixels.height(), turned: photo.is_turned() };
        let hole = self.hole(args, size, marked, args.hole.in_pixels().then_some(&photo))?;
        Ok(Ready { photo, hole, decode: start.elapsed() })
    }

    /// Decodes the image only when the budget has room for all that follows.
    fn prepare_within<'b>(
        &self,
        sources: Sources<'_>,
        budget: &'b Budget,
        args: &JobArgs,
        engine: &mut Engine,
        format: OutputFormat,
    ) -> Result<(Inpainter, Ready, Share<'b>)> {
        let mut share = budget.enter();
        // A weights error does not wait for the end of stdin.
        let known = engine.known()?.clone();
        let loading = memory::of_loading(&known.config, known.bytes);
        // Nor do weights, where the user has not said that memory counts.
        let waits = budget.is_strict() || !self.files().any(is_pipe);
        let ready = match waits {
            true => None,
            false => {
                share.take(loading).map_err(|e| e.of(self.image.display()))?;
                Some(engine.take()?)
            }
        };
        let seen = self.see(sources, args, &mut share)?;
        let Header { width, height, channels, sample_bytes, .. } = seen.header;
        // What windows take is known once the hole is, and so is whether there is one.
        let run = known.native_bytes(args.strategy.into(), width as usize, height as usize);
        let least = memory::of_job(known.bytes, run.unwrap_or(0), &seen.header, format);
        let loading = loading.saturating_add(seen.held);
        let finding = known.bytes.saturating_add(seen.hole_bytes);
        let blame = if finding > least { self.hole_name() } else { self.image.display() };
        share.take_before(loading.max(finding), run.map(|_| least)).map_err(|e| e.of(blame))?;
        let inpainter = ready.map_or_else(|| engine.take(), Ok)?;
        let found = self.find_hole(args, seen)?;
        let plan = inpainter.plan_holes(&found.hole.holes, channels, sample_bytes);
        let plan = plan.map_err(|e| self.name(found.hole.explained(e)))?;
        let needed = memory::of_job(inpainter.weights_bytes(), plan.plan_bytes, &found.header, format);
        share.take(needed).map_err(|e| e.of(self.image.display()))?;
        share.done_entering();
        Ok((inpainter, found.ready()?, share))
    }

    /// Looks at the headers of image and mask.
    fn see<'a>(&self, mut sources: Sources<'a>, args: &JobArgs, share: &mut Share) -> Result<Seen<'a>> {
        sources.iter_mut().try_for_each(|source| source.read_stdin(share.limit() as u64))?;
        sources.iter_mut().for_each(Source::release);
        let Sources { mut image, mut mask } = sources;
        // What came through stdin stays until it is decoded.
        let piped = image.held_bytes() + mask.as_ref().map_or(0, Source::held_bytes);
        let mut header_of = |source: &mut Source| {
            let bytes = piped.saturating_add(source.file_bytes()?);
            if bytes > 0 {
                share.take_before(bytes, None).map_err(|e| e.of(source.name()))?;
            }
            let header = source.header();
            source.release();
            header
        };
        let header = header_of(&mut image)?;
        let mask_header = mask.as_mut().map(header_of).transpose()?;
        let of_mask = mask.as_ref().map_or(0, Source::held_bytes);
        let hole_bytes = memory::of_hole(&header, mask_header.as_ref(), args.hole.in_pixels(), image.held_bytes());
        Ok(Seen { held: image.held_bytes() + of_mask, image, mask, header, hole_bytes })
    }

    /// The hole, and of the image no more than it takes to find it.
    fn find_hole<'a>(&self, args: &JobArgs, seen: Seen<'a>) -> Result<Found<'a>> {
        let start = Instant::now();
        let Seen { image, mask, header, .. } = seen;
        let size = Size { width: header.width, height: header.height, turned: header.turned };
        // Before the image, so that only one of them is in memory as a whole.
        let marked = marked(args, mask)?;
        let image = if args.hole.in_pixels() { Image::Decoded(image.decode()?) } else { Image::Source(image) };
        let photo = match &image {
            Image::Decoded(photo) => Some(photo),
            Image::Source(_) => None,
        };
        let hole = self.hole(args, size, marked, photo)?;
        Ok(Found { image, header, hole, decode: start.elapsed() })
    }

    /// The hole in an image of `size`: what is `marked`, and what options add. `photo` is given where its pixels count.
    fn hole(&self, args: &JobArgs, size: Size, marked: Option<Marked>, photo: Option<&Photo>) -> Result<Hole> {
        let (width, height) = (size.width as usize, size.height as usize);
        if let Some(marked) = &marked {
            let (w, h) = (marked.holes.width(), marked.holes.height());
            if (w, h) != (width, height) {
                let help = if (w, h) == (height, width) {
                    why_across(size.turned, marked.is_turned)
                } else if w.abs_diff(width * h / height) <= 1 {
                    "; it has the same shape: scale it to that size"
                } else {
                    ""
                };
                let image = self.image.display();
                let detail = format!("a mask of {width}×{height} expected, as {image}, {w}×{h} found{help}");
                return Err(Error::new(ErrorKind::Input, detail).of(self.hole_name()));
            }
        }
        let of_image = |e: Error| e.of(self.image.display());
        if photo.is_some_and(|photo| args.hole.mask_alpha && photo.pixels.color().has_alpha() && !photo.has_alpha()) {
            let detail = "alpha expected for --mask-alpha, a band of another kind (ExtraSamples 0) found";
            return Err(of_image(Error::new(ErrorKind::Input, detail)));
        }
        let image = photo.map(|photo| &photo.pixels);
        hole::find((width, height), marked, image, &args.hole).map_err(of_image)
    }

    fn sources(&self) -> Sources<'_> {
        Sources { image: Source::new(&self.image), mask: self.mask.as_deref().map(Source::new) }
    }

    fn notes(&self, photo: &Photo, hole: &Hole) -> Vec<String> {
        let of_hole = hole.notes.iter().map(|note| match note {
            Note::OfMask(line) => format!("{}: {line}", self.hole_name()),
            Note::OfImage(line) => format!("{}: {line}", self.image.display()),
        });
        let of_photo = photo.notes().into_iter().map(|note| format!("{}: {note}", self.image.display()));
        of_hole.chain(of_photo).collect()
    }

    fn write(&self, photo: &Photo, format: OutputFormat) -> Result<()> {
        if is_pipe(&self.out) {
            let mut out = std::io::stdout().lock();
            return photo.write(format, &mut out).map_err(|e| e.of("stdout"));
        }
        write_atomically_with(&self.out, |out| photo.write(format, out))
    }
}

impl Done {
    /// Whether there was no hole.
    pub fn is_copy(&self) -> bool {
        self.report.hole_pixels == 0
    }

    pub fn json(&self, weights_sha256: &str) -> serde_json::Value {
        let Done { report, .. } = self;
        let ms = |d: Duration| (d.as_secs_f64() * 1e6).round() / 1e3;
        serde_json::json!({
            "width": report.width,
            "height": report.height,
            "hole_pixels": report.hole_pixels,
            "hole_ratio": report.hole_ratio(),
            "copied": self.is_copy(),
            "strategy": report.strategy.name(),
            "windows": report.windows,
            "plan_bytes": report.plan_bytes,
            "macs": report.macs,
            "ms": {
                "decode": ms(self.decode),
                "plan": ms(report.plan),
                "network": ms(report.network),
                "composite": ms(report.composite),
                "encode": ms(self.encode),
                "total": ms(self.total),
            },
            "isa": self.isa.name(),
            "threads": self.threads,
            "weights_sha256": weights_sha256,
            "output_sha256": self.output_sha256,
            "notes": self.notes,
        })
    }
}

/// Where image and mask come from.
struct Sources<'a> {
    image: Source<'a>,
    mask: Option<Source<'a>>,
}

impl<'a> Sources<'a> {
    fn iter_mut(&mut self) -> impl Iterator<Item = &mut Source<'a>> {
        std::iter::once(&mut self.image).chain(self.mask.as_mut())
    }
}

/// The files of a job, known by their headers.
struct Seen<'a> {
    image: Source<'a>,
    mask: Option<Source<'a>>,
    header: Header,
    /// Bytes of them that are held.
    held: usize,
    /// Bytes that it takes to find the hole, these included.
    hole_bytes: usize,
}

/// Size of an image, pixels, and whether its EXIF orientation has turned it.
#[derive(Clone, Copy)]
struct Size {
    width: u32,
    height: u32,
    turned: bool,
}

/// Why a mask may lie across its image, as their EXIF orientations tell.
fn why_across(image_turned: bool, mask_turned: bool) -> &'static str {
    match (image_turned, mask_turned) {
        (true, false) => "; the image is turned by its EXIF orientation, the mask is not: turn the mask too",
        (false, true) => {
            "; the mask is turned by its EXIF orientation, the image is not: take the orientation out of the mask"
        }
        (true, true) => "; the two have different EXIF orientations: give the mask that of the image",
        (false, false) => "; one lies across the other: turn the mask by a quarter",
    }
}

/// What a mask says.
fn marked(args: &JobArgs, mask: Option<Source>) -> Result<Option<Marked>> {
    let read = |mask: Source| {
        let name = mask.name().to_string();
        hole::of_mask(mask.decode()?, &args.hole).map_err(|e| e.of(name))
    };
    mask.map(read).transpose()
}

/// A hole, and the image it is in.
struct Found<'a> {
    image: Image<'a>,
    header: Header,
    hole: Hole,
    decode: Duration,
}

/// An image, decoded where its hole is in its pixels.
enum Image<'a> {
    Source(Source<'a>),
    Decoded(Photo),
}

impl Found<'_> {
    fn ready(self) -> Result<Ready> {
        let start = Instant::now();
        let photo = match self.image {
            Image::Source(source) => source.decode()?,
            Image::Decoded(photo) => photo,
        };
        Ok(Ready { photo, hole: self.hole, decode: self.decode + start.elapsed() })
    }
}

/// Both results, or the error of `a` before that of `b`. Where `parallel`, `b` runs on a thread of its own if one can be had.
fn both<A, B: Send>(
    parallel: bool,
    a: impl FnOnce() -> Result<A>,
    b: impl FnOnce() -> Result<B> + Send,
) -> Result<(A, B)> {
    // A thread that cannot be had leaves it to the caller's.
    let b = Mutex::new(Some(b));
    let b = || b.lock().unwrap_or_else(|e| e.into_inner()).take().expect("it is called once")();
    std::thread::scope(|scope| {
        let beside = parallel.then(|| std::thread::Builder::new().spawn_scoped(scope, b));
        let a = a()?;
        let b = match beside {
            Some(Ok(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            _ => b(),
        };
        Ok((a, b?))
    })
}

/// SHA-256 of the samples row by row, channels interleaved, 16 bits little-endian.
fn digest_of(pixels: &DynamicImage) -> String {
    let mut digest = Sha256::new();
    match pixels.as_flat_samples_u16() {
        Some(deep) => deep.samples.chunks(1 << 16).for_each(|part| {
            digest.update(part.iter().flat_map(|v| v.to_le_bytes()).collect::<Vec<u8>>());
        }),
        None => digest.update(pixels.as_bytes()),
    }
    hex(&digest.finalize())
}
