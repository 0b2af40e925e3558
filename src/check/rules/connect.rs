//! `tcp-check connect` and `http-check connect`.

use std::net::{IpAddr, SocketAddr};

use crate::rule::RuleError;
use crate::rule::sample::Kind as SampleKind;

use super::Port;
use super::words::Reader;

/// A connection of a probe.
#[derive(Clone, Debug, Default)]
pub struct Connect {
    /// Whether the server's settings for checks hold too (`default`).
    pub is_default: bool,
    /// Whether nobody wrote it.
    pub is_implicit: bool,
    /// Another address than the check's.
    pub address: Option<IpAddr>,
    /// Another port than the check's.
    pub port: Option<Port>,
    /// Begins with a PROXY header.
    pub sends_proxy: bool,
    /// Goes through the server's SOCKS proxy.
    pub via_socks: bool,
    /// Closes without a reset.
    pub lingers: bool,
}

impl Connect {
    /// The connect of a list without one.
    pub(super) fn implicit() -> Connect {
        Connect { is_default: true, is_implicit: true, ..Connect::default() }
    }
}

/// The words behind `connect`, and the comment among them.
pub(super) fn compile(reader: &mut Reader<'_, '_, '_>) -> Result<(Connect, Option<String>), RuleError> {
    let (mut connect, mut comment) = (Connect::default(), None);
    while let Some(word) = reader.next() {
        match word {
            "default" => connect.is_default = true,
            "addr" => {
                let text = reader.argument("an address")?;
                let (address, port) = address(text).map_err(|what| reader.wrong(what))?;
                connect.address = Some(address);
                if let (Some(port), None) = (port, &connect.port) {
                    connect.port = Some(Port::Fixed(port));
                }
            }
            "port" => {
                let text = reader.argument("a port number or a sample expression")?;
                connect.port = Some(port(text, reader)?);
            }
            "comment" => comment = Some(reader.argument("a string")?.to_owned()),
            "send-proxy" => connect.sends_proxy = true,
            "via-socks4" => connect.via_socks = true,
            "linger" => connect.lingers = true,
            "proto" => match reader.argument("a protocol")? {
                "none" | "h1" => {}
                other => {
                    return Err(reader.wrong(format!("'proto {other}' is not supported in checks: write h1 or none")));
                }
            },
            "ssl" | "sni" | "alpn" => {
                return Err(reader.wrong(format!("'{word}' is not supported in checks: TLS comes in a later version")));
            }
            other => {
                let what = "'comment', 'port', 'addr', 'send-proxy', 'via-socks4', 'linger', 'proto' or 'default'";
                return Err(reader.wrong(format!("expects {what} but got '{other}'")));
            }
        }
    }
    Ok((connect, comment))
}

fn port(text: &str, reader: &mut Reader<'_, '_, '_>) -> Result<Port, RuleError> {
    if text.bytes().all(|byte| byte.is_ascii_digit()) {
        let port = text.parse::<u16>().ok().filter(|port| *port > 0);
        let wrong = || reader.wrong(format!("expects a TCP port from 1 to 65535 or a sample expression, got '{text}'"));
        return port.map(Port::Fixed).ok_or_else(wrong);
    }
    let expression = reader.expression(text)?;
    match expression.output().casts_to(SampleKind::Int) {
        true => Ok(Port::Computed(expression)),
        false => Err(reader.wrong(format!("'{text}' is no number and no port"))),
    }
}

/// `192.0.2.1`, `192.0.2.1:80`, `[::1]:80`, with `ipv4@` and the like before it.
fn address(text: &str) -> Result<(IpAddr, Option<u16>), String> {
    let rest = ["ipv4@", "ipv6@", "tcp4@", "tcp6@", "tcp@"].iter().find_map(|prefix| text.strip_prefix(prefix));
    let rest = rest.unwrap_or(text);
    if let Ok(address) = rest.parse::<IpAddr>() {
        return Ok((address, None));
    }
    if let Ok(address) = rest.parse::<SocketAddr>() {
        return Ok((address.ip(), Some(address.port()).filter(|port| *port > 0)));
    }
    // The last colon counts, so an IPv6 address without brackets has its port behind it.
    let parsed =
        rest.rsplit_once(':').and_then(|(host, port)| Some((host.parse::<IpAddr>().ok()?, port.parse().ok()?)));
    match parsed {
        Some((address, port)) => Ok((address, Some(port))),
        None => Err(format!("'{text}' is no IP address")),
    }
}
