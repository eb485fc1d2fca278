//! The numeric contract in code: the fused step, the activations and the rounding to integers.
//!
//! One output element is one accumulator that takes one fused multiply-add per k, k ascending. Every kernel of every
//! instruction set computes exactly what the functions here compute, element by element.

/// `a·b + c` with one rounding, on every machine.
///
/// Where the target has no fused instruction the sum is formed in f64 with round-to-odd and then rounded to f32: the
/// product of two f32 is exact in f64, and an odd last bit keeps the second rounding honest (Boldo and Melquiond 2008).
#[inline(always)]
pub fn fused(a: f32, b: f32, c: f32) -> f32 {
    if cfg!(any(target_feature = "fma", target_arch = "aarch64")) { a.mul_add(b, c) } else { emulated(a, b, c) }
}

#[inline(always)]
fn emulated(a: f32, b: f32, c: f32) -> f32 {
    let product = f64::from(a) * f64::from(b);
    let addend = f64::from(c);
    let sum = product + addend;
    // Knuth's two-sum: `sum + error` is the exact value.
    let back = sum - product;
    let error = (product - (sum - back)) + (addend - back);
    let bits = sum.to_bits();
    if error == 0.0 || error.is_nan() || bits & 1 == 1 {
        return sum as f32;
    }
    // An even last bit and a remainder: step to the odd neighbour on the remainder's side.
    let away = (error > 0.0) == (sum > 0.0);
    f64::from_bits(if away { bits + 1 } else { bits - 1 }) as f32
}

/// What follows a convolution. By compare and select, so that NaN and signed zeros are the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Activation {
    /// `v`.
    None,
    /// `v` where `v > 0`, else 0.
    Relu,
    /// `v` where `v > 0`, else slope·v.
    LeakyRelu(f32),
}

impl Activation {
    /// The function's value at `v`.
    #[inline(always)]
    pub fn apply(self, v: f32) -> f32 {
        match self {
            Activation::None => v,
            _ if v > 0.0 => v,
            Activation::Relu => 0.0,
            Activation::LeakyRelu(slope) => slope * v,
        }
    }
}

/// Clips to 0 … 1; NaN gives 0.
#[inline(always)]
pub fn clip_unit(v: f32) -> f32 {
    if v > 0.0 { if v < 1.0 { v } else { 1.0 } } else { 0.0 }
}

/// 0 … 1 to 0 … `max`, halves up: the one place where a float becomes a sample.
#[inline(always)]
pub fn quantize(v: f32, max: u16) -> u16 {
    (clip_unit(v) * f32::from(max) + 0.5) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A float of any exponent, subnormals, infinities and NaN included.
    fn bits(state: &mut u64) -> f32 {
        *state ^= *state << 13;
        *state ^= *state >> 7;
        *state ^= *state << 17;
        f32::from_bits((*state >> 32) as u32)
    }

    fn check(a: f32, b: f32, c: f32) {
        let (expected, found) = (a.mul_add(b, c), emulated(a, b, c));
        assert!(
            expected.to_bits() == found.to_bits() || expected.is_nan() && found.is_nan(),
            "{a:e}·{b:e} + {c:e}: {expected:e} expected, {found:e} found"
        );
    }

    #[test]
    fn emulation_rounds_once() {
        let mut state = 0x9e37_79b9_7f4a_7c15;
        let cases = if cfg!(miri) { 2_000 } else { 2_000_000 };
        for _ in 0..cases {
            let (a, b, c) = (bits(&mut state), bits(&mut state), bits(&mut state));
            check(a, b, c);
            // Near-cancellation, and an addend just below half an ulp of the product: where double rounding bites.
            check(a, b, -(a * b));
            check(a, b, a * b * f32::EPSILON * 0.5);
        }
        // The double-rounding trap: the f64 sum is a tie of f32 whose remainder has been dropped.
        let (a, b) = (1.0 + f32::EPSILON, 1.0 + f32::EPSILON);
        check(a, b, f32::MIN_POSITIVE);
        check(1.0, 1.0 + f32::EPSILON, 2f32.powi(-24) + 2f32.powi(-47));
        check(4097.0, 4097.0, 2f32.powi(-40));
        check(f32::from_bits(1), 0.5, f32::from_bits(1));
    }

    #[test]
    fn samples_round_half_up_and_clip() {
        assert_eq!(quantize(0.5 / 255.0, 255), 1);
        assert_eq!(quantize(0.499 / 255.0, 255), 0);
        assert_eq!(quantize(-3.0, 255), 0);
        assert_eq!(quantize(7.0, 65535), 65535);
        assert_eq!(quantize(f32::NAN, 255), 0);
        for v in 0..=u16::MAX {
            assert_eq!(quantize(f32::from(v) / 65535.0, u16::MAX), v);
        }
    }
}
