//! A bounded buffer of lines between two threads.
//!
//! One writer and one reader, without locks: a record is two words about the line and its bytes packed in words; the writer
//! publishes by storing `written`, the reader frees by storing `read`.
//! When the ring is full the line is dropped and counted: a slow log target must never block a worker.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use crate::model::log::Level;

/// Bytes of a line at most, and of its structured data; longer ones are cut.
pub const MAX_LINE: usize = 65_535;

/// What is known about a line beside its text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Whose it is: a number of the [`super::Book`], below 2²⁴.
    pub log: u32,
    /// How grave it is.
    pub level: Level,
    /// When it was written, since 1970.
    pub at: Duration,
    /// Bytes of the text; structured data follows it.
    pub text: usize,
}

/// A bounded ring of lines. `push` belongs to one thread, `pop` to another; calling either from two threads at once
/// garbles lines but is otherwise harmless.
#[derive(Debug)]
pub struct LogRing {
    words: Box<[AtomicU64]>,
    /// Words ever written; only the writer stores.
    written: AtomicUsize,
    /// Words ever read; only the reader stores.
    read: AtomicUsize,
    dropped: AtomicU64,
}

impl LogRing {
    /// A ring of at least `bytes` bytes (rounded up to a power of two, at least 16 KiB).
    pub fn new(bytes: usize) -> LogRing {
        let words = (bytes.max(16 * 1024) / 8).next_power_of_two();
        LogRing {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            written: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Whether a line of so many bytes, structured data included, would be taken now. Only the writer asks.
    pub fn has_room(&self, bytes: usize) -> bool {
        let waiting = self.written.load(Ordering::Relaxed).wrapping_sub(self.read.load(Ordering::Acquire));
        waiting + 4 + bytes.div_ceil(8) <= self.words.len()
    }

    /// Appends a line of a log (without line end) with its structured data. `false` if it was dropped because the reader is
    /// behind.
    pub fn push(&self, log: u32, level: Level, at: Duration, text: &[u8], structured: &[u8]) -> bool {
        let (text, structured) = (cut(text), cut(structured));
        let needed = 2 + text.len().div_ceil(8) + structured.len().div_ceil(8);
        let written = self.written.load(Ordering::Relaxed);
        if written.wrapping_sub(self.read.load(Ordering::Acquire)) + needed > self.words.len() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        let about = text.len() as u64 | (structured.len() as u64) << 16 | u64::from(log) << 32 | (level as u64) << 56;
        let micros = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        let mut at = written;
        let mut put = |word| {
            self.word(at).store(word, Ordering::Relaxed);
            at = at.wrapping_add(1);
        };
        put(about);
        put(micros);
        for part in [text, structured] {
            let (words, rest) = part.as_chunks();
            words.iter().for_each(|word| put(u64::from_le_bytes(*word)));
            if !rest.is_empty() {
                let mut last = [0; 8];
                last[..rest.len()].copy_from_slice(rest);
                put(u64::from_le_bytes(last));
            }
        }
        self.written.store(written.wrapping_add(needed), Ordering::Release);
        true
    }

    /// Appends the oldest line and its structured data to `out`; `None` if there is none.
    pub fn pop(&self, out: &mut Vec<u8>) -> Option<Record> {
        let mut at = self.read.load(Ordering::Relaxed);
        if at == self.written.load(Ordering::Acquire) {
            return None;
        }
        let mut next = || {
            let word = self.word(at).load(Ordering::Relaxed);
            at = at.wrapping_add(1);
            word
        };
        let (about, micros) = (next(), next());
        let length = |shift: u32| (about >> shift & 0xffff) as usize;
        for length in [length(0), length(16)] {
            let start = out.len();
            out.resize(start + length.next_multiple_of(8), 0);
            out[start..].as_chunks_mut().0.iter_mut().for_each(|word| *word = next().to_le_bytes());
            out.truncate(start + length);
        }
        self.read.store(at, Ordering::Release);
        Some(Record {
            log: (about >> 32) as u32 & 0x00ff_ffff,
            level: Level::of_number((about >> 56) as u8),
            at: Duration::from_micros(micros),
            text: length(0),
        })
    }

    /// Lines dropped since start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.words[at & (self.words.len() - 1)]
    }
}

fn cut(part: &[u8]) -> &[u8] {
    &part[..part.len().min(MAX_LINE)]
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOON: Duration = Duration::from_micros(1_795_262_400_123_456);

    #[test]
    fn lines_come_out_as_they_went_in() {
        let ring = LogRing::new(0);
        for round in 0..5000_u32 {
            let line = format!("line {round} {}", "x".repeat(round as usize % 300));
            let structured = "y".repeat(round as usize % 11);
            let level = Level::ALL[round as usize % 8];
            assert!(ring.push(round, level, NOON, line.as_bytes(), structured.as_bytes()));
            let mut out = Vec::new();
            let record = Record { log: round, level, at: NOON, text: line.len() };
            assert_eq!(ring.pop(&mut out), Some(record));
            assert_eq!(out, (line + &structured).as_bytes());
            assert_eq!(ring.pop(&mut out), None);
        }
    }

    #[test]
    fn a_full_ring_drops_and_counts() {
        let ring = LogRing::new(0);
        let pushed = (0..1000).filter(|_| ring.push(0, Level::Info, NOON, &[b'a'; 100], b"")).count();
        assert!(pushed > 100 && pushed < 1000);
        assert_eq!(ring.dropped(), 1000 - pushed as u64);
        let mut popped = 0;
        while ring.pop(&mut Vec::new()).is_some() {
            popped += 1;
        }
        assert_eq!(popped, pushed);
    }
}
