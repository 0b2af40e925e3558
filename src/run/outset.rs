//! Variables that the configuration sets before anything runs: those of the process, and of its environment.

use std::path::PathBuf;
use std::sync::Arc;

use crate::admin::runtime::Alone;
use crate::generation::Rules;
use crate::model::{Endpoint, Process};
use crate::rule::{Captures, Data, Effects, Stage, Transaction, Variables};
use crate::sys::{environment, hosts};

/// Makes the environment what HAProxy's would be: with what it tells of itself (manual §2.3), and as the lines of the
/// configuration change it.
pub(super) fn change_environment(rules: &Rules, process: &Process, files: &[PathBuf], node: Option<&str>) {
    let mut variables = environment::inherited();
    let files: Vec<String> = files.iter().map(|file| file.display().to_string()).collect();
    let sockets = process.runtime.sockets.iter().map(|socket| match &socket.endpoint {
        Endpoint::Tcp(address) if address.is_ipv4() => format!("ipv4@{address}"),
        Endpoint::Tcp(address) => format!("ipv6@{address}"),
        other => other.to_string(),
    });
    let node = node.map_or_else(|| hosts::short_hostname().unwrap_or_default(), str::to_owned);
    let version = &process.identity.version;
    for (name, value) in [
        ("HAPROXY_STARTUP_VERSION", version.told()),
        ("HAPROXY_BRANCH", version.branch()),
        ("HAPROXY_CFGFILES", files.join(";")),
        ("HAPROXY_LOCALPEER", node),
        ("HAPROXY_CLI", sockets.collect::<Vec<_>>().join(";")),
    ] {
        variables.insert(name.to_owned(), value.into_bytes());
    }
    rules.globals.environment.iter().for_each(|change| change.apply(&mut variables));
    environment::begin(variables);
}

/// Sets the variables of the process that the configuration sets, unless the rules are those that ran before.
pub(super) fn set_variables(rules: &Arc<Rules>, before: Option<&Arc<Rules>>) {
    if !rules.globals.sets_variables() || before.is_some_and(|before| Arc::ptr_eq(before, rules)) {
        return;
    }
    rules.globals.set_variables(&Transaction {
        stage: Stage::Load,
        facts: &Alone,
        request: None,
        response: None,
        request_data: Data::default(),
        response_data: Data::default(),
        variables: &Variables::new(Arc::clone(&rules.variables)),
        captures: &Captures::default(),
        patterns: &rules.registry,
        effects: &mut Effects::default(),
    });
}
