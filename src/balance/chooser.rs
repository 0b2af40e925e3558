//! The choice itself.
//!
//! # Concurrency
//!
//! One [`Chooser`] for each backend of a generation is shared by all workers through an `Arc`. Health, administrative
//! state, weights and connection counts are read with relaxed loads where they live ([`crate::state::servers`]) and may
//! be microseconds old. The position of the round robin and the map of the hash stand under a mutex that is held for
//! one scan over the servers and never across a wait; leastconn, random and first take no lock.
//!
//! Two workers may choose the same last free slot: [`Chooser::reserve`] settles that, and the loser chooses again.

use std::net::IpAddr;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::model;
use crate::model::proxy::Balance;
use crate::state::servers::Backend;

use super::leastconn::Ties;
use super::map::Map;
use super::random::Draws;
use super::smooth::Smooth;

/// What to do with a session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Choice {
    /// Connect to this server (index into the backend's list) after [`Chooser::reserve`].
    Server(usize),
    /// Every usable server is full: wait for a slot of `server`, or of any server if `None`.
    Queue {
        /// The only server that will do (`source`).
        server: Option<usize>,
    },
    /// No server is usable: 503.
    Down,
}

/// A server as its file describes it.
#[derive(Debug)]
struct Fixed {
    weight: u16,
    maxconn: usize,
    is_backup: bool,
}

/// Chooses servers for one backend; see the module's text on concurrency.
#[derive(Debug)]
pub struct Chooser {
    state: Arc<Backend>,
    fixed: Box<[Fixed]>,
    algorithm: Algorithm,
}

#[derive(Debug)]
enum Algorithm {
    RoundRobin(Mutex<Smooth>),
    StaticRr(Mutex<Smooth>),
    LeastConn(Ties),
    Source(Mutex<Map>),
    Random { draws: u32, random: Draws },
    First,
}

/// Which servers compete.
#[derive(Clone, Copy)]
enum Tier {
    Active,
    /// All active servers are unusable: HAProxy takes the first usable backup server, unless `option allbackups`.
    Backup(usize),
    Nobody,
}

impl Chooser {
    /// A chooser over the servers of `backend`, whose state is `state` (the same servers in the same order).
    pub fn new(backend: &model::proxy::Backend, state: Arc<Backend>) -> Chooser {
        let fixed: Box<[Fixed]> = backend
            .servers
            .iter()
            .take(state.servers.len())
            .map(|server| Fixed {
                weight: server.weight.value(),
                maxconn: server.maxconn.unwrap_or(usize::MAX),
                is_backup: server.is_backup,
            })
            .collect();
        let algorithm = match backend.balance {
            Balance::RoundRobin => Algorithm::RoundRobin(Mutex::new(Smooth::new(fixed.len()))),
            Balance::StaticRr => Algorithm::StaticRr(Mutex::new(Smooth::new(fixed.len()))),
            Balance::LeastConn => Algorithm::LeastConn(Ties::new(fixed.len())),
            Balance::Source => Algorithm::Source(Mutex::new(Map::new(fixed.iter().map(|server| server.weight)))),
            Balance::Random { draws } => Algorithm::Random { draws: draws.max(1), random: Draws::new(&backend.name) },
            Balance::First => Algorithm::First,
        };
        Chooser { state, fixed, algorithm }
    }

    /// The servers chosen from.
    pub fn backend(&self) -> &Arc<Backend> {
        &self.state
    }

    /// Chooses a server for a session of `client`. `exclude` is the server that has just failed (redispatch): it is
    /// avoided while another will do.
    pub fn choose(&self, client: IpAddr, exclude: Option<usize>) -> Choice {
        match self.tier() {
            Tier::Nobody => Choice::Down,
            Tier::Backup(server) if self.has_room(server) => Choice::Server(server),
            Tier::Backup(_) => Choice::Queue { server: None },
            Tier::Active => match &self.algorithm {
                Algorithm::Source(map) => self.choose_by_source(map, client, exclude),
                _ => self.choose_with_room(exclude),
            },
        }
    }

    /// Takes a connection slot of a server; `false` if it has none left. Every `true` needs one [`Chooser::release`].
    pub fn reserve(&self, server: usize) -> bool {
        let (Some(state), Some(fixed)) = (self.state.servers.get(server), self.fixed.get(server)) else { return false };
        state
            .connections
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |used| {
                (used < state.limit().unwrap_or(fixed.maxconn)).then_some(used + 1)
            })
            .is_ok()
    }

    /// Gives a connection slot back.
    pub fn release(&self, server: usize) {
        if let Some(state) = self.state.servers.get(server) {
            // An error means a release without a reservation: the count stays at zero.
            let _ = state.connections.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |used| used.checked_sub(1));
        }
    }

    /// Whether a server would take another connection now.
    pub fn has_room(&self, server: usize) -> bool {
        match (self.state.servers.get(server), self.fixed.get(server)) {
            (Some(state), Some(fixed)) => {
                state.connections.load(Ordering::Relaxed) < state.limit().unwrap_or(fixed.maxconn)
            }
            _ => false,
        }
    }

    /// How many servers receive new sessions: the usable active ones, or 1 while a backup server stands in.
    pub fn serving(&self) -> usize {
        match self.tier() {
            Tier::Nobody => 0,
            Tier::Backup(_) => 1,
            Tier::Active => (0..self.fixed.len()).filter(|server| self.is_active(*server)).count(),
        }
    }

    fn tier(&self) -> Tier {
        if (0..self.fixed.len()).any(|server| self.is_active(server)) {
            return Tier::Active;
        }
        let is_standby = |server: &usize| self.fixed[*server].is_backup && self.takes_sessions(*server);
        (0..self.fixed.len()).find(is_standby).map_or(Tier::Nobody, Tier::Backup)
    }

    fn is_active(&self, server: usize) -> bool {
        !self.fixed[server].is_backup && self.takes_sessions(server)
    }

    fn takes_sessions(&self, server: usize) -> bool {
        let state = &self.state.servers[server];
        state.is_usable() && state.weight() > 0
    }

    fn choose_with_room(&self, exclude: Option<usize>) -> Choice {
        let is_candidate = |server: usize| Some(server) != exclude && self.is_active(server) && self.has_room(server);
        let chosen = match &self.algorithm {
            Algorithm::RoundRobin(smooth) => {
                lock(smooth).next(|server| if is_candidate(server) { self.state.servers[server].weight() } else { 0 })
            }
            Algorithm::StaticRr(smooth) => {
                lock(smooth).next(|server| if is_candidate(server) { self.fixed[server].weight } else { 0 })
            }
            Algorithm::LeastConn(ties) => ties.least(|server| is_candidate(server).then(|| self.load(server))),
            Algorithm::Random { draws, random } => {
                random.best(self.fixed.len(), *draws, |server| is_candidate(server).then(|| self.load(server)))
            }
            Algorithm::First | Algorithm::Source(_) => (0..self.fixed.len()).find(|server| is_candidate(*server)),
        };
        let last_resort =
            || exclude.filter(|server| *server < self.fixed.len() && self.is_active(*server) && self.has_room(*server));
        chosen.or_else(last_resort).map_or(Choice::Queue { server: None }, Choice::Server)
    }

    fn choose_by_source(&self, map: &Mutex<Map>, client: IpAddr, exclude: Option<usize>) -> Choice {
        let mut map = lock(map);
        let chosen = map.look_up(hash_of_address(client), exclude, |server| self.is_active(server));
        drop(map);
        match chosen {
            Some(server) if self.has_room(server) => Choice::Server(server),
            Some(server) => Choice::Queue { server: Some(server) },
            None => Choice::Down,
        }
    }

    fn load(&self, server: usize) -> Load {
        let state = &self.state.servers[server];
        Load { connections: state.connections.load(Ordering::Relaxed), weight: state.weight() }
    }
}

/// How busy a server is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Load {
    /// Connections in use.
    pub connections: usize,
    /// 1-256.
    pub weight: u16,
}

impl Load {
    /// Key of HAProxy's tree: an idle server is 0 whatever its weight, a busy one is its next connection over its weight.
    pub fn key(self) -> u64 {
        if self.connections == 0 {
            return 0;
        }
        // 2^20 keeps apart what two weights up to 256 can keep apart.
        ((self.connections as u64).saturating_add(1)).saturating_mul(1 << 20) / u64::from(self.weight.max(1))
    }
}

/// HAProxy's hash of a source address: the exclusive or of its 32-bit words in network order.
fn hash_of_address(address: IpAddr) -> u32 {
    match address.to_canonical() {
        IpAddr::V4(address) => u32::from(address),
        IpAddr::V6(address) => {
            let bits = u128::from(address);
            (bits >> 96) as u32 ^ (bits >> 64) as u32 ^ (bits >> 32) as u32 ^ bits as u32
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;

    use super::*;
    use crate::model::Weight;
    use crate::model::fixture;
    use crate::state::servers::{Admin, Registry};
    use crate::time::Instant;

    const CLIENT: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

    fn chooser(backend: model::proxy::Backend) -> Chooser {
        let model = fixture::model(vec![backend]);
        let state = Registry::default().resolve(&model).remove(0);
        Chooser::new(&model.backends[0], state)
    }

    fn take_down(chooser: &Chooser, server: usize) {
        chooser.backend().servers[server].set_admin(Admin::Maint, Instant::ZERO);
    }

    fn counts(chooser: &Chooser, choices: usize) -> Vec<usize> {
        let mut counts = vec![0; chooser.fixed.len()];
        for _ in 0..choices {
            match chooser.choose(CLIENT, None) {
                Choice::Server(server) => counts[server] += 1,
                other => panic!("no server chosen: {other:?}"),
            }
        }
        counts
    }

    #[test]
    fn round_robin_serves_exact_shares_over_a_cycle() {
        for balance in [Balance::RoundRobin, Balance::StaticRr] {
            let chooser = chooser(fixture::backend(balance, &[5, 1, 3]));
            assert_eq!(counts(&chooser, 9), [5, 1, 3]);
            assert_eq!(counts(&chooser, 900), [500, 100, 300]);
        }
    }

    #[test]
    fn round_robin_follows_weights_at_run_time_and_static_rr_does_not() {
        let weight = Weight::new(3).expect("in range");
        let dynamic = chooser(fixture::backend(Balance::RoundRobin, &[1, 1]));
        dynamic.backend().servers[1].set_weight(weight);
        assert_eq!(counts(&dynamic, 8), [2, 6]);
        let fixed = chooser(fixture::backend(Balance::StaticRr, &[1, 1]));
        fixed.backend().servers[1].set_weight(weight);
        assert_eq!(counts(&fixed, 8), [4, 4]);
    }

    #[test]
    fn weight_zero_receives_nothing_and_all_zero_is_down() {
        for balance in [Balance::RoundRobin, Balance::LeastConn, Balance::Random { draws: 2 }, Balance::First] {
            let chooser = chooser(fixture::backend(balance, &[0, 1]));
            assert_eq!(counts(&chooser, 10), [0, 10]);
            take_down(&chooser, 1);
            assert_eq!(chooser.choose(CLIENT, None), Choice::Down);
        }
    }

    #[test]
    fn first_backup_alone_stands_in_when_no_active_server_is_usable() {
        let mut backend = fixture::backend(Balance::RoundRobin, &[1, 1, 1, 1]);
        backend.servers[2].is_backup = true;
        backend.servers[3].is_backup = true;
        let chooser = chooser(backend);
        assert_eq!(counts(&chooser, 4), [2, 2, 0, 0]);
        take_down(&chooser, 0);
        take_down(&chooser, 1);
        assert_eq!(counts(&chooser, 4), [0, 0, 4, 0]);
        assert_eq!(chooser.serving(), 1);
        take_down(&chooser, 2);
        assert_eq!(counts(&chooser, 4), [0, 0, 0, 4]);
    }

    #[test]
    fn leastconn_prefers_the_least_loaded_for_its_weight() {
        let chooser = chooser(fixture::backend(Balance::LeastConn, &[1, 2]));
        let mut given = [0, 0];
        for _ in 0..300 {
            let Choice::Server(server) = chooser.choose(CLIENT, None) else { panic!("no server") };
            assert!(chooser.reserve(server));
            given[server] += 1;
        }
        assert!((99..=101).contains(&given[0]), "{given:?}");
    }

    #[test]
    fn leastconn_rotates_between_equals() {
        let chooser = chooser(fixture::backend(Balance::LeastConn, &[1, 1, 1]));
        assert_eq!(counts(&chooser, 9), [3, 3, 3]);
        take_down(&chooser, 1);
        assert_eq!(counts(&chooser, 10), [5, 0, 5]);
    }

    #[test]
    fn source_keeps_a_client_on_its_server_and_follows_haproxys_hash() {
        let chooser = chooser(fixture::backend(Balance::Source, &[1, 1, 1]));
        for host in 0..30_u32 {
            let client = IpAddr::V4(Ipv4Addr::from(0x0a00_0000 + host));
            let expected = Choice::Server(((0x0a00_0000 + host) % 3) as usize);
            assert_eq!(chooser.choose(client, None), expected);
            assert_eq!(chooser.choose(client, None), expected);
        }
    }

    #[test]
    fn source_waits_for_its_own_server_and_leaves_it_only_when_excluded() {
        let mut backend = fixture::backend(Balance::Source, &[1, 1]);
        backend.servers[0].maxconn = Some(1);
        let chooser = chooser(backend);
        let client = IpAddr::V4(Ipv4Addr::new(10, 0, 0, 2));
        assert_eq!(chooser.choose(client, None), Choice::Server(0));
        assert!(chooser.reserve(0));
        assert_eq!(chooser.choose(client, None), Choice::Queue { server: Some(0) });
        assert_eq!(chooser.choose(client, Some(0)), Choice::Server(1));
    }

    #[test]
    fn hash_of_ipv6_is_the_exclusive_or_of_its_words() {
        let address: IpAddr = "2001:db8::1".parse().expect("valid");
        assert_eq!(hash_of_address(address), 0x2001_0db8 ^ 1);
        assert_eq!(hash_of_address("::ffff:10.0.0.1".parse().expect("valid")), 0x0a00_0001);
    }

    #[test]
    fn random_follows_weights_and_load() {
        let chooser = chooser(fixture::backend(Balance::Random { draws: 1 }, &[1, 3]));
        let given = counts(&chooser, 4000);
        assert!((850..1150).contains(&given[0]), "{given:?}");
    }

    #[test]
    fn two_draws_avoid_the_busier_server_more_often_than_not() {
        let chooser = chooser(fixture::backend(Balance::Random { draws: 2 }, &[1, 1]));
        for _ in 0..10 {
            assert!(chooser.reserve(0));
        }
        let given = counts(&chooser, 4000);
        assert!((850..1150).contains(&given[0]), "{given:?}");
    }

    #[test]
    fn first_fills_servers_in_order() {
        let mut backend = fixture::backend(Balance::First, &[1, 1]);
        backend.servers[0].maxconn = Some(2);
        let chooser = chooser(backend);
        for expected in [0, 0, 1] {
            assert_eq!(chooser.choose(CLIENT, None), Choice::Server(expected));
            assert!(chooser.reserve(expected));
        }
        chooser.release(0);
        assert_eq!(chooser.choose(CLIENT, None), Choice::Server(0));
    }

    #[test]
    fn full_servers_are_skipped_and_all_full_is_a_queue() {
        for balance in [Balance::RoundRobin, Balance::StaticRr, Balance::LeastConn, Balance::Random { draws: 2 }] {
            let mut backend = fixture::backend(balance, &[1, 1]);
            backend.servers.iter_mut().for_each(|server| server.maxconn = Some(1));
            let chooser = chooser(backend);
            assert!(chooser.reserve(0));
            assert_eq!(counts(&chooser, 5), [0, 5]);
            assert!(chooser.reserve(1));
            assert!(!chooser.reserve(1));
            assert_eq!(chooser.choose(CLIENT, None), Choice::Queue { server: None });
        }
    }

    #[test]
    fn excluded_server_is_chosen_only_if_nothing_else_will_do() {
        for balance in
            [Balance::RoundRobin, Balance::LeastConn, Balance::Random { draws: 2 }, Balance::First, Balance::Source]
        {
            let chooser = chooser(fixture::backend(balance, &[1, 1]));
            for _ in 0..6 {
                assert_eq!(chooser.choose(CLIENT, Some(0)), Choice::Server(1));
            }
            take_down(&chooser, 1);
            assert_eq!(chooser.choose(CLIENT, Some(0)), Choice::Server(0));
        }
    }

    #[test]
    fn release_without_reservation_does_not_wrap() {
        let chooser = chooser(fixture::backend(Balance::First, &[1]));
        chooser.release(0);
        assert!(chooser.has_room(0));
        assert!(!chooser.reserve(7));
    }

    #[test]
    fn threads_together_keep_the_shares() {
        let chooser = chooser(fixture::backend(Balance::RoundRobin, &[1, 2]));
        let totals = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3).map(|_| scope.spawn(|| counts(&chooser, 1000))).collect();
            threads
                .into_iter()
                .map(|thread| thread.join().expect("no panic"))
                .fold([0, 0], |sum, part| [sum[0] + part[0], sum[1] + part[1]])
        });
        assert_eq!(totals, [1000, 2000]);
    }
}
