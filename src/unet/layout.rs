//! The feature maps of a run: the frames of them that it uses, and when each is in use. The owner of the arena decides where
//! they lie.

use arrayvec::ArrayVec;

use super::reach::Reach;
use crate::alloc::{Lifetime, floats_for};
use crate::error::{Error, Result};
use crate::mask::Rect;
use crate::pconv::{Frame, Map, Pixel, map_values};
use crate::weights::{Config, MAX_LEVELS};

/// The longest side, pixels, after padding to a multiple of 2^levels.
const MAX_SIDE: usize = 1 << 16;

/// The maps of the input and of every layer.
pub(crate) const MAX_MAPS: usize = 2 * MAX_LEVELS + 1;

/// Operands and result of a layer.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    /// The previous map of an encoder layer; up and skip of a decoder layer.
    pub inputs: ArrayVec<Map, 2>,
    pub output: Map,
}

/// The maps of a run that fills one part of the hole.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Width and height of the image with its padding, at the scale of the input.
    padded: [usize; 2],
    /// enc1 … encL, decL … dec1.
    pub steps: ArrayVec<Step, { 2 * MAX_LEVELS }>,
}

impl Layout {
    /// For an image of `width`×`height` of which `target` is to be filled and the network sees nothing outside `seen`; every
    /// map at offset 0.
    ///
    /// # Errors
    ///
    /// Limits, where a side or a map is too large.
    pub fn new(config: &Config, width: usize, height: usize, target: Rect, seen: Rect) -> Result<Self> {
        let levels = config.levels();
        let padded = |side: usize| side.checked_next_multiple_of(1 << levels).filter(|s| *s <= MAX_SIDE);
        let (Some(w), Some(h)) = (padded(width), padded(height)) else { return Err(Error::too_large(width, height)) };

        let (encoder, decoder) = config.layers().split_at(levels);
        let columns = Reach::new(encoder, w, &target.columns(), &seen.columns());
        let rows = Reach::new(encoder, h, &target.rows(), &seen.rows());
        let map = |columns, rows, channels| Map::new(Frame::new(columns, rows), channels);
        // Maps in the order they are written: input, enc1 … encL, decL … dec1.
        let channels = std::iter::once(config.inputs()).chain(encoder.iter().map(|layer| layer.c_out));
        let frames = columns.encoder.iter().zip(&rows.encoder).zip(channels);
        let mut maps: ArrayVec<Map, MAX_MAPS> = frames.map(|((columns, rows), c)| map(columns, rows, c)).collect();
        let frames = columns.decoder.iter().zip(&rows.decoder).rev().zip(decoder);
        maps.extend(frames.map(|((columns, rows), layer)| map(columns, rows, layer.c_out)));
        let fits =
            |map: &Map| map.frame.area().checked_mul(map.channels()).is_some_and(|len| len <= isize::MAX as usize / 64);
        if !maps.iter().all(fits) {
            return Err(Error::too_large(width, height));
        }
        if let Some(integers) = config.integers() {
            maps.iter_mut().enumerate().for_each(|(i, map)| map.values = map_values(integers, i));
        }
        Ok(Self { padded: [w, h], steps: steps(&maps) })
    }

    /// When each map is in use, by the number of the step: map i is written by step i and read by the next, and a skip is
    /// read again on the way up. The input is written before the first step, which is step 0 here.
    pub fn lifetimes(&self) -> ArrayVec<Lifetime, MAX_MAPS> {
        let (levels, last_step) = (self.levels(), self.last_step());
        let last = |i: usize| if i < levels { last_step - i } else { (i + 1).min(last_step) };
        let maps = self.maps();
        maps.iter().enumerate().map(|(i, map)| Lifetime { first: i, last: last(i), len: map.floats() }).collect()
    }

    /// The step after which nothing of the network runs.
    pub fn last_step(&self) -> usize {
        self.steps.len()
    }

    /// Puts the maps at `offsets` of an arena, in the order of [`Layout::lifetimes`].
    pub fn place(&mut self, offsets: &[usize]) {
        let mut maps = self.maps();
        maps.iter_mut().zip(offsets).for_each(|(map, offset)| map.offset = *offset);
        self.steps = steps(&maps);
    }

    /// Floats of a plan's own memory.
    pub fn plan_floats(&self) -> usize {
        let (encoder, decoder) = (self.encoder(), self.decoder());
        let plane = |map: &Map| floats_for::<u8>(map.frame.area());
        // What is known of every map; where the network sees; which outputs of every layer are needed.
        let planes = 2 * encoder.iter().chain(&decoder).map(plane).sum::<usize>();
        floats_for::<Pixel>(self.pixels()) + floats_for::<u32>(3 * self.columns()) + planes
    }

    /// The most pixels that all layers compute.
    pub fn pixels(&self) -> usize {
        self.steps.iter().map(|step| step.output.frame.area()).sum()
    }

    /// Columns of the widest map.
    pub fn columns(&self) -> usize {
        self.maps().iter().map(|map| map.frame.width).max().unwrap_or(0)
    }

    /// The maps of the input and of enc1 … encL.
    pub fn encoder(&self) -> ArrayVec<Map, { MAX_LEVELS + 1 }> {
        self.maps()[..=self.levels()].iter().copied().collect()
    }

    /// The maps of dec1 … decL.
    pub fn decoder(&self) -> ArrayVec<Map, MAX_LEVELS> {
        self.maps()[self.levels() + 1..].iter().rev().copied().collect()
    }

    pub fn levels(&self) -> usize {
        self.steps.len() / 2
    }

    /// The part of a map's frame that the image and its padding have, `scale` times halved.
    pub fn inside(&self, map: &Map, scale: usize) -> Frame {
        let [width, height] = self.padded;
        map.frame.inside(width >> scale, height >> scale)
    }

    /// The map of the network's input.
    pub fn input(&self) -> Map {
        self.steps[0].inputs[0]
    }

    /// The map of the network's result.
    pub fn output(&self) -> Map {
        self.steps[self.steps.len() - 1].output
    }

    /// The maps in the order they are written.
    fn maps(&self) -> ArrayVec<Map, MAX_MAPS> {
        std::iter::once(self.input()).chain(self.steps.iter().map(|step| step.output)).collect()
    }
}

/// The part of a frame that lies in an area of the image.
pub(crate) fn common(frame: &Frame, area: Rect) -> Rect {
    let inside = frame.inside(area.x + area.width, area.y + area.height);
    let [x, y] = [inside.x, inside.y].map(|v| v as usize);
    Rect { x, y, width: inside.width, height: inside.height }.common(area)
}

/// The steps between `maps` in the order they are written.
fn steps(maps: &[Map]) -> ArrayVec<Step, { 2 * MAX_LEVELS }> {
    let last = maps.len() - 1;
    let step = |i: usize| {
        let mut inputs = ArrayVec::from_iter([maps[i - 1]]);
        if 2 * i > last {
            inputs.push(maps[last - i]);
        }
        Step { inputs, output: maps[i] }
    };
    (1..=last).map(step).collect()
}
