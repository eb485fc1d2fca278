//! The stages in their order: mask, regions, prior, network, composite. A stage sees its region, its own share of the memory
//! and the pixels, and never another stage.

use std::ops::ControlFlow;
use std::sync::Mutex;

use super::pixels::{Pixels, Scale};
use super::report::{Meter, Progress, Report, StageTimes};
use super::scratch::Shares;
use super::strategy::Strategy;
use super::{composite, network, prior, pyramid, regions};
use crate::alloc::{self, Buffer};
use crate::clock::Stopwatch;
use crate::error::{Error, Result};
use crate::mask::MaskView;
use crate::parallel::Pool;
use crate::simd::control;
use crate::unet::{Network, Plan};

/// A network with threads and memory to run it.
pub(crate) struct Engine {
    pub network: Network,
    pub pool: Pool,
    /// Whether to skip outputs that no hole pixel depends on.
    pub hole_aware: bool,
    /// Bytes that weights and a run's buffers may take together.
    pub max_memory: Option<usize>,
    /// The memory of the last run, kept for the next.
    pub idle: Mutex<Option<Buffer>>,
}

/// A photograph to fill, its mask, and how to fill it.
pub(crate) struct Job<'j> {
    pub image: &'j mut dyn Pixels,
    /// As large as the image.
    pub mask: MaskView<'j>,
    /// Never [`Strategy::Auto`].
    pub strategy: Strategy,
    /// Memory for a run of the whole image.
    pub scratch: Option<&'j mut [u8]>,
    pub progress: &'j mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
}

impl Engine {
    /// Fills the hole of a photograph: the way of a pixel from the first stage to the last.
    pub fn run(&self, job: Job<'_>) -> Result<Report> {
        let Job { image, mask, strategy, scratch, progress } = job;
        let Self { network, pool, hole_aware, .. } = self;
        let config = &network.config;
        let scale = Scale { mean: config.mean(), std: config.std() };
        let (mut watch, mut times) = (Stopwatch::start(), StageTimes::default());

        // Mask: what is to be filled.
        let mut report = self.survey(&mask, strategy)?;
        watch.lap(&mut times.mask);
        if report.hole_pixels == 0 {
            return Ok(Report { times, ..report });
        }

        // Regions: where the network runs, and memory for the largest.
        let plan = self.plan_regions(&mask, strategy, image.colours())?;
        (report.regions, report.plan_bytes) = (plan.regions, plan.bytes);
        let mut own = None;
        let memory = match scratch {
            Some(scratch) => lent(scratch, plan.bytes, report.width, report.height)?,
            None => {
                self.check_memory(plan.bytes)?;
                &mut own.insert(self.take_memory(plan.floats)?)[..]
            }
        };
        let mut meter = Meter { progress, done: 0, total: plan.area };
        let mut fill = |image: &mut dyn Pixels, mask: &MaskView<'_>| -> Result<()> {
            let ((width, height), area) = (image.size(), (mask.width() * mask.height()) as u64);
            let shares = Shares::new(config, width, height)?;
            let (arena, plan_memory) = memory.split_at_mut(shares.arena);
            watch.lap(&mut times.regions);

            // Prior: a smooth fill that the network adds to.
            if let Some(prior) = &shares.prior {
                prior::solve(prior, image, mask, scale, arena);
            }
            watch.lap(&mut times.prior);

            // Network: its layers, where an output can reach the hole.
            let mut plan = Plan::new(&shares.layout, plan_memory);
            plan.restrict_to_mask(config, mask, *hole_aware);
            network::write_input(&shares.layout, shares.prior.as_ref(), image, mask, scale, arena);
            let macs = plan.macs();
            let mut layer_done = |done: u64| meter.tell(area, done, macs);
            pool.enter(|| network.run(&plan, arena, pool, &mut layer_done))?;
            watch.lap(&mut times.network);

            // Composite: the filled pixels, rounded to the photograph's type.
            let (output, prior) = (network::output(&shares.layout, arena), network::prior(&shares, arena));
            composite::write(image, mask, network, output, prior, scale);
            watch.lap(&mut times.composite);

            meter.done += area;
            report.macs += macs;
            Ok(())
        };
        let done = control::with_defaults(|| match strategy {
            Strategy::Window => {
                regions::for_each_part(&mask, config.levels(), &mut |part| pyramid::fill_part(image, part, &mut fill))
            }
            _ => fill(image, &mask),
        });
        if let Some(own) = own {
            self.keep_memory(own);
        }
        done.map(|()| Report { times, ..report })
    }

    /// The report of a run that has yet to begin: its size and the pixels of its hole.
    pub(super) fn survey(&self, mask: &MaskView<'_>, strategy: Strategy) -> Result<Report> {
        let (width, height, hole_pixels) = (mask.width(), mask.height(), mask.count());
        if hole_pixels == width * height {
            return Err(Error::input(
                "expected a mask that leaves pixels to fill from, found one that leaves no pixel known",
            ));
        }
        let times = StageTimes::default();
        Ok(Report { width, height, hole_pixels, strategy, regions: 0, plan_bytes: 0, macs: 0, times })
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

    /// The memory of the last run, if it has this size.
    fn take_memory(&self, floats: usize) -> Result<Buffer> {
        let idle = self.idle.lock().unwrap_or_else(|e| e.into_inner()).take();
        idle.filter(|memory| memory.len() == floats).map_or_else(|| Buffer::zeroed(floats), Ok)
    }

    /// Keeps the memory for the next run.
    fn keep_memory(&self, memory: Buffer) {
        *self.idle.lock().unwrap_or_else(|e| e.into_inner()) = Some(memory);
    }
}

/// A caller's memory as floats. It must have `expected` bytes or more.
fn lent(scratch: &mut [u8], expected: usize, width: usize, height: usize) -> Result<&mut [f32]> {
    let found = scratch.len();
    if found < expected {
        let size = format!("expected {expected} bytes of scratch memory for {width}×{height} pixels");
        return Err(Error::usage(format!("{size}, found {found}")));
    }
    Ok(alloc::lines(scratch))
}
