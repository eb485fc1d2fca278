//! Runs of the network in the windows of a large image.

use std::ops::ControlFlow;
use std::time::Instant;

use ndarray::ArrayViewMut3;

use super::{Hole, Inpainter, Progress, Report, Strategy, nothing_known};
use crate::buffer::Buffer;
use crate::error::Result;
use crate::holes::{Holes, Rect};
use crate::sample::Sample;
use crate::simd::control;
use crate::unet::Layout;
use crate::window::{self, Lengths, Level, Part, Tile, colours};

/// What a run in windows takes.
pub(super) struct WindowPlan {
    pub windows: usize,
    /// Pixels of all windows.
    area: u64,
    /// Memory of the largest window.
    floats: usize,
    /// All that a run takes.
    pub bytes: usize,
}

/// A run in windows: its memory, and how far it is.
struct WindowRun<'a> {
    memory: &'a mut [f32],
    done: u64,
    total: u64,
    report: &'a mut Report,
    progress: &'a mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
}

impl Inpainter {
    /// Walks the windows without running them.
    pub(super) fn plan_windows(&self, holes: &Holes, channels: usize, sample_bytes: usize) -> Result<WindowPlan> {
        let lengths = Lengths::new(self.network.config.levels);
        let mut left = holes.copy()?;
        let mut plan = WindowPlan { windows: 0, area: 0, floats: 0, bytes: 0 };
        let (mut held, mut last) = (0, (0, 0));
        for bounds in window::parts(holes, lengths)? {
            let Some(part) = Part::new(&left, bounds, lengths)? else { continue };
            held = held.max(part.bytes(colours(channels), sample_bytes));
            for Tile { window: Rect { width, height, .. }, .. } in part.levels.iter().flat_map(|level| &level.tiles) {
                plan.windows += 1;
                plan.area += (width * height) as u64;
                if std::mem::replace(&mut last, (*width, *height)) != (*width, *height) {
                    let layout = Layout::new(&self.network.config, *width, *height)?;
                    plan.floats = plan.floats.max(layout.floats());
                }
            }
            left.clear(bounds);
        }
        // The hole itself, what is left of it, and two more while a part is laid out.
        plan.bytes = size_of::<f32>() * (plan.floats + Buffer::LINE) + held + 4 * holes.bytes();
        Ok(plan)
    }

    /// Multiply–accumulates of a run in windows, which decides what to compute in each, and computes nothing.
    pub(super) fn window_macs(&self, holes: &Holes, plan: &WindowPlan) -> Result<u64> {
        let lengths = Lengths::new(self.network.config.levels);
        let mut memory = Buffer::zeroed(plan.floats)?;
        let mut left = holes.copy()?;
        let mut macs = 0;
        for bounds in window::parts(holes, lengths)? {
            let Some(Part { levels, .. }) = Part::new(&left, bounds, lengths)? else { continue };
            for mut level in levels {
                for Tile { tile, window } in std::mem::take(&mut level.tiles) {
                    let layout = Layout::new(&self.network.config, window.width, window.height)?;
                    let mut one = Report::new(window.width, window.height);
                    self.plan(layout, &mut memory, &hole_in(&level.left, window), &mut one)?;
                    macs += one.macs;
                    level.left.clear(tile);
                }
            }
            left.clear(bounds);
        }
        Ok(macs)
    }

    /// A run in windows.
    pub(super) fn run_windows<T: Sample>(
        &self,
        image: ArrayViewMut3<'_, T>,
        holes: &Holes,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let start = Instant::now();
        let (height, width, channels) = image.dim();
        let mut report = Report::new(width, height);
        report.strategy = Strategy::Window;
        report.hole_pixels = holes.pixels();
        if report.hole_pixels == width * height {
            return Err(nothing_known());
        }
        let plan = self.plan_windows(holes, channels, size_of::<T>())?;
        self.check_memory(plan.bytes)?;
        report.plan_bytes = plan.bytes;
        let mut memory = self.take_memory(plan.floats)?;
        report.plan = start.elapsed();
        let mut run = WindowRun { memory: &mut memory, done: 0, total: plan.area, report: &mut report, progress };
        let done = control::with_defaults(|| self.run_parts(image, holes, &mut run));
        self.keep_memory(memory);
        done.map(|()| report)
    }

    /// Fills one part after the other.
    fn run_parts<T: Sample>(
        &self,
        mut image: ArrayViewMut3<'_, T>,
        holes: &Holes,
        run: &mut WindowRun<'_>,
    ) -> Result<()> {
        let lengths = Lengths::new(self.network.config.levels);
        let mut left = holes.copy()?;
        for bounds in window::parts(holes, lengths)? {
            let Some(Part { area, levels }) = Part::new(&left, bounds, lengths)? else { continue };
            self.run_levels(image.slice_mut(ndarray::s![area.rows(), area.columns(), ..]), levels, run)?;
            left.clear(bounds);
        }
        Ok(())
    }

    /// Fills an image at the first of `levels`, after the coarser ones.
    fn run_levels<T: Sample>(
        &self,
        mut image: ArrayViewMut3<'_, T>,
        levels: Vec<Level>,
        run: &mut WindowRun<'_>,
    ) -> Result<()> {
        let mut levels = levels.into_iter();
        let Some(mut level) = levels.next() else { return Ok(()) };
        if let Some(inside) = &level.inside {
            let mut coarse = window::halve(image.view(), &level)?;
            self.run_levels(coarse.view_mut(), levels.collect(), run)?;
            window::raise(coarse.view(), inside, &mut image);
        }
        for Tile { tile, window } in level.tiles {
            let start = Instant::now();
            let layout = Layout::new(&self.network.config, window.width, window.height)?;
            let area = (window.width * window.height) as u64;
            let (done, total, progress) = (run.done, run.total, &mut *run.progress);
            let mut part = |p: Progress| {
                progress(Progress { done: done + (area as f64 * (p.done as f64 / p.total as f64)) as u64, total })
            };
            let view = image.slice_mut(ndarray::s![window.rows(), window.columns(), ..]);
            let one = self.run(start, layout, run.memory, view, &hole_in(&level.left, window), &mut part)?;
            level.left.clear(tile);
            run.done += area;
            run.report.windows += 1;
            run.report.macs += one.macs;
            run.report.plan += one.plan;
            run.report.network += one.network;
            run.report.composite += one.composite;
        }
        Ok(())
    }
}

/// What is left to fill in a window.
fn hole_in(left: &Holes, window: Rect) -> Hole<impl Fn(usize, usize) -> bool> {
    Hole { is_known: move |x, y| !left.is_hole(x + window.x, y + window.y), grow: 0 }
}
