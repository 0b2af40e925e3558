//! `resolvers` sections: name servers, and how long their answers hold (manual §5.3.2).

use std::time::Duration;

use crate::config::draft;
use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::Place;
use crate::diag::Spanned;
use crate::model::naming::{Families, Family, NameServer, Resolvers, Transport};

use super::Context;
use super::value::{self, Host, Ports};

/// Bytes of an answer: at least a header.
const PAYLOADS: std::ops::RangeInclusive<u64> = 12..=65_535;

/// A section.
pub fn read(section: &Section, context: &Context<'_>) -> Option<draft::Resolvers> {
    let name = context.argument(&section.head, 1, "a name")?;
    let mut read = draft::Resolvers { name: name.span, model: Resolvers::new(name.text.clone()), machine: None };
    for line in &section.lines {
        let Some((row, _)) = context.find(Place::Resolvers, Place::Resolvers, line) else { continue };
        let model = &mut read.model;
        match row.name {
            "accepted_payload_size" => {
                let size = number(line, context, *PAYLOADS.start(), *PAYLOADS.end());
                model.payload = size.and_then(|size| u16::try_from(size).ok()).unwrap_or(model.payload);
            }
            "hold" => hold(model, line, context),
            "nameserver" => {
                let server = name_server(line, &model.servers, context);
                model.servers.extend(server);
            }
            "parse-resolv-conf" => read.machine = Some(Spanned::new(model.servers.len(), line.span())),
            "resolve_retries" => {
                let count = number(line, context, 0, u32::MAX.into());
                model.retries = count.and_then(|count| u32::try_from(count).ok()).unwrap_or(model.retries);
            }
            "timeout resolve" => model.interval = time(line, context).unwrap_or(model.interval),
            "timeout retry" => model.patience = time(line, context).unwrap_or(model.patience),
            _ => {}
        }
    }
    Some(read)
}

fn number(line: &Line, context: &Context<'_>, least: u64, most: u64) -> Option<u64> {
    let word = context.argument(line, 1, "a number")?;
    context.no_more(line, 2);
    context.value(word, value::number(&word.text, least, most)).map(|number| number.value)
}

/// The time at the end of `timeout EVENT TIME` and `hold STATUS TIME`.
fn time(line: &Line, context: &Context<'_>) -> Option<Duration> {
    let word = context.argument(line, 2, "a time")?;
    context.no_more(line, 3);
    context.value(word, value::time(&word.text)).map(|time| time.value)
}

/// `hold STATUS PERIOD`.
fn hold(model: &mut Resolvers, line: &Line, context: &Context<'_>) {
    let Some(word) = context.argument(line, 1, "a status and a time") else { return };
    let Some(period) = time(line, context) else { return };
    let hold = &mut model.hold;
    let place = match word.text.as_str() {
        "nx" => &mut hold.nx,
        "other" => &mut hold.other,
        "refused" => &mut hold.refused,
        "timeout" => &mut hold.timeout,
        "valid" => &mut hold.valid,
        "obsolete" => &mut hold.obsolete,
        other => {
            let known = "'nx', 'refused', 'timeout', 'valid', 'obsolete' or 'other'";
            return context.error(
                "E-VALUE",
                word.span,
                format!("'hold' unknown <event>: '{other}', expects either {known}"),
            );
        }
    };
    *place = period;
}

/// `nameserver NAME [tcp@|udp@]ADDRESS:PORT`.
fn name_server(line: &Line, known: &[NameServer], context: &Context<'_>) -> Option<NameServer> {
    let name = context.argument(line, 1, "<name> and <addr>[:<port>]")?;
    let word = context.argument(line, 2, "<name> and <addr>[:<port>]")?;
    if known.iter().any(|known| known.name == name.text) {
        let message = format!("nameserver '{}' has same name as another nameserver", name.text);
        context.error("E-DUPLICATE", name.span, message);
    }
    let text = context.expanded(&word.text);
    let (plain, transport) = transport(&text);
    let address = match context.address(word, plain)? {
        (Host::Any, _) => None,
        (host, Ports::Range(first, last)) if first == last => Some(context.resolve(&host, first, word)?),
        (_, Ports::None) => {
            context.error(
                "E-VALUE",
                word.span,
                format!("'nameserver {}' : missing port specification in '{text}'", name.text),
            );
            return None;
        }
        _ => None,
    };
    let Some(address) = address else {
        context.error("E-VALUE", word.span, format!("'{text}' is not the address of a name server"));
        return None;
    };
    if let Some(option) = line.word(3) {
        match transport {
            // As in HAProxy, what stands behind the address of one that is asked in datagrams is not read.
            Transport::Udp => context.not_read(line, 3),
            Transport::Tcp => {
                let why = "connections to name servers have no options; write the address alone";
                context.refuse(option.span, &format!("'nameserver ... {}'", option.text), why);
            }
        }
    }
    Some(NameServer { name: name.text.clone(), address, transport })
}

/// The address without what says how it is asked, and that.
pub fn transport(text: &str) -> (&str, Transport) {
    for (prefix, transport) in [
        ("tcp@", Transport::Tcp),
        ("tcp4@", Transport::Tcp),
        ("tcp6@", Transport::Tcp),
        ("stream+", Transport::Tcp),
        ("udp@", Transport::Udp),
        ("udp4@", Transport::Udp),
        ("udp6@", Transport::Udp),
        ("dgram+", Transport::Udp),
    ] {
        if let Some(rest) = text.strip_prefix(prefix) {
            return (rest, transport);
        }
    }
    (text, Transport::Udp)
}

/// `dns-accept-family FAMILY[,FAMILY]`.
pub fn families(line: &Line, context: &Context<'_>) -> Option<Spanned<Families>> {
    let word = context.argument(line, 1, "a list of ipv4, ipv6 and auto")?;
    context.no_more(line, 2);
    let (mut v4, mut v6, mut routed) = (false, false, false);
    for family in word.text.split(',') {
        match family {
            "ipv4" => v4 = true,
            "ipv6" => v6 = true,
            "auto" => routed = true,
            other => {
                let message = format!("'{}' : unknown family '{other}'; write ipv4, ipv6 or auto", line.text(0));
                context.error("E-VALUE", word.span, message);
                return None;
            }
        }
    }
    let families = match (v4, v6, routed) {
        (_, _, true) | (false, false, false) => Families::Routed,
        (true, true, false) => Families::Both,
        (true, false, false) => Families::Only(Family::V4),
        (false, true, false) => Families::Only(Family::V6),
    };
    Some(Spanned::new(families, word.span))
}
