//! How a mask of bytes is read.

/// What white (at or above the threshold) means in a mask of bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MaskWhite {
    /// White is the hole to fill.
    #[default]
    Hole,
    /// White is kept, black is the hole.
    Keep,
}

/// How a mask of bytes is read. By default, bytes of 128 or more are the hole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct MaskRule {
    white: MaskWhite,
    threshold: u8,
}

impl Default for MaskRule {
    fn default() -> Self {
        Self { white: MaskWhite::Hole, threshold: 128 }
    }
}

impl MaskRule {
    /// What white means. Default [`MaskWhite::Hole`].
    pub fn white(self, white: MaskWhite) -> Self {
        Self { white, ..self }
    }

    /// The lowest byte that is white. Default 128.
    pub fn threshold(self, threshold: u8) -> Self {
        Self { threshold, ..self }
    }

    /// Whether a byte marks the hole.
    pub fn is_hole(self, byte: u8) -> bool {
        (byte >= self.threshold) == (self.white == MaskWhite::Hole)
    }
}
