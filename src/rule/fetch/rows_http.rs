//! The table: HTTP (HAProxy manual §7.3.6).

use super::super::argument::Spec::{self, Int, Str, Userlist, Word};
use super::super::facts::{Number, Words};
use super::super::sample::Kind;
use super::super::stage::Needs;

use super::Run::{Flag, Function, Number as Numeric, Words as Text};
use super::{Row, auth, buffer, cookie, header, line, query, row};

const NONE: (&[Spec], usize) = (&[], 0);
const NAME: (&[Spec], usize) = (&[Str], 0);
const FIELD: (&[Spec], usize) = (&[Str, Int], 0);
const PARAMETER: (&[Spec], usize) = (&[Str, Str, Word(&["i"])], 0);
const SLOT: (&[Spec], usize) = (&[Int], 1);

#[rustfmt::skip]
pub(super) const ROWS: &[Row] = &[
    // Request line.
    row("method", NONE, Kind::Method, Needs::Transaction, Function(line::method), "the request's method"),
    row("url", NONE, Kind::Str, Needs::RequestHead, Function(line::url), "the request target as it stands in the request line"),
    row("url_ip", NONE, Kind::Addr, Needs::RequestHead, Function(line::url_ip), "the address in an absolute request target"),
    row("url_port", NONE, Kind::Int, Needs::RequestHead, Function(line::url_port), "the port in an absolute request target, 80 if there is none"),
    row("url32", NONE, Kind::Int, Needs::RequestHead, Function(line::url32), "32-bit hash of Host and target"),
    row("url32+src", NONE, Kind::Bin, Needs::RequestHead, Function(line::url32_source), "url32 and the client's address"),
    row("path", NONE, Kind::Str, Needs::RequestHead, Function(line::path), "the path, without query"),
    row("pathq", NONE, Kind::Str, Needs::RequestHead, Function(line::path_and_query), "the path with its query"),
    row("query", (&[Word(&["with_qm"])], 0), Kind::Str, Needs::RequestHead, Function(line::query), "the query, without its question mark unless with_qm"),
    row("base", NONE, Kind::Str, Needs::RequestHead, Function(line::base), "Host and path"),
    row("base32", NONE, Kind::Int, Needs::RequestHead, Function(line::base32), "32-bit hash of Host and path"),
    row("base32+src", NONE, Kind::Bin, Needs::RequestHead, Function(line::base32_source), "base32 and the client's address"),
    row("baseq", NONE, Kind::Str, Needs::RequestHead, Function(line::base_and_query), "Host and path with its query"),
    row("req.ver", NONE, Kind::Str, Needs::Transaction, Function(line::version::<false>), "the request's version: 1.0, 1.1"),
    row("req_ver", NONE, Kind::Str, Needs::Transaction, Function(line::version::<false>), "req.ver"),
    row("urlp", PARAMETER, Kind::Str, Needs::RequestHead, Function(query::parameter), "value of a parameter of the query"),
    row("url_param", PARAMETER, Kind::Str, Needs::RequestHead, Function(query::parameter), "urlp"),
    row("urlp_val", PARAMETER, Kind::Int, Needs::RequestHead, Function(query::parameter_value), "value of a parameter of the query, as a number"),
    // Request fields.
    row("req.hdr", FIELD, Kind::Str, Needs::RequestHead, Function(header::value::<false>), "a value of a field, cut at commas: the last, or the one numbered (negative from the end)"),
    row("hdr", FIELD, Kind::Str, Needs::Head, Function(header::own_value), "req.hdr, in rules for responses res.hdr"),
    row("req.hdr_cnt", NAME, Kind::Int, Needs::RequestHead, Function(header::count::<false>), "how many values a field has, cut at commas"),
    row("hdr_cnt", NAME, Kind::Int, Needs::RequestHead, Function(header::count::<false>), "req.hdr_cnt"),
    row("req.hdr_ip", FIELD, Kind::Addr, Needs::RequestHead, Function(header::address::<false>), "a value of a field that is an address, with or without port"),
    row("hdr_ip", FIELD, Kind::Addr, Needs::RequestHead, Function(header::address::<false>), "req.hdr_ip"),
    row("req.hdr_val", FIELD, Kind::Int, Needs::RequestHead, Function(header::number::<false>), "a value of a field as a number"),
    row("hdr_val", FIELD, Kind::Int, Needs::RequestHead, Function(header::number::<false>), "req.hdr_val"),
    row("req.hdr_names", NAME, Kind::Str, Needs::RequestHead, Function(header::names::<false>), "the names of all fields, with a delimiter"),
    row("req.hdrs", NONE, Kind::Str, Needs::RequestHead, Function(header::block::<false>), "all fields, and the empty line"),
    row("req.hdrs_bin", NONE, Kind::Bin, Needs::RequestHead, Function(header::binary_block::<false>), "all fields as lengths and bytes (SPOE's encoding)"),
    row("req.fhdr", FIELD, Kind::Str, Needs::RequestHead, Function(header::line::<false>), "a whole line of a field: the last, or the one numbered"),
    row("req.fhdr_cnt", NAME, Kind::Int, Needs::RequestHead, Function(header::line_count::<false>), "how many lines a field has"),
    row("req.cook", NAME, Kind::Str, Needs::RequestHead, Function(cookie::value::<false>), "value of a cookie: the last of that name"),
    row("cook", NAME, Kind::Str, Needs::RequestHead, Function(cookie::value::<false>), "req.cook"),
    row("cookie", NAME, Kind::Str, Needs::Head, Function(cookie::own_value), "req.cook, in rules for responses res.cook"),
    row("req.cook_cnt", NAME, Kind::Int, Needs::RequestHead, Function(cookie::count::<false>), "how many cookies of that name there are"),
    row("cook_cnt", NAME, Kind::Int, Needs::RequestHead, Function(cookie::count::<false>), "req.cook_cnt"),
    row("req.cook_val", NAME, Kind::Int, Needs::RequestHead, Function(cookie::number::<false>), "value of a cookie as a number"),
    row("cook_val", NAME, Kind::Int, Needs::RequestHead, Function(cookie::number::<false>), "req.cook_val"),
    row("req.cook_names", NAME, Kind::Str, Needs::RequestHead, Function(cookie::names::<false>), "the names of all cookies, with a delimiter"),
    // Credentials.
    row("http_auth", (&[Userlist], 1), Kind::Bool, Needs::RequestHead, Function(auth::is_known), "whether the Basic credentials are those of a user of the list"),
    row("http_auth_group", (&[Userlist], 1), Kind::Str, Needs::RequestHead, Function(auth::user_of), "the user, if the credentials are right; an ACL on it is true if the user is in one of the groups given"),
    row("http_auth_user", NONE, Kind::Str, Needs::RequestHead, Function(auth::user), "the user in Basic credentials"),
    row("http_auth_pass", NONE, Kind::Str, Needs::RequestHead, Function(auth::password), "the password in Basic credentials"),
    row("http_auth_type", NONE, Kind::Str, Needs::RequestHead, Function(auth::scheme), "the scheme of the credentials"),
    row("http_auth_bearer", NAME, Kind::Str, Needs::RequestHead, Function(auth::bearer), "the token of Bearer credentials in Authorization or the field given"),
    // Body and the rest of the request.
    row("req.body", NONE, Kind::Bin, Needs::RequestHead, Function(buffer::body::<false>), "the part of the body that has been received"),
    row("req.body_len", NONE, Kind::Int, Needs::RequestHead, Function(buffer::body_length::<false>), "its length"),
    row("req.body_size", NONE, Kind::Int, Needs::RequestHead, Function(buffer::body_size::<false>), "the announced length of the body"),
    row("req.body_param", (&[Str, Word(&["i"])], 0), Kind::Str, Needs::RequestHead, Function(query::body_parameter), "value of a parameter of a body sent by a form"),
    row("http_first_req", NONE, Kind::Bool, Needs::Transaction, Flag(Number::IsFirstRequest), "whether this is the connection's first request"),
    row("unique-id", NONE, Kind::Str, Needs::Frontend, Text(Words::UniqueId), "the request's unique id"),
    row("capture.req.hdr", SLOT, Kind::Str, Needs::Transaction, Function(header::captured::<false>), "what was captured in a slot of the request"),
    row("capture.req.method", NONE, Kind::Str, Needs::Transaction, Function(line::received_method), "the method as it came"),
    row("capture.req.uri", NONE, Kind::Str, Needs::Transaction, Function(line::received_target), "the request target as it came"),
    row("capture.req.ver", NONE, Kind::Str, Needs::Transaction, Function(line::long_version::<false>), "the request's version: HTTP/1.0, HTTP/1.1"),
    // Response.
    row("status", NONE, Kind::Int, Needs::ResponseKept, Function(line::status), "the response's status code"),
    row("server_status", NONE, Kind::Int, Needs::ResponseKept, Numeric(Number::ServerStatus), "the status code as the server sent it"),
    row("txn.status", NONE, Kind::Int, Needs::ResponseKept, Numeric(Number::Status), "the status code as it is logged"),
    row("res.ver", NONE, Kind::Str, Needs::ResponseKept, Function(line::version::<true>), "the response's version: 1.0, 1.1"),
    row("resp_ver", NONE, Kind::Str, Needs::ResponseKept, Function(line::version::<true>), "res.ver"),
    row("res.hdr", FIELD, Kind::Str, Needs::ResponseHead, Function(header::value::<true>), "a value of a field of the response, as req.hdr"),
    row("shdr", FIELD, Kind::Str, Needs::ResponseHead, Function(header::value::<true>), "res.hdr"),
    row("res.hdr_cnt", NAME, Kind::Int, Needs::ResponseHead, Function(header::count::<true>), "how many values a field has, cut at commas"),
    row("shdr_cnt", NAME, Kind::Int, Needs::ResponseHead, Function(header::count::<true>), "res.hdr_cnt"),
    row("res.hdr_ip", FIELD, Kind::Addr, Needs::ResponseHead, Function(header::address::<true>), "a value of a field that is an address"),
    row("shdr_ip", FIELD, Kind::Addr, Needs::ResponseHead, Function(header::address::<true>), "res.hdr_ip"),
    row("res.hdr_val", FIELD, Kind::Int, Needs::ResponseHead, Function(header::number::<true>), "a value of a field as a number"),
    row("shdr_val", FIELD, Kind::Int, Needs::ResponseHead, Function(header::number::<true>), "res.hdr_val"),
    row("res.hdr_names", NAME, Kind::Str, Needs::ResponseHead, Function(header::names::<true>), "the names of all fields, with a delimiter"),
    row("res.hdrs", NONE, Kind::Str, Needs::ResponseHead, Function(header::block::<true>), "all fields, and the empty line"),
    row("res.hdrs_bin", NONE, Kind::Bin, Needs::ResponseHead, Function(header::binary_block::<true>), "all fields as lengths and bytes (SPOE's encoding)"),
    row("res.fhdr", FIELD, Kind::Str, Needs::ResponseHead, Function(header::line::<true>), "a whole line of a field: the last, or the one numbered"),
    row("res.fhdr_cnt", NAME, Kind::Int, Needs::ResponseHead, Function(header::line_count::<true>), "how many lines a field has"),
    row("res.cook", NAME, Kind::Str, Needs::ResponseHead, Function(cookie::value::<true>), "value of a cookie that the server sets"),
    row("scook", NAME, Kind::Str, Needs::ResponseHead, Function(cookie::value::<true>), "res.cook"),
    row("set-cookie", NAME, Kind::Str, Needs::ResponseHead, Function(cookie::value::<true>), "res.cook"),
    row("res.cook_cnt", NAME, Kind::Int, Needs::ResponseHead, Function(cookie::count::<true>), "how many cookies of that name the server sets"),
    row("scook_cnt", NAME, Kind::Int, Needs::ResponseHead, Function(cookie::count::<true>), "res.cook_cnt"),
    row("res.cook_val", NAME, Kind::Int, Needs::ResponseHead, Function(cookie::number::<true>), "value of a cookie that the server sets, as a number"),
    row("scook_val", NAME, Kind::Int, Needs::ResponseHead, Function(cookie::number::<true>), "res.cook_val"),
    row("res.cook_names", NAME, Kind::Str, Needs::ResponseHead, Function(cookie::names::<true>), "the names of all cookies that the server sets"),
    row("res.body", NONE, Kind::Bin, Needs::ResponseHead, Function(buffer::body::<true>), "the part of the body that has been received"),
    row("res.body_len", NONE, Kind::Int, Needs::ResponseHead, Function(buffer::body_length::<true>), "its length"),
    row("res.body_size", NONE, Kind::Int, Needs::ResponseHead, Function(buffer::body_size::<true>), "the announced length of the body"),
    row("res.comp", NONE, Kind::Bool, Needs::ResponseKept, Flag(Number::IsCompressed), "whether the response was compressed on the way"),
    row("capture.res.hdr", SLOT, Kind::Str, Needs::ResponseKept, Function(header::captured::<true>), "what was captured in a slot of the response"),
    row("capture.res.ver", NONE, Kind::Str, Needs::Transaction, Function(line::long_version::<true>), "the response's version: HTTP/1.0, HTTP/1.1"),
];
