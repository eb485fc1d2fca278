//! Any arguments are understood or refused as usage, and so are lists for `batch`; what they say about the hole is done or
//! refused on a small picture.
//!
//! An input is arguments of a line each, then, after an empty line, a list.
#![no_main]
#![allow(dead_code, unexpected_cfgs)]

#[path = "../../src/bin/inpaint-edge/args.rs"]
mod args;
#[path = "../../src/bin/inpaint-edge/engine.rs"]
mod engine;
#[path = "../../src/bin/inpaint-edge/folders.rs"]
mod folders;
#[path = "../../src/bin/inpaint-edge/hole.rs"]
mod hole;
#[path = "../../src/bin/inpaint-edge/job.rs"]
mod job;
#[path = "../../src/bin/inpaint-edge/list.rs"]
mod list;
#[path = "../../src/bin/inpaint-edge/memory.rs"]
mod memory;
#[path = "../../src/bin/inpaint-edge/names.rs"]
mod names;
#[path = "../../src/bin/inpaint-edge/order.rs"]
mod order;

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::Parser;
use image::{DynamicImage, Rgba, RgbaImage};
use inpaint_edge::{ErrorKind, Holes, Result};
use inpaint_fuzz::refused_as;
use libfuzzer_sys::fuzz_target;

use args::{Cli, Command, HoleArgs};

const WIDTH: u32 = 70;
const HEIGHT: u32 = 9;

fn holes(args: &HoleArgs) -> Result<Holes> {
    let image: DynamicImage =
        RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba([x, y, x * y, 4 * x].map(|v| v as u8))).into();
    let mut holes = Holes::none(WIDTH as usize, HEIGHT as usize)?;
    hole::add_boxes(&mut holes, &args.boxes)?;
    hole::add_pixels(&mut holes, &image, args)?;
    let found = holes.pixels();
    let resized = hole::resized(holes, args.mask_grow)?;
    match args.mask_grow {
        0 => assert_eq!(resized.pixels(), found),
        1.. => assert!(resized.pixels() >= found),
        _ => assert!(resized.pixels() <= found),
    }
    Ok(resized)
}

fuzz_target!(|bytes: &[u8]| {
    let (line, list) = match bytes.windows(2).position(|pair| pair == b"\n\n") {
        Some(at) => (&bytes[..at], &bytes[at + 2..]),
        None => (bytes, &[][..]),
    };
    let argv = line.split(|b| *b == b'\n').map(|argument| OsString::from_vec(argument.to_vec()));
    let cli = match Cli::try_parse_from([OsString::from("inpaint-edge")].into_iter().chain(argv)) {
        Ok(cli) => cli,
        Err(error) => {
            assert!(matches!(error.exit_code(), 0 | 2) && !error.to_string().is_empty());
            return;
        }
    };
    let in_image = match &cli.command {
        Some(Command::Batch(args)) => args.job.hole.in_image(),
        _ => cli.fill.job.hole.in_image(),
    };
    match list::of_lines(list, in_image) {
        Ok(found) => {
            let lines = list.split(|b| *b == b'\n').count();
            assert!(found.items.len() <= lines && found.items.iter().all(|item| item.problem.is_none()));
        }
        Err(error) => refused_as(&error, &[ErrorKind::Usage]),
    }
    let hole = match &cli.command {
        Some(Command::Batch(args)) => &args.job.hole,
        Some(_) => return,
        None => {
            if let Err(error) = cli.fill.job() {
                refused_as(&error, &[ErrorKind::Usage]);
            }
            &cli.fill.job.hole
        }
    };
    if let Err(error) = holes(hole) {
        refused_as(&error, &[ErrorKind::Input]);
    }
});
