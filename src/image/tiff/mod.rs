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
mod structure;
mod write;

pub(super) use read::{decode, header};
pub(super) use structure::Structure;
pub(super) use write::write;

/// Tags, by their names in the specification.
pub(super) mod tag {
    pub const NEW_SUBFILE_TYPE: u16 = 254;
    pub const IMAGE_WIDTH: u16 = 256;
    pub const IMAGE_LENGTH: u16 = 257;
    pub const BITS_PER_SAMPLE: u16 = 258;
    pub const COMPRESSION: u16 = 259;
    pub const PHOTOMETRIC_INTERPRETATION: u16 = 262;
    pub const FILL_ORDER: u16 = 266;
    pub const STRIP_OFFSETS: u16 = 273;
    pub const SAMPLES_PER_PIXEL: u16 = 277;
    pub const ROWS_PER_STRIP: u16 = 278;
    pub const STRIP_BYTE_COUNTS: u16 = 279;
    pub const X_RESOLUTION: u16 = 282;
    pub const Y_RESOLUTION: u16 = 283;
    pub const PLANAR_CONFIGURATION: u16 = 284;
    pub const RESOLUTION_UNIT: u16 = 296;
    pub const PREDICTOR: u16 = 317;
    pub const COLOR_MAP: u16 = 320;
    pub const TILE_WIDTH: u16 = 322;
    pub const TILE_LENGTH: u16 = 323;
    pub const TILE_OFFSETS: u16 = 324;
    pub const TILE_BYTE_COUNTS: u16 = 325;
    pub const SUB_IFDS: u16 = 330;
    pub const EXTRA_SAMPLES: u16 = 338;
    pub const SAMPLE_FORMAT: u16 = 339;
    pub const THUMBNAIL_OFFSET: u16 = 513;
    pub const THUMBNAIL_LENGTH: u16 = 514;
    pub const XMP: u16 = 700;
    pub const EXIF_IFD: u16 = 34_665;
    pub const ICC_PROFILE: u16 = 34_675;
    pub const GPS_IFD: u16 = 34_853;
    pub const INTEROPERABILITY_IFD: u16 = 40_965;
    pub const DNG_VERSION: u16 = 50_706;
    pub const C2PA: u16 = 52_545;
}

/// Whether a tag of IFD0 says how the pixels are stored, or is carried by itself or not at all; the others describe the
/// photograph, whatever its format.
fn is_of_the_file(tag: u16) -> bool {
    matches!(tag, 254..=266 | 273 | 277..=281 | 284 | 288..=293 | 297 | 317 | 320..=347 | 512..=532)
        || matches!(tag, tag::XMP | 33_723 | 34_377 | tag::ICC_PROFILE | 37_724 | tag::C2PA)
}
