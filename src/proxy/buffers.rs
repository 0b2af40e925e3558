//! Memory of a worker: borrowed inside a poll, given back before it returns.

use std::cell::RefCell;
use std::ops::Deref;
use std::rc::Rc;

use crate::http::Head;

/// Bytes read at once. 128 KiB and more let a body of 64 KiB pass in one read (measured 0.36-0.48 of HAProxy's CPU).
pub(super) const SCRATCH: usize = 128 * 1024;
/// Bytes read at once while a head is awaited or the other side is slow: bounds what must be kept when it stalls.
pub(super) const SMALL_READ: usize = 16 * 1024;
/// Bytes that a head rarely exceeds.
const USUAL_HEAD: usize = 16 * 1024;
/// A chunk of more capacity is not kept.
const MAX_KEPT: usize = 64 * 1024;
const FIRST_CAPACITY: usize = 2048;
const MAX_CHUNKS: usize = 1024;

/// What a worker's tasks borrow while they run.
#[derive(Debug)]
pub(super) struct Buffers {
    /// Where sockets are read into.
    pub(super) scratch: RefCell<Box<[u8]>>,
    /// Where heads are written.
    pub(super) out: RefCell<Vec<u8>>,
    /// Where lines of log are written.
    pub(super) line: RefCell<Vec<u8>>,
    /// Where their structured data is written.
    pub(super) structured: RefCell<Vec<u8>>,
    /// Where a head and a small body meet for one send.
    pub(super) joined: RefCell<Vec<u8>>,
    /// The head being looked at.
    pub(super) head: RefCell<Head>,
    pub(super) chunks: Rc<Chunks>,
}

impl Buffers {
    pub(super) fn new() -> Buffers {
        Buffers {
            scratch: RefCell::new(vec![0; SCRATCH].into()),
            out: RefCell::new(Vec::with_capacity(2 * USUAL_HEAD)),
            line: RefCell::new(Vec::with_capacity(USUAL_HEAD)),
            structured: RefCell::default(),
            joined: RefCell::new(Vec::with_capacity(2 * USUAL_HEAD)),
            head: RefCell::default(),
            chunks: Rc::default(),
        }
    }

    /// An empty chunk.
    pub(super) fn chunk(&self) -> Chunk {
        let bytes = self.chunks.0.borrow_mut().pop().unwrap_or_else(|| Vec::with_capacity(FIRST_CAPACITY));
        Chunk { bytes, start: 0, home: Rc::clone(&self.chunks) }
    }

    /// A chunk with these bytes.
    pub(super) fn chunk_of(&self, bytes: &[u8]) -> Chunk {
        let mut chunk = self.chunk();
        chunk.bytes.extend_from_slice(bytes);
        chunk
    }
}

/// Chunks not in use, last used first.
#[derive(Debug, Default)]
pub(super) struct Chunks(RefCell<Vec<Vec<u8>>>);

/// Bytes that a connection must keep between two polls. Goes back to the worker when dropped.
#[derive(Debug)]
pub(super) struct Chunk {
    bytes: Vec<u8>,
    start: usize,
    home: Rc<Chunks>,
}

impl Chunk {
    /// Forgets the first `count` of what is left.
    pub(super) fn consume(&mut self, count: usize) {
        self.start = (self.start + count).min(self.bytes.len());
    }

    /// Makes everything that was ever put in unread again.
    pub(super) fn rewind(&mut self) {
        self.start = 0;
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The storage, for writers that append.
    pub(super) fn storage(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Everything that was ever put in.
    pub(super) fn all(&self) -> &[u8] {
        &self.bytes
    }
}

impl Deref for Chunk {
    type Target = [u8];

    /// What is left.
    fn deref(&self) -> &[u8] {
        &self.bytes[self.start..]
    }
}

impl Drop for Chunk {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.bytes);
        let mut kept = self.home.0.borrow_mut();
        if bytes.capacity() <= MAX_KEPT && kept.len() < MAX_CHUNKS {
            bytes.clear();
            kept.push(bytes);
        }
    }
}
