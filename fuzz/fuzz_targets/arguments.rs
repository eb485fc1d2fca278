//! Any arguments are understood or refused as usage, and so are lists for `batch`; what they say about the hole is done or
//! refused on a small picture.
//!
//! An input is arguments of a line each, then, after an empty line, a list.
#![no_main]

use std::ffi::OsString;
use std::os::unix::ffi::OsStringExt;

use clap::Parser;
use image::{DynamicImage, Rgba, RgbaImage};
use inpaint_edge::{Error, ErrorKind, Result};
use inpaint_edge_commands::args::{Cli, Command, misuse};
use inpaint_edge_commands::hole::{self, Note};
use inpaint_edge_commands::list;
use inpaint_edge_commands::spec::HoleSpec;
use inpaint_edge_image::Photo;
use inpaint_fuzz::{one_line, refused_as};
use libfuzzer_sys::fuzz_target;

/// A photograph to put other pixels into.
const TEMPLATE: &[u8] = include_bytes!("../../tests/images/kinds/plain.png");

const WIDTH: u32 = 70;
const HEIGHT: u32 = 9;

/// Finds the hole without a mask and, where `strokes` tells their colour and alpha, with one.
fn find(spec: &HoleSpec, strokes: Option<[u8; 4]>) -> Result<()> {
    let photo = |pixel: &dyn Fn(u32, u32) -> [u8; 4]| -> Result<Photo> {
        let pixels: DynamicImage = RgbaImage::from_fn(WIDTH, HEIGHT, |x, y| Rgba(pixel(x, y))).into();
        Ok(Photo::decode(TEMPLATE)?.with_pixels(pixels))
    };
    let image = photo(&|x, y| [x, y, x * y, 4 * x].map(|v| v as u8))?;
    let marked = strokes.map(|[colour, alpha, other, clear]| {
        let inside = |x, y| (20..40).contains(&x) && (3..6).contains(&y);
        let pixel = |x, y| if inside(x, y) { [colour, colour, other, alpha] } else { [other, other, other, clear] };
        hole::of_mask(photo(&pixel)?, spec)
    });
    let hole = hole::find((WIDTH as usize, HEIGHT as usize), marked.transpose()?, Some(&image), spec)?;
    for note in &hole.notes {
        let (Note::OfMask(line) | Note::OfImage(line)) = note;
        one_line(line);
    }
    one_line(&hole.explained(Error::new(ErrorKind::Input, "nothing known")).to_string());
    Ok(())
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
            if error.use_stderr() {
                refused_as(&misuse::in_one_line(&error), &[ErrorKind::Usage]);
            }
            return;
        }
    };
    let spec = match &cli.command {
        Some(Command::Batch(args)) => args.spec().job.hole,
        Some(Command::Info(args)) => return drop(args.spec()),
        Some(Command::Selftest(args)) => return drop(args.spec()),
        Some(Command::Completions { .. } | Command::Man(_)) => return,
        None => match cli.fill.spec() {
            Ok(spec) => spec.job.hole,
            Err(error) => return refused_as(&error, &[ErrorKind::Usage]),
        },
    };
    match list::of_lines(list, spec.is_in_image()) {
        Ok(found) => {
            let lines = list.split(|b| *b == b'\n').count();
            assert!(found.items.len() <= lines && found.items.iter().all(|item| item.problem.is_none()));
        }
        Err(error) => refused_as(&error, &[ErrorKind::Usage]),
    }
    for strokes in [None, list.first_chunk().copied()] {
        if let Err(error) = find(&spec, strokes) {
            refused_as(&error, &[ErrorKind::Input]);
        }
    }
});
