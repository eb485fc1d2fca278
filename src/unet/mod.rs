//! The U-Net of Liu et al. 2018: planned first, then run.

mod layout;
mod network;
mod plan;
mod reach;

pub(crate) use layout::{Layout, MAX_MAPS, common};
pub(crate) use network::Network;
pub use network::Observer;
pub(crate) use plan::Plan;
