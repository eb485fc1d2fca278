//! The recorded digests, `tests/golden/digests.tsv`, which every machine reproduces, and their place in the README.
//!
//! After a change of the shipped weights, or one that is meant to change results,
//! `UPDATE_GOLDEN=1 cargo test --test golden` rewrites both.
#![cfg(all(feature = "selftest", feature = "embedded-weights"))]

use std::path::Path;

use inpaint_edge::selftest::{RECORDED, SHIPPED, cases, digests, recorded, sha256};
use inpaint_edge::{Inpainter, Options};

const START: &str = "<!-- digests -->\n";
const END: &str = "<!-- /digests -->\n";

/// The table in the README: a digest over the lines of each weights file.
fn summary(found: &str) -> String {
    let mut table = "| weights | last line |\n|---|---|\n".to_owned();
    for (name, _) in SHIPPED {
        let mine: String =
            found.lines().filter(|l| l.starts_with(&format!("{name}\t"))).map(|l| l.to_owned() + "\n").collect();
        table += &format!("| {name} | `sha256 {}` |\n", sha256(mine.as_bytes()));
    }
    table
}

#[test]
fn outputs_have_the_recorded_digests() {
    let mut found = String::new();
    for (name, weights) in SHIPPED {
        let inpainter = Inpainter::from_bytes(weights, Options::default()).unwrap();
        found += &digests(name, &sha256(weights), &inpainter);
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let (file, readme) = (root.join("tests/golden/digests.tsv"), root.join("README.md"));
    let text = std::fs::read_to_string(&readme).unwrap();
    let (before, rest) = text.split_once(START).unwrap();
    let (shown, after) = rest.split_once(END).unwrap();
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&file, &found).unwrap();
        std::fs::write(&readme, format!("{before}{START}{}{END}{after}", summary(&found))).unwrap();
        return;
    }
    assert_eq!(found, std::fs::read_to_string(&file).unwrap());
    assert_eq!(shown, summary(&found), "README.md");
    for (name, weights) in SHIPPED {
        let (of, lines) = recorded(&sha256(weights)).unwrap();
        assert_eq!(of, name);
        assert_eq!(lines.lines().count(), 1 + cases().count());
    }
    assert_eq!(RECORDED, found);
}

/// Flips the sign of one number in the weights: the digests change.
#[test]
fn digests_notice_a_number() {
    let (name, weights) = SHIPPED[0];
    let mut flipped = weights.to_vec();
    let header = u64::from_le_bytes(weights[..8].try_into().unwrap()) as usize;
    flipped[8 + header + 3] ^= 0x80;
    let inpainter = Inpainter::from_bytes(&flipped, Options::default()).unwrap();
    let found = digests(name, &sha256(weights), &inpainter);
    let (_, expected) = recorded(&sha256(weights)).unwrap();
    let differ = found.lines().zip(expected.lines()).filter(|(a, b)| a != b).count();
    // The file's own digest is claimed, one case is a copy and one an error.
    assert_eq!(differ, cases().count() - 2);
    assert!(recorded(&sha256(&flipped)).is_none());
}

/// FIPS 180-2 gives the digest of "abc".
#[test]
fn digests_are_sha256() {
    assert_eq!(sha256(b"abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}
