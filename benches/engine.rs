//! Four levels, kept apart: the microkernel and the core's peak, packing, one layer's GEMM, the whole image by hole ratio.
//!
//! Run by `cargo bench`. Elements are multiply–accumulates, so GFLOP/s are twice the Gelem/s shown.

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use inpaint_edge::gemm::{Epilogue, Gemm, MAX_ROWS, Operand, Output, Row, Window};
use inpaint_edge::numerics::Activation;
use inpaint_edge::{Inpainter, Isa, Mask, Options, Request};
use ndarray::Array3;

/// [`MAX_ROWS`] × `n` × `runs`·`run_len` on one instruction set; rows start `step` floats apart, so that they overlap as
/// windows of a feature map do.
fn gemm(c: &mut Criterion, group: &str, n: usize, runs: usize, run_len: usize, step: usize) {
    let rows = MAX_ROWS;
    let k = runs * run_len;
    let mut group = c.benchmark_group(group);
    group.throughput(Throughput::Elements((n * k * rows) as u64));
    let row_stride = 2 * run_len + rows * step;
    let map: Vec<f32> = (0..runs * row_stride + rows * step).map(|i| (i % 251) as f32 / 251.0).collect();
    for isa in Isa::available() {
        let gemm = Gemm::<f32>::new(isa, n).unwrap();
        let weights = gemm.pack(1, k, |_, column, out| out.fill(column as f32 / n as f32)).unwrap();
        let epilogue = Epilogue::new(&vec![0.1; n], Activation::Relu).unwrap();
        let window = Window { runs, run_len, run_stride: row_stride };
        let operands = [Operand { map: &map, window, weights: &weights, variant: 0 }];
        let rows: Vec<Row> = (0..rows).map(|i| Row { a: [i * step, 0], c: i * n, ratio: 1.0 }).collect();
        let mut result = vec![0.0; rows.len() * n];
        group.bench_function(BenchmarkId::new(isa.name(), format!("{}x{n}x{k}", rows.len())), |b| {
            let out = Output::new(&mut result);
            // SAFETY: one thread, rows that do not overlap.
            #[allow(unsafe_code)]
            b.iter(|| unsafe { gemm.rows(&operands, &epilogue, &rows, 0..gemm.panels(), &out) });
        });
    }
    let (a, b) = (vec![0.5f32; rows * k], vec![0.25f32; k * n]);
    let mut result = vec![0.0f32; rows * n];
    group.bench_function(BenchmarkId::new("matrixmultiply", format!("{rows}x{n}x{k}")), |bench| {
        // SAFETY: the strides describe the three row-major matrices.
        #[allow(unsafe_code)]
        bench.iter(|| unsafe {
            let (a, b, c) = (a.as_ptr(), b.as_ptr(), result.as_mut_ptr());
            matrixmultiply::sgemm(rows, k, n, 1.0, a, k as isize, 1, b, n as isize, 1, 0.0, c, n as isize, 1);
        });
    });
    group.finish();
}

/// Multiply-adds on `N` accumulators, which wait for nothing but each other.
#[inline(always)]
fn mul_adds<const N: usize>(steps: usize) -> [f32; N] {
    let (mut sums, x, y) = ([0.5f32; N], std::hint::black_box(0.999f32), std::hint::black_box(0.001f32));
    for _ in 0..steps {
        for sum in &mut sums {
            *sum = sum.mul_add(x, y);
        }
    }
    sums
}

/// As many accumulators as the registers hold.
#[cfg_attr(target_arch = "x86_64", target_feature(enable = "avx2,fma"))]
fn narrow(steps: usize) -> [f32; 96] {
    mul_adds(steps)
}

#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f")]
fn wide(steps: usize) -> [f32; 384] {
    mul_adds(steps)
}

fn peak(c: &mut Criterion) {
    if cfg!(target_arch = "x86_64") && !Isa::Avx2.is_available() {
        return println!("peak: this CPU lacks avx2");
    }
    let (steps, mut group) = (10_000, c.benchmark_group("peak"));
    group.throughput(Throughput::Elements(96 * steps as u64));
    // SAFETY: the instruction set was asked for above.
    #[allow(unsafe_code)]
    group.bench_function("mul_add", |b| b.iter(|| unsafe { narrow(steps) }));
    #[cfg(target_arch = "x86_64")]
    if Isa::Avx512.is_available() {
        group.throughput(Throughput::Elements(384 * steps as u64));
        // SAFETY: the instruction set was asked for above.
        #[allow(unsafe_code)]
        group.bench_function("mul_add-avx512", |b| b.iter(|| unsafe { wide(steps) }));
    }
    group.finish();
}

fn microkernel(c: &mut Criterion) {
    // One or two panels of columns, one block of k: all operands stay in the L1 cache.
    gemm(c, "microkernel", 32, 1, 384, 16);
}

fn layer(c: &mut Criterion) {
    gemm(c, "layer/enc2", 128, 5, 320, 128);
    gemm(c, "layer/dec4-skip", 256, 3, 768, 256);
}

fn packing(c: &mut Criterion) {
    let (n, k) = (256, 2304);
    let mut group = c.benchmark_group("packing");
    group.throughput(Throughput::Elements((n * k) as u64));
    let gemm = Gemm::<f32>::new(Isa::best(), n).unwrap();
    group.bench_function("256x2304", |b| b.iter(|| gemm.pack(1, k, |_, column, out| out.fill(column as f32)).unwrap()));
    group.finish();
}

fn image(c: &mut Criterion) {
    let size = 256;
    let mut image = Array3::from_shape_fn((size, size, 3), |(y, x, c)| ((x * 7 + y * 13 + c * 29) % 256) as u8);
    let inpainter = Inpainter::embedded(Options::default().threads(1)).unwrap();
    let mut group = c.benchmark_group("image");
    for percent in [5, 10, 25, 50] {
        let side = (size as f64 * (percent as f64 / 100.0).sqrt()) as usize;
        let hole = (size - side) / 2..(size + side) / 2;
        let mut mask = Mask::new(size, size).unwrap();
        mask.add_box(hole.clone(), hole);
        group.bench_function(BenchmarkId::new("hole", format!("{percent}%")), |b| {
            b.iter(|| inpainter.run(Request::new(image.view_mut(), &mask)).unwrap());
        });
    }
    group.finish();
}

criterion_group!(benches, peak, microkernel, packing, layer, image);
criterion_main!(benches);
