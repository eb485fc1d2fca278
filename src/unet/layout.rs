//! The feature maps of a run: their sizes, and when each is in use. Both follow from model and image size alone. The owner
//! of the arena decides where the maps lie.

use arrayvec::ArrayVec;

use crate::alloc::{Lifetime, floats_for};
use crate::error::{Error, Result};
use crate::pconv::{Map, Pixel};
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

/// The maps of a run on one image size.
#[derive(Clone, Debug)]
pub(crate) struct Layout {
    /// Image size, pixels.
    pub width: usize,
    pub height: usize,
    /// enc1 … encL, decL … dec1.
    pub steps: ArrayVec<Step, { 2 * MAX_LEVELS }>,
    /// The most pixels that all layers compute or blank.
    pub pixels: usize,
}

impl Layout {
    /// For images of `width`×`height`, every map at offset 0.
    ///
    /// # Errors
    ///
    /// Limits, where a side or a map is too large.
    pub fn new(config: &Config, width: usize, height: usize) -> Result<Self> {
        let levels = config.levels();
        let padded = |side: usize| side.checked_next_multiple_of(1 << levels).filter(|s| *s <= MAX_SIDE);
        let (Some(w), Some(h)) = (padded(width), padded(height)) else { return Err(Error::too_large(width, height)) };

        let (encoder, decoder) = config.layers().split_at(levels);
        let pad = |level: usize| encoder.get(level).map_or(0, |layer| layer.kernel / 2).max(1);
        let map = |scale: usize, channels: usize, halo: usize| Map {
            width: w >> scale,
            height: h >> scale,
            channels,
            halo,
            offset: 0,
        };
        // Maps in the order they are written: input, enc1 … encL, decL … dec1.
        let mut maps = ArrayVec::<Map, MAX_MAPS>::from_iter([map(0, config.inputs(), pad(0))]);
        maps.extend(encoder.iter().enumerate().map(|(i, layer)| map(i + 1, layer.c_out, pad(i + 1))));
        maps.extend(decoder.iter().enumerate().map(|(i, layer)| map(levels - 1 - i, layer.c_out, 1)));
        let fits = |map: &Map| {
            let area = (map.width + 2 * map.halo).checked_mul(map.height + 2 * map.halo);
            area.and_then(|area| area.checked_mul(map.channels)).is_some_and(|len| len <= isize::MAX as usize / 64)
        };
        if !maps.iter().all(fits) {
            return Err(Error::too_large(width, height));
        }
        let steps = steps(&maps);
        let pixels = steps.iter().map(|s| s.output.width * s.output.height).sum();
        Ok(Self { width, height, steps, pixels })
    }

    /// When each map is in use, by the number of the step: map i is written by step i and read by the next, and a skip is
    /// read again on the way up. The input is written before the first step, which is step 0 here.
    pub fn lifetimes(&self) -> ArrayVec<Lifetime, MAX_MAPS> {
        let (levels, last_step) = (self.levels(), self.last_step());
        let last = |i: usize| if i < levels { last_step - i } else { (i + 1).min(last_step) };
        self.maps().iter().enumerate().map(|(i, map)| Lifetime { first: i, last: last(i), len: map.len() }).collect()
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
        let [w, h] = self.padded();
        let (levels, plane) = (self.levels(), |scale: usize| floats_for::<u8>((w >> scale) * (h >> scale)));
        // Three for each scale, but one for the deepest.
        let planes = 3 * (0..levels).map(plane).sum::<usize>() + plane(levels);
        floats_for::<Pixel>(self.pixels) + floats_for::<u32>(2 * w) + planes
    }

    pub fn levels(&self) -> usize {
        self.steps.len() / 2
    }

    /// Width and height of the input map.
    pub fn padded(&self) -> [usize; 2] {
        let input = self.input();
        [input.width, input.height]
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
