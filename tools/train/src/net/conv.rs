//! Convolutions and their gradients, each a matrix product whose left side is windows of a map.

use super::{axis::Axis, map::Map};
use crate::real::{Operand, Real, Row, Window};
use rayon::prelude::*;

/// A convolution in both axes, its weights `[k, k, c_in, c_out]` packed for both directions.
pub struct Conv<T: Real> {
    kernel: usize,
    c_in: usize,
    c_out: usize,
    axis: Axis,
    transposed: Axis,
    /// `[taps, c_in]` × c_out for each phase.
    forward: Vec<T::Packed>,
    to: T::Gemm,
    /// `[taps, c_out]` × c_in for each phase.
    backward: Vec<T::Packed>,
    from: T::Gemm,
}

/// What a convolution reads: a batch of maps.
pub type Maps<'a, T> = (Map, &'a [T]);

impl<T: Real> Conv<T> {
    /// A `kernel`×`kernel` convolution along `axis`.
    pub fn new(kernel: usize, axis: Axis, c_in: usize, c_out: usize) -> Self {
        let transposed = axis.transposed();
        let room = |axis: &Axis| (0..axis.lattice * axis.lattice).map(|_| T::unpacked()).collect();
        let (forward, backward) = (room(&axis), room(&transposed));
        Self { kernel, c_in, c_out, axis, transposed, forward, to: T::gemm(c_out), backward, from: T::gemm(c_in) }
    }

    /// The windows read by the outputs.
    pub fn axis(&self) -> &Axis {
        &self.axis
    }

    /// The windows read by the gradient of the input.
    pub fn transposed(&self) -> &Axis {
        &self.transposed
    }

    /// Channels of the input.
    pub fn c_in(&self) -> usize {
        self.c_in
    }

    /// Numbers in the weights.
    pub fn weights(&self) -> usize {
        self.kernel * self.kernel * self.c_in * self.c_out
    }

    /// Packs `weight` for [`convolve`].
    pub fn pack_forward(&mut self, weight: &[T]) {
        let Self { kernel, c_in, c_out, .. } = *self;
        pack(
            &self.to,
            &mut self.forward,
            &self.axis,
            kernel,
            c_in,
            |weight, row, columns, out| {
                let from = &weight[row * c_out..][columns];
                out.iter_mut().zip(from).for_each(|(out, &w)| *out += w);
            },
            weight,
            c_in * c_out,
        );
    }

    /// Packs `weight` for [`input_gradient`].
    pub fn pack_backward(&mut self, weight: &[T]) {
        let Self { kernel, c_in, c_out, .. } = *self;
        pack(
            &self.from,
            &mut self.backward,
            &self.transposed,
            kernel,
            c_out,
            |weight, row, columns, out| {
                let from = weight[columns.start * c_out + row..].iter().step_by(c_out);
                out[..columns.len()].iter_mut().zip(from).for_each(|(out, &w)| *out += w);
            },
            weight,
            c_in * c_out,
        );
    }
}

/// Packs a matrix for each phase: the taps of its windows, `inner` rows each, `add(kernel tap, row, columns, out)`.
#[allow(clippy::too_many_arguments)]
fn pack<T: Real>(
    gemm: &T::Gemm,
    phases: &mut [T::Packed],
    axis: &Axis,
    kernel: usize,
    inner: usize,
    add: impl Fn(&[T], usize, std::ops::Range<usize>, &mut [T]) + Sync,
    weight: &[T],
    tap_len: usize,
) {
    for (phase, packed) in phases.iter_mut().enumerate() {
        let (rows, columns) = (axis.taps(phase / axis.lattice), axis.taps(phase % axis.lattice));
        let k = rows.len() * columns.len() * inner;
        T::pack(gemm, packed, 1, k, |_, range, panel| {
            let width = panel.len() / k;
            panel.fill(T::zero());
            for (tap, block) in panel.chunks_exact_mut(inner * width).enumerate() {
                for ky in rows[tap / columns.len()].clone() {
                    for kx in columns[tap % columns.len()].clone() {
                        let weight = &weight[(ky * kernel + kx) * tap_len..][..tap_len];
                        for (row, out) in block.chunks_exact_mut(width).enumerate() {
                            add(weight, row, range.clone(), out);
                        }
                    }
                }
            }
        });
    }
}

/// out = ratio·Σ W·x over one or two convolutions; `ratio` `[n, height, width]`, 1 where there is none.
pub fn convolve<T: Real>(inputs: &[(&Conv<T>, Maps<'_, T>)], ratio: Option<&[T]>, map: Map, out: &mut [T]) {
    let sources: Vec<_> =
        inputs.iter().map(|&(conv, maps)| Source { axis: &conv.axis, packed: &conv.forward, maps }).collect();
    windows_product(&inputs[0].0.to, &sources, ratio, map, out);
}

/// The gradient of a map read by one or two convolutions, given the gradients of what they gave.
pub fn input_gradient<T: Real>(outputs: &[(&Conv<T>, Maps<'_, T>)], map: Map, out: &mut [T]) {
    let sources: Vec<_> =
        outputs.iter().map(|&(conv, maps)| Source { axis: &conv.transposed, packed: &conv.backward, maps }).collect();
    windows_product(&outputs[0].0.from, &sources, None, map, out);
}

struct Source<'a, T: Real> {
    axis: &'a Axis,
    packed: &'a [T::Packed],
    maps: Maps<'a, T>,
}

fn windows_product<'a, T: Real>(
    gemm: &T::Gemm,
    sources: &[Source<'a, T>],
    ratio: Option<&[T]>,
    map: Map,
    out: &mut [T],
) {
    let lattice = sources.iter().map(|s| s.axis.lattice).max().expect("a map to read");
    for (qy, qx) in phases(lattice) {
        let (height, width) = ((map.height - qy).div_ceil(lattice), (map.width - qx).div_ceil(lattice));
        let operand = |&Source { axis, packed, maps: (map, data) }: &Source<'a, T>| {
            let (rows, columns) = (axis.taps(qy), axis.taps(qx));
            let run_len = columns.len() * map.channels;
            let window = Window { runs: rows.len(), run_len, run_stride: map.row_stride() };
            let phase = qy % axis.lattice * axis.lattice + qx % axis.lattice;
            Operand { map: data, window, weights: &packed[phase], variant: 0 }
        };
        let term = sources.iter().map(operand).collect();
        let row = |_, r: usize| {
            let (image, at) = (r / (height * width), r % (height * width));
            let (y, x) = (at / width * lattice + qy, at % width * lattice + qx);
            let mut a = [0; 2];
            for (a, source) in a.iter_mut().zip(sources) {
                *a = source.maps.0.at(image, source.axis.start(y), source.axis.start(x));
            }
            let ratio = ratio.map_or(T::one(), |ratio| ratio[(image * map.height + y) * map.width + x]);
            Row { a, c: map.at(image, y as isize, x as isize), ratio }
        };
        T::product(gemm, &[term], map.n * height * width, row, out);
    }
}

fn phases(lattice: usize) -> impl Iterator<Item = (usize, usize)> {
    (0..lattice * lattice).map(move |phase| (phase / lattice, phase % lattice))
}

/// The first `len` numbers of `buffer`, made longer where it is too short.
fn room<T: Real>(buffer: &mut Vec<T>, len: usize) -> &mut [T] {
    if buffer.len() < len {
        buffer.resize(len, T::zero());
    }
    &mut buffer[..len]
}

/// Memory for the gradients of weights.
pub struct WeightGradients<T: Real> {
    planes: Vec<T>,
    gathered: Vec<T>,
    folded: Vec<T>,
    packed: T::Packed,
}

impl<T: Real> Default for WeightGradients<T> {
    fn default() -> Self {
        Self { planes: Vec::new(), gathered: Vec::new(), folded: Vec::new(), packed: T::unpacked() }
    }
}

/// Pixels of an image below which the images of a batch share a product.
const FEW: usize = 64;

impl<T: Real> WeightGradients<T> {
    /// The gradients of the weights of one or two convolutions that gave one output, from their inputs and the
    /// gradient of that output. A weight's gradient is a sum over pixels: those of the first image first, in each image
    /// phase by phase of the output, in each phase row by row.
    pub fn compute(&mut self, inputs: &[(&Conv<T>, Maps<'_, T>)], output: Maps<'_, T>, gradients: &mut [&mut [T]]) {
        let (map, output) = output;
        let lattice = inputs.iter().map(|(conv, _)| conv.axis.lattice).max().expect("a map to read");
        assert!(map.height % lattice == 0 && map.width % lattice == 0, "phases of one size");
        let (height, width) = (map.height / lattice, map.width / lattice);
        let group = if height * width < FEW { map.n } else { 1 };
        let per_image = height * width;

        let count = lattice * lattice;
        T::pack(
            &inputs[0].0.to,
            &mut self.packed,
            map.n / group * count,
            group * per_image,
            |variant, columns, panel| {
                let (first, phase) = (variant / count * group, variant % count);
                let (qy, qx) = (phase / lattice, phase % lattice);
                for (pixel, out) in panel.chunks_exact_mut(panel.len() / (group * per_image)).enumerate() {
                    let (image, at) = (first + pixel / per_image, pixel % per_image);
                    let (y, x) = (at / width * lattice + qy, at % width * lattice + qx);
                    let from = map.at(image, y as isize, x as isize);
                    out[..columns.len()].copy_from_slice(&output[from + columns.start..from + columns.end]);
                    out[columns.len()..].fill(T::zero());
                }
            },
        );

        for (&(conv, input), gradient) in inputs.iter().zip(gradients) {
            let planes = Planes::new(input.0, conv.axis.step * lattice / conv.axis.lattice);
            planes.fill(input, &mut self.planes);
            self.one(conv, planes, lattice, height, width, group, gradient);
        }
    }

    /// The gradient of one convolution's weights, from the planes of its input and the packed gradient of its output.
    #[allow(clippy::too_many_arguments)]
    fn one(
        &mut self,
        conv: &Conv<T>,
        planes: Planes,
        lattice: usize,
        height: usize,
        width: usize,
        group: usize,
        gradient: &mut [T],
    ) {
        let Self { planes: data, gathered, folded, packed } = self;
        let Conv { axis, c_in, c_out, kernel, .. } = conv;
        let taps = |phase: (usize, usize)| axis.taps(phase.0).len() * axis.taps(phase.1).len();
        let own: Vec<_> = phases(axis.lattice).collect();
        let rows = taps(own[0]) * c_in;
        let groups = planes.map.n / group;
        let k = group * height * width;
        let folded = room(folded, own.len() * rows * c_out);

        for (&(py, px), out) in own.iter().zip(folded.chunks_exact_mut(rows * c_out)) {
            assert_eq!(taps((py, px)), taps(own[0]), "windows of one size");
            let columns = axis.taps(px).len();
            // Where the pixels of an image that row r meets begin, for the phase (qy, qx) of the output.
            let start = |image: usize, (qy, qx): (usize, usize), r: usize| {
                let (tap, c) = (r / c_in, r % c_in);
                let y = axis.start(qy) + (tap / columns) as isize;
                let x = axis.start(qx) + (tap % columns) as isize;
                planes.at(image, c, y, x)
            };
            let reading = |&(qy, qx): &(usize, usize)| qy % axis.lattice == py && qx % axis.lattice == px;
            let outputs: Vec<_> = phases(lattice).filter(reading).collect();
            let variant = |group: usize, (qy, qx): (usize, usize)| (group * lattice + qy) * lattice + qx;
            let stride = planes.row_stride();

            let (map, window): (&[T], _) = if group == 1 {
                (data, Window { runs: height, run_len: width, run_stride: stride })
            } else {
                let gathered = room(gathered, outputs.len() * rows * k);
                gathered.par_chunks_exact_mut(k).enumerate().for_each(|(i, out)| {
                    for (run, out) in out.chunks_exact_mut(width).enumerate() {
                        let (image, y) = (run / height, run % height);
                        let from = start(image, outputs[i / rows], i % rows) + y * stride;
                        out.copy_from_slice(&data[from..from + width]);
                    }
                });
                (&*gathered, Window { runs: 1, run_len: k, run_stride: k })
            };
            let term = |i: usize| {
                let variant = variant(i / outputs.len(), outputs[i % outputs.len()]);
                vec![Operand { map, window, weights: &*packed, variant }]
            };
            let terms: Vec<_> = (0..groups * outputs.len()).map(term).collect();
            let row = |term: usize, r: usize| {
                let a = match group {
                    1 => start(term / outputs.len(), outputs[term % outputs.len()], r),
                    _ => (term * rows + r) * k,
                };
                Row { a: [a, 0], c: r * c_out, ratio: T::one() }
            };
            T::product(&conv.to, &terms, rows, row, out);
        }

        // A tap of the kernel is part of one tap of each phase.
        let tap_len = c_in * c_out;
        gradient.par_chunks_exact_mut(tap_len).enumerate().for_each(|(tap, out)| {
            out.fill(T::zero());
            for (&(py, px), folded) in own.iter().zip(folded.chunks_exact(rows * c_out)) {
                let find =
                    |taps: &[std::ops::Range<usize>], k| taps.iter().position(|t| t.contains(&k)).expect("a tap");
                let (y, x) = (find(axis.taps(py), tap / kernel), find(axis.taps(px), tap % kernel));
                let from = &folded[(y * axis.taps(px).len() + x) * tap_len..][..tap_len];
                out.iter_mut().zip(from).for_each(|(out, &v)| *out += v);
            }
        });
    }
}

/// A batch of maps turned channel-major: `[n, channels, step, rows, columns / step]` with halos, column x in the phase
/// x mod step, so that every step-th pixel of a row is consecutive.
#[derive(Clone, Copy)]
struct Planes {
    map: Map,
    step: usize,
    rows: usize,
    columns: usize,
}

impl Planes {
    fn new(map: Map, step: usize) -> Self {
        let columns = (map.width + 2 * map.halo).div_ceil(step);
        Self { map, step, rows: map.height + 2 * map.halo, columns }
    }

    fn image_len(&self) -> usize {
        self.map.channels * self.step * self.rows * self.columns
    }

    /// From a row to the row `step` below.
    fn row_stride(&self) -> usize {
        self.step * self.columns
    }

    fn at(&self, image: usize, channel: usize, y: isize, x: isize) -> usize {
        let halo = self.map.halo as isize;
        let (y, x) = ((y + halo) as usize, (x + halo) as usize);
        let plane = channel * self.step + x % self.step;
        image * self.image_len() + (plane * self.rows + y) * self.columns + x / self.step
    }

    fn fill<T: Real>(&self, maps: Maps<'_, T>, out: &mut Vec<T>) {
        let Self { map, step, rows, columns } = *self;
        let channels = map.channels;
        let out = room(out, map.n * self.image_len());
        let images = maps.1.par_chunks_exact(map.image_len());
        out.par_chunks_exact_mut(self.image_len()).zip(images).for_each(|(out, image)| {
            for (y, row) in image.chunks_exact(map.row_stride()).enumerate() {
                for plane in 0..channels * step {
                    let (channel, phase) = (plane / step, plane % step);
                    let out = &mut out[(plane * rows + y) * columns..][..columns];
                    let from = row.get(channel + phase * channels..).unwrap_or(&[]);
                    out.iter_mut().zip(from.iter().step_by(channels * step)).for_each(|(out, &v)| *out = v);
                }
            }
        });
    }
}
