//! Reads and writes TIFF of one picture in grey, RGB or a palette.
//!
//! The `tiff` crate decompresses, undoes predictors and swaps bytes. Own code does the rest: it reads directories as
//! libtiff does, also where counts and sizes do not fit (the crate refuses those), tells what a file takes before
//! memory is taken, turns samples into pixels (palettes, bits, planes, alpha), carries metadata from directory to
//! directory without a list of known tags (kamadak-exif and little_exif know only theirs, and allocate what the file
//! claims), and writes rows to a pipe (the crate's encoder seeks).

mod chunk;
mod layout;
mod read;
mod write;

pub(crate) use read::{decode, header};
pub(crate) use write::write;
