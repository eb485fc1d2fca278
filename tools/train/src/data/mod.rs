//! Photographs in, batches of augmented crops and masks out.

mod augment;
mod batches;
mod folder;
mod photo;
mod warp;

pub use augment::{Augment, Colour, Placement};
pub use batches::{Batch, Batches, Recipe};
pub use folder::Folder;
pub use photo::{Photo, SMALLEST};
pub use warp::Warp;
