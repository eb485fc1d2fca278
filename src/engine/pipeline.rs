//! The stages in their order: mask, regions, prior, network, composite, synthesis, grain. A stage sees its region, its own share
//! of the memory and the pixels, and never another stage.

use std::ops::ControlFlow;
use std::sync::Mutex;

use super::memory::{Memory, Store, group_floats};
use super::pixels::{Pixels, Scale};
use super::pyramid::{self, Step};
use super::regions::{Tile, for_each_tile};
use super::report::{Meter, Progress, Report, StageTimes};
use super::scratch::Shares;
use super::synthesis::{Texture, for_each_wide_hole, texture_area};
use super::{composite, grain, network, prior};
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::mask::{MaskView, Rect};
use crate::parallel::Pool;
use crate::simd::{Isa, control};
use crate::unet::{Network, Observer, Plan};

/// A network with threads and memory to run it.
pub(crate) struct Engine {
    pub network: Network,
    pub pool: Pool,
    /// Whether to skip outputs that no hole pixel depends on.
    pub hole_aware: bool,
    /// Which holes get texture.
    pub texture: Texture,
    /// Whether smooth fills get the grain of the photograph.
    pub grain: bool,
    /// The kernels in use.
    pub isa: Isa,
    /// Bytes that weights and a run's buffers may take together.
    pub max_memory: Option<usize>,
    /// The memory of the last run, kept for the next.
    pub idle: Mutex<Option<Memory<'static>>>,
}

/// A photograph to fill, its mask, and how to fill it.
pub(crate) struct Job<'j> {
    pub image: &'j mut dyn Pixels,
    /// As large as the image.
    pub mask: MaskView<'j>,
    /// The caller's memory for the run.
    pub scratch: Option<&'j mut [u8]>,
    pub progress: &'j mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    /// Gets the values of the network's maps.
    pub observe: Option<&'j mut Observer<'j>>,
}

impl Engine {
    /// Fills the hole of a photograph: the way of a pixel from the first stage to the last.
    pub fn run(&self, job: Job<'_>) -> Result<Report> {
        let Job { image, mask, scratch, progress, mut observe } = job;
        let Self { network, pool, hole_aware, .. } = self;
        let config = &network.config;
        let scale = Scale { mean: config.mean(), std: config.std() };
        let (mut watch, mut times) = (Stopwatch::start(), StageTimes::default());

        // Mask: what is to be filled.
        let mut report = self.survey(&mask)?;
        watch.lap(&mut times.mask);
        if report.hole_pixels == 0 {
            return Ok(Report { times, ..report });
        }

        // Regions: where the network runs, and memory for the largest.
        let is_own = scratch.is_none();
        let mut memory = match scratch {
            Some(scratch) => {
                let contexts = [config.context(), self.texture.reach(), grain::reach(self.grain)];
                Memory::lent(scratch, group_floats(report.width, report.height, contexts))
            }
            None => self.take_memory()?,
        };
        let plan = self.plan_regions(&mask, image.colours(), &mut memory, drop)?;
        plan.tell(&mut report);
        if is_own {
            self.check_memory(plan.bytes)?;
        }
        memory.arena.room(plan.arena)?;
        let mut meter = Meter { progress, done: 0, total: plan.area + texture_area(plan.texture_pixels) };
        let Memory { groups, arena } = &mut memory;
        let mut fill = |image: &mut dyn Pixels, mask: &MaskView<'_>, target: Rect| -> Result<()> {
            let (groups, _) = groups.groups(mask, config.context())?;
            for_each_tile(&groups, image.size(), target, &mut |tile| {
                let Tile { group, target, .. } = *tile;
                let shares = Shares::new(config, tile, *hole_aware)?;
                let (arena, plan_memory) = arena.room(shares.floats())?.split_at_mut(shares.arena);
                watch.lap(&mut times.regions);

                // Prior: a smooth fill that the network adds to.
                if let Some(prior) = &shares.prior {
                    prior::solve(prior, image, group, scale, arena);
                }
                watch.lap(&mut times.prior);

                // Network: its layers, where an output can reach the hole.
                let mut plan = Plan::new(&shares.layout, plan_memory);
                plan.restrict(config, group, *hole_aware);
                let step = config.integers().map(|integers| integers.maps()[0].step);
                network::write_input(&shares.layout, shares.prior.as_ref(), image, group, (scale, step), arena);
                let (area, macs) = (shares.layout.input().frame.area() as u64, plan.macs());
                let mut layer_done = |done: u64| meter.tell(area, done, macs);
                let observe = observe.as_deref_mut();
                pool.enter(|| network.run(&plan, arena, pool, &mut layer_done, observe))?;
                watch.lap(&mut times.network);

                // Composite: the filled pixels, rounded to the photograph's type.
                let (output, prior) = (network::output(&shares.layout, arena), network::prior(&shares, arena));
                composite::write(image, group, target, network, output, prior, scale);
                watch.lap(&mut times.composite);

                meter.done += area;
                report.macs += macs;
                Ok(())
            })
        };
        let done = control::with_defaults(|| {
            pyramid::for_each_step(&mask, config.levels(), plan.is_wide, &mut |step| match step {
                Step::Wide(part) => pyramid::fill_part(image, part, &mut fill),
                Step::Rest(mask) => fill(image, &mask, mask.whole()),
            })
        });
        let done = done.and_then(|()| match plan.wide_holes {
            0 => Ok(()),
            _ => control::with_defaults(|| self.add_texture(image, &mask, &mut memory, plan.arena, &mut meter)),
        });
        watch.lap(&mut times.synthesis);
        let done = done.and_then(|()| match grain::reach(self.grain) {
            None => Ok(()),
            reach => control::with_defaults(|| add_grain(image, &mask, reach, &mut memory, plan.arena)),
        });
        watch.lap(&mut times.grain);
        self.keep_memory(memory);
        done.map(|()| Report { times, ..report })
    }

    /// Synthesis: texture in wide holes.
    fn add_texture(
        &self,
        image: &mut dyn Pixels,
        mask: &MaskView<'_>,
        memory: &mut Memory<'_>,
        floats: usize,
        meter: &mut Meter<'_>,
    ) -> Result<()> {
        let Memory { groups, arena } = memory;
        let arena = arena.room(floats)?;
        for_each_wide_hole(self.texture, mask, groups, arena, &mut |hole, memory| {
            let area = texture_area(hole.bounds.area());
            let mut tell = |share: f32| meter.tell(area, (share * 1024.0) as u64, 1024);
            hole.fill(image, memory, self.isa, &self.pool, &mut tell)?;
            meter.done += area;
            Ok(())
        })
        .map(drop)
    }

    /// The report of a run that has yet to begin: its size and the pixels of its hole.
    pub(super) fn survey(&self, mask: &MaskView<'_>) -> Result<Report> {
        let (width, height, hole_pixels) = (mask.width(), mask.height(), mask.count());
        if hole_pixels == width * height {
            return Err(Error::input(
                "expected a mask that leaves pixels to fill from, found one that leaves no pixel known",
            ));
        }
        let times = StageTimes::default();
        Ok(Report {
            width,
            height,
            hole_pixels,
            regions: 0,
            wide_holes: 0,
            texture_pixels: 0,
            plan_bytes: 0,
            macs: 0,
            times,
        })
    }

    /// Refuses a plan that, together with the weights, takes more than [`Engine::max_memory`].
    pub(super) fn check_memory(&self, plan: usize) -> Result<()> {
        let Some(limit) = self.max_memory else { return Ok(()) };
        let needed = plan.saturating_add(self.network.bytes());
        if needed <= limit {
            return Ok(());
        }
        let mega = |bytes: usize| bytes.div_ceil(1 << 20);
        Err(Error::limits(format!("expected a memory limit of {}M or more, found {}M", mega(needed), limit >> 20)))
    }

    /// The memory of the last run.
    fn take_memory(&self) -> Result<Memory<'static>> {
        let idle = self.idle.lock().unwrap_or_else(|e| e.into_inner()).take();
        idle.map_or_else(Memory::empty, Ok)
    }

    /// Keeps the engine's own memory for the next run.
    fn keep_memory(&self, memory: Memory<'_>) {
        if let Memory { groups: Store::Own(groups), arena: Store::Own(arena) } = memory {
            let own = Memory { groups: Store::Own(groups), arena: Store::Own(arena) };
            *self.idle.lock().unwrap_or_else(|e| e.into_inner()) = Some(own);
        }
    }
}

/// Grain: what fills lack of it.
fn add_grain(
    image: &mut dyn Pixels,
    mask: &MaskView<'_>,
    reach: Option<usize>,
    memory: &mut Memory<'_>,
    floats: usize,
) -> Result<()> {
    let Memory { groups, arena } = memory;
    let (groups, arena) = (groups.groups(mask, reach)?.0, arena.room(floats)?);
    groups.iter().for_each(|group| grain::add(image, &group, arena));
    Ok(())
}
