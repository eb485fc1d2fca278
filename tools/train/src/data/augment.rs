//! What is done to a photograph before the network sees it: geometry drawn as a [`Warp`], colour as one matrix.

use super::{photo::Photo, warp::Warp};
use crate::rng::Rng;
use serde::{Deserialize, Serialize};
use std::f32::consts::TAU;

/// The distribution of augmented crops.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Augment {
    /// Share of the crops cut out pixel for pixel, neither scaled nor turned by odd angles: sharp as the photograph.
    pub exact: f32,
    /// Smallest and largest share of the photograph's area that a crop takes.
    pub area: [f32; 2],
    /// Largest ratio of the sides of the area before it becomes a square.
    pub aspect: f32,
    /// Pixels of a crop made of one pixel of the photograph, at most: the geometric mean of both axes, which `aspect` sets
    /// apart.
    pub magnify: f32,
    /// Share of the crops mirrored left to right.
    pub flip: f32,
    /// Share of the crops turned by an angle of up to `angle`.
    pub rotate: f32,
    /// Largest rotation either way, in degrees.
    pub angle: f32,
    /// Share of the crops turned by 90°, 180° or 270°, on top of that.
    pub quarter: f32,
    /// Changes of colour.
    pub colour: Colour,
}

/// Colour jitter: shares of the value by which a crop may change either way.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Colour {
    /// Share of the crops changed at all.
    pub share: f32,
    /// Factor on all values: 1 ± this.
    pub brightness: f32,
    /// Factor on the distance from the crop's mean luma: 1 ± this.
    pub contrast: f32,
    /// Factor on the distance from each pixel's luma: 1 ± this.
    pub saturation: f32,
    /// Rotation of the hue, in turns, ± this.
    pub hue: f32,
}

impl Default for Augment {
    fn default() -> Self {
        Self {
            exact: 0.3,
            area: [0.08, 1.0],
            aspect: 4.0 / 3.0,
            magnify: 1.25,
            flip: 0.5,
            rotate: 0.25,
            angle: 45.0,
            quarter: 0.1,
            colour: Colour::default(),
        }
    }
}

impl Default for Colour {
    fn default() -> Self {
        Self { share: 0.6, brightness: 0.2, contrast: 0.2, saturation: 0.3, hue: 0.03 }
    }
}

/// A crop's geometry: a rectangle of the photograph, turned about its centre, seen as a square.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Placement {
    /// Centre in pixels of the photograph.
    pub centre: [f64; 2],
    /// Pixels of the photograph a crop's pixel takes, along its row and its column.
    pub step: [f64; 2],
    /// Rotation in radians.
    pub angle: f32,
    /// Mirrored left to right before it is turned.
    pub flip: bool,
    /// Turns by 90°.
    pub quarters: u8,
}

impl Placement {
    /// The map from a crop of `size` px.
    pub fn warp(&self, size: usize) -> Warp {
        // Quarter turns are exact, so that they permute pixels.
        let (sin, cos) = if self.angle == 0.0 { (0.0, 1.0) } else { f64::from(self.angle).sin_cos() };
        let right = [cos * self.step[0], sin * self.step[0]].map(|v| if self.flip { -v } else { v });
        let below = [-sin * self.step[1], cos * self.step[1]];
        let minus = |v: [f64; 2]| v.map(|v| -v);
        let (across, down) = match self.quarters % 4 {
            0 => (right, below),
            1 => (below, minus(right)),
            2 => (minus(right), minus(below)),
            _ => (minus(below), right),
        };
        let half = (size - 1) as f64 / 2.0;
        let origin = [0, 1].map(|axis| self.centre[axis] - half * (across[axis] + down[axis]));
        Warp { origin, across, down }
    }
}

impl Augment {
    /// Says what is wrong with a distribution nothing can be drawn from.
    pub fn check(&self) -> Result<(), String> {
        let c = &self.colour;
        let shares = [self.exact, self.flip, self.rotate, self.quarter, c.share];
        let spans = [c.brightness, c.contrast, c.saturation, c.hue];
        if !shares.iter().chain(&spans).all(|v| (0.0..=1.0).contains(v)) {
            return Err("augment: shares and colour changes lie between 0 and 1".into());
        }
        if !(0.0 < self.area[0] && self.area[0] <= self.area[1] && self.area[1] <= 1.0) {
            return Err(format!("augment: area {:?} is not a range within 0..1", self.area));
        }
        if !(1.0..=4.0).contains(&self.aspect) || !(1.0..=16.0).contains(&self.magnify) {
            return Err("augment: aspect lies between 1 and 4, magnify between 1 and 16".into());
        }
        if !(0.0..=180.0).contains(&self.angle) {
            return Err("augment: angle lies between 0 and 180 degrees".into());
        }
        Ok(())
    }

    /// One augmented crop, `[size, size, 3]`, values 0 … 1.
    pub fn sample(&self, rng: &mut Rng, photo: &Photo, size: usize) -> Vec<f32> {
        let mut crop = self.place(rng, photo.width(), photo.height(), size).warp(size).crop(photo, size);
        if rng.chance(self.colour.share) {
            self.colour.apply(rng, &mut crop);
        }
        crop
    }

    /// Where the next crop lies: always within the photograph, whatever its angle.
    ///
    /// A photograph too small for the crop is magnified further than `magnify` says.
    pub fn place(&self, rng: &mut Rng, width: usize, height: usize, size: usize) -> Placement {
        let flip = rng.chance(self.flip);
        let quarters = if rng.chance(self.quarter) { rng.between(1, 3) as u8 } else { 0 };
        let exact = rng.chance(self.exact) && width.min(height) >= size;
        let [mut across, mut down] = [1.0f32; 2];
        let mut angle = 0.0;
        if !exact {
            let area = rng.log_range(self.area[0], self.area[1]) * (width * height) as f32;
            let aspect = rng.log_range(1.0 / self.aspect, self.aspect).sqrt();
            let step = (area.sqrt() / size as f32).max(1.0 / self.magnify);
            (across, down) = (step * aspect, step / aspect);
            if rng.chance(self.rotate) {
                angle = rng.range(-self.angle, self.angle) / 360.0 * TAU;
            }
        }
        // The box around the turned rectangle, centre to centre of its outermost pixels.
        let (sin, cos) = (angle.sin().abs(), angle.cos().abs());
        let side = (size - 1) as f32;
        let reach = [side * (across * cos + down * sin), side * (across * sin + down * cos)];
        let room = [(width - 1) as f32, (height - 1) as f32];
        let shrink = (room[0] / reach[0]).min(room[1] / reach[1]).min(1.0);
        let step = [f64::from(across * shrink), f64::from(down * shrink)];
        let centre = [0, 1].map(|axis| {
            let slack = (room[axis] - shrink * reach[axis]).max(0.0);
            // Whole pixels where the crop is to be a copy of them.
            let offset = if exact { rng.below(slack as usize + 1) as f32 } else { rng.range(0.0, slack) };
            f64::from(offset) + f64::from(shrink * reach[axis]) / 2.0
        });
        Placement { centre, step, angle, flip, quarters }
    }
}

/// Weights of red, green and blue in luma (BT.601).
const LUMA: [f32; 3] = [0.299, 0.587, 0.114];

impl Colour {
    /// Changes a crop's colours: one linear map for all four changes, then a clamp to 0 … 1.
    pub fn apply(&self, rng: &mut Rng, crop: &mut [f32]) {
        let mut around = |span: f32| rng.range(-span, span);
        let brightness = 1.0 + around(self.brightness);
        let contrast = 1.0 + around(self.contrast);
        let saturation = 1.0 + around(self.saturation);
        let hue = around(self.hue) * TAU;

        let pixels = (crop.len() / 3) as f32;
        let luma = |p: &[f32]| LUMA[0] * p[0] + LUMA[1] * p[1] + LUMA[2] * p[2];
        let mean = crop.chunks_exact(3).map(luma).sum::<f32>() / pixels;
        let matrix = chroma(saturation, hue).map(|row| row.map(|v| v * brightness * contrast));
        let offset = mean * brightness * (1.0 - contrast);
        for pixel in crop.chunks_exact_mut(3) {
            let [r, g, b] = [pixel[0], pixel[1], pixel[2]];
            for (value, row) in pixel.iter_mut().zip(&matrix) {
                *value = (row[0] * r + row[1] * g + row[2] * b + offset).clamp(0.0, 1.0);
            }
        }
    }
}

/// Scales and turns chroma about the grey axis, luma unchanged: the part of a pixel off its luma, turned by `hue` and
/// stretched by `saturation` in the plane of no luma.
fn chroma(saturation: f32, hue: f32) -> [[f32; 3]; 3] {
    let third = |k: f32| (1.0 + 2.0 * (hue + k * TAU / 3.0).cos()) / 3.0;
    let turn = [third(0.0), third(1.0), third(-1.0)];
    std::array::from_fn(|row| {
        std::array::from_fn(|column| {
            let rotated = |row: usize| turn[(3 + row - column) % 3];
            let luma: f32 = (0..3).map(|row| LUMA[row] * rotated(row)).sum();
            saturation * (rotated(row) - luma) + LUMA[column]
        })
    })
}
