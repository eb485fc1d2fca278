//! A decoded picture: its pixels, upright, and the metadata for its result.

use std::borrow::Cow;
use std::io::Write;
use std::ops::{ControlFlow, Range};
use std::sync::Arc;

use image::DynamicImage;
use image::metadata::Orientation;
use inpaint_edge::{Error, Inpainter, Mask, Progress, Report, Result, alloc};

use crate::directories::Structure;
use crate::fault::unwritable;
use crate::fill::fill;
use crate::format::OutputFormat;
use crate::header::encoder_bytes;
use crate::metadata::{Metadata, Unit};
use crate::{alpha, exif, jpeg, png, tiff, webp, xmp};

const SEALED: &str = "this hole is filled already, as the seal of the file says: nothing is changed";

/// A decoded image file: its pixels, upright, and the metadata that a result keeps.
///
/// Palettes become RGB or RGBA, 1-, 2- and 4-bit grey becomes 8-bit by exact scaling; 16 bits stay 16 bits.
#[derive(Clone, Debug)]
pub struct Photo {
    /// Grey, grey + alpha, RGB or RGBA with 8 or 16 bits, upright. [`Encoded::decode_to_fill`](crate::Encoded::decode_to_fill)
    /// leaves some black.
    pub pixels: DynamicImage,
    /// The EXIF orientation that was applied to `pixels`.
    orientation: Orientation,
    metadata: Metadata,
    /// The JPEG that was decoded.
    pub(crate) original: Option<Arc<jpeg::Original>>,
    /// What was decoded; `None` is all.
    pub(crate) decoded: Option<Mask>,
    /// What [`Photo::fill`] filled holes by, for the seal.
    filled_by: Option<Vec<u8>>,
}

impl Photo {
    /// Turns `pixels`, as the file stores them, upright.
    pub(crate) fn upright(mut pixels: DynamicImage, metadata: Metadata) -> Result<Self> {
        let (metadata, orientation) = Self::metadata(metadata)?;
        exif::turn(&mut pixels, orientation)?;
        Ok(Self::new(pixels, orientation, metadata))
    }

    /// A photograph of `pixels` that were turned upright by `orientation`.
    pub(crate) fn new(pixels: DynamicImage, orientation: Orientation, metadata: Metadata) -> Self {
        Self { pixels, orientation, metadata, original: None, decoded: None, filled_by: None }
    }

    /// Metadata as a result keeps it, and what turns the pixels upright.
    pub(crate) fn metadata(mut metadata: Metadata) -> Result<(Metadata, Orientation)> {
        metadata.exif = metadata.exif.map(exif::carried).transpose()?.filter(|exif| !exif.is_empty());
        if metadata.exif.as_deref().is_some_and(|exif| Structure::new(exif).is_none()) {
            metadata.exif = None;
            metadata.notes.push("EXIF that cannot be read is not kept".to_owned());
        }
        // EXIF comes before a mere aspect ratio, which cameras write into JFIF although EXIF has the density.
        let known = metadata.density.filter(|density| density.unit != Unit::None);
        metadata.density = known.or_else(|| exif::density(metadata.exif.as_deref())).or(metadata.density);
        if let Some(packet) = &mut metadata.xmp {
            let announced = xmp::quiet(packet)?;
            metadata.note(announced);
        }
        let orientation = exif::orientation(&metadata);
        Ok((metadata, orientation))
    }

    /// What a result does not keep or stores in another way, such as a palette, which is written as RGB: one line each,
    /// without a full stop.
    pub fn notes(&self) -> Vec<String> {
        let colours = if self.pixels.color().has_alpha() { "RGBA" } else { "RGB" };
        let palette = self.metadata.has_palette.then(|| format!("a palette, written as {colours}"));
        let Metadata { has_gain_map, has_video, has_credentials, notes, .. } = &self.metadata;
        let dropped = [
            (*has_gain_map, "the gain map (Ultra HDR) is not kept"),
            (*has_video, "the video of the motion photo is not kept"),
            (*has_credentials, "the content credentials (C2PA) no longer hold and are not kept"),
        ];
        let dropped = dropped.into_iter().filter(|(is_there, _)| *is_there).map(|(_, note)| note.to_owned());
        palette.into_iter().chain(dropped).chain(notes.iter().cloned()).collect()
    }

    /// Whether the pixels have an alpha channel. A further channel of a TIFF that is not alpha does not count.
    pub fn has_alpha(&self) -> bool {
        self.pixels.color().has_alpha() && !self.metadata.has_band
    }

    /// Whether the file's EXIF orientation turns or mirrors its pixels.
    pub fn is_turned(&self) -> bool {
        self.orientation != Orientation::NoTransforms
    }

    /// The same file with other pixels, upright.
    pub fn with_pixels(self, pixels: DynamicImage) -> Self {
        Self { pixels, original: None, decoded: None, ..self }
    }

    /// Fills the hole as [`fill`](crate::fill()) does. With `seal`, [`Photo::write_filled`] seals a JPEG made from a JPEG; and where
    /// this is one that it made of the same hole, filled in the same way, nothing is changed, and [`Photo::notes`] tells.
    ///
    /// A seal proves nothing, since anybody can make one. Where strangers' files are filled to hide something, do without.
    ///
    /// # Errors
    ///
    /// As [`fill`](crate::fill()); usage, where `inpainter` would look at what was not decoded.
    pub fn fill(
        &mut self,
        inpainter: &Inpainter,
        hole: &Mask,
        seal: bool,
        progress: &mut (dyn FnMut(Progress) -> ControlFlow<()> + Send),
    ) -> Result<Report> {
        let (width, height) = (self.pixels.width() as usize, self.pixels.height() as usize);
        self.filled_by = None;
        if let Some(decoded) = &self.decoded
            && (hole.width(), hole.height()) == (width, height)
            && !is_within(&inpainter.seen(hole)?, decoded)
        {
            return Err(Error::usage("expected a hole of which all that a run looks at is decoded, found another"));
        }
        if let (Some(original), true) = (&self.original, seal)
            && original.is_like(&self.pixels, self.orientation)
            && (hole.width(), hole.height()) == (width, height)
        {
            let by = inpainter.identity()?;
            let is_sealed = original.is_sealed(hole, self.orientation, &by)?;
            self.filled_by = Some(by);
            if is_sealed {
                self.metadata.notes.push(SEALED.to_owned());
                let mut report =
                    inpainter.plan(&Mask::new(width, height)?, self.pixels.color().channel_count().into())?;
                report.hole_pixels = hole.count();
                return Ok(report);
            }
        }
        fill(inpainter, &mut self.pixels, hole, progress)
    }

    /// The pixels turned back to how the file stores them.
    pub fn stored(&self) -> Cow<'_, DynamicImage> {
        if self.orientation == Orientation::NoTransforms {
            return Cow::Borrowed(&self.pixels);
        }
        let mut pixels = self.pixels.clone();
        pixels.apply_orientation(exif::inverse(self.orientation));
        Cow::Owned(pixels)
    }

    /// Refuses a format that cannot hold these pixels once the hole of `made_opaque` is opaque.
    ///
    /// # Errors
    ///
    /// Usage, if the pixels are transparent, have 16 bits or have a band beside the colours, and the format holds none
    /// of that; or if samples are neither `u8` nor `u16`.
    pub fn check_format(&self, format: OutputFormat, made_opaque: Option<&Mask>) -> Result<()> {
        if self.metadata.has_band && format != OutputFormat::Tiff {
            let found = "a band beside the colours that is no alpha (ExtraSamples 0)";
            let help = "`convert in.tif -alpha off out.tif` leaves it out";
            return Err(Error::usage(format!("expected a result as .tif, found {found}; {help}")));
        }
        let color = self.pixels.color();
        if self.pixels.as_flat_samples_u8().is_none() && self.pixels.as_flat_samples_u16().is_none() {
            return Err(Error::usage(format!("expected 8 or 16 bits a sample, found {color:?}")));
        }
        let deep = color.bytes_per_pixel() > color.channel_count();
        let (expected, fits) = match format {
            OutputFormat::Png | OutputFormat::Tiff => return Ok(()),
            OutputFormat::WebP => ("8 bits for WebP", !deep),
            OutputFormat::Jpeg(_) => {
                ("8 bits without transparency for JPEG", !deep && alpha::is_opaque(&self.pixels, made_opaque))
            }
        };
        let channels = ["grey", "grey with alpha", "RGB", "RGBA"][usize::from(color.channel_count()) - 1];
        let found = if deep { format!("{channels} of 16 bits") } else { channels.to_owned() };
        if fits {
            Ok(())
        } else {
            Err(Error::usage(format!("expected {expected}, found {found}; .png and .tif hold them")))
        }
    }

    /// Encodes the stored pixels with what the file carried: ICC profile, EXIF without its thumbnail, XMP and density where
    /// the format has a place for them; from PNG to PNG further chunks, from JPEG to JPEG comments and IPTC.
    ///
    /// # Errors
    ///
    /// Usage, if the format cannot hold these pixels or their metadata, or if some were not decoded.
    pub fn encode(&self, format: OutputFormat) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write(format, &mut out)?;
        Ok(out)
    }

    /// As [`Photo::encode`], of a picture whose hole was filled. From JPEG to JPEG without a quality, all is taken from the file
    /// that the hole does not touch, whatever `pixels` holds there.
    ///
    /// # Errors
    ///
    /// As [`Photo::encode`]; input, if `hole` is not of the picture's size; usage, if some of it was not decoded.
    pub fn encode_filled(&self, format: OutputFormat, hole: &Mask) -> Result<Vec<u8>> {
        let mut out = Vec::new();
        self.write_filled(format, hole, &mut out)?;
        Ok(out)
    }

    /// As [`Photo::encode_filled`], into `out`, piece by piece where [`Photo::write`] does.
    ///
    /// # Errors
    ///
    /// As [`Photo::encode_filled`]; output, where `out` cannot be written; limits, where memory cannot be had.
    pub fn write_filled(&self, format: OutputFormat, hole: &Mask, out: &mut dyn Write) -> Result<()> {
        let (width, height) = (self.pixels.width() as usize, self.pixels.height() as usize);
        if (hole.width(), hole.height()) != (width, height) {
            let found = format_args!("{}×{}", hole.width(), hole.height());
            return Err(Error::input(format!("expected a hole in {width}×{height} pixels, found one in {found}")));
        }
        match &self.original {
            _ if self.decoded.as_ref().is_some_and(|decoded| !is_within(hole, decoded)) => Err(undecoded()),
            Some(original)
                if format == OutputFormat::Jpeg(None) && original.is_like(&self.pixels, self.orientation) =>
            {
                let by = self.filled_by.as_deref();
                original.write(out, &self.metadata, (&self.pixels, hole), self.orientation, by)?;
                out.flush().map_err(unwritable)
            }
            _ => self.write(format, out),
        }
    }

    /// Drops the alpha channel if all pixels are opaque and `format` has none.
    pub fn fit(&mut self, format: OutputFormat) {
        if matches!(format, OutputFormat::Jpeg(_)) && alpha::is_opaque(&self.pixels, None) {
            alpha::drop(&mut self.pixels);
        }
    }

    /// As [`Photo::encode`], into `out`, piece by piece unless the format is WebP.
    ///
    /// # Errors
    ///
    /// As [`Photo::encode`]; output, where `out` cannot be written; limits, where memory cannot be had.
    pub fn write(&self, format: OutputFormat, out: &mut dyn Write) -> Result<()> {
        if self.decoded.is_some() {
            return Err(undecoded());
        }
        self.check_format(format, None)?;
        let turned = if self.orientation == Orientation::NoTransforms { 0 } else { 2 * self.pixels.as_bytes().len() };
        let encoder = encoder_bytes(format, self.pixels.width(), self.pixels.height());
        alloc::try_alloc(turned + encoder + self.metadata.copies())?;
        let mut stored = self.stored();
        if matches!(format, OutputFormat::Jpeg(_)) && stored.color().has_alpha() {
            alloc::try_alloc(stored.as_bytes().len())?;
            alpha::drop(stored.to_mut());
        }
        match format {
            OutputFormat::Png => png::write(&mut *out, &stored, &self.metadata)?,
            OutputFormat::Tiff => tiff::write(out, &stored, &self.metadata)?,
            OutputFormat::WebP => webp::write(out, &stored, &self.metadata)?,
            OutputFormat::Jpeg(quality) => jpeg::write(out, &stored, &self.metadata, quality)?,
        }
        out.flush().map_err(unwritable)
    }
}

/// Whether `other` is of the same size and has all of `mask`.
fn is_within(mask: &Mask, other: &Mask) -> bool {
    let is_in = |y: usize, run: Range<usize>| other.runs(y, run.clone()).eq([run]);
    let is_same_size = (mask.width(), mask.height()) == (other.width(), other.height());
    is_same_size && (0..mask.height()).all(|y| mask.runs(y, 0..mask.width()).all(|run| is_in(y, run)))
}

fn undecoded() -> Error {
    Error::usage("expected a picture that is decoded where it is written, found one that is decoded elsewhere")
}

#[cfg(test)]
mod tests {
    use super::*;
    use inpaint_edge::ErrorKind;

    fn photo(orientation: Orientation) -> Photo {
        let mut n = 0u8;
        let pixels = image::RgbImage::from_fn(5, 3, |_, _| {
            n += 1;
            image::Rgb([n, n + 50, n + 100])
        });
        let mut upright = DynamicImage::from(pixels);
        upright.apply_orientation(orientation);
        Photo::new(upright, orientation, Metadata::default())
    }

    #[test]
    fn every_orientation_turns_back() {
        for tag in 1..=8 {
            let orientation = Orientation::from_exif(tag).unwrap();
            assert_eq!(*photo(orientation).stored(), photo(Orientation::NoTransforms).pixels, "orientation {tag}");
        }
    }

    #[test]
    fn formats_refuse_pixels_that_they_cannot_hold() {
        let deep = photo(Orientation::NoTransforms).with_pixels(DynamicImage::new_rgb16(2, 2));
        assert!(deep.encode(OutputFormat::Png).is_ok());
        assert_eq!(deep.encode(OutputFormat::WebP).unwrap_err().kind(), ErrorKind::Usage);
        let float = photo(Orientation::NoTransforms).with_pixels(DynamicImage::new_rgb32f(2, 2));
        for format in [OutputFormat::Png, OutputFormat::Tiff, OutputFormat::WebP, OutputFormat::Jpeg(None)] {
            assert_eq!(float.encode(format).unwrap_err().kind(), ErrorKind::Usage, "{format:?}");
        }
        let clear = photo(Orientation::NoTransforms).with_pixels(DynamicImage::new_rgba8(2, 2));
        assert!(clear.encode(OutputFormat::WebP).is_ok());
        assert_eq!(clear.encode(OutputFormat::Jpeg(Some(95))).unwrap_err().kind(), ErrorKind::Usage);
    }
}
