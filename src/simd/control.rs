//! The floating-point control word, which a host program may have set to flush subnormals or to round another way.

/// Runs `work` under IEEE 754's defaults, which the numeric contract needs: rounding to nearest, subnormals kept, no
/// traps. Restores the caller's control word afterwards, even if `work` panics.
pub(crate) fn with_defaults<T>(work: impl FnOnce() -> T) -> T {
    with(word::DEFAULTS, work)
}

/// Runs `work` as a host program might call it: inexact results round up, and subnormals become zero.
#[cfg(test)]
pub(crate) fn as_a_host<T>(work: impl FnOnce() -> T) -> T {
    with(word::HOST, work)
}

fn with<T>(word: word::Word, work: impl FnOnce() -> T) -> T {
    struct Restore(word::Word);
    impl Drop for Restore {
        fn drop(&mut self) {
            word::set(self.0);
        }
    }
    let _restore = Restore(word::get());
    word::set(word);
    work()
}

#[cfg(all(any(target_arch = "x86_64", target_arch = "x86"), not(miri)))]
mod word {
    use std::arch::asm;

    pub type Word = u32;

    /// Every exception masked.
    pub const DEFAULTS: Word = 0x1f80;
    #[cfg(test)]
    pub const HOST: Word = DEFAULTS | 0x4000 | 0x8040;

    pub fn get() -> Word {
        let mut word = 0u32;
        // SAFETY: stores MXCSR into `word`.
        unsafe { asm!("stmxcsr [{}]", in(reg) &raw mut word, options(nostack, preserves_flags)) }
        word
    }

    pub fn set(word: Word) {
        // SAFETY: a word of `get`, or the one every thread starts with. Memory counts as written, so that no arithmetic on
        // loaded values moves across; the flags of exceptions change.
        unsafe { asm!("ldmxcsr [{}]", in(reg) &raw const word, options(nostack)) }
    }
}

#[cfg(all(target_arch = "aarch64", not(miri)))]
mod word {
    use std::arch::asm;

    pub type Word = u64;

    pub const DEFAULTS: Word = 0;
    #[cfg(test)]
    pub const HOST: Word = 1 << 22 | 1 << 24;

    pub fn get() -> Word {
        let word;
        // SAFETY: reads FPCR.
        unsafe { asm!("mrs {}, fpcr", out(reg) word, options(nostack, preserves_flags)) }
        word
    }

    pub fn set(word: Word) {
        // SAFETY: a word of `get`, or the one every thread starts with. Memory counts as written, so that no arithmetic on
        // loaded values moves across.
        unsafe { asm!("msr fpcr, {}", in(reg) word, options(nostack, preserves_flags)) }
    }
}

#[cfg(all(target_arch = "arm", target_abi = "eabihf", not(miri)))]
mod word {
    use std::arch::asm;

    pub type Word = u32;

    pub const DEFAULTS: Word = 0;
    #[cfg(test)]
    pub const HOST: Word = 1 << 22 | 1 << 24;

    pub fn get() -> Word {
        let word;
        // SAFETY: reads FPSCR.
        unsafe { asm!("vmrs {}, fpscr", out(reg) word, options(nostack, preserves_flags)) }
        word
    }

    pub fn set(word: Word) {
        // SAFETY: a word of `get`, or the one every thread starts with. Memory counts as written, so that no arithmetic on
        // loaded values moves across.
        unsafe { asm!("vmsr fpscr, {}", in(reg) word, options(nostack)) }
    }
}

// Miri runs no assembly, and has no such word.
#[cfg(any(
    miri,
    not(any(
        target_arch = "x86_64",
        target_arch = "x86",
        target_arch = "aarch64",
        all(target_arch = "arm", target_abi = "eabihf")
    ))
))]
mod word {
    #[derive(Clone, Copy)]
    pub struct Word;

    pub const DEFAULTS: Word = Word;
    #[cfg(test)]
    pub const HOST: Word = Word;

    pub fn get() -> Word {
        Word
    }

    pub fn set(_: Word) {}
}
