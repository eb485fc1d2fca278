//! One error type: a stable kind, and a detail that names what was expected and what was found.

use std::fmt;
use std::sync::Arc;

/// The kinds of errors that a caller can tell apart and act on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument is wrong, or the options contradict each other, this CPU or this build.
    Usage,
    /// The image or the mask cannot be read or used.
    Input,
    /// The weights file is missing, malformed or contradictory.
    Weights,
    /// The work needs more memory or larger indices than allowed.
    Limits,
    /// The progress callback asked to stop.
    Cancelled,
    /// The result could not be written, or is not the one expected.
    Output,
}

/// Kind, exit code of the program, status of the C interface, name.
const KINDS: [(ErrorKind, u8, i32, &str); 6] = [
    (ErrorKind::Usage, 2, 2, "usage"),
    (ErrorKind::Input, 3, 3, "input"),
    (ErrorKind::Weights, 4, 4, "weights"),
    (ErrorKind::Limits, 5, 5, "limits"),
    (ErrorKind::Cancelled, 1, 6, "cancelled"),
    (ErrorKind::Output, 1, 7, "output"),
];

impl ErrorKind {
    fn row(self) -> &'static (ErrorKind, u8, i32, &'static str) {
        KINDS.iter().find(|(kind, ..)| *kind == self).expect("every kind has a row")
    }

    /// Exit code of the program for this kind.
    pub fn exit_code(self) -> u8 {
        self.row().1
    }

    /// Status of the C interface for this kind; 0 is success, and 8 a mistake of the library.
    pub fn status(self) -> i32 {
        self.row().2
    }

    /// Lower-case name, for logs and JSON.
    pub fn name(self) -> &'static str {
        self.row().3
    }
}

/// An [`ErrorKind`] with one line of detail, and the error below it where there is one. Two errors are equal if kind and
/// detail are.
#[derive(Clone, Debug)]
pub struct Error {
    kind: ErrorKind,
    detail: String,
    source: Option<Source>,
}

/// Shared, since an [`Error`] can be cloned and an error of the system cannot.
type Source = Arc<dyn std::error::Error + Send + Sync>;

/// A result whose error is an [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// An error of `kind`; `detail` is one lower-case line without a full stop. Control characters, which names of files and
    /// tensors may hold, are escaped.
    pub fn new(kind: ErrorKind, detail: impl Into<String>) -> Self {
        Self { kind, detail: escaped(detail.into()), source: None }
    }

    /// The same error, caused by `source`. The detail repeats what the source says, so that one line is enough.
    pub fn with_source(self, source: impl std::error::Error + Send + Sync + 'static) -> Self {
        Self { source: Some(Arc::new(source)), ..self }
    }

    /// The kind, stable across releases.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// The same error with `subject: ` (a file name, say) in front of its detail.
    pub fn of(self, subject: impl fmt::Display) -> Self {
        Self { detail: escaped(format!("{subject}: {}", self.detail)), ..self }
    }

    /// An error of kind [`ErrorKind::Usage`].
    pub fn usage(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Usage, detail)
    }

    /// An error of kind [`ErrorKind::Input`].
    pub fn input(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Input, detail)
    }

    /// An error of kind [`ErrorKind::Weights`].
    pub fn weights(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Weights, detail)
    }

    /// An error of kind [`ErrorKind::Limits`].
    pub fn limits(detail: impl Into<String>) -> Self {
        Self::new(ErrorKind::Limits, detail)
    }

    /// A run that its progress callback ended.
    pub(crate) fn cancelled() -> Self {
        Self::new(ErrorKind::Cancelled, "stopped by the progress callback")
    }

    /// More pixels than can be addressed.
    pub(crate) fn too_large(width: usize, height: usize) -> Self {
        Self::limits(format!("expected no more pixels than this build can address, found {width}×{height}"))
    }
}

fn escaped(detail: String) -> String {
    if !detail.contains(char::is_control) {
        return detail;
    }
    let mut line = String::new();
    for c in detail.chars() {
        if c.is_control() { line.extend(c.escape_default()) } else { line.push(c) }
    }
    line
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.source.as_deref().map(|source| source as _)
    }
}

impl PartialEq for Error {
    fn eq(&self, other: &Self) -> bool {
        (self.kind, &self.detail) == (other.kind, &other.detail)
    }
}

impl Eq for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_one_row() {
        for (i, (kind, code, status, name)) in KINDS.iter().enumerate() {
            assert_eq!((kind.exit_code(), kind.status()), (*code, *status));
            assert!(!name.is_empty());
            assert!(KINDS[..i].iter().all(|(other, _, s, n)| other != kind && s != status && n != name));
        }
    }

    #[test]
    fn detail_is_the_message() {
        let e = Error::input("expected 64×64, found 32×32").of("mask.png");
        assert_eq!(e.to_string(), "mask.png: expected 64×64, found 32×32");
        assert_eq!(e.kind(), ErrorKind::Input);
    }

    #[test]
    fn the_source_is_kept_when_a_subject_is_added_and_in_a_clone() {
        use std::error::Error as _;
        use std::io;
        let e = Error::input("cannot be read").with_source(io::Error::from(io::ErrorKind::NotFound)).of("mask.png");
        let source = e.source().and_then(|source| source.downcast_ref::<io::Error>()).map(io::Error::kind);
        assert_eq!(source, Some(io::ErrorKind::NotFound));
        assert!(e.clone().source().is_some());
        assert_eq!(e, Error::input("mask.png: cannot be read"));
        assert!(Error::input("no pixel").source().is_none());
    }

    #[test]
    fn a_message_is_one_line_whatever_a_file_is_called() {
        let e = Error::input("a\u{9b}31m\tpicture").of("a\n\x1b[2J.png");
        assert_eq!(e.to_string(), "a\\n\\u{1b}[2J.png: a\\u{9b}31m\\tpicture");
    }
}
