//! Batches made ahead of their use, on background threads.

use super::{augment::Augment, folder::Folder};
use crate::{masks::Masks, rng::Rng};
use std::{
    sync::{
        Arc,
        mpsc::{Receiver, sync_channel},
    },
    thread,
};

/// What a step trains on.
#[derive(Clone, Debug, PartialEq)]
pub struct Recipe {
    /// Side of the crops in pixels.
    pub size: usize,
    /// Crops in a batch.
    pub n: usize,
    /// How crops are drawn.
    pub augment: Augment,
    /// How masks are drawn.
    pub masks: Masks,
}

/// The crops and masks of one step.
#[derive(Clone, Debug, PartialEq)]
pub struct Batch {
    /// `[n, size, size, 3]`, values 0 … 1.
    pub images: Vec<f32>,
    /// `[n, size, size]`, 1 = known, 0 = hole.
    pub masks: Vec<u8>,
    /// Side of the crops in pixels.
    pub size: usize,
    /// Crops in the batch.
    pub n: usize,
}

impl Batch {
    /// The batch of a step: the same for one folder, seed, step and recipe wherever and whenever it is made.
    ///
    /// # Panics
    /// If no file of the folder is a photograph.
    pub fn make(folder: &Folder, seed: u64, step: u64, recipe: &Recipe) -> Self {
        let Recipe { size, n, augment, masks } = recipe;
        let mut batch = Self {
            images: Vec::with_capacity(n * size * size * 3),
            masks: Vec::with_capacity(n * size * size),
            size: *size,
            n: *n,
        };
        for item in 0..*n as u64 {
            let mut rng = Rng::stream(seed, step, item);
            let first = rng.below(folder.len());
            let photo = (first..first + folder.len())
                .find_map(|index| folder.photo(index % folder.len()))
                .expect("a folder with a photograph that can be read");
            batch.images.extend(augment.sample(&mut rng, &photo, *size));
            batch.masks.extend(masks.sample(&mut rng, *size, *size));
        }
        batch
    }
}

/// What the steps of a run need, in their order, without end.
///
/// Thread k of t makes the steps s with s mod t = k and hands them over in a queue of its own, so that order and
/// content do not depend on timing. Threads end when this is dropped.
pub struct Batches<T> {
    queues: Vec<Receiver<T>>,
    next: usize,
}

impl<T: Send + 'static> Batches<T> {
    /// Starts calling `make` for `step`, `step` + 1, … on `threads` background threads, each of which keeps up to `ahead`
    /// results.
    pub fn making<M>(step: u64, threads: usize, ahead: usize, make: M) -> Self
    where
        M: Fn(u64) -> T + Send + Sync + 'static,
    {
        let make = Arc::new(make);
        let threads = threads.max(1);
        let queue = |thread: usize| {
            let (sender, receiver) = sync_channel(ahead);
            let make = make.clone();
            thread::spawn(move || {
                for step in (step + thread as u64..).step_by(threads) {
                    if sender.send(make(step)).is_err() {
                        break;
                    }
                }
            });
            receiver
        };
        Self { queues: (0..threads).map(queue).collect(), next: 0 }
    }
}

impl<T> Iterator for Batches<T> {
    type Item = T;

    /// What the next step needs; nothing only if the thread that makes it has panicked.
    fn next(&mut self) -> Option<T> {
        let made = self.queues[self.next].recv().ok();
        self.next = (self.next + 1) % self.queues.len();
        made
    }
}
