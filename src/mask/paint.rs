//! Finds the hole by a colour that was painted over it, as files and brushes leave that colour.

use ndarray::ArrayView3;

use super::bits::Mask;
use super::pixels::{check_size, for_each_pixel, has_alpha};
use crate::error::Result;
use crate::sample::Sample;

/// A colour that was painted over what is to be filled.
///
/// The distance of a pixel from the colour is the largest of its differences in red, green and blue, 0 to 255. Measured on
/// 31 photographs without a tolerance: of magenta or green lines 3 pixels wide or more, saved as JPEG (quality 75 to 95,
/// 4:2:0) or drawn by a soft brush, more than nine tenths are found on average, and next to nothing of the photograph is
/// taken. Colours that occur in photographs, such as red and yellow, take more of it. Grey, black and white are found where
/// they are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Paint {
    /// Red, green, blue.
    pub rgb: [u8; 3],
    /// The largest distance that is taken. `None` takes pixels that are surely painted, and those within 8 pixels of them
    /// that are likely to be. Surely means a distance up to 48, likely up to 96, both less for colours that are less pure.
    /// Where more pixels have the exact colour than are near it, as under a hard brush in a lossless file, only the exact
    /// colour is sure.
    pub tolerance: Option<u8>,
}

/// What [`Mask::add_painted`] took, and what it left.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Painted {
    /// Pixels taken.
    pub taken: usize,
    /// The smallest distance of a pixel.
    pub nearest: u8,
    /// Pixels near the colour that are left: within 16 pixels of those that are taken, or anywhere if none is. Near means a
    /// distance up to 128, less for colours that are less pure, but at least 32 where nothing or nothing but specks is
    /// taken.
    pub left: usize,
    /// The distance that would take three quarters of those left.
    pub left_within: u8,
    /// Pixels over which the paint fades around what is taken, as in JPEG and under soft brushes: the hole should grow by as
    /// much. 0 where the paint has a hard edge, or `tolerance` is given.
    pub rim: usize,
}

/// Distances of what is surely, likely and possibly painted in a pure colour.
const SURE: usize = 48;
const LIKELY: usize = 96;
const POSSIBLE: usize = 128;
/// Distance of what is possibly painted in grey, black or white, as JPEG leaves it.
const NEAR_GREY: u8 = 32;
/// Pixels: how far likely paint may lie from sure paint, and possible paint from what is taken.
const LIKELY_WITHIN: usize = 8;
const POSSIBLE_WITHIN: usize = 16;

impl Paint {
    fn distance(self, rgb: [u8; 3]) -> u8 {
        let [r, g, b] = self.rgb;
        rgb[0].abs_diff(r).max(rgb[1].abs_diff(g)).max(rgb[2].abs_diff(b))
    }

    /// `of_pure` scaled by how pure the colour is.
    fn scaled(self, of_pure: usize) -> u8 {
        let [r, g, b] = self.rgb;
        (of_pure * usize::from(r.max(g).max(b) - r.min(g).min(b)) / 255) as u8
    }
}

impl Mask {
    /// Adds what is painted in an image `[height, width, 1 | 2 | 3 | 4]` of the same size; grey counts as equal red, green
    /// and blue. Takes the memory of two more such masks.
    ///
    /// # Errors
    ///
    /// Input, where there is another number of channels or the sizes differ; limits, where memory cannot be had.
    pub fn add_painted<T: Sample>(&mut self, image: ArrayView3<'_, T>, paint: Paint) -> Result<Painted> {
        check_size(self, &image)?;
        has_alpha(&image)?;
        let mut distances = [0usize; 256];
        for_each_pixel(image, |_, _, rgb, _| distances[usize::from(paint.distance(rgb))] += 1);
        let Some(nearest) = distances.iter().position(|n| *n > 0) else { return Ok(Painted::default()) };

        let near = usize::from(paint.scaled(SURE));
        let is_clean = distances[0] >= distances[1..=near].iter().sum();
        let sure = paint.tolerance.unwrap_or(if is_clean { 0 } else { near as u8 });
        let mut taken = Self::new(self.width(), self.height())?;
        for_each_pixel(image, |x, y, rgb, _| {
            if paint.distance(rgb) <= sure {
                taken.add(x, y);
            }
        });
        let mut rim = 0;
        if paint.tolerance.is_none() && sure < paint.scaled(LIKELY) {
            let (likely, within) = (paint.scaled(LIKELY), taken.dilated_copy(LIKELY_WITHIN)?);
            let (before, edge) = (taken.count(), taken.edge());
            for_each_pixel(image, |x, y, rgb, _| {
                if paint.distance(rgb) <= likely && within.is_hole(x, y) {
                    taken.add(x, y);
                }
            });
            if !is_clean {
                // The likely paint that was added is about a third of the way over which paint fades to nothing.
                rim = (3 * (taken.count() - before)).div_ceil(edge.max(1));
            }
        }

        let pixels = taken.count();
        // Photographs are full of greys: near greys count only where specks show that a file or a brush changed the paint.
        let is_in_specks = 2 * taken.edge() > pixels;
        let possible = paint.scaled(POSSIBLE).max(if pixels == 0 || is_in_specks { NEAR_GREY } else { 0 });
        let around = if pixels > 0 { Some(taken.dilated_copy(POSSIBLE_WITHIN)?) } else { None };
        let mut left = [0usize; 256];
        for_each_pixel(image, |x, y, rgb, _| {
            let distance = paint.distance(rgb);
            if distance <= possible && around.as_ref().is_none_or(|around| around.is_hole(x, y)) && !taken.is_hole(x, y)
            {
                left[usize::from(distance)] += 1;
            }
        });
        drop(around);
        self.add_all(&taken);
        let all: usize = left.iter().sum();
        let mut sum = 0;
        let left_within = left.iter().position(|n| {
            sum += n;
            4 * sum >= 3 * all
        });
        Ok(Painted {
            taken: pixels,
            nearest: nearest as u8,
            left: all,
            left_within: left_within.unwrap_or(0) as u8,
            rim,
        })
    }
}
