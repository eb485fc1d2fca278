//! Kernels of integers, each beside the instruction it is made of: multiply–accumulates a second, and the share of what the
//! instruction alone reaches on this CPU. The two take turns, so that a clock that changes is the same for both.
//!
//! Run by `cargo bench -p inpaint-bench --bench integer`.

use std::time::Instant;

use inpaint_edge::Isa;
use inpaint_edge::gemm::{Gemm, Integer, IntegerEpilogue, MAX_ROWS, Number, Operand, Output, Row, Window};
use inpaint_edge::numerics::Activation;

/// An instruction on its own, as many at a time as a core takes up: steps, and multiply–accumulates in a step.
type Peak = (fn(usize), usize);

#[cfg(target_arch = "x86_64")]
mod peak {
    use std::arch::x86_64::*;
    use std::hint::black_box;

    macro_rules! peak {
        ($name:ident, $features:literal, $count:literal, $zero:ident, $splat:ident, $step:expr) => {
            pub fn $name(steps: usize) {
                #[target_feature(enable = $features)]
                fn run(steps: usize) {
                    let (mut sums, x, y) = ([$zero(); $count], black_box($splat(3)), black_box($splat(5)));
                    for _ in 0..steps {
                        for sum in &mut sums {
                            *sum = $step(*sum, x, y);
                        }
                    }
                    black_box(sums);
                }
                // SAFETY: the kernel of this instruction is one of this CPU.
                #[allow(unsafe_code)]
                unsafe {
                    run(steps);
                }
            }
        };
    }

    peak!(dpbusd_512, "avx512f,avx512vnni", 24, _mm512_setzero_si512, _mm512_set1_epi8, _mm512_dpbusd_epi32);
    peak!(dpwssd_512, "avx512f,avx512vnni", 24, _mm512_setzero_si512, _mm512_set1_epi8, _mm512_dpwssd_epi32);
    peak!(dpbusd_256, "avx2,avxvnni", 12, _mm256_setzero_si256, _mm256_set1_epi8, _mm256_dpbusd_avx_epi32);
    peak!(dpwssd_256, "avx2,avxvnni", 12, _mm256_setzero_si256, _mm256_set1_epi8, _mm256_dpwssd_avx_epi32);
    peak!(maddwd_128, "sse2", 12, _mm_setzero_si128, _mm_set1_epi8, |sum, _, y| _mm_madd_epi16(sum, y));
    peak!(maddwd_256, "avx2", 12, _mm256_setzero_si256, _mm256_set1_epi8, |sum, _, y| _mm256_madd_epi16(sum, y));
}

/// The instruction of a kernel for values of `bytes`.
#[cfg(target_arch = "x86_64")]
fn peak_of(kernel: &str, bytes: usize) -> Option<Peak> {
    Some(match (kernel, bytes) {
        ("avx512-vnni", 1) => (peak::dpbusd_512, 24 * 64),
        ("avx512-vnni", _) => (peak::dpwssd_512, 24 * 32),
        ("avx-vnni", 1) => (peak::dpbusd_256, 12 * 32),
        ("avx-vnni", _) => (peak::dpwssd_256, 12 * 16),
        ("avx2", _) => (peak::maddwd_256, 12 * 16),
        ("sse2", _) => (peak::maddwd_128, 12 * 8),
        _ => return None,
    })
}

#[cfg(not(target_arch = "x86_64"))]
fn peak_of(_: &str, _: usize) -> Option<Peak> {
    None
}

/// Times `calls` of `work`, of which it makes as many as take half a millisecond, less than a busy system gives at a time.
fn time(calls: &mut usize, mut work: impl FnMut()) -> f64 {
    loop {
        let start = Instant::now();
        (0..*calls).for_each(|_| work());
        let seconds = start.elapsed().as_secs_f64();
        if seconds > 0.0005 {
            return seconds / *calls as f64;
        }
        *calls *= 2;
    }
}

/// Numbers as xorshift makes them.
struct Random(u64);

impl Random {
    /// A weight as trained ones are: most are small, with a standard deviation of 30. The sum of eight even ones is near enough.
    fn weight(&mut self) -> i8 {
        let mut sum = 0;
        for _ in 0..8 {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            sum += (self.0 >> 40) as i32 % 37 - 18;
        }
        sum.clamp(-127, 127) as i8
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

/// [`MAX_ROWS`] × `n` × `runs`·`run_len`; rows start `step` values apart, so that they overlap as windows of a map do.
fn layer<L, O>(name: &str, n: usize, runs: usize, run_len: usize, step: usize)
where
    Integer<L, O>: Number<Left = L, Output = O, Epilogue = IntegerEpilogue>,
    <Integer<L, O> as Number>::Weight: From<i8>,
    L: From<u8> + Copy,
    O: Clone + Default,
{
    let (rows, k) = (MAX_ROWS, runs * run_len);
    let row_stride = 2 * run_len + rows * step;
    let map: Vec<L> = (0..runs * row_stride + rows * step).map(|i| L::from((i % 251) as u8)).collect();
    let scale = vec![1.0 / (k as f32 * 500.0); n];
    let epilogue = IntegerEpilogue::new(&vec![0; n], &scale, &vec![0.1; n], Activation::Relu, 10).unwrap();
    let window = Window { runs, run_len, run_stride: row_stride };
    for isa in Isa::available() {
        for (kernel, gemm) in Gemm::<Integer<L, O>>::all(isa, n).unwrap() {
            let fill = |_: usize, column: usize, out: &mut [_]| {
                let mut random = Random(column as u64 + 1);
                out.fill_with(|| From::from(random.weight()));
            };
            let weights = gemm.pack(1, k, fill).unwrap();
            let operands = [Operand { map: &map, window, weights: &weights, variant: 0 }];
            let rows: Vec<Row> = (0..rows).map(|i| Row { a: [i * step, 0], c: i * n, ratio: 1.0 }).collect();
            let mut result = vec![O::default(); rows.len() * n];
            let out = Output::new(&mut result);
            let peak = peak_of(kernel, size_of::<L>());
            let (mut rates, mut shares, mut calls, mut peak_calls) = (Vec::new(), Vec::new(), 1, 1);
            for _ in 0..201 {
                let seconds = time(&mut calls, || {
                    // SAFETY: one thread, rows that do not overlap.
                    #[allow(unsafe_code)]
                    unsafe {
                        gemm.rows(&operands, &epilogue, &rows, 0..gemm.panels(), &out);
                    }
                });
                let rate = (rows.len() * n * k) as f64 / seconds / 1e9;
                rates.push(rate);
                if let Some((run, macs)) = peak {
                    let seconds = time(&mut peak_calls, || run(200));
                    shares.push(rate / ((200 * macs) as f64 / seconds / 1e9));
                }
            }
            let share = if shares.is_empty() { "-".to_owned() } else { format!("{:.0} %", 100.0 * median(shares)) };
            println!(
                "{name:24} {:14} {:12} {kernel:18} {:7.1} GMAC/s  {share}",
                format!("{}x{n}x{k}", rows.len()),
                isa.name(),
                median(rates)
            );
        }
    }
}

fn main() {
    // One or two panels whose weights stay in the L1 cache.
    layer::<u8, u8>("u8 microkernel", 32, 1, 384, 16);
    layer::<u8, u8>("u8 3x3 of 128", 128, 3, 3 * 128, 128);
    layer::<u8, u8>("u8 3x3 of 256", 256, 3, 3 * 256, 256);
    layer::<u8, u8>("u8 3x3 of 64", 64, 3, 3 * 64, 64);
    layer::<i16, i16>("i16 microkernel", 32, 1, 384, 16);
    layer::<i16, u8>("i16 3x3 of 32", 32, 3, 3 * 32, 32);
    layer::<i16, i16>("i16 3x3 of 128", 128, 3, 3 * 128, 128);
    layer::<i16, f32>("i16 3x3 of 32, dec1", 3, 3, 3 * 32, 32);
}
