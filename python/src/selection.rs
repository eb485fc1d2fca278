//! Finds the hole in an image: what is transparent, what is painted.

use inpaint_edge::{Error, Mask, Paint, Result, Sample};
use ndarray::{Array2, ArrayView3};
use numpy::{Element, PyArray2, PyArray3, PyArrayMethods};
use pyo3::prelude::*;

use crate::fault::raised;

/// Where an image `[height, width, 2 | 4]` is not opaque: `bool` `[height, width]`.
#[pyfunction]
pub fn transparent<'py>(image: &Bound<'py, PyAny>, opaque_from: Option<u8>) -> PyResult<Bound<'py, PyArray2<bool>>> {
    selected(image, Transparent { opaque_from })
}

/// Where an image `[height, width, 1 | 2 | 3 | 4]` has a colour: `bool` `[height, width]`.
#[pyfunction]
pub fn painted<'py>(
    image: &Bound<'py, PyAny>,
    rgb: [u8; 3],
    tolerance: Option<u8>,
) -> PyResult<Bound<'py, PyArray2<bool>>> {
    selected(image, Painted(Paint { rgb, tolerance }))
}

/// A way to select pixels by samples of any type.
trait Select: Sync {
    fn add<T: Sample>(&self, mask: &mut Mask, image: ArrayView3<'_, T>) -> Result<()>;
}

struct Transparent {
    opaque_from: Option<u8>,
}

impl Select for Transparent {
    fn add<T: Sample>(&self, mask: &mut Mask, image: ArrayView3<'_, T>) -> Result<()> {
        mask.add_transparent(image, self.opaque_from)
    }
}

struct Painted(Paint);

impl Select for Painted {
    fn add<T: Sample>(&self, mask: &mut Mask, image: ArrayView3<'_, T>) -> Result<()> {
        mask.add_painted(image, self.0).map(drop)
    }
}

fn selected<'py>(image: &Bound<'py, PyAny>, select: impl Select) -> PyResult<Bound<'py, PyArray2<bool>>> {
    if let Ok(image) = image.cast::<PyArray3<u8>>() {
        of_samples(image, select)
    } else if let Ok(image) = image.cast::<PyArray3<u16>>() {
        of_samples(image, select)
    } else {
        of_samples(image.cast::<PyArray3<f32>>()?, select)
    }
}

fn of_samples<'py, T: Sample + Element>(
    image: &Bound<'py, PyArray3<T>>,
    select: impl Select,
) -> PyResult<Bound<'py, PyArray2<bool>>> {
    let py = image.py();
    let image = image.try_readonly()?;
    let view = image.as_array();
    let (height, width, _) = view.dim();
    let found = py.detach(|| {
        let mut mask = Mask::new(width, height)?;
        select.add(&mut mask, view)?;
        let is_hole = |(y, x)| mask.is_hole(x, y);
        Ok(Array2::from_shape_fn((height, width), is_hole))
    });
    match found {
        Ok(hole) => Ok(PyArray2::from_owned_array(py, hole)),
        Err(e) => Err(raised(py, &Error::of(e, "image"))),
    }
}
