//! Finds the hole: a mask, transparency, painted colours and boxes together, grown or shrunk.

use image::{DynamicImage, ImageBuffer, Pixel};
use inpaint_edge::{Error, ErrorKind, Mask, MaskChannel, MaskGuess, MaskRule, Result, Sample};
use inpaint_edge_image::{Photo, add_painted, add_transparent, hole_of};

use crate::advice::{MaskAdvice, of_paint};
use crate::spec::{Area, HoleSpec};

/// The hole that a mask tells, not yet grown.
pub struct Marked {
    pub mask: Mask,
    pub is_turned: bool,
    advice: MaskAdvice,
}

/// The hole of an image, and what the user should know of it.
pub struct Hole {
    pub mask: Mask,
    pub notes: Vec<Note>,
    /// Why nothing is known, for the case that the hole is all of the image.
    why_all: String,
}

/// A line about a file.
pub enum Note {
    OfMask(String),
    OfImage(String),
}

/// Reads a mask.
pub fn of_mask(mask: Photo, spec: &HoleSpec) -> Result<Marked> {
    let channel = channel_of(&mask, spec)?;
    let is_turned = mask.is_turned();
    let mut advice = MaskAdvice::new(&mask, channel, spec)?;
    let plane = mask.into_mask(channel)?;
    let rule = MaskRule::default().white(spec.mask_white()).threshold(spec.mask_threshold());
    let mask = hole_of(&plane, rule)?;
    advice.read(&plane, &mask);
    Ok(Marked { mask, is_turned, advice })
}

/// The channel of a mask that tells where the hole is.
fn channel_of(mask: &Photo, spec: &HoleSpec) -> Result<MaskChannel> {
    let refused = |detail: &str| Err(Error::input(detail));
    match spec.channel {
        MaskChannel::Auto => match mask.guess_mask()? {
            MaskGuess::Luma => Ok(MaskChannel::Luma),
            MaskGuess::AlphaEitherWay if spec.white.is_none() => refused(
                "expected --mask-channel alpha where what is opaque is the hole, --mask-channel alpha --mask-white keep where \
                 what is transparent is; found one colour that is opaque in most places, so that either may be meant",
            ),
            MaskGuess::Alpha | MaskGuess::AlphaEitherWay => Ok(MaskChannel::Alpha),
            MaskGuess::LumaOrAlpha => refused(
                "expected --mask-channel luma or --mask-channel alpha, with --mask-white keep where what is transparent is \
                 the hole; found colour and alpha that both vary, so that either may be the mask; where what is transparent \
                 in IMAGE is the hole: --mask-alpha and no MASK",
            ),
        },
        MaskChannel::Alpha if !mask.has_alpha() => {
            refused("expected an alpha channel for --mask-channel alpha, found none")
        }
        channel => Ok(channel),
    }
}

/// The hole in an image of `size`: what is `marked`, and what options add. `photo` is given if its pixels count.
pub fn find(
    (width, height): (usize, usize),
    marked: Option<Marked>,
    photo: Option<&Photo>,
    spec: &HoleSpec,
) -> Result<Hole> {
    let (mut mask, advice) = match marked {
        Some(marked) => (marked.mask, Some(marked.advice)),
        None => (Mask::new(width, height)?, None),
    };
    let mut notes = Vec::new();
    add_boxes(&mut mask, &spec.boxes, &mut notes)?;
    if let Some(photo) = photo {
        add_pixels(&mut mask, photo, spec, &mut notes)?;
    }
    let before = mask.count();
    let mask = mask.resized(spec.grow)?;
    if let Some(advice) = &advice {
        notes.extend(advice.notes(spec).into_iter().map(Note::OfMask));
    }
    if spec.alpha && before == 0 {
        notes.push(Note::OfImage("no pixel of it is transparent for --mask-alpha".to_owned()));
    }
    if before > 0 && mask.count() == 0 {
        notes.push(Note::OfImage(format!("--mask-grow {} leaves nothing of the hole", spec.grow)));
    }
    let why_all = advice.and_then(|advice| advice.all_hole()).unwrap_or_else(|| match spec.alpha {
        _ if before < width * height => format!("--mask-grow {} has taken what was left", spec.grow),
        true => "all of the image is transparent, or boxed or painted".to_owned(),
        false => "all of the image is boxed or painted".to_owned(),
    });
    Ok(Hole { mask, notes, why_all })
}

impl Hole {
    /// Adds to the error of a run what may have led to a hole that is all of the image.
    pub fn explained(&self, e: Error) -> Error {
        let is_all = self.mask.count() == self.mask.width() * self.mask.height();
        match e.kind() {
            ErrorKind::Input if is_all => Error::input(format!("{e}; {}", self.why_all)),
            _ => e,
        }
    }
}

/// Adds the boxes to the hole, as far as they are inside.
pub fn add_boxes(mask: &mut Mask, boxes: &[Area], notes: &mut Vec<Note>) -> Result<()> {
    let (w, h) = (mask.width(), mask.height());
    for &Area { x, y, width, height } in boxes {
        let inside = |from: i64, length: i64, end: usize| {
            let within = |v: i64| v.clamp(0, end as i64) as usize;
            within(from)..within(from.saturating_add(length))
        };
        let (columns, rows) = (inside(x, width, w), inside(y, height, h));
        if columns.is_empty() || rows.is_empty() {
            let detail = format!("expected a box inside {w}×{h}, found --box {x},{y},{width},{height}");
            return Err(Error::input(detail));
        }
        let left = (columns.start, rows.start, columns.len(), rows.len());
        if (left.2 as i64, left.3 as i64) != (width, height) {
            let (a, b, c, d) = left;
            let line = format!("--box {x},{y},{width},{height} reaches beyond {w}×{h}: {a},{b},{c},{d} taken");
            notes.push(Note::OfImage(line));
        }
        mask.add_box(columns, rows);
    }
    Ok(())
}

/// Adds what is transparent or painted in `photo`, which has the size of the mask.
fn add_pixels(mask: &mut Mask, photo: &Photo, spec: &HoleSpec, notes: &mut Vec<Note>) -> Result<()> {
    if spec.alpha {
        if !photo.has_alpha() {
            let is_band = photo.pixels.color().has_alpha();
            let found = if is_band { "a band of another kind (ExtraSamples 0)" } else { "none" };
            let detail = format!("expected an alpha channel for --mask-alpha, found {found}");
            return Err(Error::input(detail));
        }
        add_transparent(mask, &photo.pixels, spec.threshold)?;
    }
    for &paint in &spec.paints {
        let painted = add_painted(mask, &photo.pixels, paint)?;
        notes.extend(of_paint(paint, &painted, spec.grow).map(Note::OfImage));
    }
    Ok(())
}

/// Makes the filled pixels opaque.
pub fn make_opaque(image: &mut DynamicImage, mask: &Mask) {
    paint(image, mask, |_, _| None);
}

/// Hatches the hole in red and white, half transparent; where the image is grey, in black and white.
pub fn hatch(image: &mut DynamicImage, mask: &Mask) {
    const RED: [f32; 3] = [1.0, 0.0, 0.0];
    const WHITE: [f32; 3] = [1.0; 3];
    let stripe = (mask.width().max(mask.height()) / 128).max(4);
    paint(image, mask, |x, y| Some(if ((x + y) / stripe).is_multiple_of(2) { RED } else { WHITE }));
}

/// Makes the hole's pixels opaque, and brings them halfway to `colour` where it gives one.
fn paint(image: &mut DynamicImage, mask: &Mask, colour: impl Fn(usize, usize) -> Option<[f32; 3]>) {
    fn on<P: Pixel<Subpixel: Sample>>(
        image: &mut ImageBuffer<P, Vec<P::Subpixel>>,
        mask: &Mask,
        colour: impl Fn(usize, usize) -> Option<[f32; 3]>,
    ) {
        let colours = if P::CHANNEL_COUNT < 3 { 1 } else { 3 };
        for (x, y, pixel) in image.enumerate_pixels_mut() {
            let (x, y) = (x as usize, y as usize);
            if !mask.is_hole(x, y) {
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
        DynamicImage::ImageLuma8(i) => on(i, mask, colour),
        DynamicImage::ImageLumaA8(i) => on(i, mask, colour),
        DynamicImage::ImageRgb8(i) => on(i, mask, colour),
        DynamicImage::ImageRgba8(i) => on(i, mask, colour),
        DynamicImage::ImageLuma16(i) => on(i, mask, colour),
        DynamicImage::ImageLumaA16(i) => on(i, mask, colour),
        DynamicImage::ImageRgb16(i) => on(i, mask, colour),
        DynamicImage::ImageRgba16(i) => on(i, mask, colour),
        _ => unreachable!("photographs have 8 or 16 bits a sample"),
    }
}
