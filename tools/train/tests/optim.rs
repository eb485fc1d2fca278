//! AdamW, its norm and clip, the moving average.

use inpaint_train::{
    config::Optimizer,
    net::{Params, Tensor},
    optim::{AdamW, average, clip, memory, squared_norms},
};

fn params(tensors: &[(&[f32], bool, bool)]) -> Params {
    let tensor = |(i, &(data, trained, decay)): (usize, &(&[f32], bool, bool))| Tensor {
        name: format!("t{i}"),
        shape: vec![data.len()],
        data: data.to_vec(),
        trained,
        decay,
    };
    Params { tensors: tensors.iter().enumerate().map(tensor).collect() }
}

#[test]
fn one_update_by_hand() {
    let mut params = params(&[(&[2.0, -4.0], true, true), (&[2.0], true, false), (&[3.0], false, false)]);
    let mut adam = AdamW::new(&params);
    assert!(adam.first[2].is_empty());
    let o = Optimizer { betas: [0.5, 0.75], decay: 0.5, epsilon: 1.0, ..Optimizer::default() };
    adam.update(&o, 1, 0.25, 0.5, &mut params, &[vec![4.0, -8.0], vec![4.0], vec![]]);
    // g = 2, −4: m = g/2, v = g²/4; m̂ = g, v̂ = g²; θ − ηλθ − η g / (|g| + 1) with η = 1/4, λ = 1/2.
    assert_eq!((&adam.first[0], &adam.second[0]), (&vec![1.0, -2.0], &vec![1.0, 4.0]));
    let expected = [2.0 - 0.25 - 0.25 * 2.0 / 3.0, -4.0 + 0.5 + 0.25 * 4.0 / 5.0];
    for (value, expected) in params.tensors[0].data.iter().zip(expected) {
        assert!((value - expected).abs() < 1e-6, "{value} for {expected}");
    }
    assert!((params.tensors[1].data[0] - (2.0 - 0.25 * 2.0 / 3.0)).abs() < 1e-6);
    assert_eq!(params.tensors[2].data, [3.0]);
}

/// What PyTorch 2.15.0 prints for the same steps: `torch.optim.AdamW([dict(params=[p], weight_decay=0.01),
/// dict(params=[q], weight_decay=0)], betas=(0.9, 0.99), eps=1e-8, foreach=False)`, rate 2e-3 / step, gradients through
/// `torch.nn.utils.clip_grad_norm_([p, q], 1.0)`. Each row: norm, p, q.
const PYTORCH: [(f64, [f32; 4], [f32; 2]); 4] = [
    (0.602826714515686, [0.49798998, -1.247975, 1.99796, -0.0009998201], [0.748, -0.102]),
    (2.028798818588257, [0.49822608, -1.2474891, 1.9970694, -0.0019993435], [0.7474248, -0.1028842]),
    (1.233896255493164, [0.49824968, -1.2477094, 1.9974502, -0.002232511], [0.746908, -0.1033409]),
    (5.590169906616211, [0.49797902, -1.2475146, 1.997568, -0.0025213647], [0.7465083, -0.10356727]),
];

#[test]
fn four_updates_as_pytorch() {
    let grads: [([f32; 4], [f32; 2]); 4] = [
        ([0.1, -0.2, 0.03, 1e-4], [0.5, 0.25]),
        ([-0.3, 0.1, 0.02, 2e-4], [-0.125, 2.0]),
        ([0.05, 0.4, -0.6, -1e-4], [1.0, 0.0]),
        ([3.0, -4.0, 1.0, 0.5], [2.0, -1.0]),
    ];
    let mut params = params(&[(&[0.5, -1.25, 2.0, 1e-3], true, true), (&[0.75, -0.1], true, false)]);
    let mut adam = AdamW::new(&params);
    for (t, ((p, q), (norm, p_after, q_after))) in (1..).zip(grads.iter().zip(PYTORCH)) {
        let grads = [p.to_vec(), q.to_vec()];
        let found = squared_norms(&grads).iter().sum::<f64>().sqrt();
        assert!((found - norm).abs() < 1e-6 * norm, "{found} for {norm}");
        adam.update(&Optimizer::default(), t, 2e-3 / t as f64, clip(found, 1.0), &mut params, &grads);
        let found = params.tensors.iter().flat_map(|tensor| &tensor.data);
        for (found, expected) in found.zip(p_after.iter().chain(&q_after)) {
            assert!((found - expected).abs() < 3e-7, "update {t}: {found} for {expected}");
        }
    }
}

#[test]
fn norms_do_not_depend_on_threads() {
    let grads: Vec<Vec<f32>> =
        [1, 50_000, 16_384].map(|n| (0..n).map(|i| ((i * 7919) % 1013) as f32 * 1e-3 - 0.5).collect()).into();
    let on = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        pool.install(|| squared_norms(&grads))
    };
    let exact: f64 = grads[1].iter().map(|&v| f64::from(v).powi(2)).sum();
    assert!((on(1)[1] - exact).abs() < 1e-9 * exact);
    assert_eq!(on(1), on(2));
    assert_eq!(on(1), on(3));
}

#[test]
fn the_average_follows_weights_and_statistics() {
    let mut averaged = params(&[(&[0.0], true, true), (&[8.0], false, false)]);
    average(&mut averaged, &params(&[(&[1.0], true, true), (&[0.0], false, false)]), 0.75);
    assert_eq!((averaged.tensors[0].data[0], averaged.tensors[1].data[0]), (0.25, 6.0));
    assert_eq!(memory(0.999, 8), 0.5);
    assert!(memory(0.999, 1_000_000) == 0.999);
    assert_eq!((clip(0.5, 1.0), clip(4.0, 1.0)), (1.0, 0.25));
}
