//! Advises on a mask or a painted image whose hole may not be the one that was meant: what was found, and the option
//! that helps.

use image::{DynamicImage, GrayImage};
use inpaint_edge::{Mask, MaskChannel, MaskSurvey, MaskWhite, Paint, Painted, Result};
use inpaint_edge_image::Photo;

use crate::spec::HoleSpec;

/// Mask values that are neither black nor white, even in a lossy file.
const BETWEEN: std::ops::RangeInclusive<usize> = 16..=239;

/// The most different values of a mask of labels.
const LABELS: usize = 32;

/// Advice for 16-bit masks with 8-bit values.
const OF_LOW: &str = "`convert mask.png -threshold 0 out.png` makes white of all above 0";

/// What was found in a mask.
pub struct MaskAdvice {
    channel: MaskChannel,
    /// Whether the channel was guessed from the mask.
    is_guess: bool,
    white: MaskWhite,
    threshold: usize,
    /// Survey of a mask that is more than one grey plane.
    picture: Option<MaskSurvey>,
    has_alpha: bool,
    /// Pixels by their value in the channel that is read.
    levels: [usize; 256],
    hole_pixels: usize,
    edge: usize,
    /// The brightest sample of 16 bits, if all high bytes are 0.
    low: Option<u16>,
}

impl MaskAdvice {
    /// Looks at all channels of a mask, before only `channel` is left of it.
    pub fn new(mask: &Photo, channel: MaskChannel, spec: &HoleSpec) -> Result<Self> {
        let is_plane = mask.pixels.color().channel_count() == 1;
        let picture = if is_plane { None } else { Some(mask.survey_mask()?) };
        let (white, threshold) = (spec.mask_white(), spec.mask_threshold().into());
        let is_guess = spec.channel == MaskChannel::Auto;
        let low = brightest_of_16(&mask.pixels).filter(|v| (1..256).contains(v));
        let (has_alpha, levels, hole_pixels, edge) = (mask.has_alpha(), [0; 256], 0, 0);
        Ok(Self { channel, is_guess, white, threshold, picture, has_alpha, levels, hole_pixels, edge, low })
    }

    /// Looks at the channel that was read, and at the mask it became.
    pub fn read(&mut self, plane: &GrayImage, mask: &Mask) {
        plane.as_raw().iter().for_each(|v| self.levels[usize::from(*v)] += 1);
        (self.hole_pixels, self.edge) = (mask.count(), mask.edge());
    }

    fn pixels(&self) -> usize {
        self.levels.iter().sum()
    }

    fn darkest(&self) -> usize {
        self.levels.iter().position(|n| *n > 0).unwrap_or(0)
    }

    fn brightest(&self) -> usize {
        self.levels.iter().rposition(|n| *n > 0).unwrap_or(0)
    }

    fn in_channel(&self) -> String {
        let is_grey = self.channel == MaskChannel::Luma && self.picture.as_ref().is_none_or(|p| p.coloured == 0);
        if is_grey { String::new() } else { format!(" of {}", self.channel.name()) }
    }

    /// What the user should know of the mask.
    pub fn notes(&self, spec: &HoleSpec) -> Vec<String> {
        let mut notes = Vec::new();
        if self.hole_pixels == 0 {
            notes.push(self.no_hole());
        }
        if self.channel == MaskChannel::Alpha && self.is_guess {
            let what = if self.white == MaskWhite::Hole { "the hole" } else { "kept" };
            notes.push(format!("read by its alpha, opaque is {what}; --mask-channel luma reads its colour instead"));
        }
        let percent = |part: usize| 100 * part / self.pixels().max(1);
        let between = percent(self.levels[BETWEEN].iter().sum());
        let (colours, coloured) = self.picture.as_ref().map_or((0, 0), |p| (p.colours, percent(p.coloured)));
        let levels = self.levels.iter().filter(|n| **n > 0).count();
        let is_photograph = (between > 30 && levels > LABELS) || (colours > 64 && coloured > 5);
        if is_photograph && self.channel != MaskChannel::Alpha {
            notes.push(format!(
                "looks like a photograph: expected a mask in black and white, found {between} % of it neither black nor white \
                 and {coloured} % coloured"
            ));
        } else {
            notes.extend(self.soft_edge(spec.grow).or_else(|| self.labels_kept(spec)));
        }
        let hole = percent(self.hole_pixels);
        if hole > 50 && spec.white.is_none() && self.hole_pixels < self.pixels() {
            notes.push(format!("{hole} % of it is hole; where black marks the hole: --mask-white keep"));
        }
        notes
    }

    /// Notes a soft edge: a rim of the object stays there unless the hole grows over it.
    fn soft_edge(&self, grow: i64) -> Option<String> {
        let (values, remedy) = match self.white {
            MaskWhite::Hole => (*BETWEEN.start()..self.threshold, *BETWEEN.start()),
            MaskWhite::Keep => (self.threshold..BETWEEN.end() + 1, BETWEEN.end() + 1),
        };
        let levels = self.levels.get(values.clone())?;
        let pixels: usize = levels.iter().sum();
        // A soft edge is more than a pixel wide all along the hole, and has more values than labels have.
        let is_soft = pixels >= self.edge.max(16) && levels.iter().filter(|n| **n > 0).count() >= 8;
        if self.hole_pixels == 0 || !is_soft {
            return None;
        }
        // Values fall more slowly the farther out they are.
        let width = (13 * pixels).div_ceil(10 * self.edge.max(1));
        let growth = if width <= 64 { format!(", and so does --mask-grow {width}") } else { String::new() };
        (grow < width as i64).then(|| {
            format!(
                "a soft edge: {pixels} pixels of {} to {} are kept around the hole; --mask-threshold {remedy} takes \
                 them{growth}",
                values.start,
                values.end - 1
            )
        })
    }

    /// Notes labels that are kept while others are the hole, unless the user set a threshold.
    fn labels_kept(&self, spec: &HoleSpec) -> Option<String> {
        let values: Vec<_> = (0..256).filter(|v| self.levels[*v] > 0).collect();
        let [darkest, .., brightest] = values[..] else { return None };
        let (background, side) = match self.white {
            MaskWhite::Hole => (darkest, darkest..self.threshold),
            MaskWhite::Keep => (brightest, self.threshold..brightest),
        };
        // A value near the background is a label if many pixels have it; lossy files make few of each.
        let is_label = |v: usize| v.abs_diff(background) >= *BETWEEN.start() || self.levels[v] >= 2 * self.edge;
        let is_kept = |v: &usize| side.contains(v) && *v != background && is_label(*v);
        let kept: Vec<_> = values.iter().copied().filter(is_kept).collect();
        let pixels: usize = kept.iter().map(|v| self.levels[*v]).sum();
        let (&first, &last) = (kept.first()?, kept.last()?);
        let is_plain = values.len() > LABELS || pixels < self.edge.max(16);
        if spec.threshold.is_some() || self.hole_pixels == 0 || is_plain {
            return None;
        }
        let range = if first == last { format!("{first}") } else { format!("{first} to {last}") };
        let threshold = if self.white == MaskWhite::Hole { first } else { last + 1 };
        let of = self.in_channel();
        Some(format!(
            "{pixels} pixels of {range}{of} are kept beside the hole: --mask-threshold {threshold} takes them"
        ))
    }

    /// Why the mask has no hole.
    fn no_hole(&self) -> String {
        if let (Some(low), MaskWhite::Hole) = (self.low, self.white) {
            return format!(
                "no hole in it, its brightest value is {low} of 65535, of which the high byte counts; {OF_LOW}"
            );
        }
        let (name, value) = match self.white {
            MaskWhite::Hole => ("brightest", self.brightest()),
            MaskWhite::Keep => ("darkest", self.darkest()),
        };
        let of = self.in_channel();
        let found = format!("no hole in it, its {name} value{of} is {value} of 255");
        let options: Vec<_> = self.other_channel().into_iter().chain(self.other_threshold()).collect();
        if options.is_empty() { found } else { format!("{found}: {} would make a hole", options.join(" or ")) }
    }

    /// Why the mask may be all hole, if it is.
    pub fn all_hole(&self) -> Option<String> {
        if self.hole_pixels < self.pixels() {
            return None;
        }
        if let (Some(low), MaskWhite::Keep) = (self.low, self.white) {
            return Some(format!("all of the mask, 0 to {low} of 65535, counts as black, by its high byte; {OF_LOW}"));
        }
        let (darkest, brightest, of) = (self.darkest(), self.brightest(), self.in_channel());
        let values = if darkest == brightest { format!("{darkest}") } else { format!("{darkest} to {brightest}") };
        let (side, other) = match self.white {
            MaskWhite::Hole => ("white and white is the hole", "where black marks it: --mask-white keep"),
            MaskWhite::Keep => ("black and black is the hole", "where white marks it: no --mask-white keep"),
        };
        let options: Vec<_> = self.other_channel().into_iter().chain(self.other_threshold()).collect();
        let options = if options.is_empty() { String::new() } else { format!(", or {}", options.join(" or ")) };
        Some(format!("all of the mask, {values} of 255{of}, is {side}; {other}{options}"))
    }

    /// Another channel, which has both white and black, if the one that is read has not.
    fn other_channel(&self) -> Option<String> {
        let white_pixels = |levels: &[usize; 256]| levels[self.threshold..].iter().sum::<usize>();
        let channels = [MaskChannel::Red, MaskChannel::Green, MaskChannel::Blue, MaskChannel::Alpha];
        let both = |(_, levels): &(MaskChannel, &[usize; 256])| (1..self.pixels()).contains(&white_pixels(levels));
        let levels = &self.picture.as_ref()?.levels;
        let is_there = |(channel, _): &(MaskChannel, _)| *channel != MaskChannel::Alpha || self.has_alpha;
        let best = channels.into_iter().zip(levels).filter(is_there).filter(both).max_by_key(|(_, l)| white_pixels(l));
        best.map(|(channel, _)| format!("--mask-channel {}", channel.name()))
    }

    /// A threshold between the values of the mask: for labels, one that takes all but the darkest, or the brightest
    /// alone; else halfway.
    fn other_threshold(&self) -> Option<String> {
        let values = || (0..256).filter(|v| self.levels[*v] > 0);
        let (darkest, brightest) = (values().next()?, values().next_back()?);
        let threshold = match self.white {
            _ if darkest == brightest => return None,
            _ if values().count() > LABELS => (darkest + brightest).div_ceil(2),
            MaskWhite::Hole => values().nth(1)?,
            MaskWhite::Keep => brightest,
        };
        Some(format!("--mask-threshold {threshold}"))
    }
}

/// The brightest sample of a picture of 16 bits, where it has no alpha.
fn brightest_of_16(pixels: &DynamicImage) -> Option<u16> {
    match pixels {
        DynamicImage::ImageLuma16(i) => i.as_raw().iter().max().copied(),
        DynamicImage::ImageRgb16(i) => i.as_raw().iter().max().copied(),
        _ => None,
    }
}

/// What the user should know of painted pixels.
pub fn of_paint(paint: Paint, found: &Painted, grow: i64) -> Option<String> {
    let [r, g, b] = paint.rgb;
    let colour = format!("{r:02x}{g:02x}{b:02x}");
    let given = paint.tolerance.map_or(String::new(), |n| format!("±{n}"));
    let (left, within) = (found.left, found.left_within);
    if found.taken == 0 {
        let near = if left == 0 {
            String::new()
        } else {
            format!(", and {left} are near it: --mask-color {colour}±{within} takes most of them")
        };
        return Some(format!("no pixel is {colour}{given}: the nearest is {} off{near}", found.nearest));
    }
    let more = if found.rim > 0 {
        // No tolerance takes all of the rim: farther out, it has more of the photograph's colour.
        (grow < found.rim as i64)
            .then(|| format!("the paint fades out around them: --mask-grow {} takes its rim", found.rim))
    } else {
        let alone =
            if paint.tolerance.is_some_and(|n| n < within) { format!("{colour} alone or ") } else { String::new() };
        (left >= 16 && 4 * left >= found.taken).then(|| {
            format!("{left} more beside them are near it: --mask-color {alone}{colour}±{within} takes most of them")
        })
    };
    let are = if found.taken == 1 { "pixel is" } else { "pixels are" };
    more.map(|more| format!("{} {are} {colour}{given}; {more}", found.taken))
}
