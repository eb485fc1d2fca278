//! Memory and work of a run, known before it starts.

use super::grain;
use super::memory::{Memory, group_floats};
use super::pipeline::Engine;
use super::pixels::colours;
use super::pyramid::{self, Step};
use super::regions::{Tile, WHOLE, for_each_tile};
use super::report::Report;
use super::scratch::Shares;
use super::synthesis::{Texture, core_floats, for_each_wide_hole};
use crate::alloc::{Buffer, lines_bytes};
use crate::error::{Error, Result};
use crate::mask::{Mask, MaskView, Rect};
use crate::simd::Isa;
use crate::unet::{Network, Plan};
use crate::weights::Config;

/// The regions of a run, counted and measured.
#[derive(Default)]
pub(super) struct RegionPlan {
    /// How many there are.
    pub regions: usize,
    /// Pixels of all regions.
    pub area: u64,
    /// Whether some of the hole is wider than the network reaches.
    pub is_wide: bool,
    /// Wide holes that get texture, and their pixels.
    pub wide_holes: usize,
    pub texture_pixels: usize,
    /// Memory of the largest region or wide hole, floats.
    pub arena: usize,
    /// Memory of the largest plan of a region, floats.
    pub plan_floats: usize,
    /// Bytes of everything that a run takes.
    pub bytes: usize,
}

impl RegionPlan {
    /// Writes what a report tells of it.
    pub fn tell(&self, report: &mut Report) {
        (report.regions, report.wide_holes) = (self.regions, self.wide_holes);
        (report.texture_pixels, report.plan_bytes) = (self.texture_pixels, self.bytes);
    }
}

impl Engine {
    /// Walks the regions without running in them. Calls `see` with what of the image is looked at; where nobody asks, `drop`, whose
    /// calls take no code.
    pub(super) fn plan_regions(
        &self,
        mask: &MaskView<'_>,
        colours: usize,
        memory: &mut Memory<'_>,
        mut see: impl FnMut(Rect),
    ) -> Result<RegionPlan> {
        let config = &self.network.config;
        let reach = pyramid::reach(config);
        let is_wide = mask.width().min(mask.height()) > reach && memory.groups.largest_square(mask)? > reach;
        let mut plan = RegionPlan { is_wide, ..RegionPlan::default() };
        let (mut held, mut groups) = (0, 0);
        pyramid::for_each_step(mask, config.levels(), is_wide, &mut |step| {
            let is_rest = matches!(step, Step::Rest(_));
            if let Step::Wide(part) = &step {
                held = held.max(part.mask_bytes() + part.image_bytes(colours));
                see(part.area);
            }
            let found = self.for_each_tile_of(step, memory, &mut |tile| {
                let shares = Shares::new(config, tile, self.hole_aware)?;
                if is_rest {
                    see(tile.group.seen);
                }
                plan.regions += 1;
                plan.area += shares.layout.input().frame.area() as u64;
                plan.arena = plan.arena.max(shares.floats());
                plan.plan_floats = plan.plan_floats.max(shares.layout.plan_floats());
                Ok(())
            })?;
            groups = groups.max(found);
            Ok(())
        })?;
        if is_wide {
            // The mask itself, what is left of it, and two more while a part is laid out.
            held += 4 * Mask::bytes_for(mask.width(), mask.height());
        }
        let core = core_floats(self.texture, mask.width(), mask.height());
        let Memory { groups: store, arena } = memory;
        let found = for_each_wide_hole(self.texture, mask, store, arena.room(core)?, &mut |hole, _| {
            plan.wide_holes += 1;
            plan.texture_pixels += hole.bounds.area();
            plan.arena = plan.arena.max(core + hole.floats());
            see(hole.area);
            Ok(())
        })?;
        groups = groups.max(found);
        let reach = grain::reach(self.grain);
        if reach.is_some() {
            let (found, floats) = memory.groups.groups(mask, reach)?;
            found.iter().for_each(|group| {
                plan.arena = plan.arena.max(grain::floats(group.seen));
                see(group.seen);
            });
            groups = groups.max(floats);
        }
        plan.bytes = lines_bytes(plan.arena) + lines_bytes(groups) + held;
        Ok(plan)
    }

    /// Calls `each` with every tile of a step. Returns the floats that its groups take.
    fn for_each_tile_of(
        &self,
        step: Step<'_>,
        memory: &mut Memory<'_>,
        each: &mut dyn FnMut(&Tile<'_>) -> Result<()>,
    ) -> Result<usize> {
        let context = self.network.config.context();
        let mut most = 0;
        let mut level = |mask: &MaskView<'_>, target: Rect| {
            let (groups, floats) = memory.groups.groups(mask, context)?;
            most = most.max(floats);
            for_each_tile(&groups, (mask.width(), mask.height()), target, each)
        };
        match step {
            Step::Wide(part) => part.levels.iter().try_for_each(|l| level(&l.hole.view(), l.target))?,
            Step::Rest(mask) => level(&mask, mask.whole())?,
        }
        Ok(most)
    }

    /// What a run would take. Multiply–accumulates and times are 0.
    pub fn plan(&self, mask: &MaskView<'_>, channels: usize) -> Result<Report> {
        self.planned(mask, channels, &mut Memory::empty()?).map(|(report, _)| report)
    }

    fn planned(&self, mask: &MaskView<'_>, channels: usize, memory: &mut Memory<'_>) -> Result<(Report, RegionPlan)> {
        let mut report = self.survey(mask)?;
        if report.hole_pixels == 0 {
            return Ok((report, RegionPlan::default()));
        }
        let plan = self.plan_regions(mask, colours(channels), memory, drop)?;
        plan.tell(&mut report);
        self.check_memory(plan.bytes)?;
        Ok((report, plan))
    }

    /// What a run looks at, whatever the channels.
    pub fn seen(&self, mask: &MaskView<'_>) -> Result<Mask> {
        let mut seen = Mask::new(mask.width(), mask.height())?;
        if self.survey(mask)?.hole_pixels > 0 {
            let see = |part: Rect| seen.add_box(part.columns(), part.rows());
            self.plan_regions(mask, 3, &mut Memory::empty()?, see)?;
        }
        Ok(seen)
    }

    /// As [`Engine::plan`], with multiply–accumulates. Counting them takes memory for a plan, but none for feature maps.
    pub fn estimate(&self, mask: &MaskView<'_>, channels: usize) -> Result<Report> {
        let mut memory = Memory::empty()?;
        let (mut report, plan) = self.planned(mask, channels, &mut memory)?;
        if report.hole_pixels == 0 {
            return Ok(report);
        }
        let config = &self.network.config;
        let mut floats = Buffer::zeroed(plan.plan_floats)?;
        pyramid::for_each_step(mask, config.levels(), plan.is_wide, &mut |step| {
            self.for_each_tile_of(step, &mut memory, &mut |tile| {
                let shares = Shares::new(config, tile, self.hole_aware)?;
                let mut plan = Plan::new(&shares.layout, &mut floats);
                plan.restrict(config, tile.group, self.hole_aware);
                report.macs += plan.macs();
                Ok(())
            })
            .map(drop)
        })?;
        Ok(report)
    }
}

impl Config {
    /// Bytes that the weights take once they are packed for `isa`; `None` is the best of this CPU. Integers take more on AVX2,
    /// by how much depends on the weights: an eighth for `edge`.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `isa`.
    pub fn packed_bytes(&self, isa: Option<Isa>) -> Result<usize> {
        Network::bytes_for(self, isa.unwrap_or_else(Isa::best))
    }

    /// The most bytes that a run with default options on an image of this size takes for any hole, without the weights, the
    /// image, the mask, and the smaller images in which holes wider than the network reaches are filled first.
    ///
    /// # Errors
    ///
    /// Input, where a side is 0; limits, where the size cannot be addressed.
    pub fn plan_bytes(&self, width: usize, height: usize) -> Result<usize> {
        most_bytes(self, width, height, true, Texture::Auto, true)
    }
}

/// As [`Config::plan_bytes`], for other options.
pub(crate) fn most_bytes(
    config: &Config,
    width: usize,
    height: usize,
    hole_aware: bool,
    texture: Texture,
    grain: bool,
) -> Result<usize> {
    if width == 0 || height == 0 {
        return Err(Error::input(format!("expected at least one pixel, found {width}×{height}")));
    }
    let shares = Shares::largest(config, (width, height), WHOLE, hole_aware)?;
    let arena = shares.floats().max(texture.most_floats(width, height)?);
    let reach = grain::reach(grain);
    let arena = arena.max(reach.map_or(0, |_| grain::floats(Rect { x: 0, y: 0, width, height })));
    let groups = group_floats(width, height, [config.context(), texture.reach(), reach]);
    Ok(lines_bytes(arena.saturating_add(groups)))
}
