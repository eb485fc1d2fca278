//! Orders jobs: a result that is the image or mask of another job is made before or after that job, as the list says,
//! however many jobs run at a time.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::sync::{Condvar, Mutex, MutexGuard};

use crate::item::Item;
use crate::names::{Place, Places};

/// Jobs by number, and those that they wait for.
#[derive(Default)]
pub struct Order {
    /// For each job, the earlier jobs that make its image or mask.
    makers: HashMap<usize, Vec<usize>>,
    /// For each job, the later jobs that wait until it is done.
    followers: HashMap<usize, Vec<usize>>,
}

impl Order {
    /// `results` maps each result to the number of its job.
    pub fn of(items: &[Item], places: &mut Places, results: &HashMap<Place, usize>) -> Self {
        let mut order = Self::default();
        for (reader, item) in items.iter().enumerate() {
            for input in item.files.inputs() {
                let Some(&writer) = results.get(&places.of(input)) else { continue };
                if writer < reader {
                    order.makers.entry(reader).or_default().push(writer);
                }
                if writer != reader {
                    // A file that an earlier job reads is replaced once that job is done.
                    order.followers.entry(writer.min(reader)).or_default().push(writer.max(reader));
                }
            }
        }
        order
    }
}

/// The jobs that are left, given out in order to whoever asks.
pub struct Queue {
    makers: HashMap<usize, Vec<usize>>,
    state: Mutex<State>,
    changed: Condvar,
}

struct State {
    /// Jobs not looked at yet, the first at the end.
    left: Vec<usize>,
    /// Jobs that were looked at and must wait.
    parked: HashSet<usize>,
    /// Parked jobs that need wait no more.
    free: BinaryHeap<Reverse<usize>>,
    /// For each job, the number of jobs it waits for.
    waits: HashMap<usize, usize>,
    followers: HashMap<usize, Vec<usize>>,
    failed: HashSet<usize>,
    stopped: bool,
}

impl Queue {
    /// A queue of the jobs in `pending`, ascending. Of all others, those in `failed` failed, and the rest is done.
    pub fn new(order: Order, pending: &[usize], failed: HashSet<usize>) -> Self {
        let Order { makers, mut followers } = order;
        followers.retain(|job, _| pending.binary_search(job).is_ok());
        let mut waits = HashMap::new();
        followers.values().flatten().for_each(|job| *waits.entry(*job).or_insert(0) += 1);
        let left = pending.iter().rev().copied().collect();
        let (parked, free) = (HashSet::new(), BinaryHeap::new());
        let state = State { left, parked, free, waits, followers, failed, stopped: false };
        Self { makers, state: Mutex::new(state), changed: Condvar::new() }
    }

    /// The next job, once what it waits for is done; `None` after the last one or after [`Queue::stop`].
    pub fn next(&self) -> Option<Turn<'_>> {
        let mut state = self.state();
        loop {
            if state.stopped {
                return None;
            }
            if let Some(job) = state.take() {
                let failed = |maker: &&usize| state.failed.contains(maker);
                let without = self.makers.get(&job).and_then(|makers| makers.iter().find(failed).copied());
                return Some(Turn { queue: self, job, without, has_failed: true });
            }
            if state.parked.is_empty() {
                return None;
            }
            // Some job is running: the first of those left waits for no other that is left.
            state = self.changed.wait(state).unwrap_or_else(|e| e.into_inner());
        }
    }

    /// Gives out no more jobs.
    pub fn stop(&self) {
        self.state().stopped = true;
        self.changed.notify_all();
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|e| e.into_inner())
    }
}

impl State {
    fn take(&mut self) -> Option<usize> {
        if let Some(Reverse(job)) = self.free.pop() {
            return Some(job);
        }
        while let Some(job) = self.left.pop() {
            if !self.waits.contains_key(&job) {
                return Some(job);
            }
            self.parked.insert(job);
        }
        None
    }
}

/// A job that is being done, until this is dropped.
pub struct Turn<'q> {
    queue: &'q Queue,
    pub job: usize,
    /// The job that should have made the image or mask of this one, and failed.
    pub without: Option<usize>,
    has_failed: bool,
}

impl Turn<'_> {
    /// Records that the job succeeded.
    pub fn succeeds(&mut self) {
        self.has_failed = false;
    }
}

impl Drop for Turn<'_> {
    fn drop(&mut self) {
        let mut guard = self.queue.state();
        let state = &mut *guard;
        if self.has_failed {
            state.failed.insert(self.job);
        }
        for follower in state.followers.remove(&self.job).unwrap_or_default() {
            let waits = state.waits.get_mut(&follower).expect("counted as often as it follows");
            *waits -= 1;
            if *waits == 0 {
                state.waits.remove(&follower);
                if state.parked.remove(&follower) {
                    state.free.push(Reverse(follower));
                }
            }
        }
        drop(guard);
        self.queue.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Files;

    fn order(jobs: &[(&str, &str, &str)]) -> Order {
        let files = |(image, mask, out): &(&str, &str, &str)| Files {
            image: image.into(),
            mask: Some(mask.into()),
            out: out.into(),
        };
        let items: Vec<_> = jobs.iter().map(|names| Item { files: files(names), problem: None }).collect();
        let mut places = Places::default();
        let results = items.iter().enumerate().map(|(i, item)| (places.of(&item.files.out), i)).collect();
        Order::of(&items, &mut places, &results)
    }

    #[test]
    fn a_job_waits_for_its_inputs_and_for_readers_of_what_it_replaces() {
        // 1 reads the result of 0; 2 replaces the image of 0; 3 waits for nobody; 4 reads what 2 and 1 make; 5 is in place.
        let jobs =
            [("a", "m", "b"), ("./b", "m", "c"), ("d", "m", "a"), ("e", "m", "f"), ("a", "c", "g"), ("h", "m", "h")];
        let queue = Queue::new(order(&jobs), &[0, 1, 2, 3, 4, 5], HashSet::new());
        let mut first = queue.next().unwrap();
        let (third, fifth) = (queue.next().unwrap(), queue.next().unwrap());
        assert_eq!((first.job, third.job, fifth.job), (0, 3, 5));
        first.succeeds();
        drop((first, third, fifth));
        let (second, mut other) = (queue.next().unwrap(), queue.next().unwrap());
        assert_eq!((second.job, second.without, other.job, other.without), (1, None, 2, None));
        other.succeeds();
        drop((other, second));
        let last = queue.next().unwrap();
        assert_eq!((last.job, last.without), (4, Some(1)));
        drop(last);
        assert!(queue.next().is_none());
    }

    #[test]
    fn a_waiting_thread_is_woken_by_the_end_of_a_job_or_of_all() {
        let jobs = [("a", "m", "b"), ("b", "m", "c")];
        for stops in [false, true] {
            let queue = Queue::new(order(&jobs), &[0, 1], HashSet::new());
            let first = queue.next().unwrap();
            std::thread::scope(|scope| {
                let second = scope.spawn(|| queue.next().map(|turn| (turn.job, turn.without)));
                std::thread::sleep(std::time::Duration::from_millis(20));
                if stops {
                    queue.stop();
                }
                drop(first);
                assert_eq!(second.join().unwrap(), (!stops).then_some((1, Some(0))));
            });
        }
    }

    #[test]
    fn jobs_that_are_done_are_not_waited_for() {
        let jobs = [("a", "m", "b"), ("b", "m", "c"), ("x", "b", "d")];
        let queue = Queue::new(order(&jobs), &[1, 2], HashSet::new());
        let both = [queue.next().unwrap(), queue.next().unwrap()];
        assert!(both.iter().all(|turn| turn.without.is_none()));
        let queue = Queue::new(order(&jobs), &[1, 2], HashSet::from([0]));
        assert_eq!(queue.next().unwrap().without, Some(0));
    }
}
