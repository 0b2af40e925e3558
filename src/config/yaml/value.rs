//! Single values: text to number, duration, address. Each function says what is wrong, not where.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use crate::config::stick_table;
use crate::config::{draft, endpoint, log_sample, options};
use crate::model::Endpoint;
use crate::model::balance::Balance;
use crate::model::bind::BindOptions;
use crate::model::cookie::{Cookie, CookieMode};
use crate::model::identity::Version;
use crate::model::log::{Destination, Sample, Steps};
use crate::model::naming::{Naming, Transport};
use crate::model::options::{BackendOptions, ServerOptions};
use crate::model::rules::{Password, Userlist};
use crate::model::stick;
use crate::model::track::Weight;
use crate::rule;

use super::destination;

/// Most characters of a [`proxy_name`].
const PROXY_NAME_MAX: usize = 255;

/// Why a text is not such a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Code of the diagnostic.
    pub code: &'static str,
    /// What is wrong, as a lower-case phrase.
    pub what: String,
    /// What can be typed.
    pub hint: Option<String>,
}

impl Wrong {
    pub fn value(what: impl Into<String>, hint: &str) -> Wrong {
        Wrong { code: "E-VALUE", what: what.into(), hint: Some(hint.to_owned()) }
    }

    fn range(what: impl Into<String>) -> Wrong {
        Wrong { code: "E-RANGE", what: what.into(), hint: None }
    }
}

/// A stick table in HAProxy's words.
pub fn stick_table(text: &str) -> Result<stick::Table, Wrong> {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let wrong = |wrong: stick_table::Wrong| Wrong { code: "E-VALUE", what: wrong.what, hint: wrong.hint };
    stick_table::parse(&words).map(|parsed| parsed.table).map_err(wrong)
}

/// A number with a unit: `100ms`, `30s`, `2m`, `1h`, `1d`, `0.5s`. A bare number is refused, since it is milliseconds
/// to a user of HAProxy and seconds to one of keepalived.
pub fn duration(text: &str) -> Result<Duration, Wrong> {
    let digits = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(digits);
    let bad = |what: String, hint: String| Wrong { code: "E-UNIT", what, hint: Some(hint) };
    let Ok(value) = number.parse::<f64>() else {
        return Err(bad(format!("`{text}` is not a duration"), "write a number and a unit, such as `30s`".to_owned()));
    };
    let nanos_each: f64 = match unit.trim_start() {
        "ms" => 1e6,
        "s" => 1e9,
        "m" => 60e9,
        "h" => 3600e9,
        "d" => 86_400e9,
        "" => {
            let what = format!("`{text}` has no unit");
            return Err(bad(what, format!("write `{number}s` for seconds or `{number}ms` for milliseconds")));
        }
        "us" => return Err(bad(format!("`{text}` is finer than a millisecond"), "write whole `ms`".to_owned())),
        other => {
            let what = format!("`{}` is no unit of time", other.trim());
            return Err(bad(what, format!("the units are ms, s, m, h and d, as in `{number}s`")));
        }
    };
    let nanos = value * nanos_each;
    if nanos > 366.0 * 86_400e9 {
        return Err(Wrong::range(format!("`{text}` is longer than a year")));
    }
    // Rounded to microseconds: 0.1 has no exact binary form.
    Ok(Duration::from_micros((nanos / 1e3).round() as u64))
}

/// A duration as it would be typed.
pub fn duration_text(duration: Duration) -> String {
    let micros = duration.as_micros();
    match micros {
        0 => "0s".to_owned(),
        _ if micros.is_multiple_of(3_600_000_000) => format!("{}h", micros / 3_600_000_000),
        _ if micros.is_multiple_of(60_000_000) => format!("{}m", micros / 60_000_000),
        _ if micros.is_multiple_of(1_000_000) => format!("{}s", micros / 1_000_000),
        _ if micros.is_multiple_of(1_000) => format!("{}ms", micros / 1_000),
        _ => format!("{}ms", micros as f64 / 1e3),
    }
}

/// Words of a rule or a condition, at least one.
pub fn words(text: &str) -> Result<Vec<String>, Wrong> {
    let wrong = |what: String| Wrong { code: "E-VALUE", what, hint: None };
    match rule::split(text) {
        Ok(words) if words.is_empty() => Err(wrong("there are no words in it".to_owned())),
        Ok(words) => Ok(words),
        Err(error) => Err(wrong(error.to_string())),
    }
}

/// Words of HAProxy's language, read by a function that says which of them is wrong.
fn read<T>(text: &str, read: impl FnOnce(&[&str]) -> Result<T, options::Wrong>) -> Result<T, Wrong> {
    let words = words(text)?;
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    read(&words).map_err(|wrong| {
        let code = if wrong.refused.is_some() { "E-NOT-SUPPORTED" } else { "E-VALUE" };
        let what = if wrong.refused.is_some() { format!("{} is not supported", wrong.what) } else { wrong.what };
        Wrong { code, what, hint: wrong.refused.or(wrong.hint) }
    })
}

/// What follows `balance`.
pub fn balance(text: &str) -> Result<Balance, Wrong> {
    read(text, options::balance::read)
}

/// An option of a cookie; its mode is none.
pub fn cookie_option(text: &str, into: &mut Cookie) -> Result<(), Wrong> {
    let is_mode = |(name, _): &(&str, CookieMode)| *name == text.trim();
    if let Some((name, _)) = options::cookie::MODES.iter().find(|mode| is_mode(mode)) {
        return Err(Wrong::value(format!("`{name}` is a mode"), "write `mode: insert` beside `options`"));
    }
    read(text, |words| options::cookie::read_options(into, words, 0))
}

/// A line of a backend.
pub fn backend_option(text: &str, into: &mut BackendOptions) -> Result<(), Wrong> {
    read(text, |words| options::backend::read_line(into, words))
}

/// Options of a server.
pub fn server_options(text: &str, into: &mut ServerOptions) -> Result<(), Wrong> {
    read(text, |words| options::server::read_all(into, words))
}

/// A version of HAProxy.
pub fn release(text: &str) -> Result<Version, Wrong> {
    let hint = "write a branch or a release, such as 2.6 or 2.6.12";
    Version::declared(text).ok_or_else(|| Wrong::value(format!("`{text}` is no version of HAProxy"), hint))
}

/// A whole number.
pub fn number(text: &str) -> Result<u64, Wrong> {
    let hint = "write a whole number without unit";
    text.parse().map_err(|_| Wrong::value(format!("`{text}` is not a whole number"), hint))
}

/// `true` or `false`.
pub fn flag(text: &str) -> Result<bool, Wrong> {
    match text {
        "true" => Ok(true),
        "false" => Ok(false),
        "yes" | "on" | "Yes" | "On" | "True" | "TRUE" | "1" => {
            Err(Wrong::value(format!("`{text}` is not a flag"), "write `true`"))
        }
        "no" | "off" | "No" | "Off" | "False" | "FALSE" | "0" => {
            Err(Wrong::value(format!("`{text}` is not a flag"), "write `false`"))
        }
        _ => Err(Wrong::value(format!("`{text}` is not a flag"), "write `true` or `false`")),
    }
}

/// An IP address.
pub fn address(text: &str) -> Result<IpAddr, Wrong> {
    let hint = "write an address such as 192.0.2.11 or 2001:db8::11";
    if text.contains('/') {
        return Err(Wrong::value(format!("`{text}` has a mask, which has no place here"), hint));
    }
    text.parse().map_err(|_| Wrong::value(format!("`{text}` is not an IP address"), hint))
}

/// An IP address, with a prefix length or without.
pub fn network(text: &str) -> Result<draft::Network, Wrong> {
    let (host, prefix) = match text.split_once('/') {
        Some((host, prefix)) => (host, Some(prefix)),
        None => (text, None),
    };
    let address = address(host)?;
    let longest = if address.is_ipv4() { 32 } else { 128 };
    let prefix = match prefix {
        None => None,
        Some(prefix) => match prefix.parse::<u8>() {
            Ok(prefix) if (1..=longest).contains(&prefix) => Some(prefix),
            _ => return Err(Wrong::range(format!("`/{prefix}` is not a prefix length from 1 to {longest}"))),
        },
    };
    if address.is_unspecified() || address.is_multicast() || address.is_loopback() {
        return Err(Wrong::value(format!("`{address}` cannot be a virtual address"), "write a unicast address"));
    }
    Ok(draft::Network { address, prefix })
}

/// An address and a port.
pub fn endpoint(text: &str) -> Result<SocketAddr, Wrong> {
    let hint = "write address:port, such as 192.0.2.21:80 or [2001:db8::21]:80";
    let endpoint: SocketAddr = text.parse().map_err(|_| match text.parse::<IpAddr>() {
        Ok(_) => Wrong::value(format!("`{text}` has no port"), hint),
        Err(_) => Wrong::value(format!("`{text}` is not an address and a port"), hint),
    })?;
    match endpoint.port() {
        0 => Err(Wrong::range("port 0 is not a port; 1-65535")),
        _ => Ok(endpoint),
    }
}

/// What an address of a server adds to the port that the client came in by: `192.0.2.21:+1000`.
pub fn port_offset(text: &str) -> Option<i32> {
    let (_, port) = text.rsplit_once(':')?;
    let offset: i32 = port.starts_with(['+', '-']).then(|| port.parse().ok())??;
    (-65_535..=65_535).contains(&offset).then_some(offset)
}

/// The Unix socket that an address of a server names.
pub fn server_socket(text: &str) -> Option<Endpoint> {
    endpoint::server(text)?.ok()
}

/// The name that a server is written with, its port, and what is added to the client's port.
pub fn server_name(text: &str) -> Option<(Naming, SocketAddr, i32)> {
    let (naming, address, offset) = options::naming::server(text)?;
    let last = naming.written()?.rsplit('.').next()?;
    let is_name = last.chars().any(|c| c.is_ascii_alphabetic());
    let has_port = address.port() != 0 || offset != 0 || naming.service.is_some();
    (is_name && has_port).then_some((naming, address, offset))
}

/// A name server: `ADDRESS:PORT`, with `tcp@` in front over a connection.
pub fn name_server(text: &str) -> Result<(SocketAddr, Transport), Wrong> {
    match text.strip_prefix("tcp@") {
        Some(text) => Ok((endpoint(text)?, Transport::Tcp)),
        None => Ok((endpoint(text.strip_prefix("udp@").unwrap_or(text))?, Transport::Udp)),
    }
}

/// An address and a port of a server, which is no wildcard, or a Unix socket, which has none; `udp@` may stand before it.
pub fn server(text: &str) -> Result<SocketAddr, Wrong> {
    let text = text.strip_prefix(endpoint::DATAGRAMS).unwrap_or(text);
    if let Some(socket) = endpoint::server(text) {
        let nowhere = SocketAddr::from(([0, 0, 0, 0], 0));
        return socket.map(|_| nowhere).map_err(|what| Wrong::value(what, "write unix@PATH, abns@NAME or abnsz@NAME"));
    }
    // What is no address may be a name, unless it ends with a number: that is a slip.
    let named = server_name(text);
    if let Some((_, address, _)) = named {
        return Ok(address);
    }
    // Port 0 is the one that the client came in by, address 0.0.0.0 where it wanted to go.
    let plain = match port_offset(text) {
        Some(_) => format!("{}:0", text.rsplit_once(':').map_or(text, |(host, _)| host)),
        None => text.to_owned(),
    };
    let text = plain.as_str();
    let endpoint = match text.parse::<SocketAddr>() {
        Ok(known) if known.port() == 0 => known,
        _ => endpoint(text)?,
    };
    if endpoint.ip().is_multicast() {
        let what = format!("`{}` is not the address of a server", endpoint.ip());
        return Err(Wrong::value(what, "write its own address"));
    }
    Ok(endpoint)
}

/// `vip@NAME:PORT`, `*:PORT` or `ADDRESS:PORT`, and options in HAProxy's words behind it.
pub fn listener(text: &str) -> Result<draft::Listener, Wrong> {
    let mut options = BindOptions::default();
    let bind = match text.split_once(' ') {
        None => bind(text)?,
        Some((place, words)) => {
            read(words, |words| options::bind::read_all(&mut options, words))?;
            bind(place)?
        }
    };
    Ok(draft::Listener { bind, options })
}

/// `vip@NAME:PORT`, `*:PORT` or `ADDRESS:PORT`.
pub fn bind(text: &str) -> Result<draft::Bind, Wrong> {
    let hint = "write vip@NAME:PORT, ADDRESS:PORT, *:PORT, fd@NUMBER, unix@PATH or abns@NAME";
    let port = |text: &str| match text.parse::<u16>() {
        Ok(port) if port > 0 => Ok(port),
        _ => Err(Wrong {
            code: "E-RANGE",
            what: format!("`{text}` is not a port; 1-65535"),
            hint: Some(hint.to_owned()),
        }),
    };
    if let Some(rest) = text.strip_prefix("vip@") {
        return match rest.rsplit_once(':') {
            Some((name, at)) if !name.is_empty() => Ok(draft::Bind::Virtual { name: name.to_owned(), port: port(at)? }),
            _ => Err(Wrong::value(format!("`{text}` names no virtual address and port"), hint)),
        };
    }
    if let Some(special) = endpoint::special(text) {
        return special.map(draft::Bind::Other).map_err(|what| Wrong::value(what, hint));
    }
    match text.rsplit_once(':') {
        Some(("*" | "", at)) => Ok(draft::Bind::Address(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), port(at)?))),
        Some((host, at)) => {
            if let Some(inner) = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')) {
                let Ok(inner) = inner.parse::<Ipv6Addr>() else {
                    return Err(Wrong::value(format!("`{inner}` is not an IPv6 address"), hint));
                };
                return Ok(draft::Bind::Address(SocketAddr::new(inner.into(), port(at)?)));
            }
            match host.parse::<Ipv4Addr>() {
                Ok(address) => Ok(draft::Bind::Address(SocketAddr::new(address.into(), port(at)?))),
                Err(_) if text.parse::<Ipv6Addr>().is_ok() => {
                    Err(Wrong::value(format!("`{text}` has no port"), &format!("write [{text}]:80")))
                }
                Err(_) => Err(Wrong::value(format!("`{host}` is not an address"), hint)),
            }
        }
        None => Err(Wrong::value(format!("`{text}` has no port"), hint)),
    }
}

/// Status codes: `200`, `200-399`.
pub fn status(text: &str) -> Result<(u16, u16), Wrong> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    match (first.trim().parse::<u16>(), last.trim().parse::<u16>()) {
        (Ok(first), Ok(last)) if (100..=599).contains(&first) && (first..=599).contains(&last) => Ok((first, last)),
        _ => Err(Wrong {
            code: "E-RANGE",
            what: format!("`{text}` is not a status code or a range of them; 100-599"),
            hint: Some("write `200` or `200-399`".to_owned()),
        }),
    }
}

/// What a tracked object does to the priority: `fault`, `degrade`, `+20`, `-20`.
pub fn track_weight(text: &str) -> Result<Weight, Wrong> {
    let hint = "write `fault`, `degrade`, `-20` (while down) or `+20` (while up)";
    let amount = |digits: &str| match digits.parse::<u8>() {
        Ok(amount) if (1..=253).contains(&amount) => Ok(amount),
        _ => Err(Wrong {
            code: "E-RANGE",
            what: format!("`{text}` is not a weight; 1-253 with its sign"),
            hint: Some(hint.to_owned()),
        }),
    };
    match text {
        "fault" => Ok(Weight::Fault),
        "degrade" => Ok(Weight::Degrade),
        _ => match (text.strip_prefix('+'), text.strip_prefix('-')) {
            (Some(digits), _) => Ok(Weight::Bonus(amount(digits)?)),
            (_, Some(digits)) => Ok(Weight::Penalty(amount(digits)?)),
            _ if text.parse::<u64>().is_ok() => Err(Wrong::value(format!("`{text}` has no sign"), hint)),
            _ => Err(Wrong::value(format!("`{text}` is not a weight"), hint)),
        },
    }
}

/// A request: `GET /health`, or a path alone.
pub fn request(text: &str) -> Result<(String, String), Wrong> {
    let hint = "write a method and a path, such as `GET /health`";
    let mut words = text.split_whitespace();
    let (method, path) = match (words.next(), words.next(), words.next()) {
        (Some(path), None, None) if path.starts_with('/') => ("GET", path),
        (Some(method), Some(path), None) => (method, path),
        _ => return Err(Wrong::value(format!("`{text}` is not a request"), hint)),
    };
    Ok((self::method(method)?, self::path(path)?))
}

/// A request method.
pub fn method(text: &str) -> Result<String, Wrong> {
    let is_token =
        !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b));
    match is_token {
        true => Ok(text.to_owned()),
        false => Err(Wrong::value(format!("`{text}` is not a method"), "write GET, HEAD or OPTIONS")),
    }
}

/// A request target in origin form.
pub fn path(text: &str) -> Result<String, Wrong> {
    match (text.starts_with('/') || text == "*") && text.bytes().all(|b| b.is_ascii_graphic()) {
        true => Ok(text.to_owned()),
        false => Err(Wrong::value(format!("`{text}` is not a path"), "write a path such as `/health`")),
    }
}

/// A header value: no control characters.
pub fn header(text: &str) -> Result<String, Wrong> {
    match text.chars().any(char::is_control) {
        true => Err(Wrong::value("a header value holds no control characters", "write it in one line")),
        false => Ok(text.to_owned()),
    }
}

/// A destination of logs; `None` is none.
pub fn log_destination(text: &str) -> Result<Option<Destination>, Wrong> {
    let hint = "write `stdout`, `stderr`, `off`, `syslog:/dev/log`, `udp:192.0.2.30:514`, `tcp:192.0.2.30:514`, \
                `uxst:/run/log.sock`, `fd:3`, `ring:NAME` or `backend:NAME`";
    let wrong = || Wrong::value(format!("`{text}` is no destination of logs"), hint);
    Ok(Some(match text {
        "off" | "false" => return Ok(None),
        "stdout" => Destination::Stdout,
        "stderr" => Destination::Stderr,
        "syslog" => Destination::Unix(PathBuf::from("/dev/log")),
        _ => match text.split_once(':').ok_or_else(wrong)? {
            ("syslog", path) => Destination::Unix(absolute(path)?),
            ("udp", to) => Destination::Udp(endpoint(to)?),
            ("tcp", to) => Destination::Stream(Endpoint::Tcp(endpoint(to)?)),
            ("uxst", path) => Destination::Stream(destination::unix_stream(path)?),
            ("ring", name) => Destination::Ring(self::name(name)?),
            ("backend", name) => Destination::Backend(proxy_name(name)?),
            ("fd", number) => Destination::Descriptor(number.parse().map_err(|_| wrong())?),
            _ => return Err(wrong()),
        },
    }))
}

/// As it would be typed.
pub fn log_destination_text(destination: &Destination) -> String {
    match destination {
        Destination::Stdout => "stdout".to_owned(),
        Destination::Stderr => "stderr".to_owned(),
        Destination::Unix(path) => format!("syslog:{}", path.display()),
        Destination::Udp(address) => format!("udp:{address}"),
        Destination::Stream(Endpoint::Unix(path)) => format!("uxst:{}", path.display()),
        Destination::Stream(endpoint) => format!("tcp:{endpoint}"),
        Destination::Ring(name) => format!("ring:{name}"),
        Destination::Backend(name) => format!("backend:{name}"),
        Destination::Descriptor(number) => format!("fd:{number}"),
    }
}

/// Which lines of every so many.
pub fn log_sample(text: &str) -> Result<Sample, Wrong> {
    log_sample::parse(text).map_err(|what| Wrong::value(what, "write RANGES:SIZE, such as `1,3-4:10`"))
}

/// `all`, or steps with commas between them.
pub fn log_steps(text: &str) -> Result<Steps, Wrong> {
    Steps::parse(text).map_err(|what| Wrong::value(what, "write `all` or a list such as `accept,close`"))
}

/// An absolute path.
pub fn absolute(text: &str) -> Result<PathBuf, Wrong> {
    match text.starts_with('/') && !text.contains('\0') {
        true => Ok(PathBuf::from(text)),
        false => Err(Wrong::value(format!("`{text}` is not an absolute path"), "begin it with `/`")),
    }
}

/// A name of something: a key of the operator's.
pub fn name(text: &str) -> Result<String, Wrong> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    match !text.is_empty() && text.len() <= 64 && text.chars().all(is_allowed) {
        true => Ok(text.to_owned()),
        false => {
            Err(Wrong::value(format!("`{text}` is not a name"), "a name has 1-64 letters, digits, `-`, `_` or `.`"))
        }
    }
}

/// The name of a proxy, a server or a section of HAProxy's (manual §4, "proxy names").
pub fn proxy_name(text: &str) -> Result<String, Wrong> {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-_.:".contains(c);
    match !text.is_empty() && text.len() <= PROXY_NAME_MAX && text.chars().all(is_allowed) {
        true => Ok(text.to_owned()),
        false => {
            let hint = format!("a name has 1-{PROXY_NAME_MAX} letters, digits, `-`, `_`, `.` or `:`");
            Err(Wrong::value(format!("`{text}` is not a name"), &hint))
        }
    }
}

/// A password as crypt(3) keeps it.
pub fn password(text: &str) -> Result<Password, Wrong> {
    match Userlist::complaint(text) {
        None => Ok(Password::Crypted(text.to_owned())),
        Some(complaint) => Err(Wrong::value(
            format!("this is no password that can be checked: {complaint}"),
            "write what `mkpasswd -m sha-512` prints, or {clear: TEXT}",
        )),
    }
}

/// An interface name (Linux: 1-15 bytes, no space, no slash).
pub fn interface(text: &str) -> Result<String, Wrong> {
    let is_bad = |c: char| c.is_whitespace() || c == '/' || c.is_control();
    match text.is_empty() || text.len() > 15 || matches!(text, "." | "..") || text.contains(is_bad) {
        true => Err(Wrong::value(format!("`{text}` is not the name of an interface"), "see `ip -br link`")),
        false => Ok(text.to_owned()),
    }
}

/// Program and arguments, executed without a shell: split at spaces; quotes keep spaces.
pub fn command(text: &str) -> Result<Vec<String>, Wrong> {
    let (mut words, mut word, mut quote) = (Vec::new(), None::<String>, None);
    for c in text.chars() {
        match quote {
            Some(open) if c == open => quote = None,
            Some(_) => word.get_or_insert_default().push(c),
            None if c == '"' || c == '\'' => {
                quote = Some(c);
                word.get_or_insert_default();
            }
            None if c.is_whitespace() => words.extend(word.take()),
            None => word.get_or_insert_default().push(c),
        }
    }
    words.extend(word);
    match (quote, words.first()) {
        (Some(_), _) => Err(Wrong::value("a quote is not closed", "close it, or write a list: [program, argument]")),
        (_, Some(program)) if program.starts_with('/') => Ok(words),
        _ => Err(Wrong::value(
            "a command begins with the absolute path of its program",
            "write `/usr/bin/env PROGRAM` or the full path; no shell is used",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_have_units() {
        assert_eq!(duration("100ms"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("0.1s"), Ok(Duration::from_millis(100)));
        assert_eq!(duration("2m"), Ok(Duration::from_secs(120)));
        assert_eq!(duration("5").map_err(|wrong| wrong.code), Err("E-UNIT"));
        assert_eq!(duration("5sec").map_err(|wrong| wrong.code), Err("E-UNIT"));
        assert_eq!(duration("-5s").map_err(|wrong| wrong.code), Err("E-UNIT"));
    }

    #[test]
    fn durations_print_as_they_are_typed() {
        for text in ["100ms", "30s", "2m", "1h", "1500ms"] {
            assert_eq!(duration(text).map(duration_text), Ok(text.to_owned()));
        }
    }

    #[test]
    fn binds_name_a_vip_an_address_or_everything() {
        assert_eq!(bind("vip@www:80"), Ok(draft::Bind::Virtual { name: "www".to_owned(), port: 80 }));
        assert_eq!(bind("*:80"), Ok(draft::Bind::Address(SocketAddr::from(([0, 0, 0, 0], 80)))));
        assert_eq!(bind("[::]:80"), Ok(draft::Bind::Address(SocketAddr::from(([0u16; 8], 80)))));
        for text in ["", "80", ":", "vip@:80", "vip@www", "::1:80x", "1.2.3.4:0", "1.2.3.4:99999"] {
            assert!(bind(text).is_err(), "{text}");
        }
    }

    #[test]
    fn commands_keep_quoted_spaces() {
        assert_eq!(command("/bin/x 'a b' c"), Ok(vec!["/bin/x".to_owned(), "a b".to_owned(), "c".to_owned()]));
        assert!(command("/bin/x 'a").is_err());
        assert!(command("x").is_err());
    }

    #[test]
    fn weights_need_a_sign() {
        assert_eq!(track_weight("-20"), Ok(Weight::Penalty(20)));
        assert_eq!(track_weight("+20"), Ok(Weight::Bonus(20)));
        assert!(track_weight("20").is_err());
        assert!(track_weight("-254").is_err());
    }
}
