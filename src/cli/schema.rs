//! `vipgate schema`.

use std::process::ExitCode;

use crate::config;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    println!("{:#}", config::schema());
    Ok(ExitCode::SUCCESS)
}
