//! The file behind a ring: what the ring holds is still there after a crash, and HAProxy's `haring` reads it.
//!
//! The file has the layout of HAProxy's rings: a header of 192 bytes, with the size of the area at byte 0, the length of the header at
//! 8, where to write next at 64 and the oldest message at 128, each as eight bytes in the machine's order; then the area, which is
//! a circle. In it each message has its length before it (as HAProxy encodes numbers of any size) and a zero behind it, and a
//! zero stands before the first. What a process has written the kernel keeps when the process ends, so nothing is synchronised.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

/// Bytes before the area.
const HEADER: u64 = 192;
/// Where the header says where to write next.
const TAIL: u64 = 64;
/// Where the header says where the oldest message is.
const HEAD: u64 = 128;
/// What files are made a multiple of.
const PAGE: u64 = 4096;

/// A file, open.
#[derive(Debug)]
pub(super) struct Backing {
    file: File,
    /// Bytes of the area.
    size: u64,
    head: u64,
    tail: u64,
    /// Bytes that each message takes, the oldest first.
    messages: VecDeque<u64>,
    entry: Vec<u8>,
}

impl Backing {
    /// An empty one of so many bytes; what was there before gets `.bak` behind its name.
    ///
    /// # Errors
    /// The file cannot be had.
    pub(super) fn open(path: &Path, size: usize) -> io::Result<Backing> {
        if is_worth_keeping(path) {
            let mut old = PathBuf::from(path).into_os_string();
            old.push(".bak");
            // As in HAProxy: where nothing can be renamed, nothing is kept.
            let _ = fs::rename(path, old);
        }
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)?;
        let whole = (size as u64).next_multiple_of(PAGE);
        file.set_len(whole)?;
        let backing =
            Backing { file, size: whole - HEADER, head: 0, tail: 1, messages: VecDeque::new(), entry: Vec::new() };
        for (at, number) in [(0, backing.size), (8, HEADER), (TAIL, backing.tail), (HEAD, backing.head)] {
            backing.put(at, number)?;
        }
        Ok(backing)
    }

    /// Adds a message; the oldest make room for it. One that is longer than the area is left out.
    ///
    /// # Errors
    /// The file cannot be written to.
    pub(super) fn append(&mut self, message: &[u8]) -> io::Result<()> {
        let message = message.strip_suffix(b"\n").unwrap_or(message);
        self.entry.clear();
        put_number(&mut self.entry, message.len() as u64);
        self.entry.extend_from_slice(message);
        self.entry.push(0);
        let length = self.entry.len() as u64;
        if length + 1 >= self.size {
            return Ok(());
        }
        let mut taken = if self.head < self.tail { self.tail - self.head } else { self.size + self.tail - self.head };
        let before = self.head;
        while taken + length >= self.size
            && let Some(oldest) = self.messages.pop_front()
        {
            taken -= oldest;
            self.head = (self.head + oldest) % self.size;
        }
        // In this order a reader never meets half a message.
        if self.head != before {
            self.put(HEAD, self.head)?;
        }
        let first = usize::try_from(self.size - self.tail).unwrap_or(usize::MAX).min(self.entry.len());
        self.file.write_all_at(&self.entry[..first], HEADER + self.tail)?;
        self.file.write_all_at(&self.entry[first..], HEADER)?;
        self.tail = (self.tail + length) % self.size;
        self.messages.push_back(length);
        self.put(TAIL, self.tail)
    }

    fn put(&self, at: u64, number: u64) -> io::Result<()> {
        self.file.write_all_at(&number.to_ne_bytes(), at)
    }
}

/// Whether a file holds anything: one of a ring without messages does not.
fn is_worth_keeping(path: &Path) -> bool {
    let mut header = [0; HEADER as usize];
    let Ok(file) = File::open(path) else { return false };
    if file.read_exact_at(&mut header, 0).is_err() {
        return file.metadata().is_ok_and(|about| about.len() > 0);
    }
    let number = |at: u64| header[at as usize..].first_chunk().map(|bytes| u64::from_ne_bytes(*bytes));
    (number(8), number(HEAD), number(TAIL)) != (Some(HEADER), Some(0), Some(1))
}

/// A number as HAProxy writes it: one byte below 240, otherwise four bits in the first byte and seven in each that follows.
fn put_number(out: &mut Vec<u8>, number: u64) {
    if number < 0xf0 {
        out.push(number as u8);
        return;
    }
    out.push(number as u8 | 0xf0);
    let mut rest = (number - 0xf0) >> 4;
    while rest >= 0x80 {
        out.push(rest as u8 | 0x80);
        rest = (rest - 0x80) >> 7;
    }
    out.push(rest as u8);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The messages of a file, read as `haring` reads them.
    fn messages(path: &Path) -> Vec<Vec<u8>> {
        let bytes = fs::read(path).unwrap();
        let number = |at: u64| u64::from_ne_bytes(*bytes[at as usize..].first_chunk().unwrap());
        let (size, head, tail) = (number(0), number(HEAD), number(TAIL));
        assert_eq!((number(8), size + HEADER), (HEADER, bytes.len() as u64));
        let data = if head <= tail { tail - head } else { size + tail - head };
        let mut circle = (0..data).map(|at| bytes[(HEADER + (head + at) % size) as usize]);
        let mut found = Vec::new();
        assert_eq!(circle.next(), Some(0));
        while let Some(first) = circle.next() {
            let mut length = u64::from(first);
            let mut bits = 4;
            while length >= 0xf0 {
                let next = u64::from(circle.next().unwrap());
                length += next << bits;
                bits += 7;
                if next < 0x80 {
                    break;
                }
            }
            found.push(circle.by_ref().take(length as usize).collect());
            assert_eq!(circle.next(), Some(0));
        }
        found
    }

    #[test]
    fn the_newest_messages_are_in_the_file_however_long_they_are() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("ring");
        let mut backing = Backing::open(&path, 5000).unwrap();
        assert_eq!((fs::metadata(&path).unwrap().len(), messages(&path).len()), (8192, 0));
        let texts: Vec<Vec<u8>> = (0..400).map(|number| vec![b'a' + (number % 26) as u8; number * 7 % 2500]).collect();
        for (number, text) in texts.iter().enumerate() {
            backing.append(&[text, b"\n".as_slice()].concat()).unwrap();
            let found = messages(&path);
            assert!(!found.is_empty() && texts[..=number].ends_with(&found), "{number}");
            let whole: usize = found.iter().map(Vec::len).sum();
            assert!(number < 100 || whole > 3000, "{number}: {whole}");
        }
        backing.append(&[b'x'; 9000]).unwrap();
        assert_eq!(messages(&path).last(), texts.last());
    }

    #[test]
    fn what_was_there_before_is_kept_beside_it_unless_it_is_empty() {
        let directory = tempfile::tempdir().unwrap();
        let (path, old) = (directory.path().join("ring"), directory.path().join("ring.bak"));
        Backing::open(&path, 4096).unwrap().append(b"first\n").unwrap();
        drop(Backing::open(&path, 4096).unwrap());
        assert_eq!((messages(&path).len(), messages(&old)), (0, vec![b"first".to_vec()]));
        Backing::open(&path, 4096).unwrap().append(b"second\n").unwrap();
        assert_eq!(messages(&old), [b"first"]);
        assert_eq!(messages(&path), [b"second"]);
        fs::write(&path, "something else").unwrap();
        drop(Backing::open(&path, 4096).unwrap());
        assert_eq!(fs::read(&old).unwrap(), b"something else");
    }
}
