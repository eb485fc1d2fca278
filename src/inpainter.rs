//! The facade: an [`Inpainter`] owns a network ready to run and fills holes in images of any size.

mod estimate;
mod options;
mod windows;

pub use options::{MaskWhite, NATIVE_PIXELS, Options, Progress, Report, Strategy};

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::Instant;

use ndarray::{Array3, ArrayView2, ArrayView3, ArrayViewMut3, Axis};

use crate::buffer::{self, Buffer};
use crate::error::{Error, Result};
use crate::holes::Holes;
use crate::numerics;
use crate::parallel::Pool;
use crate::sample::Sample;
use crate::simd::{Isa, control};
use crate::unet::{Layout, Network, Plan};
use crate::weights::{Config, Weights};
use crate::window::colours;

/// A network ready to run, `Send + Sync`; several threads may run it at once. It keeps the memory of its last run, so a
/// second native run of the same size allocates nothing but its result.
///
/// Results do not depend on the floating-point control word of the calling thread, which is put back on return.
///
/// ```no_run
/// # #[cfg(not(feature = "embedded-weights"))]
/// # fn main() {}
/// # #[cfg(feature = "embedded-weights")]
/// # fn main() -> inpaint_edge::Result<()> {
/// use inpaint_edge::{Inpainter, Options};
/// use ndarray::{Array2, Array3};
///
/// let inpainter = Inpainter::embedded(Options::default())?;
/// let image = Array3::<u8>::zeros((480, 640, 3)); // height, width, channels
/// let mut mask = Array2::<u8>::zeros((480, 640)); // 255 = hole
/// mask.slice_mut(ndarray::s![200..240, 300..360]).fill(255);
/// let (filled, report) = inpainter.inpaint(image.view(), mask.view())?;
/// assert_eq!(report.hole_pixels, 2400);
/// # Ok(())
/// # }
/// ```
pub struct Inpainter {
    network: Network,
    isa: Isa,
    pool: Pool,
    options: Options,
    idle: Mutex<Option<Buffer>>,
}

impl Inpainter {
    /// From the weights built into the library.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks `options.isa`; limits, where memory cannot be had.
    #[cfg(feature = "embedded-weights")]
    pub fn embedded(options: Options) -> Result<Self> {
        Self::from_bytes(crate::weights::EMBEDDED, options)
    }

    /// From a weights file in memory, which is not kept.
    ///
    /// # Errors
    ///
    /// As [`Weights::from_bytes`]; usage, where this CPU lacks `options.isa`; limits, where memory cannot be had.
    pub fn from_bytes(bytes: &[u8], options: Options) -> Result<Self> {
        Self::new(Weights::from_bytes(bytes)?, options)
    }

    /// From a weights file on disk, read one tensor at a time.
    ///
    /// # Errors
    ///
    /// As [`Weights::open`] and [`Inpainter::from_bytes`].
    #[cfg(feature = "fs")]
    pub fn from_path(path: impl AsRef<std::path::Path>, options: Options) -> Result<Self> {
        let path = path.as_ref();
        Self::new(Weights::open(path)?, options).map_err(|e| match e.kind() {
            crate::ErrorKind::Usage => e,
            _ => e.of(path.display()),
        })
    }

    fn new(weights: Weights<'_>, options: Options) -> Result<Self> {
        let isa = options.isa.unwrap_or_else(Isa::best).require()?;
        let network = control::with_defaults(|| Network::load(weights, isa))?;
        Ok(Self { network, isa, pool: Pool::new(options.threads), options, idle: Mutex::new(None) })
    }

    /// What the weights describe.
    pub fn config(&self) -> &Config {
        &self.network.config
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Worker threads in use.
    pub fn threads(&self) -> usize {
        self.pool.threads()
    }

    /// Fills the hole of `image` [height, width, channels] (1 grey, 2 grey + alpha, 3 RGB, 4 RGBA) where `mask`
    /// [height, width] says. Known pixels and the whole alpha channel are copied bit for bit; grey is the mean of the
    /// filled red, green and blue. A mask without a hole gives a copy.
    ///
    /// # Errors
    ///
    /// Input, where the sizes differ, are zero, or nothing is known; limits, where memory cannot be had.
    pub fn inpaint<T: Sample>(
        &self,
        image: ArrayView3<'_, T>,
        mask: ArrayView2<'_, u8>,
    ) -> Result<(Array3<T>, Report)> {
        let mut out = crate::window::zeros(image.dim())?;
        let report = self.inpaint_into(image, mask, out.view_mut(), &mut |_| ControlFlow::Continue(()))?;
        Ok((out, report))
    }

    /// As [`Inpainter::inpaint`], into `out` of the image's shape, telling `progress` as it goes; `Break` ends the run
    /// with [`Cancelled`](crate::ErrorKind::Cancelled). On an error the content of `out` is unspecified.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint`].
    pub fn inpaint_into<T: Sample>(
        &self,
        image: ArrayView3<'_, T>,
        mask: ArrayView2<'_, u8>,
        mut out: ArrayViewMut3<'_, T>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        if out.dim() != image.dim() {
            let ((height, width, channels), found) = (image.dim(), out.dim());
            return Err(Error::input(format!(
                "a result of {width}×{height}×{channels} expected, {}×{}×{} found",
                found.1, found.0, found.2
            )));
        }
        let start = Instant::now();
        out.assign(&image);
        let copied = start.elapsed();
        let mut report = self.inpaint_in_place(out, mask, None, progress)?;
        report.composite += copied;
        Ok(report)
    }

    /// As [`Inpainter::inpaint_into`], writing the filled pixels over the image itself, which an error leaves as it was; but
    /// a run in windows that ends in one may have written parts of the hole.
    /// With `scratch`, [`Inpainter::plan_bytes`] long and of any content, a run on one thread allocates nothing at all.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint`]; usage, where `scratch` is too short.
    pub fn inpaint_in_place<T: Sample>(
        &self,
        image: ArrayViewMut3<'_, T>,
        mask: ArrayView2<'_, u8>,
        scratch: Option<&mut [u8]>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let (height, width, _) = image.dim();
        if scratch.is_some() || self.options.strategy.for_size(width, height) != Strategy::Window {
            return self.inpaint_native(image, mask, scratch, progress);
        }
        if !self.has_work(image.dim(), mask)? {
            return Ok(Report::new(width, height));
        }
        self.run_windows(image, &Holes::new(mask, &self.options)?, progress)
    }

    /// As [`Inpainter::inpaint_in_place`], the whole image at once: without the code of windows, where that counts.
    pub(crate) fn inpaint_native<T: Sample>(
        &self,
        mut image: ArrayViewMut3<'_, T>,
        mask: ArrayView2<'_, u8>,
        scratch: Option<&mut [u8]>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let (height, width, _) = image.dim();
        if !self.has_work(image.dim(), mask)? {
            return Ok(Report::new(width, height));
        }
        let start = Instant::now();
        let Some(scratch) = scratch else {
            return self.run_whole(image, &self.reading(mask), progress);
        };
        let layout = Layout::new(&self.network.config, width, height)?;
        let (expected, found) = (plan_bytes(&layout), scratch.len());
        if found < expected {
            let size = format!("{expected} bytes of scratch memory expected for {width}×{height} pixels");
            return Err(Error::usage(format!("{size}, {found} found")));
        }
        let hole = self.reading(mask);
        control::with_defaults(|| self.run(start, layout, buffer::lines(scratch), image.view_mut(), &hole, progress))
    }

    /// As [`Inpainter::inpaint_in_place`] with `holes` of the image's size: what is left of a mask when memory counts.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint`].
    pub fn inpaint_holes<T: Sample>(
        &self,
        image: ArrayViewMut3<'_, T>,
        holes: &Holes,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let (height, width, channels) = image.dim();
        self.check_process()?;
        check_size(width, height, channels)?;
        if (holes.width(), holes.height()) != (width, height) {
            let (w, h) = (holes.width(), holes.height());
            return Err(Error::input(format!("a mask of {width}×{height} expected, {w}×{h} found")));
        }
        match self.options.strategy.for_size(width, height) {
            _ if holes.pixels() == 0 => Ok(Report::new(width, height)),
            Strategy::Window => self.run_windows(image, holes, progress),
            _ => self.run_whole(image, &Hole { is_known: |x, y| !holes.is_hole(x, y), grow: 0 }, progress),
        }
    }

    /// Refuses a plan that does not fit beside the weights and what the caller holds.
    fn check_memory(&self, plan: usize) -> Result<()> {
        let Some(limit) = self.options.max_memory else { return Ok(()) };
        let needed = plan.saturating_add(self.weights_bytes());
        if needed <= limit {
            return Ok(());
        }
        let mega = |bytes: usize| bytes.div_ceil(1 << 20);
        Err(Error::limits(format!("a memory limit of {}M or more expected, {}M found", mega(needed), limit >> 20)))
    }

    /// A run on the whole image in memory of the inpainter's own.
    fn run_whole<T: Sample>(
        &self,
        image: ArrayViewMut3<'_, T>,
        hole: &Hole<impl Fn(usize, usize) -> bool>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let start = Instant::now();
        let (height, width, _) = image.dim();
        let layout = Layout::new(&self.network.config, width, height)?;
        self.check_memory(plan_bytes(&layout))?;
        let mut memory = self.take_memory(layout.floats())?;
        let done = control::with_defaults(|| self.run(start, layout, &mut memory, image, hole, progress));
        self.keep_memory(memory);
        done
    }

    /// The memory of the last run, if it has this size.
    fn take_memory(&self, floats: usize) -> Result<Buffer> {
        let idle = self.idle.lock().unwrap_or_else(|e| e.into_inner()).take();
        idle.filter(|memory| memory.len() == floats).map_or_else(|| Buffer::zeroed(floats), Ok)
    }

    /// For the next run.
    fn keep_memory(&self, memory: Buffer) {
        *self.idle.lock().unwrap_or_else(|e| e.into_inner()) = Some(memory);
    }

    /// A run since `start` in `memory` of [`Layout::floats`] or more.
    fn run<T: Sample>(
        &self,
        start: Instant,
        layout: Layout,
        memory: &mut [f32],
        mut image: ArrayViewMut3<'_, T>,
        hole: &Hole<impl Fn(usize, usize) -> bool>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let (height, width, channels) = image.dim();
        let mut report = Report::new(width, height);
        report.windows = 1;
        let (plan, arena) = self.plan(layout, memory, hole, &mut report)?;
        report.plan = start.elapsed();

        let start = Instant::now();
        self.write_input(&plan, arena, image.view());
        let total = report.macs;
        // What a callback does to the control word ends with it.
        let mut layer_done = |done: u64| control::with_defaults(|| progress(Progress { done, total }));
        self.pool.enter(|| self.network.run(&plan, arena, &self.pool, &mut layer_done))?;
        report.network = start.elapsed();

        let start = Instant::now();
        let colours = colours(channels);
        let Config { mean, std, .. } = self.network.config;
        plan.for_each_hole(arena, |x, y, v, prior| {
            let v = self.network.epilogue(v);
            let rgb: [f32; 3] = std::array::from_fn(|c| numerics::clip_unit((v[c] + prior[c]) * std[c] + mean[c]));
            if colours == 1 {
                image[[y, x, 0]] = T::from_unit((rgb[0] + rgb[1] + rgb[2]) / 3.0);
            } else {
                for (c, v) in rgb.into_iter().enumerate() {
                    image[[y, x, c]] = T::from_unit(v);
                }
            }
        });
        report.composite = start.elapsed();
        Ok(report)
    }

    /// Whether there is anything to fill in an image of these dimensions.
    ///
    /// # Errors
    ///
    /// Input or limits, where they or the mask's cannot be worked on.
    fn has_work(&self, (height, width, channels): (usize, usize, usize), mask: ArrayView2<'_, u8>) -> Result<bool> {
        self.check_process()?;
        check_size(width, height, channels)?;
        if mask.dim() != (height, width) {
            let found = mask.dim();
            return Err(Error::input(format!("a mask of {width}×{height} expected, {}×{} found", found.1, found.0)));
        }
        Ok(self.has_hole(mask))
    }

    /// Refuses to wait for threads that a child of fork() does not have.
    fn check_process(&self) -> Result<()> {
        match self.pool.is_here() {
            true => Ok(()),
            false => Err(Error::usage(
                "an engine of this process or of one thread expected, its parent's before fork() found",
            )),
        }
    }

    fn has_hole(&self, mask: ArrayView2<'_, u8>) -> bool {
        mask.iter().any(|&m| self.options.is_hole(m))
    }

    /// A mask as the options say.
    fn reading<'m>(&'m self, mask: ArrayView2<'m, u8>) -> Hole<impl Fn(usize, usize) -> bool> {
        Hole { is_known: move |x, y| !self.options.is_hole(mask[[y, x]]), grow: self.options.mask_grow as usize }
    }

    /// The plan for `hole` and its arena, with the report's account of it.
    fn plan<'m>(
        &self,
        layout: Layout,
        memory: &'m mut [f32],
        hole: &Hole<impl Fn(usize, usize) -> bool>,
        report: &mut Report,
    ) -> Result<(Plan<'m>, &'m mut [f32])> {
        report.plan_bytes = plan_bytes(&layout);
        let Report { width, height, .. } = *report;
        let (mut plan, arena) = Plan::new(layout, memory);
        report.hole_pixels = plan.set_mask(&hole.is_known, hole.grow.min(width + height));
        if report.hole_pixels == width * height {
            return Err(nothing_known());
        }
        plan.aim(&self.network.config, self.options.hole_aware);
        report.macs = plan.macs();
        Ok((plan, arena))
    }

    /// Writes (x − mean)/std where known and 0 elsewhere into the input map, and the prior beside it.
    fn write_input<T: Sample>(&self, plan: &Plan<'_>, arena: &mut [f32], image: ArrayView3<'_, T>) {
        let Config { mean, std, .. } = self.network.config;
        let colour = |c: usize| c.min(colours(image.dim().2) - 1);
        let map = plan.layout.input();
        let data = &mut arena[map.offset..][..map.len()];
        data.fill(0.0);
        for (y, row) in image.axis_iter(Axis(0)).enumerate() {
            let known = plan.known().row(y);
            for (x, pixel) in row.axis_iter(Axis(0)).enumerate().filter(|(x, _)| known[*x] == 1) {
                let at = map.at(x as isize, y as isize);
                for (c, v) in data[at..at + 3].iter_mut().enumerate() {
                    *v = (pixel[colour(c)].to_unit() - mean[c]) / std[c];
                }
            }
        }
        plan.solve_prior(arena);
    }
}

impl Holes {
    /// Of a mask [height, width], read as `options` say: polarity, threshold, and growth by `mask_grow`.
    ///
    /// # Errors
    ///
    /// Limits, where memory cannot be had.
    pub fn new(mask: ArrayView2<'_, u8>, options: &Options) -> Result<Self> {
        Self::of(mask, |m| options.is_hole(m), options.mask_grow as usize)
    }
}

/// Where an image is known, before the hole grows.
struct Hole<F> {
    is_known: F,
    grow: usize,
}

fn nothing_known() -> Error {
    Error::input("the mask leaves no pixel known: there is nothing to fill from")
}

/// Bytes that hold the plan, wherever they start.
fn plan_bytes(layout: &Layout) -> usize {
    size_of::<f32>() * (layout.floats() + Buffer::LINE)
}

fn check_size(width: usize, height: usize, channels: usize) -> Result<()> {
    if !(1..=4).contains(&channels) || height == 0 || width == 0 {
        return Err(Error::input(format!(
            "at least one pixel and 1 to 4 channels expected, {width}×{height}×{channels} found"
        )));
    }
    Ok(())
}
