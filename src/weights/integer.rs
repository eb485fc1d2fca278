//! What makes a network one of integers: how its maps are scaled, and how its weights lie in the file.

use super::layer::{LayerShape, MAX_LEVELS};
use crate::error::{Error, Result};

/// Columns of a panel, and the bytes of a column's k that lie side by side, as values of a map: 4 of 8 bits, 2 of 16.
const PANEL: usize = 16;
const GROUP_BYTES: usize = 4;

/// Bounds of every scale, such that no value on the way to a result is subnormal or infinite.
const LEAST: f32 = 1.0 / (1u64 << 60) as f32;
const MOST: f32 = (1u64 << 60) as f32;

/// How the numbers of an integer map stand for values: a value is (integer − zero) · step.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct MapScale {
    /// What a difference of 1 stands for, 2^−60 to 2^60.
    pub step: f32,
    /// The integer of 0: of holes, and beyond the image. 0 in maps of 16 bits.
    pub zero: u8,
}

impl MapScale {
    /// With this step and zero.
    pub fn new(step: f32, zero: u8) -> Self {
        Self { step, zero }
    }
}

/// How the maps of an integer network are scaled.
#[derive(Clone, Debug, PartialEq)]
pub struct Integers {
    /// W, at least 1: maps that enc1 … encW and decW … dec1 read have 16 bits, signed, and the others 8, unsigned.
    wide: usize,
    /// Of the input, enc1 … encL, decL … dec2, in the order they are written. dec1 writes f32.
    maps: Vec<MapScale>,
}

impl Integers {
    /// For a network of as many maps, the input's among them and dec1's not.
    ///
    /// # Errors
    ///
    /// Weights, where a number is beyond its bounds.
    pub fn new(wide: usize, maps: Vec<MapScale>) -> Result<Self> {
        let levels = maps.len() / 2;
        if maps.len() % 2 == 1 || !(1..=MAX_LEVELS).contains(&levels) {
            return Err(Error::weights(format!("maps: expected 2 for each level, found {}", maps.len())));
        }
        if !(1..=levels).contains(&wide) {
            return Err(Error::weights(format!("wide_levels: expected 1 to {levels}, found {wide}")));
        }
        let all = Self { wide, maps };
        for (i, map) in all.maps.iter().enumerate() {
            if !is_scale(map.step) {
                return Err(Error::weights(format!("steps: expected numbers of 2^-60 to 2^60, found {:?}", map.step)));
            }
            if all.is_wide(i) && map.zero != 0 {
                return Err(Error::weights(format!("zeros: expected 0 in a map of 16 bits, found {}", map.zero)));
            }
        }
        Ok(all)
    }

    /// W, the levels whose maps have 16 bits.
    pub fn wide(&self) -> usize {
        self.wide
    }

    /// The scales of the maps: of the input, enc1 … encL, decL … dec2.
    pub fn maps(&self) -> &[MapScale] {
        &self.maps
    }

    /// Whether map `index` of [`Integers::maps`] has 16 bits, and so whether the layer of this index, in the order they run, reads
    /// such maps.
    pub fn is_wide(&self, index: usize) -> bool {
        let levels = self.maps.len() / 2;
        // The level of the layers that read it: enc of one more, and dec of one more or one less.
        let level = if index < levels { index } else { (2 * levels - 1 - index).min(levels - 1) };
        level < self.wide
    }

    /// The map that an operand of layer `index` reads: the one before, or the skip, which mirrors it.
    pub fn source(&self, index: usize, operand: usize) -> usize {
        if operand == 0 { index } else { self.maps.len() - 1 - index }
    }
}

/// Whether a number may be a scale.
pub(super) fn is_scale(v: f32) -> bool {
    (LEAST..=MOST).contains(&v)
}

/// Whether a number may be a bias or the slope.
pub(super) fn is_scale_or_zero(v: f32) -> bool {
    v == 0.0 || is_scale(v.abs())
}

/// The weights of a layer for one of the maps it reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Operand {
    /// What its tensor is called after the layer: `weight`, `up` or `skip`.
    pub name: &'static str,
    /// Side of a window.
    pub kernel: usize,
    /// Channels of the map.
    pub channels: usize,
    /// Whether the window is over the map upsampled, which is one of four, by the parity of an output, over the map itself.
    pub is_upsampled: bool,
}

impl Operand {
    /// The shape of its tensor of panels, `[panels, groups of k, 16 columns, k of a group]`. Rows of a window are filled up to whole
    /// groups, and the last panel to 16 columns, with zeros.
    pub fn tensor_shape(&self, c_out: usize, is_wide: bool) -> [usize; 4] {
        let group = group(is_wide);
        [c_out.div_ceil(PANEL), self.kernel * (self.kernel * self.channels).div_ceil(group), PANEL, group]
    }

    /// Where its tensor has the weight of output channel `column` at (`x`, `y`) of a window, for `channel` of the map.
    pub fn index(&self, is_wide: bool, column: usize, [y, x, channel]: [usize; 3]) -> usize {
        let group = group(is_wide);
        let k = x * self.channels + channel;
        let row = column / PANEL * self.kernel + y;
        let of_group = row * (self.kernel * self.channels).div_ceil(group) + k / group;
        (of_group * PANEL + column % PANEL) * group + k % group
    }

    /// Matrices of weights over the map itself.
    pub fn variants(&self) -> usize {
        if self.is_upsampled { 4 } else { 1 }
    }

    /// The k of a window over the map itself, whose rows are filled up to whole groups of so many values.
    pub(crate) fn k(&self, group: usize) -> usize {
        let side = if self.is_upsampled { 2 } else { self.kernel };
        side * (side * self.channels).next_multiple_of(group)
    }
}

impl LayerShape {
    /// The operands of a layer: one of an encoder layer; up and skip of a decoder layer.
    pub fn operands(&self) -> impl Iterator<Item = Operand> + use<> {
        let Self { c_in, c_skip, kernel, .. } = *self;
        let operand = |name, channels, is_upsampled| Operand { name, kernel, channels, is_upsampled };
        let (first, skip) = match c_skip {
            0 => (operand("weight", c_in, false), None),
            _ => (operand("up", c_in, true), Some(operand("skip", c_skip, false))),
        };
        [first].into_iter().chain(skip)
    }
}

/// Values of a group.
pub(crate) fn group(is_wide: bool) -> usize {
    GROUP_BYTES / value_bytes(is_wide)
}

/// Bytes of a value of a map and of a weight for it.
fn value_bytes(is_wide: bool) -> usize {
    if is_wide { size_of::<i16>() } else { size_of::<i8>() }
}

/// Refuses panels of a weight of the least number of its type, or of one that is not 0 where a row of a window is filled up to whole
/// groups.
pub(super) fn check(panels: &[u8], operand: Operand, is_wide: bool) -> Result<()> {
    let (group, bytes) = (group(is_wide), value_bytes(is_wide));
    let is_least = |v: &[u8]| v[bytes - 1] == 0x80 && v[..bytes - 1].iter().all(|byte| *byte == 0);
    // Most lines have no byte of 0x80, which is seen many at a time.
    let has_some = |line: &[u8]| line.iter().fold(false, |has, byte| has | (*byte == 0x80));
    let least =
        panels.chunks(PANEL * GROUP_BYTES).enumerate().filter(|(_, line)| has_some(line)).find_map(|(i, line)| {
            let at = line.chunks_exact(bytes).position(is_least)?;
            Some(i * (PANEL * GROUP_BYTES / bytes) + at)
        });
    if let Some(at) = least {
        let (most, least) = if is_wide { (i16::MAX, i16::MIN) } else { (i8::MAX.into(), i8::MIN.into()) };
        return Err(Error::weights(format!("expected weights of -{most} to {most}, found {least} at index {at}")));
    }
    let run = operand.kernel * operand.channels;
    let groups = run.div_ceil(group);
    let filled_up = run % group;
    if filled_up == 0 {
        return Ok(());
    }
    for (i, row) in panels.chunks_exact(PANEL * GROUP_BYTES).enumerate() {
        let is_last = i % groups == groups - 1;
        let is_filled_up = |values: &[u8]| values[filled_up * bytes..].iter().any(|v| *v != 0);
        if is_last && row.chunks_exact(GROUP_BYTES).any(is_filled_up) {
            return Err(Error::weights(format!("expected zeros after each run of {run} weights, found others")));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(step: f32, zero: u8) -> MapScale {
        MapScale { step, zero }
    }

    #[test]
    fn maps_are_as_wide_as_their_readers_are_told_to_be() {
        // Input, enc1, enc2, enc3, dec3, dec2.
        let wide = |wide: usize| {
            let all = Integers::new(wide, vec![map(1.0, 0); 6]).unwrap();
            (0..6).map(|i| all.is_wide(i)).collect::<Vec<_>>()
        };
        assert_eq!(wide(1), [true, false, false, false, false, true]);
        assert_eq!(wide(2), [true, true, false, false, true, true]);
        assert_eq!(wide(3), [true; 6]);
        let one = Integers::new(1, vec![map(1.0, 0); 2]).unwrap();
        assert_eq!([0, 1].map(|i| one.is_wide(i)), [true; 2]);
    }

    #[test]
    fn numbers_beyond_their_bounds_are_refused() {
        let refused = |wide, maps: Vec<MapScale>| Integers::new(wide, maps).unwrap_err().to_string();
        assert_eq!(refused(1, vec![map(1.0, 0); 3]), "maps: expected 2 for each level, found 3");
        assert_eq!(refused(1, vec![]), "maps: expected 2 for each level, found 0");
        assert_eq!(refused(0, vec![map(1.0, 0); 4]), "wide_levels: expected 1 to 2, found 0");
        assert_eq!(refused(3, vec![map(1.0, 0); 4]), "wide_levels: expected 1 to 2, found 3");
        for step in [0.0, -1.0, f32::NAN, f32::INFINITY, 1e-40, 2e18] {
            assert!(refused(1, vec![map(step, 0); 2]).starts_with("steps: expected numbers of 2^-60 to 2^60, found"));
        }
        assert_eq!(refused(1, vec![map(1.0, 3); 2]), "zeros: expected 0 in a map of 16 bits, found 3");
    }

    #[test]
    fn panels_are_filled_up_with_zeros() {
        // One run of 5 values in groups of 4.
        let operand = Operand { name: "weight", kernel: 1, channels: 5, is_upsampled: false };
        let mut panels = vec![1; 2 * PANEL * 4];
        let refused = |panels: &[u8]| check(panels, operand, false).unwrap_err().to_string();
        assert_eq!(refused(&panels), "expected zeros after each run of 5 weights, found others");
        for row in panels.chunks_exact_mut(PANEL * 4).skip(1).step_by(2) {
            row.chunks_exact_mut(4).for_each(|values| values[1..].fill(0));
        }
        assert!(check(&panels, operand, false).is_ok());
        panels[3] = 0x80;
        assert_eq!(refused(&panels), "expected weights of -127 to 127, found -128 at index 3");
        // Of 16 bits, that is two weights of 384 and one of 128.
        let operand = Operand { channels: 4, ..operand };
        assert!(check(&panels, operand, true).is_ok());
        panels[2] = 0;
        let refused = check(&panels, operand, true).unwrap_err().to_string();
        assert_eq!(refused, "expected weights of -32767 to 32767, found -32768 at index 1");
    }
}
