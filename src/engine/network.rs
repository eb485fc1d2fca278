//! The network's input and output in a region.

use super::pixels::{Pixels, Scale};
use super::scratch::{PriorShare, Shares};
use crate::mask::MaskView;
use crate::unet::Layout;

/// Writes the network's input: the scaled image, 0 in its hole, and, where the network reads the prior, three more channels.
pub(super) fn write_input(
    layout: &Layout,
    prior: Option<&PriorShare>,
    image: &dyn Pixels,
    mask: &MaskView<'_>,
    scale: Scale,
    arena: &mut [f32],
) {
    let ((width, height), map) = (image.size(), layout.input());
    let prior =
        prior.filter(|prior| prior.is_input).map_or(0..0, |prior| prior.image..prior.image + 3 * width * height);
    let spans = [map.offset..map.offset + map.len(), prior];
    let [input, prior] = arena.get_disjoint_mut(spans).expect("buffers of one step do not overlap");
    input.fill(0.0);
    for y in 0..height {
        let row = &mut input[map.at(0, y as isize)..][..map.channels * width];
        scale.read(image, y, 0..width, row, map.channels);
        if !prior.is_empty() {
            // Outside the hole, the prior is the image.
            row.chunks_exact_mut(map.channels).for_each(|pixel| pixel.copy_within(..3, 3));
        }
        for x in mask.runs(y, 0..width).flatten() {
            let pixel = &mut row[map.channels * x..][..map.channels];
            pixel[..3].fill(0.0);
            if !prior.is_empty() {
                pixel[3..].copy_from_slice(&prior[3 * (width * y + x)..][..3]);
            }
        }
    }
}

/// Three values a pixel, in an arena.
#[derive(Clone, Copy)]
pub(super) struct Values<'a> {
    /// From the first pixel on.
    data: &'a [f32],
    /// Floats from a row to the next.
    row: usize,
    /// Floats from a pixel to the next.
    pixel: usize,
}

impl Values<'_> {
    pub fn at(&self, x: usize, y: usize) -> [f32; 3] {
        let at = &self.data[y * self.row + x * self.pixel..];
        [at[0], at[1], at[2]]
    }
}

/// The network's output.
pub(super) fn output<'a>(layout: &Layout, arena: &'a [f32]) -> Values<'a> {
    let map = layout.output();
    Values { data: &arena[map.offset + map.at(0, 0)..], row: map.row_stride(), pixel: map.channels }
}

/// The prior that the output is added to, if there is one.
pub(super) fn prior<'a>(shares: &Shares, arena: &'a [f32]) -> Option<Values<'a>> {
    let map = shares.layout.input();
    shares.prior.as_ref().map(|prior| match prior.is_input {
        true => Values { data: &arena[map.offset + map.at(0, 0) + 3..], row: map.row_stride(), pixel: map.channels },
        false => Values { data: &arena[prior.image..], row: 3 * shares.layout.width, pixel: 3 },
    })
}
