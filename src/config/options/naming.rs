//! Options of servers about their names: where the first address comes from, and how others are found (HAProxy's manual §5.3).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use crate::config::haproxy::table::{self, Place};
use crate::config::haproxy::value::{self, Host, Ports};
use crate::model::naming::{Family, First, Naming, Network};

use super::server::Handler;
use super::{Wrong, needed};

/// Every option.
pub const OPTIONS: [(&str, Handler); 5] = [
    ("init-addr", |options, words| {
        let methods = needed(words, 1, "a list of methods")?;
        let read = |word| first(word).ok_or_else(|| Wrong::new(1, format!("'init-addr' does not know '{word}'")));
        options.naming.first = methods.split(',').map(read).collect::<Result<_, _>>()?;
        Ok(2)
    }),
    ("resolve-net", |options, words| {
        let networks = needed(words, 1, "a list of networks")?;
        let read = |word| network(word).ok_or_else(|| Wrong::new(1, format!("'resolve-net' invalid network '{word}'")));
        let networks = networks.split(',').map(read).collect::<Result<Vec<_>, _>>()?;
        options.naming.networks.extend(networks);
        Ok(2)
    }),
    ("resolve-opts", |options, words| {
        for word in needed(words, 1, "a list of options")?.split(',') {
            match word {
                "allow-dup-ip" => options.naming.allows_duplicates = true,
                "prevent-dup-ip" => options.naming.allows_duplicates = false,
                "ignore-weight" => options.naming.ignores_weight = true,
                other => {
                    let what = "supported methods are 'allow-dup-ip', 'ignore-weight', and 'prevent-dup-ip'";
                    return Err(Wrong::new(
                        1,
                        format!("'resolve-opts' : unknown resolve-opts option '{other}', {what}"),
                    ));
                }
            }
        }
        Ok(2)
    }),
    ("resolve-prefer", |options, words| {
        let word = needed(words, 1, "ipv4 or ipv6")?;
        let what = || Wrong::new(1, format!("'{word}' is no family; write ipv4 or ipv6"));
        options.naming.preference = Some(family(word).ok_or_else(what)?);
        Ok(2)
    }),
    ("resolvers", |options, words| {
        options.naming.resolvers = Some(needed(words, 1, "<id>")?.to_owned());
        Ok(2)
    }),
];

/// A family by its word.
pub fn family(word: &str) -> Option<Family> {
    [Family::V4, Family::V6].into_iter().find(|family| family.word() == word)
}

/// Methods of `init-addr`, in the order in which HAProxy's table has their words.
const METHODS: [First; 3] = [First::Last, First::System, First::Nothing];

/// The words of the methods.
fn methods() -> impl Iterator<Item = (&'static str, First)> {
    let row = table::find(&["init-addr"], Place::Server);
    let words = row.map_or("", |(row, _)| row.usage).split(['{', '|', '}']).filter(|word| !word.is_empty());
    words.zip(METHODS)
}

fn first(word: &str) -> Option<First> {
    let method = methods().find(|(known, _)| *known == word).map(|(_, method)| method);
    method.or_else(|| word.parse().ok().map(First::Address))
}

fn first_text(first: First) -> String {
    match first {
        First::Address(address) => address.to_string(),
        method => methods().find(|(_, known)| *known == method).map(|(word, _)| word).unwrap_or_default().to_owned(),
    }
}

/// `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, or an address alone.
fn network(word: &str) -> Option<Network> {
    let (address, mask) = word.split_once('/').map_or((word, None), |(address, mask)| (address, Some(mask)));
    let address: IpAddr = address.parse().ok()?;
    let width = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match mask {
        None => width,
        Some(mask) => match mask.parse::<u8>() {
            Ok(prefix) => Some(prefix).filter(|prefix| *prefix <= width)?,
            Err(_) => {
                let bits = u32::from(mask.parse::<std::net::Ipv4Addr>().ok().filter(|_| address.is_ipv4())?);
                let ones = bits.leading_ones();
                (bits.count_ones() == ones).then(|| u8::try_from(ones).ok())??
            }
        },
    };
    Some(Network { address, prefix })
}

/// The name that a server is written with in place of an address, where it has one; its address is 0.0.0.0 then. The number is
/// added to the port that the client came in by.
pub fn server(text: &str) -> Option<(Naming, SocketAddr, i32)> {
    let (Host::Name(name, family), ports) = value::address(text).ok()? else { return None };
    let (port, offset) = match ports {
        Ports::None => (0, 0),
        Ports::Offset(offset) => (0, offset),
        Ports::Range(first, last) if first == last => (first, 0),
        Ports::Range(..) => return None,
    };
    Some((named(name, family), SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port), offset))
}

/// What a name says of itself: that of a service begins with `_`.
pub fn named(name: String, family: value::Family) -> Naming {
    let only = match family {
        value::Family::Any => None,
        value::Family::V4 => Some(Family::V4),
        value::Family::V6 => Some(Family::V6),
    };
    match name.starts_with('_') {
        true => Naming { service: Some(name), only, ..Naming::default() },
        false => Naming { host: Some(name), only, ..Naming::default() },
    }
}

/// How a server is written that is known by a name.
pub fn address_text(naming: &Naming, address: SocketAddr, offset: i32) -> Option<String> {
    let name = naming.written()?;
    let family = naming.only.map_or(String::new(), |only| format!("{}@", only.word()));
    let port = match (offset, address.port()) {
        (0, 0) => String::new(),
        (0, port) => format!(":{port}"),
        (offset, _) => format!(":{offset:+}"),
    };
    Some(format!("{family}{name}{port}"))
}

/// The options that make these of the default.
pub fn texts(naming: &Naming) -> Vec<String> {
    let mut texts = Vec::new();
    let list = |words: Vec<String>| words.join(",");
    if !naming.first.is_empty() {
        texts.push(format!("init-addr {}", list(naming.first.iter().copied().map(first_text).collect())));
    }
    texts.extend(naming.resolvers.as_ref().map(|name| crate::rule::join(["resolvers", name].into_iter())));
    texts.extend(naming.preference.map(|family| format!("resolve-prefer {}", family.word())));
    if !naming.networks.is_empty() {
        texts.push(format!("resolve-net {}", list(naming.networks.iter().map(Network::to_string).collect())));
    }
    let flags = [(naming.allows_duplicates, "allow-dup-ip"), (naming.ignores_weight, "ignore-weight")];
    let flags: Vec<&str> = flags.iter().filter(|(is_set, _)| *is_set).map(|(_, name)| *name).collect();
    if !flags.is_empty() {
        texts.push(format!("resolve-opts {}", flags.join(",")));
    }
    texts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn networks_have_a_prefix_or_a_mask() {
        for (text, shown) in [
            ("10.0.0.0/8", "10.0.0.0/8"),
            ("10.0.0.0/255.0.0.0", "10.0.0.0/8"),
            ("192.0.2.1", "192.0.2.1/32"),
            ("2001:db8::/32", "2001:db8::/32"),
        ] {
            assert_eq!(network(text).map(|network| network.to_string()).as_deref(), Some(shown));
        }
        for text in ["foo", "10.0.0.0/33", "10.0.0.0/255.0.255.0", "::/255.0.0.0", "10.0.0.0/"] {
            assert_eq!(network(text), None, "{text}");
        }
    }
}
