//! The facade: an [`Inpainter`] owns a network ready to run and fills holes in images of any size.

use std::ops::ControlFlow;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use ndarray::{Array3, ArrayView2, ArrayView3, ArrayViewMut3, Axis};

use crate::buffer::Buffer;
use crate::error::{Error, Result};
use crate::numerics;
use crate::parallel::Pool;
use crate::simd::Isa;
use crate::unet::{Network, Plan};
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

/// A plan and the memory it describes.
struct Workspace {
    plan: Plan,
    arena: Buffer,
}

/// A network ready to run, `Send + Sync`. It keeps the memory of its last run, so a second run of the same size
/// allocates nothing but its result.
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
    idle: Mutex<Option<Workspace>>,
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
        let network = Network::load(weights, isa)?;
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
        Ok(Plan::new(&self.network.config, width, height)?.bytes())
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
        let (height, width, channels) = image.dim();
        check_shapes(image.dim(), mask.dim(), out.dim())?;
        let mut report = Report {
            width,
            height,
            hole_pixels: 0,
            plan_bytes: 0,
            macs: 0,
            plan: Duration::ZERO,
            network: Duration::ZERO,
            composite: Duration::ZERO,
        };
        let white_is_hole = self.options.mask_white == MaskWhite::Hole;
        let is_hole = |m: u8| (m >= self.options.mask_threshold) == white_is_hole;
        if !mask.iter().any(|&m| is_hole(m)) {
            out.assign(&image);
            return Ok(report);
        }

        let start = Instant::now();
        let idle = self.idle.lock().unwrap_or_else(|e| e.into_inner()).take();
        let mut work = match idle {
            Some(work) if (work.plan.width, work.plan.height) == (width, height) => work,
            _ => {
                let plan = Plan::new(&self.network.config, width, height)?;
                let arena = Buffer::zeroed(plan.arena)?;
                Workspace { plan, arena }
            }
        };
        let Workspace { plan, arena } = &mut work;
        report.hole_pixels =
            plan.set_mask(|x, y| !is_hole(mask[[y, x]]), (self.options.mask_grow as usize).min(width + height));
        if report.hole_pixels == width * height {
            return Err(Error::input("the mask leaves no pixel known: there is nothing to fill from"));
        }
        plan.aim(&self.network.config, self.options.hole_aware);
        report.plan_bytes = plan.bytes();
        report.macs = plan.macs();
        report.plan = start.elapsed();

        let start = Instant::now();
        self.write_input(plan, arena, image);
        let total = plan.macs();
        let mut layer_done = |done: u64| progress(Progress { done, total });
        self.pool.enter(|| self.network.run(plan, arena, &self.pool, &mut layer_done))?;
        plan.solve_prior(arena);
        report.network = start.elapsed();

        let start = Instant::now();
        out.assign(&image);
        let colours = if channels < 3 { 1 } else { 3 };
        let Config { mean, std, .. } = self.network.config;
        plan.for_each_hole(arena, |x, y, v, prior| {
            let v = self.network.finish(v);
            let rgb: [f32; 3] = std::array::from_fn(|c| numerics::clip_unit((v[c] + prior[c]) * std[c] + mean[c]));
            if colours == 1 {
                out[[y, x, 0]] = T::from_unit((rgb[0] + rgb[1] + rgb[2]) / 3.0);
            } else {
                for (c, v) in rgb.into_iter().enumerate() {
                    out[[y, x, c]] = T::from_unit(v);
                }
            }
        });
        report.composite = start.elapsed();
        *self.idle.lock().unwrap_or_else(|e| e.into_inner()) = Some(work);
        Ok(report)
    }

    /// Writes (x − mean)/std where known and 0 elsewhere into the input map.
    fn write_input<T: Sample>(&self, plan: &Plan, arena: &mut [f32], image: ArrayView3<'_, T>) {
        let map = plan.input();
        let data = &mut arena[map.offset..][..map.len()];
        data.fill(0.0);
        let Config { mean, std, .. } = self.network.config;
        let colour = |c: usize| if image.dim().2 < 3 { 0 } else { c };
        for (y, row) in image.axis_iter(Axis(0)).enumerate() {
            let known = plan.known().row(y);
            for (x, pixel) in row.axis_iter(Axis(0)).enumerate().filter(|(x, _)| known[*x] == 1) {
                let at = map.at(x as isize, y as isize);
                for (c, v) in data[at..at + 3].iter_mut().enumerate() {
                    *v = (pixel[colour(c)].to_unit() - mean[c]) / std[c];
                }
            }
        }
    }
}

fn check_shapes(image: (usize, usize, usize), mask: (usize, usize), out: (usize, usize, usize)) -> Result<()> {
    let (height, width, channels) = image;
    if !(1..=4).contains(&channels) || height == 0 || width == 0 {
        return Err(Error::input(format!(
            "at least one pixel and 1 to 4 channels expected, {width}×{height}×{channels} found"
        )));
    }
    if mask != (height, width) {
        return Err(Error::input(format!("a mask of {width}×{height} expected, {}×{} found", mask.1, mask.0)));
    }
    if out != image {
        return Err(Error::input(format!(
            "a result of {width}×{height}×{channels} expected, {}×{}×{} found",
            out.1, out.0, out.2
        )));
    }
    Ok(())
}
