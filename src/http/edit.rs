//! What a proxy writes in place of a head it received: the same lines by range copy, hop-by-hop fields exchanged.

use std::net::IpAddr;

use super::decimal::{write_address, write_number};
use super::framing::BodyFraming;
use super::head::{FieldKind, Head, Version};
use super::message::Message;

/// The Connection field to write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ConnectionField {
    /// None: HTTP/1.1 persists by itself.
    Omit,
    /// `close`
    Close,
    /// `keep-alive`, for HTTP/1.0.
    KeepAlive,
    /// `Upgrade`; the Upgrade field is kept.
    Upgrade,
}

/// What changes in a request.
#[derive(Clone, Copy, Debug)]
pub struct RequestEdit<'n> {
    /// Fields that are added with an address each, by name.
    pub addresses: [Option<(&'n [u8], IpAddr)>; 2],
    /// Sets X-Forwarded-Proto; otherwise it is left alone.
    pub tells_protocol: bool,
    /// Connection field.
    pub connection: ConnectionField,
}

/// Appends the request head to forward.
pub fn write_request(out: &mut Vec<u8>, bytes: &[u8], head: &Head, edit: RequestEdit<'_>) {
    // One space between the parts, and a version that is ours.
    let line = head.line.of(bytes);
    let method = memchr::memchr(b' ', line).map_or(line, |end| &line[..end]);
    out.extend_from_slice(method);
    out.push(b' ');
    out.extend_from_slice(head.target.of(bytes));
    out.extend_from_slice(version(head));
    let is_upgrade = edit.connection == ConnectionField::Upgrade;
    head.copy_fields(out, bytes, |field| is_request_field(field.kind, edit.tells_protocol, is_upgrade));
    finish_request(out, edit);
}

/// As [`write_request`], with what rules changed. Fields that delimit the body are written as received: a rule cannot
/// make two recipients read one message differently.
pub fn write_edited_request(out: &mut Vec<u8>, message: &Message<'_>, edit: RequestEdit<'_>) {
    let (bytes, head) = (message.bytes, message.head);
    if message.edits.is_empty() {
        return write_request(out, bytes, head, edit);
    }
    out.extend_from_slice(message.method());
    out.push(b' ');
    out.extend_from_slice(message.target());
    out.extend_from_slice(version(head));
    let is_upgrade = edit.connection == ConnectionField::Upgrade;
    message.write_fields(out, |kind| is_request_field(kind, edit.tells_protocol, is_upgrade));
    finish_request(out, edit);
}

/// The end of a request line. HTTP/1.0 has no chunks: a body in them goes on as HTTP/1.1 (RFC 9112 §6.1).
fn version(head: &Head) -> &'static [u8] {
    match head.version {
        Version::Http10 if head.request_framing() != BodyFraming::Chunked => b" HTTP/1.0\r\n",
        _ => b" HTTP/1.1\r\n",
    }
}

fn is_request_field(kind: FieldKind, tells_protocol: bool, is_upgrade: bool) -> bool {
    match kind {
        FieldKind::ForwardedProto => !tells_protocol,
        kind => is_end_to_end(kind, is_upgrade),
    }
}

fn finish_request(out: &mut Vec<u8>, edit: RequestEdit<'_>) {
    for (name, address) in edit.addresses.into_iter().flatten() {
        out.extend_from_slice(name);
        out.extend_from_slice(b": ");
        write_address(out, address);
        out.extend_from_slice(b"\r\n");
    }
    if edit.tells_protocol {
        out.extend_from_slice(b"X-Forwarded-Proto: http\r\n");
    }
    finish(out, edit.connection);
}

/// Appends the response head to forward. The version is ours, not the server's (RFC 9110 §6.2).
pub fn write_response(out: &mut Vec<u8>, bytes: &[u8], head: &Head, connection: ConnectionField) {
    out.extend_from_slice(b"HTTP/1.1");
    let rest = head.line.of(bytes).get(8..).unwrap_or_default();
    out.extend_from_slice(rest);
    if rest.len() == b" 200".len() {
        // RFC 9112 §4: the space is there even without a reason.
        out.push(b' ');
    }
    out.extend_from_slice(b"\r\n");
    // 101 and 426 tell protocols in Upgrade.
    let is_upgrade = connection == ConnectionField::Upgrade || head.status == 426;
    head.copy_fields(out, bytes, |field| is_end_to_end(field.kind, is_upgrade));
    finish(out, connection);
}

/// As [`write_response`], with what rules changed. Fields that delimit the body are written as received.
pub fn write_edited_response(out: &mut Vec<u8>, message: &Message<'_>, connection: ConnectionField) {
    if message.edits.is_empty() {
        return write_response(out, message.bytes, message.head, connection);
    }
    out.extend_from_slice(b"HTTP/1.1 ");
    write_number(out, message.status().into());
    out.push(b' ');
    out.extend_from_slice(message.reason());
    out.extend_from_slice(b"\r\n");
    let is_upgrade = connection == ConnectionField::Upgrade || message.head.status == 426;
    message.write_fields(out, |kind| is_end_to_end(kind, is_upgrade));
    finish(out, connection);
}

fn is_end_to_end(kind: FieldKind, is_upgrade: bool) -> bool {
    match kind {
        FieldKind::Connection
        | FieldKind::KeepAlive
        | FieldKind::ProxyConnection
        | FieldKind::Te
        | FieldKind::Nominated => false,
        FieldKind::Upgrade => is_upgrade,
        _ => true,
    }
}

fn finish(out: &mut Vec<u8>, connection: ConnectionField) {
    out.extend_from_slice(match connection {
        ConnectionField::Omit => b"\r\n",
        ConnectionField::Close => b"Connection: close\r\n\r\n",
        ConnectionField::KeepAlive => b"Connection: keep-alive\r\n\r\n",
        ConnectionField::Upgrade => b"Connection: Upgrade\r\n\r\n",
    });
}
