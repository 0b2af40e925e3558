//! The Forwarded field (RFC 7239).

use std::net::{IpAddr, Ipv6Addr};

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::text::into_text;

/// A parameter's name and its value without quotes.
type Pair<'t> = (&'t str, String);

/// The parameters of the first element; `None` if the text is not what RFC 7239 §4 allows.
fn parameters(text: &str) -> Option<Vec<Pair<'_>>> {
    let mut pairs: Vec<Pair<'_>> = Vec::new();
    let mut rest = text.trim();
    loop {
        let (name, after) = rest.split_once('=')?;
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let mut value = String::new();
                let mut characters = quoted.char_indices();
                let end = loop {
                    match characters.next()? {
                        (at, '"') => break at,
                        (_, '\\') => value.push(characters.next()?.1),
                        (_, other) => value.push(other),
                    }
                };
                (value, &quoted[end + 1..])
            }
            None => {
                let end = after.find([';', ',', ' ', '\t']).unwrap_or(after.len());
                let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
                if !after[..end].bytes().all(is_token) {
                    return None;
                }
                (after[..end].to_owned(), &after[end..])
            }
        };
        let name = name.trim();
        if pairs.iter().any(|(known, _)| known.eq_ignore_ascii_case(name)) || !is_good(name, &value) {
            return None;
        }
        pairs.push((name, value));
        let after = after.trim();
        match after.strip_prefix(';') {
            Some(next) => rest = next,
            None if after.is_empty() => return Some(pairs),
            None => return None,
        }
    }
}

fn is_good(name: &str, value: &str) -> bool {
    match name.to_ascii_lowercase().as_str() {
        "proto" => value.eq_ignore_ascii_case("http") || value.eq_ignore_ascii_case("https"),
        "host" => is_host(value.as_bytes()),
        "for" | "by" => node(value).is_some(),
        _ => false,
    }
}

/// The name of a node.
enum Name {
    Address(IpAddr),
    /// `unknown`, or `_` and an identifier.
    Text(String),
}

/// The port of a node.
enum Port {
    Number(u16),
    /// `_` and an identifier.
    Text(String),
}

fn is_obfuscated(text: &str) -> bool {
    let rest = text.strip_prefix('_');
    rest.is_some_and(|rest| !rest.is_empty() && rest.bytes().all(is_obfuscation))
}

/// Whether an identifier may have it.
pub(in crate::rule) fn is_obfuscation(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

/// Takes a node apart (§6).
fn node(text: &str) -> Option<(Name, Option<Port>)> {
    let (name, port) = match text.strip_prefix('[') {
        Some(rest) => {
            let (address, port) = rest.split_once(']')?;
            let port = match port {
                "" => None,
                port => Some(port.strip_prefix(':')?),
            };
            (Name::Address(address.parse::<Ipv6Addr>().ok()?.into()), port)
        }
        None => {
            let (name, port) = text.split_once(':').map_or((text, None), |(name, port)| (name, Some(port)));
            let name = match name.parse::<std::net::Ipv4Addr>() {
                Ok(address) => Name::Address(address.into()),
                Err(_) if name.eq_ignore_ascii_case("unknown") => Name::Text("unknown".into()),
                Err(_) if is_obfuscated(name) => Name::Text(name.into()),
                Err(_) => return None,
            };
            (name, port)
        }
    };
    let port = match port {
        None => None,
        Some(port) if is_obfuscated(port) => Some(Port::Text(port.into())),
        Some(port) => Some(Port::Number(port.parse().ok()?)),
    };
    Some((name, port))
}

/// Whether a host may be told.
pub(in crate::rule) fn is_host(text: &[u8]) -> bool {
    !text.is_empty() && !text.iter().any(|byte| byte.is_ascii_whitespace() || byte.is_ascii_control() || *byte == b'"')
}

/// Whether the elements of a field are all good.
pub(in crate::rule) fn is_field(text: &[u8]) -> bool {
    as_str(text).is_some_and(|text| text.split(',').all(|element| parameters(element).is_some()))
}

/// Whether a node has a port; `None` if it is no good node.
pub(in crate::rule) fn has_port(text: &str) -> Option<bool> {
    node(text).map(|(_, port)| port.is_some())
}

fn as_str(text: &[u8]) -> Option<&str> {
    std::str::from_utf8(text).ok()
}

pub(super) fn is_valid<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    Some(Sample::Bool(as_str(&text).and_then(parameters).is_some()))
}

pub(super) const FIELDS: &[&str] = &["proto", "host", "for", "by"];

pub(super) fn field<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let wanted = FIELDS.get(usize::try_from(arguments.first()?.int_or(-1)).ok()?)?;
    let pairs = parameters(as_str(&text)?)?;
    let (_, value) = pairs.into_iter().find(|(name, _)| name.eq_ignore_ascii_case(wanted))?;
    Some(Sample::built(value))
}

pub(super) fn node_name<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    Some(match node(as_str(&text)?)?.0 {
        Name::Address(address) => Sample::address(address),
        Name::Text(text) => Sample::built(text),
    })
}

pub(super) fn node_port<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    Some(match node(as_str(&text)?)?.1? {
        Port::Number(port) => Sample::Int(port.into()),
        Port::Text(text) => Sample::built(text),
    })
}

pub(super) fn to_name<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    match sample {
        Sample::Ipv6(address) => Some(Sample::built(format!("[{address}]"))),
        Sample::Ipv4(address) => Some(Sample::built(address.to_string())),
        other => {
            let text = into_text(other);
            if text.is_empty() {
                return Some(Sample::str(b"unknown"));
            }
            text.iter().copied().all(is_obfuscation).then(|| Sample::built([b"_", &*text].concat()))
        }
    }
}

pub(super) fn to_port<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    match sample {
        Sample::Int(port) => u16::try_from(port).ok().map(|port| Sample::built(port.to_string())),
        other => {
            let text = into_text(other);
            let is_good = !text.is_empty() && text.iter().copied().all(is_obfuscation);
            is_good.then(|| Sample::built([b"_", &*text].concat()))
        }
    }
}
