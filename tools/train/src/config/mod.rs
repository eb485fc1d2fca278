//! A training run as its TOML file describes it; the reference is this tool's README.

mod check;
mod place;

use crate::{
    data::{Augment, Recipe},
    hex,
    loss::LossWeights,
    masks::Masks,
    net::{Arch, Phase, Prior},
};
use place::{key_at, last, place_of};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::{
    fs,
    path::{Path, PathBuf},
};
use toml::de::DeTable;

/// Everything a run depends on but the photographs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// The same seed draws the same weights, crops and masks.
    #[serde(default = "one")]
    pub seed: u64,
    /// Updates of the weights in the whole run.
    pub steps: u64,
    /// One in so many photographs is kept out of the training, to validate with; 0 keeps none out.
    #[serde(default)]
    pub hold_out: usize,
    /// The file that the weights start from, a checkpoint or what `export --unfolded` has written; absent: at random.
    pub start: Option<PathBuf>,
    /// The network.
    pub arch: Shape,
    /// Size and number of the crops, by step.
    pub crops: Vec<Crops>,
    /// How crops are drawn.
    #[serde(default)]
    pub augment: Augment,
    /// How masks are drawn.
    #[serde(default)]
    pub masks: Masks,
    /// What is minimised.
    #[serde(default)]
    pub loss: Loss,
    /// How the weights are updated.
    #[serde(default)]
    pub optimizer: Optimizer,
    /// The last part of the run, with the encoder's batch norms frozen.
    pub second_phase: Option<SecondPhase>,
    /// What is measured on photographs held out.
    pub validation: Option<Validation>,
    /// What is written when.
    #[serde(default)]
    pub report: Report,
    /// How the work is shared out; changes no result.
    #[serde(default)]
    pub threads: Threads,
}

fn one() -> u64 {
    1
}

/// The network: the paper's, of a depth and width, or channels and kernels level by level.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Shape {
    /// Levels of the network of the paper.
    pub levels: Option<usize>,
    /// Channels of its first level, 64 in the paper.
    pub width: Option<usize>,
    /// Instead of levels and width: channels of enc1, enc2, ….
    pub channels: Option<Vec<usize>>,
    /// Sides of the kernels of enc1, enc2, …; those of the paper, 7, 5, 5, 3, …, if absent.
    pub kernels: Option<Vec<usize>>,
    /// Channels of decL … dec2; those of their skips if absent.
    pub decoder: Option<Vec<usize>>,
    /// What the network's output is added to.
    #[serde(default)]
    pub prior: Prior,
    /// Whether enc1 and dec1 read the prior beside the image.
    #[serde(default)]
    pub prior_input: bool,
    /// How many pixels around a hole the network sees; all if absent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub context: Option<usize>,
}

impl Shape {
    /// The network to build.
    ///
    /// # Errors
    /// One line that names the field.
    pub fn arch(&self) -> Result<Arch, String> {
        let Self { levels, width, channels, kernels, decoder, prior, prior_input, context } = self;
        let mut arch = match (levels, width, channels) {
            (&Some(levels), &Some(width), None) if levels <= 12 && width <= 512 => Arch::paper(levels, width),
            (None, None, Some(channels)) if channels.len() <= 12 => {
                let mut arch = Arch::paper(channels.len(), 1);
                arch.encoder.iter_mut().zip(channels).for_each(|(level, &channels)| level.channels = channels);
                arch
            }
            (Some(_), Some(_), None) => return Err("expected up to 12 levels and a width up to 512".into()),
            (None, None, Some(_)) => return Err("channels: expected up to 12 levels".into()),
            _ => return Err("expected either levels and width, or channels".into()),
        };
        if let Some(kernels) = kernels {
            if kernels.len() != arch.levels() {
                return Err(format!("kernels: {} for {} levels", kernels.len(), arch.levels()));
            }
            arch.encoder.iter_mut().zip(kernels).for_each(|(level, &kernel)| level.kernel = kernel);
        }
        arch.decoder = decoder.clone().unwrap_or_default();
        (arch.prior, arch.prior_input, arch.context) = (*prior, *prior_input, *context);
        arch.check()?;
        Ok(arch)
    }
}

/// A part of the curriculum.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Crops {
    /// The first step that this part does not cover; the last part lasts to the end.
    pub until: Option<u64>,
    /// Side of a crop in pixels.
    pub size: usize,
    /// Crops in a batch.
    pub batch: usize,
}

/// The loss: weights of its terms, and when those on VGG features count.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Loss {
    /// Mean absolute difference on known pixels.
    pub valid: f32,
    /// Mean absolute difference in the hole.
    pub hole: f32,
    /// Decibels of the mean squared difference in the hole of each picture.
    pub decibel: f32,
    /// 1 − structural similarity.
    pub ssim: f32,
    /// Mean absolute difference of the gradients in the hole.
    pub gradient: f32,
    /// Total variation in the hole dilated by one pixel.
    pub variation: f32,
    /// Terms on VGG16 features; without, there are none.
    pub vgg: Option<Vgg>,
}

impl Default for Loss {
    fn default() -> Self {
        Self { valid: 1.0, hole: 6.0, decibel: 0.0, ssim: 0.0, gradient: 2.0, variation: 0.0, vgg: None }
    }
}

/// Perceptual and style loss.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Vgg {
    /// The safetensors file of VGG16's layers conv1_1 to conv3_3.
    pub weights: PathBuf,
    /// Side of the square that VGG sees of each composite, where most of the hole is, a multiple of 8.
    pub crop: usize,
    /// Weight of the difference of features.
    #[serde(default)]
    pub perceptual: f32,
    /// Weight of the difference of the features' Gram matrices.
    #[serde(default)]
    pub style: f32,
    /// The terms count from this step on …
    #[serde(default)]
    pub from: u64,
    /// … in every so many steps.
    #[serde(default = "one")]
    pub every: u64,
}

/// AdamW (Loshchilov and Hutter 2019, arXiv 1711.05101) and its schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Optimizer {
    /// The learning rate at its highest.
    pub rate: f64,
    /// Decay of the first and the second moment.
    pub betas: [f64; 2],
    /// Added to the root of the second moment.
    pub epsilon: f64,
    /// Weight decay, per unit of the rate, of the tensors that decay.
    pub decay: f64,
    /// Steps in which the rate rises from 0.
    pub warm_up: u64,
    /// Share of the rate left at the end of the cosine.
    pub floor: f64,
    /// The gradient is scaled down to this norm.
    pub clip: f64,
    /// Decay of the moving average of the weights.
    pub ema: f64,
}

impl Default for Optimizer {
    fn default() -> Self {
        Self {
            rate: 2e-3,
            betas: [0.9, 0.99],
            epsilon: 1e-8,
            decay: 0.01,
            warm_up: 200,
            floor: 0.02,
            clip: 1.0,
            ema: 0.999,
        }
    }
}

/// The second phase of Liu et al. 2018: holes disturb the encoder's batch statistics, so they are frozen at the end.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SecondPhase {
    /// Its first step.
    pub from: u64,
    /// Factor on the rate.
    pub rate: f64,
}

/// What is measured every so often, on photographs held out, with fixed crops and masks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Validation {
    /// Folder of photographs, relative to the working directory; those held out if absent.
    pub data: Option<PathBuf>,
    /// Steps from one validation to the next.
    #[serde(default = "thousand")]
    pub every: u64,
    /// Side of the centre crops in pixels.
    #[serde(default = "side")]
    pub size: usize,
    /// Draws the masks.
    #[serde(default = "one")]
    pub seed: u64,
    /// Crops; photographs, buckets and kinds of masks take turns.
    #[serde(default = "crops")]
    pub images: usize,
    /// Hole ratios: the bounds from one bucket to the next.
    #[serde(default = "buckets")]
    pub buckets: Vec<f32>,
}

fn thousand() -> u64 {
    1000
}

fn side() -> usize {
    128
}

fn crops() -> usize {
    120
}

fn buckets() -> Vec<f32> {
    vec![0.01, 0.1, 0.2, 0.3, 0.4, 0.5]
}

/// What is written when.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Report {
    /// Steps from one line of the log to the next.
    pub steps: u64,
    /// Minutes from one checkpoint to the next.
    pub checkpoint_minutes: f64,
    /// Minutes from one picture grid and curves to the next.
    pub grid_minutes: f64,
}

impl Default for Report {
    fn default() -> Self {
        Self { steps: 50, checkpoint_minutes: 5.0, grid_minutes: 5.0 }
    }
}

/// Threads and memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Threads {
    /// Threads of the network; 0 takes one a core.
    pub net: usize,
    /// Threads that make batches.
    pub data: usize,
    /// Megabytes of decoded photographs to keep.
    pub memory_mb: usize,
}

impl Default for Threads {
    fn default() -> Self {
        Self { net: 0, data: 1, memory_mb: 4096 }
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    /// One line: the file, the line in it, the key and what is wrong with it.
    pub fn load(path: &Path) -> Result<Self, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        Self::parse(&text).map_err(|(line, error)| format!("{}:{line}: {error}", path.display()))
    }

    /// Reads and checks a text; an error comes with its line, from 1.
    ///
    /// # Errors
    /// What is wrong with which key.
    pub fn parse(text: &str) -> Result<Self, (usize, String)> {
        let line = |at: usize| text[..at.min(text.len())].matches('\n').count() + 1;
        let plain = |error: toml::de::Error| {
            let at = error.span().map_or(0, |span| span.start);
            let key = DeTable::parse(text).map(|document| key_at(document.get_ref(), at)).unwrap_or_default();
            let message = error.message().replace('\n', " ");
            let named = key.is_empty() || message.contains(&format!("`{}`", last(&key)));
            (line(at), if named { message } else { format!("{key}: {message}") })
        };
        let config: Self = toml::from_str(text).map_err(plain)?;
        config.check().map_err(|(key, error)| {
            let document = DeTable::parse(text).expect("a text that has been read");
            (line(place_of(document.get_ref(), key)), error)
        })?;
        Ok(config)
    }

    /// The curriculum at a step.
    pub fn recipe(&self, step: u64) -> Recipe {
        let &Crops { size, batch, .. } = self.crops(step);
        Recipe { size, n: batch, augment: self.augment.clone(), masks: self.masks.clone() }
    }

    /// Pixels of all crops from a step on.
    pub fn pixels(&self, from: u64) -> u64 {
        let pixels = |crops: &Crops| (crops.size * crops.size * crops.batch) as u64;
        (from..self.steps).map(|step| pixels(self.crops(step))).sum()
    }

    /// The part of the curriculum in force; batches made ahead of the last step take its part.
    fn crops(&self, step: u64) -> &Crops {
        let crops = self.crops.iter().find(|crops| crops.until.is_none_or(|until| step < until));
        crops.or(self.crops.last()).expect("a curriculum of at least one part")
    }

    /// The names of the terms in use, as columns of the log.
    pub fn terms(&self) -> Vec<&'static str> {
        let Loss { valid, hole, decibel, ssim, gradient, variation, vgg } = &self.loss;
        let [perceptual, style] = vgg.as_ref().map_or([0.0; 2], |vgg| [vgg.perceptual, vgg.style]);
        [
            ("hole", *hole),
            ("valid", *valid),
            ("decibel", *decibel),
            ("ssim", *ssim),
            ("gradient", *gradient),
            ("variation", *variation),
            ("perceptual", perceptual),
            ("style", style),
        ]
        .into_iter()
        .filter(|(_, weight)| *weight > 0.0)
        .map(|(name, _)| name)
        .collect()
    }

    /// The network.
    pub fn arch(&self) -> Arch {
        self.arch.arch().expect("a network that has been checked")
    }

    /// Whether the network adds to the harmonic prior.
    pub fn harmonic(&self) -> bool {
        self.arch.prior == Prior::Harmonic
    }

    /// The learning rate of a step, from 0: linear warm-up, cosine to the floor, less in the second phase.
    pub fn rate(&self, step: u64) -> f64 {
        let o = &self.optimizer;
        let phase = self.second_phase.as_ref().filter(|second| step >= second.from).map_or(1.0, |second| second.rate);
        let share = if step < o.warm_up {
            (step + 1) as f64 / o.warm_up as f64
        } else {
            let done = (step - o.warm_up) as f64 / self.steps.saturating_sub(o.warm_up).max(1) as f64;
            o.floor + (1.0 - o.floor) * 0.5 * (1.0 + (std::f64::consts::PI * done).cos())
        };
        o.rate * phase * share
    }

    /// How the network runs in a step.
    pub fn phase(&self, step: u64) -> Phase {
        let freeze_encoder_bn = self.second_phase.as_ref().is_some_and(|second| step >= second.from);
        Phase { freeze_encoder_bn, ..Phase::default() }
    }

    /// The weights of the loss in a step.
    pub fn losses(&self, step: u64) -> LossWeights {
        let Loss { valid, hole, decibel, ssim, gradient, variation, vgg } = &self.loss;
        let vgg = vgg.as_ref().filter(|vgg| step >= vgg.from && (step - vgg.from).is_multiple_of(vgg.every));
        LossWeights {
            valid: *valid,
            hole: *hole,
            decibel: *decibel,
            ssim: *ssim,
            gradient: *gradient,
            variation: *variation,
            perceptual: vgg.map_or(0.0, |vgg| vgg.perceptual),
            style: vgg.map_or(0.0, |vgg| vgg.style),
            vgg_crop: vgg.map_or(0, |vgg| vgg.crop),
        }
    }

    /// What the weights depend on, as TOML: all but validation, report and threads.
    pub fn essence(&self) -> String {
        let neutral = Self { validation: None, report: Report::default(), threads: Threads::default(), ..self.clone() };
        toml::to_string(&neutral).expect("a configuration is a TOML document")
    }

    /// SHA-256 of [`Self::essence`] in hexadecimal.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest(self.essence()))
    }

    /// The first difference that changes the weights, if there is one: `key is A, was B`.
    pub fn departure(&self, before: &str) -> Option<String> {
        let read = |text: &str| text.parse::<toml::Table>().unwrap_or_default();
        let (now, before) = (read(&self.essence()), read(before));
        differing("", &now, &before)
    }
}

fn differing(under: &str, now: &toml::Table, before: &toml::Table) -> Option<String> {
    let keys: std::collections::BTreeSet<_> = now.keys().chain(before.keys()).collect();
    keys.into_iter().find_map(|key| match (now.get(key), before.get(key)) {
        (Some(toml::Value::Table(now)), Some(toml::Value::Table(before))) => {
            differing(&format!("{under}{key}."), now, before)
        }
        (now, before) if now != before => {
            let show = |value: Option<&toml::Value>| value.map_or("absent".into(), toml::Value::to_string);
            Some(format!("`{under}{key}` is {}, was {}", show(now), show(before)))
        }
        _ => None,
    })
}
