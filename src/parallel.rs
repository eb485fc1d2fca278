//! Work divided over a pool of the engine's own.

#[cfg(feature = "parallel")]
use crate::simd::control;
#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// The most threads of a pool: few enough to start without harm on any machine.
pub const MAX_THREADS: usize = 512;

/// Runs numbered tasks, on the caller's thread alone or on several.
pub struct Pool {
    #[cfg(feature = "parallel")]
    threads: Option<rayon::ThreadPool>,
}

impl Pool {
    /// A pool of `threads` (0 = all cores), [`MAX_THREADS`] at the most. Serial where one thread is asked for or no more can
    /// be had.
    pub fn new(threads: usize) -> Self {
        #[cfg(feature = "parallel")]
        {
            let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
            let threads = if threads == 0 { cores() } else { threads }.min(MAX_THREADS);
            Self { threads: if threads > 1 { build(threads) } else { None } }
        }
        #[cfg(not(feature = "parallel"))]
        {
            let _ = threads;
            Self {}
        }
    }

    /// Threads at work.
    pub fn threads(&self) -> usize {
        #[cfg(feature = "parallel")]
        if let Some(pool) = &self.threads {
            return pool.current_num_threads();
        }
        1
    }

    /// Calls `task(0)` … `task(count - 1)` in any order and returns when all are done.
    pub fn run(&self, count: usize, task: impl Fn(usize) + Sync) {
        #[cfg(feature = "parallel")]
        if let Some(pool) = &self.threads
            && count > 1
        {
            return pool.install(|| (0..count).into_par_iter().with_max_len(1).for_each(&task));
        }
        (0..count).for_each(task);
    }

    /// Runs `work` on a thread of the pool, so that the calls of [`Pool::run`] in it start without a hand-over.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        #[cfg(feature = "parallel")]
        if let Some(pool) = &self.threads {
            return pool.install(work);
        }
        work()
    }
}

/// A pool of exactly `threads`. Where the system refuses one, those already started are gone on return, with their stacks.
#[cfg(feature = "parallel")]
fn build(threads: usize) -> Option<rayon::ThreadPool> {
    let mut started = Vec::new();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).spawn_handler(|thread| {
        // One after the other: a thread that has begun has all its memory, for want of which it would end the process, so
        // that what runs out first is the stack of the next.
        let (begun, has_begun) = std::sync::mpsc::channel();
        let work = move || {
            let _ = begun.send(());
            // A new thread has the control word of the one that starts it.
            control::with_defaults(|| thread.run());
        };
        started.push(std::thread::Builder::new().spawn(work)?);
        let _ = has_begun.recv();
        Ok(())
    });
    let pool = pool.build().ok();
    if pool.is_none() {
        started.into_iter().for_each(|thread| drop(thread.join()));
    }
    pool
}
