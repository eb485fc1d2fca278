//! The engine and the image package for JavaScript: a photograph is opened, filled and saved, bytes to bytes.
//!
//! `web/engine.js` is the interface that people use; this is what it calls. Errors are of JavaScript's `Error`, with `kind` and
//! `code` as the program has them.
#![forbid(unsafe_code)]

use std::ops::ControlFlow;
use std::path::Path;

use image::{DynamicImage, ImageBuffer};
use inpaint_edge::{Error, Inpainter, MaskChannel, MaskRule, MaskWhite, Options, Paint, Texture};
use inpaint_edge_image::{Encoded, OutputFormat, add_painted, hole_of};
use js_sys::{Function, Reflect};
use ndarray::ArrayView2;
use send_wrapper::SendWrapper;
use wasm_bindgen::prelude::*;

type Result<T> = std::result::Result<T, JsValue>;

/// The error as JavaScript has them.
fn thrown(e: Error) -> JsValue {
    let error = js_sys::Error::new(&e.to_string());
    // A new object takes any property.
    let _ = Reflect::set(&error, &"kind".into(), &e.kind().name().into());
    let _ = Reflect::set(&error, &"code".into(), &e.kind().exit_code().into());
    error.into()
}

/// A network, ready to fill photographs.
#[wasm_bindgen]
pub struct Engine(Inpainter);

#[wasm_bindgen]
impl Engine {
    /// From the bytes of a weights file. `texture` gives wide holes the texture around them, `grain` smooth fills the
    /// photograph's own.
    #[wasm_bindgen(constructor)]
    pub fn new(weights: &[u8], texture: bool, grain: bool) -> Result<Self> {
        let texture = if texture { Texture::Auto } else { Texture::Off };
        Inpainter::from_bytes(weights, Options::default().texture(texture).grain(grain)).map(Self).map_err(thrown)
    }
}

/// The pixels that are to be filled.
#[wasm_bindgen]
pub struct Mask(inpaint_edge::Mask);

#[wasm_bindgen]
impl Mask {
    /// From a byte for each pixel, row by row: hole from 128 on.
    #[wasm_bindgen(js_name = fromPlane)]
    pub fn from_plane(plane: &[u8], width: usize, height: usize) -> Result<Self> {
        if width.checked_mul(height) != Some(plane.len()) {
            let found = plane.len();
            return Err(thrown(Error::input(format!(
                "expected a mask of {width}×{height} bytes, found {found} bytes"
            ))));
        }
        let plane = ArrayView2::from_shape((height, width), plane).expect("a byte a pixel");
        inpaint_edge::Mask::from_bytes(plane, MaskRule::default()).map(Self).map_err(thrown)
    }

    /// From a bit for each pixel, 1 = hole, the lowest first; rows begin with a byte.
    #[wasm_bindgen(js_name = fromBits)]
    pub fn from_bits(bits: &[u8], width: usize, height: usize) -> Result<Self> {
        let stride = width.div_ceil(8);
        if stride.checked_mul(height) != Some(bits.len()) {
            let found = bits.len();
            return Err(thrown(Error::input(format!(
                "expected a mask of {height} rows of {stride} bytes, found {found} bytes"
            ))));
        }
        let mut mask = inpaint_edge::Mask::new(width, height).map_err(thrown)?;
        for (y, row) in bits.chunks_exact(stride.max(1)).enumerate() {
            for x in (0..width).filter(|x| row[x / 8] >> (x % 8) & 1 == 1) {
                mask.add(x, y);
            }
        }
        Ok(Self(mask))
    }

    /// From a picture, of which white is the hole, or what is kept.
    #[wasm_bindgen(js_name = fromFile)]
    pub fn from_file(bytes: &[u8], white_is_kept: bool) -> Result<Self> {
        let read = || {
            let picture = inpaint_edge_image::Photo::decode(bytes)?;
            let white = if white_is_kept { MaskWhite::Keep } else { MaskWhite::Hole };
            hole_of(&picture.into_mask(MaskChannel::Auto)?, MaskRule::default().white(white))
        };
        read().map(Self).map_err(|e: Error| thrown(e.of("the mask")))
    }

    /// What has the colour of the photograph's pixel at (x, y), within `tolerance` of it.
    #[wasm_bindgen(js_name = ofColour)]
    pub fn of_colour(photo: &Photo, x: u32, y: u32, tolerance: u8) -> Result<Self> {
        let pixels = &photo.photo.pixels;
        let [r, g, b, _] = pixels.crop_imm(x, y, 1, 1).into_rgba8().get_pixel(0, 0).0;
        let paint = Paint { rgb: [r, g, b], tolerance: Some(tolerance) };
        let taken = inpaint_edge::Mask::new(pixels.width() as usize, pixels.height() as usize).and_then(|mut mask| {
            add_painted(&mut mask, pixels, paint)?;
            Ok(mask)
        });
        taken.map(Self).map_err(thrown)
    }

    pub fn width(&self) -> usize {
        self.0.width()
    }

    pub fn height(&self) -> usize {
        self.0.height()
    }

    /// Pixels of the hole.
    pub fn count(&self) -> usize {
        self.0.count()
    }

    /// Grown by `pixels` on all sides, or shrunk.
    pub fn grown(self, pixels: i32) -> Result<Self> {
        self.0.resized(pixels.into()).map(Self).map_err(thrown)
    }

    /// A bit for each pixel, as [`Mask::from_bits`] takes them.
    pub fn bits(&self) -> Vec<u8> {
        let stride = self.0.width().div_ceil(8);
        let mut bits = vec![0; stride * self.0.height()];
        for (y, row) in bits.chunks_exact_mut(stride.max(1)).enumerate() {
            self.0.runs(y, 0..self.0.width()).flatten().for_each(|x| row[x / 8] |= 1 << (x % 8));
        }
        bits
    }

    /// Left, top, width and height of the smallest box that has all of the hole; empty without one.
    pub fn bounds(&self) -> Vec<u32> {
        let Some((columns, rows)) = self.0.extents() else { return Vec::new() };
        [columns.start, rows.start, columns.len(), rows.len()].map(|v| v as u32).to_vec()
    }
}

/// Width and height of the picture in a file, upright, pixels.
#[wasm_bindgen(js_name = sizeOf)]
pub fn size_of(bytes: &[u8]) -> Result<Vec<u32>> {
    let header = Encoded::new(bytes).and_then(|encoded| encoded.header()).map_err(thrown)?;
    Ok(vec![header.width, header.height])
}

/// A decoded photograph, and what its file carried.
#[wasm_bindgen]
pub struct Photo {
    photo: inpaint_edge_image::Photo,
    format: Option<OutputFormat>,
}

#[wasm_bindgen]
impl Photo {
    /// Decodes a file of any format that the program reads.
    pub fn open(bytes: &[u8]) -> Result<Self> {
        let photo = inpaint_edge_image::Photo::decode(bytes).map_err(thrown)?;
        Ok(Self { photo, format: OutputFormat::of_file(bytes) })
    }

    pub fn width(&self) -> u32 {
        self.photo.pixels.width()
    }

    pub fn height(&self) -> u32 {
        self.photo.pixels.height()
    }

    /// The ending of results in the file's own format; of PNG where that is not written.
    pub fn format(&self) -> String {
        match self.format {
            Some(OutputFormat::Jpeg(_)) => "jpg",
            Some(OutputFormat::Tiff) => "tif",
            Some(OutputFormat::WebP) => "webp",
            _ => "png",
        }
        .to_owned()
    }

    /// What a result does not keep, a line each.
    pub fn notes(&self) -> Vec<String> {
        self.photo.notes()
    }

    /// Writes a part of the picture to `out`, to be shown: RGBA of 8 bits, each the mean of `step`×`step` pixels, fewer at the
    /// right and lower sides.
    pub fn shown(&self, x: usize, y: usize, width: usize, height: usize, step: usize, out: &mut [u8]) -> Result<()> {
        let pixels = &self.photo.pixels;
        let (columns, rows) = (pixels.width() as usize, pixels.height() as usize);
        let is_within = |from: usize, length: usize, of: usize| from.checked_add(length).is_some_and(|end| end <= of);
        let (across, found) = (width.div_ceil(step.max(1)), out.len());
        if step == 0
            || !is_within(x, width, columns)
            || !is_within(y, height, rows)
            || found != 4 * across * height.div_ceil(step)
        {
            return Err(thrown(Error::input(format!(
                "expected a part of {columns}×{rows} pixels and its bytes, found {found} bytes for {width}×{height} at {x}, {y}"
            ))));
        }
        let channels = usize::from(pixels.color().channel_count());
        let depth = usize::from(pixels.color().bytes_per_pixel()) / channels;
        let bytes = pixels.as_bytes();
        for (i, shown) in out.as_chunks_mut::<4>().0.iter_mut().enumerate() {
            let (left, top) = (x + i % across * step, y + i / across * step);
            let (right, bottom) = ((left + step).min(x + width), (top + step).min(y + height));
            let mut sums = [0; 4];
            for pixel in (top..bottom).flat_map(|y| (left..right).map(move |x| y * columns + x)) {
                for (c, sum) in sums[..channels].iter_mut().enumerate() {
                    // Of 16 bits, WebAssembly has the high byte last.
                    *sum += usize::from(bytes[(pixel * channels + c) * depth + depth - 1]);
                }
            }
            let count = (right - left) * (bottom - top);
            let [a, b, c, d] = sums.map(|sum| ((sum + count / 2) / count) as u8);
            *shown = match channels {
                1 => [a, a, a, 255],
                2 => [a, a, a, b],
                3 => [a, b, c, 255],
                _ => [a, b, c, d],
            };
        }
        Ok(())
    }

    /// Fills the hole in place. `seal` says whether a JPEG made from a JPEG is sealed, and the seal of this one counts. `progress` is
    /// called with pixels done and in all, and stops the run where it returns true.
    pub fn fill(&mut self, engine: &Engine, mask: &Mask, seal: bool, progress: Option<Function>) -> Result<()> {
        let progress = progress.map(SendWrapper::new);
        let filled = self.photo.fill(&engine.0, &mask.0, seal, &mut |p| {
            let call = |f: &SendWrapper<Function>| f.call2(&JsValue::NULL, &p.done.into(), &p.total.into());
            match progress.as_ref().map(call) {
                Some(Ok(stop)) if stop.is_truthy() => ControlFlow::Break(()),
                Some(Err(_)) => ControlFlow::Break(()),
                _ => ControlFlow::Continue(()),
            }
        });
        filled.map(drop).map_err(thrown)
    }

    /// The samples of a part, to be put back by [`Photo::put`].
    pub fn part(&self, x: u32, y: u32, width: u32, height: u32) -> Vec<u8> {
        self.photo.pixels.crop_imm(x, y, width, height).into_bytes()
    }

    /// Puts back what [`Photo::part`] copied.
    pub fn put(&mut self, x: u32, y: u32, width: u32, height: u32, part: Vec<u8>) -> Result<()> {
        let found = part.len();
        macro_rules! put {
            ($($kind:ident $samples:expr;)*) => {
                match &mut self.photo.pixels {
                    $(DynamicImage::$kind(image) => ImageBuffer::from_raw(width, height, $samples(part))
                        .map(|part| image::imageops::replace(image, &part, x.into(), y.into())),)*
                    _ => None,
                }
            };
        }
        let bytes = |part: Vec<u8>| part;
        let words = |part: Vec<u8>| part.as_chunks().0.iter().map(|word| u16::from_ne_bytes(*word)).collect::<Vec<_>>();
        let put = put! {
            ImageLuma8 bytes;
            ImageLumaA8 bytes;
            ImageRgb8 bytes;
            ImageRgba8 bytes;
            ImageLuma16 words;
            ImageLumaA16 words;
            ImageRgb16 words;
            ImageRgba16 words;
        };
        put.ok_or_else(|| {
            thrown(Error::input(format!("expected the samples of {width}×{height} pixels, found {found} bytes")))
        })
    }

    /// The file, in the format of an ending such as `png`. `quality` is that of JPEG; where it is 0 the input's own, and from JPEG
    /// to JPEG all is kept that the hole that was `filled` does not touch.
    pub fn save(&self, ending: &str, quality: u8, filled: &Mask) -> Result<Vec<u8>> {
        let quality = Some(quality).filter(|quality| *quality > 0);
        let format = OutputFormat::of_path(Path::new(&format!("result.{ending}")), quality).map_err(thrown)?;
        self.photo.encode_filled(format, &filled.0).map_err(thrown)
    }
}
