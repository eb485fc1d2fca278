//! The network's input and output in a region.

use super::pixels::{Pixels, Scale};
use super::scratch::{PriorShare, Shares};
use crate::alloc::values_mut;
use crate::mask::Group;
use crate::numerics::quantise;
use crate::unet::{Layout, common};

/// Pixels that are read at a time, and the most values of one.
const STRIP: usize = 64;
const MOST_CHANNELS: usize = 6;

/// Writes the network's input: what it sees of the scaled image, 0 in its hole, and, where the network reads the prior, three
/// more channels. Where there is a `step`, the input is of integers, of which a difference of 1 stands for so much.
pub(super) fn write_input(
    layout: &Layout,
    prior: Option<&PriorShare>,
    image: &dyn Pixels,
    group: &Group<'_>,
    (scale, step): (Scale, Option<f32>),
    arena: &mut [f32],
) {
    let map = layout.input();
    let prior = prior.filter(|prior| prior.is_input);
    let span = prior.map_or(0..0, |p| p.image..p.image + 3 * p.window.width * p.window.height);
    let spans = [map.offset..map.offset + map.floats(), span];
    let [input, values] = arena.get_disjoint_mut(spans).expect("buffers of one step do not overlap");
    input.fill(0.0);
    let mut write = |x: usize, y: usize, pixels: &[f32]| {
        let at = map.at(x as isize, y as isize);
        match step {
            None => input[at..][..pixels.len()].copy_from_slice(pixels),
            Some(step) => quantise(pixels, step, &mut values_mut(input)[at..][..pixels.len()]),
        }
    };
    let channels = map.channels();
    let mut strip = [0.0; STRIP * MOST_CHANNELS];
    let area = common(&map.frame, group.seen);
    for y in area.rows() {
        for run in group.seen(y, area.columns()) {
            for first in run.clone().step_by(STRIP) {
                let columns = first..run.end.min(first + STRIP);
                let pixels = &mut strip[..columns.len() * channels];
                scale.read(image, y, columns, pixels, channels);
                if prior.is_some() {
                    // Outside the hole, the prior is the image.
                    pixels.chunks_exact_mut(channels).for_each(|pixel| pixel.copy_within(..3, 3));
                }
                write(first, y, pixels);
            }
        }
        for x in group.hole(y, area.columns()).flatten() {
            let mut pixel = [0.0; MOST_CHANNELS];
            // Beyond the window, nothing depends on it.
            if let Some(PriorShare { window, .. }) = prior
                && window.columns().contains(&x)
                && window.rows().contains(&y)
            {
                let at = 3 * (window.width * (y - window.y) + x - window.x);
                pixel[3..].copy_from_slice(&values[at..at + 3]);
            }
            write(x, y, &pixel[..channels]);
        }
    }
}

/// Three values a pixel, in an arena.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    data: &'a [f32],
    /// Floats from a row to the next.
    row: usize,
    /// Floats from a pixel to the next.
    pixel: usize,
    /// Column and row of the first pixel.
    first: (isize, isize),
}

impl Values<'_> {
    pub fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let (x, y) = (x as isize - self.first.0, y as isize - self.first.1);
        let at = &self.data[y as usize * self.row + x as usize * self.pixel..];
        [at[0], at[1], at[2]]
    }
}

/// The network's output.
pub(super) fn output<'a>(layout: &Layout, arena: &'a [f32]) -> Values<'a> {
    let map = layout.output();
    let first = (map.frame.x, map.frame.y);
    Values { data: &arena[map.offset..], row: map.row_stride(), pixel: map.channels(), first }
}

/// The prior that the output is added to, if there is one.
pub(super) fn prior<'a>(shares: &Shares, arena: &'a [f32]) -> Option<Values<'a>> {
    let map = shares.layout.input();
    shares.prior.as_ref().map(|prior| match prior.is_kept {
        true => {
            let first = (map.frame.x, map.frame.y);
            Values { data: &arena[map.offset + 3..], row: map.row_stride(), pixel: map.channels(), first }
        }
        false => {
            let first = (prior.window.x as isize, prior.window.y as isize);
            Values { data: &arena[prior.image..], row: 3 * prior.window.width, pixel: 3, first }
        }
    })
}
