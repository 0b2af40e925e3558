//! `vipgate schema`.

use std::process::ExitCode;

use crate::config;

use super::output::print;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    print(&format!("{:#}\n", config::schema()))?;
    Ok(ExitCode::SUCCESS)
}
