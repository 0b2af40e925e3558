//! The head of a response: interim, switching protocols, final.

use std::task::Context;

use super::{Exchange, Stage};
use crate::http::{Body, BodyFraming, ConnectionField, Head, Method, Parsed, Version, parse_response, write_response};
use crate::proxy::buffers::MAX_HEAD;
use crate::proxy::failure::{By, Cause, Failure, Phase};
use crate::proxy::local::Worker;
use crate::proxy::rules::{self, Responded};
use crate::proxy::session::Session;
use crate::time::Instant;

impl Exchange<'_> {
    /// Parses what is there of a response; interim responses are sent on one by one.
    pub(super) fn look(
        &mut self,
        mut bytes: &[u8],
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Result<(), Failure> {
        let mut head = worker.buffers.head.borrow_mut();
        loop {
            match parse_response(bytes, &mut head) {
                Ok(Parsed::Complete) => {}
                Ok(Parsed::Partial) if bytes.len() <= MAX_HEAD => {
                    self.seen = bytes.len();
                    self.input = Some(worker.buffers.chunk_of(bytes)).filter(|input| !input.is_empty());
                    return Ok(());
                }
                Ok(Parsed::Partial) | Err(_) => {
                    worker.counters.bad_messages.add(1);
                    return Err(self.failure(By::Proxy, Cause::Abort));
                }
            }
            let is_switch = head.status == 101 || self.request.method == Method::Connect && head.status / 100 == 2;
            if is_switch {
                return self.switch(bytes, &head, worker, session, context, now);
            }
            if head.status >= 200 {
                return self.begin(bytes, &head, worker, session, context, now);
            }
            // HTTP/1.0 knows no interim responses (RFC 9110 §15.2).
            if self.request.version == Version::Http11 {
                let mut out = worker.buffers.out.borrow_mut();
                out.clear();
                write_response(&mut out, bytes, &head, ConnectionField::Omit);
                self.send(worker, session, context, &out, &[])?;
            }
            bytes = &bytes[head.length..];
        }
    }

    fn switch(
        &mut self,
        bytes: &[u8],
        head: &Head,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Result<(), Failure> {
        if !self.request.is_upgrade {
            return Err(self.failure(By::Proxy, Cause::Abort));
        }
        let connection = if head.status == 101 { ConnectionField::Upgrade } else { ConnectionField::Omit };
        let mut out = worker.buffers.out.borrow_mut();
        out.clear();
        (self.status, self.answered) = (head.status, Some(now));
        self.stage = Stage::Switched;
        let rest = &bytes[head.length..];
        if self.respond(session, (bytes, head, rest), connection, &mut out) {
            return self.send(worker, session, context, &out, rest);
        }
        self.send(worker, session, context, &out, &[])
    }

    /// The final response begins.
    fn begin(
        &mut self,
        bytes: &[u8],
        head: &Head,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Result<(), Failure> {
        (self.status, self.answered) = (head.status, Some(now));
        let framing = head.response_framing(self.request.method);
        let is_delimited = framing != BodyFraming::UntilClose;
        // A client that still sends its body cannot be told from here on that the connection will close, so it is now.
        self.client_persists =
            self.request.keeps_alive && is_delimited && self.request.body.is_done() && session.may_persist();
        self.server_persists = head.keeps_alive() && is_delimited;
        self.download = Body::from(framing);
        self.stage = Stage::Body;
        let rest = &bytes[head.length..];
        let taken = self.take_body(rest)?;
        let connection = match (self.client_persists, self.request.version) {
            (false, _) => ConnectionField::Close,
            (true, Version::Http10) => ConnectionField::KeepAlive,
            (true, Version::Http11) => ConnectionField::Omit,
        };
        let mut out = worker.buffers.out.borrow_mut();
        out.clear();
        if self.respond(session, (bytes, head, &rest[..taken]), connection, &mut out) {
            return self.send(worker, session, context, &out, &rest[..taken]);
        }
        self.send(worker, session, context, &out, &[])
    }

    /// Writes the head for the client as rules leave it. `false` if they put a whole response of ours in its place: then
    /// nothing more of the server's is wanted.
    fn respond(
        &mut self,
        session: &mut Session,
        message: (&[u8], &Head, &[u8]),
        connection: ConnectionField,
        out: &mut Vec<u8>,
    ) -> bool {
        match rules::respond(session, self.frontend, self.backend, message, connection, out) {
            Responded::Forwarded { status } => {
                self.status = status;
                true
            }
            Responded::Answered { status } => {
                self.status = status;
                self.stage = Stage::Done;
                (self.client_persists, self.server_persists) = (false, false);
                self.refusal = Some(Failure::new(By::Proxy, Cause::Abort, Phase::Headers));
                false
            }
        }
    }
}
