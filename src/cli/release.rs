//! `vipgate release-vips`.

use std::process::ExitCode;

use anyhow::Context;

use crate::sys;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let released = sys::netlink::release_vips().context("cannot remove addresses")?;
    for address in released {
        println!("removed {address}");
    }
    Ok(ExitCode::SUCCESS)
}
