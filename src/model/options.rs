//! Options of servers and backends beyond what every proxy has; their defaults are HAProxy's.

use std::time::Duration;

use super::balance::{HashKey, Hashing};
use super::cookie::Cookie;

/// Options of a server.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServerOptions {
    /// Its number in the backend, 1-: what stands for it in hashes, and its turn in `balance first`.
    pub id: u32,
    /// What stands for it in consistent hashes.
    pub hash_key: HashKey,
    /// Time in which its weight and limits grow once it has come up; zero is at once.
    pub slowstart: Duration,
    /// Its `maxconn` while the backend has nothing to do, 1-; `None` is `maxconn` always.
    pub minconn: Option<usize>,
    /// What stands for it in the backend's cookie; `None` has no cookie.
    pub cookie: Option<String>,
}

/// Which retries may go to another server (HAProxy's `option redispatch <interval>`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Interval {
    /// Every so many, 1-.
    Every(u32),
    /// Counted from the last one backwards, 1-: 1 is the last.
    BeforeLast(u32),
}

impl Default for Interval {
    fn default() -> Interval {
        Interval::BeforeLast(1)
    }
}

/// Options of a backend.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BackendOptions {
    /// What becomes of hashes.
    pub hashing: Hashing,
    /// Whether all backup servers stand in at once (`option allbackups`).
    pub all_backups: bool,
    /// Streams at which servers with a `minconn` reach their `maxconn`, 1-.
    pub fullconn: Option<usize>,
    /// Which retries may go to another server, where redispatch is on.
    pub redispatch_interval: Interval,
    /// The cookie by which clients come back to their server.
    pub cookie: Option<Cookie>,
    /// What the values of a `dynamic` cookie are made of, beside the servers' addresses.
    pub dynamic_cookie_key: Option<String>,
    /// Whether clients come back to a server that is down, too (`option persist`).
    pub persists: bool,
}
