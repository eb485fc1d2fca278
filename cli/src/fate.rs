//! Ends the process with the documented exit code where Linux would kill or abort it.
#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use inpaint_edge::{Error, Result};

/// The system's allocator, which records that an allocation failed.
struct Noting;

static WITHOUT_MEMORY: AtomicBool = AtomicBool::new(false);

#[global_allocator]
static NOTING: Noting = Noting;

fn noted(data: *mut u8) -> *mut u8 {
    if data.is_null() {
        WITHOUT_MEMORY.store(true, Relaxed);
    }
    data
}

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Noting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        noted(unsafe { System.alloc(layout) })
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: passed on to the caller.
        noted(unsafe { System.alloc_zeroed(layout) })
    }

    unsafe fn realloc(&self, data: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: passed on to the caller.
        noted(unsafe { System.realloc(data, layout, size) })
    }

    unsafe fn dealloc(&self, data: *mut u8, layout: Layout) {
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(data, layout) }
    }
}

/// Sets the handlers, before anything else. Writing past the limit of file sizes becomes an error instead of a signal.
/// If a library allocates, memory runs out and it takes no refusal, the process ends with the exit code of limits,
/// after Rust's line: memory allocation of so many bytes failed.
pub fn set_handlers() {
    // A panic is a bug, and aborts. But a thread without a stack for signals is still being started: its panic says
    // that there is no memory for that stack.
    let (hook, expects_stack) = (std::panic::take_hook(), has_signal_stack());
    std::panic::set_hook(Box::new(move |panic| {
        if expects_stack && !has_signal_stack() {
            let line = "inpaint-edge: no memory for the signal stack of a thread\n";
            // SAFETY: writes as many bytes as there are.
            unsafe { libc::write(libc::STDERR_FILENO, line.as_ptr().cast(), line.len()) };
            WITHOUT_MEMORY.store(true, Relaxed);
            aborted(libc::SIGABRT);
        }
        // SAFETY: the default action, for a signal that may have it.
        unsafe { libc::signal(libc::SIGABRT, libc::SIG_DFL) };
        hook(panic);
    }));
    let handler: extern "C" fn(libc::c_int) = aborted;
    // SAFETY: SIGXFSZ may be ignored; the handler has the type of one and calls only what a handler may.
    unsafe {
        libc::signal(libc::SIGXFSZ, libc::SIG_IGN);
        libc::signal(libc::SIGABRT, handler as libc::sighandler_t);
    }
}

/// Whether this thread handles signals on a stack of its own. Rust gives one to every thread before anything else, the main
/// thread included, unless something had a handler of SIGSEGV before it.
fn has_signal_stack() -> bool {
    // SAFETY: all zero is a value of this type, and the call writes no other.
    let stack = unsafe {
        let mut stack: libc::stack_t = std::mem::zeroed();
        libc::sigaltstack(std::ptr::null(), &mut stack);
        stack
    };
    !stack.ss_sp.is_null() && stack.ss_flags & libc::SS_DISABLE == 0
}

/// Runs `work` on a stack that is large enough whatever the limit of stacks: the main thread's or, if that is too
/// small, a new thread's.
///
/// # Errors
///
/// Limits, where there is no memory for a thread.
pub fn on_enough_stack(work: fn() -> ExitCode) -> Result<ExitCode> {
    const STACK: usize = 2 << 20;
    let mut limit = libc::rlimit { rlim_cur: libc::RLIM_INFINITY, rlim_max: libc::RLIM_INFINITY };
    // SAFETY: writes the limit, or fails and leaves it.
    unsafe { libc::getrlimit(libc::RLIMIT_STACK, &mut limit) };
    if limit.rlim_cur >= STACK as libc::rlim_t {
        reach_down();
        return Ok(work());
    }
    match std::thread::Builder::new().stack_size(STACK).spawn(work) {
        Ok(thread) => Ok(thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))),
        Err(_) => Err(Error::limits("no memory for a thread")),
    }
}

/// Grows the stack to its full size now: a later growth without memory would be a SIGSEGV.
#[inline(never)]
fn reach_down() {
    std::hint::black_box(&mut [0u8; 512 << 10]);
}

/// Ends an abort for want of memory, in Rust or in the C library, with the exit code of limits. Any other abort stays
/// one.
extern "C" fn aborted(signal: libc::c_int) {
    const LIMITS: libc::c_int = 5;
    const PROBE: usize = 4 << 20;
    // SAFETY: asks for memory that nobody is to use, and ends the process, whatever state it is in, or has the signal do so.
    unsafe {
        let flags = libc::MAP_PRIVATE | libc::MAP_ANONYMOUS;
        let probe = libc::mmap(std::ptr::null_mut(), PROBE, libc::PROT_READ | libc::PROT_WRITE, flags, -1, 0);
        if probe == libc::MAP_FAILED || WITHOUT_MEMORY.load(Relaxed) {
            libc::_exit(LIMITS)
        }
        libc::signal(signal, libc::SIG_DFL);
        libc::raise(signal);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    extern "C" fn is_told(answer: *mut libc::c_void) -> *mut libc::c_void {
        // SAFETY: points to a bool of the test below, which waits for this thread.
        unsafe { answer.cast::<bool>().write(has_signal_stack()) };
        answer
    }

    /// A thread that the C library started has no stack for signals, as a Rust thread has none while it is being
    /// started.
    #[test]
    fn only_a_started_thread_has_a_stack_for_signals() {
        assert!(has_signal_stack() && std::thread::spawn(has_signal_stack).join().unwrap());
        let mut answer = true;
        // SAFETY: the thread is joined before what it writes to is read, or is gone.
        unsafe {
            let mut thread = std::mem::zeroed();
            let data = (&raw mut answer).cast();
            assert_eq!(libc::pthread_create(&mut thread, std::ptr::null(), is_told, data), 0);
            assert_eq!(libc::pthread_join(thread, std::ptr::null_mut()), 0);
        }
        assert!(!answer);
    }

    #[test]
    fn the_exit_code_is_that_of_limits() {
        assert_eq!(inpaint_edge::ErrorKind::Limits.exit_code(), 5);
    }
}
