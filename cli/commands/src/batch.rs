//! `inpaint-edge batch`: many photographs, one after the other or several at a time.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use indicatif::ProgressBar;
use inpaint_edge::selftest::hex;
use inpaint_edge::{Error, Result};
use inpaint_edge_atomic::remove_abandoned;
use inpaint_edge_image::target_of;

use crate::budget::Budget;
use crate::console::{line_of, print, progress_bar, tell};
use crate::engine::{Engine, weights_sha256};
use crate::files::Files;
use crate::item::Item;
use crate::job::Job;
use crate::list::{self, List};
use crate::names;
use crate::order::Queue;
use crate::report::Done;
use crate::spec::BatchSpec;

/// The outcome of a job.
enum Outcome {
    Filled(Box<Done>),
    /// Its result was there already.
    Skipped,
    Failed(Error),
}

/// Returns the exit code: 0, or that of the first failure in the order of the list.
pub fn run(spec: &BatchSpec) -> Result<u8> {
    let List { items, order, passed_over } = list::read(spec)?;
    // A result that cannot be written is reported when its job is tried.
    let targets: Vec<_> = items.iter().filter_map(|item| target_of(&item.files.out).ok()).collect();
    targets
        .iter()
        .map(|target| names::folder_of(target))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .for_each(remove_abandoned);

    let known: Vec<_> = items.iter().map(|item| known_outcome(item, spec.overwrite)).collect();
    let pending: Vec<_> = (0..items.len()).filter(|i| known[*i].is_none()).collect();
    let failed = known.iter().enumerate().filter(|(_, outcome)| matches!(outcome, Some(Outcome::Failed(_))));
    let queue = Queue::new(order, &pending, failed.map(|(i, _)| i).collect::<HashSet<_>>());
    let jobs = spec.jobs.min(pending.len()).max(1);
    let budget = Budget::new(spec.job.max_memory);
    let mut engine = Engine::new(&spec.job, threads_of_each(spec.job.threads, jobs));
    if !pending.is_empty() {
        engine.warm_up(budget.as_ref())?;
    }
    let weights = if spec.json_lines { weights_sha256(spec.job.weights.as_deref())? } else { String::new() };
    let bar = progress_bar(spec.job.quiet, "{wide_bar} {pos}/{len}  {elapsed}  ETA {eta}");
    bar.set_length(pending.len() as u64);

    let teller = Mutex::new(Teller::new(spec.json_lines, &items, weights, bar.clone()));
    let tell_of = |i: usize, outcome: Outcome| teller.lock().unwrap_or_else(|e| e.into_inner()).tell(i, outcome);
    for (i, outcome) in known.into_iter().enumerate() {
        outcome.map_or(Ok(()), |outcome| tell_of(i, outcome))?;
    }
    let stop = AtomicBool::new(false);
    let work = |mut engine| -> Result<()> {
        while let Some(mut turn) = queue.next() {
            let progress = &mut |_| {
                bar.tick();
                if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            };
            let job = Job { files: &items[turn.job].files, spec: &spec.job };
            let filled = match turn.without {
                Some(maker) => Err(not_made(&items[maker])),
                None => job.fill(&mut engine, budget.as_ref(), spec.json_lines, progress),
            };
            if stop.load(Ordering::Relaxed) {
                break;
            }
            if filled.is_ok() {
                turn.succeeds();
            }
            bar.inc(1);
            let told = tell_of(turn.job, filled.map_or_else(Outcome::Failed, |done| Outcome::Filled(Box::new(done))));
            told.inspect_err(|_| {
                stop.store(true, Ordering::Relaxed);
                queue.stop();
            })?;
        }
        Ok(())
    };
    std::thread::scope(|scope| {
        // This thread, and as many others as can be started.
        let others: Vec<_> = (1..jobs)
            .map_while(|_| {
                let engine = engine.another();
                std::thread::Builder::new().spawn_scoped(scope, || work(engine)).ok()
            })
            .collect();
        let done = work(engine);
        others
            .into_iter()
            .fold(done, |done, thread| done.and(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))))
    })?;
    bar.finish_and_clear();
    let teller = teller.into_inner().unwrap_or_else(|e| e.into_inner());
    if !spec.job.quiet {
        let Teller { filled, copied, noted, skipped, failed, .. } = teller;
        let some = |count: usize, what: &str| if count == 0 { String::new() } else { format!(", {count} {what}") };
        let copied = some(copied, "with nothing to fill copied");
        let skipped = some(skipped, "had a result already");
        let noted = some(noted, if spec.json_lines { "with a note" } else { "with a note, which --json-lines has" });
        let passed_over = some(passed_over.count, &format!("passed over: {passed_over}"));
        let line = format!("{filled} filled{copied}, {failed} failed{skipped}{noted}{passed_over}");
        tell(line);
    }
    Ok(teller.exit_code)
}

fn threads_of_each(threads: usize, jobs: usize) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
    let threads = if threads == 0 { cores() } else { threads };
    (threads / jobs).max(1)
}

/// The error of a job whose image or mask should have come from a job that failed.
fn not_made(maker: &Item) -> Error {
    let (out, image) = (maker.files.out.display(), maker.files.image.display());
    Error::input(format!("{out}: expected the result of {image}, found none, since that could not be filled"))
}

/// The outcome of a job that need not be tried.
fn known_outcome(item: &Item, overwrite: bool) -> Option<Outcome> {
    if let Some(problem) = &item.problem {
        return Some(Outcome::Failed(problem.clone()));
    }
    let files = &item.files;
    if overwrite || !files.out.is_file() {
        return None;
    }
    if files.inputs().any(|input| names::is_same(&files.out, input)) {
        let detail = "expected --overwrite or another result, found the image or mask itself";
        return Some(Outcome::Failed(Error::usage(detail).of(files.out.display())));
    }
    Some(Outcome::Skipped)
}

/// A record with the names of files; a name that is not UTF-8 also by its bytes.
fn named(files: &Files) -> serde_json::Value {
    let mut record = serde_json::json!({});
    for (key, name) in [("image", Some(&files.image)), ("mask", files.mask.as_ref()), ("out", Some(&files.out))] {
        record[key] = name.map(|name| name.to_string_lossy()).into();
        if let Some(name) = name.filter(|name| name.to_str().is_none()) {
            record[format!("{key}_bytes")] = hex(name.as_os_str().as_encoded_bytes()).into();
        }
    }
    record
}

/// Tells the outcomes in the order of the list, whatever the order in which jobs end.
struct Teller<'a> {
    json_lines: bool,
    items: &'a [Item],
    weights_sha256: String,
    bar: ProgressBar,
    /// Outcomes that are not told yet.
    outcomes: Vec<Option<Outcome>>,
    next: usize,
    filled: usize,
    /// Jobs without a hole.
    copied: usize,
    /// Filled jobs with a note.
    noted: usize,
    skipped: usize,
    failed: usize,
    exit_code: u8,
}

impl<'a> Teller<'a> {
    fn new(json_lines: bool, items: &'a [Item], weights_sha256: String, bar: ProgressBar) -> Self {
        let outcomes = items.iter().map(|_| None).collect();
        let (next, filled, copied, noted, skipped, failed, exit_code) = (0, 0, 0, 0, 0, 0, 0);
        Self {
            json_lines,
            items,
            weights_sha256,
            bar,
            outcomes,
            next,
            filled,
            copied,
            noted,
            skipped,
            failed,
            exit_code,
        }
    }

    fn tell(&mut self, i: usize, outcome: Outcome) -> Result<()> {
        self.outcomes[i] = Some(outcome);
        while let Some(outcome) = self.outcomes.get_mut(self.next).and_then(Option::take) {
            let files = &self.items[self.next].files;
            self.next += 1;
            let mut record = named(files);
            match outcome {
                Outcome::Filled(done) => {
                    self.noted += usize::from(!done.is_copy() && !done.notes.is_empty());
                    *(if done.is_copy() { &mut self.copied } else { &mut self.filled }) += 1;
                    if self.json_lines
                        && let serde_json::Value::Object(report) = done.json(&self.weights_sha256)
                    {
                        report.into_iter().for_each(|(key, value)| record[key] = value);
                    }
                }
                Outcome::Skipped => {
                    self.skipped += 1;
                    record["skipped"] = true.into();
                }
                Outcome::Failed(e) => {
                    self.failed += 1;
                    let code = e.kind().exit_code();
                    self.exit_code = if self.exit_code == 0 { code } else { self.exit_code };
                    let line = line_of(&e);
                    record["error"] = line.as_str().into();
                    record["exit_code"] = code.into();
                    self.bar.suspend(|| tell(line));
                }
            }
            if self.json_lines {
                self.bar.suspend(|| print(format!("{record}\n")))?;
            }
        }
        Ok(())
    }
}
