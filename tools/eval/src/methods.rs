//! Ways to fill a hole.

use crate::cases::{hole, open};
use image::RgbImage;
use inpaint_edge::{Inpainter, Options, Texture, numerics, prior::Harmonic};
use ndarray::ArrayView3;
use std::path::{Path, PathBuf};

/// Cycles after which the harmonic fill no longer changes in 8 bits.
const CONVERGED: usize = 30;

/// What fills.
#[derive(Clone, Debug)]
pub enum Method {
    /// The network of a weights file, without texture or as the program runs it.
    Network {
        /// Its name in the report.
        name: String,
        /// The weights file.
        weights: PathBuf,
        /// How many pixels around a hole it sees; `None`: as the file says.
        context: Option<usize>,
        /// Which holes get texture.
        texture: Texture,
    },
    /// Laplace's equation, solved to convergence.
    Harmonic,
    /// Pictures made by another program, `DIR/GROUP/CROP.png`.
    Files {
        /// Its name in the report.
        name: String,
        /// The folder.
        dir: PathBuf,
    },
}

impl Method {
    /// The network of a weights file and texture where the program gives it.
    pub fn textured(weights: &Path) -> Self {
        Self::Network { name: "texture".to_owned(), weights: weights.to_owned(), context: None, texture: Texture::Auto }
    }

    /// The network of a weights file alone, with this context in place of the file's.
    pub fn network(weights: &Path, context: Option<usize>) -> Self {
        let name = match context {
            None => "network".to_owned(),
            Some(usize::MAX) => "network-all".to_owned(),
            Some(pixels) => format!("network-{pixels}"),
        };
        Self::Network { name, weights: weights.to_owned(), context, texture: Texture::Off }
    }

    /// The name in the report.
    pub fn name(&self) -> &str {
        match self {
            Self::Network { name, .. } | Self::Files { name, .. } => name,
            Self::Harmonic => "harmonic",
        }
    }

    /// Makes ready to fill, for one thread.
    ///
    /// # Errors
    /// If the weights cannot be used.
    pub fn ready(&self) -> Result<Filler, String> {
        Ok(match self {
            Self::Network { weights, context, texture, .. } => {
                let options = Options::default().threads(1).context(*context).texture(*texture);
                Filler::Network(Box::new(Inpainter::from_path(weights, options).map_err(|error| error.to_string())?))
            }
            Self::Harmonic => Filler::Harmonic,
            Self::Files { dir, .. } => Filler::Files(dir.clone()),
        })
    }
}

/// `NAME=DIR`.
impl std::str::FromStr for Method {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, dir))
                if !name.is_empty() && !name.starts_with("network") && !["texture", "harmonic"].contains(&name) =>
            {
                Ok(Self::Files { name: name.into(), dir: dir.into() })
            }
            _ => Err(format!("expected NAME=DIR with a name of its own, found `{text}`")),
        }
    }
}

/// A method ready to fill.
pub enum Filler {
    /// See [`Method::Network`].
    Network(Box<Inpainter>),
    /// See [`Method::Harmonic`].
    Harmonic,
    /// See [`Method::Files`].
    Files(PathBuf),
}

impl Filler {
    /// The crop with its hole (`known` 0) filled; known pixels are the crop's own. `file` is GROUP/CROP.png.
    ///
    /// # Errors
    /// If the engine refuses, or the file of another program is missing, of another size, or not the crop's elsewhere.
    pub fn fill(&self, crop: &RgbImage, known: &[u8], file: &Path) -> Result<RgbImage, String> {
        let (width, height) = (crop.width() as usize, crop.height() as usize);
        let mask = || hole(known, width, height);
        match self {
            Self::Network(inpainter) => {
                let image = ArrayView3::from_shape((height, width, 3), crop.as_raw()).expect("three bytes a pixel");
                let filled = inpainter.inpaint(image, &mask()?).map_err(|error| error.to_string())?;
                let bytes = filled.into_raw_vec_and_offset().0;
                Ok(RgbImage::from_raw(crop.width(), crop.height(), bytes).expect("three bytes a pixel"))
            }
            Self::Harmonic => {
                let mut image: Vec<f32> = crop.iter().map(|&v| f32::from(v) / 255.0).collect();
                let solver = Harmonic::new(width, height).map_err(|error| error.to_string())?;
                let mut scratch = vec![0.0; solver.scratch_len()];
                solver.fill(&mut image, &mask()?, CONVERGED, &mut scratch);
                let bytes = image.into_iter().map(|v| numerics::quantize(v, 255) as u8).collect();
                Ok(RgbImage::from_raw(crop.width(), crop.height(), bytes).expect("three bytes a pixel"))
            }
            Self::Files(dir) => {
                let path = dir.join(file);
                let filled = open(&path)?.into_rgb8();
                if filled.dimensions() != crop.dimensions() {
                    let (w, h) = filled.dimensions();
                    return Err(format!("{}: expected {width}×{height}, found {w}×{h}", path.display()));
                }
                let own = filled.pixels().zip(crop.pixels()).zip(known).all(|((a, b), known)| *known == 0 || a == b);
                if !own {
                    return Err(format!("{}: changed outside the hole", path.display()));
                }
                Ok(filled)
            }
        }
    }
}
