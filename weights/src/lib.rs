//! The trained networks of [inpaint-edge](https://docs.rs/inpaint-edge), as bytes of weights files.
//!
//! `MODEL_CARD.md` says what they reach and where they fail; `LICENSE.md` says on what terms they may be passed on, which
//! are not those of the source code.

/// The network that is built into library and program: 4.68 M parameters, integers of 8 and 16 bits.
pub static EDGE: &[u8] = include_bytes!("../edge.safetensors");

/// The network for the smallest boards: 0.66 M parameters, integers of 8 and 16 bits.
pub static NANO: &[u8] = include_bytes!("../nano.safetensors");

/// The floats that [`NANO`] was made of, in f16.
pub static NANO_F16: &[u8] = include_bytes!("../nano-f16.safetensors");
