//! Fills every crop under every mask by every method, and measures.

use crate::{
    cases::{Crop, Group, hole_ratio},
    features::Features,
    methods::{Filler, Method},
    scores::{Scores, Truth},
};
use image::{GrayImage, RgbImage};
use std::{
    fs,
    path::{Path, PathBuf},
    sync::{
        OnceLock,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

/// One crop under one mask.
pub struct Measured {
    /// Index of the group.
    pub group: usize,
    /// Index of the crop.
    pub crop: usize,
    /// Share of the crop that is hole.
    pub hole: f64,
    /// By method.
    pub scores: Vec<Scores>,
    /// Input with a grey hole, every method's result, truth; where pictures are wanted.
    pub pictures: Vec<RgbImage>,
}

/// What to do.
pub struct Settings<'a> {
    /// The photographs.
    pub crops: &'a [Crop],
    /// The masks.
    pub groups: &'a [Group],
    /// Seed of the masks.
    pub seed: u64,
    /// What fills.
    pub methods: &'a [Method],
    /// Features to compare, if any.
    pub vgg: Option<&'a Features>,
    /// Crops of each group to keep pictures of.
    pub pictures: usize,
    /// Threads; no number changes a result.
    pub threads: usize,
}

impl Settings<'_> {
    /// Runs everything; the results are in the order of groups and crops.
    ///
    /// # Errors
    /// The first thing that goes wrong, by that order.
    pub fn run(&self) -> Result<Vec<Measured>, String> {
        let count = self.groups.len() * self.crops.len();
        let slots: Vec<OnceLock<Result<Measured, String>>> = (0..count).map(|_| OnceLock::new()).collect();
        let next = AtomicUsize::new(0);
        let work = || -> Result<(), String> {
            let fillers = self.methods.iter().map(Method::ready).collect::<Result<Vec<_>, _>>()?;
            while let index = next.fetch_add(1, Ordering::Relaxed)
                && index < count
            {
                let _ = slots[index].set(self.measure(&fillers, index / self.crops.len(), index % self.crops.len()));
            }
            Ok(())
        };
        thread::scope(|scope| {
            let workers: Vec<_> = (0..self.threads.max(1)).map(|_| scope.spawn(work)).collect();
            workers.into_iter().try_for_each(|worker| worker.join().expect("a worker does not panic"))
        })?;
        slots.into_iter().map(|slot| slot.into_inner().expect("every crop is measured")).collect()
    }

    fn measure(&self, fillers: &[Filler], group: usize, crop: usize) -> Result<Measured, String> {
        let (pixels, known) = (&self.crops[crop].pixels, self.mask(group, crop)?);
        let truth = Truth::new(pixels, &known, self.vgg, self.groups[group].table.hole_alone());
        // Which crops are shown turns from group to group.
        let shown = (crop + self.crops.len() - group * self.pictures % self.crops.len()) % self.crops.len();
        let mut pictures = Vec::new();
        if shown < self.pictures {
            pictures.push(holed(pixels, &known));
        }
        let mut scores = Vec::new();
        for filler in fillers {
            let filled = filler.fill(pixels, &known, &self.file(group, crop))?;
            scores.push(truth.scores(&filled));
            if shown < self.pictures {
                pictures.push(filled);
            }
        }
        if shown < self.pictures {
            pictures.push(pixels.clone());
        }
        Ok(Measured { group, crop, hole: hole_ratio(&known), scores, pictures })
    }

    fn mask(&self, group: usize, crop: usize) -> Result<Vec<u8>, String> {
        self.groups[group].mask(self.seed, crop, self.crops[crop].pixels.width() as usize)
    }

    /// GROUP/CROP.png.
    fn file(&self, group: usize, crop: usize) -> PathBuf {
        Path::new(&self.groups[group].name).join(format!("{}.png", self.crops[crop].name))
    }

    /// Writes what other programs are to fill: `input/GROUP/CROP.png`, its hole black, and `mask/GROUP/CROP.png`, white =
    /// hole.
    ///
    /// # Errors
    /// If a file cannot be written.
    pub fn export(&self, folder: &Path) -> Result<(), String> {
        for group in 0..self.groups.len() {
            for kind in ["input", "mask"] {
                let folder = folder.join(kind).join(&self.groups[group].name);
                fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
            }
            for crop in 0..self.crops.len() {
                let known = self.mask(group, crop)?;
                let mut input = self.crops[crop].pixels.clone();
                input
                    .pixels_mut()
                    .zip(&known)
                    .filter(|(_, known)| **known == 0)
                    .for_each(|(pixel, _)| pixel.0 = [0; 3]);
                let mask = known.iter().map(|known| 255 * (1 - known)).collect();
                let mask = GrayImage::from_raw(input.width(), input.height(), mask).expect("one byte a pixel");
                let path = |kind: &str| folder.join(kind).join(self.file(group, crop));
                let failed = |kind| move |error| format!("{}: {error}", path(kind).display());
                input.save(path("input")).map_err(failed("input"))?;
                mask.save(path("mask")).map_err(failed("mask"))?;
            }
        }
        Ok(())
    }
}

/// The crop with a grey hole.
fn holed(crop: &RgbImage, known: &[u8]) -> RgbImage {
    let mut image = crop.clone();
    image.pixels_mut().zip(known).filter(|(_, known)| **known == 0).for_each(|(pixel, _)| pixel.0 = [128; 3]);
    image
}
