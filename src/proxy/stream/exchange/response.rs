//! The head of a response: interim, switching protocols, final.

use std::task::Context;

use super::{Early, Exchange, Parked, Stage, Wants};
use crate::http::{
    Body, BodyFraming, ChunkScanner, ConnectionField, Head, Method, Parsed, Version, parse_response, place_of_fault,
    write_response,
};
use crate::model::log::Origin;
use crate::proxy::failure::{By, Cause, Failure, Phase, Retry};
use crate::proxy::faults;
use crate::proxy::local::Worker;
use crate::proxy::log::{self, Ending};
use crate::proxy::persistence::Answer;
use crate::proxy::rules::{self, Answered, Arrived, Responded};
use crate::proxy::session::Session;
use crate::rule::Wait;
use crate::rule::options::Closing;
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
        head.leniency = self.frontend.leniency;
        loop {
            match parse_response(bytes, &mut head) {
                Ok(Parsed::Complete) if head.length <= self.frontend.max_head => {}
                Ok(Parsed::Partial) if bytes.len() <= self.frontend.max_head => {
                    self.seen = bytes.len();
                    self.input = Some(worker.buffers.chunk_of(bytes)).filter(|input| !input.is_empty());
                    return Ok(());
                }
                refused => {
                    let place = refused.err().map_or(bytes.len(), |error| place_of_fault(bytes, &head, error));
                    faults::response(session, self.frontend, self.backend, bytes, place);
                    worker.counters.bad_messages.add(1);
                    let mut failure = self.failure(By::Proxy, Cause::Abort);
                    if self.may_repeat(|on| on.junk_response) {
                        failure.retry = Retry::Again;
                    }
                    return Err(failure);
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
                self.send_head(worker, session, context, &mut out, &[])?;
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
        let rest = &bytes[head.length..];
        // What follows is no body, and nothing to wait for.
        let is_last = self.has_server_ended;
        let arrived = Arrived { bytes: rest, framing: BodyFraming::None, is_whole: true, is_last };
        self.note_answer(session, head, rest.len());
        let responded =
            rules::respond(session, self.frontend, self.backend, (bytes, head, arrived), (connection, None), &mut out);
        if self.park(bytes, responded, worker, now) {
            return Ok(());
        }
        (self.status, self.server_status, self.answered) = (head.status, head.status, Some(now));
        self.head_growth = out.len() as i64 - head.length as i64;
        self.stage = Stage::Switched;
        if self.takes(responded, session, &mut out) {
            self.log_early(session, out.len() + rest.len(), now);
            return self.send_head(worker, session, context, &mut out, rest);
        }
        self.send_head(worker, session, context, &mut out, &[])
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
        if self.may_repeat(|on| on.statuses.contains(&head.status)) {
            (self.status, self.server_status) = (head.status, head.status);
            return Err(Failure { retry: Retry::Again, ..self.failure(By::Server, Cause::Abort) });
        }
        let (sent, wanted) = (head.response_framing(self.request.method), head.response_framing(self.request.asked));
        // Where a rule made a HEAD of another method, or another of a HEAD, nobody gets a body.
        let framing = if wanted == BodyFraming::None { wanted } else { sent };
        let is_delimited = framing != BodyFraming::UntilClose;
        // A client that still sends its body cannot be told from here on that the connection will close, so it is now.
        let may_persist = session.may_persist() && self.frontend.manners.closing != Closing::Own;
        let may_persist = may_persist && is_delimited && wanted == framing;
        // Chunks of HTTP/1.0 may have passed somebody who knows none.
        let may_persist = may_persist && !(head.is_framing_doubtful && head.version == Version::Http10);
        let client_persists = self.request.keeps_alive && self.request.body.is_done() && may_persist;
        let connection = match (client_persists, self.request.version) {
            (false, _) => ConnectionField::Close,
            (true, Version::Http10) => ConnectionField::KeepAlive,
            (true, Version::Http11) => ConnectionField::Omit,
        };
        let mut out = worker.buffers.out.borrow_mut();
        out.clear();
        let rest = &bytes[head.length..];
        let mut body = Body::from(framing);
        let taken = body.advance(rest).map_err(|_| self.failure(By::Server, Cause::Abort))?;
        let is_last = self.has_server_ended || bytes.len() >= self.frontend.max_head;
        let arrived = Arrived { bytes: &rest[..taken], framing, is_whole: body.is_done(), is_last };
        self.note_answer(session, head, taken);
        let responded = rules::respond(
            session,
            self.frontend,
            self.backend,
            (bytes, head, arrived),
            (connection, Some(&*self.request)),
            &mut out,
        );
        if self.park(bytes, responded, worker, now) {
            return Ok(());
        }
        (self.status, self.server_status, self.answered) = (head.status, head.status, Some(now));
        self.head_growth = out.len() as i64 - head.length as i64;
        let server_persists = head.keeps_alive() && is_delimited && sent == framing;
        let server_persists = server_persists && !self.frontend.closes_server(self.backend);
        (self.client_persists, self.server_persists) = (client_persists, server_persists);
        self.download = Body::from(framing);
        self.stage = Stage::Body;
        self.take_body(rest)?;
        if self.takes(responded, session, &mut out) {
            self.log_early(session, out.len() + taken, now);
            if framing == BodyFraming::Chunked && self.frontend.manners.drops_response_trailers {
                let (mut scanner, mut kept) = (ChunkScanner::default(), worker.buffers.chunk());
                // It has been scanned.
                let _ = scanner.write_without_trailers(&rest[..taken], kept.storage());
                self.trailers = Some(scanner);
                return self.send_head(worker, session, context, &mut out, &kept);
            }
            return self.send_head(worker, session, context, &mut out, &rest[..taken]);
        }
        self.send_head(worker, session, context, &mut out, &[])
    }

    /// Tells rules what they may ask of the response; `bytes` came of its body.
    fn note_answer(&self, session: &mut Session, head: &Head, bytes: usize) {
        let answered = Answered {
            status: head.status,
            bytes_in: self.request.received_bytes + self.bytes_in,
            bytes_to_server: self.bytes_to_server(),
            bytes_from_server: (head.length + bytes) as u64,
        };
        session.note_answer(self.frontend, &self.server, answered);
    }

    /// Writes the line now if it is to be early: `bytes` are what there is of the response.
    fn log_early(&mut self, session: &mut Session, bytes: usize, now: Instant) {
        let Some(Early { effort, server_connections }) = self.early.take() else { return };
        let ending = Ending {
            started: Some(self.request.started),
            received: Some(self.request.received),
            effort,
            answered: self.answered,
            status: self.status,
            server_status: self.server_status,
            bytes_in: self.request.received_bytes + self.bytes_in,
            bytes_out: bytes as u64,
            bytes_to_server: self.bytes_to_server(),
            bytes_from_server: (bytes as u64).saturating_add_signed(-self.head_growth),
            server_connections,
            number: self.request.number,
            is_early: self.frontend.running.model.logged.is_early,
            origin: Origin::Response,
            ..Ending::new(self.request.began, now)
        };
        let line = self.request.held.all().get(..self.request.line_length);
        log::write(session, self.frontend, Some(self.backend), &ending, line);
    }

    /// Keeps what came of a response until its rules go on. `false` if they do not wait.
    fn park(&mut self, bytes: &[u8], responded: Responded, worker: &Worker, now: Instant) -> bool {
        let parked = match responded {
            Responded::Forwarded { .. } | Responded::Answered { .. } => return false,
            Responded::Listens { until } => Parked { until, wants: Wants::More(bytes.len()) },
            Responded::Waits(Wait::Body { time, at_least }) => {
                Parked { until: now + time, wants: Wants::Body(at_least) }
            }
            Responded::Waits(Wait::Pause(time)) => Parked { until: now + time, wants: Wants::Time },
            Responded::Waits(Wait::Data | Wait::Handshake | Wait::Name | Wait::Line) => {
                Parked { until: now, wants: Wants::Time }
            }
        };
        self.input = Some(worker.buffers.chunk_of(bytes));
        self.parked = Some(parked);
        true
    }

    /// Notes what rules made of the head, and adds what the client is told of its server. `false` if they put a whole
    /// response of ours in its place: then nothing more of the server's is wanted.
    fn takes(&mut self, responded: Responded, session: &Session, out: &mut Vec<u8>) -> bool {
        match responded {
            Responded::Forwarded { status, has_cookies } => {
                self.status = status;
                if let Some((persistence, server)) = &mut self.persistence {
                    let answer = Answer { request: self.request.held.all(), status, has_cookies };
                    persistence.answer(session, self.backend, *server, answer, out);
                }
                true
            }
            Responded::Answered { by, status, persists } => {
                self.status = status;
                // The server's does not count, as in HAProxy's lines.
                self.answered = None;
                self.stage = Stage::Done;
                (self.client_persists, self.server_persists) = (persists, false);
                self.refusal = Some(Failure::new(by, Cause::Abort, Phase::Headers));
                false
            }
            Responded::Waits(_) | Responded::Listens { .. } => false,
        }
    }
}
