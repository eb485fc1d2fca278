//! The microkernel of f32: one body over [`F32Lanes`], one thin shell per instruction set and tile shape.

use crate::alloc::Buffer;
use crate::error::Result;
use crate::gemm::product;
use crate::numerics::Activation;
use crate::simd::Isa;
use crate::simd::lanes::F32Lanes;
use crate::simd::scalar::Scalar;

/// The step after the last k of a tile: y = activation(sum·ratio + bias).
pub(crate) struct TileEpilogue {
    /// Renormalisation K/s of each row, `MR` floats.
    pub ratio: *const f32,
    /// Bias of each column, `NR` floats.
    pub bias: *const f32,
    pub activation: Activation,
}

/// Operands of one call: `MR` rows times `NR` columns over one block of k.
pub(crate) struct Tile<'w> {
    /// `MR` row pointers. Row i of A over this block is `runs` runs of `run_len` floats, `run_stride` apart, the first at
    /// `a[i] + a_offset`.
    pub a: *const *const f32,
    pub a_offset: usize,
    pub runs: usize,
    pub run_len: usize,
    pub run_stride: usize,
    /// Packed columns, `[runs·run_len, NR]`.
    pub b: *const f32,
    /// Packed columns of a later tile, which the call brings into the L2 cache.
    pub prefetch: &'w [f32],
    /// `MR` row pointers of C. Row i is the `cols` floats from `c[i] + c_offset`; equal pointers are the same row twice.
    pub c: *const *mut f32,
    pub c_offset: usize,
    /// Columns in use, 1 … NR.
    pub cols: usize,
    /// Whether the sums start from the partial sums in C, and not from zero.
    pub resume: bool,
    /// Present in the last block of k.
    pub epilogue: Option<TileEpilogue>,
}

/// A microkernel with its tile shape.
#[derive(Clone, Copy)]
pub struct Kernel {
    /// Rows of a tile.
    pub mr: usize,
    /// Columns of a tile.
    pub nr: usize,
    /// k of a block: a `[kc, nr]` block of packed columns streams from the L1 or L2 cache.
    pub kc: usize,
    call: unsafe fn(&Tile<'_>),
}

impl product::Kernel for Kernel {
    /// Few columns get a tall narrow tile.
    fn new(isa: Isa, n: usize) -> Result<Kernel> {
        Ok(match isa.require()? {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 if n <= 16 => Kernel { mr: 14, nr: 16, kc: 768, call: avx512_14x16 },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => Kernel { mr: 10, nr: 32, kc: 768, call: avx512_10x32 },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 if n <= 8 => Kernel { mr: 8, nr: 8, kc: 256, call: avx2_8x8 },
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => Kernel { mr: 6, nr: 16, kc: 768, call: avx2_6x16 },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon if n <= 4 => Kernel { mr: 8, nr: 4, kc: 256, call: neon_8x4 },
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => Kernel { mr: 8, nr: 8, kc: 256, call: neon_8x8 },
            _ if n <= 4 => Kernel { mr: 4, nr: 4, kc: 256, call: scalar_4x4 },
            _ => Kernel { mr: 4, nr: 8, kc: 256, call: scalar_4x8 },
        })
    }

    fn mr(&self) -> usize {
        self.mr
    }

    fn nr(&self) -> usize {
        self.nr
    }
}

impl Kernel {
    /// Computes a tile.
    ///
    /// # Safety
    ///
    /// The pointers of `tile` must reach what its fields say, `mr` rows and `nr` columns of this kernel; C must not
    /// overlap A, B, ratio or bias, and no other thread may touch these elements of C meanwhile.
    #[inline]
    pub(crate) unsafe fn call(&self, tile: &Tile<'_>) {
        // SAFETY: `new` saw the instruction set on this CPU; the caller vouches for the pointers.
        unsafe { (self.call)(tile) }
    }
}

/// C = A·B for one tile and one block of k: per element one accumulator and one `mul_add` per k, k ascending.
///
/// # Safety
///
/// As [`Kernel::call`], on a CPU with the instruction set of `L`.
#[inline(always)]
// Counted loops: a build without LTO leaves iterator adaptors as calls, which would move the accumulators to memory.
#[allow(clippy::needless_range_loop)]
unsafe fn body<L: F32Lanes, const MR: usize, const NV: usize>(t: &Tile<'_>) {
    let nr = NV * L::LANES;
    // SAFETY: the caller vouches for `MR` row pointers, for `runs` runs behind each, for `runs·run_len·NR` floats at `b`,
    // for `MR` ratios and `NR` biases, and for `cols` floats behind each of `MR` pointers of C, of which no more are read or
    // written; `sums`, in memory, has `NR` a row.
    unsafe {
        let mut ahead = 0;
        while ahead < t.prefetch.len() {
            L::prefetch(t.prefetch.as_ptr().add(ahead));
            ahead += Buffer::LINE;
        }
        let zero = L::splat(0.0);
        let mut a = [std::ptr::null::<f32>(); MR];
        for i in 0..MR {
            a[i] = (*t.a.add(i)).add(t.a_offset);
        }
        // Only small loops, which the compiler unrolls, touch `acc`, so it stays in registers; the rest uses `sums`.
        let mut sums = [[zero; NV]; MR];
        let mut acc = [[zero; NV]; MR];
        let whole = t.cols == nr;
        if t.resume {
            for i in 0..MR {
                let c = (*t.c.add(i)).add(t.c_offset);
                if whole {
                    for j in 0..NV {
                        sums[i][j] = L::load(c.add(j * L::LANES));
                    }
                } else {
                    c.copy_to_nonoverlapping(sums[i].as_mut_ptr().cast(), t.cols);
                }
            }
            for i in 0..MR {
                for j in 0..NV {
                    acc[i][j] = sums[i][j];
                }
            }
        }

        let mut b = t.b;
        for run in 0..t.runs {
            let start = run * t.run_stride;
            for k in start..start + t.run_len {
                let mut columns = [zero; NV];
                for j in 0..NV {
                    columns[j] = L::load(b.add(j * L::LANES));
                }
                b = b.add(nr);
                for i in 0..MR {
                    let v = L::splat(*a[i].add(k));
                    for j in 0..NV {
                        acc[i][j] = L::mul_add(v, columns[j], acc[i][j]);
                    }
                }
            }
        }

        for i in 0..MR {
            for j in 0..NV {
                sums[i][j] = acc[i][j];
            }
        }
        for i in 0..MR {
            if let Some(e) = &t.epilogue {
                let ratio = L::splat(*e.ratio.add(i));
                for j in 0..NV {
                    let y = L::mul_add(sums[i][j], ratio, L::load(e.bias.add(j * L::LANES)));
                    sums[i][j] = match e.activation {
                        Activation::None => y,
                        Activation::Relu => L::positive_or(y, zero),
                        Activation::LeakyRelu(slope) => L::positive_or(y, L::mul(L::splat(slope), y)),
                    };
                }
            }
            let c = (*t.c.add(i)).add(t.c_offset);
            if whole {
                for j in 0..NV {
                    L::store(c.add(j * L::LANES), sums[i][j]);
                }
            } else {
                c.copy_from_nonoverlapping(sums[i].as_ptr().cast(), t.cols);
            }
        }
    }
}

/// Writes a shell: the body, compiled for one instruction set and tile shape.
macro_rules! shell {
    ($(#[$enable:meta])? $name:ident, $lanes:ty, $mr:literal, $nv:literal) => {
        /// # Safety
        ///
        /// As [`Kernel::call`], on a CPU with the instruction set.
        $(#[$enable])?
        unsafe fn $name(t: &Tile<'_>) {
            // SAFETY: passed on to the caller.
            unsafe { body::<$lanes, $mr, $nv>(t) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use crate::simd::{avx2::Avx2, avx512::Avx512};
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx512f")]
    avx512_10x32,
    Avx512,
    10,
    2
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx512f")]
    avx512_14x16,
    Avx512,
    14,
    1
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx2,fma")]
    avx2_6x16,
    Avx2,
    6,
    2
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx2,fma")]
    avx2_8x8,
    Avx2,
    8,
    1
);

#[cfg(target_arch = "aarch64")]
use crate::simd::neon::Neon;
#[cfg(target_arch = "aarch64")]
shell!(
    #[target_feature(enable = "neon")]
    neon_8x8,
    Neon,
    8,
    2
);
#[cfg(target_arch = "aarch64")]
shell!(
    #[target_feature(enable = "neon")]
    neon_8x4,
    Neon,
    8,
    1
);

shell!(scalar_4x8, Scalar, 4, 2);
shell!(scalar_4x4, Scalar, 4, 1);
