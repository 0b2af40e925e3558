//! A part of a table under one lock: entries by key, and in the order in which they were last used.

use std::collections::HashMap;
use std::sync::Arc;

use super::entry::Datum;

/// No entry.
pub(super) const NONE: u32 = u32::MAX;

/// An entry.
#[derive(Debug)]
pub(super) struct Slot {
    pub(super) key: Arc<[u8]>,
    pub(super) data: Box<[Datum]>,
    /// Sessions and streams that count here; while there are any the entry stays.
    pub(super) users: u32,
    /// When it was last used, in milliseconds.
    pub(super) used: u64,
    /// Neighbours in the order of use.
    older: u32,
    newer: u32,
}

/// Entries and their order of use.
#[derive(Debug)]
pub(super) struct Shard {
    numbers: HashMap<Arc<[u8]>, u32>,
    slots: Vec<Option<Slot>>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
}

impl Default for Shard {
    fn default() -> Shard {
        Shard { numbers: HashMap::new(), slots: Vec::new(), free: Vec::new(), oldest: NONE, newest: NONE }
    }
}

impl Shard {
    pub(super) fn find(&self, key: &[u8]) -> Option<u32> {
        self.numbers.get(key).copied()
    }

    pub(super) fn slot(&self, number: u32) -> Option<&Slot> {
        self.slots.get(number as usize)?.as_ref()
    }

    pub(super) fn slot_mut(&mut self, number: u32) -> Option<&mut Slot> {
        self.slots.get_mut(number as usize)?.as_mut()
    }

    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn oldest(&self) -> Option<&Slot> {
        self.slot(self.oldest)
    }

    /// Adds an entry, which is the newest.
    pub(super) fn insert(&mut self, key: &[u8], data: Box<[Datum]>, now: u64) -> u32 {
        let key: Arc<[u8]> = key.into();
        let slot = Slot { key: Arc::clone(&key), data, users: 0, used: now, older: NONE, newer: NONE };
        let number = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = Some(slot);
                number
            }
            None => {
                self.slots.push(Some(slot));
                u32::try_from(self.slots.len() - 1).unwrap_or(NONE)
            }
        };
        self.numbers.insert(key, number);
        self.append(number);
        number
    }

    /// Makes an entry the newest.
    pub(super) fn touch(&mut self, number: u32, now: u64) {
        if self.newest != number {
            self.unlink(number);
            self.append(number);
        }
        if let Some(slot) = self.slot_mut(number) {
            slot.used = slot.used.max(now);
        }
    }

    pub(super) fn remove(&mut self, number: u32) {
        self.unlink(number);
        if let Some(slot) = self.slots[number as usize].take() {
            self.numbers.remove(&slot.key);
            self.free.push(number);
        }
    }

    /// Removes up to `most` entries, from the oldest on, that nobody uses and that were last used before `before`. Looks
    /// at four times as many at most. Says how many it removed.
    pub(super) fn forget(&mut self, before: u64, most: usize) -> usize {
        let (mut number, mut removed) = (self.oldest, 0);
        for _ in 0..most.saturating_mul(4).max(64) {
            let Some(slot) = self.slot(number).filter(|slot| removed < most && slot.used < before) else { break };
            let (next, is_idle) = (slot.newer, slot.users == 0);
            if is_idle {
                self.remove(number);
                removed += 1;
            }
            number = next;
        }
        removed
    }

    /// Numbers of all entries, the oldest first.
    pub(super) fn numbers(&self) -> impl Iterator<Item = u32> {
        std::iter::successors(Some(self.oldest), |number| Some(self.slot(*number)?.newer))
            .take_while(|number| *number != NONE)
    }

    fn append(&mut self, number: u32) {
        let older = self.newest;
        if let Some(slot) = self.slot_mut(number) {
            (slot.older, slot.newer) = (older, NONE);
        }
        match self.slot_mut(older) {
            Some(slot) => slot.newer = number,
            None => self.oldest = number,
        }
        self.newest = number;
    }

    fn unlink(&mut self, number: u32) {
        let Some((older, newer)) = self.slot(number).map(|slot| (slot.older, slot.newer)) else { return };
        match self.slot_mut(older) {
            Some(slot) => slot.newer = newer,
            None => self.oldest = newer,
        }
        match self.slot_mut(newer) {
            Some(slot) => slot.older = older,
            None => self.newest = older,
        }
    }
}
