//! A failed allocation for what a picture carries is a `Limits` error: every long allocation is fallible, or preceded
//! by a fallible one of the same size.
//!
//! Runs without the test harness, whose threads allocate at any time.

#![allow(unsafe_code)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::borrow::Cow;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use inpaint_edge::{ErrorKind, Inpainter, Mask, Options, Result};
use inpaint_edge_image::{Encoded, OutputFormat, Photo};

/// The system's allocator, except that it refuses allocations of `REFUSED` bytes and more.
struct Refusing;

static REFUSED: AtomicUsize = AtomicUsize::new(usize::MAX);

// SAFETY: every call is passed on to the system's allocator unchanged, or answered as one that fails.
unsafe impl GlobalAlloc for Refusing {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if layout.size() >= REFUSED.load(Relaxed) {
            return std::ptr::null_mut();
        }
        // SAFETY: the caller's contract is the allocator's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        // SAFETY: the caller's contract is the allocator's.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Refusing = Refusing;

/// Bytes of a JPEG segment, and segments of each kind but EXIF and XMP: 1.9 MB together.
const PART: usize = 64_000;
const PARTS: u8 = 30;

/// The lowest limit: the fixed buffers of decoders and encoders are smaller.
const LEAST: usize = 80_000;

fn main() {
    let formats = [OutputFormat::Png, OutputFormat::Tiff, OutputFormat::WebP, OutputFormat::Jpeg(Some(90))];
    let mut files = Vec::new();
    let sources = [
        ("a PNG", png()),
        ("a JPEG", jpeg(&[0xE1, 0xE2, 0xED, 0xFE])),
        ("a JPEG with a profile", jpeg(&[0xE2])),
        ("a TIFF of planes", planes()),
    ];
    for (what, bytes) in sources {
        let photo = Photo::decode(&bytes).unwrap();
        // JPEG refuses what does not fit into its segments.
        let encoded = formats.iter().filter_map(|format| photo.encode(*format).ok().map(|bytes| (format, bytes)));
        files.extend(encoded.map(|(format, bytes)| (format!("{what} made a {format:?}"), bytes)));
        files.push((what.to_owned(), bytes));
    }
    assert_eq!(files.len(), 17);
    let inpainter = Inpainter::embedded(Options::default().threads(1)).unwrap();
    for (what, bytes) in files {
        every_limit(&format!("header of {what}"), || {
            Encoded::new(&bytes).and_then(|encoded| encoded.header()).map(drop)
        });
        every_limit(&format!("decoding {what}"), || Photo::decode(&bytes).map(drop));
        let photo = Photo::decode(&bytes).unwrap();
        let hole = Mask::new(photo.pixels.width() as usize, photo.pixels.height() as usize).unwrap();
        every_limit(&format!("decoding {what} to fill it"), || {
            Encoded::new(&bytes)?.decode_to_fill(&inpainter, &hole, OutputFormat::Jpeg(None)).map(drop)
        });
        if photo.encode_filled(OutputFormat::Jpeg(None), &hole).is_ok() {
            every_limit(&format!("{what} with its blocks"), || {
                photo.write_filled(OutputFormat::Jpeg(None), &hole, &mut std::io::sink())
            });
        }
        for format in formats {
            if photo.encode(format).is_ok() {
                every_limit(&format!("{what} as {format:?}"), || photo.write(format, &mut std::io::sink()));
            }
        }
    }
    println!("refusals: passed");
}

/// Raises the limit until nothing is refused. Until then, every run must end in a `Limits` error.
fn every_limit(what: &str, run: impl Fn() -> Result<()>) {
    let mut refusals = 0;
    let mut limit = LEAST;
    loop {
        REFUSED.store(limit, Relaxed);
        let done = run();
        REFUSED.store(usize::MAX, Relaxed);
        match done {
            Ok(()) => break,
            Err(e) => assert_eq!(e.kind(), ErrorKind::Limits, "{what}: {e}"),
        }
        refusals += 1;
        limit += limit / 8;
    }
    println!("{what}: {refusals} refusals, done below {limit} bytes");
    assert!(refusals > 0, "{what}: takes no memory");
}

/// Bytes that do not compress.
fn noise(len: usize) -> Vec<u8> {
    let mut state = 1u32;
    let next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    std::iter::repeat_with(next).take(len).collect()
}

/// An EXIF block of so many bytes: a MakerNote, in IFD0 for once.
fn exif(len: usize) -> Vec<u8> {
    let mut block = vec![0; len];
    let entry = [&[0x7C, 0x92, 7, 0][..], &(len as u32 - 26).to_le_bytes(), &26u32.to_le_bytes()].concat();
    block[..10].copy_from_slice(b"II*\0\x08\0\0\0\x01\0");
    block[10..22].copy_from_slice(&entry);
    block
}

/// A photograph of `tests/images` with segments of these `kinds`: EXIF and XMP, colour profile, Photoshop's resources,
/// comments.
fn jpeg(kinds: &[u8]) -> Vec<u8> {
    let plain = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images/kinds/baseline-420.jpg");
    let plain = std::fs::read(plain).unwrap();
    let part = noise(PART);
    let mut bytes = plain[..2].to_vec();
    let mut add = |marker: u8, data: &[&[u8]]| {
        if !kinds.contains(&marker) {
            return;
        }
        let data = data.concat();
        bytes.extend([0xFF, marker]);
        bytes.extend((data.len() as u16 + 2).to_be_bytes());
        bytes.extend(data);
    };
    add(0xE1, &[b"Exif\0\0", &exif(PART)]);
    add(0xE1, &[b"http://ns.adobe.com/xap/1.0/\0", &vec![b' '; PART]]);
    let resource = [b"8BIM\x04\x04\0\0", &(u32::from(PARTS) * PART as u32).to_be_bytes()[..]].concat();
    for i in 0..PARTS {
        add(0xE2, &[b"ICC_PROFILE\0", &[i + 1, PARTS], &part]);
        add(0xED, &[b"Photoshop 3.0\0", if i == 0 { &resource[..] } else { &[] }, &part]);
        add(0xFE, &[&part]);
    }
    bytes.extend_from_slice(&plain[2..]);
    bytes
}

/// A TIFF of 512 by 512 pixels: red, green and blue of 16 bits in a strip each, and a profile.
fn planes() -> Vec<u8> {
    const SIDE: u32 = 512;
    const PLANE: u32 = 2 * SIDE * SIDE;
    let profile = noise(usize::from(PARTS) * PART);
    let (short, long, undefined) = (3u16, 4u16, 7u16);
    let directory = 8 + 3 * PLANE;
    // Behind the directory: offsets and lengths of the strips, and the profile.
    let values = directory + 2 + 12 * 9 + 4;
    let entries = [
        (256u16, long, 1, SIDE),
        (257, long, 1, SIDE),
        (258, short, 1, 16),
        (262, short, 1, 2),
        (273, long, 3, values),
        (277, short, 1, 3),
        (279, long, 3, values + 12),
        (284, short, 1, 2),
        (34_675, undefined, profile.len() as u32, values + 24),
    ];
    let mut bytes = [&b"II*\0"[..], &directory.to_le_bytes(), &noise(3 * PLANE as usize)].concat();
    bytes.extend((entries.len() as u16).to_le_bytes());
    for (tag, kind, count, value) in entries {
        bytes.extend([tag.to_le_bytes(), kind.to_le_bytes()].concat());
        bytes.extend([count.to_le_bytes(), value.to_le_bytes()].concat());
    }
    bytes.extend([0; 4]);
    let numbers = [8, 8 + PLANE, 8 + 2 * PLANE, PLANE, PLANE, PLANE];
    bytes.extend(numbers.into_iter().flat_map(u32::to_le_bytes));
    bytes.extend(profile);
    bytes
}

/// The same kinds in a PNG, and text.
fn png() -> Vec<u8> {
    let part = noise(usize::from(PARTS) * PART);
    let mut info = png::Info::with_size(4, 4);
    info.icc_profile = Some(Cow::Borrowed(&part));
    info.exif_metadata = Some(exif(part.len()).into());
    let mut bytes = Vec::new();
    let mut encoder = png::Encoder::with_info(&mut bytes, info).unwrap();
    encoder.set_color(png::ColorType::Grayscale);
    encoder.add_text_chunk("Comment".to_owned(), "a".repeat(part.len())).unwrap();
    encoder.add_itxt_chunk("XML:com.adobe.xmp".to_owned(), " ".repeat(part.len())).unwrap();
    encoder.write_header().unwrap().write_image_data(&[0; 16]).unwrap();
    bytes
}
