//! `vipgate lab`: a pair of real vipgate processes, two HTTP servers and a client, each in a network namespace of its
//! own, and a story of failures with what the client saw.
//!
//! Decides what is broken when, and how an outage is counted. Never touches the machine's own network: the whole lab
//! lives in unshared network, mount and PID namespaces ([`isolate`]), whose end, however it comes, removes everything.
//!
//! Start with [`story`]; [`topology`] has the picture.

mod backend;
mod client;
mod isolate;
mod measure;
mod node;
mod scene;
mod story;
mod topology;
mod watch;

use std::process::ExitCode;

use super::arguments::LabOptions;

/// Runs the lab.
///
/// Called twice: the first call replaces this process by `unshare`, which calls the second inside the namespaces.
///
/// # Errors
/// Namespaces cannot be had here (the text says why and what to type), or iproute2 refused something.
pub(super) fn run(options: &LabOptions) -> anyhow::Result<ExitCode> {
    if isolate::is_inside() {
        let inside = isolate::settle()?;
        story::run(options, &inside)
    } else {
        isolate::enter(options)
    }
}
