//! Fills one photograph: reads it, finds its hole, fills it, writes it.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Instant;

use inpaint_edge::{Mask, Progress, Result};
use inpaint_edge_image::{OutputFormat, Photo, check_writable, write_atomically_with};

use crate::budget::Budget;
use crate::budgeted;
use crate::engine::Engine;
use crate::files::Files;
use crate::hole::{self, Hole, Note};
use crate::inputs::{Found, Inputs, Ready, Sources};
use crate::memory;
use crate::names::is_pipe;
use crate::report::{Done, Shown, Times, digest_of};
use crate::source::Source;
use crate::spec::JobSpec;

/// What to do with which files.
#[derive(Clone, Copy)]
pub struct Job<'a> {
    pub files: &'a Files,
    pub spec: &'a JobSpec,
}

impl<'a> Job<'a> {
    /// Fills the hole within `budget`. With `digest`, the report has a digest of the result.
    pub fn fill<'b>(
        &self,
        engine: &mut Engine<'b>,
        budget: Option<&'b Budget>,
        digest: bool,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Done> {
        let start = Instant::now();
        let format = self.format()?;
        let (inputs, mut sources) = (self.inputs(), Sources::new(self.files));
        let scarce = budget.filter(|budget| !self.has_plenty(&mut sources, engine, budget, format));
        // A digest, and a result of another format, need all pixels. So does a network that sees all of them.
        let may_be_in_part = format == OutputFormat::Jpeg(None)
            && !digest
            && engine.known().is_ok_and(|known| known.config.context().is_some());
        let in_part = |found: &Found| may_be_in_part && found.in_part;
        let (inpainter, found, _share) = match scarce {
            Some(budget) => {
                let (inpainter, found, share) = budgeted::find_to_fill(inputs, sources, budget, engine, format)?;
                (inpainter, found, Some(share))
            }
            None => {
                // A weights error does not wait for the end of stdin.
                let parallel = self.spec.threads != 1 && !self.files.has_piped_input() && !engine.is_ready();
                let found =
                    || inputs.find(sources).and_then(|found| if in_part(&found) { Ok(found) } else { found.decoded() });
                let (inpainter, found) = both(parallel, || engine.take(), found)?;
                (inpainter, found, None)
            }
        };
        let ready = if in_part(&found) { found.ready_to_fill(&inpainter, format) } else { found.ready() };
        let Ready { mut photo, hole, decode } = ready?;
        let made_opaque = self.spec.hole.alpha.then_some(&hole.mask);
        let filled = self.check(&photo, format, made_opaque).and_then(|()| {
            let filled = photo.fill(&inpainter, &hole.mask, self.spec.seal, progress);
            filled.map_err(|e| inputs.named(hole.explained(e)))
        });
        let (isa, threads) = (inpainter.isa(), inpainter.threads());
        engine.keep(inpainter);
        let report = filled?;
        if self.spec.hole.alpha {
            hole::make_opaque(&mut photo.pixels, &hole.mask);
        }
        let notes = self.notes(&photo, &hole);
        photo.fit(format);
        let encode = Instant::now();
        self.write(&photo, format, &hole.mask)?;
        drop(hole);
        let times = Times { decode, encode: encode.elapsed(), total: start.elapsed() };
        let output_sha256 = digest.then(|| digest_of(&photo.stored()));
        Ok(Done { report, notes, isa, threads, times, output_sha256 })
    }

    /// Writes the photograph with its hole hatched, within `budget`.
    pub fn preview(&self, budget: Option<&Budget>) -> Result<Shown> {
        let format = self.format()?;
        let (inputs, sources) = (self.inputs(), Sources::new(self.files));
        let budget = budget.filter(|budget| budget.is_strict() || self.can_be_counted());
        let mut share = budget.map(Budget::enter);
        let Ready { mut photo, hole, .. } = match &mut share {
            None => inputs.find(sources)?.ready()?,
            Some(share) => budgeted::read_to_show(inputs, sources, share, format)?,
        };
        self.check(&photo, format, Some(&hole.mask))?;
        hole::hatch(&mut photo.pixels, &hole.mask);
        photo.fit(format);
        self.write(&photo, format, &hole.mask)?;
        Ok(Shown { hole_pixels: hole.mask.count(), notes: self.notes(&photo, &hole) })
    }

    fn inputs(&self) -> Inputs<'a> {
        Inputs { files: self.files, spec: &self.spec.hole }
    }

    /// Whether so much memory is free that the job need not count what it takes.
    fn has_plenty<'b>(
        &self,
        sources: &mut Sources<'_>,
        engine: &mut Engine<'b>,
        budget: &'b Budget,
        format: OutputFormat,
    ) -> bool {
        if budget.is_strict() || self.files.has_piped_input() {
            return false;
        }
        if !self.can_be_counted() {
            return true;
        }
        // An unreadable file is reported on the usual way.
        let Ok(files) = sources.iter_mut().map(Source::file_bytes).sum::<Result<usize>>() else { return true };
        if !engine.has_room(budget, files) {
            return false;
        }
        let headers = sources.iter_mut().map(Source::header).collect::<Result<Vec<_>>>();
        let (Ok(headers), Ok(known)) = (headers, engine.known()) else { return true };
        let bytes = memory::ample_bytes(known, &headers[0], headers.get(1), format);
        engine.has_room(budget, bytes)
    }

    /// Whether all inputs are stdin or regular files. Other kinds, such as named pipes, tell what they take only when
    /// read.
    fn can_be_counted(&self) -> bool {
        self.files.inputs().all(|path| is_pipe(path) || path.is_file())
    }

    /// The format of OUT, after a check that OUT can be written.
    fn format(&self) -> Result<OutputFormat> {
        let out = &self.files.out;
        if is_pipe(out) {
            return Ok(OutputFormat::Png);
        }
        let format = OutputFormat::of_path(out, self.spec.quality).map_err(|e| e.of(out.display()))?;
        check_writable(out).map(|()| format)
    }

    /// Refuses a format that cannot hold the photograph, before it is filled for nothing.
    fn check(&self, photo: &Photo, format: OutputFormat, made_opaque: Option<&Mask>) -> Result<()> {
        photo.check_format(format, made_opaque).map_err(|e| e.of(self.files.out.display()))
    }

    fn notes(&self, photo: &Photo, hole: &Hole) -> Vec<String> {
        let image = self.files.image.display();
        let of_hole = hole.notes.iter().map(|note| match note {
            Note::OfMask(line) => format!("{}: {line}", self.files.hole_name()),
            Note::OfImage(line) => format!("{image}: {line}"),
        });
        let of_photo = photo.notes().into_iter().map(|note| format!("{image}: {note}"));
        of_hole.chain(of_photo).collect()
    }

    fn write(&self, photo: &Photo, format: OutputFormat, hole: &Mask) -> Result<()> {
        if is_pipe(&self.files.out) {
            let mut out = std::io::stdout().lock();
            return photo.write_filled(format, hole, &mut out).map_err(|e| e.of("stdout"));
        }
        write_atomically_with(&self.files.out, |out| photo.write_filled(format, hole, out))
    }
}

/// Runs `a` and `b`; an error of `a` comes first. If `parallel`, `b` runs on a thread of its own if one can be started.
fn both<A, B: Send>(
    parallel: bool,
    a: impl FnOnce() -> Result<A>,
    b: impl FnOnce() -> Result<B> + Send,
) -> Result<(A, B)> {
    // If no thread can be started, this one calls `b`.
    let b = Mutex::new(Some(b));
    let b = || b.lock().unwrap_or_else(|e| e.into_inner()).take().expect("it is called once")();
    std::thread::scope(|scope| {
        let thread = parallel.then(|| std::thread::Builder::new().spawn_scoped(scope, b));
        let a = a()?;
        let b = match thread {
            Some(Ok(thread)) => thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)),
            _ => b(),
        };
        Ok((a, b?))
    })
}
