//! What a connection says of itself before its first byte: a PROXY header (HAProxy manual §5.1 "accept-proxy").
//!
//! The header takes `timeout client-hs`, or `timeout client` where that is not set. What is no header closes the
//! connection and leaves a line in the words of HAProxy.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::task::{Poll, ready};
use std::time::Duration;

use crate::wire::proxy_protocol::{self, AUTHORITY, HeaderError, LONGEST, NAMESPACE, UNIQUE_ID};

use super::buffers::SMALL_READ;
use super::log;
use super::session::{Interrupt, Session};

/// How a connection came in, where that differs from what its socket says.
#[derive(Debug, Default)]
pub(super) struct Arrival {
    /// What the header said: the client, and what it connected to.
    pub(super) addresses: Option<(SocketAddr, SocketAddr)>,
    /// What `tcp-request connection` made of our end.
    pub(super) local: Option<SocketAddr>,
    /// Whether there was a header.
    pub(super) has_header: bool,
    /// What was wrong with it.
    pub(super) error: Option<Greeted>,
    /// Its values by type.
    values: Box<[u8]>,
    /// How long it took (`%Th`).
    pub(super) handshake: Duration,
}

impl Arrival {
    /// A value of the header by its type.
    pub(super) fn value(&self, kind: u8) -> Option<&[u8]> {
        proxy_protocol::value(&self.values, kind)
    }

    /// The host name that the client asked for.
    pub(super) fn authority(&self) -> Option<&[u8]> {
        self.value(AUTHORITY)
    }

    /// The id that the proxy in front gave the connection.
    pub(super) fn unique_id(&self) -> Option<&[u8]> {
        self.value(UNIQUE_ID)
    }

    /// The network namespace of the client.
    pub(super) fn namespace(&self) -> Option<&str> {
        self.value(NAMESPACE).and_then(|name| std::str::from_utf8(name).ok())
    }
}

/// Why there is no header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Greeted {
    /// The client closed without a byte.
    Empty,
    /// The connection broke.
    Broken,
    /// It did not come in time.
    Late,
    /// The client closed in the middle of it.
    Truncated,
    /// What came is none.
    Wrong(HeaderError),
    /// The worker wants the connection closed.
    Killed,
}

impl Greeted {
    /// In HAProxy's words.
    pub(super) fn words(self) -> &'static str {
        match self {
            Greeted::Empty => "Connection closed while waiting for PROXY protocol header",
            Greeted::Broken | Greeted::Killed => "Connection error while waiting for PROXY protocol header",
            Greeted::Late => "Timeout while waiting for PROXY protocol header",
            Greeted::Truncated => "Truncated PROXY protocol header received",
            Greeted::Wrong(HeaderError::NoHeader) => {
                "Received something which does not look like a PROXY protocol header"
            }
            Greeted::Wrong(HeaderError::UnknownProtocol) => {
                "Received an unhandled protocol in the PROXY protocol header"
            }
            Greeted::Wrong(_) => "Received an invalid PROXY protocol header",
        }
    }

    /// HAProxy's number and name of it (manual §7.3.3 "fc_err_str").
    pub(super) fn code(self) -> (i64, &'static str) {
        match self {
            Greeted::Empty => (11, "PRX_EMPTY"),
            Greeted::Broken | Greeted::Killed => (12, "PRX_ABORT"),
            Greeted::Late => (13, "PRX_TIMEOUT"),
            Greeted::Truncated => (14, "PRX_TRUNCATED"),
            Greeted::Wrong(HeaderError::NoHeader) => (15, "PRX_NOT_HDR"),
            Greeted::Wrong(HeaderError::UnknownProtocol) => (17, "PRX_BAD_PROTO"),
            Greeted::Wrong(_) => (16, "PRX_BAD_HDR"),
        }
    }

    /// Whether `option dontlognull` leaves the line out.
    pub(super) fn is_nothing(self) -> bool {
        matches!(self, Greeted::Empty | Greeted::Broken | Greeted::Killed)
    }
}

/// Reads the header. `None` if the connection ends here.
pub(super) async fn greet(mut session: Box<Session>) -> Option<Box<Session>> {
    let frontend = session.frontend();
    let timeouts = &frontend.running.model.timeouts;
    session.set_deadline(session.accepted + timeouts.handshake.unwrap_or(timeouts.client));
    match read(&mut session).await {
        Ok(()) => {
            session.arrival().handshake = session.now().since(session.accepted);
            Some(session)
        }
        Err(why) => {
            if matches!(why, Greeted::Wrong(_) | Greeted::Truncated) {
                session.worker.counters.bad_messages.add(1);
            }
            session.arrival().error = Some(why);
            log::write_greeting(&mut session, &frontend, why);
            None
        }
    }
}

async fn read(session: &mut Session) -> Result<(), Greeted> {
    poll_fn(|context| {
        let worker = session.worker.clone();
        loop {
            match session.interrupt(context, session.now()) {
                Some(Interrupt::Killed) => return Poll::Ready(Err(Greeted::Killed)),
                Some(Interrupt::Expired) => return Poll::Ready(Err(Greeted::Late)),
                None => {}
            }
            let mut scratch = worker.buffers.scratch.borrow_mut();
            let kept = session.input.as_ref().map_or(0, |input| input.len());
            let room = (LONGEST + SMALL_READ - kept).min(SMALL_READ);
            let count = match ready!(session.client.poll_read(context, &mut scratch[..room])) {
                Ok(0) if kept == 0 => return Poll::Ready(Err(Greeted::Empty)),
                Ok(0) => return Poll::Ready(Err(Greeted::Truncated)),
                Ok(count) => count,
                Err(_) => return Poll::Ready(Err(Greeted::Broken)),
            };
            let mut input = session.input.take().unwrap_or_else(|| worker.buffers.chunk());
            input.push(&scratch[..count]);
            let parsed = proxy_protocol::parse(&input).map(|header| {
                header.map(|header| {
                    let arrival = session.arrival();
                    arrival.addresses = header.addresses;
                    arrival.values = header.values.into();
                    arrival.has_header = true;
                    header.length
                })
            });
            match parsed {
                Ok(Some(length)) => input.consume(length),
                Ok(None) => {}
                Err(why) => return Poll::Ready(Err(Greeted::Wrong(why))),
            }
            session.input = Some(input).filter(|input| !input.is_empty());
            if session.arrival().has_header {
                return Poll::Ready(Ok(()));
            }
        }
    })
    .await
}
