//! Memory and work of a run, known before it starts.

use super::pipeline::Engine;
use super::pixels::colours;
use super::report::Report;
use super::scratch::{Shares, bytes};
use super::strategy::Strategy;
use super::{pyramid, regions};
use crate::alloc::Buffer;
use crate::error::{Error, Result};
use crate::mask::{Mask, MaskView};
use crate::simd::Isa;
use crate::unet::{Network, Plan};
use crate::weights::Config;

/// The regions of a run, counted and measured.
pub(super) struct RegionPlan {
    /// How many there are.
    pub regions: usize,
    /// Pixels of all regions.
    pub area: u64,
    /// Memory of the largest region, floats.
    pub floats: usize,
    /// Memory of the largest plan of a region, floats.
    pub plan_floats: usize,
    /// Bytes of everything that a run takes.
    pub bytes: usize,
}

impl Engine {
    /// Walks the regions without running in them.
    pub(super) fn plan_regions(&self, mask: &MaskView<'_>, strategy: Strategy, colours: usize) -> Result<RegionPlan> {
        let config = &self.network.config;
        let mut plan = RegionPlan { regions: 0, area: 0, floats: 0, plan_floats: 0, bytes: 0 };
        let (mut held, mut last) = (0, (0, 0));
        let mut add = |mask: &MaskView<'_>| -> Result<()> {
            let size = (mask.width(), mask.height());
            plan.regions += 1;
            plan.area += (size.0 * size.1) as u64;
            if std::mem::replace(&mut last, size) != size {
                let shares = Shares::new(config, size.0, size.1)?;
                plan.floats = plan.floats.max(shares.floats());
                plan.plan_floats = plan.plan_floats.max(shares.layout.plan_floats());
            }
            Ok(())
        };
        if strategy == Strategy::Window {
            regions::for_each_part(mask, config.levels(), &mut |part| {
                held = held.max(part.mask_bytes() + pyramid::image_bytes(&part, colours));
                part.for_each_region(&mut add)
            })?;
            // The mask itself, what is left of it, and two more while a part is laid out.
            held += 4 * Mask::bytes_for(mask.width(), mask.height());
        } else {
            add(mask)?;
        }
        plan.bytes = bytes(plan.floats) + held;
        Ok(plan)
    }

    /// What a run would take. Multiply–accumulates and times are 0.
    pub fn plan(&self, mask: &MaskView<'_>, strategy: Strategy, channels: usize) -> Result<Report> {
        self.planned(mask, strategy, channels).map(|(report, _)| report)
    }

    fn planned(&self, mask: &MaskView<'_>, strategy: Strategy, channels: usize) -> Result<(Report, usize)> {
        let mut report = self.survey(mask, strategy)?;
        if report.hole_pixels == 0 {
            return Ok((report, 0));
        }
        let plan = self.plan_regions(mask, strategy, colours(channels))?;
        (report.regions, report.plan_bytes) = (plan.regions, plan.bytes);
        self.check_memory(plan.bytes)?;
        Ok((report, plan.plan_floats))
    }

    /// As [`Engine::plan`], with multiply–accumulates. Counting them takes memory for a plan, but none for feature maps.
    pub fn estimate(&self, mask: &MaskView<'_>, strategy: Strategy, channels: usize) -> Result<Report> {
        let (mut report, plan_floats) = self.planned(mask, strategy, channels)?;
        if report.hole_pixels == 0 {
            return Ok(report);
        }
        let config = &self.network.config;
        let mut memory = Buffer::zeroed(plan_floats)?;
        let mut count = |mask: &MaskView<'_>| -> Result<()> {
            let shares = Shares::new(config, mask.width(), mask.height())?;
            let mut plan = Plan::new(&shares.layout, &mut memory);
            plan.restrict_to_mask(config, mask, self.hole_aware);
            report.macs += plan.macs();
            Ok(())
        };
        match strategy {
            Strategy::Window => {
                regions::for_each_part(mask, config.levels(), &mut |part| part.for_each_region(&mut count))?;
            }
            _ => count(mask)?,
        }
        Ok(report)
    }
}

impl Config {
    /// Bytes that the weights take once they are packed for `isa`; `None` is the best of this CPU.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`.
    pub fn packed_bytes(&self, isa: Option<Isa>) -> Result<usize> {
        Network::bytes_for(self, isa.unwrap_or_else(Isa::best))
    }

    /// Bytes that a run on a whole image of this size takes, without the weights, the image and the mask.
    ///
    /// # Errors
    ///
    /// Input, where a side is 0; limits, where the size cannot be addressed.
    pub fn plan_bytes(&self, width: usize, height: usize) -> Result<usize> {
        if width == 0 || height == 0 {
            return Err(Error::input(format!("expected at least one pixel, found {width}×{height}")));
        }
        Ok(bytes(Shares::new(self, width, height)?.floats()))
    }
}
