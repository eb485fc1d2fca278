//! Any bytes are a network or refused as the fault of the weights; a network fills a hole with colours and touches nothing
//! else.
#![no_main]

use inpaint_edge::{ErrorKind, Inpainter, Mask, Options};
use inpaint_fuzz::refused_as;
use libfuzzer_sys::fuzz_target;
use ndarray::Array3;

/// Bytes of a run that is not worth its time.
const TOO_LARGE: usize = 16 << 20;

fuzz_target!(|bytes: &[u8]| {
    let options = Options::default().threads(1);
    let inpainter = match Inpainter::from_bytes(bytes, options) {
        Ok(inpainter) => inpainter,
        Err(error) => return refused_as(&error, &[ErrorKind::Weights]),
    };
    let side = 8;
    if inpainter.config().plan_bytes(side, side).expect("64 pixels") > TOO_LARGE {
        return;
    }
    let image = Array3::from_shape_fn((side, side, 3), |(y, x, c)| (x + 2 * y + 3 * c) as f32 / 40.0);
    let mut mask = Mask::new(side, side).expect("memory");
    mask.add_box(2..6, 0..5);
    let filled = inpainter.inpaint(image.view(), &mask).expect("a picture with a hole");
    for ((y, x, c), v) in filled.indexed_iter() {
        let is_right = if !mask.is_hole(x, y) { *v == image[[y, x, c]] } else { (0.0..=1.0).contains(v) };
        assert!(is_right, "{v} at {x}, {y}, {c}");
    }
});
