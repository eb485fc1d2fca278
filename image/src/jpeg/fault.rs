//! Errors of the JPEG library, in plain words.

use inpaint_edge::Error;
use libjpeg_turbo_rs::JpegError;

use crate::fault::{damaged, undecodable};

/// The advice for a picture in CMYK.
pub(crate) const CMYK_ADVICE: &str = "an sRGB copy would do: convert in.jpg -colorspace sRGB out.png";

pub(crate) fn failed(e: JpegError) -> Error {
    let error = match &e {
        JpegError::AllocationFailed { bytes, .. } => Error::limits(format!("no memory for {bytes} bytes")),
        JpegError::LimitExceeded { .. } => Error::limits(format!("cannot be decoded: {e}")),
        JpegError::UnexpectedEof => Error::input("cut short: expected all data of every scan, found less"),
        JpegError::CorruptData(detail) | JpegError::Unsupported(detail) => damaged(detail),
        _ => return undecodable(e),
    };
    error.with_source(e)
}
