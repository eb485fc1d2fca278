//! The last touches: near the rim of the hole the tone of the network's fill, and inside details as strong as those around.
//!
//! All is sums of integers, in units of 1/256 of a step of 8 bits.

use super::level::{At, Picture, Pixel, mark};
use crate::alloc::{floats_for, split};
use crate::mask::Rect;

/// Pixels to every side over which tone is taken, twice.
const TONE_RADIUS: usize = 1;

/// Pixels to every side of the means, taken twice, beyond which there are details.
const SMOOTH_RADIUS: usize = 2;

/// Distance from the rim at which the network's tone counts half, pixels.
const TONE_DEPTH: i64 = 10;

/// Pixels to every side over which the strength of details is compared, and over which their gain is evened out.
const DETAIL_RADIUS: usize = 10;
const GAIN_RADIUS: usize = 3;

/// The greatest gain of details, in units of 1/256.
const MOST_GAIN: i32 = 512;

/// A difference of neighbours that counts as none, in units of 1/256.
const LEAST_STRENGTH: i32 = 32;

/// One step of 8 bits.
const ONE: i32 = 256;

/// Number planes that [`finish`] works with.
const PLANES: usize = 7;

/// Floats of memory that [`finish`] takes for a window.
pub(super) fn floats(window: Rect) -> usize {
    PLANES * floats_for::<i32>(window.area())
}

/// Changes `correction`, `[height, width, 3]` of the window, what is added to the pixels that `labels` copy.
pub(super) fn finish(
    picture: &Picture<'_>,
    window: Rect,
    labels: &[At],
    network: &[Pixel],
    correction: &mut [f32],
    memory: &mut [f32],
) {
    let area = window.area();
    let (red, memory) = split::<i32>(memory, area);
    let (green, memory) = split::<i32>(memory, area);
    let (blue, memory) = split::<i32>(memory, area);
    let (gain, memory) = split::<i32>(memory, area);
    let (a, memory) = split::<i32>(memory, area);
    let (b, memory) = split::<i32>(memory, area);
    let (c, _) = split::<i32>(memory, area);
    let view = View { picture, window };
    let mut colours = [red, green, blue];

    // Of each pixel, how many around it are filled.
    for (i, count) in a.iter_mut().enumerate() {
        *count = i32::from(view.filled(i).is_some());
    }
    box_sums(a, c, b, window.width, TONE_RADIUS);
    for (channel, plane) in colours.iter_mut().enumerate() {
        for (i, value) in plane.iter_mut().enumerate() {
            *value = match view.filled(i) {
                Some(j) => {
                    let copied = f32::from(picture.pixel(labels[j])[channel]) + correction[3 * i + channel];
                    (copied.clamp(0.0, 255.0) * ONE as f32 + 0.5) as i32
                }
                None => i32::from(view.pixel(i)[channel]) * ONE,
            };
        }
        view.take_tone(plane, |j| i32::from(network[j][channel]) * ONE, c, [a, b]);
    }
    view.gains(&colours, gain, [a, b, c]);
    c.fill(1);
    box_sums(c, b, a, window.width, SMOOTH_RADIUS);
    for (channel, plane) in colours.into_iter().enumerate() {
        // What a plane has beyond itself blurred twice is its details.
        a.copy_from_slice(plane);
        for _ in 0..2 {
            sums_by_rows(a, c, window.width, SMOOTH_RADIUS);
            for_columns(c, a, window.width, SMOOTH_RADIUS, |i, sum| sum / b[i]);
        }
        for (i, value) in plane.iter().enumerate() {
            if let Some(j) = view.filled(i) {
                let detailed = value + ((value - a[i]) * (gain[i] - ONE) + ONE / 2) / ONE;
                let finished = detailed.clamp(0, 255 * ONE) as f32 / ONE as f32;
                correction[3 * i + channel] = finished - f32::from(picture.pixel(labels[j])[channel]);
            }
        }
    }
}

/// The pixels of a window.
struct View<'a> {
    picture: &'a Picture<'a>,
    window: Rect,
}

impl View<'_> {
    /// Index among the pixels of `fill`, where it is to be filled.
    fn filled(&self, i: usize) -> Option<usize> {
        let (x, y) = self.window.place(i);
        if self.picture.is(x, y, mark::FILL) { self.picture.shape.in_fill(x, y) } else { None }
    }

    fn pixel(&self, i: usize) -> Pixel {
        let (x, y) = self.window.place(i);
        self.picture.pixels[y * self.picture.shape.width + x]
    }

    /// Adds to the filled pixels of `plane` how much brighter the network's are around them, less and less from the rim on.
    /// There are so many of them around each: `counts`.
    fn take_tone(&self, plane: &mut [i32], network: impl Fn(usize) -> i32, counts: &[i32], [a, b]: [&mut [i32]; 2]) {
        let Rect { width, .. } = self.window;
        for (i, difference) in a.iter_mut().enumerate() {
            *difference = self.filled(i).map_or(0, |j| network(j) - plane[i]);
        }
        for _ in 0..2 {
            sums_by_rows(a, b, width, TONE_RADIUS);
            for_columns(b, a, width, TONE_RADIUS, |i, sum| if self.filled(i).is_some() { sum / counts[i] } else { 0 });
        }
        for (i, value) in plane.iter_mut().enumerate() {
            if let Some(j) = self.filled(i) {
                let (half, depth) = (9 * TONE_DEPTH * TONE_DEPTH, i64::from(self.picture.depth[j]));
                *value += (i64::from(a[i]) * half / (half + depth * depth)) as i32;
            }
        }
    }

    /// Writes how much stronger the details of the filled pixels should be, in units of 1/256.
    fn gains(&self, colours: &[&mut [i32]; 3], gain: &mut [i32], [a, b, c]: [&mut [i32]; 3]) {
        let Rect { width, height, .. } = self.window;
        let brightness = |i: usize| (colours[0][i] + 2 * colours[1][i] + colours[2][i]) / ONE;
        for i in 0..a.len() {
            let is_counted = i % width + 1 < width && i / width + 1 < height && self.filled(i).is_some();
            let own = brightness(i);
            let differences = |i: usize| (own - brightness(i + 1)).abs() + (own - brightness(i + width)).abs();
            (a[i], gain[i]) = if is_counted { (differences(i), 1) } else { (0, 0) };
        }
        box_sums(a, c, b, width, DETAIL_RADIUS);
        box_sums(gain, a, b, width, DETAIL_RADIUS);
        for (i, gain) in gain.iter_mut().enumerate() {
            // Differences are of brightness times 4; energy is twice the wanted difference.
            let wanted = i32::from(self.pixel(i)[3]) * (ONE / 2);
            let found = (c[i] * (ONE / 4) / a[i].max(1)).max(LEAST_STRENGTH);
            *gain = if self.filled(i).is_some() { (wanted * ONE / found).clamp(ONE, MOST_GAIN) } else { ONE };
        }
        c.fill(1);
        box_sums(c, a, b, width, GAIN_RADIUS);
        box_sums(gain, c, b, width, GAIN_RADIUS);
        gain.iter_mut().zip(c.iter().zip(&*a)).for_each(|(gain, (sum, count))| *gain = sum / count);
    }
}

/// Sums of the values up to `radius` away along rows.
fn sums_by_rows(values: &[i32], out: &mut [i32], width: usize, radius: usize) {
    for (row, out) in values.chunks_exact(width).zip(out.chunks_exact_mut(width)) {
        let mut sum: i32 = row[..radius.min(width)].iter().sum();
        for (x, out) in out.iter_mut().enumerate() {
            sum += row.get(x + radius).unwrap_or(&0);
            *out = sum;
            sum -= x.checked_sub(radius).map_or(0, |x| row[x]);
        }
    }
}

/// Writes what `each` makes of the index and the sum of the values up to `radius` away along columns.
fn for_columns(values: &[i32], out: &mut [i32], width: usize, radius: usize, each: impl Fn(usize, i32) -> i32) {
    let height = values.len() / width;
    for y in 0..height {
        for x in 0..width {
            let rows = y.saturating_sub(radius)..(y + radius + 1).min(height);
            let sum = rows.map(|y| values[y * width + x]).sum();
            out[y * width + x] = each(y * width + x, sum);
        }
    }
}

/// Sums of the values in squares up to `radius` away; `between` is memory.
fn box_sums(values: &[i32], out: &mut [i32], between: &mut [i32], width: usize, radius: usize) {
    sums_by_rows(values, between, width, radius);
    for_columns(between, out, width, radius, |_, sum| sum);
}
