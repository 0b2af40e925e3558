//! Commands that talk to the running process.

use std::future::Future;
use std::process::ExitCode;

use anyhow::Context;

use crate::admin::{client, render};

use super::arguments::{ControlOptions, FailoverOptions, MaintenanceOptions, StatusOptions, Switch};
use super::output::print;

pub(super) fn status(options: &StatusOptions) -> anyhow::Result<ExitCode> {
    let status = wait(client::status(&options.control.admin_socket))?;
    if options.json {
        print(&(serde_json::to_string_pretty(&status)? + "\n"))?;
    } else {
        print(&render::screen(&status))?;
    }
    Ok(ExitCode::SUCCESS)
}

pub(super) fn failover(options: &FailoverOptions) -> anyhow::Result<ExitCode> {
    match &options.instance {
        Some(instance) => order(&options.control, &format!("/v1/failover/{instance}")),
        None => order(&options.control, "/v1/failover"),
    }
}

pub(super) fn maintenance(options: &MaintenanceOptions) -> anyhow::Result<ExitCode> {
    let path = match options.state {
        Switch::On => "/v1/maintenance/on",
        Switch::Off => "/v1/maintenance/off",
    };
    order(&options.control, path)
}

pub(super) fn reload(options: &ControlOptions) -> anyhow::Result<ExitCode> {
    order(options, "/v1/reload")
}

fn order(options: &ControlOptions, path: &str) -> anyhow::Result<ExitCode> {
    print(&(wait(client::order(&options.admin_socket, path))? + "\n"))?;
    Ok(ExitCode::SUCCESS)
}

fn wait<T>(exchange: impl Future<Output = Result<T, client::ClientError>>) -> anyhow::Result<T> {
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().context("cannot start a runtime")?;
    Ok(runtime.block_on(exchange)?)
}
