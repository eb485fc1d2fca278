//! Instruction sets: which this CPU has, and the lanes that the kernels are written over, a page per instruction set.

#![allow(unsafe_code)]

#[cfg(target_arch = "x86_64")]
pub(crate) mod avx2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod avx512;
pub(crate) mod control;
mod isa;
pub(crate) mod lanes;
#[cfg(target_arch = "aarch64")]
pub(crate) mod neon;
pub(crate) mod scalar;
#[cfg(all(target_arch = "wasm32", target_feature = "simd128"))]
pub(crate) mod simd128;
#[cfg(all(any(target_arch = "x86", target_arch = "x86_64"), target_feature = "sse2"))]
pub(crate) mod sse2;
#[cfg(target_arch = "x86_64")]
pub(crate) mod vnni;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod x86;

pub use isa::Isa;
