//! One request and its response over one server connection: both bodies at once, driven from one poll.
//!
//! This file has the state and the poll; [`upload`] moves the request, [`download`] the response, whose head [`response`]
//! understands. It never chooses a server and never tries again: `stream` does.

mod upload;
mod download;
mod response;

use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use crate::http::{Body, ChunkScanner};
use crate::model::options::RetryOn;
use crate::rule::action::Timeout;
use crate::time::Instant;

use super::super::buffers::Chunk;
use super::super::connect::Effort;
use super::super::failure::{By, Cause, Failure, Phase, Retry};
use super::super::local::{LocalBackend, LocalFrontend, Worker};
use super::super::persistence::Persistence;
use super::super::session::{Interrupt, Session};
use super::super::socket::Socket;
use super::super::splice::BorrowedPipe;
use super::super::throttle::{self, Throttle};
use super::Request;

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

/// A response that rules keep back.
#[derive(Clone, Copy, Debug)]
struct Parked {
    until: Instant,
    wants: Wants,
}

/// What a response that is kept back waits for.
#[derive(Clone, Copy, Debug)]
enum Wants {
    /// The time alone.
    Time,
    /// So many bytes of the body, 0 for all of it.
    Body(usize),
    /// More bytes than these.
    More(usize),
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
    /// `input` is a whole head, and more, that rules keep back.
    parked: Option<Parked>,
    /// The server closed while rules kept its response back.
    has_server_ended: bool,
    /// What limits make wait, of each direction.
    up: Throttle,
    down: Throttle,
    download: Body,
    /// Where the body stands whose trailers the client does not get.
    trailers: Option<ChunkScanner>,
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
    /// Bytes of the request as it was sent to the server at first.
    sent_at_once: u64,
    /// By how much the head that the client gets is longer than the server's.
    head_growth: i64,
    /// A rule replaced the response.
    pub(super) refusal: Option<Failure>,
    /// What the client is told of its server, and the server's number.
    persistence: Option<(&'a mut Persistence, usize)>,
    /// Status code of the server's response.
    pub(super) server_status: u16,
    /// Taken when the line is written, with the response's head.
    pub(super) early: Option<Early>,
    /// Failures after which the request may be sent again; `None` never, or not any more.
    again: Option<&'a RetryOn>,
    /// Whether it ends when the client leaves.
    gives_up: bool,
}

/// What a line needs that is written before the response has been sent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Early {
    pub(super) effort: Effort,
    pub(super) server_connections: usize,
}

impl<'a> Exchange<'a> {
    pub(super) fn new(
        server: Socket,
        request: &'a mut Request,
        is_reused: bool,
        frontend: &'a LocalFrontend,
        backend: &'a LocalBackend,
    ) -> Exchange<'a> {
        let sent_at_once = request.held.all().len() as u64;
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
            parked: None,
            has_server_ended: false,
            up: Throttle::default(),
            down: Throttle::default(),
            download: Body::Done,
            trailers: None,
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
            sent_at_once,
            head_growth: 0,
            refusal: None,
            server_status: 0,
            early: None,
            again: None,
            gives_up: backend.manners.gives_up || frontend.manners.gives_up,
            persistence: None,
        }
    }

    /// The request may be sent again after these failures.
    pub(super) fn retry_on(&mut self, failures: &'a RetryOn) {
        self.again = Some(failures);
    }

    /// Whether nothing of a response was passed on, and the request may be sent again where `has` finds this failure.
    fn may_repeat(&self, has: impl FnOnce(&RetryOn) -> bool) -> bool {
        self.stage == Stage::Head && self.bytes_out == 0 && self.again.is_some_and(has)
    }

    /// Tells the client in the response which server it has.
    pub(super) fn persist(&mut self, persistence: &'a mut Persistence, server: usize) {
        self.persistence = Some((persistence, server));
    }

    /// Bytes that went to the server.
    pub(super) fn bytes_to_server(&self) -> u64 {
        self.sent_at_once + self.bytes_in
    }

    /// Bytes that came from the server and were passed on.
    pub(super) fn bytes_from_server(&self) -> u64 {
        if self.stage == Stage::Head { 0 } else { self.bytes_out.saturating_add_signed(-self.head_growth) }
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
            if let Some(parked) = self.parked {
                // Its own time counts, and the timeouts begin anew after it.
                moved = u64::MAX;
                session.set_deadline(parked.until);
                return Poll::Pending;
            }
            if let Some(until) = throttle::first(self.up.until, self.down.until) {
                // Who waits for a limit is not silent.
                moved = u64::MAX;
                session.set_deadline(until);
                return Poll::Pending;
            }
            let before = std::mem::replace(&mut waits, self.waits());
            let total = self.bytes_in + self.spliced_up + self.bytes_out + self.request.held.len() as u64;
            if total != moved || before != waits {
                moved = total;
                let (timeout, _) = self.limit(waits, session);
                session.set_deadline(now + timeout);
            } else if interrupt == Some(Interrupt::Expired) {
                let (_, by) = self.limit(waits, session);
                let mut failure = self.failure(by, Cause::Timeout);
                if by == By::Server && self.may_repeat(|on| on.timeout) {
                    failure.retry = Retry::Again;
                }
                return Poll::Ready(Err(failure));
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
        let downloaded = self.poll_download(worker, session, context, now);
        if downloaded.is_pending() && self.gives_up && self.stage == Stage::Head && self.has_left(session, context) {
            return Poll::Ready(Err(self.failure(By::Client, Cause::Abort)));
        }
        ready!(downloaded)?;
        let is_uploaded = self.request.body.is_done() && !self.is_upload_blocked();
        self.server_persists &= is_uploaded && !self.is_upload_broken;
        let ended = match self.stage {
            Stage::Switched => Ended::Tunnel,
            _ if self.client_persists && is_uploaded => Ended::KeepAlive,
            _ => Ended::Close,
        };
        Poll::Ready(Ok(ended))
    }

    /// Whether the client has gone while its response is awaited. Wakes when it goes, unless it has sent more.
    fn has_left(&self, session: &mut Session, context: &mut Context<'_>) -> bool {
        let is_uploaded = self.request.body.is_done() && session.input.is_none();
        is_uploaded && session.client.poll_ended(context).is_ready()
    }

    /// How long everything may be silent, and whose fault that is then. Before the response has begun the server's time
    /// runs too, as in HAProxy, whether the request is complete or not.
    fn limit(&self, waits: Waits, session: &Session) -> (Duration, By) {
        let client = session.limit(Timeout::Client, self.frontend.running.model.timeouts.client);
        let server = session.limit(Timeout::Server, self.backend.running.model.timeouts.server);
        match waits {
            Waits::Client if self.stage != Stage::Head || client < server => (client, By::Client),
            Waits::Client | Waits::Server => (server, By::Server),
        }
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
        // What came before the end is no whole head.
        let has_begun = self.input.is_some();
        if self.may_repeat(|on| if has_begun { on.junk_response || on.empty_response } else { on.empty_response }) {
            failure.retry = Retry::Again;
        }
        failure
    }
}

fn holds_bytes(pipe: Option<&BorrowedPipe>) -> bool {
    pipe.is_some_and(|pipe| pipe.buffered() > 0)
}
