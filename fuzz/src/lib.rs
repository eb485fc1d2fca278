//! What the targets have in common.
//!
//! ```sh
//! cargo +nightly fuzz run TARGET -- -max_total_time=300 -rss_limit_mb=1024 -malloc_limit_mb=256
//! ```
//!
//! With these limits an allocation that only the input asked for is a crash, as a panic is. `.ci/nightly` runs every target.

use inpaint_edge::{Error, ErrorKind, Inpainter, Options};

/// Asserts that the error is of one of these kinds and says so in one line.
pub fn refused_as(error: &Error, kinds: &[ErrorKind]) {
    assert!(kinds.contains(&error.kind()), "{:?}: {error}", error.kind());
    one_line(&error.to_string());
}

/// Asserts that a message is one line that a terminal shows as it is.
pub fn one_line(message: &str) {
    assert!(!message.is_empty() && !message.contains(char::is_control), "{message:?}");
}

/// A network of two levels on one thread.
pub fn small_network() -> Inpainter {
    let options = Options::default().threads(1);
    Inpainter::from_bytes(SMALL_NETWORK, options).expect("a network of the tests")
}

/// Its weights file.
pub const SMALL_NETWORK: &[u8] = include_bytes!("../../tests/fixtures/l2.weights.safetensors");
