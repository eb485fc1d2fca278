//! Fills a part of the photograph from coarse to fine: from the size at which the network reaches across the hole, by
//! doubling, to the photograph's own. Coarser images are f32: their fill is rounded once, when it is written into the
//! photograph.

use ndarray::Array3;

use super::pixels::{Crop, Pixels};
use super::regions::{Level, Part};
use crate::alloc;
use crate::error::Result;
use crate::mask::{Mask, MaskView, parents};

/// Fills the part of `image`. Calls `fill` with every region and its mask, from the coarsest level to the image's own.
pub(super) fn fill_part(
    image: &mut dyn Pixels,
    part: Part,
    fill: &mut dyn FnMut(&mut dyn Pixels, &MaskView<'_>) -> Result<()>,
) -> Result<()> {
    let Part { area, mut levels } = part;
    let mut finest = Crop { image, area };
    let mut coarser = Vec::<Array3<f32>>::new();
    for level in &levels[..levels.len() - 1] {
        let image: &dyn Pixels = coarser.last().map_or(&finest, |image| image);
        let image = downsample_known(image, level)?;
        alloc::try_push(&mut coarser, image)?;
    }
    // The level that was filled last.
    let mut filled = None;
    while let Some(level) = levels.pop() {
        let mut own = coarser.pop();
        let image: &mut dyn Pixels = own.as_mut().map_or(&mut finest, |image| image);
        if let (Some(inside), Some(coarse)) = (&level.from_coarser, filled.take()) {
            upsample_into(&coarse, inside, image);
        }
        level.for_each_region(&mut |region, mask| fill(&mut Crop { image: &mut *image, area: region }, mask))?;
        filled = own;
    }
    Ok(())
}

/// Bytes that [`fill_part`] takes, without the part's masks, for an image of `colours` channels.
pub(super) fn image_bytes(part: &Part, colours: usize) -> usize {
    let image = |level: &Level| level.to_fill.width() * level.to_fill.height() * colours * size_of::<f32>();
    let rows = if part.levels.len() > 1 { 6 * part.area.width * size_of::<f32>() } else { 0 };
    part.levels[1..].iter().map(image).sum::<usize>() + rows
}

/// The image at half the size: the mean of the known pixels under each cell.
fn downsample_known(image: &dyn Pixels, level: &Level) -> Result<Array3<f32>> {
    let ((width, height), colours) = (image.size(), image.colours());
    let is_hole = |x: usize, y: usize| {
        level.to_fill.is_hole(x, y) || level.from_coarser.as_ref().is_some_and(|i| i.is_hole(x, y))
    };
    let shape = (height.div_ceil(2), width.div_ceil(2), colours);
    let mut out = alloc::try_filled(0.0, shape.0 * shape.1 * shape.2)?;
    let mut rows = alloc::try_filled(0.0, 6 * width)?;
    for (y, out) in out.chunks_exact_mut(shape.1 * colours).enumerate() {
        let under = 2 * y..(2 * y + 2).min(height);
        for (y, row) in under.clone().zip(rows.chunks_exact_mut(3 * width)) {
            image.read(y, 0..width, row, 3);
        }
        for (x, out) in out.chunks_exact_mut(colours).enumerate() {
            let (mut sum, mut count) = ([0.0; 3], 0);
            for (y, row) in under.clone().zip(rows.chunks_exact(3 * width)) {
                for x in (2 * x..(2 * x + 2).min(width)).filter(|x| !is_hole(*x, y)) {
                    (0..3).for_each(|c| sum[c] += row[3 * x + c]);
                    count += 1;
                }
            }
            if count > 0 {
                out.iter_mut().zip(sum).for_each(|(out, sum)| *out = sum / count as f32);
            }
        }
    }
    Ok(Array3::from_shape_vec(shape, out).expect("a value a place"))
}

/// Fills `inside` from the image of half the size, bilinearly between the centres of its pixels.
fn upsample_into(coarse: &Array3<f32>, inside: &Mask, image: &mut dyn Pixels) {
    let (height, width, colours) = coarse.dim();
    for y in 0..inside.height() {
        let (near, far) = parents(y, height);
        for x in inside.runs(y, 0..inside.width()).flatten() {
            let (p, q) = parents(x, width);
            let blend = |x: usize, c: usize| 0.75 * coarse[[near, x, c]] + 0.25 * coarse[[far, x, c]];
            let value = |c: usize| if c < colours { 0.75 * blend(p, c) + 0.25 * blend(q, c) } else { 0.0 };
            image.write(x, y, std::array::from_fn(value));
        }
    }
}
