//! Signatures of JSON Web Tokens in compact form (RFC 7515 §7.1), with the algorithms of RFC 7518 §3.1.

use aws_lc_rs::hmac;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED,
    RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY, RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY,
    RSA_PKCS1_2048_8192_SHA384, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    VerificationAlgorithm,
};

use super::super::argument::{Argument, Raw};
use super::super::error::RuleError;
use super::super::public_key::KeyForm;
use super::super::sample::Sample;
use super::super::scope::Scope;
use super::super::transaction::Transaction;
use super::encoding::base64_url_decode;
use super::text::into_text;

/// HAProxy's numbers for what a token is.
#[derive(Clone, Copy)]
enum Verdict {
    Genuine = 1,
    Forged = 0,
    UnknownAlgorithm = -1,
    UnfitAlgorithm = -2,
    Invalid = -3,
    UnknownKey = -5,
}

/// How a token is signed.
#[derive(Clone, Copy)]
enum Algorithm {
    None,
    /// By a secret that both sides know.
    Secret(hmac::Algorithm),
    Rsa(&'static dyn VerificationAlgorithm),
    /// The signature is two numbers of one length.
    Curve(&'static dyn VerificationAlgorithm),
}

impl Algorithm {
    fn by_name(name: &[u8]) -> Option<Algorithm> {
        Some(match name {
            b"none" => Algorithm::None,
            b"HS256" => Algorithm::Secret(hmac::HMAC_SHA256),
            b"HS384" => Algorithm::Secret(hmac::HMAC_SHA384),
            b"HS512" => Algorithm::Secret(hmac::HMAC_SHA512),
            b"RS256" => Algorithm::Rsa(&RSA_PKCS1_1024_8192_SHA256_FOR_LEGACY_USE_ONLY),
            b"RS384" => Algorithm::Rsa(&RSA_PKCS1_2048_8192_SHA384),
            b"RS512" => Algorithm::Rsa(&RSA_PKCS1_1024_8192_SHA512_FOR_LEGACY_USE_ONLY),
            b"PS256" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA256),
            b"PS384" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA384),
            b"PS512" => Algorithm::Rsa(&RSA_PSS_2048_8192_SHA512),
            b"ES256" => Algorithm::Curve(&ECDSA_P256_SHA256_FIXED),
            b"ES384" => Algorithm::Curve(&ECDSA_P384_SHA384_FIXED),
            b"ES512" => Algorithm::Curve(&ECDSA_P521_SHA512_FIXED),
            _ => return None,
        })
    }
}

/// Says whether the arguments can be used, and reads the key that is named.
pub(super) fn check(
    form: KeyForm,
    raw: &[Raw],
    arguments: &[Argument],
    scope: &mut Scope<'_>,
) -> Result<(), RuleError> {
    let algorithm = match arguments.first() {
        Some(Argument::Bytes(name)) => {
            let unknown = || {
                let what = format!("unknown algorithm of tokens: {}", String::from_utf8_lossy(name));
                RuleError::new(0, what)
                    .further(raw[0].offset)
                    .hint("HS256, RS256, ES256, PS256, with 384 or 512, or none")
            };
            Some(Algorithm::by_name(name).ok_or_else(unknown)?)
        }
        _ => None,
    };
    let (Some(Argument::Bytes(_)), Some(key)) = (arguments.get(1), raw.get(1)) else { return Ok(()) };
    match (algorithm, form) {
        (Some(Algorithm::Secret(_)), KeyForm::Bare) => Ok(()),
        (Some(Algorithm::Secret(_)), KeyForm::Certificate) => {
            Err(RuleError::new(0, "a token signed by a secret has no certificate: see jwt_verify")
                .further(raw[0].offset))
        }
        // It may be a secret, if the algorithm is one with a secret.
        (None, KeyForm::Bare) => {
            let _ = scope.public_key(&key.text, form);
            Ok(())
        }
        _ => scope.public_key(&key.text, form).map_err(|error| error.further(key.offset)),
    }
}

/// Text of an argument, or of the variable that it names.
fn text(transaction: &Transaction<'_>, argument: &Argument) -> Option<Vec<u8>> {
    match argument {
        Argument::Variable(name) => Some(into_text(transaction.variables.find(name)?.sample()).into_vec()),
        other => Some(other.bytes().to_vec()),
    }
}

fn verify(transaction: &Transaction<'_>, token: &[u8], algorithm: &[u8], key: &[u8], form: KeyForm) -> Verdict {
    let Some(algorithm) = Algorithm::by_name(algorithm) else { return Verdict::UnknownAlgorithm };
    let mut dots = memchr::memchr_iter(b'.', token);
    let (Some(_), Some(end), None) = (dots.next(), dots.next(), dots.next()) else { return Verdict::Invalid };
    let (message, signature) = (&token[..end], &token[end + 1..]);
    let verdict = |is_genuine| if is_genuine { Verdict::Genuine } else { Verdict::Forged };
    if matches!(algorithm, Algorithm::None) {
        return verdict(signature.is_empty());
    }
    let Some(signature) = base64_url_decode(signature).filter(|signature| !signature.is_empty()) else {
        return Verdict::Invalid;
    };
    let (verifier, is_curve) = match algorithm {
        Algorithm::Secret(_) if form == KeyForm::Certificate => return Verdict::UnfitAlgorithm,
        Algorithm::Secret(hash) => {
            return verdict(hmac::verify(&hmac::Key::new(hash, key), message, &signature).is_ok());
        }
        Algorithm::Rsa(verifier) => (verifier, false),
        Algorithm::Curve(verifier) => (verifier, true),
        Algorithm::None => return Verdict::Forged,
    };
    let key = std::str::from_utf8(key).ok().and_then(|name| transaction.patterns.public_keys().find(name, form));
    let Some(key) = key else { return Verdict::UnknownKey };
    if is_curve && !signature.len().is_multiple_of(2) {
        return Verdict::Invalid;
    }
    verdict(key.verifies(verifier, message, &signature))
}

fn run<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
    form: KeyForm,
) -> Option<Sample<'t>> {
    let (algorithm, key) = (text(transaction, arguments.first()?)?, text(transaction, arguments.get(1)?)?);
    Some(Sample::Int(verify(transaction, &into_text(sample), &algorithm, &key, form) as i64))
}

pub(super) fn by_key<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    run(transaction, arguments, sample, KeyForm::Bare)
}

pub(super) fn by_certificate<'t>(
    transaction: &'t Transaction<'_>,
    arguments: &'t [Argument],
    sample: Sample<'t>,
) -> Option<Sample<'t>> {
    run(transaction, arguments, sample, KeyForm::Certificate)
}
