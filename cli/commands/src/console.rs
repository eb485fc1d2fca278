//! What goes to stdout and stderr.

use std::error::Error as _;
use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use inpaint_edge::{Error, ErrorKind, Result};

/// Writes to stdout; a reader that has gone away is an error, not a panic.
pub fn print(bytes: impl AsRef<[u8]>) -> Result<()> {
    let mut out = io::stdout().lock();
    let written = out.write_all(bytes.as_ref()).and_then(|()| out.flush());
    written.map_err(|e| Error::new(ErrorKind::Output, format!("stdout: cannot be written: {e}")).with_source(e))
}

/// Writes a line with the program's name to stderr. A closed stderr leaves the exit code to tell.
pub fn tell(line: impl std::fmt::Display) {
    lines(format_args!("inpaint-edge: {line}"));
}

/// Writes to stderr without the program's name.
pub fn lines(text: std::fmt::Arguments<'_>) {
    let _ = writeln!(io::stderr(), "{text}");
}

/// The line of an error, with the system's words for it made plain and without its error number.
pub fn line_of(e: &Error) -> String {
    let line = e.to_string();
    let mut below = std::iter::successors(e.source(), |e| (*e).source()).filter_map(|e| e.downcast_ref::<io::Error>());
    let Some(system) = below.find(|e| e.raw_os_error().is_some()) else { return line };
    let plain = match system.kind() {
        io::ErrorKind::NotFound => "no such file or folder",
        io::ErrorKind::PermissionDenied => "permission denied",
        io::ErrorKind::IsADirectory => "a folder is no file",
        io::ErrorKind::NotADirectory => "a file is no folder",
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only",
        io::ErrorKind::StorageFull => "no space left on the disk",
        io::ErrorKind::QuotaExceeded => "no space left in the quota",
        io::ErrorKind::FileTooLarge => "larger than a file may be",
        io::ErrorKind::BrokenPipe => "nobody reads it any more",
        _ => return line,
    };
    line.replace(&system.to_string(), plain)
}

/// Whether a person reads stderr.
pub fn is_watched() -> bool {
    io::stderr().is_terminal()
}

/// A bar on stderr where that is a terminal, else nothing.
pub fn progress_bar(quiet: bool, template: &str) -> ProgressBar {
    if quiet || !is_watched() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template(template).expect("a valid template");
    ProgressBar::with_draw_target(Some(1), ProgressDrawTarget::stderr()).with_style(style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn system_errors_are_told_in_plain_words() {
        let error = |e: io::Error| Error::input(format!("cannot be read: {e}")).with_source(e).of("a.png");
        let missing = error(std::fs::read("/no/such/file").unwrap_err());
        assert_eq!(line_of(&missing), "a.png: cannot be read: no such file or folder");
        let own = error(io::Error::new(io::ErrorKind::NotFound, "expected a folder, found none"));
        assert_eq!(line_of(&own), "a.png: cannot be read: expected a folder, found none");
        assert_eq!(line_of(&Error::input("no pixel")), "no pixel");
    }
}
