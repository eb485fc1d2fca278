//! The network that trains: against the engine, against itself in f64, and on any number of threads.

use inpaint_edge::{
    Inpainter, Mask, MaskRule, MaskWhite, Options,
    prior::{CYCLES, Harmonic},
};
use inpaint_train::{
    config::Optimizer,
    data::Batch,
    gradcheck::{
        self, LIMIT,
        layer::{Hole, LayerCase, Norm, Parts},
    },
    loss::LossWeights,
    net::{
        Arch, Dtype, Net, Network, Params, Phase, Prior, Tensor,
        axis::Axis,
        conv::{Conv, WeightGradients, convolve, input_gradient},
        export,
        map::Map,
    },
    optim::AdamW,
    real::Real,
    rng::Rng,
    vgg::Vgg,
};
use ndarray::{Array2, Array3, ArrayView2};
use safetensors::SafeTensors;
use std::collections::BTreeMap;

const VGG: &[u8] = include_bytes!("../../../weights/vgg16-conv1-3.f16.safetensors");

/// Crops with two holes each, one of which touches the border.
fn batch(n: usize, size: usize) -> Batch {
    let mut rng = Rng::stream(5, n as u64, size as u64);
    let images = (0..3 * n * size * size).map(|_| rng.unit()).collect();
    let known = |i: usize| {
        let (image, y, x) = (i / (size * size), i / size % size, i % size);
        let inside = |v: usize, from: usize, len: usize| (from..from + len).contains(&v);
        let square = inside(y, size / 3, size / 3) && inside(x, size / 4 + image, size / 3);
        u8::from(!(square || inside(y, 0, size / 5) && inside(x, size / 2, size)))
    };
    Batch { images, masks: (0..n * size * size).map(known).collect(), size, n }
}

/// Parameters with batch norms that do something.
fn params(arch: &Arch) -> Params {
    let mut rng = Rng::stream(9, 0, 0);
    let mut params = Params::init(arch, &mut rng);
    for tensor in &mut params.tensors {
        let [low, high] = match tensor.name.rsplit('.').next() {
            Some("scale" | "variance") => [0.5, 1.5],
            Some("shift" | "mean" | "bias") => [-0.3, 0.3],
            _ => continue,
        };
        tensor.data.iter_mut().for_each(|v| *v = rng.range(low, high));
    }
    params
}

fn in_f64(params: &Params) -> Params<f64> {
    let tensor = |t: &Tensor| Tensor {
        name: t.name.clone(),
        shape: t.shape.clone(),
        data: t.data.iter().map(|&v| v.into()).collect(),
        trained: t.trained,
        decay: t.decay,
    };
    Params { tensors: params.tensors.iter().map(tensor).collect() }
}

/// Largest difference, relative to the largest number.
fn difference(a: &[f32], b: &[f64]) -> f64 {
    assert_eq!(a.len(), b.len());
    let largest = b.iter().fold(0.0f64, |max, v| max.max(v.abs()));
    a.iter().zip(b).fold(0.0, |max: f64, (&a, b)| max.max((f64::from(a) - b).abs())) / largest.max(1e-30)
}

/// The harmonic fill of every image.
fn harmonic(batch: &Batch) -> Vec<f32> {
    let size = batch.size;
    let mut prior = batch.images.clone();
    let solver = Harmonic::new(size, size).unwrap();
    let mut scratch = vec![0.0; solver.scratch_len()];
    for (image, known) in prior.chunks_exact_mut(3 * size * size).zip(batch.masks.chunks_exact(size * size)) {
        let known = ArrayView2::from_shape((size, size), known).unwrap();
        let mask = Mask::from_bytes(known, MaskRule::default().white(MaskWhite::Keep).threshold(1)).unwrap();
        solver.fill(image, &mask, CYCLES, &mut scratch);
    }
    prior
}

#[test]
fn the_engine_computes_what_training_evaluates() {
    let prior = |prior_input, arch| Arch { prior: Prior::Harmonic, prior_input, ..arch };
    for (arch, size) in [
        (Arch::paper(3, 4), 40),
        (Arch::paper(1, 6), 16),
        (Arch::paper(5, 3), 33),
        (prior(false, Arch::paper(2, 4)), 24),
        (prior(true, Arch::paper(3, 4)), 37),
        // Contexts that are one group of holes, and narrower than the image.
        (Arch { context: Some(6), ..prior(true, Arch::paper(3, 4)) }, 37),
        (Arch { context: Some(5), ..Arch::paper(3, 4) }, 40),
    ] {
        let (batch, params) = (batch(2, size), params(&arch));
        let prior = (arch.prior == Prior::Harmonic).then(|| harmonic(&batch));
        let composite = Net::new(&arch, 2).fill(&params, &batch, prior.as_deref());
        let provenance = BTreeMap::from([("steps".to_owned(), "7".to_owned())]);
        let bytes = export(&arch, &params, Dtype::F32, &provenance).unwrap();
        let inpainter = Inpainter::from_bytes(&bytes, Options::default()).unwrap();
        let (mut inside, mut holes) = (0, 0);
        for image in 0..batch.n {
            let at = |y: usize, x: usize| (image * size + y) * size + x;
            let picture = Array3::from_shape_fn((size, size, 3), |(y, x, c)| batch.images[3 * at(y, x) + c]);
            let mask = Array2::from_shape_fn((size, size), |(y, x)| 255 * (1 - batch.masks[at(y, x)]));
            let hole = Mask::from_bytes(mask.view(), MaskRule::default()).unwrap();
            let filled = inpainter.inpaint(picture.view(), &hole).unwrap();
            for ((y, x, c), &engine) in filled.indexed_iter() {
                let trained = composite[3 * at(y, x) + c];
                assert!((engine - trained.clamp(0.0, 1.0)).abs() < 1e-5, "({x}, {y}): {engine} and {trained}");
                holes += usize::from(mask[[y, x]] > 0);
                inside += usize::from(mask[[y, x]] > 0 && trained > 0.0 && trained < 1.0);
            }
        }
        assert!(2 * inside > holes, "clipping hides differences: {inside} of {holes} inside 0 … 1");
    }
}

#[test]
fn the_export_is_refused_with_numbers_that_no_file_may_hold() {
    let arch = Arch::paper(2, 3);
    let mut params = params(&arch);
    params.tensors[0].data[5] = f32::NAN;
    let message = export(&arch, &params, Dtype::F32, &BTreeMap::new()).unwrap_err();
    assert!(message.starts_with("enc1.weight: expected finite numbers"), "{message}");
    params.tensors[0].data[5] = 1e6;
    assert!(export(&arch, &params, Dtype::F16, &BTreeMap::new()).is_err());
    assert!(export(&arch, &params, Dtype::F32, &BTreeMap::new()).is_ok());
}

/// Output, gradient of the input and gradient of the weights of one convolution.
fn products<T: Real>(
    kernel: usize,
    axis: &Axis,
    size: [usize; 2],
    out: [usize; 2],
    channels: [usize; 2],
) -> [Vec<T>; 3] {
    const N: usize = 2;
    let mut rng = Rng::stream(3, kernel as u64, 0);
    let mut random = |len: usize| (0..len).map(|_| T::of(rng.normal().into())).collect::<Vec<T>>();
    let mut conv = Conv::<T>::new(kernel, axis.clone(), channels[0], channels[1]);
    let weight = random(conv.weights());
    conv.pack_forward(&weight);
    conv.pack_backward(&weight);
    let halo = |axis: &Axis, from: [usize; 2], to: [usize; 2]| axis.halo(from[0], to[0]).max(axis.halo(from[1], to[1]));
    let map = |[height, width]: [usize; 2], channels, halo| Map { n: N, height, width, channels, halo };
    let x_map = map(size, channels[0], halo(axis, size, out));
    let y_map = map(out, channels[1], halo(&axis.transposed(), out, size));
    let mut maps = [x_map, y_map].map(|map| {
        let mut data = vec![T::zero(); map.len()];
        (0..map.n * map.height).for_each(|row| {
            let row = map.row(row / map.height, row % map.height);
            data[row.clone()].copy_from_slice(&random(row.len()));
        });
        data
    });
    let dense = |map: Map| Map { halo: 0, ..map };
    let [x, g] = &mut maps;
    let mut y = vec![T::zero(); dense(y_map).len()];
    convolve(&[(&conv, (x_map, &x[..]))], None, dense(y_map), &mut y);
    let mut dx = vec![T::zero(); dense(x_map).len()];
    input_gradient(&[(&conv, (y_map, &g[..]))], dense(x_map), &mut dx);
    let mut dw = vec![T::zero(); conv.weights()];
    WeightGradients::default().compute(&[(&conv, (x_map, &x[..]))], (y_map, g), &mut [&mut dw]);
    [y, dx, dw]
}

#[test]
fn every_product_of_f32_is_that_of_f64() {
    let mut cases = Vec::new();
    for kernel in [1, 3, 5, 7] {
        for (size, channels) in [([16, 20], [3, 7]), ([5, 3], [33, 40]), ([22, 19], [6, 65]), ([2, 2], [20, 3])] {
            cases.push((kernel, Axis::strided(kernel, 1), size, size, channels));
            if kernel > 1 {
                cases.push((kernel, Axis::strided(kernel, 2), size, size.map(|v: usize| v.div_ceil(2)), channels));
            }
        }
    }
    for (size, channels) in [([2, 2], [40, 33]), ([8, 9], [17, 16]), ([3, 1], [5, 3])] {
        cases.push((3, Axis::upsampled(), size, size.map(|v| 2 * v), channels));
    }
    for (kernel, axis, size, out, channels) in cases {
        let single = products::<f32>(kernel, &axis, size, out, channels);
        let double = products::<f64>(kernel, &axis, size, out, channels);
        for ((name, single), double) in ["output", "input gradient", "weight gradient"].iter().zip(&single).zip(&double)
        {
            let error = difference(single, double);
            assert!(error < 1e-5, "{name} of {kernel}, {size:?}, {channels:?}, {axis:?}: {error:.1e}");
        }
    }
}

fn losses() -> LossWeights {
    LossWeights { gradient: 1.0, vgg_crop: 16, ..LossWeights::default() }
}

#[test]
fn a_step_of_f32_is_that_of_f64() {
    let arch = Arch::paper(4, 4);
    let (batch, mut params) = (batch(3, 48), params(&arch));
    let mut double = in_f64(&params);
    let (mut net, mut network) = (Net::new(&arch, 2), Network::<f64>::new(&arch));
    net.set_vgg(Vgg::from_bytes(VGG).unwrap());
    network.set_vgg(Vgg::from_bytes(VGG).unwrap());

    let (mut single_grads, mut double_grads) = (Vec::new(), Vec::new());
    let report = net.step(&mut params, &batch, None, &losses(), Phase::default(), &mut single_grads);
    network.forward(&mut double, &batch, None, Some(Phase::default()));
    let (terms, total) = network.losses(&losses());
    network.backward(&double, Phase::default(), &mut double_grads);

    assert!((f64::from(report.total) - total).abs() < 1e-5 * total, "{} and {total}", report.total);
    assert_eq!(report.terms.len(), 6);
    for ((name, single), (_, double)) in report.terms.iter().zip(terms) {
        assert!((f64::from(*single) - double).abs() < 1e-4 * double, "{name}: {single} and {double}");
    }
    for ((tensor, single), double) in params.tensors.iter().zip(&single_grads).zip(&double_grads) {
        assert_eq!(single.len(), if tensor.trained { tensor.data.len() } else { 0 }, "{}", tensor.name);
        // A decision near zero may fall the other way in f32; one of thousands.
        let error = difference(single, double);
        assert!(error < 5e-3, "{}: {error:.1e}", tensor.name);
    }
    for (single, double) in params.tensors.iter().zip(&double.tensors) {
        assert!(difference(&single.data, &double.data) < 1e-4, "{}", single.name);
    }
}

#[test]
fn the_number_of_threads_changes_no_bit() {
    let arch = Arch::paper(3, 6);
    let run = |threads: usize| {
        let (batch, mut params) = (batch(3, 32), params(&arch));
        let mut net = Net::new(&arch, threads);
        net.set_vgg(Vgg::from_bytes(VGG).unwrap());
        let mut grads = Vec::new();
        let report = net.step(&mut params, &batch, None, &losses(), Phase::default(), &mut grads);
        let fill = net.fill(&params, &batch, None);
        (report, grads, params, fill)
    };
    let one = run(1);
    assert!(one.1.iter().flatten().any(|&g| g != 0.0));
    for threads in [2, 3] {
        assert!(run(threads) == one, "{threads} threads and one");
    }
}

#[test]
fn a_frozen_encoder_norm_stands_still() {
    let arch = Arch::paper(3, 4);
    let (batch, mut params) = (batch(2, 16), params(&arch));
    let before = params.clone();
    let mut grads = Vec::new();
    let phase = Phase { freeze_encoder_bn: true, ..Phase::default() };
    Net::new(&arch, 1).step(&mut params, &batch, None, &LossWeights::default(), phase, &mut grads);
    for ((now, before), grad) in params.tensors.iter().zip(&before.tensors).zip(&grads) {
        let statistic = !now.trained;
        let norm = !now.decay && !now.name.ends_with("bias");
        let frozen = now.name.starts_with("enc");
        assert_eq!(now.data == before.data, !statistic || frozen, "{}", now.name);
        assert_eq!(grad.iter().all(|&g| g == 0.0), statistic || frozen && norm, "{}", now.name);
    }

    // The optimiser's moments from before do not move it.
    let mut adam = AdamW::new(&params);
    adam.first.iter_mut().chain(&mut adam.second).flatten().for_each(|moment| *moment = 1.0);
    let before = params.clone();
    adam.update(&Optimizer::default(), 9, 0.1, 1.0, &mut params, &grads);
    for (now, before) in params.tensors.iter().zip(&before.tensors) {
        let norm = !now.decay && !now.name.ends_with("bias");
        let still = !now.trained || now.name.starts_with("enc") && norm;
        assert_eq!(now.data == before.data, still, "{}", now.name);
    }
}

#[test]
fn every_gradient_is_right() {
    gradcheck::run(&mut |check| assert!(check.error <= LIMIT, "{} {}: {:.1e}", check.op, check.shape, check.error));
}

#[test]
fn a_wrong_backward_pass_is_found() {
    let base = LayerCase::encoder("spoiled", 3, (8, 10), (3, 4), Hole::Border);
    let normed = LayerCase { norm: Norm::Train, ..base.clone() };
    let leaky = LayerCase { slope: 0.2, ..base.clone() };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        assert!(normed.check(|parts| parts).error <= LIMIT);
        assert!(leaky.check(|parts| parts).error <= LIMIT);
        let without_ratio = base.check(|parts| Parts { ratio: None, ..parts });
        assert!(without_ratio.error > 1e-2, "the ratio dropped: {:.1e}", without_ratio.error);
        let constant_moments = normed.check(|parts| Parts { of_batch: false, ..parts });
        assert!(constant_moments.error > 1e-2, "moments taken for constants: {:.1e}", constant_moments.error);
        let holes_pass = base.check(|parts| Parts { known: None, ..parts });
        assert!(holes_pass.error > 1e-2, "gradients out of holes: {:.1e}", holes_pass.error);
        let wrong_slope = leaky.check(|parts| Parts { slope: 0.0, ..parts });
        assert!(wrong_slope.error > 1e-2, "the slope dropped: {:.1e}", wrong_slope.error);
    });
}

#[test]
fn vgg_features_are_those_of_another_implementation() {
    let bytes = include_bytes!("fixtures/vgg16.safetensors");
    let file = SafeTensors::deserialize(bytes).unwrap();
    let read = |name: &str| -> (Vec<usize>, Vec<f32>) {
        let tensor = file.tensor(name).unwrap();
        let numbers = tensor.data().chunks_exact(4).map(|b| f32::from_le_bytes(b.try_into().unwrap())).collect();
        (tensor.shape().to_vec(), numbers)
    };
    let (shape, planes) = read("input_rgb01");
    let size = shape[2];
    let image: Vec<f32> = (0..3 * size * size).map(|i| planes[i % 3 * size * size + i / 3]).collect();
    let mut vgg = Vgg::<f32>::from_bytes(VGG).unwrap();
    let pools = vgg.forward(1, size, &image);
    for (name, (map, pool)) in ["pool1", "pool2", "pool3"].iter().zip(pools) {
        let (shape, expected) = read(name);
        assert_eq!(shape[2..], [map.height, map.width]);
        let largest = expected.iter().fold(0.0f32, |max, v| max.max(v.abs()));
        for (i, &expected) in expected.iter().enumerate() {
            let (c, y, x) = (i / (map.height * map.width), i / map.width % map.height, i % map.width);
            let found = pool[map.at(0, y as isize, x as isize) + c];
            // Weights in f16 hold eleven bits.
            assert!((found - expected).abs() < 2e-3 * largest, "{name} {c} ({x}, {y}): {found} and {expected}");
        }
    }
}
