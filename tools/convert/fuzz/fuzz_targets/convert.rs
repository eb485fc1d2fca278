//! Any bytes are converted or refused as the checkpoint's fault:
//!
//! ```sh
//! cd tools/convert && cargo +nightly fuzz run convert -- -runs=1000000 -malloc_limit_mb=64
//! ```
#![no_main]

use inpaint_convert::checkpoint::Input;
use inpaint_convert::{Options, convert};
use inpaint_edge::ErrorKind;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = Options { allow_extra: true, ..Options::default() };
    if let Err(error) = convert(Input::from_bytes(bytes), &options, &mut std::io::sink()) {
        assert_eq!(error.kind(), ErrorKind::Weights, "{error}");
        assert!(!error.to_string().contains(char::is_control), "{error:?}");
    }
});
