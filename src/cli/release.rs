//! `vipgate release-vips`.

use std::process::ExitCode;

use anyhow::Context;

use crate::sys;

use super::output::print;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let released = sys::netlink::held::release_vips().context("cannot remove addresses")?;
    print(&format!("removed {released} virtual addresses\n"))?;
    Ok(ExitCode::SUCCESS)
}
