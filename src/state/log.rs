//! Access log lines on their way from a worker to vg-log.
//!
//! A ring per worker with one writer (the worker) and one reader (vg-log), without locks: a record is a length word and
//! the line's bytes packed in words; the writer publishes by storing `written`, the reader frees by storing `read`.
//! When the ring is full the line is dropped and counted: a slow log target must never block a worker.

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};

/// Bytes of a line at most; longer ones are cut.
pub const MAX_LINE: usize = 8192;

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
        let words = (bytes.max(2 * MAX_LINE) / 8).next_power_of_two();
        LogRing {
            words: (0..words).map(|_| AtomicU64::new(0)).collect(),
            written: AtomicUsize::new(0),
            read: AtomicUsize::new(0),
            dropped: AtomicU64::new(0),
        }
    }

    /// Appends a line (without line end). `false` if it was dropped because the reader is behind.
    pub fn push(&self, line: &[u8]) -> bool {
        let line = &line[..line.len().min(MAX_LINE)];
        let needed = 1 + line.len().div_ceil(8);
        let written = self.written.load(Ordering::Relaxed);
        if written.wrapping_sub(self.read.load(Ordering::Acquire)) + needed > self.words.len() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
            return false;
        }
        self.word(written).store(line.len() as u64, Ordering::Relaxed);
        for (index, part) in line.chunks(8).enumerate() {
            let mut bytes = [0; 8];
            bytes[..part.len()].copy_from_slice(part);
            self.word(written.wrapping_add(1 + index)).store(u64::from_le_bytes(bytes), Ordering::Relaxed);
        }
        self.written.store(written.wrapping_add(needed), Ordering::Release);
        true
    }

    /// Appends the oldest line to `line`; `false` if there is none.
    pub fn pop(&self, line: &mut Vec<u8>) -> bool {
        let read = self.read.load(Ordering::Relaxed);
        if read == self.written.load(Ordering::Acquire) {
            return false;
        }
        let length = (self.word(read).load(Ordering::Relaxed) as usize).min(MAX_LINE);
        let words = length.div_ceil(8);
        let end = line.len() + length;
        for index in 0..words {
            line.extend_from_slice(&self.word(read.wrapping_add(1 + index)).load(Ordering::Relaxed).to_le_bytes());
        }
        line.truncate(end);
        self.read.store(read.wrapping_add(1 + words), Ordering::Release);
        true
    }

    /// Lines dropped since start.
    pub fn dropped(&self) -> u64 {
        self.dropped.load(Ordering::Relaxed)
    }

    fn word(&self, at: usize) -> &AtomicU64 {
        &self.words[at & (self.words.len() - 1)]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_come_out_as_they_went_in() {
        let ring = LogRing::new(0);
        for round in 0..5000 {
            let line = format!("line {round} {}", "x".repeat(round % 300));
            assert!(ring.push(line.as_bytes()));
            let mut out = Vec::new();
            assert!(ring.pop(&mut out));
            assert_eq!(out, line.as_bytes());
            assert!(!ring.pop(&mut out));
        }
    }

    #[test]
    fn a_full_ring_drops_and_counts() {
        let ring = LogRing::new(0);
        let pushed = (0..1000).filter(|_| ring.push(&[b'a'; 100])).count();
        assert!(pushed > 100 && pushed < 1000);
        assert_eq!(ring.dropped(), 1000 - pushed as u64);
        let mut popped = 0;
        while ring.pop(&mut Vec::new()) {
            popped += 1;
        }
        assert_eq!(popped, pushed);
    }
}
