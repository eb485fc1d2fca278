//! The facade: an [`Inpainter`] owns a network ready to run and fills holes in images of any size.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ndarray::{Array3, ArrayView2, ArrayView3, ArrayViewMut3, Axis};

use crate::buffer::{self, Buffer};
use crate::error::{Error, Result};
use crate::numerics;
use crate::parallel::Pool;
use crate::simd::{Isa, control};
use crate::unet::{Layout, Network, Plan};
use crate::weights::{Config, Weights};

/// What white (≥ threshold) means in a mask.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskWhite {
    /// White is the hole to fill.
    #[default]
    Hole,
    /// White is kept, black is the hole.
    Keep,
}

/// Options of an [`Inpainter`]. None of `threads`, `isa` and `hole_aware` changes one output bit.
#[derive(Clone, Debug)]
pub struct Options {
    /// Worker threads, [`MAX_THREADS`](crate::MAX_THREADS) at the most; 0 = all cores. Default 0.
    pub threads: usize,
    /// Instruction set; `None` = the best this CPU has. Default `None`.
    pub isa: Option<Isa>,
    /// Leave out decoder outputs that cannot reach a hole pixel. Default true.
    pub hole_aware: bool,
    /// Mask polarity. Default [`MaskWhite::Hole`].
    pub mask_white: MaskWhite,
    /// Mask samples at or above this are white. Default 128.
    pub mask_threshold: u8,
    /// Dilate the hole by a disc of this radius, pixels. Default 0.
    pub mask_grow: u32,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 0, isa: None, hole_aware: true, mask_white: MaskWhite::Hole, mask_threshold: 128, mask_grow: 0 }
    }
}

/// What a run did.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Report {
    /// Image width, pixels.
    pub width: usize,
    /// Image height, pixels.
    pub height: usize,
    /// Pixels filled (after `mask_grow`).
    pub hole_pixels: usize,
    /// Bytes of the plan: every buffer of the run. 0 where there was nothing to fill.
    pub plan_bytes: usize,
    /// Multiply–accumulates done.
    pub macs: u64,
    /// Time spent deciding what to compute.
    pub plan: Duration,
    /// Time spent in the network, its input and the prior included.
    pub network: Duration,
    /// Time spent copying the image and writing the filled pixels over it.
    pub composite: Duration,
}

impl Report {
    /// Of nothing done yet.
    fn new(width: usize, height: usize) -> Self {
        let none = Duration::ZERO;
        Self { width, height, hole_pixels: 0, plan_bytes: 0, macs: 0, plan: none, network: none, composite: none }
    }

    /// Share of the image that was filled, 0 … 1.
    pub fn hole_ratio(&self) -> f64 {
        self.hole_pixels as f64 / (self.width * self.height) as f64
    }
}

/// Progress of a run: `done` of `total` multiply–accumulates.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Progress {
    /// Units done.
    pub done: u64,
    /// Units in all.
    pub total: u64,
}

/// A channel sample: `u8`, `u16` (0 … max) or `f32` (0 … 1).
pub trait Sample: Copy + Default + Send + Sync + 'static {
    /// To 0 … 1.
    fn to_unit(self) -> f32;
    /// From 0 … 1, clipped, halves rounded up as [`numerics::quantize`] says.
    fn from_unit(v: f32) -> Self;
}

impl Sample for u8 {
    fn to_unit(self) -> f32 {
        f32::from(self) / 255.0
    }

    fn from_unit(v: f32) -> Self {
        numerics::quantize(v, 255) as u8
    }
}

impl Sample for u16 {
    fn to_unit(self) -> f32 {
        f32::from(self) / 65535.0
    }

    fn from_unit(v: f32) -> Self {
        numerics::quantize(v, 65535)
    }
}

impl Sample for f32 {
    fn to_unit(self) -> f32 {
        self
    }

    fn from_unit(v: f32) -> Self {
        numerics::clip_unit(v)
    }
}

/// A network ready to run, `Send + Sync`; several threads may run it at once. It keeps the memory of its last run, so a
/// second run of the same size allocates nothing but its result.
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

    /// Bytes of packed weights held.
    pub fn weights_bytes(&self) -> usize {
        self.network.bytes()
    }

    /// Bytes a run on an image of this size uses beside the weights, the image and the result.
    ///
    /// # Errors
    ///
    /// Limits, where the size cannot be addressed.
    pub fn plan_bytes(&self, width: usize, height: usize) -> Result<usize> {
        Ok(plan_bytes(&Layout::new(&self.network.config, width, height)?))
    }

    /// What a run with `mask` [height, width] would do: its report, with times of 0.
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
            self.plan(layout, &mut memory, mask, &mut report)?;
        }
        Ok(report)
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
        let mut out = Array3::default(image.dim());
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

    /// As [`Inpainter::inpaint_into`], writing the filled pixels over the image itself, which an error leaves as it was.
    /// With `scratch`, [`Inpainter::plan_bytes`] long and of any content, a run on one thread allocates nothing at all.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::inpaint`]; usage, where `scratch` is too short.
    pub fn inpaint_in_place<T: Sample>(
        &self,
        mut image: ArrayViewMut3<'_, T>,
        mask: ArrayView2<'_, u8>,
        scratch: Option<&mut [u8]>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let (height, width, channels) = image.dim();
        check_size(width, height, channels)?;
        if mask.dim() != (height, width) {
            let found = mask.dim();
            return Err(Error::input(format!("a mask of {width}×{height} expected, {}×{} found", found.1, found.0)));
        }
        if !self.has_hole(mask) {
            return Ok(Report::new(width, height));
        }
        let start = Instant::now();
        let layout = Layout::new(&self.network.config, width, height)?;
        let mut run = |memory: &mut [f32], layout| {
            control::with_defaults(|| self.run(start, layout, memory, image.view_mut(), mask, progress))
        };
        let Some(scratch) = scratch else {
            let idle = self.idle.lock().unwrap_or_else(|e| e.into_inner()).take();
            let mut memory = match idle.filter(|memory| memory.len() == layout.floats()) {
                Some(memory) => memory,
                None => Buffer::zeroed(layout.floats())?,
            };
            let done = run(&mut memory, layout);
            *self.idle.lock().unwrap_or_else(|e| e.into_inner()) = Some(memory);
            return done;
        };
        let (expected, found) = (plan_bytes(&layout), scratch.len());
        if found < expected {
            let size = format!("{expected} bytes of scratch memory expected for {width}×{height} pixels");
            return Err(Error::usage(format!("{size}, {found} found")));
        }
        run(buffer::lines(scratch), layout)
    }

    /// A run since `start` in `memory` of [`Layout::floats`].
    fn run<T: Sample>(
        &self,
        start: Instant,
        layout: Layout,
        memory: &mut [f32],
        mut image: ArrayViewMut3<'_, T>,
        mask: ArrayView2<'_, u8>,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let (height, width, channels) = image.dim();
        let mut report = Report::new(width, height);
        let (plan, arena) = self.plan(layout, memory, mask, &mut report)?;
        report.plan = start.elapsed();

        let start = Instant::now();
        self.write_input(&plan, arena, image.view());
        let total = report.macs;
        let mut layer_done = |done: u64| progress(Progress { done, total });
        self.pool.enter(|| self.network.run(&plan, arena, &self.pool, &mut layer_done))?;
        report.network = start.elapsed();

        let start = Instant::now();
        let colours = if channels < 3 { 1 } else { 3 };
        let Config { mean, std, .. } = self.network.config;
        plan.for_each_hole(arena, |x, y, v, prior| {
            let v = self.network.finish(v);
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

    fn is_hole(&self, m: u8) -> bool {
        (m >= self.options.mask_threshold) == (self.options.mask_white == MaskWhite::Hole)
    }

    fn has_hole(&self, mask: ArrayView2<'_, u8>) -> bool {
        mask.iter().any(|&m| self.is_hole(m))
    }

    /// The plan for `mask` and its arena, with the report's account of it.
    fn plan<'m>(
        &self,
        layout: Layout,
        memory: &'m mut [f32],
        mask: ArrayView2<'_, u8>,
        report: &mut Report,
    ) -> Result<(Plan<'m>, &'m mut [f32])> {
        report.plan_bytes = plan_bytes(&layout);
        let Report { width, height, .. } = *report;
        let (mut plan, arena) = Plan::new(layout, memory);
        let grow = (self.options.mask_grow as usize).min(width + height);
        report.hole_pixels = plan.set_mask(|x, y| !self.is_hole(mask[[y, x]]), grow);
        if report.hole_pixels == width * height {
            return Err(Error::input("the mask leaves no pixel known: there is nothing to fill from"));
        }
        plan.aim(&self.network.config, self.options.hole_aware);
        report.macs = plan.macs();
        Ok((plan, arena))
    }

    /// Writes (x − mean)/std where known and 0 elsewhere into the input map, and the prior beside it.
    fn write_input<T: Sample>(&self, plan: &Plan<'_>, arena: &mut [f32], image: ArrayView3<'_, T>) {
        let Config { mean, std, .. } = self.network.config;
        let colour = |c: usize| if image.dim().2 < 3 { 0 } else { c };
        // Calls `write` with the place and the normalised colours of every known pixel.
        let each_known = |write: &mut dyn FnMut(usize, usize, [f32; 3])| {
            for (y, row) in image.axis_iter(Axis(0)).enumerate() {
                let known = plan.known().row(y);
                for (x, pixel) in row.axis_iter(Axis(0)).enumerate().filter(|(x, _)| known[*x] == 1) {
                    write(x, y, std::array::from_fn(|c| (pixel[colour(c)].to_unit() - mean[c]) / std[c]));
                }
            }
        };
        let width = image.dim().1;
        let map = plan.layout.input();
        arena[map.offset..][..map.len()].fill(0.0);
        plan.solve_prior(arena, |u| each_known(&mut |x, y, v| u[3 * (y * width + x)..][..3].copy_from_slice(&v)));
        let data = &mut arena[map.offset..][..map.len()];
        each_known(&mut |x, y, v| data[map.at(x as isize, y as isize)..][..3].copy_from_slice(&v));
    }
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
