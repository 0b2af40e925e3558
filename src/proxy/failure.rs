//! Why a stream ended before its end: who, where, whether to try again. Termination state, status and the retry
//! decision fall out of it.

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum By {
    Client,
    Server,
    Proxy,
    /// Nobody's: a rule answered.
    Local,
    /// The proxy was told to close (drain, address gone).
    Killed,
    /// The configuration's: it asks for what the request does not have.
    Internal,
}

/// How it showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    /// The connection was closed, reset or refused, or what came was not valid.
    Abort,
    /// A timeout passed.
    Timeout,
    /// We had no address or port of our own for it.
    Lack,
}

/// What the stream was doing (HAProxy manual §8.5, second character).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    Request,
    Queue,
    Connect,
    Headers,
    Data,
    Tarpit,
}

/// Whether the request may be sent to another connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Retry {
    Never,
    /// Nothing of a response was seen and the request is still held.
    Safe,
    /// `retry-on` says so: it counts as one of the retries.
    Again,
}

/// A failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Failure {
    pub(super) by: By,
    pub(super) cause: Cause,
    pub(super) at: Phase,
    pub(super) retry: Retry,
}

impl Failure {
    pub(super) fn new(by: By, cause: Cause, at: Phase) -> Failure {
        Failure { by, cause, at, retry: Retry::Never }
    }

    /// The two characters of HAProxy's termination state.
    pub(super) fn state(self) -> [u8; 2] {
        let first = match (self.by, self.cause) {
            (By::Client, Cause::Abort | Cause::Lack) => b'C',
            (By::Client, Cause::Timeout) => b'c',
            (By::Server, Cause::Abort | Cause::Lack) => b'S',
            (By::Server, Cause::Timeout) => b's',
            (By::Proxy, _) => b'P',
            (By::Local, _) => b'L',
            (By::Killed, _) => b'K',
            (By::Internal, _) => b'I',
        };
        let second = match self.at {
            Phase::Request => b'R',
            Phase::Queue => b'Q',
            Phase::Connect => b'C',
            Phase::Headers => b'H',
            Phase::Data => b'D',
            Phase::Tarpit => b'T',
        };
        [first, second]
    }

    /// The status to answer with while nothing has been answered; `None` closes without a word.
    pub(super) fn status(self) -> Option<u16> {
        match (self.by, self.cause, self.at) {
            (By::Killed | By::Local, ..) | (By::Client, Cause::Abort | Cause::Lack, _) => None,
            (By::Client, Cause::Timeout, _) => Some(408),
            (By::Internal, ..) => Some(500),
            (By::Proxy, _, Phase::Request | Phase::Data | Phase::Tarpit) => Some(400),
            (_, _, Phase::Queue | Phase::Connect) => Some(503),
            (By::Server, Cause::Timeout, _) => Some(504),
            (By::Server | By::Proxy, ..) => Some(502),
        }
    }
}
