//! Turns errors and panics of Rust into statuses of C.

use std::any::Any;
use std::cell::RefCell;
use std::ffi::{CString, c_char};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::types::{INPAINT_INTERNAL, INPAINT_OK, inpaint_status};
use crate::alloc::try_with_capacity;
use crate::error::{Error, Result};

thread_local! {
    static LAST_ERROR: RefCell<CString> = RefCell::default();
}

/// The message of this thread's last failure.
pub(super) fn last_error() -> *const c_char {
    LAST_ERROR.try_with(|last| last.borrow().as_ptr()).unwrap_or(c"".as_ptr())
}

/// Moves `value` to the heap; an error where memory cannot be had.
pub(super) fn boxed<T>(value: T) -> Result<*mut T> {
    let mut one = try_with_capacity(1)?;
    one.push(value);
    Ok(Box::into_raw(one.into_boxed_slice()).cast())
}

/// Runs `work` and returns its status; the message of a failure is kept for `inpaint_last_error`. A panic ends here.
pub(super) fn guard(work: impl FnOnce() -> Result<()>) -> inpaint_status {
    match catch_unwind(AssertUnwindSafe(work)) {
        Ok(Ok(())) => INPAINT_OK,
        Ok(Err(error)) => failed(Ok(error)),
        Err(panic) => failed(Err(panic)),
    }
}

/// The status of a failure. It is one function, so that each call need not hold a copy.
#[cold]
#[inline(never)]
fn failed(failure: std::result::Result<Error, Box<dyn Any + Send>>) -> inpaint_status {
    let (status, message) = match failure {
        Ok(error) => (error.kind().status(), error.to_string()),
        Err(panic) => (INPAINT_INTERNAL, format!("internal error: {}", panic_message(panic))),
    };
    let message = CString::new(message.replace('\0', " ")).unwrap_or_default();
    let _ = LAST_ERROR.try_with(|last| last.replace(message));
    status
}

fn panic_message(panic: Box<dyn Any + Send>) -> String {
    let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
    let text = text.or_else(|| panic.downcast_ref::<String>().cloned());
    // The payload of a panic may panic when dropped.
    std::mem::forget(panic);
    text.unwrap_or_else(|| "a panic".to_owned())
}
