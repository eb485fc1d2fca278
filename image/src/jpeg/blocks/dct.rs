//! The discrete cosine transform of a block, both ways, in whole numbers.
//!
//! Own code, since the library's inverse gives rounded and clamped samples. What is known of a block must come back from both
//! ways as it was, so samples have eight fractional bits.

/// Fractional bits of samples.
pub(super) const POINT: u32 = 8;

/// Fractional bits of sums of squares.
pub(super) const GAIN_POINT: u32 = 12;

/// cos(kπ/16) / 2, for k of 0 to 8.
const COSINES: [i64; 9] =
    [134_217_728, 131_638_772, 124_001_012, 111_597_962, 94_906_266, 74_567_374, 51_362_901, 26_184_580, 0];
/// Fractional bits of the cosines.
const BITS: u32 = 28;

/// Frequency `u` at sample `x`.
const BASIS: [[i64; 8]; 8] = {
    let mut basis = [[0; 8]; 8];
    let mut u = 0;
    while u < 8 {
        let mut x = 0;
        while x < 8 {
            // The constant one is smaller by the root of two, as the cosine of a quarter is.
            let turn = if u == 0 { 4 } else { (2 * x + 1) * u % 32 };
            let turn = if turn > 16 { 32 - turn } else { turn };
            basis[u][x] = if turn > 8 { -COSINES[16 - turn] } else { COSINES[turn] };
            x += 1;
        }
        u += 1;
    }
    basis
};

/// The samples, less 128 and not clamped, of these coefficients and quantisation steps. All are row by row.
pub(super) fn inverse(coefficients: &[i16; 64], steps: &[u16; 64]) -> [i64; 64] {
    let scaled = std::array::from_fn(|i| {
        // No real block has more.
        (i64::from(coefficients[i]) * i64::from(steps[i])).clamp(-(1 << 15), 1 << 15) << POINT
    });
    samples(&scaled)
}

/// The samples of coefficients; both have [`POINT`] fractional bits.
pub(super) fn samples(coefficients: &[i64; 64]) -> [i64; 64] {
    let rows = product(coefficients, |u, x| BASIS[u][x]);
    product(&rows, |v, y| BASIS[v][y])
}

/// The coefficients of samples less 128; both have [`POINT`] fractional bits.
pub(super) fn forward(samples: &[i64; 64]) -> [i64; 64] {
    let rows = product(samples, |x, u| BASIS[u][x]);
    product(&rows, |y, v| BASIS[v][y])
}

/// For each coefficient, the weighted sum of the squares of its samples, with [`GAIN_POINT`] fractional bits.
pub(super) fn squares(weights: &[i64; 64]) -> [i64; 64] {
    let square = |basis: i64| (basis * basis) >> BITS;
    let rows = product(&weights.map(|weight| weight << GAIN_POINT), |x, u| square(BASIS[u][x]));
    product(&rows, |y, v| square(BASIS[v][y]))
}

/// Adds `change` of a coefficient to samples.
pub(super) fn add(samples: &mut [i64; 64], coefficient: usize, change: i64) {
    let (v, u) = (coefficient / 8, coefficient % 8);
    for (i, sample) in samples.iter_mut().enumerate() {
        *sample += (((BASIS[u][i % 8] * BASIS[v][i / 8]) >> BITS) * change) >> BITS;
    }
}

/// Each row times a matrix; then rows become columns.
fn product(block: &[i64; 64], matrix: impl Fn(usize, usize) -> i64) -> [i64; 64] {
    std::array::from_fn(|i| {
        let (to, row) = (i / 8, i % 8);
        let sum: i64 = (0..8).map(|from| block[8 * row + from] * matrix(from, to)).sum();
        (sum + (1 << (BITS - 1))) >> BITS
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn coefficients_come_back_from_samples() {
        let mut state = 1u32;
        for step in [1, 7, 255] {
            let coefficients = std::array::from_fn(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                ((state >> 24) as i16 - 128) * if step > 100 { 1 } else { 8 }
            });
            let back = forward(&inverse(&coefficients, &[step; 64]));
            for (back, coefficient) in back.into_iter().zip(coefficients) {
                let exact = (i64::from(coefficient) * i64::from(step)) << POINT;
                assert!((back - exact).abs() <= 4, "{back} for {exact}");
            }
        }
    }

    #[test]
    fn samples_are_those_of_the_definition() {
        // The standard's formula (T.81, A.3.3), of one coefficient at a time.
        for i in 0..64 {
            let mut coefficients = [0; 64];
            coefficients[i] = 100;
            let (v, u) = (i / 8, i % 8);
            let samples = inverse(&coefficients, &[10; 64]);
            for (at, sample) in samples.into_iter().enumerate() {
                let wave = |k: usize, x: usize| {
                    let scale = if k == 0 { 0.5f64.sqrt() } else { 1.0 };
                    scale * ((2 * x + 1) as f64 * k as f64 * std::f64::consts::PI / 16.0).cos()
                };
                let expected = 1000.0 / 4.0 * wave(u, at % 8) * wave(v, at / 8);
                assert!((sample as f64 / 256.0 - expected).abs() < 0.01, "{i}, {at}");
            }
        }
    }
}
