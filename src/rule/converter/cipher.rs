//! Encryption by AES (FIPS 197) in CBC and GCM mode (NIST SP 800-38A, 800-38D).

use aws_lc_rs::aead::{self, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::cipher::{
    AES_128, AES_192, AES_256, Algorithm, DecryptionContext, EncryptionContext, PaddedBlockDecryptingKey,
    PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::iv::FixedLength;

use super::super::argument::{Argument, Raw};
use super::super::error::RuleError;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::super::variable::{Stored, VariableName};
use super::encoding::{base64_decode, decoded, encode_base64};
use super::text::into_text;

/// Bytes of a block, and of what CBC starts with.
const BLOCK: usize = 16;
/// Bytes of the tag that proves a GCM message.
const TAG: usize = 16;

/// Says whether the arguments can be used: the size of the key, and base64 where no variable is named.
pub(super) fn check(raw: &[Raw], texts: std::ops::Range<usize>) -> Result<(), RuleError> {
    let bits = raw.first().map_or("", |raw| raw.text.as_str());
    if !matches!(bits, "128" | "192" | "256") {
        let place = raw.first().map_or(0, |raw| raw.offset);
        return Err(RuleError::new(0, format!("a key has 128, 192 or 256 bits, not {bits}")).further(place));
    }
    for argument in texts.filter_map(|at| raw.get(at)) {
        let is_usable =
            VariableName::parse(&argument.text).is_ok() || base64_decode(argument.text.as_bytes()).is_some();
        if !is_usable {
            let what = format!("'{}' is neither a variable nor base64", argument.text);
            return Err(RuleError::new(0, what).further(argument.offset));
        }
    }
    Ok(())
}

/// The key, as long as the size asks for; `None` if it is shorter.
fn key(transaction: &Transaction<'_>, arguments: &[Argument]) -> Option<Vec<u8>> {
    let mut key = decoded(transaction, arguments.get(2)?)?;
    let length = usize::try_from(arguments.first()?.int_or(0)).ok()? / 8;
    key.truncate(length);
    (key.len() == length).then_some(key)
}

/// Key and start of CBC: a start that is shorter than a block has zeroes behind it.
fn chained(transaction: &Transaction<'_>, arguments: &[Argument]) -> Option<(UnboundCipherKey, [u8; BLOCK])> {
    let key = key(transaction, arguments)?;
    let algorithm: &'static Algorithm = match key.len() {
        16 => &AES_128,
        24 => &AES_192,
        _ => &AES_256,
    };
    let mut start = decoded(transaction, arguments.get(1)?)?;
    start.resize(BLOCK, 0);
    Some((UnboundCipherKey::new(algorithm, &key).ok()?, start.try_into().ok()?))
}

pub(super) fn encrypt_cbc<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (key, start) = chained(transaction, arguments)?;
    let mut text = into_text(sample).into_vec();
    let key = PaddedBlockEncryptingKey::cbc_pkcs7(key).ok()?;
    key.less_safe_encrypt(&mut text, EncryptionContext::Iv128(FixedLength::from(start))).ok()?;
    Some(Sample::bin(text))
}

pub(super) fn decrypt_cbc<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (key, start) = chained(transaction, arguments)?;
    let mut text = into_text(sample).into_vec();
    let key = PaddedBlockDecryptingKey::cbc_pkcs7(key).ok()?;
    let length = key.decrypt(&mut text, DecryptionContext::Iv128(FixedLength::from(start))).ok()?.len();
    text.truncate(length);
    Some(Sample::bin(text))
}

/// Key, nonce and additional data of GCM.
fn sealed(transaction: &Transaction<'_>, arguments: &[Argument]) -> Option<(LessSafeKey, Nonce, Vec<u8>)> {
    let key = key(transaction, arguments)?;
    let algorithm = match key.len() {
        16 => &aead::AES_128_GCM,
        24 => &aead::AES_192_GCM,
        _ => &aead::AES_256_GCM,
    };
    let nonce = Nonce::try_assume_unique_for_key(&decoded(transaction, arguments.get(1)?)?).ok()?;
    let more = match arguments.get(4).filter(|more| more.is_given()) {
        Some(more) => decoded(transaction, more)?,
        None => Vec::new(),
    };
    Some((LessSafeKey::new(UnboundKey::new(algorithm, &key).ok()?), nonce, more))
}

pub(super) fn encrypt_gcm<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (key, nonce, more) = sealed(transaction, arguments)?;
    let Argument::Variable(name) = arguments.get(3)? else { return None };
    let mut text = into_text(sample).into_vec();
    let tag = key.seal_in_place_separate_tag(nonce, Aad::from(more), &mut text).ok()?;
    let tag = Stored::of(&Sample::built(encode_base64(tag.as_ref())));
    transaction.variables.store(name, Some(tag));
    Some(Sample::bin(text))
}

pub(super) fn decrypt_gcm<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let (key, nonce, more) = sealed(transaction, arguments)?;
    let tag = decoded(transaction, arguments.get(3)?).filter(|tag| tag.len() == TAG)?;
    let mut text = into_text(sample).into_vec();
    key.open_in_place_separate_tag(nonce, Aad::from(more), &tag, &mut text).ok()?;
    Some(Sample::bin(text))
}
