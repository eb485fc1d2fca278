//! Every kernel this CPU or Miri can run equals a triple loop over integers and an epilogue in plain Rust, bit for bit.

use std::fmt::Debug;

use super::super::tests::{Random, panics, window};
use super::super::{Gemm, MAX_ROWS, Operand, Output, Row, Window};
use super::*;
use crate::numerics::{Activation, WIDE_LIMIT};
use crate::simd::Isa;

/// What the tests need of a value of a map or of weights.
trait Value: Copy + Debug + PartialEq {
    const EXTREMES: [i32; 2];
    fn of(v: i32) -> Self;
    fn int(self) -> i32;
}

macro_rules! value {
    ($($name:ty: $least:expr, $greatest:expr;)*) => {$(
        impl Value for $name {
            const EXTREMES: [i32; 2] = [$least, $greatest];
            fn of(v: i32) -> Self {
                v as $name
            }
            fn int(self) -> i32 {
                self as i32
            }
        }
    )*};
}

value! {
    u8: 0, 255;
    i8: -127, 127;
    i16: -WIDE_LIMIT, WIDE_LIMIT;
    f32: 0, 0;
}

/// Where values come from.
#[derive(Clone, Copy, Debug)]
enum Draw {
    /// All of a range alike.
    Even,
    /// The least and the greatest.
    Extreme,
    /// The greatest alone: the greatest sums.
    Greatest,
}

impl Draw {
    fn value(self, [least, greatest]: [i32; 2], random: &mut Random) -> i32 {
        match self {
            Draw::Even => least + random.below((greatest - least + 1) as usize) as i32,
            Draw::Extreme => [least, greatest][random.below(2)],
            Draw::Greatest => greatest,
        }
    }
}

#[derive(Debug)]
struct Case {
    rows: usize,
    n: usize,
    variants: usize,
    windows: Vec<Window>,
    activation: Activation,
    zero: i32,
    draw: Draw,
}

/// The result from a sum.
fn result<O: Value>(sum: i32, ratio: f32, [scale, bias]: [f32; 2], activation: Activation, zero: i32) -> (i32, f32) {
    let mut v = sum as f32;
    v *= ratio;
    v *= scale;
    v += bias;
    let v = activation.apply(v);
    let [least, greatest] = O::EXTREMES;
    // Exact in f64, from which no rounding is left.
    let whole = f64::from(v.round_ties_even()) + f64::from(zero);
    (whole.clamp(f64::from(least), f64::from(greatest)) as i32, v)
}

fn check<L: Value, O: Value + Default>(case: &Case, random: &mut Random)
where
    Integer<L, O>: Number<Left = L, Output = O, Epilogue = IntegerEpilogue>,
    <Integer<L, O> as Number>::Weight: Value,
{
    let Case { rows, n, variants, activation, zero, draw, .. } = *case;
    // The largest weight of the type, or with which sums are of 32 bits.
    let k: usize = case.windows.iter().map(Window::k).sum();
    let most = if size_of::<L>() == 1 { 127 } else { 32767 };
    let weight = most.min((i32::MAX - 10_000) / L::EXTREMES[1] / k as i32);
    let maps: Vec<Vec<L>> = (case.windows.iter())
        .map(|w| (0..w.span().unwrap() + 300).map(|_| L::of(draw.value(L::EXTREMES, random))).collect())
        .collect();
    let weights: Vec<Vec<i32>> = (case.windows.iter())
        .map(|w| (0..variants * n * w.k()).map(|_| draw.value([-weight, weight], random)).collect())
        .collect();
    // Sums in the middle and beyond both ends of the range of results.
    let spread = match O::EXTREMES[1] {
        0 => 1.0,
        greatest => greatest as f32,
    };
    let typical = (k as f32).sqrt() * L::EXTREMES[1] as f32 * (weight as f32 / 2.0);
    let unit = |random: &mut Random| random.below(1 << 20) as f32 / (1 << 20) as f32;
    let scale: Vec<f32> = (0..n).map(|_| (0.1 + unit(random)) * spread / typical).collect();
    let bias: Vec<f32> = (0..n).map(|_| (unit(random) - 0.5) * spread).collect();
    let offset: Vec<i32> = (0..n).map(|_| random.below(20_001) as i32 - 10_000).collect();
    let epilogue = IntegerEpilogue::new(&offset, &scale, &bias, activation, zero).unwrap();
    let variant = random.below(variants);
    // Results leave gaps that must stay as they are.
    let pitch = n + 3;
    let rows: Vec<_> = (0..rows)
        .map(|i| Row {
            a: [random.below(300), random.below(300)],
            c: i * pitch,
            ratio: 1.0 + random.below(90) as f32 / 9.0,
        })
        .collect();

    let left = O::of(7);
    let mut expected = vec![left; rows.len() * pitch];
    for (row, expected) in rows.iter().zip(expected.chunks_mut(pitch)) {
        for j in 0..n {
            let mut sum = 0i64;
            for (i, window) in case.windows.iter().enumerate() {
                let column = &weights[i][(variant * n + j) * window.k()..][..window.k()];
                for (k, &weight) in column.iter().enumerate() {
                    let at = row.a[i] + k / window.run_len * window.run_stride + k % window.run_len;
                    sum += i64::from(maps[i][at].int()) * i64::from(weight);
                }
            }
            let sum = i32::try_from(sum - i64::from(offset[j])).expect("a sum of 32 bits");
            let (whole, float) = result::<O>(sum, row.ratio, [scale[j], bias[j]], activation, zero);
            expected[j] = if O::EXTREMES == [0, 0] { float_as(float) } else { O::of(whole) };
        }
    }

    for isa in Isa::available() {
        for (name, gemm) in Gemm::<Integer<L, O>>::all(isa, n).unwrap() {
            assert_eq!(gemm.nr(), 16);
            let packed: Vec<_> = (case.windows.iter().zip(&weights))
                .map(|(window, weights)| {
                    let k = window.k();
                    let fill = |v: usize, j: usize, out: &mut [<Integer<L, O> as Number>::Weight]| {
                        out.iter_mut().zip(&weights[(v * n + j) * k..]).for_each(|(out, w)| *out = Value::of(*w));
                    };
                    gemm.pack(variants, k, fill).unwrap()
                })
                .collect();
            let operands: Vec<_> = (case.windows.iter().zip(&maps).zip(&packed))
                .map(|((&window, map), weights)| Operand { map, window, weights, variant })
                .collect();
            let mut found = vec![left; rows.len() * pitch];
            let out = Output::new(&mut found);
            let middle = random.below(gemm.panels() + 1);
            for panels in [0..middle, middle..gemm.panels()] {
                // SAFETY: one thread, and panels one after the other.
                unsafe { gemm.rows(&operands, &epilogue, &rows, panels, &out) };
            }
            for (i, (expected, found)) in expected.iter().zip(&found).enumerate() {
                let (row, j) = (i / pitch, i % pitch);
                assert!(
                    expected == found,
                    "{name}, {case:?}, row {row}, column {j}: expected {expected:?}, found {found:?}"
                );
            }
        }
    }
}

/// `v` as the output type, which is f32.
fn float_as<O: Copy + 'static>(v: f32) -> O {
    let boxed: Box<dyn std::any::Any> = Box::new(v);
    *boxed.downcast().expect("an output of f32")
}

fn check_all(case: &Case, random: &mut Random, wide: bool) {
    if wide {
        check::<i16, u8>(case, random);
        check::<i16, i16>(case, random);
        check::<i16, f32>(case, random);
    } else {
        check::<u8, u8>(case, random);
        check::<u8, i16>(case, random);
    }
}

#[test]
fn every_kernel_equals_the_triple_loop() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let activations = [Activation::None, Activation::Relu, Activation::LeakyRelu(0.2)];
    let draws = [Draw::Even, Draw::Extreme, Draw::Greatest];
    let zeros = [0, 128, 255, -3, WIDE_LIMIT, -WIDE_LIMIT];
    let columns: Vec<usize> = if cfg!(miri) { vec![3, 33] } else { (1..71).chain([96, 97, 128]).collect() };
    for (i, n) in columns.into_iter().enumerate() {
        for wide in [false, true] {
            for turn in 0..if cfg!(miri) { 1 } else { 3 } {
                let group = if wide { 2 } else { 4 };
                let run = |random: &mut Random| {
                    let len = group * (1 + random.below(if cfg!(miri) { 2 } else { 10 }));
                    window(1 + random.below(if cfg!(miri) { 2 } else { 4 }), len, random.below(9))
                };
                let mut windows = vec![run(&mut random)];
                if (i + turn) % 2 == 1 {
                    windows.push(run(&mut random));
                }
                let case = Case {
                    rows: if cfg!(miri) { 9 } else { 1 + random.below([20, 20, MAX_ROWS][turn]) },
                    n,
                    variants: 1 + random.below(3),
                    windows,
                    activation: activations[random.below(3)],
                    zero: zeros[random.below(zeros.len())],
                    draw: draws[random.below(3)],
                };
                check_all(&case, &mut random, wide);
            }
        }
    }
}

#[test]
fn sums_of_many_products_are_exact() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    let shapes: &[(usize, usize, bool)] = if cfg!(miri) {
        &[(1, 40, false)]
    } else {
        &[(9, 1024, false), (3, 3000, false), (1, 512, true), (5, 96, true)]
    };
    for &(runs, len, wide) in shapes {
        for draw in [Draw::Even, Draw::Extreme, Draw::Greatest] {
            for n in if cfg!(miri) { vec![3] } else { vec![3, 40] } {
                let windows = vec![window(runs, len, 4)];
                let rows = if cfg!(miri) { 2 } else { 17 };
                let case = Case { rows, n, variants: 1, windows, activation: Activation::None, zero: 5, draw };
                check_all(&case, &mut random, wide);
            }
        }
    }
}

/// Sums 0 … 255 less an offset, halved.
#[test]
fn halves_round_to_even() {
    for isa in Isa::available() {
        let kernels = Gemm::<Integer<u8, i16>>::all(isa, 5).unwrap().zip(Gemm::<Integer<u8, u8>>::all(isa, 5).unwrap());
        for ((name, gemm), (_, bytes)) in kernels {
            let weights = gemm.pack(1, 4, |_, _, out| out[0] = 1).unwrap();
            let map: Vec<u8> = (0..=255).flat_map(|v| [v, 9, 9, 9]).collect();
            let epilogue = IntegerEpilogue::new(&[128; 5], &[0.5; 5], &[0.0; 5], Activation::None, 100).unwrap();
            for first in (0..256).step_by(if cfg!(miri) { 128 } else { 64 }) {
                let operand = Operand { map: &map, window: window(1, 4, 0), weights: &weights, variant: 0 };
                let rows: Vec<_> = (0..if cfg!(miri) { 8 } else { 64 })
                    .map(|i| Row { a: [4 * (first + i), 0], c: 5 * i, ratio: 1.0 })
                    .collect();
                let (mut words, mut small) = ([0i16; 5 * 64], [0u8; 5 * 64]);
                let pair = Operand { map: &map, window: operand.window, weights: &weights, variant: 0 };
                // SAFETY: one thread.
                unsafe {
                    gemm.rows(&[operand], &epilogue, &rows, 0..1, &Output::new(&mut words));
                    bytes.rows(&[pair], &epilogue, &rows, 0..1, &Output::new(&mut small));
                }
                for i in 0..rows.len() {
                    let expected = ((first + i) as f32 / 2.0 - 64.0).round_ties_even() as i16 + 100;
                    assert_eq!(words[5 * i..][..5], [expected; 5], "{name}, {}", first + i);
                    assert_eq!(small[5 * i..][..5], [expected.clamp(0, 255) as u8; 5], "{name}, {}", first + i);
                }
            }
        }
    }
}

/// Scales that no network has: infinities are clipped as all is, and what is no number gives the least.
#[test]
fn what_is_beyond_all_integers_is_clipped() {
    for isa in Isa::available() {
        for (name, gemm) in Gemm::<Integer<u8, u8>>::all(isa, 4).unwrap() {
            let weights = gemm.pack(1, 4, |_, _, out| out[0] = 1).unwrap();
            let (infinity, n) = (f32::INFINITY, f32::NAN);
            let epilogue =
                IntegerEpilogue::new(&[0; 4], &[infinity, -1e38, 1e38, n], &[0.0; 4], Activation::None, 3).unwrap();
            let operand = Operand { map: &[200, 0, 0, 0], window: window(1, 4, 0), weights: &weights, variant: 0 };
            let mut found = [9u8; 4];
            // SAFETY: one thread.
            unsafe {
                gemm.rows(
                    &[operand],
                    &epilogue,
                    &[Row { ratio: 1.0, ..Row::default() }],
                    0..1,
                    &Output::new(&mut found),
                );
            }
            assert_eq!(found, [255, 0, 255, 0], "{name}");
        }
    }
}

#[test]
fn sums_without_k_are_those_of_no_products() {
    for isa in Isa::available() {
        for (name, gemm) in Gemm::<Integer<u8, u8>>::all(isa, 18).unwrap() {
            let nothing = gemm.pack(2, 0, |_, _, out| assert!(out.is_empty())).unwrap();
            let epilogue = IntegerEpilogue::new(&[-2; 18], &[2.0; 18], &[1.0; 18], Activation::Relu, 10).unwrap();
            let none = Operand { map: &[], window: window(0, 0, 7), weights: &nothing, variant: 1 };
            let empty = Operand { map: &[], window: window(3, 0, 7), weights: &nothing, variant: 0 };
            for operands in [&[][..], &[none], &[none, empty]] {
                let mut found = [0u8; 20];
                let row = Row { ratio: 3.0, ..Row::default() };
                // SAFETY: one thread.
                unsafe { gemm.rows(operands, &epilogue, &[row], 0..2, &Output::new(&mut found)) };
                assert_eq!((&found[..18], &found[18..]), (&[23; 18][..], &[0; 2][..]), "{name}");
            }
        }
    }
}

/// A file may hold them.
#[test]
fn panels_are_the_same_on_every_instruction_set() {
    for isa in Isa::available() {
        for (name, gemm) in Gemm::<Integer<i16, f32>>::all(isa, 19).unwrap() {
            let fill = |v: usize, j: usize, out: &mut [i16]| {
                out.iter_mut().enumerate().for_each(|(k, w)| *w = (1000 * v + 10 * j + k) as i16);
            };
            let packed = gemm.pack(2, 4, fill).unwrap();
            let mut expected = Vec::new();
            for (v, panel, pair, column, k) in
                (0..2 * 2 * 2 * 16 * 2).map(|i| (i / 128, i / 64 % 2, i / 32 % 2, i / 2 % 16, i % 2))
            {
                let j = 16 * panel + column;
                expected.push(if j < 19 { (1000 * v + 10 * j + 2 * pair + k) as i16 } else { 0 });
            }
            let found: Vec<i16> = (0..2).flat_map(|v| packed.some_panels(v, 0..2).to_vec()).collect();
            assert_eq!(found, expected, "{name}");
        }
    }
}

#[test]
fn runs_of_broken_groups_and_epilogues_of_another_gemm_are_rejected() {
    let run = |columns: usize, run_len: usize, n: usize| {
        !panics(|| {
            let gemm = Gemm::<Integer<u8, u8>>::new(Isa::Scalar, columns).unwrap();
            let weights = gemm.pack(1, 2 * run_len, |_, _, out| out.fill(1)).unwrap();
            let epilogue =
                IntegerEpilogue::new(&vec![0; n], &vec![1.0; n], &vec![0.0; n], Activation::None, 0).unwrap();
            let operand = Operand { map: &[1; 40], window: window(2, run_len, 0), weights: &weights, variant: 0 };
            let mut c = vec![0; columns];
            // SAFETY: one thread.
            unsafe { gemm.rows(&[operand], &epilogue, &[Row::default()], 0..1, &Output::new(&mut c)) };
        })
    };
    assert!(run(5, 8, 5));
    assert!(!run(5, 6, 5) && !run(5, 2, 5), "runs of broken groups");
    assert!(!run(5, 8, 6), "an epilogue of another GEMM");
    let epilogue = |scales: usize, biases: usize, zero: i32| {
        let (scale, bias) = (vec![1.0; scales], vec![0.0; biases]);
        !panics(|| IntegerEpilogue::new(&[0; 3], &scale, &bias, Activation::None, zero))
    };
    assert!(epilogue(3, 3, 0) && epilogue(3, 3, -WIDE_LIMIT));
    assert!(!epilogue(2, 3, 0) && !epilogue(3, 4, 0) && !epilogue(3, 3, WIDE_LIMIT + 1) && !epilogue(3, 3, i32::MIN));
}
