//! Files as programs write them around a network: archives and names.

use std::io::{Cursor, Read, Write};
use std::path::Path;

use inpaint_convert::checkpoint::Input;
use inpaint_convert::{Options, Report, convert};
use inpaint_edge::Result;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipArchive, ZipWriter};

fn fixture(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures").join(name);
    std::fs::read(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

fn converted(bytes: &[u8], options: &Options) -> Result<(Vec<u8>, Report)> {
    let mut out = Vec::new();
    let report = convert(Input::from_bytes(bytes), options, &mut out)?;
    Ok((out, report))
}

/// An archive of PyTorch as it is named `stem` when it is saved. PyTorch writes records of ZIP64, 76 bytes, in every one.
fn named(archive: &[u8], stem: &str) -> Vec<u8> {
    let mut from = ZipArchive::new(Cursor::new(archive)).unwrap();
    let mut to = ZipWriter::new(Cursor::new(Vec::new()));
    for i in 0..from.len() {
        let mut entry = from.by_index(i).unwrap();
        let name = entry.name().unwrap().split_once('/').unwrap().1.to_owned();
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
        to.start_file(format!("{stem}/{name}"), stored).unwrap();
        to.write_all(&bytes).unwrap();
    }
    let mut bytes = to.finish().unwrap().into_inner();
    let end = bytes.len() - 22;
    assert!(bytes[end..].starts_with(b"PK\x05\x06"));
    let word = |at: usize| u32::from_le_bytes(bytes[end + at..][..4].try_into().unwrap());
    let (entries, size, start) = (from.len() as u64, u64::from(word(12)), u64::from(word(16)));
    let mut records = b"PK\x06\x06".to_vec();
    records.extend(44u64.to_le_bytes());
    records.extend([45, 0, 45, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    [entries, entries, size, start].iter().for_each(|n| records.extend(n.to_le_bytes()));
    records.extend(b"PK\x06\x07\0\0\0\0");
    records.extend((end as u64).to_le_bytes());
    records.extend(1u32.to_le_bytes());
    assert_eq!(records.len(), 76);
    bytes.splice(end..end, records);
    bytes
}

#[test]
fn an_archive_may_have_a_name_of_any_length() {
    let original = fixture("xyfjason.pth");
    let (expected, _) = converted(&original, &Options::default()).unwrap();
    for length in 1..=100 {
        let bytes = named(&original, &"n".repeat(length));
        let (found, _) = converted(&bytes, &Options::default()).unwrap_or_else(|e| panic!("{length} bytes: {e}"));
        assert!(found == expected, "{length} bytes");
    }
}
