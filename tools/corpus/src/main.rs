//! The corpus of the self-test without the program around it, for machines where few crates are wanted.
//!
//! - `inpaint-corpus digests ISA THREADS` prints the lines of `tests/golden/digests.tsv`;
//! - `inpaint-corpus write FOLDER` writes the pictures as raw samples, `NUMBER.image` and `NUMBER.mask`, and `cases.tsv`, a
//!   line each: number, width, height, format, case;
//! - `inpaint-corpus weights LEVELS WIDTH FILE` writes random weights of the network of Liu et al. 2018, table 1, for figures
//!   that depend on its shape alone.

mod weights;

use inpaint_edge::selftest::{SHIPPED, cases, digests, sha256};
use inpaint_edge::{Inpainter, Isa, Options};

const USAGE: &str = "usage: inpaint-corpus digests ISA THREADS | write FOLDER | weights LEVELS WIDTH FILE";

fn main() {
    let args: Vec<String> = std::env::args().skip(1).collect();
    match &args.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["digests", isa, threads] => print_digests(isa, threads.parse().expect(USAGE)),
        ["write", folder] => write(folder),
        ["weights", levels, width, file] => {
            let bytes = weights::random(levels.parse().expect(USAGE), width.parse().expect(USAGE));
            std::fs::write(file, bytes).expect("FILE can be written");
        }
        _ => {
            eprintln!("{USAGE}");
            std::process::exit(2);
        }
    }
}

fn print_digests(isa: &str, threads: usize) {
    let isa = (isa != "auto").then(|| Isa::ALL.into_iter().find(|known| known.name() == isa).expect(USAGE));
    for (name, weights) in SHIPPED {
        let inpainter = Inpainter::from_bytes(weights, Options::default().isa(isa).threads(threads));
        print!("{}", digests(name, &sha256(weights), &inpainter.unwrap_or_else(|e| panic!("{e}"))));
    }
}

fn write(folder: &str) {
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
