//! The PROXY protocol: what a proxy in front says of a connection before its first byte (HAProxy doc/proxy-protocol.txt).
//!
//! Version 1 is a line, version 2 is binary and may carry values by type (type, length, value). Reading is strict: what is
//! no header to the letter is refused, since a header that two readers take differently forges a client's address.
//! [`parse`] reads both versions, [`write_line`] and [`Binary`] write them.

use std::io::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// What version 2 begins with.
const SIGNATURE: &[u8; 12] = b"\r\n\r\n\0\r\nQUIT\n";
/// Longest line of version 1, with its end.
const LONGEST_LINE: usize = 107;
/// Longest header of version 2 that is read or written, *bytes*: what fits into a buffer of HAProxy's.
pub const LONGEST: usize = 16 * 1024;
/// Longest value that is read, *bytes*, as HAProxy has it.
const LONGEST_VALUE: usize = 1024;
/// Longest authority that is read, *bytes* (proxy-protocol.txt §2.2.2: a host name).
const LONGEST_AUTHORITY: usize = 255;
/// Longest unique id, *bytes* (§2.2.5).
const LONGEST_UNIQUE_ID: usize = 128;

/// Type of the protocol that the client speaks (ALPN).
pub const ALPN: u8 = 0x01;
/// Type of the host name that the client asked for.
pub const AUTHORITY: u8 = 0x02;
/// Type of a CRC32c over the whole header.
pub const CHECKSUM: u8 = 0x03;
/// Type of the connection's unique id.
pub const UNIQUE_ID: u8 = 0x05;
/// Type of what is known of the client's TLS; its value holds values of its own.
pub const TLS: u8 = 0x20;
/// Type of the name of the network namespace that the client came in by.
pub const NAMESPACE: u8 = 0x30;

/// Value of [`TLS`] about a client that speaks none: no flag, and no certificate that was looked at (§2.2.6).
pub const NO_TLS: [u8; 5] = [0; 5];

/// What a header says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header<'b> {
    /// Bytes that it takes.
    pub length: usize,
    /// Client and the address that it connected to; `None` if the proxy speaks for itself or cannot tell.
    pub addresses: Option<(SocketAddr, SocketAddr)>,
    /// Values by type, well formed.
    pub values: &'b [u8],
}

/// Why bytes are no header. The peer is to blame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeaderError {
    /// Neither version's beginning.
    #[error("no PROXY header")]
    NoHeader,
    /// The line or the fields are wrong.
    #[error("malformed PROXY header")]
    Malformed,
    /// A line about a protocol that is none of TCP4, TCP6 and UNKNOWN.
    #[error("PROXY header of an unknown protocol")]
    UnknownProtocol,
    /// It is longer than any header.
    #[error("PROXY header is too long")]
    TooLong,
    /// The checksum does not fit.
    #[error("PROXY header with a wrong checksum")]
    Checksum,
}

/// The header that bytes begin with; `None` if there is more to come.
///
/// # Errors
/// They begin with none, whatever comes.
pub fn parse(bytes: &[u8]) -> Result<Option<Header<'_>>, HeaderError> {
    let begins = |with: &[u8]| {
        let length = bytes.len().min(with.len());
        bytes[..length] == with[..length]
    };
    match (begins(b"PROXY "), begins(SIGNATURE)) {
        (true, _) => line(bytes),
        (_, true) => binary(bytes),
        _ => Err(HeaderError::NoHeader),
    }
}

fn line(bytes: &[u8]) -> Result<Option<Header<'_>>, HeaderError> {
    let limit = bytes.len().min(LONGEST_LINE);
    let Some(end) = memchr::memmem::find(&bytes[..limit], b"\r\n") else {
        return if bytes.len() >= LONGEST_LINE { Err(HeaderError::TooLong) } else { Ok(None) };
    };
    let text = std::str::from_utf8(&bytes[..end]).map_err(|_| HeaderError::Malformed)?;
    let header = |addresses| Ok(Some(Header { length: end + 2, addresses, values: &[] }));
    let mut words = text.split(' ').skip(1);
    let is_v4 = match words.next() {
        // The rest of the line means nothing.
        Some("UNKNOWN") => return header(None),
        Some("TCP4") => true,
        Some("TCP6") => false,
        _ => return Err(HeaderError::UnknownProtocol),
    };
    let mut address = || {
        let address: IpAddr = words.next()?.parse().ok()?;
        (address.is_ipv4() == is_v4).then_some(address)
    };
    let (source, destination) = (address(), address());
    let mut port = || {
        let word = words.next()?;
        let is_plain = word.bytes().all(|byte| byte.is_ascii_digit()) && (word == "0" || !word.starts_with('0'));
        word.parse::<u16>().ok().filter(|_| is_plain)
    };
    let (source_port, destination_port) = (port(), port());
    match (source, destination, source_port, destination_port, words.next()) {
        (Some(source), Some(destination), Some(source_port), Some(destination_port), None) => {
            header(Some((SocketAddr::new(source, source_port), SocketAddr::new(destination, destination_port))))
        }
        _ => Err(HeaderError::Malformed),
    }
}

fn binary(bytes: &[u8]) -> Result<Option<Header<'_>>, HeaderError> {
    let Some(fixed) = bytes.get(..16) else { return Ok(None) };
    let length = 16 + usize::from(u16::from_be_bytes([fixed[14], fixed[15]]));
    let is_local = match fixed[12] {
        0x20 => true,
        0x21 => false,
        _ => return Err(HeaderError::Malformed),
    };
    if length > LONGEST {
        return Err(HeaderError::TooLong);
    }
    let Some(body) = bytes.get(16..length) else { return Ok(None) };
    let part = |from: usize, count: usize| body.get(from..from + count).ok_or(HeaderError::Malformed);
    let port = |from: usize| Ok(u16::from_be_bytes(part(from, 2)?.try_into().map_err(|_| HeaderError::Malformed)?));
    let (addresses, taken) = match fixed[13] {
        0x11 => {
            let address = |from: usize| -> Result<IpAddr, HeaderError> {
                let octets: [u8; 4] = part(from, 4)?.try_into().map_err(|_| HeaderError::Malformed)?;
                Ok(Ipv4Addr::from(octets).into())
            };
            (Some((SocketAddr::new(address(0)?, port(8)?), SocketAddr::new(address(4)?, port(10)?))), 12)
        }
        0x21 => {
            let address = |from: usize| -> Result<IpAddr, HeaderError> {
                let octets: [u8; 16] = part(from, 16)?.try_into().map_err(|_| HeaderError::Malformed)?;
                Ok(Ipv6Addr::from(octets).into())
            };
            (Some((SocketAddr::new(address(0)?, port(32)?), SocketAddr::new(address(16)?, port(34)?))), 36)
        }
        // Datagrams and Unix sockets have no place behind a TCP connection; their addresses are passed over.
        0x00 => (None, 0),
        0x12 => (None, 12),
        0x22 => (None, 36),
        0x31 | 0x32 => (None, 216),
        _ => return Err(HeaderError::Malformed),
    };
    if is_local && taken > 0 {
        // The proxy speaks for itself, and the family does not count (§2.2): nobody knows where values begin.
        return Ok(Some(Header { length, addresses: None, values: &[] }));
    }
    let values = body.get(taken..).ok_or(HeaderError::Malformed)?;
    let mut left = values;
    while !left.is_empty() {
        let (kind, value, rest) = first_value(left).ok_or(HeaderError::Malformed)?;
        let longest = match kind {
            CHECKSUM => {
                check(&bytes[..length], value)?;
                4
            }
            AUTHORITY => LONGEST_AUTHORITY,
            UNIQUE_ID => LONGEST_UNIQUE_ID,
            _ => LONGEST_VALUE,
        };
        if value.len() > longest {
            return Err(HeaderError::Malformed);
        }
        left = rest;
    }
    Ok(Some(Header { length, addresses, values }))
}

/// The checksum is taken over the whole header with its own bytes as zeros (§2.2.3).
fn check(header: &[u8], value: &[u8]) -> Result<(), HeaderError> {
    let expected: [u8; 4] = value.try_into().map_err(|_| HeaderError::Malformed)?;
    let at = value.as_ptr().addr() - header.as_ptr().addr();
    let sum = crc32c::crc32c_append(crc32c::crc32c(&header[..at]), &[0; 4]);
    let sum = crc32c::crc32c_append(sum, &header[at + 4..]);
    if sum.to_be_bytes() == expected { Ok(()) } else { Err(HeaderError::Checksum) }
}

fn first_value(values: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (head, rest) = values.split_at_checked(3)?;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_be_bytes([head[1], head[2]])))?;
    Some((head[0], value, rest))
}

/// The first value of a type, of a header's.
pub fn value(mut values: &[u8], wanted: u8) -> Option<&[u8]> {
    while let Some((kind, value, rest)) = first_value(values) {
        if kind == wanted {
            return Some(value);
        }
        values = rest;
    }
    None
}

/// Writes a header of version 1. Addresses of two families become IPv6; `None` is unknown to the protocol.
pub fn write_line(out: &mut Vec<u8>, addresses: Option<(SocketAddr, SocketAddr)>) {
    // Writing to a Vec cannot fail.
    let _ = match addresses.map(of_one_family) {
        Some((source, destination)) => {
            let family = if source.is_ipv4() { "TCP4" } else { "TCP6" };
            let (from, to) = (source.ip(), destination.ip());
            write!(out, "PROXY {family} {from} {to} {} {}\r\n", source.port(), destination.port())
        }
        None => write!(out, "PROXY UNKNOWN\r\n"),
    };
}

/// A header of version 2 while it is written.
#[derive(Debug)]
pub struct Binary<'o> {
    out: &'o mut Vec<u8>,
    start: usize,
    /// Where the bytes of its checksum are.
    checksum: Option<usize>,
}

impl Binary<'_> {
    /// Begins one behind what is there; without addresses the proxy speaks for itself.
    pub fn begin(out: &mut Vec<u8>, addresses: Option<(SocketAddr, SocketAddr)>) -> Binary<'_> {
        let start = out.len();
        out.extend_from_slice(SIGNATURE);
        match addresses.map(of_one_family) {
            None => out.extend_from_slice(&[0x20, 0x00, 0, 0]),
            Some((source, destination)) => {
                out.extend_from_slice(&[0x21, if source.is_ipv4() { 0x11 } else { 0x21 }, 0, 0]);
                for address in [source.ip(), destination.ip()] {
                    match address {
                        IpAddr::V4(address) => out.extend_from_slice(&address.octets()),
                        IpAddr::V6(address) => out.extend_from_slice(&address.octets()),
                    }
                }
                out.extend_from_slice(&source.port().to_be_bytes());
                out.extend_from_slice(&destination.port().to_be_bytes());
            }
        }
        Binary { out, start, checksum: None }
    }

    /// Adds a value; `write` appends its bytes.
    pub fn value(&mut self, kind: u8, write: impl FnOnce(&mut Vec<u8>)) {
        self.out.extend_from_slice(&[kind, 0, 0]);
        let start = self.out.len();
        write(self.out);
        // What is too long for this field is too long for the header, too.
        let length = u16::try_from(self.out.len() - start).unwrap_or(u16::MAX);
        self.out[start - 2..start].copy_from_slice(&length.to_be_bytes());
    }

    /// Adds a checksum over the whole header, what comes after it included.
    pub fn add_checksum(&mut self) {
        self.value(CHECKSUM, |out| out.extend_from_slice(&[0; 4]));
        self.checksum = Some(self.out.len() - 4);
    }

    /// Ends it.
    ///
    /// # Errors
    /// It is longer than [`LONGEST`].
    pub fn finish(self) -> Result<(), HeaderError> {
        let header = &mut self.out[self.start..];
        if header.len() > LONGEST {
            return Err(HeaderError::TooLong);
        }
        let length = u16::try_from(header.len() - 16).map_err(|_| HeaderError::TooLong)?;
        header[14..16].copy_from_slice(&length.to_be_bytes());
        if let Some(at) = self.checksum.map(|at| at - self.start) {
            let sum = crc32c::crc32c(header);
            header[at..at + 4].copy_from_slice(&sum.to_be_bytes());
        }
        Ok(())
    }
}

/// Where one is IPv4 and the other IPv6, both become IPv6.
fn of_one_family((source, destination): (SocketAddr, SocketAddr)) -> (SocketAddr, SocketAddr) {
    let (a, b) = (source.ip().to_canonical(), destination.ip().to_canonical());
    let wide = |address: IpAddr| match address {
        IpAddr::V4(address) if a.is_ipv4() != b.is_ipv4() => IpAddr::V6(address.to_ipv6_mapped()),
        other => other,
    };
    (SocketAddr::new(wide(a), source.port()), SocketAddr::new(wide(b), destination.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(text: &str) -> SocketAddr {
        text.parse().expect("an address")
    }

    fn write_binary(out: &mut Vec<u8>, ends: Option<(SocketAddr, SocketAddr)>, is_summed: bool, own: (u8, &[u8])) {
        let mut header = Binary::begin(out, ends);
        header.value(own.0, |out| out.extend_from_slice(own.1));
        if is_summed {
            header.add_checksum();
        }
        header.finish().expect("it is short");
    }

    fn pairs() -> [Option<(SocketAddr, SocketAddr)>; 3] {
        [
            Some((socket("192.0.2.7:40000"), socket("198.51.100.1:80"))),
            Some((socket("[2001:db8::7]:1"), socket("[2001:db8::1]:65535"))),
            None,
        ]
    }

    #[test]
    fn a_line_is_read_as_it_is_written() {
        for addresses in pairs() {
            let mut out = Vec::new();
            write_line(&mut out, addresses);
            let length = out.len();
            out.extend_from_slice(b"GET / HTTP/1.1\r\n");
            assert_eq!(parse(&out), Ok(Some(Header { length, addresses, values: &[] })));
            for cut in 0..length {
                assert_eq!(parse(&out[..cut]), Ok(None), "{cut} bytes");
            }
        }
    }

    #[test]
    fn a_binary_header_is_read_as_it_is_written() {
        for (addresses, has_checksum) in pairs().into_iter().flat_map(|pair| [(pair, false), (pair, true)]) {
            let mut out = Vec::new();
            write_binary(&mut out, addresses, has_checksum, (AUTHORITY, b"a.example"));
            let length = out.len();
            out.extend_from_slice(b"GET /");
            for cut in 0..length {
                assert_eq!(parse(&out[..cut]), Ok(None), "{cut} bytes");
            }
            let header = parse(&out).expect("a header").expect("whole");
            assert_eq!((header.length, header.addresses), (length, addresses));
            assert_eq!(value(header.values, AUTHORITY), Some(b"a.example".as_slice()));
            assert_eq!(value(header.values, UNIQUE_ID), None);
        }
    }

    #[test]
    fn families_that_differ_are_told_in_the_wider_one() {
        let mut out = Vec::new();
        write_line(&mut out, Some((socket("192.0.2.7:1"), socket("[2001:db8::1]:2"))));
        assert_eq!(out, b"PROXY TCP6 ::ffff:192.0.2.7 2001:db8::1 1 2\r\n");
    }

    #[test]
    fn what_is_no_line_is_refused() {
        for text in [
            "GET / HTTP/1.1\r\n",
            "PROXY\r\n",
            "PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2 3\r\n",
            "PROXY TCP4 1.1.1.1  2.2.2.2 1 2\r\n",
            "PROXY TCP4 ::1 2.2.2.2 1 2\r\n",
            "PROXY TCP6 1.1.1.1 ::1 1 2\r\n",
            "PROXY TCP4 1.1.1.01 2.2.2.2 1 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 65536 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 01 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 +1 2\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 2\n\r\n",
            "PROXY TCP4 1.1.1.1 2.2.2.2 1 \r\n",
            "proxy TCP4 1.1.1.1 2.2.2.2 1 2\r\n",
            "PROXY tcp4 1.1.1.1 2.2.2.2 1 2\r\n",
        ] {
            assert!(parse(text.as_bytes()).is_err(), "{text:?}");
        }
        assert_eq!(parse(b"PROXY TCP5 1.1.1.1 2.2.2.2 1 2\r\n"), Err(HeaderError::UnknownProtocol));
        let endless = [b"PROXY UNKNOWN ".as_slice(), &[b'x'; 200]].concat();
        assert_eq!(parse(&endless), Err(HeaderError::TooLong));
    }

    #[test]
    fn what_is_no_binary_header_is_refused() {
        let mut good = Vec::new();
        write_binary(&mut good, pairs()[0], true, (0xea, b"x"));
        let spoilt = |at: usize, byte: u8| {
            let mut bytes = good.clone();
            bytes[at] = byte;
            parse(&bytes).map(|header| header.is_some())
        };
        assert_eq!(spoilt(12, 0x11), Err(HeaderError::Malformed));
        assert_eq!(spoilt(12, 0x22), Err(HeaderError::Malformed));
        assert_eq!(spoilt(13, 0x13), Err(HeaderError::Malformed));
        assert_eq!(spoilt(13, 0x21), Err(HeaderError::Malformed));
        assert_eq!(spoilt(14, 0xff), Err(HeaderError::TooLong));
        assert_eq!(spoilt(15, 13), Err(HeaderError::Malformed));
        assert_eq!(spoilt(16, 1), Err(HeaderError::Checksum));
        assert_eq!(spoilt(29, 0xff), Err(HeaderError::Malformed));
        assert_eq!(spoilt(0, b'X'), Err(HeaderError::NoHeader));
    }

    #[test]
    fn values_have_their_longest() {
        for (kind, longest) in [(AUTHORITY, 255), (UNIQUE_ID, 128), (0xea, 1024)] {
            for (length, is_taken) in [(longest, true), (longest + 1, false)] {
                let mut out = Vec::new();
                write_binary(&mut out, pairs()[1], false, (kind, &vec![b'a'; length]));
                assert_eq!(parse(&out).is_ok(), is_taken, "{length} bytes of type {kind}");
            }
        }
        let mut out = Vec::new();
        let mut header = Binary::begin(&mut out, None);
        header.value(0xea, |out| out.resize(out.len() + LONGEST, 0));
        assert_eq!(header.finish(), Err(HeaderError::TooLong));
    }

    #[test]
    fn the_family_of_a_local_header_does_not_count() {
        let mut out = Vec::new();
        write_binary(&mut out, pairs()[0], false, (0xea, b"x"));
        out[12] = 0x20;
        assert_eq!(parse(&out), Ok(Some(Header { length: out.len(), addresses: None, values: &[] })));
    }

    #[test]
    fn random_bytes_do_no_harm() {
        let mut state = 0x9e37_79b9_u32;
        for round in 0..20_000 {
            let mut bytes = if round % 2 == 0 { SIGNATURE.to_vec() } else { b"PROXY TCP4 ".to_vec() };
            for _ in 0..round % 70 {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                bytes.push((state >> 24) as u8);
            }
            let _ = parse(&bytes).map(|header| header.map(|header| value(header.values, 0xea).map(<[u8]>::len)));
        }
    }
}
