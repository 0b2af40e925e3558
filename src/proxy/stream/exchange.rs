//! One request and its response over one server connection: both bodies at once, driven from one poll.

use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

use crate::http::{
    Body, BodyFraming, ConnectionField, Head, Method, Parsed, Version, is_head_complete, parse_response, write_response,
};
use crate::time::Instant;

use super::super::buffers::{Chunk, MAX_HEAD, SMALL_READ};
use super::super::failure::{By, Cause, Failure, Phase, Retry};
use super::super::local::{LocalBackend, LocalFrontend, Worker};
use super::super::rules::{self, Responded};
use super::super::session::{Interrupt, Session};
use super::super::socket::Socket;
use super::super::splice::{self, BULK, BorrowedPipe, Broken};
use super::Request;

/// Body bytes up to which head and body are copied together for one send; above, they are sent as two slices.
const JOIN: usize = 4096;

/// How a stream ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// The client may send its next request.
    KeepAlive,
    /// The client connection closes.
    Close,
    /// Both connections carry another protocol now.
    Tunnel,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Head,
    Body,
    Done,
    Switched,
}

/// Who keeps the others waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Waits {
    Client,
    Server,
}

/// The state of an exchange.
#[derive(Debug)]
pub(super) struct Exchange<'a> {
    pub(super) server: Socket,
    request: &'a mut Request,
    frontend: &'a LocalFrontend,
    backend: &'a LocalBackend,
    is_reused: bool,
    /// The server does not take the request any more; it may still answer.
    is_upload_broken: bool,
    /// Bytes read from the client and not yet written.
    pub(super) to_server: Option<Chunk>,
    stage: Stage,
    /// An incomplete response head.
    input: Option<Chunk>,
    /// Bytes of `input` that hold no end of a head.
    seen: usize,
    download: Body,
    /// Bytes read from the server and not yet written.
    pub(super) to_client: Option<Chunk>,
    /// The last write to the client was short: read less at once.
    is_client_slow: bool,
    /// Bytes that the last read of the request's body brought.
    read_up: usize,
    upload_pipe: Option<BorrowedPipe>,
    /// Bytes that left the upload's pipe.
    spliced_up: u64,
    download_pipe: Option<BorrowedPipe>,
    /// Bytes that entered the download's pipe.
    spliced_down: u64,
    /// Bytes that the last read of the response's body brought.
    read_down: usize,
    client_persists: bool,
    pub(super) server_persists: bool,
    pub(super) status: u16,
    pub(super) answered: Option<Instant>,
    /// Bytes read from the client since the exchange began. While there are none, what was sent is still held.
    pub(super) bytes_in: u64,
    pub(super) bytes_out: u64,
    /// A rule replaced the response.
    pub(super) refusal: Option<Failure>,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        server: Socket,
        request: &'a mut Request,
        is_reused: bool,
        frontend: &'a LocalFrontend,
        backend: &'a LocalBackend,
    ) -> Exchange<'a> {
        Exchange {
            server,
            request,
            frontend,
            backend,
            is_reused,
            is_upload_broken: false,
            to_server: None,
            stage: Stage::Head,
            input: None,
            seen: 0,
            download: Body::Done,
            to_client: None,
            is_client_slow: false,
            read_up: 0,
            upload_pipe: None,
            spliced_up: 0,
            download_pipe: None,
            spliced_down: 0,
            read_down: 0,
            client_persists: false,
            server_persists: false,
            status: 0,
            answered: None,
            bytes_in: 0,
            bytes_out: 0,
            refusal: None,
        }
    }

    pub(super) fn into_stream(self) -> Socket {
        self.server
    }

    /// Runs until the response is with the client.
    pub(super) async fn run(&mut self, session: &mut Session) -> Result<Ended, Failure> {
        let worker = session.worker.clone();
        session.set_deadline(Instant::FAR_FUTURE);
        let mut moved = u64::MAX;
        let mut waits = Waits::Server;
        poll_fn(|context| {
            let now = session.now();
            let interrupt = session.interrupt(context, now);
            if interrupt == Some(Interrupt::Killed) {
                return Poll::Ready(Err(self.failure(By::Killed, Cause::Abort)));
            }
            let polled = self.poll(&worker, session, context, now);
            if polled.is_ready() {
                return polled;
            }
            let before = std::mem::replace(&mut waits, self.waits());
            let total = self.bytes_in + self.spliced_up + self.bytes_out + self.request.held.len() as u64;
            if total != moved || before != waits {
                moved = total;
                let timeout = match waits {
                    Waits::Client => self.frontend.running.model.timeouts.client,
                    Waits::Server => self.backend.running.model.timeouts.server,
                };
                session.set_deadline(now + timeout);
            } else if interrupt == Some(Interrupt::Expired) {
                let by = if waits == Waits::Client { By::Client } else { By::Server };
                return Poll::Ready(Err(self.failure(by, Cause::Timeout)));
            }
            Poll::Pending
        })
        .await
    }

    fn poll(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<Ended, Failure>> {
        if let Poll::Ready(Err(failure)) = self.poll_upload(worker, session, context) {
            return Poll::Ready(Err(failure));
        }
        ready!(self.poll_download(worker, session, context, now))?;
        let is_uploaded = self.request.body.is_done() && !self.is_upload_blocked();
        self.server_persists &= is_uploaded && !self.is_upload_broken;
        let ended = match self.stage {
            Stage::Switched => Ended::Tunnel,
            _ if self.client_persists && is_uploaded => Ended::KeepAlive,
            _ => Ended::Close,
        };
        Poll::Ready(Ok(ended))
    }

    fn waits(&self) -> Waits {
        let wants_upload = !self.request.body.is_done() && !self.is_upload_broken;
        let is_download_blocked = self.to_client.is_some() || holds_bytes(self.download_pipe.as_ref());
        if is_download_blocked || (wants_upload && !self.is_upload_blocked()) { Waits::Client } else { Waits::Server }
    }

    fn is_upload_blocked(&self) -> bool {
        !self.request.held.is_empty() || self.to_server.is_some() || holds_bytes(self.upload_pipe.as_ref())
    }

    pub(super) fn failure(&self, by: By, cause: Cause) -> Failure {
        let at = if self.stage == Stage::Head { Phase::Headers } else { Phase::Data };
        Failure::new(by, cause, at)
    }

    /// The server closed or broke the connection.
    fn server_failure(&self) -> Failure {
        let mut failure = self.failure(By::Server, Cause::Abort);
        let has_no_answer = self.stage == Stage::Head && self.input.is_none() && self.bytes_out == 0;
        if self.is_reused && has_no_answer && self.bytes_in == 0 && self.request.method.is_idempotent() {
            failure.retry = Retry::Safe;
        }
        failure
    }

    /// Sends what is held of the request, then the rest of its body as it comes.
    fn poll_upload(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        while !self.is_upload_broken {
            for chunk in [Some(&mut self.request.held), self.to_server.as_mut()].into_iter().flatten() {
                if !chunk.is_empty() && ready!(self.server.poll_flush(context, chunk)).is_err() {
                    // It may have answered before it closed: the download finds out.
                    self.is_upload_broken = true;
                    return Poll::Pending;
                }
            }
            self.to_server = None;
            if self.upload_pipe.is_none()
                && self.read_up >= BULK
                && splice::is_worthwhile(&self.request.body, self.read_up)
            {
                self.upload_pipe = worker.pipes.take();
            }
            if let Some(pipe) = self.upload_pipe.take() {
                ready!(self.poll_splice_up(pipe, session, context))?;
                continue;
            }
            if self.request.body.is_done() {
                break;
            }
            let mut scratch = worker.buffers.scratch.borrow_mut();
            let count = match ready!(session.client.poll_read(context, &mut scratch[..])) {
                Ok(count) if count > 0 => count,
                _ => return Poll::Ready(Err(self.failure(By::Client, Cause::Abort))),
            };
            let Ok(taken) = self.request.body.advance(&scratch[..count]) else {
                session.worker.counters.bad_messages.add(1);
                return Poll::Ready(Err(Failure::new(By::Proxy, Cause::Abort, Phase::Request)));
            };
            self.bytes_in += taken as u64;
            self.read_up = count;
            if taken < count {
                session.input = Some(worker.buffers.chunk_of(&scratch[taken..count]));
            }
            match self.server.poll_write(context, &scratch[..taken]) {
                Poll::Ready(Ok(written)) if written == taken => {}
                Poll::Ready(Ok(written)) => self.to_server = Some(worker.buffers.chunk_of(&scratch[written..taken])),
                Poll::Ready(Err(_)) => self.is_upload_broken = true,
                Poll::Pending => self.to_server = Some(worker.buffers.chunk_of(&scratch[..taken])),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Moves what the client sends of a large body.
    fn poll_splice_up(
        &mut self,
        mut pipe: BorrowedPipe,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let sockets = [&mut session.client, &mut self.server];
        let counts = [&mut self.bytes_in, &mut self.spliced_up];
        match splice::poll_body(&mut pipe, &mut self.request.body, sockets, counts, context) {
            Poll::Ready(Ok(())) => return Poll::Ready(Ok(())),
            Poll::Ready(Err(Broken::Source)) => return Poll::Ready(Err(self.failure(By::Client, Cause::Abort))),
            Poll::Ready(Err(Broken::Sink)) => self.is_upload_broken = true,
            Poll::Pending => {}
        }
        self.upload_pipe = Some(pipe);
        Poll::Pending
    }

    fn poll_download(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<(), Failure>> {
        loop {
            if let Some(chunk) = &mut self.to_client {
                let before = chunk.len();
                let flushed = session.client.poll_flush(context, chunk);
                self.bytes_out += (before - chunk.len()) as u64;
                if ready!(flushed).is_err() {
                    return Poll::Ready(Err(self.failure(By::Client, Cause::Abort)));
                }
                self.to_client = None;
            }
            match self.stage {
                Stage::Done | Stage::Switched => return Poll::Ready(Ok(())),
                Stage::Head => ready!(self.poll_head(worker, session, context, now))?,
                Stage::Body => {
                    if self.download_pipe.is_none() && splice::is_worthwhile(&self.download, self.read_down) {
                        self.download_pipe = worker.pipes.take();
                    }
                    match self.download_pipe.take() {
                        Some(pipe) => ready!(self.poll_splice_down(pipe, session, context))?,
                        None => ready!(self.poll_body(worker, session, context))?,
                    }
                }
            }
        }
    }

    /// Reads until a head is complete, and sends it on with what came of the body.
    fn poll_head(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        now: Instant,
    ) -> Poll<Result<(), Failure>> {
        let mut scratch = worker.buffers.scratch.borrow_mut();
        let count = match ready!(self.server.poll_read(context, &mut scratch[..])) {
            Ok(count) if count > 0 => count,
            _ => return Poll::Ready(Err(self.server_failure())),
        };
        let Some(mut input) = self.input.take() else {
            return Poll::Ready(self.look(&scratch[..count], worker, session, context, now));
        };
        input.push(&scratch[..count]);
        if is_head_complete(&input, self.seen) {
            return Poll::Ready(self.look(&input, worker, session, context, now));
        }
        if input.len() > MAX_HEAD {
            return Poll::Ready(Err(self.failure(By::Proxy, Cause::Abort)));
        }
        self.seen = input.len();
        self.input = Some(input);
        Poll::Ready(Ok(()))
    }

    /// Parses what is there of a response; interim responses are sent on one by one.
    fn look(
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

    /// How many of these bytes of the server belong to the body.
    fn take_body(&mut self, bytes: &[u8]) -> Result<usize, Failure> {
        let taken = self.download.advance(bytes).map_err(|_| self.failure(By::Server, Cause::Abort))?;
        if taken < bytes.len() {
            // Bytes that nobody asked for: the connection is out of step.
            self.server_persists = false;
        }
        if self.download.is_done() {
            self.stage = Stage::Done;
        }
        Ok(taken)
    }

    /// Moves what the server sends of a large body.
    fn poll_splice_down(
        &mut self,
        mut pipe: BorrowedPipe,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let sockets = [&mut self.server, &mut session.client];
        let counts = [&mut self.spliced_down, &mut self.bytes_out];
        match splice::poll_body(&mut pipe, &mut self.download, sockets, counts, context) {
            Poll::Ready(Ok(())) => {}
            Poll::Ready(Err(Broken::Source)) => return Poll::Ready(Err(self.failure(By::Server, Cause::Abort))),
            Poll::Ready(Err(Broken::Sink)) => return Poll::Ready(Err(self.failure(By::Client, Cause::Abort))),
            Poll::Pending => {
                self.download_pipe = Some(pipe);
                return Poll::Pending;
            }
        }
        if self.download.is_done() {
            self.stage = Stage::Done;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_body(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
    ) -> Poll<Result<(), Failure>> {
        let mut scratch = worker.buffers.scratch.borrow_mut();
        let limit = if self.is_client_slow { SMALL_READ } else { scratch.len() };
        let count = match ready!(self.server.poll_read(context, &mut scratch[..limit])) {
            Ok(0) if matches!(self.download, Body::UntilClose) => {
                self.stage = Stage::Done;
                return Poll::Ready(Ok(()));
            }
            Ok(count) if count > 0 => count,
            _ => return Poll::Ready(Err(self.failure(By::Server, Cause::Abort))),
        };
        self.read_down = count;
        let taken = self.take_body(&scratch[..count])?;
        Poll::Ready(self.send(worker, session, context, &scratch[..taken], &[]))
    }

    /// Writes to the client and keeps what it does not take.
    fn send(
        &mut self,
        worker: &Worker,
        session: &mut Session,
        context: &mut Context<'_>,
        first: &[u8],
        second: &[u8],
    ) -> Result<(), Failure> {
        if let Some(waiting) = &mut self.to_client {
            waiting.push(first);
            waiting.push(second);
            return Ok(());
        }
        let total = first.len() + second.len();
        let written = match write_two(&mut session.client, context, worker, first, second) {
            Poll::Ready(Ok(written)) => written,
            Poll::Ready(Err(_)) => return Err(self.failure(By::Client, Cause::Abort)),
            Poll::Pending => 0,
        };
        self.bytes_out += written as u64;
        self.is_client_slow = written < total;
        if written < total {
            let mut chunk = worker.buffers.chunk_of(first.get(written..).unwrap_or_default());
            chunk.push(&second[written.saturating_sub(first.len())..]);
            self.to_client = Some(chunk);
        }
        Ok(())
    }
}

fn holds_bytes(pipe: Option<&BorrowedPipe>) -> bool {
    pipe.is_some_and(|pipe| pipe.buffered() > 0)
}

/// Writes two slices with one system call.
fn write_two(
    stream: &mut Socket,
    context: &mut Context<'_>,
    worker: &Worker,
    first: &[u8],
    second: &[u8],
) -> Poll<io::Result<usize>> {
    if second.is_empty() {
        return stream.poll_write(context, first);
    }
    if second.len() <= JOIN {
        let mut joined = worker.buffers.joined.borrow_mut();
        joined.clear();
        joined.extend_from_slice(first);
        joined.extend_from_slice(second);
        return stream.poll_write(context, &joined);
    }
    stream.poll_write_two(context, first, second)
}
