//! Decodes TIFF.

use image::{DynamicImage, ImageBuffer, Luma, LumaA, Pixel, Rgb, Rgba};
use inpaint_edge::{Result, alloc};

use super::chunk;
use super::layout::{Colours, ExtraSample, Layout};
use crate::directories::{MAX_ENTRIES, tag};
use crate::exif;
use crate::header::Header;
use crate::limits::check_metadata;
use crate::metadata::Metadata;

/// The header, with the memory that decoding takes, `bytes` included.
pub(crate) fn header(bytes: &[u8]) -> Result<Header> {
    let layout = Layout::of(bytes)?;
    Ok(layout.header(&layout.metadata()?))
}

/// Decodes to grey or RGB, with or without alpha, of 8 or 16 bits.
pub(crate) fn decode(bytes: &[u8]) -> Result<(DynamicImage, Metadata)> {
    let layout = Layout::of(bytes)?;
    let mut metadata = layout.metadata()?;
    alloc::try_alloc(layout.header(&metadata).decode_bytes() - bytes.len())?;
    let pixels = match layout.bits {
        16 => {
            let mut samples = layout.samples(|sample| sample)?;
            metadata.notes.extend(layout.normalise(&mut samples, u16::MAX));
            match layout.channels() {
                1 => layout.image::<Luma<u16>>(samples),
                2 => layout.image::<LumaA<u16>>(samples),
                3 => layout.image::<Rgb<u16>>(samples),
                _ => layout.image::<Rgba<u16>>(samples),
            }
        }
        _ => {
            let mut samples = if layout.is_in_place() { layout.samples_in_place() } else { layout.narrow_samples() }?;
            metadata.notes.extend(layout.normalise(&mut samples, u8::MAX));
            match layout.channels() {
                1 => layout.image::<Luma<u8>>(samples),
                2 => layout.image::<LumaA<u8>>(samples),
                3 => layout.image::<Rgb<u8>>(samples),
                _ => layout.image::<Rgba<u8>>(samples),
            }
        }
    };
    Ok((pixels, metadata))
}

impl Layout<'_> {
    /// Samples of a pixel once decoded.
    fn channels(&self) -> usize {
        if self.colours == Colours::Palette { 3 } else { self.samples }
    }

    /// The header, with the memory that decoding takes, the file included.
    fn header(&self, metadata: &Metadata) -> Header {
        let size = (self.width as u32, self.height as u32);
        let decoder_bytes = self.file.bytes.len() + metadata.copies() + self.buffer_bytes();
        let turned = Header::of_stored(size, exif::orientation(metadata));
        Header { channels: self.channels(), sample_bytes: self.bits.div_ceil(8), decoder_bytes, ..turned }
    }

    /// Whether decoded strips are the pixels already.
    fn is_in_place(&self) -> bool {
        self.bits == 8 && self.part.0 == self.width && self.planes == 1 && self.colours != Colours::Palette
    }

    /// Bytes of the buffer for a strip or tile, unless it is decoded in its place.
    fn buffer_bytes(&self) -> usize {
        if self.is_in_place() { 0 } else { self.part.1 * self.row_bytes() }
    }

    fn samples_in_place(&self) -> Result<Vec<u8>> {
        let row = self.row_bytes();
        let mut samples = alloc::try_filled(0, self.height * row)?;
        for part in self.parts().flatten() {
            // Tiles as wide as the picture may have rows below it.
            let rows = part.rows.min(self.height - part.y);
            chunk::decode(self, &part, rows, &mut samples[part.y * row..][..rows * row])?;
        }
        Ok(samples)
    }

    /// The pixels in samples of 8 bits: fewer bits are scaled exactly, palette indices become colours.
    fn narrow_samples(&self) -> Result<Vec<u8>> {
        let most = (1 << self.bits) - 1;
        match self.colours {
            Colours::Palette => {
                let palette = self.palette()?;
                let mut colours = alloc::try_filled(0, self.width * self.height * 3)?;
                self.each_sample(|at, sample| {
                    colours[3 * at..][..3].copy_from_slice(&palette[usize::from(sample)]);
                })?;
                Ok(colours)
            }
            _ => self.samples(|sample| (sample * (255 / most)) as u8),
        }
    }

    fn samples<T: Copy + Default>(&self, of: impl Fn(u16) -> T) -> Result<Vec<T>> {
        let mut samples = alloc::try_filled(T::default(), self.width * self.height * self.samples)?;
        self.each_sample(|at, sample| samples[at] = of(sample))?;
        Ok(samples)
    }

    /// Calls `put` with the index and the stored value of every sample.
    fn each_sample(&self, mut put: impl FnMut(usize, u16)) -> Result<()> {
        let (row_bytes, each) = (self.row_bytes(), self.part_samples());
        let mut buffer = alloc::try_filled(0, self.buffer_bytes())?;
        for part in self.parts().flatten() {
            let (width, rows) = (self.part.0.min(self.width - part.x), part.rows.min(self.height - part.y));
            chunk::decode(self, &part, rows, &mut buffer[..rows * row_bytes])?;
            for (y, row) in (part.y..).zip(buffer.chunks(row_bytes).take(rows)) {
                let start = (y * self.width + part.x) * self.samples + part.plane;
                // Samples of a plane are as far apart as pixels are.
                let step = if self.planes > 1 { self.samples } else { 1 };
                let places = (start..).step_by(step).take(width * each);
                match self.bits {
                    8 => places.zip(row).for_each(|(at, v)| put(at, (*v).into())),
                    16 => places.zip(row.as_chunks().0).for_each(|(at, v)| put(at, u16::from_ne_bytes(*v))),
                    bits => {
                        let mask = (1 << bits) - 1;
                        let of_byte = |byte: &u8| {
                            let byte = u16::from(*byte);
                            (0..8).step_by(bits).rev().map(move |shift| byte >> shift & mask)
                        };
                        places.zip(row.iter().flat_map(of_byte)).for_each(|(at, v)| put(at, v));
                    }
                }
            }
        }
        Ok(())
    }

    /// Inverts greys whose white is 0, and divides colours by associated alpha. Returns a note if colours were divided.
    fn normalise<T>(&self, samples: &mut [T], most: T) -> Option<String>
    where
        T: Copy + Into<u32> + TryFrom<u32> + PartialEq,
    {
        let most: u32 = most.into();
        let sample = |value: u32| T::try_from(value).ok().expect("no more than the most");
        let pixels = samples.chunks_exact_mut(self.channels());
        if self.colours == (Colours::Grey { is_inverted: true }) {
            pixels.for_each(|pixel| pixel[0] = sample(most - pixel[0].into()));
        }
        if self.extra_sample != Some(ExtraSample::AssociatedAlpha) {
            return None;
        }
        let (mut divided, mut clipped) = (0, 0);
        for pixel in samples.chunks_exact_mut(self.channels()) {
            let Some((alpha, colours)) = pixel.split_last_mut() else { continue };
            let alpha: u32 = (*alpha).into();
            if alpha < most {
                divided += 1;
                clipped += usize::from(colours.iter().any(|v| (*v).into() > alpha));
                colours.iter_mut().for_each(|v| *v = sample(divide((*v).into(), alpha, most)));
            }
        }
        let bright = if clipped == 0 { String::new() } else { format!(", {clipped} pixels brighter than it clipped") };
        (divided > 0).then(|| format!("colours multiplied by alpha, written as colours beside it{bright}"))
    }

    fn image<P: Pixel>(&self, samples: Vec<P::Subpixel>) -> DynamicImage
    where
        DynamicImage: From<ImageBuffer<P, Vec<P::Subpixel>>>,
    {
        let image = ImageBuffer::from_raw(self.width as u32, self.height as u32, samples);
        image.expect("a sample per pixel and channel").into()
    }

    /// What the file says about the photograph, as an EXIF block.
    fn exif(&self) -> Result<Option<Vec<u8>>> {
        let mut block = alloc::try_to_vec(if self.file.is_big_endian { b"MM\0*" } else { b"II*\0" })?;
        alloc::try_extend(&mut block, &self.file.order(8u32.to_le_bytes()))?;
        self.file.copy(self.ifd0, 0, &mut { MAX_ENTRIES }, &mut block)?;
        Ok((block[8..10] != [0; 2]).then_some(block))
    }

    fn metadata(&self) -> Result<Metadata> {
        let data = |tag| self.file.find(self.ifd0, tag).map(|entry| entry.data);
        let (icc, xmp) = (data(tag::ICC_PROFILE), data(tag::XMP));
        check_metadata([icc, xmp].into_iter().flatten().map(<[u8]>::len).sum())?;
        let (icc, xmp) = (icc.map(alloc::try_to_vec).transpose()?, xmp.map(alloc::try_to_vec).transpose()?);
        let mut notes = Vec::new();
        let has_band = self.extra_sample == Some(ExtraSample::Unspecified);
        if has_band {
            notes.push("a band beside the colours that is no alpha (ExtraSamples 0), kept as it is, not filled".into());
        }
        let has_credentials = data(tag::C2PA).is_some();
        let has_palette = self.colours == Colours::Palette;
        Ok(Metadata {
            icc,
            exif: self.exif()?,
            xmp,
            has_palette,
            has_band,
            has_credentials,
            notes,
            ..Metadata::default()
        })
    }
}

/// Undoes the multiplication of a colour by `alpha` of `most`, rounded to the nearest and at most `most`. Multiplied
/// again, a colour no brighter than its alpha comes out the same. Alpha 0 gives 0.
fn divide(value: u32, alpha: u32, most: u32) -> u32 {
    (value * most + alpha / 2).checked_div(alpha).unwrap_or(0).min(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_divided_colour_multiplies_back() {
        for most in [255u32, 65_535] {
            let step = most / 255;
            for alpha in (0..=most).step_by(step as usize) {
                for value in (0..=alpha).step_by(step as usize) {
                    let divided = divide(value, alpha, most);
                    assert!(divided <= most);
                    let again = (u64::from(divided) * u64::from(alpha) + u64::from(most / 2)) / u64::from(most);
                    assert_eq!(again, u64::from(value), "{value} of {alpha}");
                }
            }
            assert_eq!((divide(9, 0, most), divide(most, most / 2, most)), (0, most));
        }
    }
}
