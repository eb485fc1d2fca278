//! What a run takes, known before it: memory, and the work that a hole asks for.

use ndarray::ArrayView2;

use super::{Hole, Inpainter, Report, Strategy, check_size, nothing_known, plan_bytes};
use crate::buffer::Buffer;
use crate::error::Result;
use crate::holes::Holes;
use crate::simd::Isa;
use crate::unet::{Layout, Network};
use crate::weights::Config;

impl Inpainter {
    /// Bytes of packed weights held.
    pub fn weights_bytes(&self) -> usize {
        self.network.bytes()
    }

    /// What [`Inpainter::weights_bytes`] will be, before the weights are loaded.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`.
    pub fn weights_bytes_for(config: &Config, isa: Option<Isa>) -> Result<usize> {
        Network::bytes_for(config, isa.unwrap_or_else(Isa::best))
    }

    /// Bytes a run on an image of this size uses beside the weights, the image and the result.
    ///
    /// # Errors
    ///
    /// Input, where a side is 0; limits, where the size cannot be addressed.
    pub fn plan_bytes(&self, width: usize, height: usize) -> Result<usize> {
        Self::plan_bytes_for(&self.network.config, width, height)
    }

    /// [`Inpainter::plan_bytes`], before the weights are loaded.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::plan_bytes`].
    pub fn plan_bytes_for(config: &Config, width: usize, height: usize) -> Result<usize> {
        check_size(width, height, 3)?;
        Ok(plan_bytes(&Layout::new(config, width, height)?))
    }

    /// What a native run with `mask` [height, width] would do: its report, with times of 0.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint`].
    pub fn estimate(&self, mask: ArrayView2<'_, u8>) -> Result<Report> {
        let (height, width) = mask.dim();
        check_size(width, height, 3)?;
        let mut report = Report::new(width, height);
        if self.has_hole(mask) {
            let layout = Layout::new(&self.network.config, width, height)?;
            let mut memory = Buffer::zeroed(layout.floats())?;
            self.plan(layout, &mut memory, &self.reading(mask), &mut report)?;
        }
        Ok(report)
    }

    /// What [`Inpainter::inpaint_holes`] would run on an image of `channels` samples of `sample_bytes` each: strategy, windows
    /// and bytes of the plan, without work or times.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint_holes`]; limits, where it takes more than
    /// [`Options::max_memory`](super::Options::max_memory), naming what would do.
    pub fn plan_holes(&self, holes: &Holes, channels: usize, sample_bytes: usize) -> Result<Report> {
        let (width, height) = (holes.width(), holes.height());
        check_size(width, height, channels)?;
        let mut report = Report::new(width, height);
        report.hole_pixels = holes.pixels();
        if report.hole_pixels == 0 {
            return Ok(report);
        }
        if report.hole_pixels == width * height {
            return Err(nothing_known());
        }
        report.strategy = self.options.strategy.for_size(width, height);
        if report.strategy == Strategy::Window {
            let plan = self.plan_windows(holes, channels, sample_bytes)?;
            (report.windows, report.plan_bytes) = (plan.windows, plan.bytes);
        } else {
            (report.windows, report.plan_bytes) = (1, self.plan_bytes(width, height)?);
        }
        self.check_memory(report.plan_bytes)?;
        Ok(report)
    }

    /// As [`Inpainter::plan_holes`], with the multiply–accumulates, which takes the memory of the run and part of its time.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::plan_holes`].
    pub fn estimate_holes(&self, holes: &Holes, channels: usize, sample_bytes: usize) -> Result<Report> {
        let mut report = self.plan_holes(holes, channels, sample_bytes)?;
        if report.hole_pixels == 0 {
            return Ok(report);
        }
        let (width, height) = (holes.width(), holes.height());
        if report.strategy == Strategy::Window {
            report.macs = self.window_macs(holes, &self.plan_windows(holes, channels, sample_bytes)?)?;
        } else {
            let layout = Layout::new(&self.network.config, width, height)?;
            let mut memory = Buffer::zeroed(layout.floats())?;
            let hole = Hole { is_known: |x, y| !holes.is_hole(x, y), grow: 0 };
            self.plan(layout, &mut memory, &hole, &mut report)?;
        }
        Ok(report)
    }
}
