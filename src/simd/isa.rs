//! The instruction sets, and which of them this CPU has.

use std::ffi::CStr;
use std::fmt;

use crate::error::{Error, Result};

/// An instruction set the kernels are built for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Isa {
    /// x86-64 with AVX-512F: 16 lanes.
    Avx512,
    /// x86-64 with AVX2 and FMA: 8 lanes.
    Avx2,
    /// AArch64: 4 lanes.
    Neon,
    /// Plain Rust, on every machine.
    Scalar,
}

impl Isa {
    /// Every instruction set, widest first.
    pub const ALL: [Isa; 4] = [Isa::Avx512, Isa::Avx2, Isa::Neon, Isa::Scalar];

    /// Lower-case name, as the command line spells it.
    pub fn name(self) -> &'static str {
        self.c_name().to_str().expect("ASCII")
    }

    pub(crate) fn c_name(self) -> &'static CStr {
        match self {
            Isa::Avx512 => c"avx512",
            Isa::Avx2 => c"avx2",
            Isa::Neon => c"neon",
            Isa::Scalar => c"scalar",
        }
    }

    /// Whether this build and this CPU can run it.
    pub fn is_available(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => std::arch::is_x86_feature_detected!("avx512f"),
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma"),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => true,
            Isa::Scalar => true,
            #[allow(unreachable_patterns)]
            _ => false,
        }
    }

    /// Whether this CPU also has the instructions that go with it and sum products of integers: AVX-512 VNNI, AVX-VNNI, the
    /// dot product of NEON.
    #[cfg(any(target_arch = "x86_64", target_arch = "aarch64"))]
    pub(crate) fn has_dot_products(self) -> bool {
        match self {
            #[cfg(target_arch = "x86_64")]
            Isa::Avx512 => {
                std::arch::is_x86_feature_detected!("avx512vnni") && std::arch::is_x86_feature_detected!("avx512vl")
            }
            #[cfg(target_arch = "x86_64")]
            Isa::Avx2 => std::arch::is_x86_feature_detected!("avxvnni"),
            #[cfg(target_arch = "aarch64")]
            Isa::Neon => std::arch::is_aarch64_feature_detected!("dotprod"),
            _ => false,
        }
    }

    /// The instruction sets this CPU can run, widest first.
    pub fn available() -> impl Iterator<Item = Isa> {
        Self::ALL.into_iter().filter(|isa| isa.is_available())
    }

    /// The widest instruction set this CPU can run.
    pub fn best() -> Isa {
        Self::available().next().unwrap_or(Isa::Scalar)
    }

    /// Itself, where this CPU can run it.
    pub(crate) fn require(self) -> Result<Isa> {
        if self.is_available() {
            return Ok(self);
        }
        let have: Vec<_> = Self::available().map(Isa::name).collect();
        Err(Error::usage(format!("expected an instruction set of this CPU ({}), found {self}", have.join(", "))))
    }
}

impl fmt::Display for Isa {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
