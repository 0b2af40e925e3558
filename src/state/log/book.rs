//! Which logs there are: a number for each that ever was.
//!
//! A line outlives the configuration that it was written under, so its log is found by a number that never means another.
//! The list only grows, by what a reload brings; equal logs are one. Whoever prepares a generation enters logs, vg-log looks
//! them up when it meets a new number; no worker comes here.

use std::collections::{HashMap, VecDeque};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::model::log::{Level, Logs};

use super::ring::LogRing;

/// Bytes of messages that may wait for vg-log.
const WAITING: usize = 256 * 1024;

/// Every log of the process.
pub struct Book {
    logs: Mutex<Vec<Arc<Logs>>>,
    /// Messages of threads that have no ring of their own.
    messages: LogRing,
    /// Held while a message is appended: the ring has one writer at a time.
    turn: Mutex<()>,
    /// Buffers in memory by name: the newest lines.
    rings: Mutex<HashMap<String, Kept>>,
    /// Streams so far, if lines show their numbers.
    streams: AtomicU64,
}

/// Lines of a buffer in memory.
#[derive(Debug, Default)]
struct Kept {
    /// The oldest first; each ends with a line feed.
    lines: VecDeque<Vec<u8>>,
    /// Bytes of all of them.
    bytes: usize,
    /// Lines that came so far.
    count: u64,
    /// Lines that a server of the ring did not get.
    dropped: u64,
}

impl Default for Book {
    fn default() -> Book {
        Book {
            logs: Mutex::default(),
            messages: LogRing::new(WAITING),
            turn: Mutex::default(),
            rings: Mutex::default(),
            streams: AtomicU64::new(0),
        }
    }
}

impl fmt::Debug for Book {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Book").finish_non_exhaustive()
    }
}

impl Book {
    /// The journal of a log.
    pub fn journal(self: &Arc<Book>, logs: &Logs) -> Journal {
        let mut known = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        let number = known.iter().position(|one| **one == *logs).unwrap_or_else(|| {
            known.push(Arc::new(logs.clone()));
            known.len() - 1
        });
        let most = |is_traffic: bool| {
            let takes = logs.targets.iter().filter(|target| is_traffic || !target.only_traffic);
            takes.map(|target| target.level).max()
        };
        Journal {
            book: Arc::clone(self),
            // A configuration that is read 16 million times and never the same has its lines in the wrong log.
            number: (number & 0x00ff_ffff) as u32,
            traffic: most(true),
            messages: most(false),
        }
    }

    /// The log of a number.
    pub fn find(&self, number: u32) -> Option<Arc<Logs>> {
        let known = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        usize::try_from(number).ok().and_then(|number| known.get(number)).cloned()
    }

    /// Keeps a line in a ring of so many bytes, and counts how many of its servers did not get it (vg-log only).
    pub fn keep(&self, ring: &str, size: usize, line: &[u8], dropped: u64) {
        let mut rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let ring = match rings.get_mut(ring) {
            Some(ring) => ring,
            None => rings.entry(ring.to_owned()).or_default(),
        };
        ring.lines.push_back(line.to_vec());
        ring.bytes += line.len();
        ring.count += 1;
        ring.dropped += dropped;
        while ring.bytes > size
            && let Some(oldest) = ring.lines.pop_front()
        {
            ring.bytes -= oldest.len();
        }
    }

    /// The lines that a ring has, the oldest first, without the first so many that ever came; each ends with a line feed.
    /// With them comes how many there were in all.
    pub fn kept_since(&self, ring: &str, seen: u64) -> (Vec<Vec<u8>>, u64) {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(ring) = rings.get(ring) else { return (Vec::new(), 0) };
        let new = usize::try_from(ring.count.saturating_sub(seen)).unwrap_or(usize::MAX);
        let lines = ring.lines.iter().skip(ring.lines.len().saturating_sub(new));
        (lines.cloned().collect(), ring.count)
    }

    /// Lines that servers of a ring did not get.
    pub fn dropped_from(&self, ring: &str) -> u64 {
        let rings = self.rings.lock().unwrap_or_else(PoisonError::into_inner);
        rings.get(ring).map_or(0, |ring| ring.dropped)
    }

    /// The buffer of messages; vg-log alone reads it.
    pub fn messages(&self) -> &LogRing {
        &self.messages
    }
}

/// The log of a proxy or of the process, to be written to.
#[derive(Clone, Debug)]
pub struct Journal {
    book: Arc<Book>,
    number: u32,
    /// The least grave level that a target takes; `None` has no target.
    traffic: Option<Level>,
    /// The same of messages.
    messages: Option<Level>,
}

impl Journal {
    /// Its number in the book.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Whether a line about traffic of this level would be read by anybody.
    pub fn takes(&self, level: Level) -> bool {
        self.traffic.is_some_and(|least| level <= least)
    }

    /// How many streams of the process asked before this one.
    pub fn next_number(&self) -> u64 {
        self.book.streams.fetch_add(1, Ordering::Relaxed)
    }

    /// Leaves a message of the process for the targets: `Server app/s1 is DOWN...`. `now` is the wall clock, since 1970.
    /// Never waits for a target; takes a short lock, so workers and vg-vrrp leave it alone.
    pub fn say(&self, level: Level, now: Duration, message: &str) {
        if self.messages.is_none_or(|least| level > least) {
            return;
        }
        let _turn = self.book.turn.lock().unwrap_or_else(PoisonError::into_inner);
        self.book.messages.push(self.number, level, now, message.as_bytes(), b"");
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::log::{Destination, Form, Target};

    fn logs(level: Level) -> Logs {
        Logs { targets: vec![Target { level, ..Target::new(Destination::Stdout, Form::Raw) }], ..Logs::default() }
    }

    #[test]
    fn equal_logs_have_one_number_and_others_another() {
        let book = Arc::new(Book::default());
        let numbers = [Level::Info, Level::Err, Level::Info].map(|level| book.journal(&logs(level)).number());
        assert_eq!(numbers, [0, 1, 0]);
        assert_eq!(book.find(1).as_deref(), Some(&logs(Level::Err)));
        assert_eq!(book.find(2), None);
    }

    #[test]
    fn a_message_that_no_target_takes_is_not_kept() {
        let book = Arc::new(Book::default());
        let journal = book.journal(&logs(Level::Err));
        journal.say(Level::Notice, Duration::ZERO, "Server be/s1 is UP");
        journal.say(Level::Alert, Duration::ZERO, "Server be/s1 is DOWN");
        let mut text = Vec::new();
        assert_eq!(book.messages().pop(&mut text).map(|record| record.level), Some(Level::Alert));
        assert_eq!(text, b"Server be/s1 is DOWN");
        assert!(book.messages().pop(&mut text).is_none() && !journal.takes(Level::Info));
    }

    #[test]
    fn a_target_of_traffic_gets_no_messages() {
        let book = Arc::new(Book::default());
        let target = Target { only_traffic: true, ..Target::new(Destination::Stdout, Form::Raw) };
        let journal = book.journal(&Logs { targets: vec![target], ..Logs::default() });
        journal.say(Level::Alert, Duration::ZERO, "Server be/s1 is DOWN");
        assert!(journal.takes(Level::Info) && book.messages().pop(&mut Vec::new()).is_none());
    }
}
