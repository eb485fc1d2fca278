//! Files made and read without the crate under test: JPEG, TIFF and GIF by crates of their own, which `image` would bring with
//! features that the program has not.

use std::io::Cursor;
use std::path::Path;

use image::metadata::Orientation;
use image::{DynamicImage, ImageBuffer, ImageDecoder, ImageFormat, ImageReader, Pixel};
use jpeg_encoder::SamplingFactor;
use zune_jpeg::zune_core::{bytestream::ZCursor, colorspace::ColorSpace, options::DecoderOptions};

/// The pixels as they are stored, and what stands beside them.
pub struct Contents {
    pub pixels: DynamicImage,
    pub orientation: Orientation,
    pub icc: Option<Vec<u8>>,
    /// Not of a TIFF, whose EXIF is no block.
    pub exif: Option<Vec<u8>>,
    pub xmp: Option<Vec<u8>>,
}

/// The pixels of a file, by its content.
pub fn open(path: impl AsRef<Path>) -> DynamicImage {
    contents(path.as_ref()).pixels
}

pub fn contents(path: &Path) -> Contents {
    let bytes = std::fs::read(path).unwrap();
    match image::guess_format(&bytes).unwrap() {
        ImageFormat::Jpeg => of_jpeg(&bytes),
        ImageFormat::Tiff => of_tiff(&bytes),
        ImageFormat::Gif => {
            let (orientation, icc, exif, xmp) = (Orientation::NoTransforms, None, None, None);
            Contents { pixels: of_gif(&bytes), orientation, icc, exif, xmp }
        }
        format => {
            let mut decoder = ImageReader::with_format(Cursor::new(&bytes), format).into_decoder().unwrap();
            let orientation = decoder.orientation().unwrap();
            let (icc, exif) = (decoder.icc_profile().unwrap(), decoder.exif_metadata().unwrap());
            let xmp = decoder.xmp_metadata().unwrap();
            Contents { pixels: DynamicImage::from_decoder(decoder).unwrap(), orientation, icc, exif, xmp }
        }
    }
}

fn of_jpeg(bytes: &[u8]) -> Contents {
    let options = DecoderOptions::default().set_strict_mode(false);
    let mut decoder = zune_jpeg::JpegDecoder::new_with_options(ZCursor::new(bytes), options);
    decoder.decode_headers().unwrap();
    let is_grey = decoder.input_colorspace() == Some(ColorSpace::Luma);
    let colours = if is_grey { ColorSpace::Luma } else { ColorSpace::RGB };
    decoder.set_options(options.jpeg_set_out_colorspace(colours));
    let samples = decoder.decode().unwrap();
    let (width, height) = decoder.dimensions().unwrap();
    let size = (width as u32, height as u32);
    let pixels = if is_grey { made::<image::Luma<u8>>(size, samples) } else { made::<image::Rgb<u8>>(size, samples) };
    let exif = decoder.exif().cloned();
    let orientation = exif.as_deref().and_then(Orientation::from_exif_chunk).unwrap_or(Orientation::NoTransforms);
    Contents { pixels, orientation, icc: decoder.icc_profile(), exif, xmp: decoder.xmp().cloned() }
}

fn of_tiff(bytes: &[u8]) -> Contents {
    use image::{Luma, LumaA, Rgb, Rgba};
    use tiff::{ColorType::*, decoder::DecodingResult::*, tags::Tag};
    let mut decoder = tiff::decoder::Decoder::new(Cursor::new(bytes)).unwrap();
    let size = decoder.dimensions().unwrap();
    let pixels = match (decoder.colortype().unwrap(), decoder.read_image().unwrap()) {
        (Gray(8), U8(samples)) => made::<Luma<u8>>(size, samples),
        (GrayA(8), U8(samples)) => made::<LumaA<u8>>(size, samples),
        (RGB(8), U8(samples)) => made::<Rgb<u8>>(size, samples),
        (RGBA(8), U8(samples)) => made::<Rgba<u8>>(size, samples),
        (Gray(16), U16(samples)) => made::<Luma<u16>>(size, samples),
        (GrayA(16), U16(samples)) => made::<LumaA<u16>>(size, samples),
        (RGB(16), U16(samples)) => made::<Rgb<u16>>(size, samples),
        (RGBA(16), U16(samples)) => made::<Rgba<u16>>(size, samples),
        (colours, _) => panic!("a TIFF of {colours:?}"),
    };
    let mut tag = |tag| decoder.find_tag(tag).unwrap();
    let orientation = tag(Tag::Orientation).map_or(1, |value| value.into_u16().unwrap());
    let orientation = Orientation::from_exif(orientation.try_into().unwrap()).unwrap();
    let mut block = |number| tag(number).map(|value| value.into_u8_vec().unwrap());
    Contents { pixels, orientation, icc: block(Tag::IccProfile), exif: None, xmp: block(Tag::Unknown(700)) }
}

/// The first picture, which fills its screen.
pub fn of_gif(bytes: &[u8]) -> DynamicImage {
    let mut options = gif::DecodeOptions::new();
    options.set_color_output(gif::ColorOutput::RGBA);
    let mut decoder = options.read_info(bytes).unwrap();
    let screen = (0, 0, decoder.width(), decoder.height());
    let frame = decoder.read_next_frame().unwrap().unwrap();
    assert_eq!((frame.left, frame.top, frame.width, frame.height), screen);
    made::<image::Rgba<u8>>((frame.width.into(), frame.height.into()), frame.buffer.to_vec())
}

fn made<P: Pixel>((width, height): (u32, u32), samples: Vec<P::Subpixel>) -> DynamicImage
where
    DynamicImage: From<ImageBuffer<P, Vec<P::Subpixel>>>,
{
    ImageBuffer::<P, _>::from_raw(width, height, samples).expect("all samples").into()
}

pub fn encoded(image: &DynamicImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    match format {
        ImageFormat::Jpeg => return jpeg_of(image, 75),
        ImageFormat::Tiff => {
            use tiff::encoder::colortype::{Gray16, RGB8};
            let mut encoder = tiff::encoder::TiffEncoder::new(&mut bytes).unwrap();
            let (width, height) = (image.width(), image.height());
            match image {
                DynamicImage::ImageLuma16(image) => encoder.write_image::<Gray16>(width, height, image),
                DynamicImage::ImageRgb8(image) => encoder.write_image::<RGB8>(width, height, image),
                _ => panic!("a TIFF of {:?}", image.color()),
            }
            .unwrap();
        }
        _ => image.write_to(&mut bytes, format).unwrap(),
    }
    bytes.into_inner()
}

/// A JPEG with chroma as fine as luma.
pub fn jpeg_of(image: &DynamicImage, quality: u8) -> Vec<u8> {
    jpeg_with(image, quality, None, None)
}

pub fn jpeg_with(image: &DynamicImage, quality: u8, exif: Option<&[u8]>, icc: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut encoder = jpeg_encoder::Encoder::new(&mut bytes, quality);
    encoder.set_sampling_factor(SamplingFactor::F_1_1);
    if let Some(block) = exif {
        encoder.add_exif_metadata(block).unwrap();
    }
    if let Some(profile) = icc {
        encoder.add_icc_profile(profile).unwrap();
    }
    let colours = match image {
        DynamicImage::ImageLuma8(_) => jpeg_encoder::ColorType::Luma,
        DynamicImage::ImageRgb8(_) => jpeg_encoder::ColorType::Rgb,
        _ => panic!("a JPEG of {:?}", image.color()),
    };
    encoder.encode(image.as_bytes(), image.width() as u16, image.height() as u16, colours).unwrap();
    bytes
}

/// A GIF of these pictures, in 6 × 7 × 6 colours; what is clear is transparent, all else opaque.
pub fn gif_of(pictures: &[DynamicImage]) -> Vec<u8> {
    const CLEAR: u8 = 252;
    let palette: Vec<u8> = (0..CLEAR).flat_map(|i| [i / 42 * 51, i / 6 % 7 * 42, i % 6 * 51]).chain([0; 3]).collect();
    let step = |value: u8, steps: u16| (u16::from(value) * steps / 256) as u8;
    let mut bytes = Vec::new();
    let size = (pictures[0].width() as u16, pictures[0].height() as u16);
    let mut encoder = gif::Encoder::new(&mut bytes, size.0, size.1, &[]).unwrap();
    for picture in pictures {
        let picture = picture.to_rgba8();
        let number = |[r, g, b, a]: [u8; 4]| match a {
            0 => CLEAR,
            _ => step(r, 6) * 42 + step(g, 7) * 6 + step(b, 6),
        };
        let numbers: Vec<u8> = picture.pixels().map(|pixel| number(pixel.0)).collect();
        let clear = numbers.contains(&CLEAR).then_some(CLEAR);
        encoder.write_frame(&gif::Frame::from_palette_pixels(size.0, size.1, numbers, palette.clone(), clear)).unwrap();
    }
    drop(encoder);
    bytes
}
