//! Whether the network sees the whole image or regions of it.

/// What the network is run on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Strategy {
    /// [`Strategy::Native`] up to [`NATIVE_PIXELS`], else [`Strategy::Window`].
    #[default]
    Auto,
    /// The whole image at once.
    Native,
    /// Regions around the holes. Where a hole is wider than 2^levels pixels, its inside is filled at half the size first,
    /// and so on.
    Window,
}

/// The most pixels of an image that [`Strategy::Auto`] runs as a whole.
pub const NATIVE_PIXELS: usize = 1 << 20;

impl Strategy {
    /// The strategy for an image of this size: never [`Strategy::Auto`].
    pub fn for_size(self, width: usize, height: usize) -> Self {
        match self {
            Strategy::Auto if width.saturating_mul(height) <= NATIVE_PIXELS => Strategy::Native,
            Strategy::Auto => Strategy::Window,
            chosen => chosen,
        }
    }

    /// Lower-case name, for options and JSON.
    pub fn name(self) -> &'static str {
        match self {
            Strategy::Auto => "auto",
            Strategy::Native => "native",
            Strategy::Window => "window",
        }
    }
}
