//! Any bytes are a picture or refused as the fault of the input, and a mask likewise. What the headers promise (size, kind,
//! memory) is what decoding gives; filling touches the hole alone; what is written is read again.
//!
//! An input is an image, a mask, the length of the mask in three bytes and a byte of options. Where there is no such mask, the
//! image is the mask.
#![no_main]

use std::alloc::{GlobalAlloc, Layout, System};
use std::ops::ControlFlow;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use inpaint_edge::{ErrorKind, Inpainter, Mask, MaskChannel, MaskRule, Options, Texture};
use inpaint_edge_image::{Encoded, OutputFormat, Photo};
use inpaint_fuzz::{SMALL_NETWORK, refused_as, small_network};
use libfuzzer_sys::fuzz_target;
use ndarray::ArrayView2;

/// Counts what is held, and the most of it.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static MOST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        MOST.fetch_max(HELD.fetch_add(layout.size(), Relaxed) + layout.size(), Relaxed);
        // SAFETY: passed on to the caller.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, data: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size(), Relaxed);
        // SAFETY: passed on to the caller.
        unsafe { System.dealloc(data, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

/// The most bytes held during `work`, beside those held before.
fn most<T>(work: impl FnOnce() -> T) -> (T, usize) {
    let before = HELD.load(Relaxed);
    MOST.store(before, Relaxed);
    let done = work();
    (done, MOST.load(Relaxed) - before)
}

/// Bytes of tables that no header counts; a partition of a lossy WebP may claim 16 MB, of which no more is touched than there is.
const TABLES: usize = (16 + 2) << 20;

/// Bytes of a header with metadata.
const HEADER: usize = 3 * (16 << 20) + TABLES;

/// How the segment of a seal begins.
const SEAL: &[u8] = b"\xFF\xEF\0\x1Finpaint-edge\0";

/// Pixels that are worth the time to decode, and to fill.
const DECODED: usize = 1 << 22;
const FILLED: usize = 1 << 12;

static NETWORK: LazyLock<Inpainter> = LazyLock::new(small_network);

/// The same, which sees little of a picture.
static NEAR: LazyLock<Inpainter> = LazyLock::new(|| {
    let options = Options::default().threads(1).context(Some(3)).texture(Texture::Off).grain(false);
    Inpainter::from_bytes(SMALL_NETWORK, options).expect("a network of the tests")
});

fn decoded(bytes: &[u8]) -> Option<Photo> {
    let (header, held) = most(|| Encoded::new(bytes).and_then(|picture| picture.header()));
    assert!(held <= bytes.len() + HEADER, "{held} bytes for a header");
    let header = match header {
        Ok(header) => header,
        Err(error) => {
            refused_as(&error, &[ErrorKind::Input, ErrorKind::Limits]);
            if error.kind() == ErrorKind::Input {
                let error = Photo::decode(bytes).expect_err("a picture without a header");
                refused_as(&error, &[ErrorKind::Input]);
            }
            return None;
        }
    };
    if header.pixel_bytes() > DECODED {
        return None;
    }
    let (photo, held) = most(|| Photo::decode(bytes));
    assert!(held <= header.decode_bytes() + TABLES, "{held} bytes held, {} expected", header.decode_bytes());
    match photo {
        Ok(photo) => {
            let color = photo.pixels.color();
            assert_eq!((photo.pixels.width(), photo.pixels.height()), (header.width, header.height));
            assert_eq!(usize::from(color.channel_count()), header.channels);
            assert_eq!(usize::from(color.bytes_per_pixel()), header.channels * header.sample_bytes);
            assert_eq!(photo.pixels.as_bytes().len(), header.pixel_bytes());
            Some(photo)
        }
        Err(error) => {
            refused_as(&error, &[ErrorKind::Input]);
            None
        }
    }
}

/// Fills the white of `mask` in a small picture. Returns the hole if it was filled.
fn fill(photo: &mut Photo, mask: Photo) -> Option<Mask> {
    let mask = match mask.into_mask(MaskChannel::Auto) {
        Ok(mask) => mask,
        Err(error) => {
            refused_as(&error, &[ErrorKind::Input]);
            return None;
        }
    };
    let shape = (mask.height() as usize, mask.width() as usize);
    let mask = ArrayView2::from_shape(shape, mask.as_raw()).expect("a byte a pixel");
    let holes = Mask::from_bytes(mask, MaskRule::default()).expect("memory");
    let size = (photo.pixels.height() as usize, photo.pixels.width() as usize);
    if size.0 * size.1 > FILLED {
        return None;
    }
    let before = photo.pixels.clone();
    let done = photo.fill(&NETWORK, &holes, true, &mut |_| ControlFlow::Continue(()));
    match &done {
        Ok(report) => assert_eq!(report.hole_pixels, mask.iter().filter(|m| **m >= 128).count()),
        Err(error) => {
            let nothing_known = mask.iter().all(|m| *m >= 128);
            assert!(shape != size || nothing_known, "{error}");
            refused_as(error, &[ErrorKind::Input]);
        }
    }
    let pixel = usize::from(before.color().bytes_per_pixel());
    let pixels = before.as_bytes().chunks(pixel).zip(photo.pixels.as_bytes().chunks(pixel)).enumerate();
    for (i, (before, after)) in pixels {
        let (x, y) = (i % size.1, i / size.1);
        assert!(before == after || holes.is_hole(x, y), "{before:?}, {after:?} at {x}, {y}");
    }
    done.is_ok().then_some(holes)
}

/// A JPEG that is decoded to be filled is filled and written as one that is decoded as a whole.
fn in_part(bytes: &[u8], hole: &Mask) {
    let format = OutputFormat::Jpeg(None);
    let part = Encoded::new(bytes).and_then(|picture| picture.decode_to_fill(&NEAR, hole, format));
    let results = [part, Photo::decode(bytes)].map(|photo| {
        let mut photo = photo.expect("a picture that was decoded");
        photo.fill(&NEAR, hole, true, &mut |_| ControlFlow::Continue(())).expect("a hole that was filled");
        photo.encode_filled(format, hole)
    });
    match results {
        [Ok(part), Ok(whole)] => assert!(part == whole),
        [part, whole] => assert!(part.is_err() && whole.is_err()),
    }
}

/// What is written with the blocks of a JPEG is read again, by the size of the picture; filled again, it is the same.
fn kept(photo: &Photo, hole: &Mask) {
    match photo.encode_filled(OutputFormat::Jpeg(None), hole) {
        Ok(bytes) => {
            let mut again = Photo::decode(&bytes).unwrap_or_else(|e| panic!("a JPEG with its blocks: {e}"));
            assert_eq!((again.pixels.width(), again.pixels.height()), (photo.pixels.width(), photo.pixels.height()));
            if bytes.windows(SEAL.len()).any(|segment| segment == SEAL) {
                again.fill(&NETWORK, hole, true, &mut |_| ControlFlow::Continue(())).expect("a hole that was filled");
                assert!(again.encode_filled(OutputFormat::Jpeg(None), hole).expect("a JPEG with its blocks") == bytes);
            }
        }
        Err(error) => refused_as(&error, &[ErrorKind::Usage]),
    }
}

fn written_and_read(photo: &Photo, quality: Option<u8>) {
    let color = photo.pixels.color();
    for format in [OutputFormat::Png, OutputFormat::Tiff, OutputFormat::WebP, OutputFormat::Jpeg(quality)] {
        let bytes = match photo.encode(format) {
            Ok(bytes) => bytes,
            Err(error) => {
                refused_as(&error, &[ErrorKind::Usage]);
                // A band that is no alpha has a place in TIFF alone.
                let has_band = color.has_alpha() && !photo.has_alpha();
                assert!(format != OutputFormat::Tiff && (has_band || format != OutputFormat::Png), "{error}");
                continue;
            }
        };
        let again = Photo::decode(&bytes).unwrap_or_else(|e| panic!("{format:?} of {color:?}: {e}"));
        assert_eq!((again.pixels.width(), again.pixels.height()), (photo.pixels.width(), photo.pixels.height()));
        match format {
            OutputFormat::Png | OutputFormat::Tiff => assert!(again.pixels == photo.pixels, "{format:?} of {color:?}"),
            OutputFormat::WebP => assert!(again.pixels.to_rgba8() == photo.pixels.to_rgba8(), "WebP of {color:?}"),
            _ => {}
        }
    }
}

fuzz_target!(|bytes: &[u8]| {
    let (files, options) = match bytes.split_last_chunk::<4>() {
        Some((files, &[a, b, c, options])) => {
            let mask = u32::from_le_bytes([a, b, c, 0]) as usize;
            (files.len().checked_sub(mask).filter(|_| mask > 0).map(|at| files.split_at(at)), options)
        }
        None => (None, 95),
    };
    let (image, mask) = files.unwrap_or((bytes, bytes));
    let Some(mut photo) = decoded(image) else { return };
    if let Some(mask) = decoded(mask) {
        if let Some(hole) = fill(&mut photo, mask) {
            in_part(image, &hole);
            kept(&photo, &hole);
        }
    }
    written_and_read(&photo, (options <= 100).then(|| options.max(1)));
});
