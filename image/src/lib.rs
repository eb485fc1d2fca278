//! Pictures for [`inpaint_edge`], from bytes to bytes: decoded by their content, upright, and encoded again with the metadata
//! carried.
//!
//! ```no_run
//! use inpaint_edge::{Holes, Inpainter, Options};
//! use inpaint_edge_image::{OutputFormat, Photo, fill};
//!
//! # fn main() -> inpaint_edge::Result<()> {
//! # let (weights, bytes) = (&[0u8][..], &[0u8][..]);
//! let inpainter = Inpainter::from_bytes(weights, Options::default())?;
//! let mut photo = Photo::decode(bytes)?;
//! let mut mask = Holes::none(photo.pixels.width() as usize, photo.pixels.height() as usize)?;
//! mask.add_box(300..360, 200..240);
//! fill(&inpainter, &mut photo.pixels, &mask, &mut |_| std::ops::ControlFlow::Continue(()))?;
//! let png: Vec<u8> = photo.encode(OutputFormat::Png)?;
//! # Ok(())
//! # }
//! ```
//!
//! Formats and what is carried from one to the other: `docs/FORMATS.md`. Without the feature `files` the crate touches no file
//! and names no thread.
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
pub use select::{add_painted, add_transparent};
