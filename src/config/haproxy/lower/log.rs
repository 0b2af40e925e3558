//! `log` lines: where access lines go.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier};
use crate::config::haproxy::table::Row;
use crate::diag::{Span, Spanned};
use crate::model::LogTarget;

use super::Context;
use super::value::{Host, Ports};

/// Levels from the gravest; traffic has `info`.
const LEVELS: [&str; 8] = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"];
const INFO: usize = 6;

const FACILITIES: [&str; 24] = [
    "kern", "user", "mail", "daemon", "auth", "syslog", "lpr", "news", "uucp", "cron", "auth2", "ftp", "ntp", "audit",
    "alert", "cron2", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7",
];

/// Where the lines of a proxy go.
#[derive(Clone, Debug, Default)]
pub struct Logs {
    /// `log global`.
    pub is_global: bool,
    /// Own destinations.
    pub targets: Vec<Destination>,
    /// `option httplog` or `option tcplog`, and where it stands.
    pub format: Option<Spanned<Format>>,
}

/// What a line of log looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Http,
    Tcp,
}

/// A destination.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    pub target: LogTarget,
    pub span: Span,
    /// Whether lines of level `info` go there.
    pub takes_traffic: bool,
}

/// `log 127.0.0.1 local0 info`; `log global` in a proxy; `no log`.
pub fn log(logs: &mut Logs, row: &'static Row, line: &Line, context: &Context<'_>) {
    match (line.modifier, line.text(1)) {
        (Modifier::No, "") => *logs = Logs { format: logs.format, ..Logs::default() },
        (Modifier::None, "global") => {
            context.no_more(line, 2);
            logs.is_global = true;
        }
        (Modifier::None, _) => {
            let Some(word) = context.argument(line, 1, "a destination") else { return };
            let target = target(word, context);
            let takes_traffic = options(line, context);
            let (Some(target), Some(takes_traffic)) = (target, takes_traffic) else { return };
            context.notice(row, line.span_of(1));
            logs.targets.push(Destination { target, span: word.span, takes_traffic });
        }
        _ => context.error("E-VALUE", line.span_of(1), "'log' can only be undone as a whole: 'no log'"),
    }
}

fn target(word: &Word, context: &Context<'_>) -> Option<LogTarget> {
    let text = word.text.as_str();
    if matches!(text, "stdout" | "fd@1") {
        return Some(LogTarget::Stdout);
    }
    if let Some(path) = text.strip_prefix("unix@").or(text.starts_with('/').then_some(text)) {
        return Some(LogTarget::SyslogUnix(PathBuf::from(path)));
    }
    let refused = [
        ("stderr", "write stdout"),
        ("fd@", "write stdout"),
        ("ring@", "there are no rings"),
        ("tcp", "only UDP is spoken to syslog servers"),
    ];
    if let Some((what, why)) = refused.iter().find(|(prefix, _)| text.starts_with(prefix)) {
        context.refuse(word.span, &format!("the log destination '{what}'"), why);
        return None;
    }
    let text = ["udp@", "udp4@", "udp6@"].iter().find_map(|prefix| text.strip_prefix(prefix)).unwrap_or(text);
    let (host, ports) = context.address(word, text)?;
    let port = match ports {
        Ports::None => 514,
        Ports::Range(first, last) if first == last => first,
        _ => {
            context.error("E-VALUE", word.span, format!("'{text}' is not one port"));
            return None;
        }
    };
    if host == Host::Any {
        return Some(LogTarget::SyslogUdp(SocketAddr::from(([127, 0, 0, 1], port))));
    }
    context.resolve(&host, port, word).map(LogTarget::SyslogUdp)
}

/// `len N`, `format F`, `sample ...`, `profile P`, then facility and levels: whether traffic goes there.
fn options(line: &Line, context: &Context<'_>) -> Option<bool> {
    let mut at = 2;
    while let "len" | "format" | "sample" | "profile" = line.text(at) {
        context.argument(line, at + 1, "a value")?;
        at += 2;
    }
    let Some(facility) = line.word(at) else {
        // A facility is asked for except where there is no syslog header.
        context.error("E-MISSING", line.end(), "'log' expects <facility> such as local0");
        return None;
    };
    let mut is_known = true;
    let mut known = |word: &Word, what: &str, list: &[&str]| {
        let found = list.iter().position(|known| *known == word.text);
        if found.is_none() {
            is_known = false;
            context.error(
                "E-VALUE",
                word.span,
                format!("unknown log {what} '{}'; one of {}", word.text, list.join(", ")),
            );
        }
        found
    };
    known(facility, "facility", &FACILITIES);
    let most = line.word(at + 1).map_or(Some(LEVELS.len() - 1), |word| known(word, "level", &LEVELS));
    let least = line.word(at + 2).map_or(Some(0), |word| known(word, "level", &LEVELS));
    context.no_more(line, at + 3);
    is_known.then_some(most >= Some(INFO) && least <= Some(INFO))
}
