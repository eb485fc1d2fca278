//! The microkernels of integers: one body over [`IntegerLanes`]. `shells.rs` compiles it for each instruction set and tile shape.

use std::marker::PhantomData;

use super::value::{Grouped, Stored};
use crate::alloc::Buffer;
use crate::error::Result;
use crate::gemm::product;
use crate::numerics::Activation;
use crate::simd::Isa;
use crate::simd::lanes::IntegerLanes;

/// Columns of a panel, on every instruction set.
pub(super) const NR: usize = 16;

/// Bytes of a group: what one column has in a row of a panel.
pub(super) const GROUP_BYTES: usize = 4;

/// Bytes of a cache line.
pub(super) const LINE: usize = Buffer::LINE * size_of::<f32>();

/// The most columns of a tile.
pub(super) const MAX_COLS: usize = 2 * NR;

/// The products of one operand in a tile. Lengths are in bytes.
#[derive(Clone, Copy)]
pub(super) struct Part {
    /// `MR` row pointers. Row i of A is `runs` runs of `run` bytes, `stride` apart, the first at `a[i]`.
    pub a: *const *const u8,
    pub runs: usize,
    pub run: usize,
    pub stride: usize,
    /// Where each run starts; null where `stride` says it.
    pub offsets: *const usize,
    /// Groups of the first columns of the tile: [k / GROUP, columns, GROUP], `row` apart.
    pub b: *const u8,
    pub row: usize,
    /// From these to the groups of columns in the next panel, for a tile of two panels.
    pub panel: usize,
}

impl Part {
    /// No products.
    pub const NONE: Part = Part {
        a: std::ptr::null(),
        runs: 0,
        run: 0,
        stride: 0,
        offsets: std::ptr::null(),
        b: std::ptr::null(),
        panel: 0,
        row: 0,
    };
}

/// The most rows of a tile.
pub(super) const MAX_MR: usize = 16;

/// Sums of products of a row, with room for the most columns.
pub(super) type Sums = [i32; MAX_COLS];

/// Operands of one call: `MR` rows times the columns of a tile over all k.
pub(super) struct Tile<'w> {
    pub parts: [Part; 2],
    /// Weights of later tiles, which the call brings into the L2 cache.
    pub prefetch: [&'w [u8]; 2],
    /// Whether products are added to the sums that are there.
    pub adds: bool,
}

/// What becomes of the sums of a tile.
pub(super) struct Results {
    pub rows: usize,
    /// Row pointers of C, as bytes. Row i is the `cols` values from `c[i]`.
    pub c: [*mut u8; MAX_MR],
    /// Columns in use, 1 or more.
    pub cols: usize,
    /// The factor of each row.
    pub ratio: [f32; MAX_MR],
    /// What each column's sum is too great by, its factor and its bias, of [`MAX_COLS`] columns.
    pub offset: *const i32,
    pub scale: *const f32,
    pub bias: *const f32,
    pub activation: Activation,
    /// The integer of the map of the results that stands for 0.
    pub zero: i32,
}

/// A microkernel of one tile shape.
#[derive(Clone, Copy)]
pub(super) struct Shell {
    /// Rows of a tile.
    pub mr: usize,
    /// Columns of a tile.
    pub cols: usize,
    pub call: unsafe fn(&Tile<'_>, *mut i32),
}

impl Shell {
    /// Computes the sums of a tile, `mr` rows and `cols` columns, from `sums` on; rows are [`MAX_COLS`] apart.
    ///
    /// # Safety
    ///
    /// This CPU has the instruction set. The pointers of `tile` must reach what its fields say, `mr` rows and the columns of this
    /// shell, and so must `sums`.
    #[inline]
    pub unsafe fn call(&self, tile: &Tile<'_>, sums: *mut i32) {
        // SAFETY: passed on to the caller.
        unsafe { (self.call)(tile, sums) }
    }
}

/// How values meet the instructions.
#[derive(Clone, Copy)]
pub(super) enum Way {
    /// As they lie: `direct.rs`.
    Direct,
    /// Bytes as words: `widened.rs`.
    Widened,
    /// Bytes whose products are added up in 16 bits, two at a time: `pairs.rs`.
    #[cfg_attr(not(target_arch = "x86_64"), expect(dead_code, reason = "an instruction of x86"))]
    Pairs,
}

/// The microkernels of an instruction set, for the number types of a product.
#[derive(Clone, Copy)]
pub(super) struct Set {
    pub name: &'static str,
    /// Tile shapes that the number of columns can use, that of the most columns first.
    pub shells: &'static [Shell],
    /// [`IntegerLanes::LESS_128`].
    pub less_128: bool,
    /// How values meet the shells.
    pub way: Way,
    /// Makes results of sums. The pointers must reach what the fields say; C must not overlap what is read, and no other thread may
    /// touch these elements of C meanwhile. This CPU has the instruction set.
    pub epilogue: unsafe fn(&Results, &[Sums]),
}

impl Set {
    /// The shape for the first of `cols` columns: one that has them all, else the widest.
    pub fn shell(&self, cols: usize) -> &Shell {
        self.shells.iter().rev().find(|shell| shell.cols >= cols).unwrap_or(&self.shells[0])
    }
}

/// A microkernel with its tile shapes.
pub struct Kernel<L, O> {
    pub(super) set: Set,
    types: PhantomData<fn() -> (L, O)>,
}

impl<L, O> Clone for Kernel<L, O> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<L, O> Copy for Kernel<L, O> {}

impl<L: Left, O: Stored> product::Kernel for Kernel<L, O> {
    fn new(isa: Isa, n: usize) -> Result<Self> {
        Ok(Self::all(isa, n)?.next().expect("every instruction set has a kernel").1)
    }

    fn all(isa: Isa, n: usize) -> Result<impl Iterator<Item = (&'static str, Self)>> {
        let kernel = move |set: Set| {
            let wider = set.shells.iter().skip(1).filter(|shell| shell.cols >= n).count();
            (set.name, Self { set: Set { shells: &set.shells[wider..], ..set }, types: PhantomData })
        };
        Ok(L::sets::<O>(isa.require()?).map(kernel))
    }

    fn mr(&self) -> usize {
        self.set.shells[0].mr
    }

    fn nr(&self) -> usize {
        NR
    }
}

/// A value of an integer map on the left: u8 or i16.
pub(super) trait Left: Grouped {
    /// The microkernels of `isa` that this CPU can run, the fastest first.
    fn sets<O: Stored>(isa: Isa) -> impl Iterator<Item = Set>;
}

/// The sums of products for one tile.
///
/// # Safety
///
/// As [`Shell::call`], on a CPU with the instruction set of `L`.
#[inline(always)]
// Counted loops: a build without LTO leaves iterator adaptors as calls, which would move the accumulators to memory.
#[allow(clippy::needless_range_loop)]
pub(super) unsafe fn body<T, L: IntegerLanes<T>, const MR: usize, const NV: usize>(t: &Tile<'_>, sums: *mut i32) {
    // SAFETY: the caller vouches for `MR` row pointers, for `runs` runs behind each, for as many groups at `b` and a panel further,
    // and for `NV` vectors of 32-bit integers in each row of sums.
    unsafe {
        for i in 0..2 {
            let mut ahead = 0;
            while ahead < t.prefetch[i].len() {
                L::prefetch(t.prefetch[i].as_ptr().add(ahead));
                ahead += LINE;
            }
        }
        // Only small loops, which the compiler unrolls, touch `acc`, so it stays in registers.
        let mut acc = [[L::zero(); NV]; MR];
        let at = |i: usize, j: usize| sums.add(i * MAX_COLS + j * L::LANES).cast::<L::Sums>();
        if t.adds {
            for i in 0..MR {
                for j in 0..NV {
                    acc[i][j] = at(i, j).read_unaligned();
                }
            }
        }
        for part in 0..2 {
            let part = &t.parts[part];
            if part.runs == 0 {
                continue;
            }
            let mut a = [std::ptr::null::<u8>(); MR];
            for i in 0..MR {
                a[i] = *part.a.add(i);
            }
            let mut b = part.b;
            for run in 0..part.runs {
                let mut k = if part.offsets.is_null() { run * part.stride } else { *part.offsets.add(run) };
                let end = k + part.run;
                while k < end {
                    let mut columns = [L::columns(b); NV];
                    for j in 1..NV {
                        let first = j * L::LANES;
                        columns[j] = L::columns(b.add(first / NR * part.panel + first % NR * GROUP_BYTES));
                    }
                    b = b.add(part.row);
                    for i in 0..MR {
                        let group = L::group(a[i].add(k));
                        for j in 0..NV {
                            acc[i][j] = L::dot(acc[i][j], group, columns[j]);
                        }
                    }
                    k += GROUP_BYTES;
                }
            }
        }
        for i in 0..MR {
            for j in 0..NV {
                at(i, j).write_unaligned(acc[i][j]);
            }
        }
    }
}

/// Results of sums, `CHUNK` at a time.
///
/// # Safety
///
/// As [`Set::epilogue`] says.
#[inline(always)]
pub(super) unsafe fn results<O: Stored, const CHUNK: usize>(t: &Results, sums: &[Sums]) {
    let limits = O::LIMITS.map(|limit| (limit - t.zero) as f32);
    // SAFETY: the caller vouches for [`MAX_COLS`] offsets, scales and biases, and for `cols` values behind each of `rows` pointers
    // of C, of which no more are written. Sums have [`MAX_COLS`] columns too, whole chunks.
    unsafe {
        for (i, sums) in sums.iter().enumerate().take(t.rows) {
            let ratio = t.ratio[i];
            for first in (0..t.cols).step_by(CHUNK) {
                // Arrays of a known length, without which the compiler makes no vectors of them.
                let sums = sums.as_ptr().add(first).cast::<[i32; CHUNK]>().read();
                let offset = t.offset.add(first).cast::<[i32; CHUNK]>().read();
                let scale = t.scale.add(first).cast::<[f32; CHUNK]>().read();
                let bias = t.bias.add(first).cast::<[f32; CHUNK]>().read();
                let mut row = [O::default(); CHUNK];
                macro_rules! finish {
                    ($activation:expr) => {
                        for j in 0..CHUNK {
                            let v = sums[j].wrapping_sub(offset[j]) as f32;
                            let v = v * ratio * scale[j] + bias[j];
                            row[j] = O::of($activation.apply(v), limits, t.zero);
                        }
                    };
                }
                match t.activation {
                    Activation::None => finish!(Activation::None),
                    Activation::Relu => finish!(Activation::Relu),
                    Activation::LeakyRelu(slope) => finish!(Activation::LeakyRelu(slope)),
                }
                let c = t.c[i].cast::<O>().add(first);
                if t.cols - first < CHUNK {
                    c.copy_from_nonoverlapping(row.as_ptr(), t.cols - first);
                } else {
                    c.cast::<[O; CHUNK]>().write_unaligned(row);
                }
            }
        }
    }
}
