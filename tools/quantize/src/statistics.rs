//! What values a map takes, over all photographs seen.

/// Bits of a float that tell its bin: sign, exponent and seven of the significand, so that bins are less than 1 % wide.
const BIN_BITS: u32 = 16;

/// How often a map takes which values.
pub struct Statistics {
    /// How many values fall into each bin, bins in the order of values.
    bins: Vec<u64>,
}

impl Default for Statistics {
    fn default() -> Self {
        Self { bins: vec![0; 1 << BIN_BITS] }
    }
}

impl Statistics {
    /// Adds values.
    pub fn add(&mut self, values: &[f32]) {
        values.iter().for_each(|v| self.bins[bin(*v)] += 1);
    }

    /// The value that a share of all values is not above, to the width of a bin.
    pub fn quantile(&self, share: f64) -> f32 {
        let total: u64 = self.bins.iter().sum();
        let wanted = (total as f64 * share).ceil().max(1.0) as u64;
        let mut count = 0;
        for (i, n) in self.bins.iter().enumerate() {
            count += n;
            if count >= wanted {
                return edge(i);
            }
        }
        0.0
    }
}

/// The bin of a value; bins are in the order of values.
fn bin(v: f32) -> usize {
    let bits = v.to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    (ordered >> (32 - BIN_BITS)) as usize
}

/// The value of a bin that is farthest from 0.
fn edge(bin: usize) -> f32 {
    let first = (bin as u32) << (32 - BIN_BITS);
    let last = first | ((1 << (32 - BIN_BITS)) - 1);
    match first >> 31 {
        1 => f32::from_bits(last & !(1 << 31)),
        _ => f32::from_bits(!first),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bins_hold_their_values_in_order() {
        let values = [-1e30f32, -3.0, -1.0, -1e-20, -0.0, 0.0, 1e-20, 0.5, 1.0, 2.9, 1e30];
        for pair in values.windows(2) {
            assert!(bin(pair[0]) <= bin(pair[1]), "{pair:?}");
        }
        for v in values {
            let edge = edge(bin(v));
            assert!(edge.abs() >= v.abs() && edge.abs() <= v.abs() * 1.01 + 1e-38, "{v}: {edge}");
        }
    }

    #[test]
    fn quantiles_are_those_of_the_values() {
        let mut of = Statistics::default();
        for i in 1..=1000 {
            of.add(&[i as f32, -(i as f32)]);
        }
        for (share, expected) in [(1.0, 1000.0), (0.75, 500.0), (0.0005, -1000.0), (0.25, -501.0f32)] {
            let found = of.quantile(share);
            assert!(
                (found - expected).abs() <= expected.abs() * 0.01 + 1.0,
                "{share}: expected {expected}, found {found}"
            );
        }
    }
}
