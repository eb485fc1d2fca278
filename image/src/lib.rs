//! Decodes a picture from bytes, turns it upright, fills its hole with [`inpaint_edge`], and encodes the result with
//! the metadata that the picture carried.
//!
//! ```
//! use std::ops::ControlFlow;
//!
//! use inpaint_edge::{Inpainter, Mask, Options};
//! use inpaint_edge_image::{Encoded, OutputFormat, Photo, fill};
//!
//! # fn main() -> inpaint_edge::Result<()> {
//! // A picture as it comes from a camera, a form or a network: here 48×32 pixels in red, as PPM.
//! let bytes = [&b"P6 48 32 255\n"[..], &[200, 30, 30].repeat(48 * 32)].concat();
//!
//! // The header tells how much memory decoding takes, before a pixel is decoded.
//! let encoded = Encoded::new(&bytes)?;
//! let header = encoded.header()?;
//! assert_eq!((header.width, header.height, header.channels), (48, 32, 3));
//! assert!(header.decode_bytes() < 1 << 20);
//! let mut photo = encoded.decode()?;
//!
//! // The hole: columns, then rows.
//! let mut mask = Mask::new(48, 32)?;
//! mask.add_box(20..28, 10..18);
//!
//! // The engine fills it in place; the callback may stop it with `ControlFlow::Break`.
//! let inpainter = Inpainter::embedded(Options::default())?;
//! let report = fill(&inpainter, &mut photo.pixels, &mask, &mut |_| ControlFlow::Continue(()))?;
//! assert_eq!(report.hole_pixels, 64);
//!
//! // Pixels outside the hole stay as they are, and so does what the file carried.
//! let png: Vec<u8> = photo.encode(OutputFormat::Png)?;
//! let filled = Photo::decode(&png)?.pixels.into_rgb8();
//! assert_eq!(filled.get_pixel(0, 0).0, [200, 30, 30]);
//! # Ok(())
//! # }
//! ```
//!
//! * [`Photo`] is a decoded picture: [`pixels`](Photo::pixels) in grey or RGB, with or without alpha, of 8 or 16 bits, and the
//!   metadata. [`Photo::notes`] says what a result cannot keep.
//! * [`Encoded`] is a picture before it is decoded, [`Header`] its size and the memory it takes.
//! * [`OutputFormat`] is a format of results: PNG, TIFF, WebP or JPEG. PNG, JPEG, WebP, TIFF, GIF, BMP, PNM and QOI are read.
//! * [`Photo::into_mask`] with [`hole_of`], [`add_transparent`] and [`add_painted`] find the hole in a mask, in transparency or in
//!   paint.
//! * [`fill`] runs the engine on the types of the `image` crate.
//! * [`Photo::write_filled`] keeps all of a JPEG that its hole does not touch; [`Encoded::decode_to_fill`] decodes little more of
//!   it than a fill looks at.
//!
//! Errors are those of the engine: a kind, one line (`expected X, found Y`), and the error below as `source()`. A
//! damaged or hostile file is an error, never a panic. An allocation whose size the file chooses may fail; that is an
//! error of kind `Limits`.
//!
//! With the feature `files` (on by default), [`Photo::open`] reads files and [`write_atomically`] replaces them in one step.
//! Without it, the crate touches no file and starts no thread, and builds for `wasm32-unknown-unknown`.
//!
//! `docs/FORMATS.md` in the repository lists what is read of each format, and which metadata each result keeps.
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod alpha;
mod directories;
mod encoded;
mod exif;
mod fault;
#[cfg(feature = "files")]
mod files;
mod fill;
mod format;
mod header;
mod jpeg;
mod kind;
mod limits;
mod lossless;
mod metadata;
mod photo;
mod plain;
mod png;
mod raw_profile;
mod select;
mod structure;
mod tiff;
mod webp;
mod xmp;

pub use encoded::Encoded;
#[cfg(feature = "files")]
pub use files::{Opened, check_writable, read_within, target_of, write_atomically, write_atomically_with};
pub use fill::fill;
pub use format::{OutputFormat, is_picture_name, picture_endings};
pub use header::Header;
pub use photo::Photo;
pub use select::{add_painted, add_transparent, hole_of};
