//! A second run on the same size allocates nothing, and with the caller's memory neither does the first.
//!
//! Runs without the test harness, whose threads allocate when they like.

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
    a_run_in_the_callers_scratch_allocates_nothing();
    a_second_run_allocates_nothing_and_the_first_what_the_plan_says();
    an_estimate_takes_no_memory_for_feature_maps();
    #[cfg(feature = "capi")]
    c_with_scratch_allocates_nothing();
    println!("allocations: passed");
}

fn calls() -> usize {
    CALLS.load(Ordering::Relaxed)
}

fn a_run_in_the_callers_scratch_allocates_nothing() {
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
            // Any content, any address.
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

fn a_second_run_allocates_nothing_and_the_first_what_the_plan_says() {
    let net = || common::Net::random(3, &[(7, 16), (5, 32), (3, 32)], &[32, 16, 3], 5);
    // One thread first, while there are no others that could allocate at the same time.
    for (net, threads) in [(net(), 1), (net().with_prior(), 1), (net(), 2), (net().with_prior(), 2)] {
        let inpainter = Inpainter::from_bytes(&net.file, Options::default().threads(threads)).unwrap();
        let scene = |hole| common::scene(96, 64, hole, hole);
        // All are noise, so that fills get grain. The second has a wide hole, which gets texture.
        let mut scenes = [0, 2, 3].map(scene).map(|(image, mask)| (image, common::hole(&mask)));
        let mut run = |i: usize| {
            let (image, mask) = &mut scenes[i];
            let before = (calls(), BYTES.load(Ordering::Relaxed));
            let report = inpainter.run(Request::new(image.view_mut(), mask)).unwrap();
            (calls() - before.0, BYTES.load(Ordering::Relaxed) - before.1, report.plan_bytes)
        };
        let (calls, bytes, plan) = run(0);
        assert!(calls > 0 && bytes >= plan - 64, "{bytes} allocated, {plan} planned");
        assert!(bytes < plan + plan / 10 + 65_536, "{bytes} allocated, {plan} planned");
        // The largest of the three first.
        let mut again = || [0, 1, 2, 0].map(|i| run(i).0);
        again();
        if threads == 1 {
            assert_eq!(again(), [0; 4]);
        } else {
            // Workers allocate when they start and when they end, at times of their own.
            assert!((0..100).any(|_| again() == [0; 4]), "{threads} threads: every run allocates");
        }
    }
}

fn an_estimate_takes_no_memory_for_feature_maps() {
    let net = common::Net::random(3, &[(7, 16), (5, 32), (3, 32)], &[32, 16, 3], 5).with_prior();
    let (_, mask) = common::scene(200, 160, 1, 2);
    let mask = common::hole(&mask);
    for context in [None, Some(20)] {
        let inpainter = Inpainter::from_bytes(&net.file, Options::default().threads(1).context(context)).unwrap();
        let before = BYTES.load(Ordering::Relaxed);
        let report = inpainter.estimate(&mask, 3).unwrap();
        let bytes = BYTES.load(Ordering::Relaxed) - before;
        assert!(report.macs > 0 && 2 * bytes < report.plan_bytes, "{bytes} allocated, {} planned", report.plan_bytes);
    }
}

/// The mask's bits lie in the caller's memory too, and grow there.
#[cfg(feature = "capi")]
#[allow(unsafe_code)]
fn c_with_scratch_allocates_nothing() {
    use inpaint_edge::capi::*;
    let net = common::Net::random(3, &[(7, 16), (5, 32), (3, 32)], &[32, 16, 3], 5);
    for (width, height, grow) in [(96, 64, 0), (37, 21, 3), (1, 200, 2), (200, 1, 50), (130, 7, 1)] {
        let mut pixels = vec![7u8; 3 * width * height];
        let mut mask = vec![0u8; width * height];
        mask[width * height / 2] = 255;
        let mut engine = std::ptr::null_mut();
        // SAFETY: options, an engine, pixels, a mask and scratch memory of this test, as large as is said.
        unsafe {
            let options = inpaint_options_new();
            assert_eq!(inpaint_options_set_threads(options, 1), INPAINT_OK);
            assert_eq!(inpaint_options_set_grow(options, grow), INPAINT_OK);
            let file = (net.file.as_ptr().cast(), net.file.len());
            assert_eq!(inpaint_engine_new(file.0, file.1, options, &mut engine), INPAINT_OK);
            inpaint_options_free(options);
            let (w, h) = (width as u32, height as u32);
            let mut size = 0;
            assert_eq!(inpaint_scratch_size(engine, w, h, &mut size), INPAINT_OK);
            let mut scratch = vec![0xffu8; size + 1];
            let data = pixels.as_mut_ptr().cast();
            let image =
                inpaint_image { data, size: pixels.len(), stride: 0, width: w, height: h, format: INPAINT_RGB8 };
            let mask = inpaint_mask { data: mask.as_ptr(), size: mask.len(), stride: 0 };
            let (memory, before) = (scratch.as_mut_ptr().add(1).cast(), calls());
            let status = inpaint_run(engine, &image, &mask, memory, size, None, std::ptr::null_mut());
            assert_eq!((status, calls() - before), (INPAINT_OK, 0), "{width}×{height}");
            inpaint_engine_free(engine);
        }
    }
}
