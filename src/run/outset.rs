//! What expressions may ask before anything runs: the process and its machine, but no connection.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::generation::Rules;
use crate::rule::facts::{Address, Number, Words, Zone};
use crate::rule::{Captures, Data, Effects, Facts, Stage, Transaction, Variables};
use crate::sys::{clock, hosts, localtime};
use crate::time::Instant;

struct Outset {
    environment: HashMap<String, Vec<u8>>,
    hostname: String,
}

impl Facts for Outset {
    fn number(&self, question: Number, _: Option<&str>) -> Option<i64> {
        (question == Number::ProcessId).then(|| i64::from(std::process::id()))
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        (question == Words::Hostname).then_some(self.hostname.as_bytes())
    }

    fn address(&self, _: Address) -> Option<SocketAddr> {
        None
    }

    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        None
    }

    fn environment(&self, name: &str) -> Option<&[u8]> {
        self.environment.get(name).map(Vec::as_slice)
    }

    fn now(&self) -> Instant {
        clock::now()
    }

    fn wall_clock(&self) -> Duration {
        clock::wall()
    }

    fn zone(&self, epoch: i64) -> Zone {
        let (offset, name) = localtime::zone(epoch);
        Zone { offset, name }
    }

    fn random(&self) -> u32 {
        // Keyed anew for each call, from a seed of the kernel's.
        (RandomState::new().hash_one(&self.hostname) >> 32) as u32
    }
}

/// Sets the variables of the process that the configuration sets, unless the rules are those that ran before.
pub(super) fn set_variables(rules: &Arc<Rules>, before: Option<&Arc<Rules>>) {
    if !rules.globals.sets_variables() || before.is_some_and(|before| Arc::ptr_eq(before, rules)) {
        return;
    }
    let pair = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_encoded_bytes()))
    };
    let outset = Outset {
        environment: std::env::vars_os().filter_map(pair).collect(),
        hostname: hosts::short_hostname().unwrap_or_default(),
    };
    rules.globals.set_variables(&Transaction {
        stage: Stage::Load,
        facts: &outset,
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
