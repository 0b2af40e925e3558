//! Samples as keys of stick tables, and back.

use std::net::{Ipv4Addr, Ipv6Addr};

use crate::model::stick::KeyType;

use super::sample::{Kind, Sample, Text};

/// The type that a sample is turned into to be a key.
pub fn kind_of(key: KeyType) -> Kind {
    match key {
        KeyType::Ip => Kind::Ipv4,
        KeyType::Ipv6 => Kind::Ipv6,
        KeyType::Integer => Kind::Int,
        KeyType::String(_) => Kind::Str,
        KeyType::Binary(_) => Kind::Bin,
    }
}

/// Calls with the key that a sample is in a table of these keys; `None` if it is none.
pub fn with_key<R>(sample: Sample<'_>, key: KeyType, call: impl FnOnce(&[u8]) -> R) -> Option<R> {
    match (sample.cast(kind_of(key))?, key) {
        (Sample::Ipv4(address), _) => Some(call(&address.octets())),
        (Sample::Ipv6(address), _) => Some(call(&address.octets())),
        // 32 bits, in the order in which HAProxy compares them.
        (Sample::Int(value), _) => Some(call(&(value as u32).to_le_bytes())),
        (Sample::Str(text), KeyType::String(length)) => {
            let text = &text[..text.len().min(length)];
            let end = memchr::memchr(0, text).unwrap_or(text.len());
            Some(call(&text[..end]))
        }
        (Sample::Bin(bytes), KeyType::Binary(length)) if bytes.len() < length => {
            let mut padded = bytes.to_vec();
            padded.resize(length, 0);
            Some(call(&padded))
        }
        (Sample::Bin(bytes), KeyType::Binary(length)) => Some(call(&bytes[..length])),
        _ => None,
    }
}

/// The sample that a key is.
pub fn to_sample<'t>(key: &[u8], kind: KeyType) -> Sample<'t> {
    match kind {
        KeyType::Ip => Sample::Ipv4(Ipv4Addr::from(key.try_into().unwrap_or([0; 4]))),
        KeyType::Ipv6 => Sample::Ipv6(Ipv6Addr::from(key.try_into().unwrap_or([0; 16]))),
        KeyType::Integer => Sample::Int(i64::from(u32::from_le_bytes(key.try_into().unwrap_or([0; 4])))),
        KeyType::String(_) => Sample::Str(Text::Built(key.to_vec())),
        KeyType::Binary(_) => Sample::bin(key),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(sample: Sample<'_>, kind: KeyType) -> Option<Vec<u8>> {
        with_key(sample, kind, <[u8]>::to_vec)
    }

    #[test]
    fn samples_become_keys_of_the_table() {
        assert_eq!(key(Sample::str(b"192.0.2.1"), KeyType::Ip), Some(vec![192, 0, 2, 1]));
        let mapped = Sample::Ipv6(Ipv4Addr::new(192, 0, 2, 1).to_ipv6_mapped());
        assert_eq!(key(mapped, KeyType::Ip), Some(vec![192, 0, 2, 1]));
        assert_eq!(key(Sample::str(b"2001:db8::1"), KeyType::Ip), None);
        assert_eq!(key(Sample::Int(-1), KeyType::Integer), Some(vec![255; 4]));
        assert_eq!(key(Sample::str(b"abcdef"), KeyType::String(4)), Some(b"abcd".to_vec()));
        assert_eq!(key(Sample::bin(*b"ab"), KeyType::Binary(4)), Some(b"ab\0\0".to_vec()));
        assert_eq!(key(Sample::bin(*b"abcdef"), KeyType::Binary(4)), Some(b"abcd".to_vec()));
    }
}
