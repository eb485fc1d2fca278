//! Work divided over a pool of the engine's own.

#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// Runs numbered tasks, on the caller's thread alone or on several.
pub struct Pool {
    #[cfg(feature = "parallel")]
    threads: Option<rayon::ThreadPool>,
}

impl Pool {
    /// A pool of `threads` (0 = all cores). Serial where one thread is asked for or no more can be had.
    pub fn new(threads: usize) -> Self {
        #[cfg(feature = "parallel")]
        {
            let cores = || std::thread::available_parallelism().map_or(1, |n| n.get());
            let threads = if threads == 0 { cores() } else { threads };
            let build = || rayon::ThreadPoolBuilder::new().num_threads(threads).build().ok();
            Self { threads: if threads > 1 { build() } else { None } }
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
