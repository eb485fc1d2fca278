//! What a configuration must hold to be run.

use super::Config;
use crate::vgg::MULTIPLE;

impl Config {
    /// The key and what is wrong with it.
    pub(super) fn check(&self) -> Result<(), (&'static str, String)> {
        let ensure = |holds: bool, key: &'static str, expected: &str| {
            if holds { Ok(()) } else { Err((key, format!("{key}: expected {expected}"))) }
        };
        let positive = |v: f64| v > 0.0 && v.is_finite();
        let weight = |v: f32| v >= 0.0 && v.is_finite();
        ensure(self.steps > 0, "steps", "at least one")?;
        ensure(self.hold_out != 1, "hold_out", "0, or 2 and more")?;
        self.arch.arch().map_err(|error| ("arch", format!("arch: {error}")))?;
        ensure(!self.crops.is_empty(), "crops", "at least one part")?;
        ensure(self.crops.iter().all(|c| (16..=1024).contains(&c.size)), "crops", "sizes from 16 to 1024")?;
        ensure(self.crops.iter().all(|c| (1..=1024).contains(&c.batch)), "crops", "batches from 1 to 1024")?;
        let bounds: Vec<_> = self.crops.iter().map(|c| c.until.unwrap_or(u64::MAX)).collect();
        ensure(bounds.is_sorted_by(|a, b| a < b), "crops", "each `until` above the one before")?;
        ensure(bounds.last() >= Some(&self.steps), "crops", "a last part without `until`")?;
        self.augment.check().map_err(|error| ("augment", error))?;
        self.masks.check().map_err(|error| ("masks", error))?;

        let l = &self.loss;
        let terms = [("loss.valid", l.valid), ("loss.hole", l.hole), ("loss.gradient", l.gradient)];
        let more = [("loss.decibel", l.decibel), ("loss.ssim", l.ssim), ("loss.variation", l.variation)];
        for (key, value) in terms.into_iter().chain(more) {
            ensure(weight(value), key, "a weight of 0 or more")?;
        }
        if let Some(vgg) = &l.vgg {
            ensure(weight(vgg.perceptual), "loss.vgg.perceptual", "a weight of 0 or more")?;
            ensure(weight(vgg.style), "loss.vgg.style", "a weight of 0 or more")?;
            ensure(vgg.every > 0, "loss.vgg.every", "at least one step")?;
            let smallest = self.crops.iter().map(|c| c.size).min().unwrap_or(0);
            let fits = vgg.crop > 0 && vgg.crop.is_multiple_of(MULTIPLE) && vgg.crop <= smallest;
            ensure(fits, "loss.vgg.crop", "a multiple of 8 up to the smallest size in crops")?;
        }

        let o = &self.optimizer;
        ensure(positive(o.rate), "optimizer.rate", "a number above 0")?;
        ensure(o.betas.iter().all(|b| (0.0..1.0).contains(b)), "optimizer.betas", "numbers from 0 to below 1")?;
        ensure(positive(o.epsilon), "optimizer.epsilon", "a number above 0")?;
        ensure(o.decay >= 0.0 && o.decay * o.rate < 1.0, "optimizer.decay", "a number from 0 to below 1 / rate")?;
        ensure((0.0..=1.0).contains(&o.floor), "optimizer.floor", "a share from 0 to 1")?;
        ensure(positive(o.clip), "optimizer.clip", "a norm above 0")?;
        ensure((0.0..1.0).contains(&o.ema), "optimizer.ema", "a number from 0 to below 1")?;
        if let Some(second) = &self.second_phase {
            ensure(positive(second.rate), "second_phase.rate", "a factor above 0")?;
        }

        if let Some(v) = &self.validation {
            let photographs = v.data.is_some() || self.hold_out > 0;
            ensure(photographs, "validation", "its own `data`, or photographs kept by `hold_out`")?;
            ensure(v.every > 0, "validation.every", "at least one step")?;
            ensure((16..=1024).contains(&v.size), "validation.size", "a side from 16 to 1024")?;
            ensure(v.images > 0, "validation.images", "at least one")?;
            let rising = v.buckets.len() > 1 && v.buckets.is_sorted_by(|a, b| a < b);
            let within = v.buckets.iter().all(|&b| 0.0 < b && b <= 0.9);
            ensure(rising && within, "validation.buckets", "two or more rising ratios above 0 and up to 0.9")?;
        }
        let r = &self.report;
        ensure(r.steps > 0, "report.steps", "at least one")?;
        ensure(r.checkpoint_minutes >= 0.0, "report.checkpoint_minutes", "0 or more")?;
        ensure(r.grid_minutes >= 0.0, "report.grid_minutes", "0 or more")?;
        ensure(self.threads.net <= 1024, "threads.net", "up to 1024")?;
        ensure((1..=64).contains(&self.threads.data), "threads.data", "1 to 64")
    }
}
