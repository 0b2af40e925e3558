//! Hashes and digests.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Digest as _;

use super::super::argument::Argument;
use super::super::sample::Sample;
use super::super::transaction::Transaction;
use super::text::into_text;

/// Bob Jenkins' integer hash: each bit of the input changes about half of the output's.
pub(crate) fn avalanche(hash: u32) -> u32 {
    let mut a = hash;
    a = a.wrapping_add(0x7ed5_5d16).wrapping_add(a << 12);
    a = (a ^ 0xc761_c23c) ^ (a >> 19);
    a = a.wrapping_add(0x1656_67b1).wrapping_add(a << 5);
    a = a.wrapping_add(0xd3a2_646c) ^ (a << 9);
    a = a.wrapping_add(0xfd70_46c5).wrapping_add(a << 3);
    // HAProxy spreads the high bits once more.
    ((a ^ 0xb55a_4f09) ^ (a >> 16)).wrapping_mul(3_221_225_473)
}

/// The hash of the SDBM library.
pub(crate) fn sdbm(bytes: &[u8]) -> u32 {
    let step =
        |hash: u32, byte: &u8| u32::from(*byte).wrapping_add(hash << 6).wrapping_add(hash << 16).wrapping_sub(hash);
    bytes.iter().fold(0, step)
}

/// Daniel J. Bernstein's hash of strings.
pub(crate) fn djb2(bytes: &[u8]) -> u32 {
    bytes.iter().fold(5381, |hash: u32, byte| (hash << 5).wrapping_add(hash).wrapping_add(u32::from(*byte)))
}

/// HAProxy's WT6, made for short keys.
pub(crate) fn wt6(bytes: &[u8]) -> u32 {
    let (mut low, mut high) = (0xa53c_965a_u32, 0x5ca6_953a_u32);
    let (mut step_low, mut step_high) = (6, 18);
    for byte in bytes {
        low = !(low ^ u32::from(*byte));
        high = !high.wrapping_add(u32::from(*byte));
        (low, high) = (high.rotate_left(step_low), low.rotate_left(step_high));
        let mixed = ((low >> 16) ^ high) & 0xffff;
        (step_low, step_high) = (mixed & 0x1f, mixed >> 11);
    }
    low ^ high
}

macro_rules! hashes {
    ($($name:ident, $hash:expr;)*) => { $(
        pub(super) fn $name<'t>(
            _: &'t Transaction<'_>,
            arguments: &'t [Argument],
            sample: Sample<'t>,
        ) -> Option<Sample<'t>> {
            let hash: u32 = $hash(&into_text(sample));
            let has_avalanche = arguments.first().is_some_and(|wanted| wanted.int_or(0) != 0);
            Some(Sample::Int(i64::from(if has_avalanche { avalanche(hash) } else { hash })))
        }
    )* };
}

hashes! {
    to_crc32, crc32fast::hash;
    to_crc32c, crc32c::crc32c;
    to_djb2, djb2;
    to_sdbm, sdbm;
    to_wt6, wt6;
}

fn seed(arguments: &[Argument]) -> u64 {
    arguments.first().map_or(0, |seed| seed.int_or(0)) as u64
}

pub(super) fn to_xxh32<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let hash = xxhash_rust::xxh32::xxh32(&into_text(sample), seed(arguments) as u32);
    Some(Sample::Int(i64::from(hash)))
}

pub(super) fn to_xxh64<'t>(
    _: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    Some(Sample::Int(xxhash_rust::xxh64::xxh64(&into_text(sample), seed(arguments)) as i64))
}

pub(super) fn to_xxh3<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    Some(Sample::Int(xxhash_rust::xxh3::xxh3_64_with_seed(&into_text(sample), seed(arguments)) as i64))
}

pub(super) fn to_sha1<'t>(_: &'t Transaction<'_>, _: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    Some(Sample::bin(sha1::Sha1::digest(&*into_text(sample)).to_vec()))
}

pub(super) fn to_sha2<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    Some(Sample::bin(match arguments.first().map_or(256, |bits| bits.int_or(256)) {
        224 => sha2::Sha224::digest(&*text).to_vec(),
        384 => sha2::Sha384::digest(&*text).to_vec(),
        512 => sha2::Sha512::digest(&*text).to_vec(),
        _ => sha2::Sha256::digest(&*text).to_vec(),
    }))
}

/// The algorithms of `digest` and `hmac`, by OpenSSL's names.
pub(super) const ALGORITHMS: &[&str] =
    &["md5", "sha1", "sha224", "sha256", "sha384", "sha512", "sha-1", "sha2-224", "sha2-256", "sha2-384", "sha2-512"];

pub(super) fn digest<'t>(_: &'t Transaction<'_>, arguments: &'t [Argument], sample: Sample<'t>) -> Option<Sample<'t>> {
    let text = into_text(sample);
    Some(Sample::bin(match arguments.first()?.int_or(0) {
        0 => md5::Md5::digest(&*text).to_vec(),
        1 | 6 => sha1::Sha1::digest(&*text).to_vec(),
        2 | 7 => sha2::Sha224::digest(&*text).to_vec(),
        3 | 8 => sha2::Sha256::digest(&*text).to_vec(),
        4 | 9 => sha2::Sha384::digest(&*text).to_vec(),
        _ => sha2::Sha512::digest(&*text).to_vec(),
    }))
}

pub(super) fn hmac<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    let text = into_text(sample);
    let key = super::encoding::decoded(transaction, arguments.get(1)?)?;
    macro_rules! sign {
        ($hash:ty) => {{
            let mut mac = Hmac::<$hash>::new_from_slice(&key).ok()?;
            mac.update(&text);
            mac.finalize().into_bytes().to_vec()
        }};
    }
    Some(Sample::bin(match arguments.first()?.int_or(0) {
        0 => sign!(md5::Md5),
        1 | 6 => sign!(sha1::Sha1),
        2 | 7 => sign!(sha2::Sha224),
        3 | 8 => sign!(sha2::Sha256),
        4 | 9 => sign!(sha2::Sha384),
        _ => sign!(sha2::Sha512),
    }))
}
