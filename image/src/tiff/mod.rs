//! TIFF of one picture in grey, RGB or a palette, and EXIF, which has the same structure.
//!
//! The `tiff` crate decompresses, undoes predictors and swaps bytes. Own code does what it does not: it reads directories as
//! libtiff does, with counts and sizes that do not fit (the crate refuses them), tells what a file is before memory is taken,
//! makes pixels of samples (palettes, bits, planes, alpha), carries metadata from directory to directory without a list of
//! known tags (kamadak-exif and little_exif know theirs, and allocate what the file claims), and writes rows to a pipe (the
//! crate's encoder seeks).

mod chunk;
mod layout;
mod read;
mod write;

pub(crate) use read::{decode, header};
pub(crate) use write::write;
