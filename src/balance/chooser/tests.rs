use super::*;
use crate::model::Weight;
use crate::model::fixture;
use crate::state::servers::{Admin, Registry};

const ANY: Wish = Wish { now: Instant::ZERO, hash: None, exclude: None };

fn hashed(hash: u32) -> Wish {
    Wish { hash: Some(hash), ..ANY }
}

fn excluding(server: usize) -> Wish {
    Wish { exclude: Some(server), ..ANY }
}

fn chooser(backend: model::proxy::Backend) -> Chooser {
    let model = fixture::model(vec![backend]);
    let state = Registry::default().resolve(&model).remove(0);
    Chooser::new(&model.backends[0], state, Arc::default())
}

fn take_down(chooser: &Chooser, server: usize) {
    chooser.backend().servers[server].set_admin(Admin::Maint, Instant::ZERO);
}

fn counts(chooser: &Chooser, choices: usize) -> Vec<usize> {
    let mut counts = vec![0; chooser.fixed.len()];
    for _ in 0..choices {
        match chooser.choose(&ANY) {
            Choice::Server(server) => {
                counts[server] += 1;
                assert!(chooser.reserve(server, Instant::ZERO));
                chooser.release(server);
            }
            other => panic!("no server chosen: {other:?}"),
        }
    }
    counts
}

#[test]
fn round_robin_serves_exact_shares_over_a_cycle() {
    for balance in [Balance::RoundRobin, Balance::StaticRr] {
        let chooser = chooser(fixture::backend(balance, &[5, 1, 3]));
        assert_eq!(counts(&chooser, 9), [5, 1, 3], "{:?}", chooser.algorithm);
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
        assert_eq!(chooser.choose(&ANY), Choice::Down);
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
    assert_eq!(chooser.serving(Instant::ZERO), 1);
    take_down(&chooser, 2);
    assert_eq!(counts(&chooser, 4), [0, 0, 0, 4]);
}

#[test]
fn leastconn_prefers_the_least_loaded_for_its_weight() {
    let chooser = chooser(fixture::backend(Balance::LeastConn, &[1, 2]));
    let mut given = [0, 0];
    for _ in 0..300 {
        let Choice::Server(server) = chooser.choose(&ANY) else { panic!("no server") };
        assert!(chooser.reserve(server, Instant::ZERO));
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
fn a_hash_keeps_to_its_server() {
    let chooser = chooser(fixture::backend(Balance::Source, &[1, 1, 1]));
    for hash in 0..30_u32 {
        let expected = Choice::Server((hash % 3) as usize);
        assert_eq!(chooser.choose(&hashed(hash)), expected);
        assert_eq!(chooser.choose(&hashed(hash)), expected);
    }
}

#[test]
fn a_hash_waits_for_its_own_server_and_leaves_it_only_when_excluded() {
    let mut backend = fixture::backend(Balance::Source, &[1, 1]);
    backend.servers[0].maxconn = Some(1);
    let chooser = chooser(backend);
    assert_eq!(chooser.choose(&hashed(2)), Choice::Server(0));
    assert!(chooser.reserve(0, Instant::ZERO));
    assert_eq!(chooser.choose(&hashed(2)), Choice::Queue { server: Some(0) });
    assert_eq!(chooser.choose(&Wish { exclude: Some(0), ..hashed(2) }), Choice::Server(1));
}

#[test]
fn without_a_key_hashes_take_turns() {
    for method in [HashMethod::MapBased, HashMethod::Consistent] {
        let mut backend = fixture::backend(Balance::Source, &[1, 1]);
        backend.options.hashing.method = method;
        assert_eq!(counts(&chooser(backend), 32), [16, 16], "{method:?}");
    }
}

#[test]
fn all_backups_stand_in_together_where_asked_for() {
    let mut backend = fixture::backend(Balance::RoundRobin, &[1, 1, 1]);
    backend.options.all_backups = true;
    backend.servers[1].is_backup = true;
    backend.servers[2].is_backup = true;
    let chooser = chooser(backend);
    assert_eq!(counts(&chooser, 4), [4, 0, 0]);
    take_down(&chooser, 0);
    assert_eq!(counts(&chooser, 4), [0, 2, 2]);
    assert_eq!(chooser.serving(Instant::ZERO), 2);
}

#[test]
fn a_server_that_comes_up_grows_into_its_weight() {
    let mut backend = fixture::backend(Balance::RoundRobin, &[10, 10]);
    backend.servers[1].options.slowstart = Duration::from_secs(10);
    backend.servers[1].maxconn = Some(100);
    let chooser = chooser(backend);
    let second = |seconds: u64| Instant::ZERO + Duration::from_secs(seconds);
    assert_eq!(chooser.weight(1, second(1)), 160);
    chooser.backend().servers[1].set_admin(Admin::Maint, second(1));
    assert_eq!(chooser.weight(1, second(1)), 0);
    chooser.backend().servers[1].set_admin(Admin::Ready, second(2));
    assert_eq!((chooser.weight(1, second(2)), chooser.limit(1, second(2))), (10, 1));
    assert_eq!((chooser.weight(1, second(7)), chooser.limit(1, second(7))), (90, 50));
    assert_eq!((chooser.weight(1, second(12)), chooser.limit(1, second(12))), (160, 100));
}

#[test]
fn a_limit_moves_with_the_load_between_minconn_and_maxconn() {
    let mut backend = fixture::backend(Balance::RoundRobin, &[1]);
    backend.servers[0].maxconn = Some(100);
    backend.servers[0].options.minconn = Some(10);
    backend.options.fullconn = Some(1000);
    let model = fixture::model(vec![backend]);
    let streams = Arc::new(AtomicUsize::new(0));
    let state = Registry::default().resolve(&model).remove(0);
    let chooser = Chooser::new(&model.backends[0], state, Arc::clone(&streams));
    for (load, limit) in [(0, 10), (50, 10), (500, 50), (1000, 100), (5000, 100)] {
        streams.store(load, Ordering::Relaxed);
        assert_eq!(chooser.limit(0, Instant::ZERO), limit, "{load}");
    }
}

#[test]
fn first_goes_by_the_numbers_of_servers() {
    let mut backend = fixture::backend(Balance::First, &[1, 1]);
    backend.servers[0].options.id = 9;
    assert_eq!(counts(&chooser(backend), 3), [0, 3]);
}

#[test]
fn a_hash_passes_over_a_server_with_more_than_its_share() {
    let mut backend = fixture::backend(Balance::Source, &[1, 1]);
    backend.options.hashing =
        Hashing { method: HashMethod::Consistent, balance_factor: Some(150), ..Hashing::default() };
    let chooser = chooser(backend);
    let Choice::Server(own) = chooser.choose(&hashed(7)) else { panic!("no server") };
    for _ in 0..3 {
        assert!(chooser.reserve(own, Instant::ZERO));
    }
    // Four connections with this one: 1.5 * 4 / 2 is three each, and it has three.
    assert_eq!(chooser.choose(&hashed(7)), Choice::Server(1 - own));
}

#[test]
fn a_hash_passes_over_a_full_server_where_affinity_ends_there() {
    for (affinity, chosen) in [(Affinity::Always, None), (Affinity::MaxQueue, None), (Affinity::MaxConn, Some(()))] {
        let mut backend = fixture::backend(Balance::Source, &[1, 1]);
        backend.options.hashing = Hashing { method: HashMethod::Consistent, affinity, ..Hashing::default() };
        for server in &mut backend.servers {
            (server.maxconn, server.options.maxqueue) = (Some(1), Some(2));
        }
        let chooser = chooser(backend);
        let Choice::Server(own) = chooser.choose(&hashed(7)) else { panic!("no server") };
        assert!(chooser.reserve(own, Instant::ZERO));
        let expected = chosen.map_or(Choice::Queue { server: Some(own) }, |()| Choice::Server(1 - own));
        assert_eq!(chooser.choose(&hashed(7)), expected, "{affinity:?}");
        if affinity == Affinity::MaxQueue {
            chooser.backend().servers[own].queued.store(2, Ordering::Relaxed);
            assert_eq!(chooser.choose(&hashed(7)), Choice::Server(1 - own));
        }
    }
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
        assert!(chooser.reserve(0, Instant::ZERO));
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
        assert_eq!(chooser.choose(&ANY), Choice::Server(expected));
        assert!(chooser.reserve(expected, Instant::ZERO));
    }
    chooser.release(0);
    assert_eq!(chooser.choose(&ANY), Choice::Server(0));
}

#[test]
fn full_servers_are_skipped_and_all_full_is_a_queue() {
    for balance in [Balance::RoundRobin, Balance::StaticRr, Balance::LeastConn, Balance::Random { draws: 2 }] {
        let mut backend = fixture::backend(balance, &[1, 1]);
        backend.servers.iter_mut().for_each(|server| server.maxconn = Some(1));
        let chooser = chooser(backend);
        assert!(chooser.reserve(0, Instant::ZERO));
        assert_eq!(counts(&chooser, 5), [0, 5]);
        assert!(chooser.reserve(1, Instant::ZERO));
        assert!(!chooser.reserve(1, Instant::ZERO));
        assert_eq!(chooser.choose(&ANY), Choice::Queue { server: None });
    }
}

#[test]
fn excluded_server_is_chosen_only_if_nothing_else_will_do() {
    for balance in
        [Balance::RoundRobin, Balance::LeastConn, Balance::Random { draws: 2 }, Balance::First, Balance::Source]
    {
        let chooser = chooser(fixture::backend(balance, &[1, 1]));
        for _ in 0..6 {
            assert_eq!(chooser.choose(&excluding(0)), Choice::Server(1));
        }
        take_down(&chooser, 1);
        assert_eq!(chooser.choose(&excluding(0)), Choice::Server(0));
    }
}

#[test]
fn release_without_reservation_does_not_wrap() {
    let chooser = chooser(fixture::backend(Balance::First, &[1]));
    chooser.release(0);
    assert!(chooser.has_room(0, Instant::ZERO));
    assert!(!chooser.reserve(7, Instant::ZERO));
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

#[test]
fn sticky_stays_with_a_server_until_it_is_down_and_prefers_those_that_are_no_backup() {
    let mut backend = fixture::backend(Balance::Sticky, &[1, 1, 1]);
    backend.servers[2].is_backup = true;
    let chooser = chooser(backend);
    let back = |server: usize| chooser.backend().servers[server].set_admin(Admin::Ready, Instant::ZERO);
    let chosen = || chooser.choose(&ANY);
    assert_eq!(chosen(), Choice::Server(0));
    take_down(&chooser, 0);
    assert_eq!(chosen(), Choice::Server(1));
    back(0);
    assert_eq!(chosen(), Choice::Server(1), "one that comes back takes nothing away");
    take_down(&chooser, 0);
    take_down(&chooser, 1);
    assert_eq!(chosen(), Choice::Server(2));
    back(0);
    assert_eq!(chosen(), Choice::Server(0));
    [0, 2].into_iter().for_each(|server| take_down(&chooser, server));
    assert_eq!(chosen(), Choice::Down);
}
