//! What the average weights do to photographs held out, always with the same crops and masks.

use super::sample::Sample;
use crate::{
    config::Validation,
    data::{Batch, Folder, Photo, Warp},
    masks::{Kind, Masks},
    net::{Net, Params},
    rng::Rng,
};
use inpaint_metrics::{l1_hole, psnr, ssim};

/// Crops the network fills at a time.
const BATCH: usize = 8;

/// The crops and masks of a validation.
pub struct Validator {
    samples: Vec<Sample>,
    /// Of every crop, the groups it counts in.
    groups: Vec<[String; 3]>,
}

/// Means over a group of crops.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    /// `all`, `hole LOW-HIGH` or `kind NAME`.
    pub group: String,
    /// Crops in the group.
    pub crops: usize,
    /// Mean PSNR in dB.
    pub psnr: f64,
    /// Mean SSIM.
    pub ssim: f64,
    /// Mean absolute difference in the hole.
    pub l1_hole: f64,
}

impl Validator {
    /// Decodes the photographs and draws the masks: crop i is the centre of photograph i, its mask of kind i, its
    /// bucket i / 8, each modulo their number.
    ///
    /// # Errors
    /// If the folder holds no photograph.
    pub fn new(settings: &Validation, folder: &Folder, harmonic: bool) -> Result<Self, String> {
        let Validation { size, seed, images, buckets, .. } = settings;
        let photos: Vec<_> = (0..folder.len()).filter_map(|index| folder.photo(index)).take(*images).collect();
        if photos.is_empty() {
            return Err("validation: no photograph that can be read".into());
        }
        let mut groups = Vec::new();
        let mut samples = Vec::new();
        for first in (0..*images).step_by(BATCH) {
            let items = first..(first + BATCH).min(*images);
            let mut batch = Batch { images: Vec::new(), masks: Vec::new(), size: *size, n: items.len() };
            for item in items {
                let kind = Kind::ALL[item % Kind::ALL.len()];
                let bucket = item / Kind::ALL.len() % (buckets.len() - 1);
                let (low, high) = (buckets[bucket], buckets[bucket + 1]);
                let mut rng = Rng::stream(*seed, item as u64, 0);
                batch.images.extend(centre(&photos[item % photos.len()], *size));
                batch.masks.extend(Masks::of(kind, low..=high).sample(&mut rng, *size, *size));
                groups.push(["all".into(), format!("hole {low}-{high}"), format!("kind {kind}")]);
            }
            samples.push(Sample::new(batch, harmonic));
        }
        Ok(Self { samples, groups })
    }

    /// What the network makes of the crops.
    pub fn run(&self, net: &mut Net, params: &Params) -> Vec<Row> {
        self.compare(|Sample { batch, prior }| net.fill(params, batch, prior.as_deref()))
    }

    /// What the network has to beat: the prior alone, if there is one.
    pub fn prior(&self) -> Option<Vec<Row>> {
        let alone = self.samples.iter().all(|sample| sample.prior.is_some());
        alone.then(|| self.compare(|sample| sample.prior.clone().expect("a prior of every sample")))
    }

    /// Fills every crop and compares it with the truth: all crops first, then the buckets, then the kinds.
    fn compare(&self, mut fill: impl FnMut(&Sample) -> Vec<f32>) -> Vec<Row> {
        let mut rows: Vec<Row> = Vec::new();
        let mut groups = self.groups.iter();
        for sample in &self.samples {
            let (filled, batch) = (fill(sample), &sample.batch);
            let pixels = batch.size * batch.size;
            let crops = filled.chunks_exact(3 * pixels).zip(batch.images.chunks_exact(3 * pixels));
            for ((filled, truth), mask) in crops.zip(batch.masks.chunks_exact(pixels)) {
                let filled: Vec<f32> = filled.iter().map(|value| value.clamp(0.0, 1.0)).collect();
                let values =
                    (psnr(&filled, truth), ssim(&filled, truth, batch.size, batch.size), l1_hole(&filled, truth, mask));
                for group in groups.next().expect("groups of every crop") {
                    let index = rows.iter().position(|row| row.group == *group).unwrap_or_else(|| {
                        rows.push(Row { group: group.clone(), crops: 0, psnr: 0.0, ssim: 0.0, l1_hole: 0.0 });
                        rows.len() - 1
                    });
                    let row = &mut rows[index];
                    row.crops += 1;
                    row.psnr += values.0;
                    row.ssim += values.1;
                    row.l1_hole += values.2;
                }
            }
        }
        for row in &mut rows {
            let n = row.crops as f64;
            (row.psnr, row.ssim, row.l1_hole) = (row.psnr / n, row.ssim / n, row.l1_hole / n);
        }
        rows.sort_by_key(|row| ["all", "hole", "kind"].iter().position(|kind| row.group.starts_with(kind)));
        rows
    }

    /// Up to `count` single crops from all over the validation, to be looked at.
    pub fn pick(&self, count: usize) -> Vec<Sample> {
        let crops = self.groups.len();
        let count = count.min(crops);
        (0..count).map(|i| i * crops / count).map(|item| self.samples[item / BATCH].single(item % BATCH)).collect()
    }
}

/// The middle of a photograph, pixel for pixel; one too small is enlarged.
fn centre(photo: &Photo, size: usize) -> Vec<f32> {
    let (width, height) = (photo.width(), photo.height());
    let shorter = width.min(height);
    if shorter >= size {
        let origin = [width, height].map(|side| ((side - size) / 2) as f64);
        return Warp { origin, across: [1.0, 0.0], down: [0.0, 1.0] }.crop(photo, size);
    }
    let step = (shorter - 1) as f64 / (size - 1) as f64;
    let origin = [width, height].map(|side| (side - shorter) as f64 / 2.0);
    Warp { origin, across: [step, 0.0], down: [0.0, step] }.crop(photo, size)
}
