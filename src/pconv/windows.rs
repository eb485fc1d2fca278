//! The pixels that a layer computes, and the integer count s of each: known samples in its window over all channels.

use super::map::Pixel;
use super::plane::Plane;

/// The counts of one output row over a stride-2 window of side `kernel`.
pub(crate) fn encoder_row(
    mask: &Plane<'_>,
    kernel: usize,
    y: usize,
    sums: &mut [u32],
    mut each: impl FnMut(usize, u32),
) {
    let pad = (kernel / 2) as isize;
    let sums = &mut sums[..mask.width];
    sums.fill(0);
    mask.add_rows(2 * y as isize - pad, kernel, sums);
    for x in 0..mask.width / 2 {
        let first = 2 * x as isize - pad;
        let window = first.max(0) as usize..(first + kernel as isize).min(mask.width as isize) as usize;
        each(x, sums[window].iter().sum());
    }
}

/// The counts of one output row over 3×3 windows: `up` seen through nearest ×2, and `skip`; `each` gets the column
/// and the two counts. Only columns of parity `px` where `needed` is 1.
pub(crate) fn decoder_row(
    up: &Plane<'_>,
    skip: &Plane<'_>,
    needed: &[u8],
    px: usize,
    y: usize,
    sums: &mut [u32],
    mut each: impl FnMut(usize, u32, u32),
) {
    let (width, height) = (skip.width, skip.height);
    let (skip_sums, up_sums) = sums.split_at_mut(width);
    let up_sums = &mut up_sums[..up.width];
    skip_sums.fill(0);
    up_sums.fill(0);
    skip.add_rows(y as isize - 1, 3, skip_sums);
    for row in y.saturating_sub(1)..(y + 2).min(height) {
        up.add_rows((row / 2) as isize, 1, up_sums);
    }
    for x in (px..width).step_by(2).filter(|&x| needed[x] == 1) {
        let window = x.saturating_sub(1)..(x + 2).min(width);
        let in_up = window.clone().map(|x| up_sums[x / 2]).sum();
        each(x, in_up, skip_sums[window].iter().sum());
    }
}

/// How many of the `kernel` rows or columns from `first` on lie within 0 … `end`.
pub(crate) fn inside(first: isize, kernel: usize, end: usize) -> usize {
    let last = (first + kernel as isize).min(end as isize);
    (last - first.max(0)).max(0) as usize
}

/// The pixel at (x, y) of a window of `k` samples of which `s` > 0 are known.
pub(crate) fn pixel(x: usize, y: usize, k: usize, s: u32) -> Pixel {
    Pixel { x: x as u16, y: y as u16, ratio: k as f32 / s as f32 }
}
