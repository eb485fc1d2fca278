//! The losses on pixels, and the composite.

use crate::{
    data::Batch,
    net::{Arch, map::Map},
    real::Real,
};
use rayon::prelude::*;

/// The pictures of a batch and the gradients of the loss by them, `[n, size, size, 3]`.
#[derive(Clone, Debug, Default)]
pub struct Pixels<T> {
    /// Images.
    pub n: usize,
    /// Their side in pixels.
    pub size: usize,
    /// `[n, size, size]`, 1 = known.
    pub known: Vec<u8>,
    /// The photographs.
    pub truth: Vec<T>,
    /// What the network makes of all of it.
    pub fill: Vec<T>,
    /// The truth where known, the fill elsewhere.
    pub composite: Vec<T>,
    /// Gradient by the fill.
    pub d_fill: Vec<T>,
    /// Gradient by the composite.
    pub d_composite: Vec<T>,
}

impl<T: Real> Pixels<T> {
    /// fill = output·std + prior, with the mean in place of a prior where there is none.
    pub fn compose(&mut self, batch: &Batch, prior: Option<&[f32]>, output: (Map, &[T]), arch: &Arch) {
        (self.n, self.size) = (batch.n, batch.size);
        self.known.clone_from(&batch.masks);
        for buffer in [&mut self.truth, &mut self.fill, &mut self.composite, &mut self.d_fill, &mut self.d_composite] {
            buffer.resize(batch.images.len(), T::zero());
        }
        if let Some(prior) = prior {
            assert_eq!(prior.len(), batch.images.len(), "a prior of the batch's size");
        }
        let (std, mean) = (arch.std.map(|v| T::of(v.into())), arch.mean.map(|v| T::of(v.into())));
        let (size, (map, output)) = (self.size, output);
        let row = 3 * size;
        let rows = self.truth.par_chunks_exact_mut(row).zip(self.fill.par_chunks_exact_mut(row));
        rows.zip(self.composite.par_chunks_exact_mut(row)).enumerate().for_each(|(r, ((truth, fill), composite))| {
            let output = &output[map.row(r / size, r % size)];
            for i in 0..row {
                truth[i] = T::of(batch.images[r * row + i].into());
                let base = prior.map_or(mean[i % 3], |prior| T::of(prior[r * row + i].into()));
                fill[i] = output[i] * std[i % 3] + base;
                composite[i] = if batch.masks[r * size + i / 3] == 1 { truth[i] } else { fill[i] };
            }
        });
    }

    /// The gradient by the network's output `[n, height, width, 3]`, 0 in its padding.
    pub fn output_gradient(&self, arch: &Arch, map: Map, out: &mut [T]) {
        let std = arch.std.map(|v| T::of(v.into()));
        let (size, row) = (self.size, 3 * map.width);
        out[..map.pixels() * 3].par_chunks_exact_mut(row).enumerate().for_each(|(r, out)| {
            let (image, y) = (r / map.height, r % map.height);
            out.fill(T::zero());
            if y < size {
                let first = (image * size + y) * size;
                for (i, out) in out[..3 * size].iter_mut().enumerate() {
                    let of_composite =
                        if self.known[first + i / 3] == 1 { T::zero() } else { self.d_composite[3 * first + i] };
                    *out = (self.d_fill[3 * first + i] + of_composite) * std[i % 3];
                }
            }
        });
    }

    /// Sets both gradients to zero.
    pub fn clear_gradients(&mut self) {
        self.d_fill.fill(T::zero());
        self.d_composite.fill(T::zero());
    }

    /// Mean |fill − truth| over the pixels whose mask is `inside`; adds `weight` times its gradient to `d_fill`.
    pub fn area(&mut self, inside: u8, weight: f64) -> f64 {
        let area = self.known.iter().filter(|&&m| m == inside).count();
        if area == 0 {
            return 0.0;
        }
        let share = 1.0 / (3 * area) as f64;
        let step = T::of(weight * share);
        let len = 3 * self.size * self.size;
        let Self { known, truth, fill, d_fill, .. } = self;
        let of_image = |(image, d): (usize, &mut [T])| {
            let first = image * len;
            let mut sum = 0.0;
            for (i, d) in d.iter_mut().enumerate() {
                if known[(first + i) / 3] == inside {
                    let difference = fill[first + i] - truth[first + i];
                    sum += difference.abs().f64();
                    *d += step * difference.sign();
                }
            }
            sum
        };
        let sums: Vec<f64> = d_fill.par_chunks_exact_mut(len).enumerate().map(of_image).collect();
        sums.iter().sum::<f64>() * share
    }

    /// Mean over the pictures with a hole of 10·log₁₀(1 + m / 10⁻⁵), where m is the mean of (fill − truth)² in the hole;
    /// adds `weight` times its gradient to `d_fill`.
    pub fn decibels(&mut self, weight: f64) -> f64 {
        const FLOOR: f64 = 1e-5;
        let pixels = self.size * self.size;
        let holes: Vec<usize> =
            self.known.chunks_exact(pixels).map(|known| known.iter().filter(|&&m| m == 0).count()).collect();
        let pictures = holes.iter().filter(|&&hole| hole > 0).count();
        let Self { known, truth, fill, d_fill, .. } = self;
        let of_image = |(image, d): (usize, &mut [T])| {
            if holes[image] == 0 {
                return 0.0;
            }
            let inside = |&i: &usize| known[image * pixels + i / 3] == 0;
            let difference = |i: usize| fill[3 * image * pixels + i] - truth[3 * image * pixels + i];
            let share = 1.0 / (3 * holes[image]) as f64;
            let mean = (0..d.len()).filter(inside).map(|i| difference(i).f64().powi(2)).sum::<f64>() * share;
            let slope = 10.0 / std::f64::consts::LN_10 / (mean + FLOOR);
            let step = T::of(weight / pictures as f64 * slope * 2.0 * share);
            (0..d.len()).filter(inside).for_each(|i| d[i] += step * difference(i));
            10.0 * (1.0 + mean / FLOOR).log10()
        };
        let values: Vec<f64> = d_fill.par_chunks_exact_mut(3 * pixels).enumerate().map(of_image).collect();
        values.iter().sum::<f64>() / pictures.max(1) as f64
    }

    /// Mean |∇composite − ∇truth| over neighbours of which one at least is in the hole.
    pub fn gradient(&mut self, weight: f64) -> f64 {
        let hole: Vec<u8> = self.known.iter().map(|m| 1 - m).collect();
        self.neighbours(&hole, |a, b| a + b > 0, true, weight)
    }

    /// Mean |∇composite| over neighbours in the hole grown by one pixel.
    pub fn variation(&mut self, weight: f64) -> f64 {
        let size = self.size;
        let near_hole = |i: usize| {
            let (image, y, x) = (i / (size * size), i / size % size, i % size);
            let rows = y.saturating_sub(1)..(y + 2).min(size);
            let holes = |row: usize| {
                let row = &self.known[(image * size + row) * size..][..size];
                row[x.saturating_sub(1)..(x + 2).min(size)].contains(&0)
            };
            u8::from(rows.into_iter().any(holes))
        };
        let region: Vec<u8> = (0..self.known.len()).into_par_iter().map(near_hole).collect();
        self.neighbours(&region, |a, b| a + b == 2, false, weight)
    }

    /// Mean |difference of the composite, less that of the truth if `to_truth`| over the horizontal and vertical
    /// neighbours that are `inside` by their marks; adds `weight` times its gradient to `d_composite`.
    fn neighbours(&mut self, marks: &[u8], inside: impl Fn(u8, u8) -> bool + Sync, to_truth: bool, weight: f64) -> f64 {
        let size = self.size;
        let pixels = size * size;
        let counts: Vec<usize> = marks
            .par_chunks_exact(pixels)
            .map(|marks| {
                let mut count = 0;
                pairs(size, marks, &inside, |_, _| count += 1);
                count
            })
            .collect();
        let count: usize = counts.iter().sum();
        if count == 0 {
            return 0.0;
        }
        let share = 1.0 / (3 * count) as f64;
        let step = T::of(weight * share);
        let Self { truth, composite, d_composite, .. } = self;
        let of_image = |(image, d): (usize, &mut [T])| {
            let truth = &truth[3 * image * pixels..][..3 * pixels];
            let composite = &composite[3 * image * pixels..][..3 * pixels];
            let mut sum = 0.0;
            let each = |p: usize, q: usize| {
                for (p, q) in (3 * p..3 * p + 3).zip(3 * q..) {
                    let target = if to_truth { truth[q] - truth[p] } else { T::zero() };
                    let difference = composite[q] - composite[p] - target;
                    sum += difference.abs().f64();
                    let step = step * difference.sign();
                    d[q] += step;
                    d[p] += -step;
                }
            };
            pairs(size, &marks[image * pixels..][..pixels], &inside, each);
            sum
        };
        let sums: Vec<f64> = d_composite.par_chunks_exact_mut(3 * pixels).enumerate().map(of_image).collect();
        sums.iter().sum::<f64>() * share
    }
}

/// Calls `each(p, q)` with each pixel of an image and its neighbours right and below that are `inside` by their marks.
fn pairs(size: usize, marks: &[u8], inside: impl Fn(u8, u8) -> bool, mut each: impl FnMut(usize, usize)) {
    for p in 0..marks.len() {
        for (q, within) in [(p + 1, p % size + 1 < size), (p + size, p + size < marks.len())] {
            if within && inside(marks[p], marks[q]) {
                each(p, q);
            }
        }
    }
}
