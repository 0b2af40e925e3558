//! vipgate: VRRP, virtual IPs and an HTTP/TCP proxy in one process.
//!
//! The modules stand in reading order, and **a module may use only modules above it** (`tests/tidy` holds the table).
//! The upper two groups are pure: no I/O, no clock, no tokio; `cargo check --no-default-features` builds just them.
//!
//! ```text
//! words      time diag wire http model state
//! deciding   vrrp track rule check balance resolve stats config
//! doing      sys generation proxy admin
//! running    run cli
//! ```
//!
//! Threads: `main` supervises and owns every listening socket; `vg-vrrp` holds the virtual IPs; `vg-check` probes;
//! `vg-ctl` loads configuration and answers the operator; `vg-log` writes logs; `vg-w00..` carry the traffic.
//! Every channel and cell between them is created in [`run::wiring`](crate::run) and nowhere else.

/// Version of this build: that of `Cargo.toml`, or what `VIPGATE_VERSION` said at build time (a packager's).
pub const VERSION: &str = match option_env!("VIPGATE_VERSION") {
    Some(version) => version,
    None => env!("CARGO_PKG_VERSION"),
};

// Words.
pub mod time;
pub mod diag;
pub mod wire;
pub mod http;
pub mod model;
pub mod state;

// Deciding: no I/O, no clock, no tokio.
pub mod vrrp;
pub mod track;
pub mod stick;
pub mod rule;
pub mod check;
pub mod balance;
pub mod resolve;
pub mod stats;
pub mod config;

// Doing.
#[cfg(feature = "daemon")]
pub mod sys;
#[cfg(feature = "daemon")]
pub mod generation;
#[cfg(feature = "daemon")]
pub mod proxy;
#[cfg(feature = "daemon")]
pub mod admin;

// Running.
#[cfg(feature = "daemon")]
pub mod run;
#[cfg(feature = "daemon")]
pub mod cli;
