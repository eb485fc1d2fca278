//! Draws a picture, fills a wire and a spot in it, and writes it as PPM:
//! `cargo run --release --example fill -- filled.ppm`.

use inpaint_edge::{Inpainter, Mask, Options, Request};
use ndarray::Array3;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let path = std::env::args_os().nth(1).ok_or("expected the name of the result, such as filled.ppm")?;
    let (width, height) = (320, 240);

    // [height, width, channels]: a sky above a field.
    let mut image = Array3::from_shape_fn((height, width, 3), |(y, x, c)| {
        let sky = [90 + y / 3, 140 + y / 4, 220];
        let field = [60 + (x * 7 + y * 13) % 40, 120 + (x * 5 + y * 3) % 30, 40];
        (if y < 150 { sky } else { field })[c] as u8
    });

    // The hole: a wire across the picture, and a round spot. The image's content there does not count.
    let mut mask = Mask::new(width, height)?;
    mask.add_box(0..width, 60..64);
    let mut spot = Mask::new(width, height)?;
    spot.add(200, 190);
    mask.add_all(&spot.dilated(10)?);

    let inpainter = Inpainter::embedded(Options::default())?;
    let report = inpainter.run(Request::new(image.view_mut(), &mask))?;
    println!("{} of {} pixels filled", report.hole_pixels, width * height);

    let mut ppm = format!("P6\n{width} {height}\n255\n").into_bytes();
    ppm.extend(image.iter());
    std::fs::write(path, ppm)?;
    Ok(())
}
