//! `vipgate release-vips`.

use std::process::ExitCode;

use anyhow::Context;

use crate::sys;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let released = sys::netlink::held::release_vips().context("cannot remove addresses")?;
    println!("removed {released} virtual addresses");
    Ok(ExitCode::SUCCESS)
}
