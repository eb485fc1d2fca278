//! Metadata of a picture, carried from one format to another.

use jpeg_encoder::{PixelDensity, PixelDensityUnit};

use crate::xmp;

/// The most copies of metadata that a decoder holds: as read, as kept and as handed over.
pub(crate) const COPIES: usize = 3;

/// What is carried from a file to its result.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Metadata {
    pub icc: Option<Vec<u8>>,
    /// The TIFF structure, without the prefix it has in a JPEG.
    pub exif: Option<Vec<u8>>,
    /// The main packet.
    pub xmp: Option<Vec<u8>>,
    /// From the format's own header, or from EXIF.
    pub density: Option<Density>,
    pub native: Native,
    /// How a JPEG was coded.
    pub coding: Option<Box<Coding>>,
    /// Whether the pixels are indices of a palette.
    pub has_palette: bool,
    /// Whether the channel in the place of alpha is of another kind, as a TIFF may have it.
    pub has_band: bool,
    /// Whether there is a C2PA manifest, which holds only for the unchanged file.
    pub has_credentials: bool,
    /// Whether there is a gain map (Ultra HDR).
    pub has_gain_map: bool,
    /// Whether there is a video (motion photo).
    pub has_video: bool,
    /// What a result does not keep, a line each.
    pub notes: Vec<String>,
}

impl Metadata {
    /// Takes from `other` what `self` lacks.
    pub(crate) fn or(self, other: Self) -> Self {
        let (icc, exif, xmp) = (self.icc.or(other.icc), self.exif.or(other.exif), self.xmp.or(other.xmp));
        Self { icc, exif, xmp, ..self }
    }

    /// Records what was taken out of XMP.
    pub(crate) fn note(&mut self, announced: xmp::Announced) {
        self.has_gain_map |= announced.gain_map;
        self.has_video |= announced.video;
    }

    /// Bytes of all copies that decoders hold.
    pub(crate) fn copies(&self) -> usize {
        let blocks = [&self.icc, &self.exif, &self.xmp].into_iter().flatten().map(Vec::len).sum::<usize>();
        let native = match &self.native {
            Native::None => 0,
            Native::Png(chunks) => chunks.len(),
            Native::Jpeg(segments) => segments.len(),
        };
        COPIES * (blocks + native)
    }
}

/// Metadata in the file's own format, with XMP and density. A result of the same format takes it unchanged.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Native {
    #[default]
    None,
    /// Whole chunks.
    Png(Vec<u8>),
    /// Whole segments.
    Jpeg(Vec<u8>),
}

/// How a JPEG is coded, for a result that is to be like it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Coding {
    /// Quantisation tables, row by row.
    pub luma: [u16; 64],
    pub chroma: [u16; 64],
    /// Pixels per sample of chroma, across and down.
    pub sampling: (usize, usize),
}

/// Pixels per unit, across and down.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Density {
    pub x: f64,
    pub y: f64,
    pub unit: Unit,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Unit {
    /// Only the ratio of the two counts.
    None,
    Inch,
    Centimetre,
    Metre,
}

const METRES_PER_INCH: f64 = 0.0254;

impl Density {
    /// Across and down: per metre, or their ratio alone.
    fn per_metre(self) -> [f64; 2] {
        [self.x, self.y].map(|v| match self.unit {
            Unit::None | Unit::Metre => v,
            Unit::Inch => v / METRES_PER_INCH,
            Unit::Centimetre => 100.0 * v,
        })
    }

    /// The content of a pHYs chunk. `None` for square pixels of unknown density.
    pub(crate) fn phys(self) -> Option<[u8; 9]> {
        let mut chunk = [0; 9];
        for (value, bytes) in self.per_metre().into_iter().zip(chunk.chunks_mut(4)) {
            bytes.copy_from_slice(&(value.round() as u32).to_be_bytes());
        }
        chunk[8] = u8::from(self.unit != Unit::None);
        (self.unit != Unit::None || self.x != self.y).then_some(chunk)
    }

    /// From the content of a pHYs chunk.
    pub(crate) fn of_phys(chunk: &[u8]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, unit] = *<&[u8; 9]>::try_from(chunk).ok()?;
        let unit = if unit == 1 { Unit::Metre } else { Unit::None };
        Some(Self { x: u32::from_be_bytes([a, b, c, d]).into(), y: u32::from_be_bytes([e, f, g, h]).into(), unit })
    }

    /// In JFIF's whole numbers: per inch, or per centimetre if only those are whole. `None` if they do not fit in 16
    /// bits.
    pub(crate) fn jfif(self) -> Option<PixelDensity> {
        let given = [self.x, self.y];
        let are_whole = given.iter().all(|v| v.fract() == 0.0);
        let metres = self.per_metre().map(f64::round);
        let inches = metres.map(|v| (v * METRES_PER_INCH).round());
        let are_inches = metres.iter().zip(inches).all(|(v, inches)| (inches / METRES_PER_INCH).round() == *v);
        let (values, unit) = match self.unit {
            Unit::None => (given.map(f64::round), PixelDensityUnit::PixelAspectRatio),
            Unit::Inch if are_whole => (given, PixelDensityUnit::Inches),
            Unit::Centimetre if are_whole => (given, PixelDensityUnit::Centimeters),
            _ if !are_inches && metres.iter().all(|v| v % 100.0 == 0.0) => {
                (metres.map(|v| v / 100.0), PixelDensityUnit::Centimeters)
            }
            _ => (inches, PixelDensityUnit::Inches),
        };
        let fits = values.iter().all(|v| (1.0..=65_535.0).contains(v));
        fits.then_some(PixelDensity { density: (values[0] as u16, values[1] as u16), unit })
    }

    /// From a JFIF header: version, unit, density across and down.
    pub(crate) fn of_jfif(header: &[u8]) -> Option<Self> {
        let [_, _, unit, a, b, c, d] = *header.first_chunk::<7>()?;
        let unit = match unit {
            1 => Unit::Inch,
            2 => Unit::Centimetre,
            _ => Unit::None,
        };
        Some(Self { x: u16::from_be_bytes([a, b]).into(), y: u16::from_be_bytes([c, d]).into(), unit })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_jfif_density_comes_back_through_png() {
        for unit in [1, 2] {
            for v in [1u16, 2, 72, 96, 118, 150, 299, 300, 600, 4800, 65_535] {
                let [a, b] = v.to_be_bytes();
                let density = Density::of_jfif(&[1, 1, unit, a, b, a, b]).unwrap();
                let back = Density::of_phys(&density.phys().unwrap()).unwrap().jfif().unwrap();
                let per_cm = |unit: PixelDensityUnit, v: u16| match unit {
                    PixelDensityUnit::Inches => f64::from(v) / 2.54,
                    _ => f64::from(v),
                };
                let asked = if unit == 1 { f64::from(v) / 2.54 } else { f64::from(v) };
                assert!((per_cm(back.unit, back.density.0) - asked).abs() <= 0.005, "{v} {unit}: {back:?}");
                // 2.54 times a number of centimetres may be whole as well.
                assert!(unit != 1 || back == PixelDensity::dpi(v), "{v}: {back:?}");
            }
        }
    }

    #[test]
    fn densities_become_phys_and_jfif() {
        let dpi = Density { x: 300.0, y: 72.0, unit: Unit::Inch };
        assert_eq!(dpi.phys(), Some([0, 0, 0x2E, 0x23, 0, 0, 0x0B, 0x13, 1]));
        assert_eq!(Density { x: 1.0, y: 1.0, unit: Unit::None }.phys(), None);
        assert_eq!(Density { x: 2.0, y: 1.0, unit: Unit::None }.phys(), Some([0, 0, 0, 2, 0, 0, 0, 1, 0]));
        // 240 per inch, as in a TIFF that was made from a PNG.
        let dpi = Density { x: 94.49, y: 94.49, unit: Unit::Centimetre };
        assert_eq!((dpi.jfif(), dpi.phys().unwrap()[2..4] == [0x24, 0xE9]), (Some(PixelDensity::dpi(240)), true));
        assert_eq!(Density { x: 9e6, y: 1.0, unit: Unit::Metre }.jfif(), None);
    }
}
