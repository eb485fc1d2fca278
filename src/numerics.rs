//! The numeric contract in code: the fused multiply-add, the activations and the rounding to integers.
//!
//! An output element is one accumulator that takes one fused multiply-add per k, k ascending. Every kernel of every
//! instruction set computes what these functions compute, to the bit.

/// `a·b + c` with one rounding, on every machine.
///
/// A target without the instruction adds in f64, rounds to odd, and then rounds to f32. The product of two f32 is exact in
/// f64, and an odd last bit keeps the second rounding from meeting a false tie (Boldo and Melquiond 2008).
#[inline(always)]
pub fn mul_add(a: f32, b: f32, c: f32) -> f32 {
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
    // The last bit is even and something remains: the odd neighbour lies on the remainder's side.
    let away = (error > 0.0) == (sum > 0.0);
    f64::from_bits(if away { bits + 1 } else { bits - 1 }) as f32
}

/// The function after a convolution. It compares and selects, so that NaN and signed zeros are the same everywhere.
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

/// e^v to 1e-13 of its value, by additions and multiplications of f64: the same on every machine. Clips v to −700 … 700.
fn exp(v: f64) -> f64 {
    let v = v.clamp(-700.0, 700.0);
    // v = n·ln 2 + r, |r| ≤ ln 2 / 2; Taylor's series of e^r; 2^n by its exponent.
    let n = (v * std::f64::consts::LOG2_E + if v < 0.0 { -0.5 } else { 0.5 }) as i64;
    let r = v - n as f64 * std::f64::consts::LN_2;
    let series = (1..=14).rev().fold(1.0, |sum, k| 1.0 + sum * r / f64::from(k));
    series * f64::from_bits(((1023 + n) as u64) << 52)
}

/// 1/(1 + e^−v), the same on every machine.
pub fn sigmoid(v: f32) -> f32 {
    (1.0 / (1.0 + exp(-f64::from(v)))) as f32
}

/// tanh v, the same on every machine.
pub fn tanh(v: f32) -> f32 {
    (1.0 - 2.0 / (exp(2.0 * f64::from(v)) + 1.0)) as f32
}

/// Clips to 0 … 1; NaN gives 0.
#[inline(always)]
pub fn clip_unit(v: f32) -> f32 {
    if v > 0.0 { if v < 1.0 { v } else { 1.0 } } else { 0.0 }
}

/// Scales 0 … 1 to 0 … `max` and rounds halves up: the one place where a float becomes a sample.
#[inline(always)]
pub fn quantize(v: f32, max: u16) -> u16 {
    (clip_unit(v) * f32::from(max) + 0.5) as u16
}

/// A random number of 32 bits, made of the three numbers that name its use (SplitMix64, Steele et al. 2014): the same on every
/// machine, thread and order of use.
pub fn random(a: u32, b: u32, c: u32) -> u32 {
    let v = (u64::from(a) << 32 | u64::from(b)).wrapping_add(0x9e37_79b9_7f4a_7c15u64.wrapping_mul(u64::from(c) + 1));
    let v = (v ^ v >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let v = (v ^ v >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
    ((v ^ v >> 31) >> 16) as u32
}

/// 2²³ · 1.5: floats about it are 1 apart, and their last bits are those of the integer above it.
const WHOLE: f32 = 12_582_912.0;

/// The largest size of an integer in a map of 16 bits. It leaves as many bits to weights, whose sums of products are in i32.
pub const WIDE_LIMIT: i32 = 8191;

/// Clips to `limits`, which are whole numbers within ±2²¹, and rounds to the nearest integer, halves to even; NaN gives the
/// least. Adds where an instruction or a call would round, so that compilers make vectors of it on every machine.
#[inline(always)]
pub fn round(v: f32, limits: [f32; 2]) -> i32 {
    let v = if v > limits[0] { v } else { limits[0] };
    let v = if v < limits[1] { v } else { limits[1] };
    (v + WHOLE).to_bits().wrapping_sub(WHOLE.to_bits()) as i32
}

/// Writes the integers of 16 bits that stand for values, of which a difference of 1 stands for `step`.
pub(crate) fn quantise(values: &[f32], step: f32, integers: &mut [i16]) {
    let (scale, limit) = (1.0 / step, WIDE_LIMIT as f32);
    integers.iter_mut().zip(values).for_each(|(integer, v)| *integer = round(v * scale, [-limit, limit]) as i16);
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
            "{a:e}·{b:e} + {c:e}: expected {expected:e}, found {found:e}"
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
    fn sigmoid_and_tanh_are_the_same_bits_everywhere() {
        for i in -40_000..=40_000 {
            let v = i as f32 / 1000.0;
            let exact = f64::from(v);
            let (s, t) = (1.0 / (1.0 + (-exact).exp()), exact.tanh());
            assert!((f64::from(sigmoid(v)) - s).abs() <= s * 1.2e-7, "sigmoid {v}: expected {s}, found {}", sigmoid(v));
            assert!(
                (f64::from(tanh(v)) - t).abs() <= t.abs() * 6e-8 + 2e-16,
                "tanh {v}: expected {t}, found {}",
                tanh(v)
            );
        }
        assert_eq!([-1e30, -1e3, 0.0, 1e3, 1e30].map(sigmoid), [0.0, 0.0, 0.5, 1.0, 1.0]);
        assert_eq!([-1e30, -1e3, 0.0, 1e3, 1e30].map(tanh), [-1.0, -1.0, 0.0, 1.0, 1.0]);
        // Bits, so that no machine differs unnoticed.
        assert_eq!([0.1f32, -0.7, 2.5].map(|v| sigmoid(v).to_bits()), [0x3f06_6509, 0x3ea9_e34b, 0x3f6c_948f]);
        assert_eq!([0.1f32, -0.7, 2.5].map(|v| tanh(v).to_bits()), [0x3dcc_1ebc, 0xbf1a_b7d9, 0x3f7c_92c1]);
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

    #[test]
    fn integers_round_to_even_and_clip() {
        let limits = [-65534.0, 65534.0];
        for i in (-300_000..300_000).step_by(if cfg!(miri) { 999 } else { 1 }) {
            let v = i as f32 / 4.0;
            let expected = v.clamp(-65534.0, 65534.0).round_ties_even() as i32;
            assert_eq!(round(v, limits), expected, "{v}");
            let (below, above) = (v.next_down(), v.next_up());
            assert_eq!(round(below, limits), below.clamp(-65534.0, 65534.0).round_ties_even() as i32, "{below}");
            assert_eq!(round(above, limits), above.clamp(-65534.0, 65534.0).round_ties_even() as i32, "{above}");
        }
        assert_eq!(round(f32::INFINITY, limits), 65534);
        assert_eq!(round(f32::NEG_INFINITY, limits), -65534);
        assert_eq!([f32::NAN, -f32::NAN].map(|v| round(v, [3.0, 5.0])), [3, 3]);
    }
}
