//! What a session and its stream count, and when (HAProxy manual §4.3, `track-sc`).
//!
//! A counter that `tcp-request connection` or `session` set belongs to the session and stays to its end; one that later
//! rules set belongs to the stream: it ends with the request, and the next may track something else. Fetches and counts
//! take the stream's counter first, then the session's of the same number.

use crate::model::stick::DataType;
use crate::time::Instant;

use super::Entry;

/// Counters of a session where the configuration says nothing else (`tune.stick-counters`).
pub const DEFAULT_COUNTERS: usize = 3;

/// An entry that a counter is on.
#[derive(Debug)]
pub struct Tracked {
    /// The entry.
    pub entry: Entry,
    /// A rule of the backend set it: requests were counted elsewhere before.
    is_of_backend: bool,
}

/// Who sets a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Owner {
    /// `tcp-request connection`, `tcp-request session`.
    Session,
    /// Content and HTTP rules; whether it is the backend's.
    Stream {
        /// A rule of a backend.
        is_backend: bool,
    },
}

/// The counters of a session and of its present stream.
#[derive(Debug, Default)]
pub struct Tracking {
    session: Vec<Option<Tracked>>,
    stream: Vec<Option<Tracked>>,
    /// Bytes of the stream that were counted already: in, out.
    bytes: (u64, u64),
}

impl Tracking {
    /// What a counter is on.
    pub fn at(&self, counter: usize) -> Option<&Tracked> {
        let of = |list: &'_ [Option<Tracked>]| list.get(counter).is_some_and(Option::is_some);
        if of(&self.stream) { self.stream[counter].as_ref() } else { self.session.get(counter)?.as_ref() }
    }

    /// Whether a counter of that owner is on something already: the first rule wins.
    pub fn is_taken(&self, counter: usize, owner: Owner) -> bool {
        let list = if owner == Owner::Session { &self.session } else { &self.stream };
        list.get(counter).is_some_and(Option::is_some)
    }

    /// Puts a counter on an entry, which counts a connection.
    pub fn track(&mut self, counter: usize, owner: Owner, entry: Entry, now: Instant) {
        entry.change(now, |view| {
            view.add(DataType::ConnCur, 0, 1);
            view.add(DataType::ConnCnt, 0, 1);
            view.add(DataType::ConnRate, 0, 1);
        });
        let list = if owner == Owner::Session { &mut self.session } else { &mut self.stream };
        if list.len() <= counter {
            list.resize_with(counter + 1, || None);
        }
        let is_of_backend = owner == Owner::Stream { is_backend: true };
        list[counter] = Some(Tracked { entry, is_of_backend });
    }

    /// Whether nothing is counted.
    pub fn is_idle(&self) -> bool {
        self.session.iter().chain(&self.stream).all(Option::is_none)
    }

    /// The session was accepted.
    pub fn count_session(&self, now: Instant) {
        for tracked in self.session.iter().flatten() {
            tracked.entry.change(now, |view| {
                view.add(DataType::SessCnt, 0, 1);
                view.add(DataType::SessRate, 0, 1);
            });
        }
    }

    /// A request came.
    pub fn count_request(&self, now: Instant) {
        self.count(now, DataType::HttpReqCnt, DataType::HttpReqRate, |_| true);
    }

    /// It goes to a backend: what the backend's rules track has not seen it yet.
    pub fn count_request_of_backend(&self, now: Instant) {
        self.count(now, DataType::HttpReqCnt, DataType::HttpReqRate, |tracked| tracked.is_of_backend);
    }

    /// The client is to blame for how it ended.
    pub fn count_error(&self, now: Instant) {
        self.count(now, DataType::HttpErrCnt, DataType::HttpErrRate, |_| true);
    }

    /// The server is.
    pub fn count_failure(&self, now: Instant) {
        self.count(now, DataType::HttpFailCnt, DataType::HttpFailRate, |_| true);
    }

    /// So many bytes of the present stream went in and out in all.
    pub fn count_bytes(&mut self, now: Instant, bytes_in: u64, bytes_out: u64) {
        let more = (bytes_in.saturating_sub(self.bytes.0), bytes_out.saturating_sub(self.bytes.1));
        self.bytes = (bytes_in, bytes_out);
        if more != (0, 0) {
            let types = [
                (DataType::BytesInCnt, more.0),
                (DataType::BytesInRate, more.0),
                (DataType::BytesOutCnt, more.1),
                (DataType::BytesOutRate, more.1),
            ];
            for tracked in self.all() {
                let layout = tracked.entry.table().layout();
                let is_kept = |(what, by): &&(DataType, u64)| *by > 0 && layout.stored(*what).is_some();
                // That there were any is a use of the entry, whatever is kept.
                tracked.entry.change(now, |view| {
                    for (what, by) in types.iter().filter(is_kept) {
                        view.add(*what, 0, *by);
                    }
                });
            }
        }
    }

    /// The stream is over: its counters are free.
    pub fn end_stream(&mut self, now: Instant) {
        self.bytes = (0, 0);
        self.stream.iter_mut().for_each(|tracked| release(tracked.take(), now));
    }

    /// The session is over.
    pub fn end(&mut self, now: Instant) {
        self.end_stream(now);
        self.session.iter_mut().for_each(|tracked| release(tracked.take(), now));
    }

    /// What each counter is on.
    fn all(&self) -> impl Iterator<Item = &Tracked> {
        (0..self.session.len().max(self.stream.len())).filter_map(|counter| self.at(counter))
    }

    fn count(&self, now: Instant, total: DataType, rate: DataType, counts: impl Fn(&Tracked) -> bool) {
        for tracked in self.all().filter(|tracked| counts(tracked)) {
            let layout = tracked.entry.table().layout();
            if layout.stored(total).is_none() && layout.stored(rate).is_none() {
                continue;
            }
            tracked.entry.change(now, |view| {
                view.add(total, 0, 1);
                view.add(rate, 0, 1);
            });
        }
    }
}

fn release(tracked: Option<Tracked>, now: Instant) {
    if let Some(Tracked { entry, .. }) = tracked
        && entry.table().layout().stored(DataType::ConnCur).is_some()
    {
        entry.change(now, |view| view.subtract(DataType::ConnCur));
    }
}
