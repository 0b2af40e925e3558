//! `vipgate run`.

use std::process::ExitCode;

use anyhow::Context;
use tracing_subscriber::EnvFilter;

use crate::run;

use super::arguments::RunOptions;

pub(super) fn run(options: &RunOptions) -> anyhow::Result<ExitCode> {
    run::log::messages::start().context("cannot start vg-log-err")?;
    let filter = EnvFilter::try_from_env("VIPGATE_LOG").unwrap_or_else(|_| EnvFilter::new("info"));
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(|| run::log::messages::Writer)
        .with_ansi(false)
        .with_target(false)
        .init();
    let result = run::run(run::Settings {
        files: options.config.files.clone(),
        node: options.config.node.clone(),
        admin_socket: options.admin_socket.clone(),
    });
    run::log::messages::flush();
    result
}
