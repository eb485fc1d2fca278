//! The options that say where the hole is.

use clap::Args;
use inpaint_edge::{MaskChannel, MaskWhite, Paint};

use super::values;
use crate::spec::{Area, HoleSpec};

/// Where the hole is: all that MASK and the options say together, then grown or shrunk.
#[derive(Args)]
pub struct HoleArgs {
    /// What white in the mask means [default: hole]
    #[arg(long, value_parser = values::one_of(values::WHITES))]
    mask_white: Option<MaskWhite>,
    /// Channel of the mask that tells the hole
    ///
    /// auto takes luma if the mask has no alpha or the same alpha everywhere, and alpha if all visible pixels have one
    /// colour and at most half of the mask is opaque, as in strokes on a transparent layer. It refuses a mask that may
    /// be meant either way, such as a photograph with an erased hole: --mask-channel alpha --mask-white keep makes what
    /// is transparent the hole.
    #[arg(long, default_value = "auto", value_parser = values::one_of(values::CHANNELS))]
    mask_channel: MaskChannel,
    /// Lowest mask value that is white [default: 128], and lowest alpha in IMAGE that is opaque [default: full]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threshold)]
    mask_threshold: Option<u8>,
    /// Fill what is transparent in IMAGE, even in part, and make it opaque
    #[arg(long)]
    mask_alpha: bool,
    /// Fill what has this colour in IMAGE, within N of 255 in red, green and blue each; may be repeated
    ///
    /// COLOUR is ff00ff, '#f0f', magenta or any other CSS colour. With N, nothing farther off is taken. Without N, a
    /// pure colour such as magenta is also found as JPEG and soft brushes leave it; grey, black and white must match
    /// exactly.
    #[arg(long, alias = "mask-colour", value_name = "COLOUR[±N]", value_parser = values::paint)]
    mask_color: Vec<Paint>,
    /// Fill a box, in pixels of the upright image: column, row, width, height; may be repeated
    #[arg(long = "box", value_name = "X,Y,W,H", value_parser = values::area, allow_hyphen_values = true)]
    boxes: Vec<Area>,
    /// Grow the hole by a disc of this radius; below 0, shrink it
    #[arg(long, value_name = "PX", default_value_t = 0, allow_hyphen_values = true, value_parser = values::grow)]
    mask_grow: i64,
}

impl HoleArgs {
    pub fn spec(&self) -> HoleSpec {
        HoleSpec {
            white: self.mask_white,
            channel: self.mask_channel,
            threshold: self.mask_threshold,
            alpha: self.mask_alpha,
            paints: self.mask_color.clone(),
            boxes: self.boxes.clone(),
            grow: self.mask_grow,
        }
    }
}
