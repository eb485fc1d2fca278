//! What C itself cannot show: panics. The interface as C sees it is tested in `tests/c`.

use super::*;
use crate::ErrorKind;

fn last_error() -> String {
    // SAFETY: valid until the next call that fails.
    unsafe { CStr::from_ptr(inpaint_last_error()) }.to_str().unwrap().to_owned()
}

#[test]
fn statuses_are_the_kinds() {
    let statuses = [
        (ErrorKind::Usage, INPAINT_USAGE),
        (ErrorKind::Input, INPAINT_INPUT),
        (ErrorKind::Weights, INPAINT_WEIGHTS),
        (ErrorKind::Limits, INPAINT_LIMITS),
        (ErrorKind::Cancelled, INPAINT_CANCELLED),
        (ErrorKind::Output, INPAINT_OUTPUT),
    ];
    for (kind, status) in statuses {
        assert_eq!(guard(|| Err(Error::new(kind, kind.name()))), status);
        assert_eq!(last_error(), kind.name());
        assert!(status != INPAINT_OK && status != INPAINT_INTERNAL);
    }
}

#[test]
fn a_panic_becomes_a_status() {
    /// Panics when dropped.
    struct Spiteful;
    impl Drop for Spiteful {
        fn drop(&mut self) {
            panic!("in drop");
        }
    }
    assert_eq!(guard(|| panic!("at {}", 7)), INPAINT_INTERNAL);
    assert_eq!(last_error(), "internal error: at 7");
    assert_eq!(guard(|| std::panic::panic_any(Spiteful)), INPAINT_INTERNAL);
    assert_eq!(last_error(), "internal error: a panic");
    assert_eq!(guard(|| Ok(())), INPAINT_OK);
    assert_eq!(last_error(), "internal error: a panic", "kept until the next failure");
}

/// A panic in the midst of a run, on a thread of the pool, leaves an engine that runs on.
#[cfg(feature = "embedded-weights")]
#[test]
fn an_engine_survives_a_panic() {
    use ndarray::{Array2, Array3};
    let mask = Array2::from_shape_fn((64, 64), |(y, x)| if (20..30).contains(&x) && y < 40 { 255 } else { 0 });
    for threads in [1, 3] {
        let inpainter = Inpainter::embedded(Options { threads, ..Options::default() }).unwrap();
        let mut image = Array3::from_shape_fn((64, 64, 3), |(y, x, c)| (y * 3 + x * 2 + c) as u8);
        let before = image.clone();
        let mut run = |panics: bool| {
            guard(|| {
                inpainter.inpaint_in_place(image.view_mut(), mask.view(), None, &mut |_| {
                    assert!(!panics, "in the callback");
                    ControlFlow::Continue(())
                })?;
                Ok(())
            })
        };
        assert_eq!(run(true), INPAINT_INTERNAL);
        assert_eq!(last_error(), "internal error: in the callback");
        assert_eq!(run(false), INPAINT_OK);
        assert_eq!(image, inpainter.inpaint(before.view(), mask.view()).unwrap().0);
    }
}
