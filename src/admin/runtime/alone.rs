//! What expressions may ask where there is no stream: the process alone.

use std::net::SocketAddr;
use std::time::Duration;

use crate::rule::Facts;
use crate::rule::facts::{Address, Number, Words, Zone};
use crate::sys::{clock, environment, hosts, localtime, random};
use crate::time::Instant;

/// The process, without a stream.
pub struct Alone;

impl Facts for Alone {
    fn number(&self, question: Number, _: Option<&str>) -> Option<i64> {
        (question == Number::ProcessId).then(|| i64::from(std::process::id()))
    }

    fn words(&self, question: Words) -> Option<&[u8]> {
        (question == Words::Hostname).then(|| hosts::hostname().as_bytes())
    }

    fn address(&self, _: Address) -> Option<SocketAddr> {
        None
    }

    fn proxy_header_value(&self, _: u8) -> Option<&[u8]> {
        None
    }

    fn environment(&self, name: &str) -> Option<&[u8]> {
        environment::variable(name)
    }

    fn wall_clock(&self) -> Duration {
        clock::wall()
    }

    fn now(&self) -> Instant {
        clock::now()
    }

    fn zone(&self, epoch: i64) -> Zone {
        localtime::zone(epoch).into()
    }

    fn random(&self) -> u32 {
        random::bits()
    }
}
