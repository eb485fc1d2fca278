//! Holes to train on: random masks that imitate what the engine is asked to fill.
//!
//! Every generator draws figures until the requested share of the picture is hole, and the last figure ends where the
//! share is met. Angles and scales are drawn with each figure; a mask may also be drawn smaller and dilated to size.

mod area;
mod blocks;
mod canvas;
mod path;

use crate::rng::Rng;
use canvas::Canvas;
use serde::{Deserialize, Serialize};
use std::{fmt, ops::RangeInclusive, str::FromStr};

/// What a mask imitates.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Pixels visited by a random walk, its lattice rotated and its pen scaled.
    Walk,
    /// Free-form strokes: thick zigzags with round joints (Yu et al. 2019, arXiv 1806.03589, algorithm 1).
    Strokes,
    /// A few rectangles, some of them rotated.
    Rectangles,
    /// Straight lines, discs and elliptic arcs.
    Shapes,
    /// Macroblocks of 8 to 32 px lost in decoding: scattered, in slices or in whole rows.
    Blocks,
    /// Smooth closed outlines grown from a few lobes: objects to be removed.
    Blobs,
    /// Ragged patches: fractal noise above a threshold.
    Patches,
    /// Thin scratches, hairs and dust.
    Scratches,
}

impl Kind {
    /// Every kind, in the order of the contact sheet's rows.
    pub const ALL: [Self; 8] = [
        Self::Walk,
        Self::Strokes,
        Self::Rectangles,
        Self::Shapes,
        Self::Blocks,
        Self::Blobs,
        Self::Patches,
        Self::Scratches,
    ];

    /// The name in configurations and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Walk => "walk",
            Self::Strokes => "strokes",
            Self::Rectangles => "rectangles",
            Self::Shapes => "shapes",
            Self::Blocks => "blocks",
            Self::Blobs => "blobs",
            Self::Patches => "patches",
            Self::Scratches => "scratches",
        }
    }

    fn draw(self, canvas: &mut Canvas, rng: &mut Rng) {
        match self {
            Self::Walk => path::walk(canvas, rng),
            Self::Strokes => path::strokes(canvas, rng),
            Self::Rectangles => area::rectangles(canvas, rng),
            Self::Shapes => path::shapes(canvas, rng),
            Self::Blocks => blocks::blocks(canvas, rng),
            Self::Blobs => area::blobs(canvas, rng),
            Self::Patches => area::patches(canvas, rng),
            Self::Scratches => path::scratches(canvas, rng),
        }
    }

    /// Whether dilation leaves the kind what it is: a block or a rectangle has its own corners.
    fn dilates(self) -> bool {
        !matches!(self, Self::Blocks | Self::Rectangles)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Kind {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| {
            format!("unknown mask kind `{name}`: expected one of {}", Self::ALL.map(Self::name).join(", "))
        })
    }
}

/// The distribution of training masks.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Masks {
    /// The kinds, equally likely; one named twice is twice as likely.
    pub kinds: Vec<Kind>,
    /// Smallest and largest share of the picture that is hole, all between equally likely.
    pub ratio: [f32; 2],
    /// Share of the masks whose holes stay clear of the picture's border.
    pub clear: f32,
    /// Share of the masks (of kinds without corners) drawn smaller and then dilated.
    pub dilate: f32,
}

impl Default for Masks {
    fn default() -> Self {
        Self { kinds: Kind::ALL.to_vec(), ratio: [0.02, 0.5], clear: 0.4, dilate: 0.25 }
    }
}

impl Masks {
    /// Masks of one kind and a range of hole ratios.
    pub fn of(kind: Kind, ratio: RangeInclusive<f32>) -> Self {
        Self { kinds: vec![kind], ratio: [*ratio.start(), *ratio.end()], ..Self::default() }
    }

    /// Says what is wrong with a distribution nothing can be drawn from.
    pub fn check(&self) -> Result<(), String> {
        let [low, high] = self.ratio;
        if self.kinds.is_empty() {
            return Err("masks: no kinds".into());
        }
        if !(0.0 < low && low <= high && high <= 0.9) {
            return Err(format!("masks: ratio {low}..{high} is not a range within 0..0.9"));
        }
        if ![self.clear, self.dilate].iter().all(|share| (0.0..=1.0).contains(share)) {
            return Err("masks: clear and dilate are shares between 0 and 1".into());
        }
        Ok(())
    }

    /// One mask, `[height, width]`, 1 = known, 0 = hole.
    ///
    /// The hole, never empty, has the drawn share of the pixels; blocks and rectangles, which end on whole rows of
    /// pixels, come within 1 % of the area or one block of 8×8 px of it.
    pub fn sample(&self, rng: &mut Rng, width: usize, height: usize) -> Vec<u8> {
        let kind = rng.pick(&self.kinds);
        let ratio = rng.range(self.ratio[0], self.ratio[1]);
        let target = ((ratio * (width * height) as f32).round() as usize).max(1);
        let margin = if rng.chance(self.clear) { clear_margin(rng, ratio, width.min(height)) } else { 0 };
        let mut canvas = Canvas::new(width, height, margin, target);
        if kind.dilates() && rng.chance(self.dilate) {
            let share = rng.range(0.6, 0.95);
            canvas.quota(((target as f32 * share) as usize).max(1));
            kind.draw(&mut canvas, rng);
            // Thin figures make up the rest with more of them; part of a layer would show on them.
            canvas.dilate(matches!(kind, Kind::Blobs | Kind::Patches));
        }
        kind.draw(&mut canvas, rng);
        let slack = if kind.dilates() { 0 } else { canvas.slack() };
        canvas.finish(slack)
    }
}

/// A border of known pixels that leaves the hole enough room to look like its kind.
fn clear_margin(rng: &mut Rng, ratio: f32, side: usize) -> usize {
    let widest = 0.5 * (1.0 - (ratio / 0.75).min(1.0).sqrt());
    (side as f32 * rng.range(0.0, widest.min(0.12))) as usize + 1
}
