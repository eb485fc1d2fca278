//! The main job: one photograph.

use std::io::{IsTerminal, Write};
use std::ops::ControlFlow;
use std::time::Instant;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use inpaint_edge::{Error, ErrorKind, Result};

use crate::args::FillArgs;
use crate::engine::{Engine, weights_sha256};
use crate::job::Job;
use crate::memory::Budget;
use crate::names;
use crate::source::is_pipe;

pub fn run(args: &FillArgs) -> Result<()> {
    let start = Instant::now();
    let job = job_of(args)?;
    if is_pipe(&job.image) && job.mask.as_deref().is_some_and(is_pipe) {
        return usage("IMAGE and MASK cannot both be stdin");
    }
    if args.json && is_pipe(&job.out) {
        return usage("--json and the image cannot both go to stdout");
    }
    // What the report takes is read before the result is there.
    let weights = args.json.then(|| weights_sha256(args.job.weights.as_deref())).transpose()?;
    let budget = Budget::new(args.job.max_memory);
    if args.preview.is_some() {
        if [Some(&job.image), job.mask.as_ref()].into_iter().flatten().any(|read| names::is_same(read, &job.out)) {
            let detail = "another file than IMAGE and MASK expected for --preview, which replaces it";
            return Err(Error::new(ErrorKind::Usage, detail).of(job.out.display()));
        }
        let shown = job.preview(&args.job, budget.as_ref())?;
        match shown.hole_pixels {
            0 => note(args, format_args!("{}: no hole to show", job.hole_name())),
            pixels => tell(args, &job, format_args!("a hole of {} shown", counted(pixels))),
        }
        shown.notes.iter().for_each(|line| note(args, format_args!("{line}")));
        return Ok(());
    }
    let mut engine = Engine::new(&args.job, args.job.threads);
    let bar = progress_bar(args.job.quiet, "{wide_bar} {percent:>3} %  {elapsed}");
    let filled = job.fill(&args.job, &mut engine, budget.as_ref(), weights.is_some(), &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let done = filled?;
    match done.report.hole_pixels {
        0 => note(args, format_args!("{}: no hole, image copied", job.hole_name())),
        pixels => {
            let seconds = start.elapsed().as_secs_f64();
            tell(args, &job, format_args!("{} filled in {seconds:.1} s", counted(pixels)));
        }
    }
    done.notes.iter().for_each(|line| note(args, format_args!("{line}")));
    if let Some(weights) = weights {
        crate::print(format!("{}\n", done.json(&weights)).as_bytes())?;
    }
    Ok(())
}

/// What goes where. Where the hole needs no mask, the second of two files is OUT; a preview takes OUT's place.
fn job_of(args: &FillArgs) -> Result<Job> {
    let in_image = args.job.hole.in_image();
    let (mask, out) = match (&args.mask, &args.out) {
        (out, None) if in_image => (&None, out),
        files => files,
    };
    match (&args.image, mask.is_some() || in_image, args.preview.as_ref().or(out.as_ref())) {
        (Some(image), true, Some(out)) => Job::new(image.clone(), mask.clone(), out.clone()),
        _ if in_image => usage("IMAGE and OUT expected, IMAGE alone found"),
        _ => usage("IMAGE, MASK and OUT expected; no MASK only with --mask-alpha, --mask-color or --box"),
    }
}

fn usage<T>(detail: &str) -> Result<T> {
    Err(Error::new(ErrorKind::Usage, detail))
}

fn note(args: &FillArgs, note: std::fmt::Arguments<'_>) {
    if !args.job.quiet {
        let _ = writeln!(std::io::stderr(), "inpaint-edge: {note}");
    }
}

/// Tells a person what was done; a script, whose stderr is no terminal, asks the exit code.
fn tell(args: &FillArgs, job: &Job, what: std::fmt::Arguments<'_>) {
    if std::io::stderr().is_terminal() {
        let out = if is_pipe(&job.out) { "stdout".into() } else { job.out.display().to_string() };
        note(args, format_args!("{out}: {what}"));
    }
}

/// A number of pixels with its thousands apart.
fn counted(pixels: usize) -> String {
    let digits = pixels.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{} pixel{}", groups.join(","), if pixels == 1 { "" } else { "s" })
}

/// A bar on stderr where that is a terminal, else nothing.
pub fn progress_bar(quiet: bool, template: &str) -> ProgressBar {
    if quiet || !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).expect("a valid template");
    ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn thousands_are_apart() {
        for (pixels, text) in
            [(1, "1 pixel"), (999, "999 pixels"), (19_098, "19,098 pixels"), (1_000_000, "1,000,000 pixels")]
        {
            assert_eq!(counted(pixels), text);
        }
    }
}
