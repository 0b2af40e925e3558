//! The cookie in the first packet of an RDP connection: `Cookie: mstshash=user` behind the TPKT and X.224 headers
//! (HAProxy manual §7.3.5 "req.rdp_cookie").

use std::net::SocketAddrV4;

/// Bytes of the headers before it.
const HEADERS: usize = 11;
const FIELD: &[u8] = b"Cookie:";

/// What the first bytes of a connection say of the cookie.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RdpCookie<'b> {
    /// Its value.
    Value(&'b [u8]),
    /// More bytes may bring it.
    Incomplete,
    /// There is none, or another one.
    Missing,
}

/// Looks for the cookie of this name, in any case; an empty name is any.
pub fn rdp_cookie<'b>(bytes: &'b [u8], name: &[u8]) -> RdpCookie<'b> {
    use RdpCookie::{Incomplete, Missing, Value};
    let Some(text) = bytes.get(HEADERS..).filter(|text| text.len() > FIELD.len()) else { return Incomplete };
    let (field, text) = text.split_at(FIELD.len());
    if !field.eq_ignore_ascii_case(FIELD) {
        return Missing;
    }
    let text = &text[text.iter().take_while(|byte| **byte == b' ').count()..];
    let length = match name {
        b"" => match text.iter().find(|byte| matches!(byte, b'=' | b'\r' | b'\n')) {
            None => return Incomplete,
            Some(b'=') => text.iter().take_while(|byte| **byte != b'=').count(),
            Some(_) => return Missing,
        },
        name if text.len() <= name.len() => return Incomplete,
        name if text[name.len()] == b'=' && text[..name.len()].eq_ignore_ascii_case(name) => name.len(),
        _ => return Missing,
    };
    let rest = &text[length + 1..];
    let value = rest.iter().take_while(|byte| **byte != b'\r').count();
    match rest.get(value..value + 2) {
        Some(b"\r\n") => Value(&rest[..value]),
        Some(_) => Missing,
        None => Incomplete,
    }
}

/// The server that a terminal server's cookie names: `<address>.<port>.` and more, both as numbers in network order.
pub fn rdp_server(value: &[u8]) -> Option<SocketAddrV4> {
    let mut parts = value.split(|byte| *byte == b'.');
    let number = |part: Option<&[u8]>| std::str::from_utf8(part?).ok()?.parse::<u32>().ok();
    let (address, port) = (number(parts.next())?, number(parts.next())?);
    // The dot behind the port is part of it.
    parts.next()?;
    let port = u16::from_be_bytes([(port & 0xff) as u8, (port >> 8 & 0xff) as u8]);
    Some(SocketAddrV4::new(address.to_le_bytes().into(), port))
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: &[u8] = b"\x03\x00\x00\x2a\x25\xe0\x00\x00\x00\x00\x00";

    fn packet(text: &str) -> Vec<u8> {
        [START, text.as_bytes()].concat()
    }

    #[test]
    fn a_cookie_is_found_by_its_name_in_any_case() {
        let bytes = packet("cookie:  MSTShash=user\r\n\x01\x00");
        assert_eq!(rdp_cookie(&bytes, b"mstshash"), RdpCookie::Value(b"user"));
        assert_eq!(rdp_cookie(&bytes, b""), RdpCookie::Value(b"user"));
        assert_eq!(rdp_cookie(&bytes, b"msts"), RdpCookie::Missing);
        assert_eq!(rdp_cookie(&packet("Cooky: a=b\r\n"), b""), RdpCookie::Missing);
        assert_eq!(rdp_cookie(&packet("Cookie: ab\r\n"), b""), RdpCookie::Missing);
        assert_eq!(rdp_cookie(&packet("Cookie: a=b\rc"), b"a"), RdpCookie::Missing);
    }

    #[test]
    fn every_beginning_of_a_cookie_waits_for_more() {
        let whole = packet("Cookie: mstshash=user\r\n");
        for length in 0..whole.len() {
            assert_eq!(rdp_cookie(&whole[..length], b"mstshash"), RdpCookie::Incomplete, "{length}");
            assert_eq!(rdp_cookie(&whole[..length], b""), RdpCookie::Incomplete, "{length}");
        }
        assert_eq!(rdp_cookie(&whole, b""), RdpCookie::Value(b"user"));
    }

    #[test]
    fn a_cookie_of_a_terminal_server_names_it_in_network_order() {
        let server = SocketAddrV4::new([10, 10, 26, 120].into(), 3389);
        assert_eq!(rdp_server(b"2014972426.15629.0000"), Some(server));
        for text in ["1.2", "user", "a.1.0", "1.b.0", ".."] {
            assert_eq!(rdp_server(text.as_bytes()), None, "{text}");
        }
    }
}
