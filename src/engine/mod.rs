//! From a photograph and its mask to the filled photograph: the stages, and where each of them works.

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
