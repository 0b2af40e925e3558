//! Health checks.

use super::text::{Text, scalar, time};
use crate::model::check::{Check, InitialState};
use crate::rule;

pub(super) fn check(out: &mut Text, level: usize, check: &Check) {
    out.line(level, "check:");
    let level = level + 1;
    match &check.rules[..] {
        [] => out.pair(level, "tcp", true),
        rules => {
            out.line(level, "rules:");
            for words in rules {
                out.line(level + 1, &format!("- {}", scalar(&rule::join(words.iter().map(String::as_str)))));
            }
        }
    }
    out.pair(level, "interval", time(check.interval));
    out.pair(level, "fast_interval", time(check.fast_interval));
    out.pair(level, "down_interval", time(check.down_interval));
    out.pair(level, "timeout", time(check.timeout));
    out.pair(level, "rise", check.rise);
    out.pair(level, "fall", check.fall);
    if let Some(port) = check.port {
        out.pair(level, "port", port);
    }
    if let Some(address) = check.address {
        out.pair(level, "address", scalar(&address.to_string()));
    }
    match check.observe {
        Some(failures) => out.pair(level, "observe", failures),
        None => out.pair(level, "observe", "off"),
    }
    if let Some(limit) = check.answer_timeout {
        out.pair(level, "answer_timeout", time(limit));
    }
    out.pair(level, "send_proxy", check.sends_proxy);
    if let Some(socks) = check.socks {
        out.pair(level, "socks", scalar(&socks.to_string()));
    }
    let initial = match check.initial {
        InitialState::Up => return,
        InitialState::FullyUp => "fully-up",
        InitialState::Down => "down",
        InitialState::FullyDown => "fully-down",
    };
    out.pair(level, "initial", initial);
}
