//! Numbers and addresses as text, for what is written for every message: the formatting machinery of the standard library
//! takes five times as long.

use std::io::Write as _;
use std::net::IpAddr;

/// Digits of the largest number.
const MOST: usize = 20;

/// Numbers of two digits.
const PAIRS: [[u8; 2]; 100] = {
    let mut pairs = [[0; 2]; 100];
    let mut number = 0;
    while number < 100 {
        pairs[number] = [b'0' + (number / 10) as u8, b'0' + (number % 10) as u8];
        number += 1;
    }
    pairs
};

/// Octets of an address with the dot behind them, and how many bytes that is.
const OCTETS: [([u8; 4], u8); 256] = {
    let mut octets = [([b'.'; 4], 0); 256];
    let mut number = 0;
    while number < 256 {
        let digits = [b'0' + (number / 100) as u8, b'0' + (number / 10 % 10) as u8, b'0' + (number % 10) as u8];
        let skipped = match number {
            100.. => 0,
            10.. => 1,
            _ => 2,
        };
        let mut at = skipped;
        while at < 3 {
            octets[number].0[at - skipped] = digits[at];
            at += 1;
        }
        octets[number].1 = 4 - skipped as u8;
        number += 1;
    }
    octets
};

/// Appends a number.
#[inline]
pub fn write_number(out: &mut Vec<u8>, value: i64) {
    let digit = |value: i64| b'0' + (value % 10) as u8;
    // Most numbers in a line of log.
    match value {
        0..10 => return out.push(digit(value)),
        10..100 => return out.extend_from_slice(&[digit(value / 10), digit(value)]),
        100..1000 => return out.extend_from_slice(&[digit(value / 100), digit(value / 10), digit(value)]),
        _ => {}
    }
    if value < 0 {
        out.push(b'-');
    }
    write_padded(out, value.unsigned_abs(), 1);
}

/// Appends a number with zeros in front of it, up to so many digits (1-20).
pub fn write_padded(out: &mut Vec<u8>, mut value: u64, width: usize) {
    if let (0..100, 2) = (value, width) {
        return out.extend_from_slice(&PAIRS[value as usize]);
    }
    let mut text = [b'0'; MOST];
    let mut start = MOST;
    while value >= 10 {
        start -= 2;
        text[start..start + 2].copy_from_slice(&PAIRS[(value % 100) as usize]);
        value /= 100;
    }
    if value > 0 {
        start -= 1;
        text[start] = b'0' + value as u8;
    }
    out.extend_from_slice(&text[start.min(MOST - width.clamp(1, MOST))..]);
}

/// Appends an address: one that is IPv4 mapped into IPv6 as what it is.
pub fn write_address(out: &mut Vec<u8>, address: IpAddr) {
    match address.to_canonical() {
        IpAddr::V4(address) => write_octets(out, address.octets()),
        // Writing to a Vec cannot fail.
        IpAddr::V6(address) => _ = write!(out, "{address}"),
    }
}

fn write_octets(out: &mut Vec<u8>, octets: [u8; 4]) {
    let mut text = *b"255.255.255.255.";
    let mut length = 0;
    for octet in octets {
        let (digits, taken) = OCTETS[usize::from(octet)];
        // The next octet overwrites what is too much.
        text[length..length + 4].copy_from_slice(&digits);
        length += usize::from(taken);
    }
    out.extend_from_slice(&text[..length - 1]);
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
        for value in [0, 1, 9, 10, 99, 100, 999, 1000, 9999, 10_000, 65_535, -1, -10, i64::MAX, i64::MIN] {
            assert_eq!(written(|out| write_number(out, value)), value.to_string());
        }
        for value in [0, 7, 10, 99, 100, 999, 1000, 12_345, u64::MAX] {
            for width in [1, 2, 3, 4, 5, 20] {
                assert_eq!(written(|out| write_padded(out, value, width)), format!("{value:0width$}"));
            }
        }
    }

    #[test]
    fn addresses_are_written_as_the_standard_library_does() {
        for address in ["0.0.0.0", "10.20.30.255", "1.99.100.109", "255.255.255.255", "2001:db8::1", "::"] {
            let parsed: IpAddr = address.parse().unwrap();
            assert_eq!(written(|out| write_address(out, parsed)), address);
        }
        assert_eq!(written(|out| write_address(out, "::ffff:192.0.2.1".parse().unwrap())), "192.0.2.1");
    }
}
