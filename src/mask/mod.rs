//! The [`Mask`] marks the pixels of an image that are to be filled, a bit a pixel. Every caller makes one: from bytes by a
//! [`MaskRule`], a channel of a picture, transparency, paint or boxes.

mod bits;
mod distance;
mod group;
mod halves;
mod paint;
mod pixels;
mod rect;
mod rule;
mod select;
mod shape;
mod survey;

pub use bits::{Mask, MaskView};
#[cfg(feature = "capi")]
pub(crate) use distance::dilation_lines;
pub(crate) use group::{Group, Groups};
pub(crate) use halves::{parents, whole_cells};
pub use paint::{Paint, Painted};
pub(crate) use rect::Rect;
pub use rule::{MaskRule, MaskWhite};
pub use select::{MaskChannel, MaskGuess};
pub use survey::MaskSurvey;
