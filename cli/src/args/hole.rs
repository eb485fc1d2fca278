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
    /// What of the mask is white or black
    ///
    /// auto takes luma where the mask has no alpha or the same alpha everywhere; alpha where all that can be seen has one
    /// colour and no more than half of it is opaque, as strokes on a transparent layer; and refuses what may be meant either
    /// way, as a photograph with an erased hole: --mask-channel alpha --mask-white keep makes what is transparent the hole.
    #[arg(long, default_value = "auto", value_parser = values::one_of(values::CHANNELS))]
    mask_channel: MaskChannel,
    /// Mask values from here on are white [default: 128], alpha in IMAGE from here on is opaque [default: what is fully so]
    #[arg(long, value_name = "N", allow_negative_numbers = true, value_parser = values::threshold)]
    mask_threshold: Option<u8>,
    /// What is transparent in IMAGE, if only in part, is the hole; what is filled becomes opaque
    #[arg(long)]
    mask_alpha: bool,
    /// What has this colour in IMAGE is the hole, give or take N of 255 in red, green and blue each; may be repeated
    ///
    /// COLOUR is ff00ff, '#f0f', magenta or any other colour of CSS. With N, nothing farther off is taken. Without, paint is
    /// found as JPEG and soft brushes leave it, if the colour is a pure one such as magenta; grey, black and white are found
    /// where they are exact.
    #[arg(long, alias = "mask-colour", value_name = "COLOUR[±N]", value_parser = values::paint)]
    mask_color: Vec<Paint>,
    /// A box of the hole, pixels of the upright image; may be repeated
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
