//! Single values as HAProxy writes them: times, counts, addresses (manual §2.5, §2.9).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

/// The longest time: HAProxy keeps milliseconds in 31 bits.
const LONGEST: Duration = Duration::from_millis(2_147_483_647);

/// A time such as `30s`, `2m` or `1500`, which is in milliseconds.
///
/// # Errors
/// What is wrong with it.
pub fn time(text: &str) -> Result<Duration, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let value: u64 = match number {
        "" => return Err(format!("'{text}' is not a time; write a number and a unit, such as 30s")),
        _ => number.parse().map_err(|_| format!("'{text}' is longer than HAProxy's 24 days"))?,
    };
    let micros_each: u64 = match suffix {
        "us" => 1,
        "ms" | "" => 1_000,
        "s" => 1_000_000,
        "m" => 60_000_000,
        "h" => 3_600_000_000,
        "d" => 86_400_000_000,
        _ => return Err(format!("'{suffix}' is no unit of time; the units are us, ms, s, m, h and d")),
    };
    match value.checked_mul(micros_each).map(Duration::from_micros) {
        Some(time) if time <= LONGEST => Ok(time),
        _ => Err(format!("'{text}' is longer than HAProxy's 24 days")),
    }
}

/// A time that is kept in seconds, in 31 bits; what is left over counts as one more.
///
/// # Errors
/// What is wrong with it.
pub fn long_time(text: &str) -> Result<u32, String> {
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, suffix) = text.split_at(digits);
    let value: u64 =
        number.parse().map_err(|_| format!("'{text}' is not a time; write a number and a unit, such as 30s"))?;
    let seconds = match suffix {
        "us" => Some(value.div_ceil(1_000_000)),
        "ms" => Some(value.div_ceil(1_000)),
        "s" => Some(value),
        "m" => value.checked_mul(60),
        "h" => value.checked_mul(3_600),
        "d" => value.checked_mul(86_400),
        _ => return Err(format!("'{suffix}' is no unit of time; the units are us, ms, s, m, h and d")),
    };
    let seconds = seconds.and_then(|seconds| u32::try_from(seconds).ok()).filter(|seconds| *seconds <= 1 << 31);
    seconds.ok_or_else(|| format!("'{text}' is longer than HAProxy's 68 years"))
}

/// A whole number in a range.
///
/// # Errors
/// It is none, or out of range.
pub fn number(text: &str, least: u64, most: u64) -> Result<u64, String> {
    match text.parse::<u64>() {
        Ok(value) if (least..=most).contains(&value) => Ok(value),
        Ok(value) => Err(format!("{value} is out of range; {least} to {most}")),
        Err(_) => Err(format!("'{text}' is not a whole number")),
    }
}

/// The digits that a text begins with, as C's `atol` reads them: 0 without any, or below 0.
pub fn leading_number(text: &str) -> u64 {
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    match text.get(..end) {
        None | Some("") => 0,
        Some(digits) => digits.parse().unwrap_or(u64::MAX),
    }
}

/// What stands before the port of an address.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Host {
    /// Nothing or `*`: every IPv4 address.
    Any,
    /// An address.
    Address(IpAddr),
    /// A name to resolve, and the families that may come of it.
    Name(String, Family),
}

/// Address families.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Family {
    /// IPv4 or IPv6.
    Any,
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Whether an address is of it.
    pub fn has(self, address: IpAddr) -> bool {
        match self {
            Family::Any => true,
            Family::V4 => address.is_ipv4(),
            Family::V6 => address.is_ipv6(),
        }
    }
}

/// What stands behind the colon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ports {
    /// Nothing.
    None,
    /// These, both included.
    Range(u16, u16),
    /// The client's and so much more, or less.
    Offset(i32),
}

/// Splits an address: `192.0.2.1:80`, `*:80-90`, `[::1]:80`, `:::80`, `name:80`, `ipv4@name:80`.
///
/// # Errors
/// It has a form that vipgate has no socket for, or none.
pub fn address(text: &str) -> Result<(Host, Ports), String> {
    let mut rest = text;
    for prefix in ["stream+", "tcp@"] {
        rest = rest.strip_prefix(prefix).unwrap_or(rest);
    }
    let mut family = Family::Any;
    for (prefix, of) in [("ipv4@", Family::V4), ("ipv6@", Family::V6), ("tcp4@", Family::V4), ("tcp6@", Family::V6)] {
        if let Some(after) = rest.strip_prefix(prefix) {
            (rest, family) = (after, of);
        }
    }
    match rest.split_once('@').map(|(kind, _)| kind) {
        Some("fd" | "sockpair" | "unix" | "abns" | "abnsz" | "uxst" | "uxdg") => {
            return Err("this kind of socket is not supported here; write an address and a port".to_owned());
        }
        Some(
            "quic4" | "quic6" | "udp" | "udp4" | "udp6" | "dgram" | "rhttp" | "mptcp" | "mptcp4" | "mptcp6" | "vsock",
        ) => {
            return Err("only TCP over IPv4 and IPv6 is spoken".to_owned());
        }
        Some(kind) => return Err(format!("'{kind}@' is no kind of address")),
        None if rest.starts_with('/') => {
            return Err("Unix sockets are not supported here; write an address and a port".to_owned());
        }
        None => {}
    }
    let (host, port) = match rest.strip_prefix('[').and_then(|inner| inner.split_once(']')) {
        Some((inner, after)) => (inner, after.strip_prefix(':').or(after.is_empty().then_some(""))),
        // The last colon counts, so an IPv6 address without brackets needs its port.
        None => rest.rsplit_once(':').map_or((rest, Some("")), |(host, port)| (host, Some(port))),
    };
    let ports = ports(port.ok_or_else(|| format!("'{text}' is no address"))?)?;
    let host = match (host, family) {
        ("" | "*", Family::Any | Family::V4) => Host::Any,
        ("" | "*", Family::V6) => Host::Address(Ipv6Addr::UNSPECIFIED.into()),
        _ => match (host.parse::<IpAddr>(), family) {
            (Ok(IpAddr::V4(_)), Family::V6) | (Ok(IpAddr::V6(_)), Family::V4) => {
                return Err(format!("'{host}' is of the other address family"));
            }
            (Ok(address), _) => Host::Address(address),
            (Err(_), _) if is_name(host) => Host::Name(host.to_owned(), family),
            (Err(_), _) => return Err(format!("'{host}' is no address and no host name")),
        },
    };
    Ok((host, ports))
}

fn ports(text: &str) -> Result<Ports, String> {
    let port = |text: &str| number(text, 1, 65_535).map_err(|_| format!("'{text}' is not a port; 1 to 65535"));
    match text.split_once('-') {
        None if text.is_empty() || text == "0" => Ok(Ports::None),
        None if text.starts_with('+') => Ok(Ports::Offset(narrow(port(&text[1..])?).into())),
        Some(("", digits)) => Ok(Ports::Offset(-i32::from(narrow(port(digits)?)))),
        None => port(text).map(|port| Ports::Range(narrow(port), narrow(port))),
        Some((first, last)) => match (port(first)?, port(last)?) {
            (first, last) if first <= last => Ok(Ports::Range(narrow(first), narrow(last))),
            _ => Err(format!("'{text}' is no range of ports")),
        },
    }
}

/// A number that was held in range.
fn narrow(port: u64) -> u16 {
    u16::try_from(port).unwrap_or(u16::MAX)
}

fn is_name(text: &str) -> bool {
    let is_allowed = |c: char| c.is_ascii_alphanumeric() || "-._".contains(c);
    !text.is_empty() && text.len() <= 253 && text.chars().all(is_allowed)
}

/// Every IPv4 address.
pub const ANY: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units_and_milliseconds_are_the_default() {
        for (text, millis) in [("50", 50), ("10s", 10_000), ("1m", 60_000), ("2h", 7_200_000), ("1d", 86_400_000)] {
            assert_eq!(time(text), Ok(Duration::from_millis(millis)), "{text}");
        }
        for text in ["", "s", "1.5s", "1x", "-1", "99d", "99999999999999999999", "18446744073709551615d"] {
            assert!(time(text).is_err(), "{text}");
        }
    }

    #[test]
    fn addresses_come_apart() {
        let v6 = |text: &str| Host::Address(text.parse().expect("an address"));
        for (text, host, ports) in [
            (":80", Host::Any, Ports::Range(80, 80)),
            ("*:80-82", Host::Any, Ports::Range(80, 82)),
            ("192.0.2.1:80", v6("192.0.2.1"), Ports::Range(80, 80)),
            ("192.0.2.1", v6("192.0.2.1"), Ports::None),
            ("[::1]:80", v6("::1"), Ports::Range(80, 80)),
            (":::80", v6("::"), Ports::Range(80, 80)),
            ("::1:80", v6("::1"), Ports::Range(80, 80)),
            ("[::1]", v6("::1"), Ports::None),
            ("ipv6@:80", v6("::"), Ports::Range(80, 80)),
            ("web-1.example:80", Host::Name("web-1.example".to_owned(), Family::Any), Ports::Range(80, 80)),
            ("ipv4@web:80", Host::Name("web".to_owned(), Family::V4), Ports::Range(80, 80)),
            ("192.0.2.1:+1000", v6("192.0.2.1"), Ports::Offset(1000)),
            ("192.0.2.1:-7", v6("192.0.2.1"), Ports::Offset(-7)),
        ] {
            assert_eq!(address(text), Ok((host, ports)), "{text}");
        }
        for text in
            ["", "/run/a.sock", "unix@a", "fd@3", "ipv4@::1:80", "a b:80", ":80-79", ":x", ":99999", "foo@a:1", "[::1"]
        {
            assert!(address(text).is_err() || text.is_empty(), "{text}");
        }
    }
}
