//! Responses that rules ask for, and what `http-after-response` makes of the proxy's own.

use std::sync::Arc;

use crate::http::{ConnectionField, Edits, Head, Message, Parsed, Version, parse_response, write_edited_response};
use crate::rule::action::{Content, Reply, write_challenge};
use crate::rule::{Section, Transaction, Verdict};

use super::super::error_page;
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::{RuleState, World};

/// How a response of ours leaves the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Manner {
    /// The client asked for the head only.
    pub(super) is_head: bool,
    /// The connection may persist, and what tells the client so.
    pub(super) persists: Option<Version>,
}

/// Writes the response of a verdict that ends a message. `Some(persists)` if there is one to be sent.
pub(super) fn write(
    verdict: &Verdict<'_>,
    transaction: &Transaction<'_>,
    manner: Manner,
    out: &mut Vec<u8>,
) -> Option<(u16, bool)> {
    match verdict {
        Verdict::Deny(reply) | Verdict::Return(reply) | Verdict::Tarpit(reply) => {
            let persists = self::reply(reply, transaction, manner, out);
            Some((reply.status, persists))
        }
        Verdict::Redirect(redirect) => {
            redirect.render(transaction, out);
            Some((redirect.status, finish(manner, out)))
        }
        Verdict::Auth(realm) => {
            let page = body_of(error_page::page(401));
            write_challenge(realm, transaction, page, out);
            let persists = finish(manner, out);
            if !manner.is_head {
                out.extend_from_slice(page);
            }
            Some((401, persists))
        }
        Verdict::Failed { status } => {
            out.extend_from_slice(error_page::page(*status));
            Some((*status, false))
        }
        _ => None,
    }
}

/// Writes an answer; says whether the connection persists after it.
fn reply(reply: &Reply, transaction: &Transaction<'_>, manner: Manner, out: &mut Vec<u8>) -> bool {
    match &reply.content {
        Content::File(bytes) => {
            out.extend_from_slice(bytes);
            false
        }
        Content::DefaultPage | Content::Section(_) => {
            let page = error_page::page(reply.status);
            let (line, body) = (memchr::memchr(b'\r', page).unwrap_or(0), body_of(page));
            out.extend_from_slice(&page[..line]);
            out.extend_from_slice(format!("\r\ncontent-length: {}\r\n", body.len()).as_bytes());
            out.extend_from_slice(b"cache-control: no-cache\r\ncontent-type: text/html\r\n");
            let persists = finish(manner, out);
            if !manner.is_head {
                out.extend_from_slice(body);
            }
            persists
        }
        Content::Empty | Content::Body { .. } | Content::Format { .. } => {
            let mut body = Vec::new();
            reply.render(transaction, out, &mut body);
            let persists = finish(manner, out);
            if !manner.is_head {
                out.extend_from_slice(&body);
            }
            persists
        }
    }
}

/// The end of a head with a length.
fn finish(manner: Manner, out: &mut Vec<u8>) -> bool {
    out.extend_from_slice(match manner.persists {
        None => b"connection: close\r\n\r\n",
        Some(Version::Http10) => b"connection: keep-alive\r\n\r\n",
        Some(Version::Http11) => b"\r\n",
    });
    manner.persists.is_some()
}

fn body_of(page: &[u8]) -> &[u8] {
    memchr::memmem::find(page, b"\r\n\r\n").map_or(&[], |end| &page[end + 4..])
}

/// A page of the proxy's own as `http-after-response` leaves it.
pub(in crate::proxy) fn own_page(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    page: &[u8],
) -> Vec<u8> {
    let mut bytes = page.to_vec();
    if frontend.runs_rules {
        let mut state = session.take_rules(frontend);
        let mut world = World::new(session, frontend, backend);
        edit(&mut world, &mut state, frontend, backend, &mut bytes);
        session.rules = Some(state);
    }
    bytes
}

/// Runs `http-after-response` of backend and frontend over a whole response of ours.
pub(super) fn edit(
    world: &mut World<'_>,
    state: &mut RuleState,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    bytes: &mut Vec<u8>,
) {
    let sections = sections(frontend, backend);
    if sections.iter().flatten().all(|section| section.after_response.rules.is_empty()) {
        return;
    }
    let mut head = Head::default();
    // A file of the operator's that is no response is sent as it is.
    let Ok(Parsed::Complete) = parse_response(bytes, &mut head) else { return };
    let mut edits = Edits::default();
    let body = bytes.get(head.length..).unwrap_or_default();
    for section in sections.into_iter().flatten() {
        let message = Message { bytes, head: &head, edits: &mut edits };
        // What a rule cannot rewrite here stays: an error in place of an error would never end.
        let _ = world.run_on_response(&section.after_response, state, message, body);
    }
    let connection = match (head.says_close, head.says_keep_alive) {
        (true, _) => ConnectionField::Close,
        (false, true) => ConnectionField::KeepAlive,
        (false, false) => ConnectionField::Omit,
    };
    let mut out = Vec::with_capacity(bytes.len() + 256);
    write_edited_response(&mut out, &Message { bytes, head: &head, edits: &mut edits }, connection);
    out.extend_from_slice(body);
    *bytes = out;
}

/// The rules for responses: the backend's, then the frontend's; of a `listen` section once.
pub(super) fn sections<'s>(
    frontend: &'s LocalFrontend,
    backend: Option<&'s LocalBackend>,
) -> [Option<&'s Arc<Section>>; 2] {
    let first = backend.and_then(|backend| backend.rules.as_ref());
    let second = frontend.rules.as_ref();
    let is_same = first.zip(second).is_some_and(|(first, second)| Arc::ptr_eq(first, second));
    [first, second.filter(|_| !is_same)]
}
