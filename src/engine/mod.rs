//! Fills a photograph by its mask: the stages, their order, and the regions they work in.

mod composite;
mod grain;
mod memory;
mod network;
mod pipeline;
mod pixels;
mod prior;
mod pyramid;
mod regions;
mod report;
mod scratch;
mod sizes;
mod synthesis;

pub(crate) use pipeline::{Engine, Job};
pub use report::{Progress, Report, StageTimes};
pub(crate) use sizes::most_bytes;
pub use synthesis::Texture;
