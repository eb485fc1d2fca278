//! The facade: an [`Inpainter`] owns a network ready to run and fills holes in images of any size.

mod options;
mod request;

pub use crate::engine::{Progress, Report, StageTimes, Texture};
pub use options::Options;
pub use request::{Observer, Request};

use std::ops::ControlFlow;
use std::sync::Mutex;

use ndarray::{Array3, ArrayView3, s};

use crate::alloc;
use crate::engine::{Engine, Job, most_bytes};
use crate::error::{Error, Result};
use crate::mask::Mask;
use crate::parallel::Pool;
use crate::sample::Sample;
use crate::simd::{Isa, control};
use crate::unet::Network;
use crate::weights::{Config, Weights};

/// A network ready to run, `Send + Sync`; several threads may run it at once. It keeps the memory of its last run, so a
/// second run of the same hole allocates nothing.
///
/// Results do not depend on the floating-point control word of the calling thread, which is restored on return.
///
/// ```no_run
/// # #[cfg(not(feature = "embedded-weights"))]
/// # fn main() {}
/// # #[cfg(feature = "embedded-weights")]
/// # fn main() -> inpaint_edge::Result<()> {
/// use inpaint_edge::{Inpainter, Mask, Options, Request};
/// use ndarray::Array3;
///
/// let inpainter = Inpainter::embedded(Options::default())?;
/// let mut image = Array3::<u8>::zeros((480, 640, 3)); // height, width, channels
/// let mut mask = Mask::new(640, 480)?; // nothing to fill
/// mask.add_box(300..360, 200..240);
/// let report = inpainter.run(Request::new(image.view_mut(), &mask))?; // in place
/// assert_eq!(report.hole_pixels, 2400);
/// # Ok(())
/// # }
/// ```
pub struct Inpainter {
    engine: Engine,
    isa: Isa,
}

impl Inpainter {
    /// Loads the weights built into the library.
    ///
    /// # Errors
    ///
    /// Usage, where this CPU lacks the instruction set; limits, where memory cannot be had.
    #[cfg(feature = "embedded-weights")]
    pub fn embedded(options: Options) -> Result<Self> {
        Self::from_bytes(crate::weights::EMBEDDED, options)
    }

    /// Loads a weights file in memory, and keeps no reference to it.
    ///
    /// # Errors
    ///
    /// As [`Weights::from_bytes`]; usage, where this CPU lacks the instruction set; limits, where memory cannot be had.
    pub fn from_bytes(bytes: &[u8], options: Options) -> Result<Self> {
        Self::new(Weights::from_bytes(bytes)?, options)
    }

    /// Loads a weights file from disk, one tensor at a time.
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
        let Options { threads, isa, hole_aware, context, texture, grain, max_memory } = options;
        if context == Some(0) {
            return Err(Error::usage("context: expected 1 pixel or more, found 0"));
        }
        if texture == Texture::On && !cfg!(feature = "texture") {
            return Err(Error::usage("texture: expected auto or off in a library without feature texture, found on"));
        }
        let isa = isa.unwrap_or_else(Isa::best).require()?;
        let pool = Pool::new(threads);
        let mut network = control::with_defaults(|| Network::load(weights, isa, &pool))?;
        network.config.set_context(context.or(network.config.context()).filter(|pixels| *pixels < usize::MAX))?;
        let engine = Engine { network, pool, hole_aware, texture, grain, isa, max_memory, idle: Mutex::new(None) };
        Ok(Self { engine, isa })
    }

    /// What the weights describe.
    pub fn config(&self) -> &Config {
        &self.engine.network.config
    }

    /// The instruction set in use.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Worker threads in use.
    pub fn threads(&self) -> usize {
        self.engine.pool.threads()
    }

    /// Bytes of packed weights held.
    pub fn weights_bytes(&self) -> usize {
        self.engine.network.bytes()
    }

    /// Bytes that are equal for inpainters that fill alike, and tell other weights, options that change the output and versions of
    /// the library apart: what the hole of a small picture of 16 bits becomes, and these options. Takes a small run.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::run`].
    pub fn identity(&self) -> Result<Vec<u8>> {
        const SIDE: usize = 16;
        let mut image = Array3::from_shape_fn((SIDE, SIDE, 3), |(y, x, c)| (7919 * (y * SIDE + x) + 21_850 * c) as u16);
        let mut mask = Mask::new(SIDE, SIDE)?;
        let hole = SIDE / 2 - 2..SIDE / 2 + 2;
        mask.add_box(hole.clone(), hole.clone());
        let mut scratch = alloc::try_filled(0, self.scratch_bytes(SIDE, SIDE)?)?;
        self.run(Request::new(image.view_mut(), &mask).scratch(&mut scratch))?;
        let filled: Vec<_> = image.slice(s![hole.clone(), hole, ..]).iter().flat_map(|v| v.to_le_bytes()).collect();
        let (texture, grain) = match cfg!(feature = "texture") {
            true => (self.engine.texture, self.engine.grain),
            false => (Texture::Off, false),
        };
        let context = self.config().context().map_or(u64::MAX, |pixels| pixels as u64).to_le_bytes();
        let version = env!("CARGO_PKG_VERSION").as_bytes();
        Ok([&filled[..], &[texture as u8, grain.into()], &context, version].concat())
    }

    /// Fills a photograph in place. Known pixels and the whole alpha channel stay as they are, bit for bit; grey is the mean
    /// of the filled red, green and blue. A mask without a hole leaves everything.
    ///
    /// An error leaves the photograph as it was, except that a run that is cancelled or finds no memory may have filled parts
    /// of the hole.
    ///
    /// # Errors
    ///
    /// Input, where the sizes differ, a side is 0, there are not 1 to 4 channels, or no pixel is known; limits, where memory
    /// cannot be had or [`Options::max_memory`] is too small; cancelled, where the progress callback breaks; usage, where
    /// scratch memory is too short, or where the engine's threads belong to a parent process.
    pub fn run<T: Sample>(&self, request: Request<'_, T>) -> Result<Report> {
        let Request { mut image, mask, progress, scratch, observe } = request;
        let (height, width, channels) = image.dim();
        self.check_process()?;
        check_size(width, height, channels)?;
        if (mask.width(), mask.height()) != (width, height) {
            let (w, h) = (mask.width(), mask.height());
            return Err(Error::input(format!("expected a mask of {width}×{height}, found {w}×{h}")));
        }
        if let Some(found) = scratch.as_ref().map(|scratch| scratch.len()) {
            let expected = self.scratch_bytes(width, height)?;
            if found < expected {
                let size = format!("expected {expected} bytes of scratch memory for {width}×{height} pixels");
                return Err(Error::usage(format!("{size}, found {found}")));
            }
        }
        let mut go_on = |_| ControlFlow::Continue(());
        let progress = progress.unwrap_or(&mut go_on);
        self.engine.run(Job {
            image: &mut image,
            mask,
            scratch,
            progress,
            observe: observe.map(|observe| observe as &mut Observer<'_>),
        })
    }

    /// A filled copy of a photograph: [`Inpainter::run`] without its report.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::run`].
    pub fn inpaint<T: Sample>(&self, image: ArrayView3<'_, T>, mask: &Mask<impl AsRef<[u64]>>) -> Result<Array3<T>> {
        let shape = image.dim();
        let mut pixels = alloc::try_with_capacity(shape.0.saturating_mul(shape.1).saturating_mul(shape.2))?;
        pixels.extend(image.iter());
        let mut filled = Array3::from_shape_vec(shape, pixels).expect("a sample a place");
        self.run(Request::new(filled.view_mut(), mask))?;
        Ok(filled)
    }

    /// What a run with `mask` on an image of `channels` would take: regions and bytes of the plan.
    /// Multiply–accumulates and times are 0.
    ///
    /// # Errors
    ///
    /// Those of [`Inpainter::run`] that follow from the mask and [`Options::max_memory`]; the message names the limit that
    /// would do.
    pub fn plan(&self, mask: &Mask<impl AsRef<[u64]>>, channels: usize) -> Result<Report> {
        check_size(mask.width(), mask.height(), channels)?;
        self.engine.plan(&mask.view(), channels)
    }

    /// The pixels that a run with `mask` may look at, its hole among them: what the image holds elsewhere changes nothing of the
    /// fill. With a network of bounded context, these lie around the holes, farther around wide ones; else they are all.
    ///
    /// # Errors
    ///
    /// Input, if a side is 0, or if the hole is all of the image; limits, if memory runs out.
    pub fn seen(&self, mask: &Mask<impl AsRef<[u64]>>) -> Result<Mask> {
        check_size(mask.width(), mask.height(), 1)?;
        self.engine.seen(&mask.view())
    }

    /// As [`Inpainter::plan`], with the multiply–accumulates. They are counted, which takes part of a run's time and no
    /// memory for feature maps.
    ///
    /// # Errors
    ///
    /// As [`Inpainter::plan`].
    pub fn estimate(&self, mask: &Mask<impl AsRef<[u64]>>, channels: usize) -> Result<Report> {
        check_size(mask.width(), mask.height(), channels)?;
        self.engine.estimate(&mask.view(), channels)
    }

    /// Bytes of [scratch memory](Request::scratch) that are enough for any hole in an image of this size.
    ///
    /// # Errors
    ///
    /// Input, where a side is 0; limits, where the size cannot be addressed.
    pub fn scratch_bytes(&self, width: usize, height: usize) -> Result<usize> {
        let Engine { hole_aware, texture, grain, .. } = self.engine;
        most_bytes(self.config(), width, height, hole_aware, texture, grain)
    }

    /// Refuses to wait for threads that a child of fork() does not have.
    fn check_process(&self) -> Result<()> {
        match self.engine.pool.is_here() {
            true => Ok(()),
            false => {
                Err(Error::usage("expected an engine of this process or of one thread, found one made before fork()"))
            }
        }
    }
}

fn check_size(width: usize, height: usize, channels: usize) -> Result<()> {
    if !(1..=4).contains(&channels) || height == 0 || width == 0 {
        return Err(Error::input(format!(
            "expected at least one pixel and 1 to 4 channels, found {width}×{height}×{channels}"
        )));
    }
    Ok(())
}
