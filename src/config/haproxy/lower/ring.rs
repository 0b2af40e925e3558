//! `ring` sections: buffers of lines with syslog servers that read them (manual §3.9).

use crate::config::haproxy::section::{Line, Section};
use crate::config::haproxy::table::Place;
use crate::diag::Spanned;
use crate::model::log::{Framing, LENGTH, Ring, RingServer};

use super::value;
use super::{Context, log};

/// Bytes of a ring unless it says otherwise: a buffer of HAProxy's.
const SIZE: usize = 16_384;
/// The largest ring.
const LARGEST: u64 = 1 << 30;

/// A section.
pub fn read(section: &Section, context: &Context<'_>) -> Option<Spanned<Ring>> {
    let name = context.argument(&section.head, 1, "a name")?;
    context.no_more(&section.head, 2);
    let mut ring = Ring { name: name.text.clone(), form: None, line_length: LENGTH, size: SIZE, servers: Vec::new() };
    for line in &section.lines {
        let Some((row, _)) = context.find(Place::Ring, Place::Ring, line) else { continue };
        match row.name {
            "format" => {
                let word = context.argument(line, 1, "a format");
                ring.form = word.and_then(|word| log::form(word, context)).or(ring.form);
            }
            "maxlen" => ring.line_length = number(line, context, 80, 65_535).unwrap_or(ring.line_length),
            "size" => ring.size = number(line, context, 1, LARGEST).unwrap_or(ring.size),
            "server" => ring.servers.extend(server(line, context)),
            _ => {}
        }
    }
    Some(Spanned::new(ring, name.span))
}

fn number(line: &Line, context: &Context<'_>, least: u64, most: u64) -> Option<usize> {
    let word = context.argument(line, 1, "a number of bytes")?;
    context.no_more(line, 2);
    let number = context.value(word, value::number(&word.text, least, most))?;
    usize::try_from(number.value).ok()
}

/// `server NAME ADDRESS [log-proto legacy|octet-count]`.
fn server(line: &Line, context: &Context<'_>) -> Option<RingServer> {
    let name = context.argument(line, 1, "a name and an address")?;
    let word = context.argument(line, 2, "an address")?;
    let address = log::endpoint(&word.text, word, context)?;
    let framing = match (line.text(3), line.text(4)) {
        ("", _) | ("log-proto", "legacy") => Framing::Lines,
        ("log-proto", "octet-count") => Framing::OctetCount,
        ("log-proto", other) => {
            let message = format!("'log-proto' is legacy or octet-count, not '{other}'");
            context.error("E-VALUE", line.span(), message);
            return None;
        }
        (other, _) => {
            context.refuse(line.span(), &format!("'server ... {other}' in a ring"), "log-proto is known there");
            return None;
        }
    };
    context.no_more(line, 5);
    Some(RingServer { name: name.text.clone(), address, framing })
}
