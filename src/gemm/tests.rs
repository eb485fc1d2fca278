//! Every kernel this CPU or Miri can run, held to a triple loop by bits. The shapes lie around the tile sizes, the windows
//! around the block sizes.

use super::*;
use crate::numerics;

/// Xorshift in −1 … 1.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn floats(&mut self, count: usize) -> Vec<f32> {
        (0..count).map(|_| (self.next() >> 29) as f32 / (1 << 23) as f32 - 1.0).collect()
    }
}

struct Case {
    rows: usize,
    n: usize,
    variants: usize,
    windows: Vec<Window>,
    activation: Activation,
}

fn check(isa: Isa, case: &Case, random: &mut Random) {
    let Case { rows, n, variants, .. } = *case;
    let gemm = Gemm::new(isa, n).unwrap();
    let maps: Vec<_> = case.windows.iter().map(|w| random.floats(w.span().unwrap() + 300)).collect();
    let weights: Vec<_> = case.windows.iter().map(|w| random.floats(variants * n * w.k())).collect();
    let packed: Vec<_> = (case.windows.iter().zip(&weights))
        .map(|(window, weights)| {
            let k = window.k();
            let column = |v: usize, j: usize, out: &mut [f32]| out.copy_from_slice(&weights[(v * n + j) * k..][..k]);
            gemm.pack(variants, k, column).unwrap()
        })
        .collect();
    let bias = random.floats(n);
    let finish = gemm.finish(&bias, case.activation);
    let variant = random.below(variants);
    let operands: Vec<_> = (case.windows.iter().zip(&maps).zip(&packed))
        .map(|((&window, map), weights)| Operand { map, window, weights, variant })
        .collect();
    // Results leave gaps that must stay as they are.
    let pitch = n + 3;
    let rows: Vec<_> = (0..rows)
        .map(|i| Row { a: [random.below(300), random.below(300)], c: i * pitch, ratio: 1.0 + random.below(9) as f32 })
        .collect();
    let mut found = vec![7.0; rows.len() * pitch];
    let out = Output::new(&mut found);
    let middle = random.below(gemm.panels());
    for panels in [0..middle, middle..gemm.panels()] {
        // SAFETY: one thread, and panels one after the other.
        unsafe { gemm.rows(&operands, &finish, &rows, panels, &out) };
    }

    for (row, found) in rows.iter().zip(found.chunks(pitch)) {
        for j in 0..pitch {
            let mut expected = 7.0f32;
            if j < n {
                let mut sum = 0.0;
                for (i, window) in case.windows.iter().enumerate() {
                    let column = &weights[i][(variant * n + j) * window.k()..][..window.k()];
                    for (k, &weight) in column.iter().enumerate() {
                        let at = row.a[i] + k / window.run_len * window.run_stride + k % window.run_len;
                        sum = numerics::fused(maps[i][at], weight, sum);
                    }
                }
                expected = case.activation.apply(numerics::fused(sum, row.ratio, bias[j]));
            }
            assert_eq!(
                expected.to_bits(),
                found[j].to_bits(),
                "{isa}, {} rows × {n}, {:?}, column {j}: {expected:e} expected, {:e} found",
                rows.len(),
                case.windows,
                found[j]
            );
        }
    }
}

fn window(runs: usize, run_len: usize, gap: usize) -> Window {
    Window { runs, run_len, run_stride: run_len + gap }
}

#[test]
fn every_kernel_equals_the_triple_loop() {
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let activations = [Activation::None, Activation::Relu, Activation::LeakyRelu(0.2)];
    let counts: &[usize] = if cfg!(miri) { &[15] } else { &[1, 3, 5, 6, 7, 9, 11, 13, 15, 23, 49, 97, MAX_ROWS] };
    let columns: &[usize] = if cfg!(miri) { &[3, 17] } else { &[1, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 32, 33, 65] };
    for isa in Isa::available() {
        println!("kernels of {isa}");
        for &n in columns {
            for (i, &rows) in counts.iter().enumerate() {
                let activation = activations[(i + n) % 3];
                let (runs, len) = (1 + random.below(4), 1 + random.below(40));
                let mut windows = vec![window(runs, len, random.below(9))];
                if i % 2 == 0 {
                    windows.push(window(1 + random.below(3), 1 + random.below(30), 2));
                }
                check(isa, &Case { rows, n, variants: 1 + i % 4, windows, activation }, &mut random);
            }
        }
    }
}

/// Longer than a block of k: partial sums are stored and resumed.
#[test]
fn blocks_of_k_change_nothing() {
    let mut random = Random(0x9e37_79b9_7f4a_7c15);
    for isa in Isa::available() {
        let shapes: &[(usize, usize)] =
            if cfg!(miri) { &[(1, 260)] } else { &[(1, 3000), (3, 700), (5, 255), (9, 90)] };
        for &(runs, len) in shapes {
            for n in if cfg!(miri) { 3..4 } else { 3..20 } {
                let windows = vec![window(runs, len, 5), window(2, 9, 0)];
                check(isa, &Case { rows: 7, n, variants: 1, windows, activation: Activation::Relu }, &mut random);
            }
        }
    }
}

#[test]
fn what_lies_outside_is_refused_however_far() {
    let gemm = Gemm::new(Isa::Scalar, 3).unwrap();
    let weights = gemm.pack(1, 4, |_, _, out| out.fill(0.0)).unwrap();
    let finish = gemm.finish(&[0.0; 3], Activation::None);
    let whole = Window { runs: 2, run_len: 2, run_stride: 3 };
    let row = Row { a: [0; 2], c: 0, ratio: 1.0 };
    let run = |window: Window, row: Row| {
        let (map, mut c) = ([0.0; 8], [0.0; 8]);
        let operand = Operand { map: &map, window, weights: &weights, variant: 0 };
        let call = || {
            // SAFETY: one thread.
            unsafe { gemm.rows(&[operand], &finish, &[row], 0..gemm.panels(), &Output::new(&mut c)) }
        };
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_ok()
    };
    assert!(run(whole, row) && run(whole, Row { a: [3, 0], c: 5, ..row }));
    for first in [4, usize::MAX - 4, usize::MAX] {
        assert!(!run(whole, Row { a: [first, 0], ..row }), "A from {first}");
    }
    for first in [6, usize::MAX - 2, usize::MAX] {
        assert!(!run(whole, Row { c: first, ..row }), "C from {first}");
    }
    for window in [
        Window { run_stride: usize::MAX - 1, ..whole },
        Window { runs: 0, ..whole },
        Window { runs: usize::MAX / 2 + 3, run_stride: 0, ..whole },
    ] {
        assert!(!run(window, row), "{window:?}");
    }
}
