//! Fills or previews one photograph.

use std::ops::ControlFlow;
use std::time::Instant;

use inpaint_edge::{Error, Result};

use crate::budget::Budget;
use crate::console::{is_watched, print, progress_bar, tell};
use crate::engine::{Engine, weights_sha256};
use crate::job::Job;
use crate::names::{self, is_pipe};
use crate::report::Shown;
use crate::spec::FillSpec;

pub fn run(spec: &FillSpec) -> Result<()> {
    let start = Instant::now();
    let FillSpec { files, job, .. } = spec;
    if is_pipe(&files.image) && files.mask.as_deref().is_some_and(is_pipe) {
        return Err(Error::usage("expected IMAGE or MASK on stdin, found both"));
    }
    if spec.json && is_pipe(&files.out) {
        return Err(Error::usage("expected --json or the image on stdout, found both"));
    }
    // The digest for the report is read first: if that fails, there is no result.
    let weights = spec.json.then(|| weights_sha256(job.weights.as_deref())).transpose()?;
    let budget = Budget::new(job.max_memory);
    if spec.is_preview {
        return preview(spec, budget.as_ref());
    }
    let mut engine = Engine::new(job, job.threads);
    let bar = progress_bar(job.quiet, "{wide_bar} {percent:>3} %  {elapsed}");
    let filled = Job { files, spec: job }.fill(&mut engine, budget.as_ref(), weights.is_some(), &mut |progress| {
        bar.set_length(progress.total);
        bar.set_position(progress.done);
        ControlFlow::Continue(())
    });
    bar.finish_and_clear();
    let done = filled?;
    match done.report.hole_pixels {
        0 => note(spec, format_args!("{}: no hole, image copied", files.hole_name())),
        _ if done.is_copy() => {}
        pixels => {
            let seconds = start.elapsed().as_secs_f64();
            say(spec, format_args!("{} filled in {seconds:.1} s", counted(pixels)));
        }
    }
    done.notes.iter().for_each(|line| note(spec, format_args!("{line}")));
    weights.map_or(Ok(()), |weights| print(format!("{}\n", done.json(&weights))))
}

fn preview(spec: &FillSpec, budget: Option<&Budget>) -> Result<()> {
    let FillSpec { files, job, .. } = spec;
    if files.inputs().any(|input| names::is_same(input, &files.out)) {
        let detail = "expected another file than IMAGE and MASK for --preview, which replaces it, found one of them";
        return Err(Error::usage(detail).of(files.out.display()));
    }
    let Shown { hole_pixels, notes } = Job { files, spec: job }.preview(budget)?;
    match hole_pixels {
        0 => note(spec, format_args!("{}: no hole to show", files.hole_name())),
        pixels => say(spec, format_args!("a hole of {} shown", counted(pixels))),
    }
    notes.iter().for_each(|line| note(spec, format_args!("{line}")));
    Ok(())
}

fn note(spec: &FillSpec, note: std::fmt::Arguments<'_>) {
    if !spec.job.quiet {
        tell(note);
    }
}

/// Tells a person what was done; a script, whose stderr is no terminal, reads the exit code.
fn say(spec: &FillSpec, what: std::fmt::Arguments<'_>) {
    if is_watched() {
        let out = &spec.files.out;
        let out = if is_pipe(out) { "stdout".into() } else { out.display().to_string() };
        note(spec, format_args!("{out}: {what}"));
    }
}

/// A number of pixels with its thousands separated.
fn counted(pixels: usize) -> String {
    let digits = pixels.to_string();
    let groups: Vec<_> = digits.as_bytes().rchunks(3).rev().map(String::from_utf8_lossy).collect();
    format!("{} pixel{}", groups.join(","), if pixels == 1 { "" } else { "s" })
}

#[cfg(test)]
mod tests {
    use super::counted;

    #[test]
    fn thousands_are_separated() {
        for (pixels, text) in
            [(1, "1 pixel"), (999, "999 pixels"), (19_098, "19,098 pixels"), (1_000_000, "1,000,000 pixels")]
        {
            assert_eq!(counted(pixels), text);
        }
    }
}
