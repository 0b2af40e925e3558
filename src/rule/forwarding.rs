//! What servers are told of the client's connection: `option forwardfor`, `option originalto`, `option forwarded`.
//!
//! The first two ask for one address in one field, which is written with the head; the last one makes a field of several
//! parameters (RFC 7239) out of what is known and of expressions. They stand among the rules because those may change the
//! addresses, and because of the expressions.

use std::net::{IpAddr, SocketAddr};

use super::converter::forwarded::{has_port, is_field, is_host, is_obfuscation};
use super::error::RuleError;
use super::expression::Expression;
use super::facts::Number;
use super::pattern::Network;
use super::sample::Sample;
use super::scope::Scope;
use super::transaction::Transaction;
use crate::http::Message;

/// What a section says about it.
#[derive(Clone, Debug, Default)]
pub struct Forwarding {
    /// `option forwardfor`: the client's address.
    pub client: Option<AddressField>,
    /// `option originalto`: the address that the client connected to.
    pub destination: Option<AddressField>,
    /// `option forwarded`; counts in backends.
    pub forwarded: Option<Box<Forwarded>>,
}

/// A field with an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AddressField {
    name: Box<[u8]>,
    /// Only where the request has none.
    is_if_none: bool,
    /// Addresses that are not told.
    except: Option<Network>,
}

impl AddressField {
    fn compile(words: &[&str], default_name: &str) -> Result<AddressField, RuleError> {
        let mut field = AddressField { name: default_name.as_bytes().into(), is_if_none: false, except: None };
        let has_if_none = words[1] == "forwardfor";
        let mut at = 2;
        while let Some(word) = words.get(at) {
            let argument = |what: &str| {
                let missing = || RuleError::new(at + 1, format!("'option {}': '{word}' expects {what}", words[1]));
                words.get(at + 1).copied().ok_or_else(missing)
            };
            match *word {
                "except" => {
                    let network = argument("<address>[/mask]")?;
                    let wrong = |why| RuleError::new(at + 1, why);
                    field.except = Some(Network::parse(network).map_err(wrong)?);
                    at += 2;
                }
                "header" => {
                    let name = argument("<header_name>")?;
                    if !crate::http::is_token(name.as_bytes()) {
                        return Err(RuleError::new(at + 1, format!("'{name}' is no name of a field")));
                    }
                    field.name = name.as_bytes().into();
                    at += 2;
                }
                "if-none" if has_if_none => {
                    field.is_if_none = true;
                    at += 1;
                }
                _ => {
                    let known = if has_if_none { "'except', 'header' and 'if-none'" } else { "'except' and 'header'" };
                    let what = format!("'option {}' only supports optional values: {known}", words[1]);
                    return Err(RuleError::new(at, what));
                }
            }
        }
        Ok(field)
    }

    /// The name of the field that gets the address, where the frontend or the backend asks for one: the backend's name, and
    /// no address that either excepts. `has` tells whether the request has a field of a name.
    pub fn name_for<'f>(
        frontend: Option<&'f AddressField>,
        backend: Option<&'f AddressField>,
        address: IpAddr,
        has: impl FnOnce(&[u8]) -> bool,
    ) -> Option<&'f [u8]> {
        let name = &*backend.or(frontend)?.name;
        let mut both = [frontend, backend].into_iter().flatten();
        let is_excepted =
            |field: &AddressField| field.except.is_some_and(|network| network.has(address.to_canonical()));
        if both.clone().any(is_excepted) || (both.all(|field| field.is_if_none) && has(name)) {
            return None;
        }
        Some(name)
    }
}

/// The parameters of a Forwarded field, in the order in which they are written.
#[derive(Clone, Debug)]
pub struct Forwarded {
    /// `proto=`
    tells_protocol: bool,
    /// `host=`
    host: Option<Source>,
    /// `by=`
    by: Option<Node>,
    /// `for=`
    client: Option<Node>,
}

/// Where a value comes from.
#[derive(Clone, Debug)]
enum Source {
    /// The connection or the request.
    Own,
    Expression(Expression),
}

/// A node's name and port.
#[derive(Clone, Debug)]
struct Node {
    name: Source,
    port: Option<Source>,
}

impl Forwarded {
    fn compile(words: &[&str], scope: &mut Scope<'_>) -> Result<Forwarded, RuleError> {
        if words.len() == 2 {
            let client = Some(Node { name: Source::Own, port: None });
            return Ok(Forwarded { tells_protocol: true, host: None, by: None, client });
        }
        let mut tells_protocol = false;
        // host, by, by_port, for, for_port
        let mut sources: [Option<Source>; 5] = Default::default();
        let mut at = 2;
        while let Some(word) = words.get(at) {
            if *word == "proto" {
                tells_protocol = true;
                at += 1;
                continue;
            }
            let (name, is_expression) = word.strip_suffix("-expr").map_or((*word, false), |name| (name, true));
            let Some(which) = ["host", "by", "by_port", "for", "for_port"].iter().position(|known| *known == name)
            else {
                let known = "'proto', 'host', 'host-expr', 'by', 'by-expr', 'by_port', 'by_port-expr', 'for', \
                             'for-expr', 'for_port' and 'for_port-expr'";
                return Err(RuleError::new(at, format!("'option forwarded' only supports optional values: {known}")));
            };
            at += 1;
            if is_expression {
                let missing = || RuleError::new(at, format!("'{word}' expects <expr> as argument"));
                let text = words.get(at).copied().ok_or_else(missing)?;
                sources[which] = Some(Source::Expression(Expression::compile(text, scope).map_err(|e| e.later(at))?));
                at += 1;
            } else {
                sources[which] = Some(Source::Own);
            }
        }
        let [host, by, by_port, of, for_port] = sources;
        for (name, node, port) in [("by", &by, &by_port), ("for", &of, &for_port)] {
            if node.is_none() && port.is_some() {
                let what = format!(
                    "'option forwarded': '{name}_port' is ignored because neither '{name}' nor '{name}-expr' is set"
                );
                scope.warn(1, what);
            }
        }
        let node = |name: Option<Source>, port| name.map(|name| Node { name, port });
        Ok(Forwarded { tells_protocol, host, by: node(by, by_port), client: node(of, for_port) })
    }

    /// The value of the field.
    pub fn write(
        &self,
        transaction: &Transaction<'_>,
        (source, destination): (Option<SocketAddr>, Option<SocketAddr>),
        out: &mut Vec<u8>,
    ) {
        let mut separator: &[u8] = b"";
        let mut begin = |out: &mut Vec<u8>, name: &[u8]| {
            out.extend_from_slice(std::mem::replace(&mut separator, b";"));
            out.extend_from_slice(name);
        };
        if self.tells_protocol {
            begin(out, b"proto=");
            let is_tls = transaction.facts.number(Number::ClientIsTls, None) == Some(1);
            out.extend_from_slice(if is_tls { b"https" } else { b"http" });
        }
        if let Some(host) = &self.host {
            begin(out, b"host=\"");
            write_host(host, transaction, out);
            out.push(b'"');
        }
        for (name, node, own) in [(&b"by="[..], &self.by, destination), (b"for=", &self.client, source)] {
            if let Some(node) = node {
                begin(out, name);
                node.write(transaction, own, out);
            }
        }
    }
}

/// A host that RFC 7239 allows; nothing otherwise.
fn write_host(source: &Source, transaction: &Transaction<'_>, out: &mut Vec<u8>) {
    match source {
        Source::Own => {
            let host = transaction.request.as_ref().and_then(|request| request.value(b"host"));
            out.extend(host.filter(|host| is_host(host)).unwrap_or_default());
        }
        Source::Expression(expression) => {
            if let Some(text) = expression.value(transaction).map(Sample::into_text).filter(|text| is_host(text)) {
                out.extend_from_slice(&text);
            }
        }
    }
}

impl Node {
    fn write(&self, transaction: &Transaction<'_>, own: Option<SocketAddr>, out: &mut Vec<u8>) {
        let mut name = Vec::new();
        match &self.name {
            Source::Own => write_address(own.map(|own| own.ip()), &mut name),
            Source::Expression(expression) => match expression.value(transaction) {
                Some(Sample::Ipv6(address)) => write_address(Some(address.into()), &mut name),
                Some(other) => write_name(&other.into_text(), &mut name),
                None => {}
            },
        }
        if name.is_empty() {
            name.extend_from_slice(b"unknown");
        }
        let is_quoted = self.port.is_some() || name.starts_with(b"[");
        if is_quoted {
            out.push(b'"');
        }
        out.extend_from_slice(&name);
        if let Some(port) = &self.port {
            let before = out.len();
            out.push(b':');
            match port {
                Source::Own => {
                    out.extend_from_slice(own.map(|own| own.port().to_string()).unwrap_or_default().as_bytes())
                }
                Source::Expression(expression) => {
                    if let Some(text) = expression.value(transaction).map(Sample::into_text) {
                        write_port(&text, out);
                    }
                }
            }
            if out.len() == before + 1 {
                out.truncate(before);
            }
        }
        if is_quoted {
            out.push(b'"');
        }
    }
}

fn write_address(address: Option<IpAddr>, out: &mut Vec<u8>) {
    match address.map(|address| address.to_canonical()) {
        Some(IpAddr::V4(address)) => out.extend_from_slice(address.to_string().as_bytes()),
        Some(IpAddr::V6(address)) => out.extend_from_slice(format!("[{address}]").as_bytes()),
        None => {}
    }
}

/// A name that RFC 7239 §6 allows as it is; another one as an identifier, if it can be one.
fn write_name(text: &[u8], out: &mut Vec<u8>) {
    if let Ok(text) = std::str::from_utf8(text) {
        if let Ok(address) = text.parse::<IpAddr>() {
            return write_address(Some(address), out);
        }
        if has_port(text) == Some(false) {
            return out.extend_from_slice(text.as_bytes());
        }
    }
    write_identifier(text, out);
}

fn write_port(text: &[u8], out: &mut Vec<u8>) {
    let is_number = std::str::from_utf8(text).is_ok_and(|text| text.parse::<u16>().is_ok());
    let is_identifier = text.len() > 1 && text.starts_with(b"_") && text.iter().copied().all(is_obfuscation);
    if is_number || is_identifier {
        return out.extend_from_slice(text);
    }
    write_identifier(text, out);
}

fn write_identifier(text: &[u8], out: &mut Vec<u8>) {
    if !text.is_empty() && text.iter().copied().all(is_obfuscation) {
        out.push(b'_');
        out.extend_from_slice(text);
    }
}

/// Puts a value into the Forwarded field of a request: behind what is there if all of that is good, in a field of its own
/// otherwise, so that a server can tell it from what a client made up.
pub fn add(message: &mut Message<'_>, value: &[u8]) {
    let is_it = |field: &crate::http::FieldView<'_>| field.is(b"forwarded");
    let is_good = message.fields().filter(is_it).all(|field| is_field(field.value));
    let last = (0..message.len()).rev().find(|at| message.field(*at).is_some_and(|field| is_it(&field)));
    match last.filter(|_| is_good) {
        Some(at) => {
            let before = message.field(at).map(|field| field.value.to_vec()).unwrap_or_default();
            message.replace(at, &[&before, &b", "[..], value].concat());
        }
        None => {
            message.add(b"forwarded", value);
        }
    }
}

impl Forwarding {
    /// Whether a line is one of these, by the word behind `option`.
    pub fn has_option(name: &str) -> bool {
        matches!(name, "forwardfor" | "originalto" | "forwarded")
    }

    /// Adds what a line says.
    ///
    /// # Errors
    /// The line is wrong.
    pub fn add(&mut self, words: &[&str], is_undone: bool, scope: &mut Scope<'_>) -> Result<(), RuleError> {
        match words[1] {
            "forwardfor" if is_undone => self.client = None,
            "originalto" if is_undone => self.destination = None,
            "forwarded" if is_undone => self.forwarded = None,
            "forwardfor" => self.client = Some(AddressField::compile(words, "X-Forwarded-For")?),
            "originalto" => self.destination = Some(AddressField::compile(words, "X-Original-To")?),
            _ => self.forwarded = Some(Box::new(Forwarded::compile(words, scope)?)),
        }
        Ok(())
    }

    /// Whether nothing is asked for.
    pub fn is_empty(&self) -> bool {
        self.client.is_none() && self.destination.is_none() && self.forwarded.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn field(words: &[&str]) -> AddressField {
        let all: Vec<&str> = ["option", "forwardfor"].iter().chain(words).copied().collect();
        AddressField::compile(&all, "X-Forwarded-For").expect("it is right")
    }

    #[test]
    fn the_backend_names_the_field_and_both_may_except_addresses() {
        let plain = field(&[]);
        let other = field(&["except", "10.0.0.0/8", "header", "X-Client"]);
        let [near, far] = ["10.1.2.3", "192.0.2.1"].map(|text| text.parse::<IpAddr>().expect("an address"));
        let name = |front, back, address| AddressField::name_for(front, back, address, |_| false);
        assert_eq!(name(None, None, far), None);
        assert_eq!(name(Some(&plain), None, near), Some(&b"X-Forwarded-For"[..]));
        assert_eq!(name(Some(&plain), Some(&other), far), Some(&b"X-Client"[..]));
        assert_eq!(name(Some(&plain), Some(&other), near), None);
    }

    #[test]
    fn a_field_that_is_there_counts_only_where_all_say_if_none() {
        let (plain, if_none) = (field(&[]), field(&["if-none"]));
        let address = "192.0.2.1".parse().expect("an address");
        let has_it = |front, back| AddressField::name_for(front, back, address, |_| true).is_some();
        assert!(!has_it(Some(&if_none), None));
        assert!(!has_it(Some(&if_none), Some(&if_none)));
        assert!(has_it(Some(&if_none), Some(&plain)));
        assert!(AddressField::name_for(Some(&if_none), None, address, |_| false).is_some());
    }

    #[test]
    fn wrong_words_are_told_with_their_place() {
        for (words, at) in [
            (&["option", "forwardfor", "except"][..], 3),
            (&["option", "forwardfor", "except", "ten"], 3),
            (&["option", "forwardfor", "header"], 3),
            (&["option", "forwardfor", "header", "a b"], 3),
            (&["option", "originalto", "if-none"], 2),
        ] {
            let result = AddressField::compile(words, "X");
            assert_eq!(result.map_err(|error| error.at), Err(at), "{words:?}");
        }
    }
}
