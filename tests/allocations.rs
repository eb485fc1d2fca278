//! A second run on the same size allocates nothing, and with the caller's memory neither does the first.
//!
//! Without the test harness, whose threads allocate when they like.

#![allow(unsafe_code)]

mod common;

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::atomic::{AtomicUsize, Ordering};

use inpaint_edge::{Inpainter, Options, Request};

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

fn main() {
    scratch_of_the_caller_is_all();
    second_run_allocates_nothing_and_the_first_what_the_plan_says();
    println!("allocations: passed");
}

fn calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

fn scratch_of_the_caller_is_all() {
    let plain = common::Net::random(3, &[(7, 16), (5, 32), (3, 32)], &[32, 16, 3], 5);
    let prior = common::Net::random(2, &[(5, 6), (3, 9)], &[7, 3], 5).with_prior();
    let reading = common::Net::reading_prior(2, &[(5, 6), (3, 9)], &[7, 3], 5);
    for net in [plain, prior, reading] {
        let inpainter = Inpainter::from_bytes(&net.file, Options::default().threads(1)).unwrap();
        for (width, height) in [(96, 64), (37, 21), (64, 128)] {
            let (mut image, mask) = common::scene(width, height, 1, 2);
            let mask = common::hole(&mask);
            let expected = inpainter.inpaint(image.view(), &mask).unwrap();
            let bytes = inpainter.scratch_bytes(width, height).unwrap();
            // Of any content, from any address on.
            let mut scratch = vec![0xff; bytes + 3];
            let (scratch, before) = (&mut scratch[3..], calls());
            let mut progress = |_| ControlFlow::Continue(());
            let request = Request::new(image.view_mut(), &mask).scratch(scratch).progress(&mut progress);
            inpainter.run(request).unwrap();
            assert_eq!(calls() - before, 0, "{width}×{height}");
            assert_eq!(image, expected);
            let short = inpainter.run(Request::new(image.view_mut(), &mask).scratch(&mut scratch[1..]));
            assert_eq!(short.unwrap_err().kind(), inpaint_edge::ErrorKind::Usage);
        }
    }
}

fn second_run_allocates_nothing_and_the_first_what_the_plan_says() {
    let net = || common::Net::random(3, &[(7, 16), (5, 32), (3, 32)], &[32, 16, 3], 5);
    // One thread first, while there are no others to allocate beside it.
    for (net, threads) in [(net(), 1), (net().with_prior(), 1), (net(), 2), (net().with_prior(), 2)] {
        let inpainter = Inpainter::from_bytes(&net.file, Options::default().threads(threads)).unwrap();
        let scene = |hole| common::scene(96, 64, hole, hole);
        let mut scenes = [0, 1, 3].map(scene).map(|(image, mask)| (image, common::hole(&mask)));
        let mut run = |i: usize| {
            let (image, mask) = &mut scenes[i];
            let before = (calls(), BYTES.load(Ordering::Relaxed));
            let report = inpainter.run(Request::new(image.view_mut(), mask)).unwrap();
            (calls() - before.0, BYTES.load(Ordering::Relaxed) - before.1, report.plan_bytes)
        };
        let (calls, bytes, plan) = run(0);
        assert!(calls > 0 && bytes >= plan - 64, "{bytes} allocated, {plan} planned");
        assert!(bytes < plan + plan / 10 + 65_536, "{bytes} allocated, {plan} planned");
        let mut again = || [0, 1, 2, 0].map(|i| run(i).0);
        if threads == 1 {
            assert_eq!(again(), [0; 4]);
        } else {
            // Workers allocate when they start and when they end, which is when they like.
            assert!((0..100).any(|_| again() == [0; 4]), "{threads} threads: every run allocates");
        }
    }
}
