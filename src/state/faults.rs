//! The last message of a proxy that was none: what `show errors` tells.
//!
//! A worker that refuses a message keeps a copy of it, in place of the last one; it never waits for another thread: while
//! somebody reads, it keeps nothing. Requests are kept by their frontend, responses by their backend.

use std::net::SocketAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

/// A message that was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// How many there were before it.
    pub number: u64,
    /// On the wall clock, since 1970.
    pub at: Duration,
    /// Name of the proxy on the other side, if there was one.
    pub other: Option<String>,
    /// Name and number of the server.
    pub server: Option<(String, u32)>,
    /// The client.
    pub source: SocketAddr,
    /// What had come of the message.
    pub bytes: Vec<u8>,
    /// The byte to blame.
    pub place: usize,
}

/// The last one.
#[derive(Debug, Default)]
pub struct LastFault(Mutex<Option<Fault>>);

impl LastFault {
    /// Keeps this one in place of the last.
    pub fn keep(&self, fault: Fault) {
        if let Ok(mut last) = self.0.try_lock() {
            *last = Some(fault);
        }
    }

    /// The last one.
    pub fn last(&self) -> Option<Fault> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
