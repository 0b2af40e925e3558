//! run.

pub mod vrrp;
