//! Options of servers that watch more than a check: `agent-check`, `track`, `on-marked-down` and their like.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use crate::config::draft::{Agent, Care};
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::table::Row;
use crate::diag::{Span, Spanned};
use crate::model::check::{Layer, OnError};

use super::Context;
use super::server::{self, Options};
use super::settings::{Timeout, spanned};
use super::timeout::Timeouts;
use super::value::{Host, Ports};

/// What the options say.
#[derive(Clone, Debug, Default)]
pub struct CareOptions {
    pub agent_check: Option<Spanned<bool>>,
    agent_address: Option<Spanned<IpAddr>>,
    agent_port: Option<Spanned<u64>>,
    agent_inter: Option<Spanned<Duration>>,
    agent_send: Option<Spanned<String>>,
    track: Option<Spanned<String>>,
    observe: Option<Spanned<Layer>>,
    on_error: Option<Spanned<OnError>>,
    error_limit: Option<Spanned<u64>>,
    closes_when_down: Option<Spanned<bool>>,
    closes_backups_when_up: Option<Spanned<bool>>,
    pub check_via_socks: Option<Spanned<bool>>,
    pub healthcheck: Option<Spanned<String>>,
}

/// What an option does.
pub type Handler = fn(&mut Options, &'static Row, &Word, Option<&Word>, &Context<'_>);

pub const AGENT_CHECK: Handler = |options, _, word, _, _| {
    options.care.agent_check = Some(Spanned::new(true, word.span));
};
pub const NO_AGENT_CHECK: Handler = |options, _, word, _, _| {
    options.care.agent_check = Some(Spanned::new(false, word.span));
};
pub const CHECK_VIA_SOCKS: Handler = |options, _, word, _, _| {
    options.care.check_via_socks = Some(Spanned::new(true, word.span));
};

/// `agent-addr ADDRESS`
pub fn agent_address(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    let Some(word) = argument else { return };
    let Some((host, _)) = context.address(word, &word.text) else { return };
    if host == Host::Any {
        context.error("E-VALUE", word.span, format!("'{}' is not the address of an agent", word.text));
        return;
    }
    let address = context.resolve(&host, 1, word);
    options.care.agent_address = address.map(|address| Spanned::new(address.ip(), word.span));
}

/// `agent-port PORT`
pub fn agent_port(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    options.care.agent_port = argument.map(|word| server::port(word, context)).filter(|port| port.value > 0);
}

/// `agent-inter TIME`
pub fn agent_inter(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    options.care.agent_inter = server::time(argument, context).or(options.care.agent_inter);
}

/// `agent-send TEXT`
pub fn agent_send(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, _: &Context<'_>) {
    options.care.agent_send = argument.map(|word| spanned(&word.text, word.span)).or(options.care.agent_send.take());
}

/// `track [BACKEND/]SERVER`
pub fn track(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, _: &Context<'_>) {
    options.care.track = argument.map(|word| spanned(&word.text, word.span));
}

/// `healthcheck NAME`
pub fn healthcheck(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, _: &Context<'_>) {
    options.care.healthcheck = argument.map(|word| spanned(&word.text, word.span));
}

/// `observe layer4|layer7`
pub fn observe(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    options.care.observe = one_of("observe", &Layer::WORDS, argument, context).or(options.care.observe);
}

/// `on-error fastinter|fail-check|sudden-death|mark-down`
pub fn on_error(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    options.care.on_error = one_of("on-error", &OnError::WORDS, argument, context).or(options.care.on_error);
}

/// `error-limit COUNT`
pub fn error_limit(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    options.care.error_limit = server::number(argument, 1, 1_000_000_000, context).or(options.care.error_limit);
}

/// `on-marked-down shutdown-sessions`
pub fn on_marked_down(
    options: &mut Options,
    _: &'static Row,
    _: &Word,
    argument: Option<&Word>,
    context: &Context<'_>,
) {
    let found = one_of("on-marked-down", &[("shutdown-sessions", true)], argument, context);
    options.care.closes_when_down = found.or(options.care.closes_when_down);
}

/// `on-marked-up shutdown-backup-sessions`
pub fn on_marked_up(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    let found = one_of("on-marked-up", &[("shutdown-backup-sessions", true)], argument, context);
    options.care.closes_backups_when_up = found.or(options.care.closes_backups_when_up);
}

/// `socks4 ADDRESS:PORT`
pub fn socks(options: &mut Options, _: &'static Row, _: &Word, argument: Option<&Word>, context: &Context<'_>) {
    let Some(word) = argument else { return };
    match context.address(word, &word.text) {
        Some((host, Ports::Range(first, last))) if first == last && host != Host::Any => {
            let address = context.resolve(&host, first, word);
            options.socks = address.map(|address: SocketAddr| Spanned::new(address, word.span));
            options.more.socks = address;
        }
        Some(_) => context.error("E-VALUE", word.span, format!("'{}' is no address with a port", word.text)),
        None => {}
    }
}

fn one_of<T: Copy>(
    name: &str,
    known: &[(&str, T)],
    argument: Option<&Word>,
    context: &Context<'_>,
) -> Option<Spanned<T>> {
    let word = argument?;
    let found = known.iter().find(|(text, _)| *text == word.text);
    if found.is_none() {
        let names = known.iter().map(|(text, _)| format!("'{text}'")).collect::<Vec<_>>().join(", ");
        context.error("E-VALUE", word.span, format!("'{name}' expects {names}, got '{}'", word.text));
    }
    found.map(|(_, value)| Spanned::new(*value, word.span))
}

impl CareOptions {
    /// What they say together. A server with a check and traffic to watch needs `observe`; the rest stands alone.
    pub fn lower(&self, timeouts: &Timeouts, span: Span) -> Care {
        let limit = |timeout: Timeout| timeout.and_then(|timeout| Some(Spanned::new(timeout.value?, timeout.span)));
        let asks = self.agent_check.filter(|asks| asks.value);
        let inter = self.agent_inter.or(Some(Spanned::new(server::INTER, span)));
        let answer_timeout = limit(timeouts.check);
        let connect = limit(timeouts.connect).filter(|_| answer_timeout.is_some());
        let agent = asks.map(|asks| {
            let agent = Agent {
                address: self.agent_address,
                port: self.agent_port,
                interval: inter,
                timeout: [inter, connect].into_iter().flatten().min_by_key(|time| time.value),
                answer_timeout,
                send: self.agent_send.clone(),
            };
            Spanned::new(agent, asks.span)
        });
        Care {
            agent,
            track: self.track.clone(),
            observe: self.observe,
            on_error: self.on_error,
            error_limit: self.error_limit,
            closes_when_down: self.closes_when_down,
            closes_backups_when_up: self.closes_backups_when_up,
        }
    }
}
