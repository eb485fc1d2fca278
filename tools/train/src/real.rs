//! The two number types of the network, and the one operation in which they differ: the matrix product.
//!
//! f32 trains, on the engine's GEMM. f64 is for the gradient check, on `matrixmultiply`. All else is one definition,
//! generic over [`Real`].

#![allow(unsafe_code)]

use inpaint_edge::{
    Isa,
    gemm::{self, Epilogue, Gemm, MAX_ROWS, Output, Packed},
    numerics::Activation,
};
use num_traits::Float;
use rayon::prelude::*;
use std::{cell::Cell, fmt::Debug, iter::Sum, ops::AddAssign, ops::Range};

pub use inpaint_edge::gemm::Window;

/// One part of A in C = A·B: windows of a map against one of the matrices packed in `weights`.
pub struct Operand<'a, T: Real> {
    /// The map.
    pub map: &'a [T],
    /// The window that every row has in it.
    pub window: Window,
    /// Packed B.
    pub weights: &'a T::Packed,
    /// Which of its matrices.
    pub variant: usize,
}

/// One row of C: where its windows and its result start, and the factor on its sum.
#[derive(Clone, Copy, Debug)]
pub struct Row<T> {
    /// First number of the window in each operand's map.
    pub a: [usize; 2],
    /// First number of the result in C.
    pub c: usize,
    /// Factor on the sum.
    pub ratio: T,
}

/// f32 or f64.
pub trait Real: Float + Default + Debug + AddAssign + Sum + Send + Sync + 'static {
    /// A product with a fixed number of columns.
    type Gemm: Send + Sync;
    /// Matrices on the right side of a product, in the layout that it reads.
    type Packed: Send + Sync;

    /// The nearest number of this type.
    fn of(v: f64) -> Self;

    /// As f64, exactly.
    fn f64(self) -> f64;

    /// Whether it is above zero. Every decision of network and losses is taken here; f64 keeps [`Decisions`].
    fn positive(self) -> bool;

    /// −1, 0 or 1.
    fn sign(self) -> Self {
        match (self.positive(), (-self).positive()) {
            (true, _) => Self::one(),
            (_, true) => -Self::one(),
            _ => Self::zero(),
        }
    }

    /// A product with `n` columns.
    fn gemm(n: usize) -> Self::Gemm;

    /// Room for nothing yet.
    fn unpacked() -> Self::Packed;

    /// Packs `variants` matrices of `k` rows, in the memory that `packed` has where that suffices. `fill(variant,
    /// columns, panel)` writes some columns of a matrix into `panel` `[k, width]`, `width` ≥ the number of columns, with
    /// zeros past the last.
    fn pack(
        gemm: &Self::Gemm,
        packed: &mut Self::Packed,
        variants: usize,
        k: usize,
        fill: impl Fn(usize, Range<usize>, &mut [Self]) + Sync,
    );

    /// C = Σ A·B over `terms`, each of one or two operands: per element one accumulator, terms in order, in each the
    /// k of its first operand in ascending order and then those of the second. `row(term, r)` is row r of `rows`.
    ///
    /// # Panics
    /// If rows overlap in C or are not in ascending order there, or if there is a ratio other than 1 and several terms.
    fn product(
        gemm: &Self::Gemm,
        terms: &[Vec<Operand<'_, Self>>],
        rows: usize,
        row: impl Fn(usize, usize) -> Row<Self> + Sync,
        out: &mut [Self],
    );
}

/// The engine's GEMM for `n` columns.
pub struct Engine {
    gemm: Gemm,
    /// No bias, no activation.
    epilogue: Epilogue,
    n: usize,
}

impl Real for f32 {
    type Gemm = Engine;
    type Packed = Packed;

    fn of(v: f64) -> f32 {
        v as f32
    }

    fn f64(self) -> f64 {
        self.into()
    }

    fn positive(self) -> bool {
        self > 0.0
    }

    fn gemm(n: usize) -> Engine {
        let gemm = Gemm::new(Isa::best(), n).expect("the best instruction set is available");
        let epilogue = Epilogue::new(&vec![0.0; n], Activation::None).unwrap_or_else(|error| panic!("{error}"));
        Engine { gemm, epilogue, n }
    }

    fn unpacked() -> Packed {
        Packed::empty().unwrap_or_else(|error| panic!("{error}"))
    }

    fn pack(
        engine: &Engine,
        packed: &mut Packed,
        variants: usize,
        k: usize,
        fill: impl Fn(usize, Range<usize>, &mut [f32]) + Sync,
    ) {
        let Engine { gemm, n, .. } = engine;
        let (nr, panels) = (gemm.nr(), gemm.panels());
        let data = gemm.repack(packed, variants, k).unwrap_or_else(|error| panic!("{error}"));
        data.par_chunks_exact_mut(k * nr).enumerate().for_each(|(i, panel)| {
            let first = i % panels * nr;
            fill(i / panels, first..(first + nr).min(*n), panel);
        });
    }

    fn product(
        engine: &Engine,
        terms: &[Vec<Operand<'_, f32>>],
        rows: usize,
        row: impl Fn(usize, usize) -> Row<f32> + Sync,
        out: &mut [f32],
    ) {
        let Engine { gemm, epilogue, n } = engine;
        let terms: Vec<Vec<gemm::Operand>> =
            terms.iter().map(|term| term.iter().map(engine_operand).collect()).collect();
        // Tasks for every thread: first by panels, which share no weights, then by smaller blocks of rows.
        let (mr, panels) = (gemm.mr(), gemm.panels());
        let most = MAX_ROWS / mr * mr;
        let tasks = 4 * rayon::current_num_threads();
        let groups = tasks.div_ceil(rows.div_ceil(most)).min(panels);
        let block = (rows * groups).div_ceil(tasks).next_multiple_of(mr).min(most);
        let blocks = rows.div_ceil(block);
        let out = Output::new(out);

        (0..blocks * groups).into_par_iter().with_max_len(1).for_each(|task| {
            let (first, group) = (task / groups * block, task % groups);
            let count = block.min(rows - first);
            let mut slots = [gemm::Row::default(); MAX_ROWS];
            for (index, term) in terms.iter().enumerate() {
                let mut free = if first == 0 { 0 } else { row(index, first - 1).c + n };
                for (r, slot) in slots[..count].iter_mut().enumerate() {
                    let Row { a, c, ratio } = row(index, first + r);
                    assert!(c >= free && (ratio == 1.0 || terms.len() == 1));
                    free = c + n;
                    *slot = gemm::Row { a, c, ratio };
                }
                let panels = group * panels / groups..(group + 1) * panels / groups;
                // SAFETY: a task has its own block of rows or its own panels, rows do not overlap as asserted above,
                // and C is borrowed mutably.
                unsafe {
                    match index {
                        0 => gemm.rows(term, epilogue, &slots[..count], panels, &out),
                        _ => gemm.accumulate(term, &slots[..count], panels, &out),
                    }
                }
            }
        });
    }
}

fn engine_operand<'a>(operand: &Operand<'a, f32>) -> gemm::Operand<'a> {
    let Operand { map, window, weights, variant } = *operand;
    gemm::Operand { map, window, weights, variant }
}

thread_local! {
    static DECISIONS: Cell<Decisions> = const { Cell::new(Decisions::NONE) };
}

/// The answers that [`Real::positive`] has given for f64 on one thread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decisions {
    /// FNV-1a of all of them: two evaluations with one digest lie on the same smooth piece of the function.
    pub digest: u64,
    /// The least distance from zero, of numbers not zero.
    pub margin: f64,
}

impl Decisions {
    const NONE: Self = Self { digest: 0xcbf2_9ce4_8422_2325, margin: f64::INFINITY };

    /// Those of this thread since the last call.
    pub fn take() -> Self {
        DECISIONS.replace(Self::NONE)
    }

    fn note(self, v: f64) -> Self {
        let digest = (self.digest ^ u64::from(v > 0.0)).wrapping_mul(0x0000_0100_0000_01b3);
        Self { digest, margin: if v == 0.0 { self.margin } else { self.margin.min(v.abs()) } }
    }
}

/// Matrices `[variant, k, n]`.
#[derive(Default)]
pub struct Matrices {
    data: Vec<f64>,
    k: usize,
}

impl Real for f64 {
    type Gemm = usize;
    type Packed = Matrices;

    fn of(v: f64) -> f64 {
        v
    }

    fn f64(self) -> f64 {
        self
    }

    fn positive(self) -> bool {
        DECISIONS.set(DECISIONS.get().note(self));
        self > 0.0
    }

    fn gemm(n: usize) -> usize {
        n
    }

    fn unpacked() -> Matrices {
        Matrices::default()
    }

    fn pack(
        n: &usize,
        packed: &mut Matrices,
        variants: usize,
        k: usize,
        fill: impl Fn(usize, Range<usize>, &mut [f64]) + Sync,
    ) {
        packed.data.resize(variants * k * n, 0.0);
        packed.k = k;
        packed.data.chunks_exact_mut(k * n).enumerate().for_each(|(variant, matrix)| fill(variant, 0..*n, matrix));
    }

    fn product(
        &n: &usize,
        terms: &[Vec<Operand<'_, f64>>],
        rows: usize,
        row: impl Fn(usize, usize) -> Row<f64> + Sync,
        out: &mut [f64],
    ) {
        let mut a = Vec::new();
        let mut sums = vec![0.0; rows * n];
        for (index, term) in terms.iter().enumerate() {
            for (i, operand) in term.iter().enumerate() {
                let Window { runs, run_len, run_stride } = operand.window;
                let k = runs * run_len;
                assert_eq!(k, operand.weights.k);
                let b = &operand.weights.data[operand.variant * k * n..][..k * n];
                a.clear();
                for r in 0..rows {
                    let first = row(index, r).a[i];
                    (0..runs).for_each(|run| a.extend_from_slice(&operand.map[first + run * run_stride..][..run_len]));
                }
                // SAFETY: A is [rows, k], B is [k, n] and C is [rows, n], each row-major and whole.
                unsafe {
                    let (rsa, rsb) = (k as isize, n as isize);
                    let (a, b, c) = (a.as_ptr(), b.as_ptr(), sums.as_mut_ptr());
                    matrixmultiply::dgemm(rows, k, n, 1.0, a, rsa, 1, b, rsb, 1, 1.0, c, rsb, 1);
                }
            }
        }
        let mut free = 0;
        for (r, sums) in sums.chunks_exact(n).enumerate() {
            let Row { c, ratio, .. } = row(0, r);
            assert!(c >= free && (ratio == 1.0 || terms.len() == 1));
            free = c + n;
            out[c..free].iter_mut().zip(sums).for_each(|(out, sum)| *out = ratio * sum);
        }
    }
}
