//! Receiving a request head.

use std::net::SocketAddr;
use std::task::{Context, Poll, ready};

use crate::http::{
    Body, BodyFraming, ConnectionField, FieldKind, Head, HeadError, Method, Parsed, RequestEdit, Version,
    is_head_complete, normalized, parse_request, place_of_fault, write_request,
};
use crate::rule::forwarding::{AddressField, Forwarding};
use crate::time::Instant;

use super::super::buffers::{Buffers, Chunk, SMALL_READ};
use super::super::failure::{By, Cause, Failure, Phase};
use super::super::faults;
use super::super::local::{LocalBackend, LocalFrontend, Service, Stage};
use super::super::session::{Interrupt, Session};
use super::Request;

/// How waiting for a request ended.
#[derive(Debug)]
pub(in super::super) enum Received {
    Request(Request),
    /// The client is done, or was idle for too long.
    Closed,
    /// Something came that is not a request, or not in time. `status: None` answers nothing.
    Refused {
        status: Option<u16>,
        failure: Failure,
        /// The first byte, if one came.
        started: Option<Instant>,
    },
}

/// Which request of its connection is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Turn {
    First,
    Later,
}

/// Waiting for the next request of a connection.
#[derive(Debug)]
pub(in super::super) struct Receiving {
    is_first: bool,
    first_byte: Option<Instant>,
    wait: Wait,
}

impl Receiving {
    pub(in super::super) fn begin(session: &mut Session, turn: Turn) -> Receiving {
        let frontend = session.frontend();
        let timeouts = &frontend.running.model.timeouts;
        let now = session.now();
        let is_first = turn == Turn::First;
        session.began = if is_first { session.accepted } else { now };
        let has_input = session.input.is_some();
        // The first request's time counts from the connection on, so that a silent client gets its 408.
        let limit = if is_first || has_input { timeouts.http_request } else { timeouts.http_keep_alive };
        session.set_deadline(now + limit);
        session.shared.stage.set(if has_input { Stage::Busy } else { Stage::Waiting(now) });
        let wait = Wait { seen: 0, is_unexamined: has_input, is_first };
        Receiving { is_first, first_byte: has_input.then_some(now), wait }
    }

    pub(in super::super) fn poll(&mut self, session: &mut Session, context: &mut Context<'_>) -> Poll<Received> {
        let now = session.now();
        match session.interrupt(context, now) {
            // Its request was faster than the order to close.
            Some(Interrupt::Killed) if session.is_leaving() && session.client.has_unread_input() => {
                session.shared.is_killed.set(false);
                session.shared.stage.set(Stage::Busy);
            }
            Some(Interrupt::Killed) => return Poll::Ready(Received::Closed),
            Some(Interrupt::Expired) => {
                let is_silent = session.input.is_none();
                let is_probe = !self.is_first || session.frontend().manners.ignores_probes;
                if is_silent && (is_probe || session.worker.service.get() == Service::Draining) {
                    return Poll::Ready(Received::Closed);
                }
                let failure = Failure::new(By::Client, Cause::Timeout, Phase::Request);
                session.shared.stage.set(Stage::Busy);
                return Poll::Ready(Received::Refused { status: Some(408), failure, started: self.first_byte });
            }
            None => {}
        }
        // A request runs on the generation that is current when it comes.
        let frontend = session.frontend();
        let was_silent = session.input.is_none();
        let polled = self.wait.poll(session, &frontend, context, self.first_byte.unwrap_or(now), now);
        if polled.is_ready() {
            session.shared.stage.set(Stage::Busy);
        } else if was_silent && session.input.is_some() {
            // The first bytes of a head: from now on it has to come within `timeout http-request`.
            session.shared.stage.set(Stage::Busy);
            self.first_byte = Some(now);
            if !self.is_first {
                session.set_deadline(now + frontend.running.model.timeouts.http_request);
            }
        }
        polled
    }
}

#[derive(Debug)]
struct Wait {
    /// Bytes of the input in which no end of a head was found.
    seen: usize,
    /// Whether the input has not been looked at: what was left of the read of the previous request.
    is_unexamined: bool,
    is_first: bool,
}

impl Wait {
    fn poll(
        &mut self,
        session: &mut Session,
        frontend: &LocalFrontend,
        context: &mut Context<'_>,
        started: Instant,
        now: Instant,
    ) -> Poll<Received> {
        let worker = session.worker.clone();
        loop {
            if let Some(input) = session.input.take_if(|_| std::mem::take(&mut self.is_unexamined)) {
                match look(&worker.buffers, &input, session, frontend, (started, self.is_first), now) {
                    Look::Partial => {
                        self.seen = input.len();
                        session.input = Some(input);
                    }
                    Look::Done(received) => return Poll::Ready(received),
                }
            }
            let mut scratch = worker.buffers.scratch.borrow_mut();
            let refuse = |status, by, cause| {
                let failure = Failure::new(by, cause, Phase::Request);
                Poll::Ready(Received::Refused { status, failure, started: Some(started) })
            };
            let count = match ready!(session.client.poll_read(context, &mut scratch[..SMALL_READ])) {
                Ok(0) | Err(_) if session.input.is_none() && self.is_first && !frontend.manners.ignores_probes => {
                    let failure = Failure::new(By::Client, Cause::Abort, Phase::Request);
                    return Poll::Ready(Received::Refused { status: None, failure, started: None });
                }
                Ok(0) | Err(_) if session.input.is_none() => return Poll::Ready(Received::Closed),
                // It may have closed its own direction only.
                Ok(0) => return refuse(Some(400), By::Client, Cause::Abort),
                Err(_) => return refuse(None, By::Client, Cause::Abort),
                Ok(count) => count,
            };
            match &mut session.input {
                None => {
                    match look(&worker.buffers, &scratch[..count], session, frontend, (started, self.is_first), now) {
                        Look::Partial => {
                            self.seen = count;
                            session.input = Some(worker.buffers.chunk_of(&scratch[..count]));
                        }
                        Look::Done(received) => return Poll::Ready(received),
                    }
                }
                Some(input) => {
                    input.push(&scratch[..count]);
                    self.is_unexamined = is_head_complete(input, self.seen);
                    self.seen = input.len();
                    if !self.is_unexamined && input.len() >= frontend.max_head {
                        return refuse(Some(400), By::Proxy, Cause::Abort);
                    }
                }
            }
        }
    }
}

enum Look {
    Partial,
    Done(Received),
}

/// Parses what is there and makes the request to forward.
fn look(
    buffers: &Buffers,
    bytes: &[u8],
    session: &mut Session,
    frontend: &LocalFrontend,
    (started, is_first): (Instant, bool),
    now: Instant,
) -> Look {
    let mut head = buffers.head.borrow_mut();
    head.leniency = frontend.leniency;
    let refuse = |status| {
        let failure = Failure::new(By::Proxy, Cause::Abort, Phase::Request);
        Look::Done(Received::Refused { status: Some(status), failure, started: Some(started) })
    };
    match parse_request(bytes, &mut head) {
        Ok(Parsed::Partial) if bytes.len() >= frontend.max_head => return refuse(400),
        Ok(Parsed::Partial) => return Look::Partial,
        Ok(Parsed::Complete) if head.length > frontend.max_head => return refuse(400),
        Ok(Parsed::Complete) => {}
        Err(error) => {
            faults::request(session, frontend, bytes, place_of_fault(bytes, &head, error));
            return refuse(HeadError::status(error, frontend.leniency));
        }
    }
    if let Some(status) = refusal_of_body(&head, bytes) {
        return refuse(status);
    }
    if lacks_key(&head, bytes) {
        return refuse(400);
    }
    let (bytes, rest) = bytes.split_at(head.length);
    let normal = normalized(bytes, &head);
    let text = match &normal {
        Some(normal) if !matches!(parse_request(normal, &mut head), Ok(Parsed::Complete)) => return refuse(400),
        Some(normal) => normal,
        None => bytes,
    };
    let mut request = prepare(buffers.chunk(), text, &head, session, frontend, started, now);
    let Ok(taken) = request.body.advance(rest) else {
        faults::request(session, frontend, &[bytes, rest].concat(), bytes.len());
        return refuse(400);
    };
    request.held.push(&rest[..taken]);
    request.received_bytes = (bytes.len() + taken) as u64;
    if taken < rest.len() {
        session.input = Some(buffers.chunk_of(&rest[taken..]));
    }
    if frontend.runs_rules {
        session.keep_head(frontend, text, &mut head, started, is_first);
    }
    Look::Done(Received::Request(request))
}

/// Whether the client would switch to h2c, which would hide the requests that follow from the proxy. All fields count:
/// a server may choose any protocol of the list (RFC 9110 §7.8).
fn offers_h2c(head: &Head, bytes: &[u8]) -> bool {
    let upgrades = head.fields.iter().filter(|field| field.kind == FieldKind::Upgrade);
    upgrades
        .flat_map(|field| field.value.of(bytes).split(|&byte| byte == b','))
        .any(|protocol| protocol.trim_ascii().get(..3).is_some_and(|start| start.eq_ignore_ascii_case(b"h2c")))
}

/// Whether the client would speak WebSocket without the key that proves that both ends do (RFC 6455 §4.2.1).
fn lacks_key(head: &Head, bytes: &[u8]) -> bool {
    head.says_upgrade
        && head.value(FieldKind::Upgrade, bytes).is_some_and(|protocol| protocol.eq_ignore_ascii_case(b"websocket"))
        && !head.fields.iter().any(|field| field.name.of(bytes).eq_ignore_ascii_case(b"sec-websocket-key"))
}

/// The status that refuses a body where servers look for none, and take it for the next request. CONNECT has no content
/// (RFC 9110 §9.3.6). In HTTP/1.0 that is the HAProxy manual's `h1-accept-payload-with-any-method`; a chunked body is
/// refused there whatever the method.
pub(in crate::proxy) fn refusal_of_body(head: &Head, bytes: &[u8]) -> Option<u16> {
    if head.request_framing() == BodyFraming::None {
        return None;
    }
    let is_old = head.version == Version::Http10 && !head.leniency.old_bodies;
    match head.method {
        Method::Connect => Some(400),
        Method::Get | Method::Head if is_old => Some(413),
        Method::Idempotent if is_old && head.line.of(bytes).starts_with(b"DELETE ") => Some(413),
        Method::Get | Method::Head | Method::Idempotent | Method::Other => None,
    }
}

fn prepare(
    mut held: Chunk,
    bytes: &[u8],
    head: &Head,
    session: &Session,
    frontend: &LocalFrontend,
    started: Instant,
    now: Instant,
) -> Request {
    let is_upgrade = is_upgrade(head, bytes);
    let keeps_alive = head.keeps_alive();
    if frontend.runs_rules {
        // They write what goes to the server.
        held.push(bytes);
    } else {
        let ends = Ends { source: session.source(), destination: || Some(session.destination()) };
        let has_field = |name: &[u8]| head.fields.iter().any(|field| field.name.of(bytes).eq_ignore_ascii_case(name));
        let edit = request_edit(head, bytes, ends, (frontend, frontend.backend.as_deref()), has_field);
        write_request(held.storage(), bytes, head, edit);
    }
    Request {
        head_length: held.len(),
        held,
        line_length: head.line.of(bytes).len(),
        received_bytes: 0,
        method: head.method,
        asked: head.method,
        version: head.version,
        keeps_alive,
        is_upgrade: is_upgrade || head.method == Method::Connect,
        body: Body::from(head.request_framing()),
        is_cut: false,
        is_chunked: head.request_framing() == BodyFraming::Chunked,
        trailers: None,
        has_cookies: head.has_cookies,
        began: session.began,
        number: 0,
        started,
        received: now,
    }
}

/// Whether the client asks for another protocol, and may have it.
fn is_upgrade(head: &Head, bytes: &[u8]) -> bool {
    head.says_upgrade && head.version == Version::Http11 && !offers_h2c(head, bytes)
}

/// Both ends of the client's connection, as rules may have set them.
pub(in crate::proxy) struct Ends<D> {
    pub(in crate::proxy) source: SocketAddr,
    /// Asked only where it is told.
    pub(in crate::proxy) destination: D,
}

/// What changes in a request on its way to a server, rules aside. `has_field` tells whether it has a field of a name.
pub(in crate::proxy) fn request_edit<'n>(
    head: &Head,
    bytes: &[u8],
    ends: Ends<impl FnOnce() -> Option<SocketAddr>>,
    (frontend, backend): (&'n LocalFrontend, Option<&'n LocalBackend>),
    has_field: impl Fn(&[u8]) -> bool,
) -> RequestEdit<'n> {
    let closes = backend.is_some_and(|backend| frontend.closes_server(backend) && !backend.manners.pretends);
    let connection = match head.version {
        _ if is_upgrade(head, bytes) => ConnectionField::Upgrade,
        _ if closes => ConnectionField::Close,
        Version::Http11 => ConnectionField::Omit,
        // The server's connection may serve others, whatever becomes of the client's.
        Version::Http10 => ConnectionField::KeepAlive,
    };
    let tells_protocol = frontend.running.model.forwarded;
    let of_frontend = frontend.rules.as_ref().map(|section| &section.options.forwarding);
    let of_backend = backend.and_then(|backend| backend.rules.as_ref()).map(|section| &section.options.forwarding);
    let mut addresses = [tells_protocol.then(|| (&b"X-Forwarded-For"[..], ends.source.ip())), None];
    if of_frontend.is_none() && of_backend.is_none() {
        return RequestEdit { addresses, tells_protocol, connection };
    }
    let client = |forwarding: &'n Forwarding| forwarding.client.as_ref();
    let (front, back) = (of_frontend.and_then(client), of_backend.and_then(client));
    if front.is_some() || back.is_some() {
        let source = ends.source.ip();
        addresses[0] = AddressField::name_for(front, back, source, &has_field).map(|name| (name, source));
    }
    let destination = |forwarding: &'n Forwarding| forwarding.destination.as_ref();
    let (front, back) = (of_frontend.and_then(destination), of_backend.and_then(destination));
    if let Some(wanted) = (front.is_some() || back.is_some()).then(ends.destination).flatten() {
        let wanted = wanted.ip();
        addresses[1] = AddressField::name_for(front, back, wanted, &has_field).map(|name| (name, wanted));
    }
    RequestEdit { addresses, tells_protocol, connection }
}
