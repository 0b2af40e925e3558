//! From the bytes that are hashed to the number that leads to a server.

use std::net::IpAddr;

use crate::model::balance::{HashFunction, Hashing};
use crate::rule::converter::hash::{avalanche, djb2, sdbm, wt6};

/// The hash of a key by the functions of `hash-type`.
pub fn of_bytes(hashing: &Hashing, key: &[u8]) -> u32 {
    let hash = match hashing.function {
        HashFunction::Sdbm => sdbm(key),
        HashFunction::Djb2 => djb2(key),
        HashFunction::Wt6 => wt6(key),
        HashFunction::Crc32 => crc32fast::hash(key),
        HashFunction::None => number(key),
    };
    if hashing.has_avalanche { avalanche(hash) } else { hash }
}

/// The hash of a client's address: the exclusive or of its 32-bit words in network order, whatever the function.
pub fn of_address(hashing: &Hashing, address: IpAddr) -> u32 {
    let hash = match address.to_canonical() {
        IpAddr::V4(address) => u32::from(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    };
    if hashing.has_avalanche { avalanche(hash) } else { hash }
}

/// A number mixed with HAProxy's full avalanche.
pub fn mixed(number: u32) -> u32 {
    avalanche(number)
}

/// A decimal number with a sign or without, as far as it goes; its low 32 bits.
fn number(key: &[u8]) -> u32 {
    let (is_negative, digits) = match key {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, key),
    };
    let digits = digits.iter().take_while(|byte| byte.is_ascii_digit());
    let value = digits.fold(0_i64, |value, digit| {
        let digit = i64::from(digit - b'0');
        let next = if is_negative { -digit } else { digit };
        value.saturating_mul(10).saturating_add(next)
    });
    value as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashing(function: HashFunction) -> Hashing {
        Hashing { function, ..Hashing::default() }
    }

    #[test]
    fn address_is_the_exclusive_or_of_its_words() {
        let plain = Hashing::default();
        assert_eq!(of_address(&plain, "2001:db8::1".parse().expect("valid")), 0x2001_0db8 ^ 1);
        assert_eq!(of_address(&plain, "::ffff:10.0.0.1".parse().expect("valid")), 0x0a00_0001);
    }

    #[test]
    fn a_number_is_its_own_hash_where_there_is_no_function() {
        let none = hashing(HashFunction::None);
        for (text, expected) in [("17", 17), ("-1", u32::MAX), ("+3x", 3), ("", 0), ("4294967298", 2)] {
            assert_eq!(of_bytes(&none, text.as_bytes()), expected, "{text}");
        }
    }

    #[test]
    fn an_avalanche_changes_the_hash_of_any_function() {
        for function in [HashFunction::Sdbm, HashFunction::Djb2, HashFunction::Wt6, HashFunction::Crc32] {
            let plain = of_bytes(&hashing(function), b"/a");
            let mixed = of_bytes(&Hashing { has_avalanche: true, ..hashing(function) }, b"/a");
            assert_eq!(mixed, super::mixed(plain));
            assert_ne!(mixed, plain);
        }
    }
}
