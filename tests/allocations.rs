//! A second run on the same size allocates nothing.

#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use inpaint_edge::{Inpainter, Options};

struct Counting;

static CALLS: AtomicUsize = AtomicUsize::new(0);
static BYTES: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        CALLS.fetch_add(1, Ordering::Relaxed);
        BYTES.fetch_add(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// One test, so that no other counts beside it.
#[test]
fn second_run_allocates_nothing_and_the_first_what_the_plan_says() {
    let net = || common::Net::random(3, &[(7, 16), (5, 32), (3, 32)], &[32, 16, 3], 5);
    for (net, threads) in [(net(), 1), (net(), 2), (net().with_prior(), 1), (net().with_prior(), 2)] {
        let inpainter = Inpainter::from_bytes(&net.file, Options { threads, ..Options::default() }).unwrap();
        let scenes: Vec<_> = [0, 1, 3].map(|hole| common::scene(96, 64, hole, hole)).into();
        let mut out = scenes[0].0.clone();
        let mut run = |i: usize| {
            let (image, mask) = &scenes[i];
            let before = (CALLS.load(Ordering::Relaxed), BYTES.load(Ordering::Relaxed));
            let report = inpainter
                .inpaint_into(image.view(), mask.view(), out.view_mut(), &mut |_| ControlFlow::Continue(()))
                .unwrap();
            let (calls, bytes) = (CALLS.load(Ordering::Relaxed) - before.0, BYTES.load(Ordering::Relaxed) - before.1);
            (calls, bytes, report.plan_bytes)
        };
        let (calls, bytes, plan) = run(0);
        assert!(calls > 0 && bytes >= plan, "{bytes} allocated, {plan} planned");
        assert!(bytes < plan + plan / 10 + 65_536, "{bytes} allocated, {plan} planned");
        for i in [0, 1, 2, 0] {
            let (calls, bytes, _) = run(i);
            assert_eq!((calls, bytes), (0, 0), "{threads} threads, scene {i}");
        }
    }
}
