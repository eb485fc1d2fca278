//! Fills the hole of a picture, white in a mask, and writes the result with the metadata of the picture:
//! `cargo run --release -p inpaint-edge-image --example fill_file -- IMAGE MASK OUT`

use std::ops::ControlFlow;
use std::path::Path;

use inpaint_edge::{Inpainter, MaskChannel, MaskRule, Options, Result};
use inpaint_edge_image::{Encoded, OutputFormat, Photo, hole_of, write_atomically_with};

fn run(image: &Path, mask: &Path, out: &Path) -> Result<()> {
    let format = OutputFormat::of_path(out, None)?;
    let plane =
        Photo::open(mask).and_then(|photo| photo.into_mask(MaskChannel::Auto)).map_err(|e| e.of(mask.display()))?;
    let hole = hole_of(&plane, MaskRule::default())?;

    let inpainter = Inpainter::embedded(Options::default())?;
    let picture = Encoded::open(image).and_then(|picture| picture.decode_to_fill(&inpainter, &hole, format));
    let mut photo = picture.map_err(|e| e.of(image.display()))?;
    let report = photo.fill(&inpainter, &hole, true, &mut |_| ControlFlow::Continue(()))?;
    println!("{} pixels filled", report.hole_pixels);
    write_atomically_with(out, |file| photo.write_filled(format, &hole, file))
}

fn main() {
    let args: Vec<_> = std::env::args_os().skip(1).collect();
    let done = match args.iter().map(Path::new).collect::<Vec<_>>()[..] {
        [image, mask, out] => run(image, mask, out),
        _ => Err(inpaint_edge::Error::usage(format!("expected IMAGE MASK OUT, found {} arguments", args.len()))),
    };
    if let Err(e) = done {
        eprintln!("{e}");
        std::process::exit(e.kind().exit_code().into());
    }
}
