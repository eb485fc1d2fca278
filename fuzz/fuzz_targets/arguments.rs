//! Any arguments are understood or refused as usage, and so are lists for `batch`; what they say about the hole is done or
//! refused on a small picture.
//!
//! An input is arguments of a line each, then, after an empty line, a list.
#![no_main]
#![allow(dead_code, unexpected_cfgs)]

#[path = "../../src/bin/inpaint-edge/advice.rs"]
mod advice;
#[path = "../../src/bin/inpaint-edge/args.rs"]
mod args;
#[path = "../../src/bin/inpaint-edge/engine.rs"]
mod engine;
#[path = "../../src/bin/inpaint-edge/folders.rs"]
mod folders;
#[path = "../../src/bin/inpaint-edge/free.rs"]
mod free;
#[path = "../../src/bin/inpaint-edge/hole.rs"]
mod hole;
#[path = "../../src/bin/inpaint-edge/hole_args.rs"]
mod hole_args;
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
use inpaint_edge_image::Photo;
use inpaint_edge::{Error, ErrorKind, Holes, Result};
use inpaint_fuzz::{one_line, refused_as};
use libfuzzer_sys::fuzz_target;

use args::{Cli, Command};
use hole::Note;
use hole_args::HoleArgs;

/// A photograph to put other pixels into.
const TEMPLATE: &[u8] = include_bytes!("../../tests/images/kinds/plain.png");

const WIDTH: u32 = 70;
const HEIGHT: u32 = 9;

/// Finds the hole without a mask and, where `strokes` tells their colour and alpha, with one.
fn holes(args: &HoleArgs, strokes: Option<[u8; 4]>) -> Result<Holes> {
    let picture = |pixel: &dyn Fn(u32, u32) -> [u8; 4]| -> DynamicImage {
        RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba(pixel(x, y))).into()
    };
    let image = picture(&|x, y| [x, y, x * y, 4 * x].map(|v| v as u8));
    let marked = strokes.map(|[colour, alpha, other, clear]| {
        let inside = |x, y| (20..40).contains(&x) && (3..6).contains(&y);
        let pixel = |x, y| if inside(x, y) { [colour, colour, other, alpha] } else { [other, other, other, clear] };
        let png = Photo::decode(TEMPLATE)?.with_pixels(picture(&pixel));
        hole::of_mask(png, args)
    });
    let hole = hole::find((WIDTH as usize, HEIGHT as usize), marked.transpose()?, Some(&image), args)?;
    for note in &hole.notes {
        let (Note::OfMask(line) | Note::OfImage(line)) = note;
        one_line(line);
    }
    one_line(&hole.explained(Error::new(ErrorKind::Input, "nothing known")).to_string());
    Ok(hole.holes)
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
    let strokes = list.first_chunk().copied();
    for strokes in [None, strokes] {
        if let Err(error) = holes(hole, strokes) {
            refused_as(&error, &[ErrorKind::Input]);
        }
    }
});
