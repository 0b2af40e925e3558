//! Public keys that signatures are verified with (`jwt_verify`, `jwt_verify_cert`).
//!
//! All are read when the configuration is loaded, so that no request waits for a disk.

use std::collections::HashMap;
use std::sync::Arc;

use aws_lc_rs::signature::{UnparsedPublicKey, VerificationAlgorithm};

use super::converter::base64_decode;

/// What a file holds a key as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyForm {
    /// `BEGIN PUBLIC KEY` (RFC 5280 SubjectPublicKeyInfo) or `BEGIN RSA PUBLIC KEY` (PKCS #1).
    Bare,
    /// The first `BEGIN CERTIFICATE` (X.509).
    Certificate,
}

/// A key, in DER.
#[derive(Debug, PartialEq, Eq)]
pub struct PublicKey(Box<[u8]>);

impl PublicKey {
    /// The key in a PEM file; `None` if there is none of that form.
    pub fn from_pem(pem: &[u8], form: KeyForm) -> Option<PublicKey> {
        let text = std::str::from_utf8(pem).ok()?;
        let der = match form {
            KeyForm::Bare => section(text, "PUBLIC KEY").or_else(|| section(text, "RSA PUBLIC KEY"))?,
            KeyForm::Certificate => key_of_certificate(&section(text, "CERTIFICATE")?)?.to_vec(),
        };
        Some(PublicKey(der.into()))
    }

    /// Whether the signature is of this key and message; no for a key of another kind.
    pub fn verifies(&self, algorithm: &'static dyn VerificationAlgorithm, message: &[u8], signature: &[u8]) -> bool {
        UnparsedPublicKey::new(algorithm, &self.0).verify(message, signature).is_ok()
    }
}

/// Every key of a configuration, by the name that rules use.
#[derive(Clone, Debug, Default)]
pub struct PublicKeys(HashMap<KeyForm, HashMap<Box<str>, Arc<PublicKey>>>);

impl PublicKeys {
    /// Keeps a key.
    pub fn add(&mut self, name: &str, form: KeyForm, key: PublicKey) {
        self.0.entry(form).or_default().insert(name.into(), Arc::new(key));
    }

    /// The key of that name.
    pub fn find(&self, name: &str, form: KeyForm) -> Option<&Arc<PublicKey>> {
        self.0.get(&form)?.get(name)
    }
}

/// The bytes of the first section with that label (RFC 7468).
fn section(text: &str, label: &str) -> Option<Vec<u8>> {
    let (_, rest) = text.split_once(&format!("-----BEGIN {label}-----"))?;
    let (body, _) = rest.split_once(&format!("-----END {label}-----"))?;
    let digits: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    base64_decode(&digits)
}

const SEQUENCE: u8 = 0x30;
/// The version of a certificate, which those of version 1 lack.
const VERSION: u8 = 0xa0;

/// An element of DER (X.690 §8.1): its tag, its content, itself, and what stands behind it.
struct Element<'d> {
    tag: u8,
    content: &'d [u8],
    whole: &'d [u8],
    rest: &'d [u8],
}

fn element(der: &[u8]) -> Option<Element<'_>> {
    let (tag, first) = (*der.first()?, *der.get(1)?);
    let (start, length) = match first {
        0..=0x7f => (2, usize::from(first)),
        // A length of up to four bytes.
        0x81..=0x84 => {
            let start = 2 + usize::from(first & 0x7f);
            (start, der.get(2..start)?.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)))
        }
        _ => return None,
    };
    let end = start.checked_add(length)?;
    Some(Element { tag, content: der.get(start..end)?, whole: &der[..end], rest: &der[end..] })
}

/// SubjectPublicKeyInfo of a certificate (RFC 5280 §4.1): behind version, serial number, algorithm, issuer, validity and
/// subject.
fn key_of_certificate(der: &[u8]) -> Option<&[u8]> {
    let sequence = |der| element(der).filter(|element| element.tag == SEQUENCE);
    let mut rest = sequence(sequence(der)?.content)?.content;
    if element(rest)?.tag == VERSION {
        rest = element(rest)?.rest;
    }
    for _ in 0..5 {
        rest = element(rest)?.rest;
    }
    Some(sequence(rest)?.whole)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_that_lies_is_no_element() {
        assert!(element(&[SEQUENCE, 3, 1, 2]).is_none());
        assert!(element(&[SEQUENCE, 0x84, 0xff, 0xff, 0xff, 0xff]).is_none());
        assert!(element(&[SEQUENCE, 0x80, 0, 0]).is_none(), "indefinite, which DER has not");
        assert_eq!(element(&[SEQUENCE, 1, 5, 9]).unwrap().rest, [9]);
    }

    #[test]
    fn a_file_without_a_key_has_none() {
        for text in ["", "-----BEGIN PUBLIC KEY-----", "-----BEGIN PUBLIC KEY-----\n!\n-----END PUBLIC KEY-----"] {
            assert_eq!(PublicKey::from_pem(text.as_bytes(), KeyForm::Bare), None);
        }
    }
}
