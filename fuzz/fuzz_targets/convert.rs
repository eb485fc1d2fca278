//! Any bytes are converted or refused as the checkpoint's fault.
#![no_main]

use inpaint_convert::input::Input;
use inpaint_convert::layout::Fact;
use inpaint_convert::{Options, convert};
use inpaint_edge::ErrorKind;
use inpaint_fuzz::refused_as;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let options = Options { allow_extra: true, facts: vec![Fact::FrozenBn], ..Options::default() };
    if let Err(error) = convert(Input::from_bytes(bytes), &options, &mut std::io::sink()) {
        refused_as(&error, &[ErrorKind::Weights]);
    }
});
