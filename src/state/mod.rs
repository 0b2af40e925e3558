//! What threads share, as types only. Each file explains who writes, who reads and what may be stale.
//!
//! Nothing here decides or performs I/O. Start with [`servers`].

pub mod rate;
pub mod counters;
pub mod faults;
pub mod availability;
pub mod naming;
pub mod source_ports;
pub mod servers;
pub mod gauge;
pub mod queue;
pub mod sessions;
pub mod socket;
pub mod streams;
pub mod process;
pub mod log;
pub mod levels;
pub mod heart;
pub mod vrrp;
pub mod command;
