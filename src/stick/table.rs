//! A table: entries found by key, made when they are wanted, forgotten when they are old or there are too many.

use std::cmp::Reverse;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::stick::{DataType, KeyType, ServerKey};
use crate::model::{self};
use crate::time::Instant;

use super::entry::{Datum, Layout};
use super::rate::{Grant, Quota};
use super::shard::{Shard, Slot};

/// 2^64 divided by the golden ratio: products with it are spread evenly over the upper bits.
const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
/// Shards of a large table.
const SHARDS: usize = 32;
/// A table of fewer entries has one shard, so that the oldest of all is the one that goes.
const SMALL: usize = 4096;
/// Entries past their time that a look at a table drops on its way.
const SWEPT: usize = 16;

/// A stick table.
#[derive(Debug)]
pub struct Table {
    /// Its name.
    pub name: String,
    /// Type of its keys.
    pub key: KeyType,
    /// How `stick` rules name a server.
    pub server_key: ServerKey,
    layout: Layout,
    bytes_factor: u64,
    // What a reload may change while entries stay.
    size: AtomicUsize,
    /// Milliseconds; 0 is for ever.
    expire: AtomicU64,
    nopurge: AtomicBool,
    /// Entries of all shards.
    count: AtomicUsize,
    shards: Box<[Mutex<Shard>]>,
    /// Chosen anew for each table: clients cannot know which keys meet in one shard.
    secret: u64,
}

/// An entry that somebody counts in: it stays as long as this lives.
#[derive(Debug)]
pub struct Entry {
    table: Arc<Table>,
    shard: usize,
    number: u32,
}

/// An entry under its lock.
pub struct View<'e> {
    slot: &'e mut Slot,
    table: &'e Table,
    /// Milliseconds.
    now: u64,
}

fn milliseconds(at: Instant) -> u64 {
    at.as_nanos() / 1_000_000
}

impl Table {
    /// An empty table.
    pub fn new(model: &model::stick::Table) -> Table {
        let shards = if model.size < SMALL { 1 } else { SHARDS };
        let table = Table {
            name: model.name.clone(),
            key: model.key,
            server_key: model.server_key,
            layout: Layout::new(&model.stores),
            bytes_factor: u64::from(model.bytes_factor.max(1)),
            size: AtomicUsize::new(0),
            expire: AtomicU64::new(0),
            nopurge: AtomicBool::new(false),
            count: AtomicUsize::new(0),
            shards: (0..shards).map(|_| Mutex::default()).collect(),
            secret: RandomState::new().hash_one(()),
        };
        table.adjust(model);
        table
    }

    /// Takes over what may change while entries stay.
    pub(super) fn adjust(&self, model: &model::stick::Table) {
        let expire = model.expire.map_or(0, |time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
        self.size.store(model.size, Ordering::Relaxed);
        self.expire.store(expire, Ordering::Relaxed);
        self.nopurge.store(model.nopurge, Ordering::Relaxed);
    }

    /// What an entry holds.
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Entries at most.
    pub fn size(&self) -> usize {
        self.size.load(Ordering::Relaxed)
    }

    /// Entries now.
    pub fn count(&self, now: Instant) -> usize {
        self.sweep(now);
        self.count.load(Ordering::Relaxed)
    }

    /// Looks at the entry of a key; `None` if there is none.
    pub fn look<R>(&self, key: &[u8], now: Instant, look: impl FnOnce(&View<'_>) -> R) -> Option<R> {
        let now = milliseconds(now);
        let mut shard = self.shard(self.place(key));
        let number = self.find(&mut shard, key, now)?;
        Some(look(&View { slot: shard.slot_mut(number)?, table: self, now }))
    }

    /// Changes the entry of a key, which counts as use; `None` if there is none.
    pub fn change<R>(&self, key: &[u8], now: Instant, change: impl FnOnce(&mut View<'_>) -> R) -> Option<R> {
        let now = milliseconds(now);
        let mut shard = self.shard(self.place(key));
        let number = self.find(&mut shard, key, now)?;
        self.use_slot(&mut shard, number, now, change)
    }

    /// The same; an entry that is not there is made. `None` if the table is full.
    pub fn change_or_add<R>(&self, key: &[u8], now: Instant, change: impl FnOnce(&mut View<'_>) -> R) -> Option<R> {
        let now = milliseconds(now);
        let (mut shard, number) = self.find_or_add(self.place(key), key, now)?;
        self.use_slot(&mut shard, number, now, change)
    }

    /// The entry of a key, to count in; it is made if it is not there. `None` if the table is full.
    pub fn hold(self: &Arc<Table>, key: &[u8], now: Instant) -> Option<Entry> {
        let now = milliseconds(now);
        let place = self.place(key);
        let (mut shard, number) = self.find_or_add(place, key, now)?;
        shard.touch(number, now);
        shard.slot_mut(number)?.users += 1;
        Some(Entry { table: Arc::clone(self), shard: place, number })
    }

    /// Forgets the entry of a key. `false` if somebody counts in it.
    pub fn remove(&self, key: &[u8], now: Instant) -> bool {
        let mut shard = self.shard(self.place(key));
        let Some(number) = self.find(&mut shard, key, milliseconds(now)) else { return true };
        if shard.slot(number).is_some_and(|slot| slot.users > 0) {
            return false;
        }
        shard.remove(number);
        self.count.fetch_sub(1, Ordering::Relaxed);
        true
    }

    /// Keys of all entries, and an own number of each. Others may come and go meanwhile.
    pub fn keys(&self, now: Instant) -> Vec<(Arc<[u8]>, u64)> {
        self.sweep(now);
        let mut keys = Vec::new();
        for (place, shard) in self.shards.iter().enumerate() {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            let with_number = |number| Some((Arc::clone(&shard.slot(number)?.key), own_number(number, place)));
            keys.extend(shard.numbers().filter_map(with_number));
        }
        keys
    }

    /// The own number of a key's entry, as [`Table::keys`] tells it; `None` if there is none.
    pub fn number_of(&self, key: &[u8], now: Instant) -> Option<u64> {
        let place = self.place(key);
        let number = self.find(&mut self.shard(place), key, milliseconds(now))?;
        Some(own_number(number, place))
    }

    /// The shard of a key. The shard hashes it well; to spread keys over locks takes less.
    fn place(&self, key: &[u8]) -> usize {
        let mixed = key.iter().fold(self.secret, |mixed, byte| (mixed ^ u64::from(*byte)).wrapping_mul(GOLDEN));
        ((mixed >> 48) % self.shards.len() as u64) as usize
    }

    fn shard(&self, place: usize) -> MutexGuard<'_, Shard> {
        self.shards[place].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Entries last used before this are past their time.
    fn horizon(&self, now: u64) -> u64 {
        match self.expire.load(Ordering::Relaxed) {
            0 => 0,
            expire => (now + 1).saturating_sub(expire),
        }
    }

    fn forget(&self, shard: &mut Shard, before: u64, most: usize) -> usize {
        let removed = shard.forget(before, most);
        self.count.fetch_sub(removed, Ordering::Relaxed);
        removed
    }

    /// Drops everything that is past its time.
    fn sweep(&self, now: Instant) {
        let horizon = self.horizon(milliseconds(now));
        for place in 0..self.shards.len() {
            self.forget(&mut self.shard(place), horizon, usize::MAX);
        }
    }

    fn find(&self, shard: &mut Shard, key: &[u8], now: u64) -> Option<u32> {
        let horizon = self.horizon(now);
        self.forget(shard, horizon, SWEPT);
        let number = shard.find(key)?;
        let slot = shard.slot(number)?;
        if slot.users == 0 && slot.used < horizon {
            shard.remove(number);
            self.count.fetch_sub(1, Ordering::Relaxed);
            return None;
        }
        Some(number)
    }

    fn find_or_add(&self, place: usize, key: &[u8], now: u64) -> Option<(MutexGuard<'_, Shard>, u32)> {
        let mut shard = self.shard(place);
        if let Some(number) = self.find(&mut shard, key, now) {
            return Some((shard, number));
        }
        let size = self.size();
        if self.count.fetch_add(1, Ordering::Relaxed) >= size {
            drop(shard);
            // As many as HAProxy drops at once.
            let has_room = !self.nopurge.load(Ordering::Relaxed) && self.forget_oldest((size >> 8) + 1) > 0;
            shard = self.shard(place);
            // Another worker may have made it while the lock was free.
            let other = shard.find(key);
            if !has_room || other.is_some() {
                self.count.fetch_sub(1, Ordering::Relaxed);
                return other.map(|number| (shard, number));
            }
        }
        let number = shard.insert(key, self.layout.empty(), now);
        Some((shard, number))
    }

    /// Forgets entries of the shard whose oldest is the oldest of all, or of the next that has any to spare.
    fn forget_oldest(&self, most: usize) -> usize {
        let age = |place: usize| {
            let shard = self.shard(place);
            // Among those of one millisecond the fullest: no shard is emptied while others are full.
            (shard.oldest().map_or(u64::MAX, |slot| slot.used), Reverse(shard.len()))
        };
        let mut removed = 0;
        if let Some(place) = (0..self.shards.len()).min_by_key(|place| age(*place)) {
            removed = self.forget(&mut self.shard(place), u64::MAX, most);
        }
        let others = || (0..self.shards.len()).map(|place| self.forget(&mut self.shard(place), u64::MAX, most));
        if removed > 0 { removed } else { others().find(|removed| *removed > 0).unwrap_or(0) }
    }

    fn use_slot<R>(
        &self,
        shard: &mut Shard,
        number: u32,
        now: u64,
        change: impl FnOnce(&mut View<'_>) -> R,
    ) -> Option<R> {
        shard.touch(number, now);
        Some(change(&mut View { slot: shard.slot_mut(number)?, table: self, now }))
    }
}

impl Entry {
    /// Its table.
    pub fn table(&self) -> &Arc<Table> {
        &self.table
    }

    /// Its key.
    pub fn key(&self) -> Option<Arc<[u8]>> {
        self.table.shard(self.shard).slot(self.number).map(|slot| Arc::clone(&slot.key))
    }

    /// Looks at it.
    pub fn look<R>(&self, now: Instant, look: impl FnOnce(&View<'_>) -> R) -> Option<R> {
        let mut shard = self.table.shard(self.shard);
        let slot = shard.slot_mut(self.number)?;
        Some(look(&View { slot, table: &self.table, now: milliseconds(now) }))
    }

    /// Changes it, which counts as use.
    pub fn change<R>(&self, now: Instant, change: impl FnOnce(&mut View<'_>) -> R) -> Option<R> {
        let mut shard = self.table.shard(self.shard);
        self.table.use_slot(&mut shard, self.number, milliseconds(now), change)
    }
}

impl Drop for Entry {
    fn drop(&mut self) {
        if let Some(slot) = self.table.shard(self.shard).slot_mut(self.number) {
            slot.users = slot.users.saturating_sub(1);
        }
    }
}

impl View<'_> {
    /// Its key.
    pub fn key(&self) -> &[u8] {
        &self.slot.key
    }

    /// How many count in it.
    pub fn users(&self) -> u32 {
        self.slot.users
    }

    /// Milliseconds since it was last used.
    pub fn idle(&self) -> u64 {
        self.now.saturating_sub(self.slot.used)
    }

    /// Milliseconds that it has left; 0 if it is for ever.
    pub fn remaining(&self) -> u64 {
        self.table.expire.load(Ordering::Relaxed).saturating_sub(self.idle())
    }

    /// A number, or the events in the period of a rate; `None` if the table does not keep it.
    pub fn number(&self, what: DataType, element: usize) -> Option<u64> {
        match self.slot.data.get(self.table.layout.place(what, element)?)? {
            Datum::Number(value) => Some(*value),
            Datum::Rate(rate) => Some(rate.read(self.now, self.table.layout.period(what)) * self.factor(what)),
            Datum::Text(_) => None,
        }
    }

    /// Adds to a number or counts events of a rate; the new number. `None` if the table does not keep it.
    pub fn add(&mut self, what: DataType, element: usize, by: u64) -> Option<u64> {
        let place = self.table.layout.place(what, element)?;
        let (period, factor) = (self.table.layout.period(what), self.factor(what));
        match self.slot.data.get_mut(place)? {
            Datum::Number(value) => {
                *value = wrap(what, value.wrapping_add(by));
                Some(*value)
            }
            Datum::Rate(rate) => {
                rate.add(self.now, period, by.saturating_add(factor / 2) / factor);
                Some(rate.read(self.now, period))
            }
            Datum::Text(_) => None,
        }
    }

    /// How many of the wanted events of a rate a quota allows, whose users count here and whose period is the table's.
    /// `None` if the table does not keep the rate.
    pub fn allows(&self, what: DataType, quota: Quota, wanted: u64) -> Option<Grant> {
        let Datum::Rate(rate) = self.slot.data.get(self.table.layout.place(what, 0)?)? else { return None };
        let period = Duration::from_millis(self.table.layout.period(what));
        let quota = Quota { period, users: self.users().into(), ..quota };
        Some(rate.times(self.factor(what)).allows(self.now, quota, wanted))
    }

    /// One less, but not below 0.
    pub fn subtract(&mut self, what: DataType) {
        let place = self.table.layout.place(what, 0);
        if let Some(Datum::Number(value)) = place.and_then(|place| self.slot.data.get_mut(place)) {
            *value = value.saturating_sub(1);
        }
    }

    /// Sets a number, or what a rate reads; what it was. `None` if the table does not keep it.
    pub fn set(&mut self, what: DataType, element: usize, to: u64) -> Option<u64> {
        let before = self.number(what, element)?;
        let place = self.table.layout.place(what, element)?;
        match self.slot.data.get_mut(place)? {
            Datum::Number(value) => *value = wrap(what, to),
            Datum::Rate(rate) => rate.set(self.now, wrap(what, to)),
            Datum::Text(_) => {}
        }
        Some(before)
    }

    /// A text, such as the server's name.
    pub fn text(&self, what: DataType) -> Option<&str> {
        match self.slot.data.get(self.table.layout.place(what, 0)?)? {
            Datum::Text(text) => text.as_deref(),
            _ => None,
        }
    }

    /// Sets a text.
    pub fn set_text(&mut self, what: DataType, to: &str) {
        let place = self.table.layout.place(what, 0);
        if let Some(Datum::Text(text)) = place.and_then(|place| self.slot.data.get_mut(place))
            && text.as_deref() != Some(to)
        {
            *text = Some(to.into());
        }
    }

    fn factor(&self, what: DataType) -> u64 {
        match what {
            DataType::BytesInRate | DataType::BytesOutRate => self.table.bytes_factor,
            _ => 1,
        }
    }
}

/// A number that no other entry of the table has: that in its shard, and that of its shard.
fn own_number(number: u32, place: usize) -> u64 {
    u64::from(number) << 8 | place as u64
}

/// All but byte counters have 32 bits.
fn wrap(what: DataType, value: u64) -> u64 {
    match what.form() {
        model::stick::Form::Bytes => value,
        _ => value & u64::from(u32::MAX),
    }
}
