//! The microkernel of integers, a thin shell per instruction set and tile shape, and which of them multiply what.

use super::kernel::{Left, Results, Set, Shell, Sums, Tile, Way, body, results};
use super::value::Stored;
use crate::simd::Isa;
use crate::simd::lanes::IntegerLanes;
use crate::simd::scalar::Scalar;

/// Writes [`results`] for an instruction set.
macro_rules! epilogue {
    ($(#[$enable:meta])? $name:ident, $chunk:literal) => {
        /// # Safety
        ///
        /// As [`Set::epilogue`] says, on a CPU with the instruction set.
        $(#[$enable])?
        unsafe fn $name<O: Stored>(t: &Results, sums: &[Sums]) {
            // SAFETY: passed on to the caller.
            unsafe { results::<O, $chunk>(t, sums) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
epilogue!(
    #[target_feature(enable = "avx512f")]
    epilogue_avx512,
    16
);
#[cfg(target_arch = "x86_64")]
epilogue!(
    #[target_feature(enable = "avx2")]
    epilogue_avx2,
    8
);
epilogue!(epilogue_plain, 8);

/// Writes a shell: the body, compiled for one instruction set and tile shape.
macro_rules! shell {
    ($(#[$enable:meta])? $name:ident, $lanes:ty, $mr:literal, $nv:literal) => {
        /// # Safety
        ///
        /// As [`Shell::call`], on a CPU with the instruction set.
        $(#[$enable])?
        unsafe fn $name<T>(t: &Tile<'_>, sums: *mut i32)
        where
            $lanes: IntegerLanes<T>,
        {
            // SAFETY: passed on to the caller.
            unsafe { body::<T, $lanes, $mr, $nv>(t, sums) }
        }
    };
}

#[cfg(target_arch = "x86_64")]
use crate::simd::{
    avx2::Avx2,
    vnni::{Avx512Vnni, Avx512VnniHalf, AvxVnni},
};
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx512f,avx512vnni")]
    avx512_vnni_12x32,
    Avx512Vnni,
    12,
    2
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx512f,avx512vnni")]
    avx512_vnni_16x16,
    Avx512Vnni,
    16,
    1
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx512f,avx512vl,avx512vnni")]
    avx512_vnni_16x8,
    Avx512VnniHalf,
    16,
    1
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx2,avxvnni")]
    avx_vnni_6x16,
    AvxVnni,
    6,
    2
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx2,avxvnni")]
    avx_vnni_8x8,
    AvxVnni,
    8,
    1
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx2")]
    avx2_6x16,
    Avx2,
    6,
    2
);
#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx2")]
    avx2_8x8,
    Avx2,
    8,
    1
);

#[cfg(target_arch = "x86_64")]
shell!(
    #[target_feature(enable = "avx2")]
    avx2_5x16,
    Avx2,
    5,
    2
);

#[cfg(target_arch = "aarch64")]
use crate::simd::neon::{Neon, NeonDotProduct};
#[cfg(target_arch = "aarch64")]
shell!(
    #[target_feature(enable = "neon")]
    neon_4x16,
    Neon,
    4,
    2
);
#[cfg(target_arch = "aarch64")]
shell!(
    #[target_feature(enable = "neon")]
    neon_8x8,
    Neon,
    8,
    1
);
#[cfg(target_arch = "aarch64")]
shell!(
    #[target_feature(enable = "neon,dotprod")]
    neon_dot_product_6x16,
    NeonDotProduct,
    6,
    4
);
#[cfg(target_arch = "aarch64")]
shell!(
    #[target_feature(enable = "neon,dotprod")]
    neon_dot_product_8x4,
    NeonDotProduct,
    8,
    1
);

#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
use crate::simd::simd128::Simd128;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
shell!(simd128_4x8, Simd128, 4, 2);
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
shell!(simd128_6x4, Simd128, 6, 1);

#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
use crate::simd::sse2::Sse2;
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
shell!(sse2_4x8, Sse2, 4, 2);
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
shell!(sse2_6x4, Sse2, 6, 1);

// As many sums as 32-bit ARM has registers for.
shell!(scalar_2x4, Scalar, 2, 1);

/// A shell with its rows and columns.
macro_rules! shape {
    ($value:ty, $name:ident $mr:literal $cols:literal) => {
        Shell { mr: $mr, cols: $cols, call: $name::<$value> }
    };
}

/// Writes the microkernels of a value: on which instruction sets, on which of their CPUs, name, value and type of the lanes,
/// how bytes meet the lanes, shells, and what makes results of sums.
macro_rules! sets {
    ($value:ty: $($(#[$cfg:meta])? $isa:pat, $if:expr, $name:literal, $lanes:ty as $lane:ty, $way:expr, $epilogue:ident,
        [$($shell:ident $mr:literal $cols:literal),*];)*) => {
        impl Left for $value {
            fn sets<O: Stored>(isa: Isa) -> impl Iterator<Item = Set> {
                [$($(#[$cfg])? (matches!(isa, $isa) && $if(isa)).then(|| Set {
                    name: $name,
                    shells: &const { [$(shape!($lane, $shell $mr $cols)),*] },
                    less_128: <$lanes as IntegerLanes<$lane>>::LESS_128,
                    way: $way,
                    epilogue: $epilogue::<O>,
                }),)*]
                .into_iter()
                .flatten()
            }
        }
    };
}

fn always(_: Isa) -> bool {
    true
}

/// Miri knows those of bytes alone.
#[cfg(target_arch = "x86_64")]
fn has_dot_products_of_words(isa: Isa) -> bool {
    isa.has_dot_products() && !cfg!(miri)
}

// A CPU with AVX-512 has AVX2. To plain Rust belong the vectors that every CPU of the target has.
sets! { u8:
    #[cfg(target_arch = "x86_64")]
    Isa::Avx512, Isa::has_dot_products, "avx512-vnni", Avx512Vnni as u8, Way::Direct, epilogue_avx512,
        [avx512_vnni_12x32 12 32, avx512_vnni_16x16 16 16, avx512_vnni_16x8 16 8];
    #[cfg(target_arch = "x86_64")]
    Isa::Avx2, Isa::has_dot_products, "avx-vnni", AvxVnni as u8, Way::Direct, epilogue_avx2, [avx_vnni_6x16 6 16, avx_vnni_8x8 8 8];
    #[cfg(target_arch = "x86_64")]
    Isa::Avx512 | Isa::Avx2, always, "avx2", Avx2 as u8, Way::Pairs, epilogue_avx2, [avx2_5x16 5 16, avx2_8x8 8 8];
    #[cfg(target_arch = "aarch64")]
    Isa::Neon, Isa::has_dot_products, "neon-dot-product", NeonDotProduct as u8, Way::Direct, epilogue_plain,
        [neon_dot_product_6x16 6 16, neon_dot_product_8x4 8 4];
    #[cfg(target_arch = "aarch64")]
    Isa::Neon, always, "neon", Neon as u8, Way::Direct, epilogue_plain, [neon_4x16 4 16, neon_8x8 8 8];
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Isa::Scalar, always, "simd128", Simd128 as i16, Way::Widened, epilogue_plain, [simd128_4x8 4 8, simd128_6x4 6 4];
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
    Isa::Scalar, always, "sse2", Sse2 as i16, Way::Widened, epilogue_plain, [sse2_4x8 4 8, sse2_6x4 6 4];
    Isa::Scalar, always, "scalar", Scalar as i16, Way::Widened, epilogue_plain, [scalar_2x4 2 4];
}

sets! { i16:
    #[cfg(target_arch = "x86_64")]
    Isa::Avx512, has_dot_products_of_words, "avx512-vnni", Avx512Vnni as i16, Way::Direct, epilogue_avx512,
        [avx512_vnni_12x32 12 32, avx512_vnni_16x16 16 16, avx512_vnni_16x8 16 8];
    #[cfg(target_arch = "x86_64")]
    Isa::Avx2, has_dot_products_of_words, "avx-vnni", AvxVnni as i16, Way::Direct, epilogue_avx2, [avx_vnni_6x16 6 16, avx_vnni_8x8 8 8];
    #[cfg(target_arch = "x86_64")]
    Isa::Avx512 | Isa::Avx2, always, "avx2", Avx2 as i16, Way::Direct, epilogue_avx2, [avx2_6x16 6 16, avx2_8x8 8 8];
    #[cfg(target_arch = "aarch64")]
    Isa::Neon, always, "neon", Neon as i16, Way::Direct, epilogue_plain, [neon_4x16 4 16, neon_8x8 8 8];
    #[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
    Isa::Scalar, always, "simd128", Simd128 as i16, Way::Direct, epilogue_plain, [simd128_4x8 4 8, simd128_6x4 6 4];
    #[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
    Isa::Scalar, always, "sse2", Sse2 as i16, Way::Direct, epilogue_plain, [sse2_4x8 4 8, sse2_6x4 6 4];
    Isa::Scalar, always, "scalar", Scalar as i16, Way::Direct, epilogue_plain, [scalar_2x4 2 4];
}
