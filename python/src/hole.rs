//! What is to be filled, from arrays and pictures.

use inpaint_edge::{Error, Mask, MaskChannel, MaskRule, MaskWhite, Result, alloc};
use inpaint_edge_image::{Photo, hole_of};
use ndarray::{ArrayView2, ArrayViewD, ArrayViewMut2, Ix2, Ix3};
use numpy::PyReadonlyArrayDyn;
use pyo3::prelude::*;

use crate::fault::raised;

/// How a mask is read.
#[pyclass(frozen, module = "inpaint_edge._native")]
pub struct Reading {
    rule: MaskRule,
    channel: MaskChannel,
    grow: i64,
}

#[pymethods]
impl Reading {
    /// `mask_white` is `hole` or `keep`, `mask_channel` the name of a [`MaskChannel`]; `grow` is in pixels, below 0 to shrink.
    #[new]
    #[pyo3(signature = (mask_white = "hole", mask_channel = "auto", mask_threshold = 128, grow = 0))]
    fn new(py: Python<'_>, mask_white: &str, mask_channel: &str, mask_threshold: u8, grow: i64) -> PyResult<Self> {
        let usage = |detail: String| raised(py, &Error::usage(detail));
        let white = match mask_white {
            "hole" => MaskWhite::Hole,
            "keep" => MaskWhite::Keep,
            found => return Err(usage(format!("mask_white: expected hole or keep, found {found}"))),
        };
        use MaskChannel::{Alpha, Auto, Blue, Green, Luma, Red};
        let known = [Auto, Luma, Alpha, Red, Green, Blue];
        let channel = known.into_iter().find(|known| known.name() == mask_channel).ok_or_else(|| {
            let names = known.map(MaskChannel::name).join(", ");
            usage(format!("mask_channel: expected one of {names}, found {mask_channel}"))
        })?;
        Ok(Self { rule: MaskRule::default().white(white).threshold(mask_threshold), channel, grow })
    }

    /// The same for arrays of `bool`: true is white.
    fn of_bool(&self) -> Self {
        Self { rule: self.rule.threshold(1), ..*self }
    }
}

impl Reading {
    /// The hole that a picture shows.
    pub fn of_photo(&self, photo: Photo) -> Result<Mask> {
        hole_of(&photo.into_mask(self.channel)?, self.rule)?.resized(self.grow)
    }

    /// The hole that an array `[height, width]` or `[height, width, 1 | 2 | 3 | 4]` shows.
    fn of_array(&self, array: ArrayViewD<'_, u8>) -> Result<Mask> {
        if let Ok(plane) = array.view().into_dimensionality::<Ix2>() {
            return self.of_plane(plane);
        }
        let picture = array.view().into_dimensionality::<Ix3>().map_err(|_| {
            Error::input(format!("expected [height, width] or [height, width, channels], found {:?}", array.shape()))
        })?;
        let shape = (picture.dim().0, picture.dim().1);
        let mut bytes = alloc::try_filled(0, shape.0 * shape.1)?;
        let plane = ArrayViewMut2::from_shape(shape, &mut bytes[..]).expect("a byte a pixel");
        self.channel.write_plane(picture, plane)?;
        self.of_plane(ArrayView2::from_shape(shape, &bytes[..]).expect("a byte a pixel"))
    }

    fn of_plane(&self, plane: ArrayView2<'_, u8>) -> Result<Mask> {
        Mask::from_bytes(plane, self.rule)?.resized(self.grow)
    }
}

/// The pixels to fill, a bit each.
#[pyclass(frozen, module = "inpaint_edge._native")]
pub struct Hole {
    pub mask: Mask,
}

#[pymethods]
impl Hole {
    #[new]
    fn new(py: Python<'_>, mask: PyReadonlyArrayDyn<'_, u8>, reading: &Reading) -> PyResult<Self> {
        let array = mask.as_array();
        let mask = py.detach(|| reading.of_array(array).map_err(|e| e.of("mask")));
        Ok(Self { mask: mask.map_err(|e| raised(py, &e))? })
    }

    /// Pixels of the hole.
    fn count(&self) -> usize {
        self.mask.count()
    }
}
