//! Errors keep their cause as `source()`.

use std::error::Error as _;
use std::io;
use std::path::{Path, PathBuf};

use inpaint_edge::{Error, ErrorKind};
use inpaint_edge_image::{OutputFormat, Photo, check_writable, target_of, write_atomically};

fn kind(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/images/kinds").join(name)
}

#[track_caller]
fn is_of_the_system(e: &Error, kind: ErrorKind, below: io::ErrorKind) {
    let found = e.source().and_then(|e| e.downcast_ref::<io::Error>()).map(io::Error::kind);
    assert_eq!((e.kind(), found), (kind, Some(below)), "{e}");
}

#[test]
fn a_file_that_cannot_be_read_or_written_keeps_the_error_of_the_system() {
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("none").join("a.png");
    is_of_the_system(&Photo::open(&missing).unwrap_err(), ErrorKind::Input, io::ErrorKind::NotFound);
    is_of_the_system(&write_atomically(&missing, b"").unwrap_err(), ErrorKind::Output, io::ErrorKind::NotFound);
    is_of_the_system(&check_writable(&missing).unwrap_err(), ErrorKind::Output, io::ErrorKind::NotFound);
    is_of_the_system(&target_of(folder.path()).unwrap_err(), ErrorKind::Output, io::ErrorKind::IsADirectory);
}

#[test]
fn a_result_that_cannot_be_written_keeps_the_error_of_the_writer() {
    struct Full;
    impl io::Write for Full {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }
    let photo = Photo::open(&kind("plain.png")).unwrap();
    for format in [OutputFormat::Png, OutputFormat::Tiff, OutputFormat::WebP, OutputFormat::Jpeg(None)] {
        let e = photo.write(format, &mut Full).unwrap_err();
        is_of_the_system(&e, ErrorKind::Output, io::ErrorKind::StorageFull);
    }
}

/// The message is in plain words; the decoder's error is its source.
#[test]
fn a_damaged_picture_keeps_the_error_of_its_decoder() {
    let read = |name| std::fs::read(kind(name)).unwrap();
    let at = |bytes: &[u8], marker: &[u8]| bytes.windows(marker.len()).position(|part| part == marker).unwrap();
    let coded = |name| {
        let mut jpeg = read(name);
        let scan = at(&jpeg, &[0xFF, 0xDA]) + 20;
        // All ones, stuffed: no Huffman code of JPEG begins so.
        jpeg.splice(scan..scan, [0xFF, 0].repeat(8));
        jpeg
    };
    let mut png = read("plain.png");
    let pixels = at(&png, b"IDAT") + 4;
    png[pixels] ^= 1;
    let mut webp = read("lossy.webp");
    let frame = at(&webp, b"VP8 ") + 8;
    // The start code of a key frame.
    webp[frame + 3] ^= 1;
    let gif = b"GIF89a\x04\0\x04\0\x80\0\0\0\0\0\xFF\xFF\xFF,\0\0\0\0\x04\0\x04\0\0\x02".to_vec();
    for (what, bytes) in [
        ("PNG", png),
        ("baseline JPEG", coded("baseline-420.jpg")),
        ("progressive JPEG", coded("progressive-420.jpg")),
        ("WebP", webp),
        ("GIF", gif),
        ("PAM", b"P7\nWIDTH 4\nENDHDR\n".to_vec()),
        ("QOI", b"qoif\0\0\0\x01\0\0\0\x01\x09\0".to_vec()),
    ] {
        let e = Photo::decode(&bytes).expect_err(what);
        assert_eq!(e.kind(), ErrorKind::Input, "{what}: {e}");
        assert!(e.source().is_some(), "{what}: nothing below {e}");
    }
}
