//! The options that say where the hole is.

use clap::{Args, ValueEnum};
use inpaint_edge::{MaskChannel, MaskWhite, Paint};

/// Where the hole is: all that MASK and the options say together, then grown or shrunk.
#[derive(Args)]
pub struct HoleArgs {
    /// What white in the mask means [default: hole]
    #[arg(long, value_enum)]
    pub mask_white: Option<White>,
    /// What of the mask is white or black
    ///
    /// auto takes luma where the mask has no alpha or the same alpha everywhere; alpha where all that can be seen has one
    /// colour and no more than half of it is opaque, as strokes on a transparent layer; and refuses what may be meant either
    /// way, as a photograph with an erased hole: --mask-channel alpha --mask-white keep makes what is transparent the hole.
    #[arg(long, value_enum, default_value_t = ChannelArg::Auto)]
    pub mask_channel: ChannelArg,
    /// Mask values from here on are white [default: 128], alpha in IMAGE from here on is opaque [default: what is fully so]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = threshold)]
    pub mask_threshold: Option<u8>,
    /// What is transparent in IMAGE, if only in part, is the hole; what is filled becomes opaque
    #[arg(long)]
    pub mask_alpha: bool,
    /// What has this colour in IMAGE is the hole, give or take N of 255 in red, green and blue each; may be repeated
    ///
    /// COLOUR is ff00ff, '#f0f', magenta or any other colour of CSS. With N, nothing farther off is taken. Without, paint is
    /// found as JPEG and soft brushes leave it, if the colour is a pure one such as magenta; grey, black and white are found
    /// where they are exact.
    #[arg(long, alias = "mask-colour", value_name = "COLOUR[±N]", value_parser = paint)]
    pub mask_color: Vec<Paint>,
    /// A box of the hole, pixels of the upright image; may be repeated
    #[arg(long = "box", value_name = "X,Y,W,H", value_parser = area, allow_hyphen_values = true)]
    pub boxes: Vec<Area>,
    /// Grow the hole by a disc of this radius; below 0, shrink it
    #[arg(long, value_name = "PX", default_value_t = 0, allow_hyphen_values = true, value_parser = grow)]
    pub mask_grow: i64,
}

impl HoleArgs {
    /// Whether a hole needs no mask.
    pub fn in_image(&self) -> bool {
        self.in_pixels() || !self.boxes.is_empty()
    }

    /// Whether only the pixels of the image tell where the hole is.
    pub fn in_pixels(&self) -> bool {
        self.mask_alpha || !self.mask_color.is_empty()
    }

    pub fn white(&self) -> MaskWhite {
        self.mask_white.map_or(MaskWhite::Hole, Into::into)
    }

    pub fn threshold(&self) -> u8 {
        self.mask_threshold.unwrap_or(128)
    }
}

/// A colour that is painted over what is to be filled.
fn paint(text: &str) -> Result<Paint, String> {
    let (colour, tolerance) = match text.rsplit_once(['±', '+']) {
        Some((colour, tolerance)) => (colour, Some(tolerance)),
        None => (text, None),
    };
    let colour = csscolorparser::parse(colour.trim()).ok().filter(|colour| colour.a == 1.0);
    let tolerance = tolerance.map(|n| n.trim().parse().ok());
    match (colour, tolerance) {
        (Some(colour), None | Some(Some(_))) => {
            let [rgb @ .., _] = colour.to_rgba8();
            Ok(Paint { rgb, tolerance: tolerance.flatten() })
        }
        (Some(_), Some(None)) => Err("a number from 0 to 255 expected after ± or +".to_owned()),
        (None, _) => {
            Err("an opaque colour such as ff00ff, '#f0f' or magenta expected, with ±8 or +8 behind it or not"
                .to_owned())
        }
    }
}

/// A box, pixels; it may lie beyond the image in part.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Area {
    pub x: i64,
    pub y: i64,
    pub width: i64,
    pub height: i64,
}

fn area(text: &str) -> Result<Area, String> {
    let parts: Vec<_> = text.split(',').map(str::trim).collect();
    let number = |part: &&str| part.parse::<i64>().ok().filter(|n| n.unsigned_abs() <= u32::MAX.into());
    match parts.iter().map(number).collect::<Option<Vec<_>>>().as_deref() {
        Some(&[x, y, width, height]) if width > 0 && height > 0 => Ok(Area { x, y, width, height }),
        Some(&[_, _, _, _]) => Err("a width and a height above 0 expected, such as in 10,20,64,48".to_owned()),
        _ if parts.len() < 4 || parts.contains(&"") => {
            Err("column, row, width and height expected without spaces between them, such as 10,20,64,48".to_owned())
        }
        _ => Err("column, row, width and height in whole pixels expected, such as 10,20,64,48".to_owned()),
    }
}

fn threshold(text: &str) -> Result<u8, String> {
    text.parse().map_err(|_| "0 to 255 expected".to_owned())
}

fn grow(text: &str) -> Result<i64, String> {
    let radius = text.parse::<i64>().ok().filter(|radius| radius.unsigned_abs() <= u32::MAX.into());
    radius.ok_or_else(|| "a whole number of pixels expected, such as 2, or -2 to shrink".to_owned())
}

#[derive(Clone, Copy, ValueEnum)]
pub enum ChannelArg {
    /// Alpha where colour cannot be meant, else luma; what may be either is refused
    Auto,
    /// Grey, or the luma of colour
    Luma,
    /// Opaque is white
    Alpha,
    Red,
    Green,
    Blue,
}

impl From<ChannelArg> for MaskChannel {
    fn from(channel: ChannelArg) -> Self {
        match channel {
            ChannelArg::Auto => MaskChannel::Auto,
            ChannelArg::Luma => MaskChannel::Luma,
            ChannelArg::Alpha => MaskChannel::Alpha,
            ChannelArg::Red => MaskChannel::Red,
            ChannelArg::Green => MaskChannel::Green,
            ChannelArg::Blue => MaskChannel::Blue,
        }
    }
}

#[derive(Clone, Copy, ValueEnum)]
pub enum White {
    /// White is filled
    Hole,
    /// White is kept
    Keep,
}

impl From<White> for MaskWhite {
    fn from(white: White) -> Self {
        match white {
            White::Hole => MaskWhite::Hole,
            White::Keep => MaskWhite::Keep,
        }
    }
}
