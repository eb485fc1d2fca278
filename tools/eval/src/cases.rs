//! What is evaluated: centre crops of photographs, each under one mask of every group.

use crate::shapes::{ROOM, Shape, Shapes};
use image::{DynamicImage, ImageDecoder, ImageReader, RgbImage, imageops};
use inpaint_edge::{Mask, MaskRule, MaskWhite};
use inpaint_train::{
    masks::{Kind, Masks},
    rng::Rng,
};
use ndarray::ArrayView2;
use std::{
    fs,
    path::{Path, PathBuf},
};

/// The hole ratios that results are told by.
pub const BUCKETS: [[f32; 2]; 6] = [[0.01, 0.1], [0.1, 0.2], [0.2, 0.3], [0.3, 0.4], [0.4, 0.5], [0.5, 0.6]];

/// A photograph's centre crop.
pub struct Crop {
    /// The file's path below its folder, without its ending, `/` as `_`.
    pub name: String,
    /// Square, 8 bits.
    pub pixels: RgbImage,
}

/// Crops under the same kind of mask, averaged together.
pub struct Group {
    /// The table it belongs to.
    pub table: Table,
    /// What its holes are.
    pub name: String,
    source: Source,
}

/// Which rows stand together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Table {
    /// Six ranges of hole ratios.
    Buckets,
    /// Error concealment (lost macroblocks) and object removal (blobs).
    Cases,
    /// Fixed ratios: strokes of 5 … 45 %, blocks of 20 %, blobs of 10 %.
    Fixed,
    /// Blobs, boxes and silhouettes 60 … 250 px wide.
    Wide,
}

impl Table {
    /// In the order of the report.
    pub const ALL: [Self; 4] = [Self::Buckets, Self::Cases, Self::Fixed, Self::Wide];

    /// Its heading.
    pub fn title(self) -> &'static str {
        match self {
            Self::Buckets => "By hole ratio",
            Self::Cases => "By case",
            Self::Fixed => "At fixed hole ratios",
            Self::Wide => "Wide holes",
        }
    }

    /// Whether PSNR, SSIM and feature distance are of the hole alone, not of the composite.
    pub fn hole_alone(self) -> bool {
        self == Self::Wide
    }
}

enum Source {
    Files(Vec<PathBuf>),
    Drawn(Masks),
    Shapes(Shapes),
}

/// Where the masks of the buckets come from, and the seed of all that are drawn.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum MaskSource {
    /// PNG files, white = hole, below a folder; each goes into the bucket of its hole ratio.
    Folder(PathBuf),
    /// The trainer's generators, every kind, with this seed.
    Generator(u64),
}

impl MaskSource {
    /// The seed of generated masks; beside a folder it is 1.
    pub fn seed(&self) -> u64 {
        if let Self::Generator(seed) = self { *seed } else { 1 }
    }
}

impl std::str::FromStr for MaskSource {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.strip_prefix("generator:") {
            None => Ok(Self::Folder(text.into())),
            Some(seed) => seed
                .parse()
                .map(Self::Generator)
                .map_err(|_| format!("expected generator:SEED with a whole number, found `{text}`")),
        }
    }
}

/// The centre crops of the photographs below a folder, in the order of their paths; at most `limit`.
///
/// # Errors
/// If the folder or a photograph cannot be read, or no photograph is large enough.
pub fn crops(folder: &Path, size: usize, limit: usize) -> Result<Vec<Crop>, String> {
    let mut crops = Vec::new();
    for path in pictures(folder)? {
        if crops.len() == limit {
            break;
        }
        let photo = open(&path)?.into_rgb8();
        let side = size as u32;
        if photo.width().min(photo.height()) < side {
            eprintln!("skipped {}: expected {size} px, found {}×{}", path.display(), photo.width(), photo.height());
            continue;
        }
        let (x, y) = ((photo.width() - side) / 2, (photo.height() - side) / 2);
        let below = path.strip_prefix(folder).expect("found below it").with_extension("");
        let name = below.components().map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("_");
        crops.push(Crop { name, pixels: imageops::crop_imm(&photo, x, y, side, side).to_image() });
    }
    if crops.is_empty() {
        return Err(format!("{}: no photograph of at least {size}×{size} px", folder.display()));
    }
    Ok(crops)
}

/// The groups in the order of the report, for crops of this size. Crops smaller than [`ROOM`] have no wide holes.
///
/// # Errors
/// If the folder of masks cannot be read or fills no bucket; one that stays empty is left out.
pub fn groups(masks: &MaskSource, size: usize) -> Result<Vec<Group>, String> {
    let bucket_name = |[low, high]: [f32; 2]| format!("{low:.2}-{high:.2}");
    let mut groups: Vec<Group> = match masks {
        MaskSource::Generator(_) => BUCKETS
            .iter()
            .map(|&ratio| {
                let masks = Masks { ratio, ..Masks::default() };
                Group { table: Table::Buckets, name: bucket_name(ratio), source: Source::Drawn(masks) }
            })
            .collect(),
        MaskSource::Folder(folder) => {
            let mut files = vec![Vec::new(); BUCKETS.len()];
            for path in pictures(folder)? {
                let ratio = ratio(&white(&open(&path)?.into_luma8()));
                match BUCKETS.iter().rposition(|[low, _]| ratio >= f64::from(*low)) {
                    Some(bucket) if ratio <= f64::from(BUCKETS[bucket][1]) + 0.01 => files[bucket].push(path),
                    _ => eprintln!("skipped {}: hole ratio {ratio:.3}", path.display()),
                }
            }
            let mut buckets = BUCKETS.iter().zip(files).filter(|(_, files)| !files.is_empty()).peekable();
            if buckets.peek().is_none() {
                return Err(format!("{}: no mask with a hole ratio of 0.01 … 0.6", folder.display()));
            }
            buckets
                .map(|(ratio, files)| Group {
                    table: Table::Buckets,
                    name: bucket_name(*ratio),
                    source: Source::Files(files),
                })
                .collect()
        }
    };
    let mut drawn = |table, name: &str, kind, ratio| {
        groups.push(Group { table, name: name.into(), source: Source::Drawn(Masks::of(kind, ratio)) });
    };
    drawn(Table::Cases, "error-concealment", Kind::Blocks, 0.05..=0.3);
    drawn(Table::Cases, "object-removal", Kind::Blobs, 0.02..=0.25);
    for percent in [5, 15, 25, 35, 45] {
        let ratio = percent as f32 / 100.0;
        drawn(Table::Fixed, &format!("strokes-{percent:02}"), Kind::Strokes, ratio..=ratio);
    }
    drawn(Table::Fixed, "blocks-20", Kind::Blocks, 0.2..=0.2);
    drawn(Table::Fixed, "blobs-10", Kind::Blobs, 0.1..=0.1);
    let shapes = [("blob", Shape::Blob), ("box", Shape::Box), ("silhouette", Shape::Silhouette)];
    for (name, shape) in shapes.into_iter().filter(|_| size >= ROOM) {
        for width in [[60.0, 120.0], [120.0, 250.0]] {
            let name = format!("{name}-{}-{}", width[0], width[1]);
            groups.push(Group { table: Table::Wide, name, source: Source::Shapes(Shapes { shape, width }) });
        }
    }
    Ok(groups)
}

impl Group {
    /// The mask of the crop with this index, `[size, size]`, 1 = known. It depends on the group's name, the seed, the index and
    /// the size alone.
    ///
    /// # Errors
    /// If a mask file cannot be read.
    pub fn mask(&self, seed: u64, crop: usize, size: usize) -> Result<Vec<u8>, String> {
        let stream = self.name.bytes().fold(0, |hash: u64, byte| hash.wrapping_mul(257).wrapping_add(byte.into()));
        let mut rng = Rng::stream(seed, stream, crop as u64);
        match &self.source {
            Source::Drawn(masks) => Ok(masks.sample(&mut rng, size, size)),
            Source::Shapes(shapes) => Ok(shapes.sample(&mut rng, size)),
            Source::Files(files) => {
                let file = open(&files[crop % files.len()])?.into_luma8();
                let hole = white(&imageops::resize(&file, size as u32, size as u32, imageops::FilterType::Nearest));
                Ok(hole.into_iter().map(|hole| 1 - hole).collect())
            }
        }
    }
}

/// 1 where a mask file has its hole.
fn white(mask: &image::GrayImage) -> Vec<u8> {
    mask.iter().map(|&v| u8::from(v >= 128)).collect()
}

fn ratio(hole: &[u8]) -> f64 {
    hole.iter().filter(|&&hole| hole == 1).count() as f64 / hole.len() as f64
}

/// Share of a mask (0 = hole) that is hole.
pub fn hole_ratio(known: &[u8]) -> f64 {
    1.0 - ratio(known)
}

/// The hole of a mask of `width`×`height` bytes, 0 = hole.
///
/// # Errors
/// If memory cannot be had.
pub fn hole(known: &[u8], width: usize, height: usize) -> Result<Mask, String> {
    let known = ArrayView2::from_shape((height, width), known).expect("one byte a pixel");
    let rule = MaskRule::default().white(MaskWhite::Keep).threshold(1);
    Mask::from_bytes(known, rule).map_err(|error| error.to_string())
}

/// Decodes an image file and turns it upright.
///
/// # Errors
/// If it cannot be read; the message names it.
pub fn open(path: &Path) -> Result<DynamicImage, String> {
    let read = || {
        let mut decoder = ImageReader::open(path)?.with_guessed_format()?.into_decoder()?;
        let orientation = decoder.orientation()?;
        let mut image = DynamicImage::from_decoder(decoder)?;
        image.apply_orientation(orientation);
        Ok(image)
    };
    read().map_err(|error: image::ImageError| format!("{}: {error}", path.display()))
}

/// The picture files below a folder, sorted.
fn pictures(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let entries = fs::read_dir(&folder).and_then(|entries| entries.collect::<Result<Vec<_>, _>>());
        for entry in entries.map_err(|error| format!("{}: {error}", folder.display()))? {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default().to_string_lossy().to_lowercase();
            if path.is_dir() {
                folders.push(path);
            } else if ["png", "jpg", "jpeg", "webp"].contains(&&*ending) {
                found.push(path);
            }
        }
    }
    found.sort();
    Ok(found)
}
