//! The U-Net of Liu et al. 2018: planned first, then run.

mod layout;
mod network;
mod plan;

pub(crate) use layout::{Layout, MAX_MAPS};
pub(crate) use network::Network;
pub(crate) use plan::Plan;
