//! Responses that rules ask for, and what `http-after-response` makes of the proxy's own.

use std::sync::Arc;

use crate::http::{
    ConnectionField, Edits, Head, Message, Method, Parsed, Version, parse_response, path_and_query,
    write_edited_response,
};
use crate::rule::action::{Content, Reply, write_challenge};
use crate::rule::options::Closing;
use crate::rule::pages::{Ending, Own, Page, builtin};
use crate::rule::{Data, Progress, Section, Stage, Transaction, Verdict};

use super::super::failure::By;
use super::super::local::{LocalBackend, LocalFrontend};
use super::super::session::Session;
use super::super::stream::Request;
use super::{RuleState, World};

/// How a response of ours leaves the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::proxy) struct Manner {
    /// The client asked for the head only.
    pub(in crate::proxy) is_head: bool,
    /// The connection may persist, and what tells the client so.
    pub(in crate::proxy) persists: Option<Version>,
}

impl Manner {
    /// That of an answer to a request.
    pub(in crate::proxy) fn of(request: &Request, session: &Session) -> Manner {
        let closes = session.frontend().manners.closing == Closing::Own;
        let may_persist = request.keeps_alive && request.body.is_done() && session.may_persist() && !closes;
        Manner { is_head: request.asked == Method::Head, persists: may_persist.then_some(request.version) }
    }
}

/// Who is asked for pages: the backend before the frontend.
#[derive(Clone, Copy, Debug)]
pub(super) struct Asked<'a> {
    pub(super) frontend: &'a LocalFrontend,
    pub(super) backend: Option<&'a LocalBackend>,
}

impl<'a> Asked<'a> {
    fn own(self, status: u16) -> Option<&'a Own> {
        let sections = sections(self.frontend, self.backend);
        sections.into_iter().flatten().find_map(|section| section.pages.of(status))
    }
}

/// Whose doing an answer is, for the log: what a rule asked for is no failure.
pub(super) fn by(verdict: &Verdict<'_>) -> By {
    match verdict {
        Verdict::Redirect(_) | Verdict::Return(_) | Verdict::Auth(_) => By::Local,
        _ => By::Proxy,
    }
}

/// Writes the response of a verdict that ends a message, and says its status and whether the connection persists. `None`
/// if the verdict is none of those that answer.
pub(super) fn write(
    verdict: &Verdict<'_>,
    asked: Asked<'_>,
    transaction: &Transaction<'_>,
    manner: Manner,
    out: &mut Vec<u8>,
) -> Option<(u16, bool)> {
    match verdict {
        Verdict::Deny(reply) | Verdict::Return(reply) | Verdict::Tarpit(reply) => {
            let persists = match &reply.content {
                Content::DefaultPage => page(reply.status, asked, Some(transaction), &[], manner, out),
                Content::Page(page) => whole(page, &[], manner, out),
                Content::Silent => false,
                Content::Empty | Content::Body { .. } | Content::Format { .. } => {
                    made(reply, transaction, &[], manner, out)
                }
            };
            Some((reply.status, persists))
        }
        Verdict::Redirect(redirect) => {
            redirect.render(transaction, out);
            Some((redirect.status, finish(manner, out)))
        }
        Verdict::Auth(realm) => {
            let mut field = Vec::new();
            let status = write_challenge(realm, transaction, &mut field);
            Some((status, page(status, asked, Some(transaction), &field, manner, out)))
        }
        Verdict::Failed { status } => Some((*status, page(*status, asked, Some(transaction), &[], manner, out))),
        _ => None,
    }
}

/// Writes the page of a status with further fields; says whether the connection persists. Without a transaction there is no
/// request that an answer could be made of.
pub(super) fn page(
    status: u16,
    asked: Asked<'_>,
    transaction: Option<&Transaction<'_>>,
    fields: &[u8],
    manner: Manner,
    out: &mut Vec<u8>,
) -> bool {
    match (asked.own(status), transaction) {
        (Some(Own::Silent), _) => false,
        (Some(Own::Page(page)), _) => whole(page, fields, manner, out),
        (Some(Own::Reply(reply)), Some(transaction)) => made(reply, transaction, fields, manner, out),
        (None | Some(Own::Builtin | Own::Reply(_)), _) => whole(builtin::page(status), fields, manner, out),
    }
}

fn whole(page: &Page, fields: &[u8], manner: Manner, out: &mut Vec<u8>) -> bool {
    page.write_head(out);
    out.extend_from_slice(fields);
    let ending = page.ending(manner.persists);
    ending.write(out);
    if !manner.is_head {
        out.extend_from_slice(page.body());
    }
    ending.persists()
}

fn made(reply: &Reply, transaction: &Transaction<'_>, fields: &[u8], manner: Manner, out: &mut Vec<u8>) -> bool {
    let mut body = Vec::new();
    reply.render(transaction, out, &mut body);
    out.extend_from_slice(fields);
    let persists = finish(manner, out);
    if !manner.is_head {
        out.extend_from_slice(&body);
    }
    persists
}

/// The end of a head with a length.
pub(super) fn finish(manner: Manner, out: &mut Vec<u8>) -> bool {
    let ending = Ending { version: Version::Http11, client: manner.persists };
    ending.write(out);
    ending.persists()
}

/// Writes the page of a status where there was no rule: a server failed, or nobody could be asked. Says whether the
/// connection persists.
pub(in crate::proxy) fn write_page(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: Option<&LocalBackend>,
    status: u16,
    manner: Manner,
    out: &mut Vec<u8>,
) -> bool {
    let asked = Asked { frontend, backend };
    if !frontend.runs_rules {
        return page(status, asked, None, &[], manner, out);
    }
    let mut state = session.take_rules(frontend);
    let mut world = World::new(session, frontend, backend);
    world.facts.look(&state);
    let persists = {
        let is_known = !state.received.is_empty();
        let transaction = world.transaction(Stage::HttpRequest, &mut state, &[], is_known);
        page(status, asked, Some(&transaction), &[], manner, out)
    };
    edit(&mut world, &mut state, frontend, backend, out);
    session.rules = Some(state);
    persists
}

/// Writes what sends the client to its server itself: the server's prefix, then path and query as the server would have got
/// them (HAProxy manual §5.2 "redir"). Says whether the connection persists.
pub(in crate::proxy) fn write_redirect(
    session: &mut Session,
    frontend: &LocalFrontend,
    backend: &LocalBackend,
    (prefix, request): (&str, &Request),
    manner: Manner,
    out: &mut Vec<u8>,
) -> bool {
    let head = request.held.all();
    let line = head.get(..memchr::memchr(b'\r', head).unwrap_or_default()).unwrap_or_default();
    let target = line.split(|byte| *byte == b' ').nth(1).unwrap_or_default();
    out.extend_from_slice(b"HTTP/1.1 302 Found\r\ncache-control: no-cache\r\ncontent-length: 0\r\nlocation: ");
    if prefix != "/" {
        out.extend_from_slice(prefix.as_bytes());
    }
    out.extend_from_slice(path_and_query(target).unwrap_or(b"/"));
    out.extend_from_slice(b"\r\n");
    let persists = finish(manner, out);
    if frontend.runs_rules {
        let mut state = session.take_rules(frontend);
        let mut world = World::new(session, frontend, Some(backend));
        world.facts.look(&state);
        edit(&mut world, &mut state, frontend, Some(backend), out);
        session.rules = Some(state);
    }
    persists
}

/// Writes what a connection gets that sent no request, or none in time; the head of it is not looked at by rules.
pub(in crate::proxy) fn write_refusal(frontend: &LocalFrontend, status: u16, out: &mut Vec<u8>) {
    let asked = Asked { frontend, backend: None };
    let manner = Manner { is_head: false, persists: None };
    match asked.own(status) {
        Some(Own::Silent) => {}
        Some(Own::Page(page)) => drop(whole(page, &[], manner, out)),
        _ => out.extend_from_slice(builtin::text(status)),
    }
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
        let body = Data { bytes: body, is_final: true, announced: None };
        let _ = world.run_on_response(&section.after_response, state, message, body, &mut Progress::default());
    }
    let client = match (head.says_close, head.says_keep_alive) {
        (true, _) => None,
        (false, true) => Some(Version::Http10),
        // HTTP/1.0 closes by itself.
        (false, false) => (head.version == Version::Http11).then_some(Version::Http11),
    };
    let mut out = Vec::with_capacity(bytes.len() + 256);
    write_edited_response(&mut out, &Message { bytes, head: &head, edits: &mut edits }, ConnectionField::Omit);
    out.truncate(out.len() - 2);
    if head.version == Version::Http10 {
        // A page of the operator's keeps its version.
        out[..8].copy_from_slice(b"HTTP/1.0");
    }
    Ending { version: head.version, client }.write(&mut out);
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
