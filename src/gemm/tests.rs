//! Every kernel this CPU or Miri can run equals a triple loop, bit for bit. The shapes lie around the tile sizes, the
//! windows around the block sizes.

use super::product::Kernels;
use super::*;
use crate::error::ErrorKind;
use crate::numerics::{self, Activation};

/// Xorshift in −1 … 1.
pub(super) struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 >> 11
    }

    pub fn below(&mut self, end: usize) -> usize {
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
    let gemm = Gemm::<f32>::new(isa, n).unwrap();
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
    let epilogue = Epilogue::new(&bias, case.activation).unwrap();
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
        unsafe { gemm.rows(&operands, &epilogue, &rows, panels, &out) };
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
                        sum = numerics::mul_add(maps[i][at], weight, sum);
                    }
                }
                expected = case.activation.apply(numerics::mul_add(sum, row.ratio, bias[j]));
            }
            assert_eq!(
                expected.to_bits(),
                found[j].to_bits(),
                "{isa}, {} rows × {n}, {:?}, column {j}: expected {expected:e}, found {:e}",
                rows.len(),
                case.windows,
                found[j]
            );
        }
    }
}

pub(super) fn window(runs: usize, run_len: usize, gap: usize) -> Window {
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

/// Whether `call` panics.
pub(super) fn panics<T>(call: impl FnOnce() -> T) -> bool {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(call)).is_err()
}

#[test]
fn windows_and_rows_outside_their_maps_are_rejected() {
    let gemm = Gemm::<f32>::new(Isa::Scalar, 3).unwrap();
    let weights = gemm.pack(1, 4, |_, _, out| out.fill(0.0)).unwrap();
    let epilogue = Epilogue::new(&[0.0; 3], Activation::None).unwrap();
    let whole = Window { runs: 2, run_len: 2, run_stride: 3 };
    let row = Row { a: [0; 2], c: 0, ratio: 1.0 };
    let run = |window: Window, row: Row| {
        let (map, mut c) = ([0.0; 8], [0.0; 8]);
        let operand = Operand { map: &map, window, weights: &weights, variant: 0 };
        // SAFETY: one thread.
        !panics(|| unsafe { gemm.rows(&[operand], &epilogue, &[row], 0..gemm.panels(), &Output::new(&mut c)) })
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
        Window { run_len: 0, ..whole },
        Window { runs: usize::MAX / 2 + 3, run_stride: 0, ..whole },
    ] {
        assert!(!run(window, row), "{window:?}");
    }
}

#[test]
fn weights_and_epilogues_of_another_gemm_are_rejected() {
    let gemm = |n: usize| Gemm::<f32>::new(Isa::Scalar, n).unwrap();
    let pack = |n: usize| gemm(n).pack(2, 1, |_, _, out| out.fill(1.0)).unwrap();
    let run = |operands: &[(&Packed, usize)], n: usize, rows: usize, panels: Range<usize>| {
        let (map, mut c, window) = ([0.0; 1], [0.0; 8], Window { runs: 1, run_len: 1, run_stride: 0 });
        let operands: Vec<_> =
            operands.iter().map(|&(weights, variant)| Operand { map: &map, window, weights, variant }).collect();
        let epilogue = Epilogue::new(&vec![0.0; n], Activation::None).unwrap();
        // SAFETY: one thread.
        !panics(|| unsafe {
            gemm(6).rows(&operands, &epilogue, &vec![Row::default(); rows], panels, &Output::new(&mut c));
        })
    };
    let (six, seven) = (pack(6), pack(7));
    assert!(run(&[(&six, 1)], 6, MAX_ROWS, 0..1) && run(&[(&six, 0); 2], 6, 1, 0..1));
    assert!(!run(&[(&seven, 0)], 6, 1, 0..1), "weights of 7 columns");
    assert!(!run(&[(&six, 0)], 7, 1, 0..1), "a bias of 7 columns");
    assert!(!run(&[(&six, 2)], 6, 1, 0..1) && !run(&[(&six, usize::MAX)], 6, 1, 0..1), "variants that are not there");
    assert!(!run(&[(&six, 0); 3], 6, 1, 0..1), "three operands");
    assert!(!run(&[(&six, 0)], 6, MAX_ROWS + 1, 0..1), "too many rows");
    assert!(!run(&[(&six, 0)], 6, 1, 0..2), "a panel that is not there");
    // Its memory still holds the two variants of before.
    let mut fewer = pack(6);
    gemm(6).repack(&mut fewer, 1, 1).unwrap();
    assert!(run(&[(&fewer, 0)], 6, 1, 0..1) && !run(&[(&fewer, 1)], 6, 1, 0..1), "a variant of before");
    assert!(!run(&[(&Packed::empty().unwrap(), 0)], 6, 1, 0..1), "no weights");
}

#[test]
fn sums_without_k_are_zero() {
    for isa in Isa::available() {
        for n in if cfg!(miri) { vec![5] } else { vec![1, 4, 5, 16, 17, 40] } {
            let gemm = Gemm::<f32>::new(isa, n).unwrap();
            let nothing = gemm.pack(2, 0, |_, _, out| assert!(out.is_empty())).unwrap();
            let two = gemm.pack(1, 2, |_, column, out| out.fill(column as f32)).unwrap();
            let bias: Vec<f32> = (0..n).map(|j| j as f32 - 2.0).collect();
            let epilogue = Epilogue::new(&bias, Activation::Relu).unwrap();
            let map = [0.5, 3.0];
            let rows = [Row { a: [0, 0], c: 0, ratio: 4.0 }, Row { a: [0, 0], c: n, ratio: f32::INFINITY }];
            let operand = |weights, runs, run_len| Operand {
                map: &map,
                window: Window { runs, run_len, run_stride: 7 },
                weights,
                variant: 0,
            };
            let none = [operand(&nothing, 0, 0), operand(&nothing, 0, 5), operand(&nothing, 3, 0)];
            let pair = operand(&two, 1, 2);
            let run = |operands: &[Operand], rows: &[Row]| {
                let mut c = vec![7.0; 2 * n];
                // SAFETY: one thread.
                unsafe { gemm.rows(operands, &epilogue, rows, 0..gemm.panels(), &Output::new(&mut c)) };
                c
            };

            let expected: Vec<f32> = bias.iter().map(|&b| b.max(0.0)).collect();
            for operands in [&[][..], &none[..1], &none[1..2], &none[2..], &none[..2]] {
                let found = run(operands, &rows[..1]);
                assert_eq!((&found[..n], &found[n..]), (&expected[..], &vec![7.0; n][..]), "{isa}, {n} columns");
            }
            // 0·∞ is no number, which ReLU makes zero.
            assert_eq!(run(&[], &rows)[n..], vec![0.0; n]);
            let alone = run(&[pair], &rows[..1]);
            for operands in [[pair, none[2]], [none[0], pair]] {
                assert_eq!(run(&operands, &rows[..1]), alone, "{isa}, {n} columns");
            }

            let mut c = vec![7.0; 2 * n];
            // SAFETY: one thread.
            unsafe { gemm.accumulate(&none[..1], &rows, 0..gemm.panels(), &Output::new(&mut c)) };
            assert_eq!(c, vec![7.0; 2 * n]);
        }
    }
}

#[test]
fn no_columns_are_no_work() {
    let gemm = Gemm::<f32>::new(Isa::Scalar, 0).unwrap();
    let weights = gemm.pack(3, 5, |_, _, _| unreachable!()).unwrap();
    let window = Window { runs: 1, run_len: 5, run_stride: 0 };
    let operand = Operand { map: &[1.0; 5], window, weights: &weights, variant: 2 };
    let epilogue = Epilogue::new(&[], Activation::None).unwrap();
    let mut c = [7.0; 2];
    // SAFETY: one thread.
    unsafe { gemm.rows(&[operand], &epilogue, &[Row::default(); 2], 0..gemm.panels(), &Output::new(&mut c)) };
    assert_eq!((gemm.panels(), c), (0, [7.0; 2]));
}

#[test]
fn sizes_beyond_all_memory_are_errors_of_limits() {
    let most = usize::MAX;
    for (n, variants, k) in
        [(3, most, 1), (3, 1, most), (3, most, most), (3, 2, most / 2), (most, 1, 1), (5, most / 32, 1)]
    {
        let gemm = Gemm::<f32>::new(Isa::Scalar, n).unwrap();
        assert!(gemm.packed_bytes(variants, k) > isize::MAX as usize);
        let mut packed = Packed::empty().unwrap();
        let refused = [
            gemm.pack(variants, k, |_, _, _| unreachable!()).map(drop),
            gemm.repack(&mut packed, variants, k).map(drop),
        ];
        for refused in refused {
            assert_eq!(refused.unwrap_err().kind(), ErrorKind::Limits, "{variants} × {k} × {n}");
        }
    }
}

/// A number type that the engine does not have: bytes, of which a step takes three at once, summed in u32.
#[derive(Clone, Copy)]
struct Bytes;

#[derive(Clone, Copy)]
struct Triple;

impl Number for Bytes {
    type Left = u16;
    type Weight = u8;
    type Output = u32;
    type Epilogue = u32;
}

impl Kernel for Triple {
    fn new(_: Isa, _: usize) -> Result<Self> {
        Ok(Triple)
    }

    fn mr(&self) -> usize {
        1
    }

    fn nr(&self) -> usize {
        4
    }
}

impl Kernels for Bytes {
    type Kernel = Triple;

    const GROUP: usize = 3;

    unsafe fn multiply(kernel: &Triple, product: &Product<'_, Bytes>, epilogue: &u32) {
        let nr = kernel.nr();
        for (r, panel) in (0..product.rows.len()).flat_map(|r| product.panels.clone().map(move |panel| (r, panel))) {
            for j in 0..nr.min(product.n - panel * nr) {
                let mut sum = 0;
                for (i, operand) in product.operands.iter().enumerate() {
                    let panel = operand.weights.panel(operand.variant, panel);
                    for block in operand.window.blocks(6, 1) {
                        for k in 0..block.len() {
                            let at = block.offset + k / block.run_len * block.run_stride + k % block.run_len;
                            let group = (block.k + k) / 3 * 3 * nr;
                            // SAFETY: the value lies in the window, and the window in its map.
                            let value = unsafe { *product.a(i, r).add(at) };
                            sum += u32::from(value) * u32::from(panel[group + 3 * j + (block.k + k) % 3]);
                        }
                    }
                }
                // SAFETY: the row lies in C.
                unsafe { *product.c(r).add(panel * nr + j) = sum * product.rows[r].ratio as u32 + epilogue };
            }
        }
    }
}

/// Values, weights and results differ in size, and several k lie side by side.
#[test]
fn another_number_type_needs_its_kernels_alone() {
    let (n, windows) = (6, [window(3, 4, 5), window(2, 1, 3)]);
    let gemm = Gemm::<Bytes>::new(Isa::Scalar, n).unwrap();
    let weight = |i: usize, variant: usize, j: usize, k: usize| (7 * i + 31 * variant + 13 * j + 5 * k + 1) as u8;
    let pack = |i: usize| {
        let fill = |variant: usize, j: usize, out: &mut [u8]| {
            out.iter_mut().enumerate().for_each(|(k, w)| *w = weight(i, variant, j, k));
        };
        gemm.pack(2, windows[i].k(), fill).unwrap()
    };
    let packed = [pack(0), pack(1)];
    // [2 variants, 2 panels, k padded to a multiple of 3, 4 columns], in whole floats.
    assert_eq!(packed.each_ref().map(Packed::bytes), [2 * 2 * 12 * 4, 2 * 2 * 3 * 4]);
    assert_eq!([gemm.packed_bytes(2, 12), gemm.packed_bytes(2, 2)], [2 * 2 * 12 * 4, 2 * 2 * 3 * 4]);
    let map: Vec<u16> = (0..40).map(|i| 300 + 11 * i).collect();
    let operands =
        [0, 1].map(|i| Operand::<Bytes> { map: &map, window: windows[i], weights: &packed[i], variant: 1 - i });
    let rows = [Row { a: [2, 9], c: 0, ratio: 3.0 }, Row { a: [11, 30], c: 8, ratio: 1.0 }];
    let mut found = [7; 16];
    let out = Output::new(&mut found);
    // SAFETY: one thread.
    unsafe { gemm.rows(&operands, &100, &rows, 0..gemm.panels(), &out) };

    let mut expected = [7; 16];
    for (row, j) in rows.iter().flat_map(|row| (0..n).map(move |j| (row, j))) {
        let sum: u32 = (0..2)
            .flat_map(|i| (0..windows[i].k()).map(move |k| (i, k)))
            .map(|(i, k)| {
                let Window { run_len, run_stride, .. } = windows[i];
                u32::from(map[row.a[i] + k / run_len * run_stride + k % run_len]) * u32::from(weight(i, 1 - i, j, k))
            })
            .sum();
        expected[row.c + j] = sum * row.ratio as u32 + 100;
    }
    assert_eq!(found, expected);
}
