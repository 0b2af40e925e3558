//! The table: names that are known and refused, with their reason.

use super::super::sample::Kind;
use super::{Row, refused};

const DEVICE: &str = "it needs a device detection library that is not part of vipgate";
const SYN: &str = "vipgate does not keep the SYN of connections, which is all that it could read";
const CIPHER: &str = "vipgate does not encrypt or decrypt parts of messages";
const KEYS: &str = "vipgate does not load keys for tokens";
const PROTOCOL: &str = "vipgate does not read this protocol";
const X509: &str = "the numbers are OpenSSL's, and vipgate does not use it";
const DEBUG: &str = "vipgate has no rings; vipgate explain and log-format show values";
const WHEN: &str = "vipgate has no filters that it could ask";
const NAMES: &str = "frontends are looked up when the configuration is loaded, not by requests";

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    refused("51d.single", Kind::Str, Kind::Str, DEVICE, "properties of the device that the text names"),
    refused("aes_cbc_dec", Kind::Bin, Kind::Bin, CIPHER, "encrypted or decrypted: aes_cbc_dec"),
    refused("aes_cbc_enc", Kind::Bin, Kind::Bin, CIPHER, "encrypted or decrypted: aes_cbc_enc"),
    refused("aes_gcm_dec", Kind::Bin, Kind::Bin, CIPHER, "encrypted or decrypted: aes_gcm_dec"),
    refused("aes_gcm_enc", Kind::Bin, Kind::Bin, CIPHER, "encrypted or decrypted: aes_gcm_enc"),
    refused("da-csv-conv", Kind::Str, Kind::Str, DEVICE, "properties of the device that the text names"),
    refused("debug", Kind::Any, Kind::Any, DEBUG, "the same, written to a ring"),
    refused("eth.data", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: eth.data"),
    refused("eth.dst", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: eth.dst"),
    refused("eth.hdr", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: eth.hdr"),
    refused("eth.proto", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: eth.proto"),
    refused("eth.src", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: eth.src"),
    refused("eth.vlan", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: eth.vlan"),
    refused("fe_exists", Kind::Str, Kind::Bool, NAMES, "whether there is a frontend of that name"),
    refused("fix_is_valid", Kind::Bin, Kind::Bool, PROTOCOL, "a part of a message: fix_is_valid"),
    refused("fix_tag_value", Kind::Bin, Kind::Bin, PROTOCOL, "a part of a message: fix_tag_value"),
    refused("ip.data", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: ip.data"),
    refused("ip.df", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: ip.df"),
    refused("ip.dst", Kind::Bin, Kind::Addr, SYN, "a part of a captured SYN: ip.dst"),
    refused("ip.fp", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: ip.fp"),
    refused("ip.hdr", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: ip.hdr"),
    refused("ip.proto", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: ip.proto"),
    refused("ip.src", Kind::Bin, Kind::Addr, SYN, "a part of a captured SYN: ip.src"),
    refused("ip.tos", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: ip.tos"),
    refused("ip.ttl", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: ip.ttl"),
    refused("ip.ver", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: ip.ver"),
    refused("jwt_decrypt_cert", Kind::Str, Kind::Bin, KEYS, "JSON Web Token: jwt_decrypt_cert"),
    refused("jwt_decrypt_jwk", Kind::Str, Kind::Bin, KEYS, "JSON Web Token: jwt_decrypt_jwk"),
    refused("jwt_decrypt_secret", Kind::Str, Kind::Bin, KEYS, "JSON Web Token: jwt_decrypt_secret"),
    refused("jwt_verify", Kind::Str, Kind::Int, KEYS, "JSON Web Token: jwt_verify"),
    refused("jwt_verify_cert", Kind::Str, Kind::Int, KEYS, "JSON Web Token: jwt_verify_cert"),
    refused("mqtt_field_value", Kind::Bin, Kind::Bin, PROTOCOL, "a part of a message: mqtt_field_value"),
    refused("mqtt_is_valid", Kind::Bin, Kind::Bool, PROTOCOL, "a part of a message: mqtt_is_valid"),
    refused("protobuf", Kind::Bin, Kind::Bin, PROTOCOL, "a part of a message: protobuf"),
    refused("tcp.dst", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.dst"),
    refused("tcp.flags", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.flags"),
    refused("tcp.options.mss", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.options.mss"),
    refused("tcp.options.sack", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.options.sack"),
    refused("tcp.options.tsopt", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.options.tsopt"),
    refused("tcp.options.tsval", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.options.tsval"),
    refused("tcp.options.wscale", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.options.wscale"),
    refused("tcp.options.wsopt", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.options.wsopt"),
    refused("tcp.options_list", Kind::Bin, Kind::Bin, SYN, "a part of a captured SYN: tcp.options_list"),
    refused("tcp.seq", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.seq"),
    refused("tcp.src", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.src"),
    refused("tcp.win", Kind::Bin, Kind::Int, SYN, "a part of a captured SYN: tcp.win"),
    refused("ungrpc", Kind::Bin, Kind::Bin, PROTOCOL, "a part of a message: ungrpc"),
    refused("when", Kind::Any, Kind::Any, WHEN, "the same, if something happened to the stream"),
    refused("x509_v_err_str", Kind::Int, Kind::Str, X509, "name of a verification error"),
];
