//! What the program does, one type a subcommand.

use clap::Args;
use image::{GrayImage, RgbImage};
use inpaint_train::{
    data::{Augment, Batch, Folder, Recipe},
    gradcheck,
    masks::{self, Kind},
    rng::Rng,
    sheet::Sheet,
};
use std::{
    error::Error,
    fs,
    ops::RangeInclusive,
    path::{Path, PathBuf},
};

/// Write masks as PNG files, white = hole, named KIND-NUMBER.png.
#[derive(Args)]
pub struct Masks {
    /// Folder to write to; made if missing.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
    /// Kinds, separated by commas, or `all`.
    #[arg(long, default_value = "all", value_name = "KINDS")]
    kind: String,
    /// Width and height in pixels.
    #[arg(long, default_value_t = 256, value_parser = size)]
    size: usize,
    /// Masks of each kind.
    #[arg(long, default_value_t = 8)]
    count: usize,
    /// Share of the picture that is hole.
    #[arg(long, default_value = "0.1..0.3", value_name = "LOW..HIGH", value_parser = ratio)]
    ratio: RangeInclusive<f32>,
    /// The same seed draws the same masks.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Masks {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let kinds = kinds(&self.kind)?;
        fs::create_dir_all(&self.out).map_err(|error| format!("{}: {error}", self.out.display()))?;
        for kind in kinds {
            let masks = masks::Masks::of(kind, self.ratio.clone());
            masks.check()?;
            for number in 0..self.count {
                let mut rng = Rng::stream(self.seed, kind as u64, number as u64);
                let white =
                    masks.sample(&mut rng, self.size, self.size).iter().map(|&known| 255 * (1 - known)).collect();
                let side = self.size as u32;
                let path = self.out.join(format!("{kind}-{number:03}.png"));
                GrayImage::from_raw(side, side, white)
                    .expect("a mask has size × size pixels")
                    .save(&path)
                    .map_err(|error| format!("{}: {error}", path.display()))?;
            }
        }
        Ok(())
    }
}

/// Write two contact sheets: augmented crops, and masks of every kind.
///
/// The crops go to OUT.png. The masks go to OUT.masks.png, white = hole, a row a kind, from top to bottom: walk,
/// strokes, rectangles, shapes, blocks, blobs, patches, scratches; the hole ratio rises from left to right.
#[derive(Args)]
pub struct Preview {
    /// Folder of photographs.
    #[arg(long, value_name = "DIR")]
    data: PathBuf,
    /// The PNG file to write.
    #[arg(long, value_name = "OUT.png")]
    out: PathBuf,
    /// Width and height of a crop in pixels.
    #[arg(long, default_value_t = 128, value_parser = size)]
    size: usize,
    /// Number of crops, eight a row.
    #[arg(long, default_value_t = 64)]
    count: usize,
    /// The same seed draws the same sheets.
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

impl Preview {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        const COLUMNS: usize = 8;
        let folder = Folder::open(&self.data, 0)?;
        let recipe = Recipe { size: self.size, n: 1, augment: Augment::default(), masks: masks::Masks::default() };
        let mut crops = Sheet::new(self.size, COLUMNS, self.count);
        for step in 0..self.count as u64 {
            let crop = Batch::make(&folder, self.seed, step, &recipe).images;
            crops.push(crop.chunks_exact(3).map(|pixel| [0, 1, 2].map(|c| (pixel[c] * 255.0).round() as u8)));
        }
        save(&self.out, crops.image())?;

        let [low, high] = recipe.masks.ratio;
        let mut holes = Sheet::new(self.size, COLUMNS, COLUMNS * Kind::ALL.len());
        for kind in Kind::ALL {
            for column in 0..COLUMNS {
                let ratio = low + (high - low) * column as f32 / (COLUMNS - 1) as f32;
                let mut rng = Rng::stream(self.seed, kind as u64, column as u64);
                let mask = masks::Masks::of(kind, ratio..=ratio).sample(&mut rng, self.size, self.size);
                holes.push(mask.iter().map(|&known| [255 * (1 - known); 3]));
            }
        }
        save(&self.out.with_extension("masks.png"), holes.image())
    }
}

fn save(path: &Path, image: &RgbImage) -> Result<(), Box<dyn Error>> {
    Ok(image.save(path).map_err(|error| format!("{}: {error}", path.display()))?)
}

fn kinds(names: &str) -> Result<Vec<Kind>, String> {
    if names == "all" {
        return Ok(Kind::ALL.to_vec());
    }
    names.split(',').map(str::parse).collect()
}

/// A side the generators and the network can use.
fn size(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(size) if (16..=4096).contains(&size) => Ok(size),
        _ => Err("expected a number of pixels from 16 to 4096".into()),
    }
}

fn ratio(text: &str) -> Result<RangeInclusive<f32>, String> {
    let (low, high) = text.split_once("..").ok_or("expected LOW..HIGH, such as 0.1..0.3")?;
    let number = |text: &str| text.trim().parse::<f32>().map_err(|error| format!("`{text}`: {error}"));
    Ok(number(low)?..=number(high)?)
}

/// Compare every gradient with central differences in f64, and print the largest relative errors.
#[derive(Args)]
pub struct Gradcheck {}

impl Gradcheck {
    pub fn run(&self) -> Result<(), Box<dyn Error>> {
        let (mut count, mut failed) = (0, 0);
        println!("{:<34} {:<52} error", "op", "shape");
        gradcheck::run(&mut |check| {
            count += 1;
            // A NaN fails too.
            let passed = check.error <= gradcheck::LIMIT;
            failed += usize::from(!passed);
            let mark = if passed { "" } else { "  FAILED" };
            println!("{:<34} {:<52} {:.1e}{mark}", check.op, check.shape, check.error);
        });
        if failed > 0 {
            return Err(format!("gradcheck: {failed} of {count} above {:.0e}", gradcheck::LIMIT).into());
        }
        println!("{count} checks, none above {:.0e}", gradcheck::LIMIT);
        Ok(())
    }
}
