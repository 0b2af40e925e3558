//! The table: encryption, signatures, certificates.

use super::super::argument::Spec::{self, Int, StrOrVariable, Variable};
use super::super::sample::Kind;
use super::{Row, cipher, partial, row, signature, x509};

const NONCE: &str = "a nonce has 12 bytes, as NIST SP 800-38D recommends";
const KEY: &str = "RSA keys of less than 2048 bits are taken by RS256 and RS512 alone; ES256, ES384 and ES512 want keys of P-256, P-384 and P-521";
const CHAINED: (&[Spec], usize) = (&[Int, StrOrVariable, StrOrVariable, StrOrVariable], 3);
const SIGNED: (&[Spec], usize) = (&[StrOrVariable, StrOrVariable], 2);

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    row("aes_cbc_dec", CHAINED, Kind::Bin, Kind::Bin, cipher::decrypt_cbc, "decrypted by AES-CBC: bits of the key (128, 192, 256), initialization vector and key in base64; more data is not looked at"),
    row("aes_cbc_enc", CHAINED, Kind::Bin, Kind::Bin, cipher::encrypt_cbc, "encrypted by AES-CBC: bits of the key (128, 192, 256), initialization vector and key in base64; more data is not looked at"),
    partial("aes_gcm_dec", (&[Int, StrOrVariable, StrOrVariable, StrOrVariable, StrOrVariable], 4), (Kind::Bin, Kind::Bin), cipher::decrypt_gcm, NONCE, "decrypted by AES-GCM: bits of the key (128, 192, 256), nonce, key, tag and additional data in base64; none if the tag does not fit"),
    partial("aes_gcm_enc", (&[Int, StrOrVariable, StrOrVariable, Variable, StrOrVariable], 4), (Kind::Bin, Kind::Bin), cipher::encrypt_gcm, NONCE, "encrypted by AES-GCM: bits of the key (128, 192, 256), nonce and key in base64, the variable that gets the tag, additional data"),
    partial("jwt_verify", SIGNED, (Kind::Str, Kind::Int), signature::by_key, KEY, "1 if the signature of a JSON Web Token is genuine by an algorithm and a secret or the file of a public key; 0 if not, negative if it cannot be told"),
    partial("jwt_verify_cert", SIGNED, (Kind::Str, Kind::Int), signature::by_certificate, KEY, "1 if the signature of a JSON Web Token is genuine by an algorithm and the file of a certificate; 0 if not, negative if it cannot be told"),
    row("x509_v_err_str", (&[], 0), Kind::Int, Kind::Str, x509::verification_error, "OpenSSL's name of a verification error"),
];
