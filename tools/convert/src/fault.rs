//! What is wrong with a checkpoint, in a line.

use inpaint_edge::{Error, ErrorKind};
use zip::result::ZipError;

/// An error of the checkpoint: exit code 4.
pub(crate) fn refused(detail: impl Into<String>) -> Error {
    Error::new(ErrorKind::Weights, detail)
}

pub(crate) fn damaged(error: ZipError) -> inpaint_edge::Error {
    refused(format!("the archive is damaged: {}", one_line(&error.to_string()))).with_source(error)
}

/// Text from elsewhere, fit for a message of one line.
pub(crate) fn one_line(text: &str) -> String {
    let mut line: String = text.chars().take(200).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(200).is_some() {
        line.push('…');
    }
    line
}
