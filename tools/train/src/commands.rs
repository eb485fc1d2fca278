//! What the program does, one type a subcommand.

use clap::Args;
use image::GrayImage;
use inpaint_train::{
    masks::{self, Kind},
    rng::Rng,
};
use std::{error::Error, fs, ops::RangeInclusive, path::PathBuf};

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
