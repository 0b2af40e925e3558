//! `vipgate run`.

use std::process::ExitCode;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::run;

use super::arguments::RunOptions;

pub(super) fn run(options: &RunOptions) -> anyhow::Result<ExitCode> {
    start_messages("info")?;
    let settings = run::Settings {
        files: options.config.files.clone(),
        node: options.config.node.clone(),
        admin_socket: options.admin_socket.clone(),
        maxconn: None,
        master: None,
        joins: false,
        taken_from: None,
        needs_listener: false,
        stop: run::Stop::Drain,
    };
    let result = run::run(settings, || {});
    run::log::messages::flush();
    result
}

/// Messages go to standard error from here on: those of this level and above, or what `VIPGATE_LOG` says.
pub(super) fn start_messages(level: &str) -> anyhow::Result<()> {
    run::log::messages::start().context("cannot start vg-log-err")?;
    let filter = EnvFilter::try_from_env("VIPGATE_LOG").unwrap_or_else(|_| EnvFilter::new(level));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| run::log::messages::Writer)
        .with_ansi(false)
        .with_target(false)
        .init();
    Ok(())
}
