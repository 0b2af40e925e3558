//! What the health of tracked things makes of this node's priority.
//!
//! Levels in, one [`Effective`](crate::vrrp::Effective) for each virtual router out; a pure function, so a lost or
//! repeated event cannot matter. Never looks at anything itself (`check` and `run` do) and never knows who is Master
//! (`vrrp` does). Read [`tracker`] first.

pub mod election;
pub mod tracker;

pub use crate::vrrp::Effective;
pub use tracker::Tracker;
