//! The engine on NumPy arrays.

use std::path::PathBuf;

use inpaint_edge::{Error, Inpainter, Options, Request, Result, Sample, Texture};
use ndarray::{ArrayViewMut3, Axis};
use numpy::{Element, PyArray3, PyArrayMethods};
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::PyDict;

use crate::encoded::{Job, Source};
use crate::fault::raised;
use crate::hole::{Hole, Reading};
use crate::run::{report_dict, watched};

/// Weights in memory or in a file.
#[derive(FromPyObject)]
enum Weights {
    Bytes(PyBackedBytes),
    Path(PathBuf),
}

/// A network ready to run; several threads may run it at once.
#[pyclass(frozen, module = "inpaint_edge._native")]
pub struct Engine {
    inpainter: Inpainter,
}

#[pymethods]
impl Engine {
    #[new]
    fn new(
        py: Python<'_>,
        weights: Option<Weights>,
        threads: usize,
        context: Option<usize>,
        texture: &str,
        grain: bool,
        max_memory: Option<usize>,
    ) -> PyResult<Self> {
        let loaded = py.detach(|| {
            let options =
                Options::default().threads(threads).context(context).texture(texture_of(texture)?).grain(grain);
            let options = options.max_memory(max_memory);
            match &weights {
                None => Inpainter::embedded(options),
                Some(Weights::Bytes(bytes)) => Inpainter::from_bytes(bytes, options).map_err(|e| e.of("weights")),
                Some(Weights::Path(path)) => Inpainter::from_path(path, options),
            }
        });
        Ok(Self { inpainter: loaded.map_err(|e| raised(py, &e))? })
    }

    /// The instruction set in use.
    #[getter]
    fn isa(&self) -> &'static str {
        self.inpainter.isa().name()
    }

    /// Worker threads in use.
    #[getter]
    fn threads(&self) -> usize {
        self.inpainter.threads()
    }

    /// Fills `image` `[height, width, channels]` of `uint8`, `uint16` or `float32` in place. With `bgr`, its first colour is
    /// blue.
    fn fill<'py>(
        &self,
        py: Python<'py>,
        image: &Bound<'py, PyAny>,
        hole: &Hole,
        bgr: bool,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        if let Ok(image) = image.cast::<PyArray3<u8>>() {
            self.fill_samples(image, hole, bgr, progress)
        } else if let Ok(image) = image.cast::<PyArray3<u16>>() {
            self.fill_samples(image, hole, bgr, progress)
        } else {
            self.fill_samples(image.cast::<PyArray3<f32>>()?, hole, bgr, progress)
        }
        .map(|report| report_dict(py, &report))?
    }

    /// What a run would take; with `macs`, multiply–accumulates too.
    fn plan<'py>(&self, py: Python<'py>, hole: &Hole, channels: usize, macs: bool) -> PyResult<Bound<'py, PyDict>> {
        let plan = py.detach(|| match macs {
            true => self.inpainter.estimate(&hole.mask, channels),
            false => self.inpainter.plan(&hole.mask, channels),
        });
        report_dict(py, &plan.map_err(|e| raised(py, &e))?)
    }

    /// Fills an encoded image and writes it to the file `out`; without that, returns bytes of `format`, a file name's ending.
    #[expect(clippy::too_many_arguments, reason = "Python gives them by name")]
    fn fill_encoded<'py>(
        &self,
        py: Python<'py>,
        image: Source,
        mask: Source,
        out: Option<PathBuf>,
        format: &str,
        quality: Option<u8>,
        seal: bool,
        reading: &Reading,
        progress: Option<&Bound<'py, PyAny>>,
    ) -> PyResult<(Option<Vec<u8>>, Bound<'py, PyDict>)> {
        let job = Job { image, mask, out, format, quality, seal, reading };
        let (bytes, report) = watched(py, progress, |tell| job.fill(&self.inpainter, tell))?;
        Ok((bytes, report_dict(py, &report)?))
    }
}

impl Engine {
    fn fill_samples<T: Sample + Element>(
        &self,
        image: &Bound<'_, PyArray3<T>>,
        hole: &Hole,
        bgr: bool,
        progress: Option<&Bound<'_, PyAny>>,
    ) -> PyResult<inpaint_edge::Report> {
        let mut lent = image.try_readwrite()?;
        let view = lent.as_array_mut();
        watched(image.py(), progress, |tell| {
            in_rgb(view, bgr, |view| self.inpainter.run(Request::new(view, &hole.mask).progress(tell)))
        })
    }
}

/// Shows pixels in the order red, green, blue to `run`: three channels by a view, of four the first and third change places
/// until `run` ends.
fn in_rgb<T: Sample, R>(
    mut image: ArrayViewMut3<'_, T>,
    bgr: bool,
    run: impl FnOnce(ArrayViewMut3<'_, T>) -> Result<R>,
) -> Result<R> {
    let swap = |image: &mut ArrayViewMut3<'_, T>| {
        image.rows_mut().into_iter().for_each(|mut pixel| pixel.swap(0, 2));
    };
    match image.dim().2 {
        3 if bgr => {
            image.invert_axis(Axis(2));
            run(image)
        }
        4 if bgr => {
            swap(&mut image);
            let done = run(image.view_mut());
            swap(&mut image);
            done
        }
        _ => run(image),
    }
}

fn texture_of(name: &str) -> Result<Texture> {
    match name {
        "auto" => Ok(Texture::Auto),
        "on" => Ok(Texture::On),
        "off" => Ok(Texture::Off),
        found => Err(Error::usage(format!("texture: expected auto, on or off, found {found}"))),
    }
}
