//! How the process ends where the system would decide.
#![allow(unsafe_code)]

/// Before anything else: a file that grows past the limit of file sizes is an error of writing, not a signal; and where a
/// library asks for memory that cannot be had and takes no refusal, the process ends with the exit code of limits. What it
/// writes then is Rust's line: memory allocation of so many bytes failed.
#[cfg(target_os = "linux")]
pub fn choose() {
    // A panic is a mistake of this program, and aborts; but that of a new thread for which there is no memory is none.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(move |panic| {
        if panic.payload_as_str().is_some_and(|text| text.starts_with("failed to allocate an alternative stack")) {
            let line = "inpaint-edge: no memory for a thread\n";
            // SAFETY: writes as many bytes as there are.
            unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
            without_memory(0);
        }
        // SAFETY: the default action, for a signal that may have it.
        unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
        hook(panic);
    }));
    reach_down();
    let handler: extern "C" fn(libc::c_int) = without_memory;
    // SAFETY: SIGXFSZ may be ignored; the handler has the type of one and calls only what a handler may.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGABRT, handler as libc::sighandler_t);
    }
}

/// Makes the stack as large as it will be: where it could not grow later, for want of memory, that would be a SIGSEGV.
#[cfg(target_os = "linux")]
#[inline(never)]
fn reach_down() {
    std::hint::black_box(&mut [0u8; 512 << 10]);
}

#[cfg(target_os = "linux")]
extern "C" fn without_memory(_: libc::c_int) {
    const LIMITS: libc::c_int = 5;
    // SAFETY: ends the process, whatever state it is in.
    unsafe { libc::_exit(LIMITS) }
}

#[cfg(not(target_os = "linux"))]
pub fn choose() {}

#[cfg(test)]
mod tests {
    #[test]
    fn the_exit_code_is_that_of_limits() {
        assert_eq!(inpaint_edge::ErrorKind::Limits.exit_code(), 5);
    }
}
