//! Damaged checkpoints by the thousand: an error of one line, no panic, and no more than 64 MiB beside the input.
//!
//! `INPAINT_CONVERT_MUTATIONS=1000000 cargo test --release -p inpaint-convert --test mutations` runs a million.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use inpaint_convert::input::Input;
use inpaint_convert::layout::Fact;
use inpaint_convert::{Options, convert};
use inpaint_edge::ErrorKind;

/// The most bytes beside the input.
const ALLOWED: usize = 64 << 20;

struct Counting;

static NOW: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let now = NOW.fetch_add(layout.size(), Ordering::Relaxed) + layout.size();
        MOST.fetch_max(now, Ordering::Relaxed);
        // SAFETY: the caller's contract is the allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        NOW.fetch_sub(layout.size(), Ordering::Relaxed);
        // SAFETY: the caller's contract is the allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

const INTERESTING: [u64; 12] =
    [0, 1, 2, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fff_ffff, 0xffff_ffff, i64::MAX as u64, u64::MAX];
const OPCODES: &[u8] =
    b".(012NJKMGXTUCB])}ltdaesuhjqrcQRb\x80\x81\x85\x86\x87\x88\x89\x8a\x8b\x8c\x8d\x8e\x8f\x90\x91\x93\x94\x95";

fn mutate(random: &mut Random, bytes: &mut Vec<u8>, other: &[u8]) {
    for _ in 0..1 + random.below(4) {
        let at = random.below(bytes.len());
        // Half of the time where the structure is: at the beginning or at the end.
        let at = match random.below(4) {
            0 => at % 512.min(bytes.len().max(1)),
            1 => bytes.len().saturating_sub(1 + at % 1024),
            _ => at,
        };
        match random.below(8) {
            0 => bytes[at] ^= 1 << random.below(8),
            1 => bytes[at] = random.next() as u8,
            2 => bytes[at] = OPCODES[random.below(OPCODES.len())],
            3 => {
                let (value, width) = (INTERESTING[random.below(12)].to_le_bytes(), 1 << random.below(4));
                let end = (at + width).min(bytes.len());
                bytes[at..end].copy_from_slice(&value[..end - at]);
            }
            4 => {
                let end = (at + random.below(64)).min(bytes.len());
                bytes.drain(at..end);
            }
            5 => {
                let end = (at + random.below(64)).min(bytes.len());
                let part = bytes[at..end].to_vec();
                let to = random.below(bytes.len());
                bytes.splice(to..to, part);
            }
            6 => {
                let from = random.below(other.len());
                let part = &other[from..(from + random.below(256)).min(other.len())];
                let end = (at + part.len()).min(bytes.len());
                bytes.splice(at..end, part.iter().copied());
            }
            _ => {
                if random.below(8) == 0 {
                    bytes.truncate(at);
                }
            }
        }
        if bytes.is_empty() {
            return;
        }
    }
}

#[test]
fn damaged_files_are_refused_in_bounded_memory() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/convert");
    let mut paths: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    let corpus: Vec<Vec<u8>> = paths.iter().map(|path| std::fs::read(path).unwrap()).collect();
    let count = std::env::var("INPAINT_CONVERT_MUTATIONS").map_or(20_000, |n| n.parse().unwrap());
    let mut random = Random(0x2545_f491_4f6c_dd1d);
    let (mut converted, mut most) = (0, 0);
    for i in 0..count {
        let mut bytes = corpus[i % corpus.len()].clone();
        let other = &corpus[random.below(corpus.len())];
        mutate(&mut random, &mut bytes, other);
        let before = NOW.load(Ordering::Relaxed);
        MOST.store(before, Ordering::Relaxed);
        let (allow_extra, facts) = (random.below(2) == 0, vec![Fact::FrozenBn]);
        let options = Options { allow_extra, facts, ..Options::default() };
        let done = convert(Input::from_bytes(&bytes), &options, &mut std::io::sink());
        let used = MOST.load(Ordering::Relaxed) - before;
        most = most.max(used);
        assert!(used <= ALLOWED + bytes.len(), "run {i}: {used} bytes for a file of {}", bytes.len());
        match done {
            Ok(_) => converted += 1,
            Err(error) => {
                let line = error.to_string();
                assert_eq!(error.kind(), ErrorKind::Weights, "run {i}: {line}");
                assert!(!line.contains(char::is_control) && line.len() < 2000, "run {i}: {line:?}");
            }
        }
    }
    println!("{count} runs, {converted} converted, at most {most} bytes");
    assert!(converted > 0 && converted < count / 2, "{converted} of {count} converted");
}
