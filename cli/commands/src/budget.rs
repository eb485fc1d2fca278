//! Limits the memory of all jobs together.

use std::sync::{Condvar, Mutex, MutexGuard};

use inpaint_edge::{Error, Result};

use crate::free;

/// Bytes of the program itself: code, stacks, tables of decoders and encoders, and the built-in weights, which are read
/// at least for their digest.
const PROGRAM: usize = (10 << 20) + BUILT_IN;

/// Bytes of the program without its code and the built-in weights, which the system may drop and read again.
const PROGRAM_KEPT: usize = 6 << 20;

#[cfg(feature = "embedded-weights")]
const BUILT_IN: usize = inpaint_edge::weights::EMBEDDED.len();
#[cfg(not(feature = "embedded-weights"))]
const BUILT_IN: usize = 0;

/// The memory that all jobs together may take, the program included.
pub struct Budget {
    limit: usize,
    /// Bytes of it that the program itself takes.
    program: usize,
    /// Where `limit` bytes are free, for messages; `None` if the user set the limit.
    place: Option<&'static str>,
    /// Held by the one job that may ask for more. The others have all they need, so that they end.
    entrance: Mutex<()>,
    used: Mutex<usize>,
    freed: Condvar,
}

/// Bytes taken of a budget until this is dropped.
pub struct Held<'b> {
    budget: &'b Budget,
    bytes: usize,
}

/// The bytes that a job takes of a budget.
pub struct Share<'b> {
    held: Held<'b>,
    entrance: Option<MutexGuard<'b, ()>>,
}

impl Budget {
    /// A budget of `max_memory` or else of what is free; `None` if that is unknown. To be called before other threads
    /// start.
    pub fn new(max_memory: Option<usize>) -> Option<Self> {
        let of = |limit: usize, program, place: Option<_>| {
            // With gigabytes free, the buffers that matter are so large that they are released anyway.
            if place.is_none() || limit >> 30 < 4 {
                release_what_is_freed();
            }
            let (entrance, freed) = (Mutex::new(()), Condvar::new());
            Self { limit, program, place, entrance, used: Mutex::new(program), freed }
        };
        match max_memory {
            Some(limit) => Some(of(limit, PROGRAM, None)),
            None => free::memory().map(|free| of(free.bytes, PROGRAM_KEPT, Some(free.place))),
        }
    }

    /// Whether the user set the limit: then everything is counted, and nothing is kept that can be made again.
    pub fn is_strict(&self) -> bool {
        self.place.is_none()
    }

    /// Takes `bytes` if they are left right now.
    pub fn at_once(&self, bytes: usize) -> Option<Held<'_>> {
        let mut used = self.used.lock().unwrap_or_else(|e| e.into_inner());
        *used = used.checked_add(bytes).filter(|used| *used <= self.limit)?;
        Some(Held { budget: self, bytes })
    }

    /// Waits until no other job is entering.
    pub fn enter(&self) -> Share<'_> {
        let entrance = self.entrance.lock().unwrap_or_else(|e| e.into_inner());
        Share { held: Held { budget: self, bytes: 0 }, entrance: Some(entrance) }
    }
}

impl Held<'_> {
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

impl Share<'_> {
    /// Bytes that all jobs together may take.
    pub fn limit(&self) -> usize {
        self.held.budget.limit
    }

    /// Takes `bytes` in all, once other jobs leave them. Only for a job that is entering.
    ///
    /// # Errors
    ///
    /// Limits, naming a sufficient limit, if `bytes` are more than there ever are.
    pub fn take(&mut self, bytes: usize) -> Result<()> {
        self.take_for(bytes, 0, "")
    }

    /// As [`Share::take`], for a job that will take more, nobody knows yet how much, but not less than `later`.
    ///
    /// # Errors
    ///
    /// As [`Share::take`]. The message names a limit for both, and says that more is to come.
    pub fn take_first(&mut self, bytes: usize, later: usize) -> Result<()> {
        self.take_for(bytes, later, " to find out what filling takes")
    }

    fn take_for(&mut self, bytes: usize, later: usize, what_for: &str) -> Result<()> {
        let Budget { limit, program, place, used, freed, .. } = self.held.budget;
        if program.saturating_add(bytes) > *limit {
            let needed = program.saturating_add(bytes.max(later)).div_ceil(1 << 20);
            let detail = match place {
                None => format!("expected --max-memory {needed}M or more{what_for}, found {}", size_text(*limit)),
                Some(place) => {
                    format!("expected {needed}M of memory or more{what_for}, found {}M free {place}", *limit >> 20)
                }
            };
            return Err(Error::limits(detail));
        }
        let mut used = used.lock().unwrap_or_else(|e| e.into_inner());
        while *used - self.held.bytes + bytes > *limit {
            used = freed.wait(used).unwrap_or_else(|e| e.into_inner());
        }
        *used = *used - self.held.bytes + bytes;
        self.held.bytes = bytes;
        Ok(())
    }

    /// Says that the job has all it needs, and lets the next one enter.
    pub fn done_entering(&mut self) {
        self.entrance = None;
    }
}

/// A size as users write it: in the largest unit that divides it.
fn size_text(bytes: usize) -> String {
    let unit = [(30, 'G'), (20, 'M'), (10, 'K')].into_iter().find(|(shift, _)| bytes.trailing_zeros() >= *shift);
    unit.map_or_else(|| bytes.to_string(), |(shift, unit)| format!("{}{unit}", bytes >> shift))
}

impl Drop for Held<'_> {
    fn drop(&mut self) {
        *self.budget.used.lock().unwrap_or_else(|e| e.into_inner()) -= self.bytes;
        self.budget.freed.notify_all();
    }
}

/// Makes the allocator return freed blocks of a megabyte and more to the system. By default, glibc keeps some 64 MB a
/// thread when blocks of 32 MB come and go.
#[cfg(all(target_os = "linux", target_env = "gnu"))]
#[allow(unsafe_code)]
fn release_what_is_freed() {
    // SAFETY: takes two numbers, of which the second may be any, and no other thread runs that could allocate meanwhile.
    unsafe { libc::mallopt(libc::M_MMAP_THRESHOLD, 1 << 20) };
}

#[cfg(not(all(target_os = "linux", target_env = "gnu")))]
fn release_what_is_freed() {}

#[cfg(test)]
mod tests {
    use super::*;
    use inpaint_edge::ErrorKind;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn jobs_wait_and_never_exceed_the_limit() {
        let budget = Budget::new(Some(PROGRAM + 100)).unwrap();
        let (now, most) = (AtomicUsize::new(0), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            for job in 0..16 {
                let (budget, now, most) = (&budget, &now, &most);
                scope.spawn(move || {
                    let mut share = budget.enter();
                    let bytes = 10 + 7 * job % 90;
                    share.take(5).unwrap();
                    share.take(bytes).unwrap();
                    share.done_entering();
                    most.fetch_max(now.fetch_add(bytes, Ordering::SeqCst) + bytes, Ordering::SeqCst);
                    std::thread::sleep(std::time::Duration::from_millis(2));
                    now.fetch_sub(bytes, Ordering::SeqCst);
                });
            }
        });
        assert!(most.into_inner() <= 100);
        assert_eq!(*budget.used.lock().unwrap(), PROGRAM);
        let refused = budget.enter().take(101).unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Limits);
    }

    #[test]
    fn taking_at_once_never_waits() {
        let budget = Budget::new(Some(PROGRAM + 100)).unwrap();
        let share = budget.at_once(70).unwrap();
        assert!(budget.at_once(31).is_none() && budget.at_once(usize::MAX).is_none());
        assert!(budget.at_once(30).is_some());
        drop(share);
        assert!(budget.at_once(100).is_some());
        assert_eq!(*budget.used.lock().unwrap(), PROGRAM);
    }

    #[test]
    fn sizes_are_told_as_users_write_them() {
        for (bytes, text) in
            [(100 << 10, "100K"), (3 << 20, "3M"), (1 << 30, "1G"), (1025, "1025"), (1536 << 10, "1536K")]
        {
            assert_eq!(size_text(bytes), text);
        }
    }
}
