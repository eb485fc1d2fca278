//! Runs of the engine that Ctrl-C stops.

use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread::{Builder, scope};
use std::time::Duration;

use inpaint_edge::{Error, Progress, Report, Result};
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::fault::raised;

/// The engine's callback.
pub type Tell<'t> = &'t mut (dyn FnMut(Progress) -> ControlFlow<()> + Send);

/// How long Ctrl-C may wait for this thread to look.
const LOOK: Duration = Duration::from_millis(50);

/// Calls `work` while other Python threads run. `work` has a thread of its own, since only the caller's, where it is Python's
/// main thread, learns of signals; that one calls `progress(done, total)`. An exception of either stops the run and is raised.
pub fn watched<T: Send>(
    py: Python<'_>,
    progress: Option<&Bound<'_, PyAny>>,
    work: impl FnOnce(Tell<'_>) -> Result<T> + Send,
) -> PyResult<T> {
    let callback = progress.map(|progress| progress.clone().unbind());
    py.detach(|| {
        let stop = AtomicBool::new(false);
        let (sender, receiver) = channel();
        let (stop, is_told) = (&stop, callback.is_some());
        let tell = move |progress: Progress| {
            if is_told {
                // Nobody listens any more once the run is stopped.
                let _ = sender.send(progress);
            }
            if stop.load(Ordering::Relaxed) { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
        };
        scope(|threads| {
            // The sender lives as long as the run: its end is the end of the channel.
            let run = Builder::new().name("inpaint-edge".to_owned()).spawn_scoped(threads, move || {
                let mut tell = tell;
                work(&mut tell)
            });
            let run = run.map_err(|e| {
                let e = Error::limits(format!("expected a thread to run on, found none: {e}"));
                Python::attach(|py| raised(py, &e))
            })?;
            let mut raised_here = Ok(());
            while raised_here.is_ok() {
                let told = match receiver.recv_timeout(LOOK) {
                    Ok(progress) => Some(progress),
                    Err(RecvTimeoutError::Timeout) => None,
                    Err(RecvTimeoutError::Disconnected) => break,
                };
                raised_here = Python::attach(|py| {
                    if let (Some(Progress { done, total, .. }), Some(callback)) = (told, &callback) {
                        callback.call1(py, (done, total))?;
                    }
                    py.check_signals()
                });
            }
            stop.store(raised_here.is_err(), Ordering::Relaxed);
            let ended = run.join().unwrap_or_else(|panic| resume_unwind(panic));
            raised_here?;
            ended.map_err(|e| Python::attach(|py| raised(py, &e)))
        })
    })
}

/// A report as a `dict`, with the names that the program's `--json` gives.
pub fn report_dict<'py>(py: Python<'py>, report: &Report) -> PyResult<Bound<'py, PyDict>> {
    let ms = PyDict::new(py);
    for (name, time) in report.times.named() {
        ms.set_item(name, time.as_secs_f64() * 1e3)?;
    }
    let dict = PyDict::new(py);
    dict.set_item("width", report.width)?;
    dict.set_item("height", report.height)?;
    dict.set_item("hole_pixels", report.hole_pixels)?;
    dict.set_item("hole_ratio", report.hole_ratio())?;
    dict.set_item("regions", report.regions)?;
    dict.set_item("wide_holes", report.wide_holes)?;
    dict.set_item("texture_pixels", report.texture_pixels)?;
    dict.set_item("plan_bytes", report.plan_bytes)?;
    dict.set_item("macs", report.macs)?;
    dict.set_item("ms", ms)?;
    Ok(dict)
}
