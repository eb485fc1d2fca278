//! Where the hole is: a mask, transparency, painted colours and boxes together, grown or shrunk.

use image::{DynamicImage, ImageBuffer, Pixel};
use inpaint_edge::image::Photo;
use inpaint_edge::{Error, ErrorKind, Holes, Options, Result, Sample};
use ndarray::ArrayView2;

use crate::args::{Area, HoleArgs};

/// The hole of a mask, not yet grown.
pub fn of_mask(mask: Photo, args: &HoleArgs) -> Result<Holes> {
    let mask = mask.into_mask()?;
    let shape = (mask.height() as usize, mask.width() as usize);
    let options =
        Options { mask_white: args.mask_white.into(), mask_threshold: args.mask_threshold, ..Options::default() };
    Holes::new(ArrayView2::from_shape(shape, mask.as_raw()).expect("a byte a pixel"), &options)
}

/// Adds the boxes to the hole.
pub fn add_boxes(holes: &mut Holes, boxes: &[Area]) -> Result<()> {
    let (w, h) = (holes.width(), holes.height());
    for &Area { x, y, width, height } in boxes {
        let (columns, rows) = (x..x.saturating_add(width), y..y.saturating_add(height));
        if columns.end > w || rows.end > h {
            let detail = format!("a box inside {w}×{h} expected, --box {x},{y},{width},{height} found");
            return Err(Error::new(ErrorKind::Input, detail));
        }
        holes.add_box(columns, rows);
    }
    Ok(())
}

/// Adds what is transparent or painted in the image, of the same size.
pub fn add_pixels(holes: &mut Holes, image: &DynamicImage, args: &HoleArgs) -> Result<()> {
    if args.mask_alpha && !image.color().has_alpha() {
        return Err(Error::new(ErrorKind::Input, "an alpha channel expected for --mask-alpha, none found"));
    }
    let is_hole = |rgb: [u8; 3], alpha: u8| {
        let transparent = args.mask_alpha && alpha < args.mask_threshold;
        let mut painted = args.mask_color.iter();
        transparent || painted.any(|p| rgb.iter().zip(p.rgb).all(|(v, c)| v.abs_diff(c) <= p.tolerance))
    };
    let channels = usize::from(image.color().channel_count());
    match image.as_flat_samples_u16() {
        Some(deep) => add_where(holes, deep.samples, channels, |v| (v >> 8) as u8, is_hole),
        None => add_where(holes, image.as_bytes(), channels, |v| v, is_hole),
    }
    Ok(())
}

fn add_where<T: Copy>(
    holes: &mut Holes,
    samples: &[T],
    channels: usize,
    high: impl Fn(T) -> u8,
    is_hole: impl Fn([u8; 3], u8) -> bool,
) {
    let width = holes.width();
    for (i, pixel) in samples.chunks_exact(channels).enumerate() {
        let (rgb, alpha) = match *pixel {
            [v, ref alpha @ ..] if channels < 3 => ([v; 3].map(&high), alpha.first()),
            [r, g, b, ref alpha @ ..] => ([r, g, b].map(&high), alpha.first()),
            _ => unreachable!("1 to 4 channels"),
        };
        if is_hole(rgb, alpha.map_or(255, |v| high(*v))) {
            holes.add(i % width, i / width);
        }
    }
}

/// Grown by a disc of the radius `grow`, or shrunk where it is below 0.
pub fn resized(holes: Holes, grow: i64) -> Result<Holes> {
    let radius = grow.unsigned_abs().try_into().unwrap_or(usize::MAX);
    if grow < 0 { holes.shrunk(radius) } else { holes.grown(radius) }
}

/// Makes what was filled opaque.
pub fn make_opaque(image: &mut DynamicImage, holes: &Holes) {
    paint(image, holes, |_, _| None);
}

/// Hatches the hole in red and white, half transparent; where the image is grey, in black and white.
pub fn hatch(image: &mut DynamicImage, holes: &Holes) {
    const RED: [f32; 3] = [1.0, 0.0, 0.0];
    const WHITE: [f32; 3] = [1.0; 3];
    let stripe = (holes.width().max(holes.height()) / 128).max(4);
    paint(image, holes, |x, y| Some(if ((x + y) / stripe).is_multiple_of(2) { RED } else { WHITE }));
}

/// Makes the hole's pixels opaque, and brings them halfway to `colour` where it gives one.
fn paint(image: &mut DynamicImage, holes: &Holes, colour: impl Fn(usize, usize) -> Option<[f32; 3]>) {
    fn on<P: Pixel<Subpixel: Sample>>(
        image: &mut ImageBuffer<P, Vec<P::Subpixel>>,
        holes: &Holes,
        colour: impl Fn(usize, usize) -> Option<[f32; 3]>,
    ) {
        let colours = if P::CHANNEL_COUNT < 3 { 1 } else { 3 };
        for (x, y, pixel) in image.enumerate_pixels_mut() {
            let (x, y) = (x as usize, y as usize);
            if !holes.is_hole(x, y) {
                continue;
            }
            let (samples, alpha) = pixel.channels_mut().split_at_mut(colours);
            if let Some([r, g, b]) = colour(x, y) {
                let colour = if colours == 1 { [g; 3] } else { [r, g, b] };
                samples.iter_mut().zip(colour).for_each(|(v, c)| *v = Sample::from_unit((v.to_unit() + c) / 2.0));
            }
            alpha.fill(Sample::from_unit(1.0));
        }
    }
    match image {
        DynamicImage::ImageLuma8(i) => on(i, holes, colour),
        DynamicImage::ImageLumaA8(i) => on(i, holes, colour),
        DynamicImage::ImageRgb8(i) => on(i, holes, colour),
        DynamicImage::ImageRgba8(i) => on(i, holes, colour),
        DynamicImage::ImageLuma16(i) => on(i, holes, colour),
        DynamicImage::ImageLumaA16(i) => on(i, holes, colour),
        DynamicImage::ImageRgb16(i) => on(i, holes, colour),
        DynamicImage::ImageRgba16(i) => on(i, holes, colour),
        _ => unreachable!("photographs have 8 or 16 bits a sample"),
    }
}
