//! Fills a photograph by its mask: the stages, their order, and the regions they work in.

mod composite;
mod network;
mod pipeline;
mod pixels;
mod prior;
mod pyramid;
mod regions;
mod report;
mod scratch;
mod sizes;
mod strategy;

pub(crate) use pipeline::{Engine, Job};
pub use report::{Progress, Report, StageTimes};
pub use strategy::{NATIVE_PIXELS, Strategy};
