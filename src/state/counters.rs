//! Counters of the data path.
//!
//! Each worker writes its own shard with relaxed operations, readers sum over shards, so no cache line is contended and
//! a sum may be a few microseconds old. Counters never go down, except when the operator clears them.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::time::Instant;

use super::rate::{self, RateCell, over_the_last_second};

/// A number that one worker writes and others read.
#[derive(Debug, Default)]
pub struct Counter(AtomicU64);

impl Counter {
    /// Adds; only the owning worker calls this, so a load and a store suffice.
    pub fn add(&self, by: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(by), Ordering::Relaxed);
    }

    /// The value.
    pub fn value(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Stores a value that is no sum.
    fn store(&self, value: u64) {
        self.0.store(value, Ordering::Relaxed);
    }
}

/// What one worker counts about the process.
#[derive(Debug, Default)]
#[repr(align(128))]
pub struct Shard {
    /// Client connections accepted.
    pub accepted: Counter,
    /// Accepts that failed (out of descriptors or memory).
    pub accept_errors: Counter,
    /// HTTP requests received completely.
    pub requests: Counter,
    /// Connections made to servers.
    pub connects: Counter,
    /// Requests sent over a pooled server connection.
    pub reuses: Counter,
    /// Requests sent again because a pooled connection had died.
    pub replays: Counter,
    /// Tasks that panicked; each cost one connection.
    pub panics: Counter,
    /// Messages refused because their framing or syntax is bad.
    pub bad_messages: Counter,
}

/// Counts [`Traffic`], the shard of one worker, and [`Totals`], the sum of all, with the same fields.
macro_rules! traffic {
    ($($(#[$doc:meta])* $name:ident,)*) => {
        /// What one worker counts about a frontend, a backend, a server or a listening address. Which of them counts
        /// what is said in HAProxy's management guide §9.1; the rest stays zero.
        #[derive(Debug, Default)]
        #[repr(align(128))]
        pub struct Traffic {
            $($(#[$doc])* pub $name: Counter,)*
            /// Responses by class: other, 1xx, 2xx, 3xx, 4xx, 5xx.
            pub responses: [Counter; 6],
            last_session: Counter,
            rates: [RateCell; 4],
            times: [TimeCell; 4],
        }

        /// The sums over all workers at one moment.
        #[derive(Clone, Debug, Default, PartialEq, Eq)]
        pub struct Totals {
            $($(#[$doc])* pub $name: u64,)*
            /// Responses by class: other, 1xx, 2xx, 3xx, 4xx, 5xx.
            pub responses: [u64; 6],
            /// When the last session came; [`Instant::ZERO`] if none has.
            pub last_session: Instant,
            /// Events a second, by [`Rated`].
            pub rates: [Rate; 4],
            /// Milliseconds, by [`Timed`].
            pub times: [Time; 4],
        }

        impl Totals {
            fn add(&mut self, shard: &Traffic) {
                $(self.$name = self.$name.wrapping_add(shard.$name.value());)*
                for (sum, counter) in self.responses.iter_mut().zip(&shard.responses) {
                    *sum = sum.wrapping_add(counter.value());
                }
                self.last_session = self.last_session.max(Instant::from_nanos(shard.last_session.value()));
            }

            /// What was counted since `before`; levels, rates and times as they are now.
            pub fn since(&self, before: &Totals) -> Totals {
                let mut difference = self.clone();
                $(difference.$name = self.$name.wrapping_sub(before.$name);)*
                for (sum, earlier) in difference.responses.iter_mut().zip(&before.responses) {
                    *sum = sum.wrapping_sub(*earlier);
                }
                difference
            }
        }
    };
}

traffic! {
    /// Client connections.
    connections,
    /// Client connections that went past the connection rules; of a backend or server, requests or TCP sessions.
    sessions,
    /// HTTP requests.
    requests,
    /// Bytes from clients, heads included.
    bytes_in,
    /// Bytes to clients, heads included.
    bytes_out,
    /// Requests that rules refused.
    denied_requests,
    /// Responses that rules refused.
    denied_responses,
    /// Connections that `tcp-request connection` refused.
    denied_connections,
    /// Connections that `tcp-request session` refused.
    denied_sessions,
    /// Requests that were none, that ended early or that took too long.
    request_errors,
    /// Requests and sessions that no server connection could be had for.
    connect_errors,
    /// Responses that were none, or that the server broke off.
    response_errors,
    /// Connection attempts after the first, at the same server.
    retries,
    /// Attempts that went to another server.
    redispatches,
    /// Transfers that the client broke off.
    client_aborts,
    /// Transfers that the server broke off.
    server_aborts,
    /// Requests that were answered here: redirects, returns, the stats page.
    intercepted,
    /// Header fields that a rule could not rewrite.
    failed_rewrites,
    /// Requests that failed because of this process: out of memory, out of buffers.
    internal_errors,
    /// Requests and sessions that the load balancing placed, not a cookie and not a queue.
    balanced,
    /// Connections attempted to servers.
    connects,
    /// Requests sent over a connection that had been used before.
    reuses,
}

/// What is counted by the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Rated {
    /// Client connections.
    Connections = 0,
    /// Sessions.
    Sessions = 1,
    /// HTTP requests.
    Requests = 2,
    /// Bytes to clients.
    BytesOut = 3,
}

/// Events a second.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rate {
    /// In the second that ends now.
    pub now: u64,
    /// In the busiest second so far.
    pub most: u64,
}

/// What is timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(usize)]
pub enum Timed {
    /// Waiting for a slot.
    Queue = 0,
    /// Connecting.
    Connect = 1,
    /// From the connection to the response head.
    Response = 2,
    /// The whole request or session.
    Total = 3,
}

/// A time, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Time {
    /// Mean over about the last 1024.
    pub mean: u64,
    /// The longest.
    pub most: u64,
}

/// Requests over which times are averaged.
const SAMPLES: u64 = 1024;

#[derive(Debug, Default)]
struct TimeCell {
    /// Sum over the samples; beyond [`SAMPLES`] each new one pushes its share of the old ones out.
    sum: Counter,
    samples: Counter,
    most: Counter,
}

impl TimeCell {
    fn note(&self, time: Duration) {
        let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let sum = self.sum.value();
        let kept = if self.samples.value() < SAMPLES { sum } else { sum - sum / SAMPLES };
        self.sum.store(kept.saturating_add(millis));
        self.samples.add(1);
        if millis > self.most.value() {
            self.most.store(millis);
        }
    }
}

impl Traffic {
    /// Notes that a session began.
    pub fn note_session(&self, now: Instant) {
        self.last_session.store(now.as_nanos());
    }

    /// Notes how long something took.
    pub fn note_time(&self, what: Timed, time: Duration) {
        self.times[what as usize].note(time);
    }

    /// Counts a response by its status; 0 is none of them.
    pub fn count_response(&self, status: u16) {
        let class = match status / 100 {
            class @ 1..=5 => usize::from(class),
            _ => 0,
        };
        self.responses[class].add(1);
    }
}

/// Workers that have a shard of their own; further ones share, which can lose counts but nothing else.
pub const MAX_SHARDS: usize = 64;

/// The shards of a frontend, a backend, a server or a listening address: one for each worker that has met it.
#[derive(Clone, Debug)]
pub struct Sharded(Arc<Shards>);

#[derive(Debug)]
struct Shards {
    shards: [OnceLock<Box<Traffic>>; MAX_SHARDS],
    /// The busiest second of each rate. Written by whoever enters a new second, and by readers.
    busiest: [AtomicU64; 4],
    /// Most sessions at a time. Written by every worker, seldom.
    most_sessions: AtomicU64,
    /// Most waiters at a time.
    most_queued: AtomicU64,
    /// What the operator has cleared.
    cleared: std::sync::Mutex<Totals>,
}

impl Default for Sharded {
    fn default() -> Sharded {
        Sharded(Arc::new(Shards {
            shards: [const { OnceLock::new() }; MAX_SHARDS],
            busiest: Default::default(),
            most_sessions: AtomicU64::new(0),
            most_queued: AtomicU64::new(0),
            cleared: Default::default(),
        }))
    }
}

impl Sharded {
    /// The shard of a worker.
    pub fn of(&self, worker: usize) -> &Traffic {
        self.0.shards[worker % MAX_SHARDS].get_or_init(Box::default)
    }

    /// Counts so many events of a rate.
    pub fn count_rate(&self, worker: usize, what: Rated, by: u64, now: Instant) {
        if let Some(over) = self.of(worker).rates[what as usize].count(by, now) {
            self.note_second(what as usize, over);
        }
    }

    /// Notes how many sessions there are now.
    pub fn note_sessions(&self, now: usize) {
        note_most(&self.0.most_sessions, now as u64);
    }

    /// Notes how many waiters there are now.
    pub fn note_queued(&self, now: usize) {
        note_most(&self.0.most_queued, now as u64);
    }

    /// Most sessions at a time.
    pub fn most_sessions(&self) -> u64 {
        self.0.most_sessions.load(Ordering::Relaxed)
    }

    /// Most waiters at a time.
    pub fn most_queued(&self) -> u64 {
        self.0.most_queued.load(Ordering::Relaxed)
    }

    /// How long to wait until fewer than `limit` events of the last second count.
    pub fn pause(&self, what: Rated, limit: u64, now: Instant) -> Duration {
        rate::pause(self.shards().map(|shard| &shard.rates[what as usize]), limit, now)
    }

    /// The sums over all workers.
    pub fn totals(&self, now: Instant) -> Totals {
        let sums = self.sums(now);
        sums.since(&self.0.cleared.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
    }

    /// Goes on from what was counted before the start, before any worker counts. Levels, rates and times begin anew.
    pub fn resume(&self, before: &Totals) {
        *self.0.cleared.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = Totals::default().since(before);
        if before.last_session > Instant::ZERO {
            self.of(0).note_session(before.last_session);
        }
    }

    /// Forgets the maxima (HAProxy's `clear counters`).
    pub fn clear_maxima(&self) {
        self.0
            .busiest
            .iter()
            .chain([&self.0.most_sessions, &self.0.most_queued])
            .for_each(|most| most.store(0, Ordering::Relaxed));
    }

    /// Begins all counters anew (`clear counters all`).
    pub fn clear(&self, now: Instant) {
        self.clear_maxima();
        let sums = self.sums(now);
        *self.0.cleared.lock().unwrap_or_else(std::sync::PoisonError::into_inner) = sums;
    }

    fn shards(&self) -> impl Iterator<Item = &Traffic> {
        self.0.shards.iter().filter_map(|shard| shard.get().map(Box::as_ref))
    }

    fn sums(&self, now: Instant) -> Totals {
        let mut totals = Totals::default();
        self.shards().for_each(|shard| totals.add(shard));
        for what in 0..totals.rates.len() {
            self.shards().for_each(|shard| self.note_second(what, shard.rates[what].last_second()));
            let rate = over_the_last_second(self.shards().map(|shard| &shard.rates[what]), now);
            totals.rates[what] = Rate { now: rate, most: self.0.busiest[what].load(Ordering::Relaxed) };
        }
        for (what, time) in totals.times.iter_mut().enumerate() {
            *time = self.time(what);
        }
        totals
    }

    fn time(&self, what: usize) -> Time {
        let (mut sum, mut samples, mut most) = (0, 0, 0);
        for cell in self.shards().map(|shard| &shard.times[what]) {
            sum += cell.sum.value();
            samples += cell.samples.value().min(SAMPLES);
            most = most.max(cell.most.value());
        }
        Time { mean: if samples == 0 { 0 } else { sum.div_ceil(samples) }, most }
    }

    /// Remembers a second that is over, if it was the busiest.
    fn note_second(&self, what: usize, second: u64) {
        let events = self.shards().map(|shard| shard.rates[what].during(second)).sum();
        note_most(&self.0.busiest[what], events);
    }
}

fn note_most(most: &AtomicU64, now: u64) {
    if now > most.load(Ordering::Relaxed) {
        most.fetch_max(now, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Instant {
        Instant::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn shards_add_up_and_can_be_cleared() {
        let counters = Sharded::default();
        counters.of(0).bytes_in.add(10);
        counters.of(3).bytes_in.add(5);
        counters.of(3).count_response(204);
        counters.of(3).note_session(at(70));
        let totals = counters.totals(at(100));
        assert_eq!((totals.bytes_in, totals.responses[2], totals.last_session), (15, 1, at(70)));
        counters.clear(at(100));
        counters.of(1).bytes_in.add(1);
        assert_eq!(counters.totals(at(100)).bytes_in, 1);
    }

    #[test]
    fn counters_go_on_from_what_was_before_until_they_are_cleared() {
        let counters = Sharded::default();
        let before = Totals { bytes_in: 40, responses: [0, 0, 3, 0, 0, 0], last_session: at(5), ..Totals::default() };
        counters.resume(&before);
        counters.of(1).bytes_in.add(2);
        let totals = counters.totals(at(10));
        assert_eq!((totals.bytes_in, totals.responses[2], totals.last_session), (42, 3, at(5)));
        counters.clear(at(10));
        assert_eq!(counters.totals(at(10)).bytes_in, 0);
    }

    #[test]
    fn the_busiest_second_is_that_of_all_workers_together() {
        let counters = Sharded::default();
        for (worker, millis) in [(0, 5100), (1, 5200), (1, 5300), (0, 6500), (0, 9000)] {
            counters.count_rate(worker, Rated::Requests, 1, at(millis));
        }
        let rate = counters.totals(at(9900)).rates[Rated::Requests as usize];
        assert_eq!(rate, Rate { now: 1, most: 3 });
    }

    #[test]
    fn a_mean_follows_the_last_requests() {
        let counters = Sharded::default();
        for _ in 0..10 {
            counters.of(0).note_time(Timed::Queue, Duration::from_millis(20));
        }
        assert_eq!(counters.totals(at(0)).times[Timed::Queue as usize], Time { mean: 20, most: 20 });
        for _ in 0..20_000 {
            counters.of(0).note_time(Timed::Queue, Duration::from_millis(4));
        }
        let time = counters.totals(at(0)).times[Timed::Queue as usize];
        assert!((4..=5).contains(&time.mean) && time.most == 20, "{time:?}");
    }
}
