//! What expressions may ask where there is no stream: the process alone.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::LazyLock;
use std::time::Duration;

use crate::rule::Facts;
use crate::rule::facts::{Address, Number, Words, Zone};
use crate::sys::{clock, hosts, localtime};
use crate::time::Instant;

/// The environment as it was when it was asked for first.
static ENVIRONMENT: LazyLock<HashMap<String, Vec<u8>>> = LazyLock::new(|| {
    let pair = |(name, value): (std::ffi::OsString, std::ffi::OsString)| {
        Some((name.into_string().ok()?, value.into_encoded_bytes()))
    };
    std::env::vars_os().filter_map(pair).collect()
});

static HOSTNAME: LazyLock<String> = LazyLock::new(|| hosts::short_hostname().unwrap_or_default());

/// The process, without a stream.
pub struct Alone;

impl Facts for Alone {
    fn number(&self, question: Number, _: Option<&str>) -> Option<i64> {
        (question == Number::ProcessId).then(|| i64::from(std::process::id()))
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        (question == Words::Hostname).then(|| HOSTNAME.as_bytes())
    }

    fn address(&self, _: Address) -> Option<SocketAddr> {
        None
    }

    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        None
    }

    fn environment(&self, name: &str) -> Option<&[u8]> {
        ENVIRONMENT.get(name).map(Vec::as_slice)
    }

    fn wall_clock(&self) -> Duration {
        clock::wall()
    }

    fn now(&self) -> Instant {
        clock::now()
    }

    fn zone(&self, epoch: i64) -> Zone {
        let (offset, name) = localtime::zone(epoch);
        Zone { offset, name }
    }

    fn random(&self) -> u32 {
        // Keyed anew for each call, from a seed of the kernel's.
        (RandomState::new().hash_one(0) >> 32) as u32
    }
}
