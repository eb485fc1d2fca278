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

/// `v` where `v > 0`, else 0. NaN gives 0.
#[inline(always)]
pub fn relu(v: f32) -> f32 {
    if v > 0.0 { v } else { 0.0 }
}

/// `v` where `v > 0`, else `slope·v`.
#[inline(always)]
pub fn leaky_relu(v: f32, slope: f32) -> f32 {
    if v > 0.0 { v } else { slope * v }
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
