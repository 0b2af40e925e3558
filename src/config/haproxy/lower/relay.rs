//! `log-forward` sections: relays of syslog messages (manual §12.6).

use crate::config::draft::{Listener, Log, Relay};
use crate::config::haproxy::lex::Word;
use crate::config::haproxy::section::{Line, Modifier, Section};
use crate::config::haproxy::table::Place;
use crate::diag::Spanned;
use crate::model::relay::{Datagrams, Host, Relaying};

use super::settings::Settings;
use super::value::Ports;
use super::{Context, bind, global, log, timeout};

/// A section.
pub fn read(section: &Section, context: &Context<'_>) -> Option<Relay> {
    let name = context.argument(&section.head, 1, "a name")?;
    context.no_more(&section.head, 2);
    // Listening addresses, logs and the limit of time are written as in a proxy.
    let mut settings = Settings::default();
    let mut backlog = None;
    let mut relay = Relay {
        name: Spanned::new(name.text.clone(), name.span),
        datagrams: Vec::new(),
        streams: Vec::new(),
        maxconn: None,
        timeout: None,
        log: Log::default(),
        relaying: Relaying::default(),
        are_lines: false,
    };
    for line in &section.lines {
        let Some((row, _)) = context.find(Place::LogForward, Place::LogForward, line) else { continue };
        let is_on = line.modifier == Modifier::None;
        match row.name {
            "backlog" => backlog = global::count(line, context, 1, u64::from(u32::MAX >> 1)),
            "bind" => bind::bind(&mut settings, row, line, context),
            "dgram-bind" => datagrams(&mut relay.datagrams, line, context),
            "log" => log::log(&mut settings.logs, line, context),
            "maxconn" => {
                let count = global::lenient_count(line, context, 10_000_000).filter(|count| count.value > 0);
                relay.maxconn = count.or(relay.maxconn);
            }
            "option assume-rfc6587-ntf" => relay.are_lines = is_on,
            "option dont-parse-log" => relay.relaying.is_parsed = !is_on,
            "option host" => relay.relaying.host = host(line, context).unwrap_or(relay.relaying.host),
            "timeout client" => timeout::timeout(&mut settings, row, line, context),
            _ => {}
        }
    }
    for listener in &mut settings.binds {
        no_proxy_header(listener, context);
        let asked = backlog.and_then(|backlog| u32::try_from(backlog.value).ok());
        listener.value.options.backlog = listener.value.options.backlog.or(asked);
    }
    relay.timeout = settings.timeouts.client.and_then(|limit| Some(Spanned::new(limit.value?, limit.span)));
    relay.streams = settings.binds;
    relay.log = Log { is_global: settings.logs.is_global, targets: settings.logs.targets, tag: None };
    Some(relay)
}

/// `option host replace|fill|keep|append`; undone, it is what it is without.
fn host(line: &Line, context: &Context<'_>) -> Option<Host> {
    if line.modifier != Modifier::None {
        return Some(Relaying::default().host);
    }
    let word = context.argument(line, 2, "{replace|fill|keep|append}")?;
    context.no_more(line, 3);
    let what = || "option 'host' expects {replace|fill|keep|append}".to_owned();
    context.value(word, Host::by_word(&word.text).ok_or_else(what)).map(|host| host.value)
}

fn no_proxy_header(listener: &Spanned<Listener>, context: &Context<'_>) {
    if listener.value.options.accepts_proxy {
        let why = "a connection with messages begins with the first of them";
        context.refuse(listener.span, "'bind ... accept-proxy' in a log-forward section", why);
    }
}

/// `dgram-bind ADDRESS:PORT[,...] OPTION...`; of the options, the interface means something.
fn datagrams(list: &mut Vec<Spanned<Datagrams>>, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "[addr1]:port1[-end1]{,[addr]:port[-end]}...") else { return };
    let options = bind::options(line.from(2), context);
    for text in word.text.strip_suffix(',').unwrap_or(&word.text).split(',') {
        list.extend(places(word, text, options.interface.as_ref(), context));
    }
}

fn places(word: &Word, text: &str, interface: Option<&String>, context: &Context<'_>) -> Vec<Spanned<Datagrams>> {
    let prefixes = [("udp@", ""), ("udp4@", "ipv4@"), ("udp6@", "ipv6@")];
    let family = prefixes.iter().find_map(|(prefix, family)| Some((text.strip_prefix(prefix)?, *family)));
    let text = family.map_or_else(|| text.to_owned(), |(rest, family)| format!("{family}{rest}"));
    if context.special(word, &text).is_some() {
        context.error("E-VALUE", word.span, "'dgram-bind' takes an address and a port, such as 127.0.0.1:514");
        return Vec::new();
    }
    let Some((host, ports)) = context.address(word, &text) else { return Vec::new() };
    let Ports::Range(first, last) = ports else {
        context.error("E-VALUE", word.span, format!("missing port number: '{text}'"));
        return Vec::new();
    };
    let place = |port| {
        let address = context.resolve(&host, port, word)?;
        Some(Spanned::new(Datagrams { address, interface: interface.cloned() }, word.span))
    };
    (first..=last).map_while(place).collect()
}
