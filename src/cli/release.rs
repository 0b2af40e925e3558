//! `vipgate release-vips`.

use std::process::ExitCode;

use anyhow::{Context, anyhow};

use crate::sys;
use crate::sys::node_lock::NodeLock;

use super::output::print;

pub(super) fn run() -> anyhow::Result<ExitCode> {
    let _lock = NodeLock::take().map_err(|error| match error.kind() {
        std::io::ErrorKind::AddrInUse => {
            anyhow!("vipgate is running on this node: `vipgate failover` moves the addresses")
        }
        _ => error.into(),
    })?;
    let released = sys::netlink::held::release_vips().context("cannot remove addresses")?;
    print(&format!("removed {released} virtual addresses\n"))?;
    Ok(ExitCode::SUCCESS)
}
