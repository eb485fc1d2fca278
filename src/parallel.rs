//! Work divided over a pool of the engine's own.

use std::sync::Mutex;

#[cfg(feature = "parallel")]
use crate::alloc;
#[cfg(feature = "parallel")]
use crate::simd::control;
#[cfg(feature = "parallel")]
use rayon::prelude::*;

/// The most threads of a pool: few enough to start without harm on any machine.
pub const MAX_THREADS: usize = 512;

/// The most bytes that a new thread takes: its stack, and what it allocates while it begins. A refusal during that time would
/// end the process.
#[cfg(feature = "parallel")]
const THREAD: usize = 3 << 20;

/// Runs numbered tasks, on the caller's thread alone or on several.
pub struct Pool {
    #[cfg(feature = "parallel")]
    threads: Option<Threads>,
}

/// Threads that have ended once this is dropped: the code they run may be unloaded next.
#[cfg(feature = "parallel")]
struct Threads {
    /// `None` only while this is dropped.
    pool: Option<rayon::ThreadPool>,
    handles: Vec<std::thread::JoinHandle<()>>,
    /// The process they run in: a child of fork() has none of them.
    process: u32,
}

#[cfg(feature = "parallel")]
impl Threads {
    fn pool(&self) -> &rayon::ThreadPool {
        self.pool.as_ref().expect("there until it is dropped")
    }

    fn are_here(&self) -> bool {
        self.process == std::process::id()
    }
}

#[cfg(feature = "parallel")]
impl Drop for Threads {
    fn drop(&mut self) {
        if !self.are_here() {
            // Waiting for them would never end, and one of them may have held a lock.
            std::mem::forget((self.pool.take(), std::mem::take(&mut self.handles)));
            return;
        }
        drop(self.pool.take());
        for handle in self.handles.drain(..) {
            // A panic of a task was its caller's.
            let _ = handle.join();
        }
    }
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
        if let Some(threads) = &self.threads {
            return threads.pool().current_num_threads();
        }
        1
    }

    /// Whether its threads, if it has any, are those of this process: [`Pool::run`] and [`Pool::enter`] need them.
    pub fn is_here(&self) -> bool {
        #[cfg(feature = "parallel")]
        if let Some(threads) = &self.threads {
            return threads.are_here();
        }
        true
    }

    /// Calls `task(0)` … `task(count - 1)` in any order and returns when all are done.
    pub fn run(&self, count: usize, task: impl Fn(usize) + Sync) {
        #[cfg(feature = "parallel")]
        if let Some(threads) = &self.threads
            && count > 1
        {
            return threads.pool().install(|| (0..count).into_par_iter().with_max_len(1).for_each(&task));
        }
        (0..count).for_each(task);
    }

    /// Calls `task` with every one of `items`, each on a thread that is free, in any order.
    pub fn each<I: Iterator + Send>(&self, items: I, task: impl Fn(I::Item) + Sync) {
        let items = Mutex::new(items);
        self.run(self.threads(), |_| {
            while let Some(item) = next(&items) {
                task(item);
            }
        });
    }

    /// Runs `work` on a thread of the pool, so that the calls of [`Pool::run`] in it start without a hand-over.
    pub fn enter<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        #[cfg(feature = "parallel")]
        if let Some(threads) = &self.threads {
            return threads.pool().install(work);
        }
        work()
    }
}

/// The next of what several threads share.
pub(crate) fn next<I: Iterator>(shared: &Mutex<I>) -> Option<I::Item> {
    shared.lock().unwrap_or_else(|e| e.into_inner()).next()
}

/// Exactly `count` threads, or none where the system refuses one.
#[cfg(feature = "parallel")]
fn build(count: usize) -> Option<Threads> {
    let mut threads = Threads { pool: None, handles: Vec::new(), process: std::process::id() };
    // A thread that finds no memory while it begins ends the process. So threads start one after the other: those that have
    // begun hold all they need, and memory runs out at the stack of the next, which can be refused. The yield makes a thread
    // look for work once: that is the last thing it allocates for.
    let (begun, has_begun) = std::sync::mpsc::channel();
    let begin = move |_| {
        rayon::yield_now();
        let _ = begun.send(());
    };
    let pool = rayon::ThreadPoolBuilder::new().num_threads(count).start_handler(begin).spawn_handler(|thread| {
        // A new thread inherits the control word of the one that starts it.
        let work = move || control::with_defaults(|| thread.run());
        if !alloc::system_has(THREAD) {
            return Err(std::io::ErrorKind::OutOfMemory.into());
        }
        threads.handles.push(std::thread::Builder::new().spawn(work)?);
        let _ = has_begun.recv();
        Ok(())
    });
    threads.pool = Some(pool.build().ok()?);
    Some(threads)
}

#[cfg(all(test, feature = "parallel"))]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

    /// In a child of fork() the pool's threads are those of another process.
    #[test]
    #[cfg(not(miri))]
    fn threads_of_another_process_are_told_apart() {
        let mut pool = Pool::new(2);
        assert!(pool.is_here());
        let Some(threads) = &mut pool.threads else { return };
        let here = std::mem::replace(&mut threads.process, std::process::id().wrapping_add(1));
        assert!(!pool.is_here());
        // Dropping the pool waits for its threads again.
        pool.threads.as_mut().expect("they were there").process = here;
    }

    #[test]
    fn threads_end_before_their_pool() {
        static BEGUN: AtomicUsize = AtomicUsize::new(0);
        static ENDED: AtomicUsize = AtomicUsize::new(0);
        struct Seen;
        impl Drop for Seen {
            fn drop(&mut self) {
                std::thread::sleep(std::time::Duration::from_millis(20));
                ENDED.fetch_add(1, SeqCst);
            }
        }
        thread_local!(static SEEN: Seen = { BEGUN.fetch_add(1, SeqCst); Seen });
        let pool = Pool::new(3);
        pool.run(100, |_| SEEN.with(|_| ()));
        let threads = pool.threads();
        drop(pool);
        let ended = ENDED.load(SeqCst);
        assert!((1..=threads).contains(&ended) && ended == BEGUN.load(SeqCst), "{ended} of {threads}");
    }
}
