//! The corpus of the self-test without the program around it, for machines where few crates are wanted.
//!
//! `corpus digests ISA THREADS` prints the lines of `tests/golden/digests.tsv`; `corpus write FOLDER` writes the pictures as
//! raw samples, `NAME.image` and `NAME.mask`, and `cases.tsv`, a line each: file name, width, height, format, case.

use inpaint_edge::selftest::{SHIPPED, cases, digests, sha256};
use inpaint_edge::{Inpainter, Isa, Options};

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["digests", isa, threads] => {
            let isa = (*isa != "auto").then(|| Isa::ALL.into_iter().find(|i| i.name() == *isa).expect("ISA"));
            let options = Options { isa, threads: threads.parse().expect("THREADS"), ..Options::default() };
            for (name, weights) in SHIPPED {
                let inpainter = Inpainter::from_bytes(weights, options.clone()).unwrap_or_else(|e| panic!("{e}"));
                eprintln!("{name}: {}, {} threads", inpainter.isa(), inpainter.threads());
                print!("{}", digests(name, &sha256(weights), &inpainter));
            }
        }
        ["write", folder] => {
            let mut index = String::new();
            for (i, case) in cases().enumerate() {
                let write = |ending: &str, bytes: Vec<u8>| {
                    std::fs::write(format!("{folder}/{i}.{ending}"), bytes).expect("FOLDER can be written");
                };
                write("image", case.image());
                write("mask", case.mask());
                let name = case.to_string();
                let format = name.split(' ').nth(1).expect("size, format, hole");
                index += &format!("{i}\t{}\t{}\t{format}\t{name}\n", case.width, case.height);
            }
            std::fs::write(format!("{folder}/cases.tsv"), index).expect("FOLDER can be written");
        }
        _ => {
            eprintln!("usage: corpus digests ISA THREADS | corpus write FOLDER");
            std::process::exit(2);
        }
    }
}
