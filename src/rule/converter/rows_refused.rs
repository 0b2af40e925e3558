//! The table: names that are known and refused, with their reason.

use super::super::sample::Kind;
use super::{Row, refused};

const DEVICE: &str = "it needs a device detection library that is not part of vipgate";
const KEYS: &str = "vipgate does not load keys for tokens";
const DEBUG: &str = "vipgate has no rings; vipgate explain and log-format show values";

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    refused("51d.single", Kind::Str, Kind::Str, DEVICE, "properties of the device that the text names"),
    refused("da-csv-conv", Kind::Str, Kind::Str, DEVICE, "properties of the device that the text names"),
    refused("debug", Kind::Any, Kind::Any, DEBUG, "the same, written to a ring"),
    refused("jwt_decrypt_cert", Kind::Str, Kind::Bin, KEYS, "JSON Web Token: jwt_decrypt_cert"),
    refused("jwt_decrypt_jwk", Kind::Str, Kind::Bin, KEYS, "JSON Web Token: jwt_decrypt_jwk"),
    refused("jwt_decrypt_secret", Kind::Str, Kind::Bin, KEYS, "JSON Web Token: jwt_decrypt_secret"),
];
