//! One file for each kind of thread, and [`wiring`]: every channel and cell between threads is created there.
//!
//! No protocol lives here. Read [`supervisor`] first: it is the main thread, and says in which order things start and
//! stop.

mod load;
mod listeners;
mod wiring;
mod threads;
mod readiness;

mod supervisor;
pub mod vrrp;
pub mod check;
mod ctl;
pub mod log;
mod worker;

pub use load::{LoadError, check as check_files, load};
pub use supervisor::run;

use std::path::PathBuf;

/// How the process was started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Configuration files, merged.
    pub files: Vec<PathBuf>,
    /// Name of this node; `None` is the short host name.
    pub node: Option<String>,
    /// Control socket; `None` is the configuration's.
    pub admin_socket: Option<PathBuf>,
}
