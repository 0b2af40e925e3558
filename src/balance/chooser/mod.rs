//! The choice itself.
//!
//! # Concurrency
//!
//! One [`Chooser`] for each backend of a generation is shared by all workers through an `Arc`. Health, administrative
//! state, weights and connection counts are read with relaxed loads where they live ([`crate::state::servers`]) and may
//! be microseconds old. Turns, maps and rings stand under a mutex that is held for one scan over the servers and never
//! across a wait; leastconn, random and first take no lock.
//!
//! Two workers may choose the same last free slot: [`Chooser::reserve`] settles that, and the loser chooses again.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model;
use crate::model::balance::{Affinity, Balance, HashMethod, Hashing};
use crate::state::servers::Backend;
use crate::time::Instant;

use super::leastconn::Ties;
use super::map::Map;
use super::random::Draws;
use super::ring::{Ring, seed};
use super::rotation::{Rotation, SCALE};

/// What to do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Connect to this server (index into the backend's list) after [`Chooser::reserve`].
    Server(usize),
    /// Every usable server is full: wait for a slot of `server`, or of any server if `None`.
    Queue {
        /// The only server that will do.
        server: Option<usize>,
    },
    /// No server is usable: 503.
    Down,
}

/// What a session is chosen a server for.
#[derive(Clone, Copy, Debug)]
pub struct Wish {
    /// The present: servers that have just come up have a part of their weight.
    pub now: Instant,
    /// The hash of what the algorithm hashes; `None` if it hashes nothing, or nothing was found.
    pub hash: Option<u32>,
    /// The server that has just failed (redispatch): it is avoided while another will do.
    pub exclude: Option<usize>,
}

/// How far a server is whose weight grows because it has just come up (HAProxy manual §5.2 "slowstart").
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Warmth {
    /// Its weight at present, rounded up, 1-256.
    pub weight: u16,
    /// Percentage of its own weight that this is, 1-100.
    pub percentage: u32,
}

/// A server as its file describes it.
#[derive(Debug)]
struct Fixed {
    id: u32,
    weight: u16,
    maxconn: usize,
    minconn: usize,
    /// Requests that may wait for it; `None` any number.
    maxqueue: Option<usize>,
    slowstart: Duration,
    is_backup: bool,
}

/// Chooses servers for one backend; see the module's text on concurrency.
#[derive(Debug)]
pub struct Chooser {
    state: Arc<Backend>,
    fixed: Box<[Fixed]>,
    algorithm: Algorithm,
    hashing: Hashing,
    uses_all_backups: bool,
    /// Streams of the backend, at which the servers' limits reach `maxconn`.
    fullconn: usize,
    streams: Arc<AtomicUsize>,
}

/// Active servers and backup servers each have their own turns, as in HAProxy.
#[derive(Debug)]
enum Algorithm {
    RoundRobin(Mutex<[Rotation; 2]>),
    StaticRr(Mutex<Map>),
    LeastConn(Ties),
    Map(Mutex<Map>),
    Ring(Mutex<[Ring; 2]>),
    Random {
        draws: u32,
        random: Draws,
    },
    /// Servers in the order of their numbers.
    First(Box<[usize]>),
    /// The one that has all sessions.
    Sticky(AtomicUsize),
}

/// Which servers compete.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Tier {
    Active,
    /// No active server is usable, and `option allbackups` lets all backup servers stand in.
    Backups,
    /// The first usable backup server stands in alone.
    Backup(usize),
    Nobody,
}

impl Chooser {
    /// A chooser over the servers of `backend`, whose state is `state` (the same servers in the same order); `streams`
    /// counts what the backend has to do.
    pub fn new(backend: &model::proxy::Backend, state: Arc<Backend>, streams: Arc<AtomicUsize>) -> Chooser {
        let servers = backend.servers.get(..state.servers.len()).unwrap_or(&backend.servers);
        let fixed: Box<[Fixed]> = servers.iter().map(Fixed::new).collect();
        let count = fixed.len();
        let map = || Mutex::new(Map::new(fixed.iter().map(|server| server.weight)));
        let ring = || Ring::new(servers.iter().map(seed));
        let hashing = backend.options.hashing;
        let algorithm = match (&backend.balance, hashing.method) {
            (Balance::RoundRobin, _) => Algorithm::RoundRobin(Mutex::new([Rotation::new(count), Rotation::new(count)])),
            (Balance::StaticRr, _) => Algorithm::StaticRr(map()),
            (Balance::LeastConn, _) => Algorithm::LeastConn(Ties::new(count)),
            (Balance::Random { draws }, _) => {
                Algorithm::Random { draws: (*draws).max(1), random: Draws::new(&backend.name) }
            }
            (Balance::First, _) => {
                let mut order: Box<[usize]> = (0..count).collect();
                order.sort_by_key(|server| fixed[*server].id);
                Algorithm::First(order)
            }
            (Balance::Sticky, _) => Algorithm::Sticky(AtomicUsize::new(0)),
            (_, HashMethod::MapBased) => Algorithm::Map(map()),
            (_, HashMethod::Consistent) => Algorithm::Ring(Mutex::new([ring(), ring()])),
        };
        Chooser {
            state,
            fixed,
            algorithm,
            hashing,
            uses_all_backups: backend.options.all_backups,
            fullconn: backend.options.fullconn.unwrap_or(usize::MAX),
            streams,
        }
    }

    /// The servers chosen from.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.state
    }

    /// Chooses a server for a session.
    pub fn choose(&self, wish: &Wish) -> Choice {
        if let Algorithm::Sticky(held) = &self.algorithm {
            return self.wait_for(self.held(held, wish.now), wish.now);
        }
        let tier = self.tier(wish.now);
        let group = match tier {
            Tier::Nobody => return Choice::Down,
            Tier::Backup(server) if self.has_room(server, wish.now) => return Choice::Server(server),
            Tier::Backup(server) => return Choice::Queue { server: Some(server) },
            Tier::Active => 0,
            Tier::Backups => 1,
        };
        let weight = |server: usize| self.weight_in(tier, server, wish.now);
        let has_room = |server: usize| self.has_room(server, wish.now);
        let load = |server: usize| (weight(server) > 0 && has_room(server)).then(|| self.load(server, weight(server)));
        let others = |server: usize| load(server).filter(|_| Some(server) != wish.exclude);
        let last_resort = || wish.exclude.filter(|server| load(*server).is_some());
        let chosen = match &self.algorithm {
            Algorithm::RoundRobin(rotations) => {
                let rotation = &mut lock(rotations)[group];
                rotation.update(weight);
                rotation.next(wish.exclude, has_room)
            }
            Algorithm::StaticRr(map) => {
                let mut map = lock(map);
                map.update(|server| weight(server) > 0);
                map.next(wish.exclude, has_room)
            }
            Algorithm::Map(map) => {
                let mut map = lock(map);
                map.update(|server| weight(server) > 0);
                match wish.hash {
                    Some(hash) => return self.wait_for(map.look_up(hash, wish.exclude), wish.now),
                    None => map.next(wish.exclude, has_room),
                }
            }
            Algorithm::Ring(rings) => {
                let ring = &mut lock(rings)[group];
                ring.update(weight);
                match wish.hash {
                    Some(hash) => {
                        let bound = self.hashing.balance_factor.map(|factor| self.bound(factor, weight));
                        let is_within = |server: usize| bound.as_ref().is_none_or(|bound| bound.allows(server));
                        let may_have_more = |server: usize| is_within(server) && self.is_affine(server, wish.now);
                        return self.wait_for(ring.look_up(hash, wish.exclude, may_have_more), wish.now);
                    }
                    None => ring.next(wish.exclude, has_room),
                }
            }
            Algorithm::LeastConn(ties) => {
                ties.update(|server| weight(server) > 0);
                ties.least(others).or_else(last_resort)
            }
            Algorithm::Random { draws, random } => random.best(self.fixed.len(), *draws, others).or_else(last_resort),
            // It was asked above.
            Algorithm::Sticky(_) => None,
            Algorithm::First(order) => {
                order.iter().copied().find(|server| others(*server).is_some()).or_else(last_resort)
            }
        };
        chosen.map_or(Choice::Queue { server: None }, Choice::Server)
    }

    /// The server that has all sessions, or the first usable one in its place; one that is no backup if there is one.
    fn held(&self, held: &AtomicUsize, now: Instant) -> Option<usize> {
        let is_usable = |server: usize, is_backup: bool| {
            self.fixed.get(server).is_some_and(|fixed| fixed.is_backup == is_backup) && self.weight(server, now) > 0
        };
        let present = held.load(Ordering::Relaxed);
        let of_kind = |is_backup: bool| {
            let others = (0..self.fixed.len()).find(|server| is_usable(*server, is_backup));
            if is_usable(present, is_backup) { Some(present) } else { others }
        };
        let server = of_kind(false).or_else(|| of_kind(true))?;
        // Two workers that find it down at once elect the same.
        held.store(server, Ordering::Relaxed);
        Some(server)
    }

    /// What a session that must go to one server does there.
    pub fn insist(&self, server: usize, now: Instant) -> Choice {
        self.wait_for(Some(server), now)
    }

    fn wait_for(&self, chosen: Option<usize>, now: Instant) -> Choice {
        match chosen {
            Some(server) if self.has_room(server, now) => Choice::Server(server),
            Some(server) => Choice::Queue { server: Some(server) },
            None => Choice::Down,
        }
    }

    /// Takes a connection slot of a server; `false` if it has none left. Every `true` needs one [`Chooser::release`], or a
    /// [`Chooser::note`] where the slot is given back otherwise.
    pub fn reserve(&self, server: usize, now: Instant) -> bool {
        let Some(state) = self.state.servers.get(server) else { return false };
        let limit = self.limit(server, now);
        let more = |used| (used < limit).then_some(used + 1);
        let is_reserved = state.connections.fetch_update(Ordering::AcqRel, Ordering::Relaxed, more).is_ok();
        if is_reserved {
            self.note(server);
        }
        is_reserved
    }

    /// Gives a connection slot back.
    pub fn release(&self, server: usize) {
        if let Some(state) = self.state.servers.get(server) {
            // An error means a release without a reservation: the count stays at zero.
            let _ = state.connections.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |used| used.checked_sub(1));
            self.note(server);
        }
    }

    /// The number of connections of a server changed.
    pub fn note(&self, server: usize) {
        if let Algorithm::LeastConn(ties) = &self.algorithm {
            ties.note(server);
        }
    }

    /// Whether a server would take another connection now.
    pub fn has_room(&self, server: usize, now: Instant) -> bool {
        let Some(state) = self.state.servers.get(server) else { return false };
        state.connections.load(Ordering::Relaxed) < self.limit(server, now)
    }

    /// Whether a hash may lead to a server that is as busy as this one.
    fn is_affine(&self, server: usize, now: Instant) -> bool {
        match (self.hashing.affinity, self.fixed[server].maxqueue) {
            (Affinity::Always, _) | (Affinity::MaxQueue, None) => true,
            (Affinity::MaxConn, _) => self.has_room(server, now),
            (Affinity::MaxQueue, Some(most)) => {
                let state = &self.state.servers[server];
                let present = state.connections.load(Ordering::Relaxed) + state.queued.load(Ordering::Relaxed);
                present < self.limit(server, now).saturating_add(most)
            }
        }
    }

    /// Connections that a server takes now: between `minconn` and `maxconn` with the load of the backend, and less while
    /// it has just come up.
    pub fn limit(&self, server: usize, now: Instant) -> usize {
        let (Some(fixed), Some(state)) = (self.fixed.get(server), self.state.servers.get(server)) else { return 0 };
        let most = state.limit().unwrap_or(fixed.maxconn);
        if most >= usize::MAX - 1 {
            return most;
        }
        let streams = self.streams.load(Ordering::Relaxed);
        let limit = match fixed.minconn >= most || fixed.minconn == fixed.maxconn || streams >= self.fullconn {
            true => most,
            false => fixed.minconn.max(streams.saturating_mul(most) / self.fullconn.max(1)),
        };
        match self.share_of_start(server, now) {
            Some((elapsed, whole)) => (limit.saturating_mul((100 * elapsed / whole) as usize) / 100).max(1),
            None => limit,
        }
    }

    /// How many servers receive new sessions.
    pub fn serving(&self, now: Instant) -> usize {
        match self.tier(now) {
            Tier::Nobody => 0,
            Tier::Backup(_) => 1,
            tier => (0..self.fixed.len()).filter(|server| self.weight_in(tier, *server, now) > 0).count(),
        }
    }

    fn tier(&self, now: Instant) -> Tier {
        let mut first_backup = None;
        for server in 0..self.fixed.len() {
            let is_backup = self.fixed[server].is_backup;
            if (is_backup && first_backup.is_some()) || self.weight(server, now) == 0 {
                continue;
            }
            if !is_backup {
                return Tier::Active;
            }
            first_backup = Some(server);
        }
        match first_backup {
            Some(_) if self.uses_all_backups => Tier::Backups,
            Some(server) => Tier::Backup(server),
            None => Tier::Nobody,
        }
    }

    /// The weight of a server where these compete.
    fn weight_in(&self, tier: Tier, server: usize, now: Instant) -> u32 {
        if self.fixed[server].is_backup == (tier == Tier::Backups) { self.weight(server, now) } else { 0 }
    }

    /// Weight of a server in units of 1/[`SCALE`]; zero takes no sessions. Less than its own while it has just come up.
    pub fn weight(&self, server: usize, now: Instant) -> u32 {
        let Some(state) = self.state.servers.get(server).filter(|state| state.is_usable()) else { return 0 };
        let weight = u32::from(state.weight());
        match self.share_of_start(server, now) {
            Some((elapsed, whole)) => weight * ((u64::from(SCALE) * elapsed + whole) / whole) as u32,
            None => weight * SCALE,
        }
    }

    /// How far a server is that has just come up; `None` if it is not growing.
    pub fn warmth(&self, server: usize, now: Instant) -> Option<Warmth> {
        self.share_of_start(server, now)?;
        let (scaled, whole) = (self.weight(server, now), u32::from(self.state.servers[server].weight()));
        let percentage = (100 * scaled).div_ceil((SCALE * whole).max(1));
        (whole > 0 && scaled > 0).then(|| Warmth { weight: scaled.div_ceil(SCALE) as u16, percentage })
    }

    /// Whole seconds since a server came up, of those in which its weight grows; `None` if they are over.
    fn share_of_start(&self, server: usize, now: Instant) -> Option<(u64, u64)> {
        let slowstart = self.fixed[server].slowstart;
        if slowstart.is_zero() {
            return None;
        }
        let returned = self.state.servers[server].returned()?;
        let whole = slowstart.as_millis().div_ceil(1000) as u64;
        let elapsed = now.since(returned).as_secs();
        (elapsed < whole).then_some((elapsed, whole))
    }

    fn load(&self, server: usize, weight: u32) -> Load {
        Load { connections: self.state.servers[server].connections.load(Ordering::Relaxed), weight }
    }

    /// Bounded loads (arXiv:1608.01350) with weights, as HAProxy deals them out.
    fn bound<W: Fn(usize) -> u32>(&self, factor: u32, weight: W) -> Bound<'_, W> {
        let total: u64 = (0..self.fixed.len()).map(|server| u64::from(weight(server))).sum();
        let connections = |server: usize| self.state.servers[server].connections.load(Ordering::Relaxed) as u64;
        let served: u64 = (0..self.fixed.len()).map(connections).sum();
        let slots = ((served + 1) * u64::from(factor)).div_ceil(100);
        Bound { chooser: self, weight, total: total.max(1), slots }
    }
}

/// How many connections each server may have at present.
struct Bound<'a, W> {
    chooser: &'a Chooser,
    weight: W,
    total: u64,
    slots: u64,
}

impl<W: Fn(usize) -> u32> Bound<'_, W> {
    fn allows(&self, server: usize) -> bool {
        let own = u64::from((self.weight)(server));
        let before: u64 = (0..server).map(|other| u64::from((self.weight)(other))).sum();
        let (each, rest) = (self.slots / self.total, self.slots % self.total);
        let share = own * each + (before + own) * rest / self.total - before * rest / self.total;
        let connections = self.chooser.state.servers[server].connections.load(Ordering::Relaxed) as u64;
        connections < share.max(1)
    }
}

impl Fixed {
    fn new(server: &model::proxy::Server) -> Fixed {
        let options = &server.options;
        let least = options.minconn.unwrap_or(0);
        // A limit that may move needs both ends: where one is missing it is the other.
        let maxconn = server.maxconn.or(options.minconn).map_or(usize::MAX, |most| most.max(least));
        Fixed {
            id: options.id,
            weight: server.weight.value(),
            maxconn,
            minconn: options.minconn.unwrap_or(maxconn),
            maxqueue: options.maxqueue,
            slowstart: options.slowstart,
            is_backup: server.is_backup,
        }
    }
}

/// How busy a server is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Connections in use.
    pub connections: usize,
    /// 1-4096, in units of 1/[`SCALE`].
    pub weight: u32,
}

impl Load {
    /// Key of HAProxy's tree: an idle server is 0 whatever its weight, a busy one is its next connection over its weight.
    pub fn key(self) -> u64 {
        if self.connections == 0 {
            return 0;
        }
        (self.connections as u64 + 1) * u64::from(256 * SCALE) / u64::from(self.weight.max(1))
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
