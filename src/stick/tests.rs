//! Tables as a whole.

use std::sync::Arc;
use std::time::Duration;

use super::tracked::{Owner, Tracking};
use super::{Table, Tables, show};
use crate::model::stick::{self, DataType, KeyType, ServerKey, Stored};
use crate::time::Instant;

fn model(size: usize, expire: Option<u64>, stores: &[(DataType, usize, u64)]) -> stick::Table {
    let stored = |(what, elements, period): &(DataType, usize, u64)| Stored {
        what: *what,
        elements: *elements,
        period: Duration::from_millis(*period),
    };
    stick::Table {
        name: "t".to_owned(),
        key: KeyType::Ip,
        size,
        expire: expire.map(Duration::from_millis),
        nopurge: false,
        server_key: ServerKey::Name,
        stores: stores.iter().map(stored).collect(),
        write_to: None,
        bytes_factor: 1,
    }
}

fn at(milliseconds: u64) -> Instant {
    Instant::from_nanos(1_000_000_000_000 + milliseconds * 1_000_000)
}

fn key(number: u32) -> [u8; 4] {
    number.to_be_bytes()
}

fn read(table: &Table, number: u32, what: DataType, now: Instant) -> Option<u64> {
    table.look(&key(number), now, |view| view.number(what, 0))?
}

#[test]
fn an_entry_goes_when_nobody_used_it_for_its_time() {
    let table = Table::new(&model(10, Some(1000), &[(DataType::Gpc0, 1, 0)]));
    table.change_or_add(&key(1), at(0), |view| view.add(DataType::Gpc0, 0, 5));
    assert_eq!(read(&table, 1, DataType::Gpc0, at(999)), Some(5), "a look is no use");
    assert_eq!(read(&table, 1, DataType::Gpc0, at(1000)), None);
    table.change_or_add(&key(1), at(1000), |view| view.add(DataType::Gpc0, 0, 1));
    table.change(&key(1), at(1900), |view| view.add(DataType::Gpc0, 0, 1));
    assert_eq!(read(&table, 1, DataType::Gpc0, at(2800)), Some(2), "a change is");
    assert_eq!(table.count(at(3000)), 0);
}

#[test]
fn a_full_table_forgets_the_oldest_first() {
    let table = Table::new(&model(3, None, &[(DataType::Gpc0, 1, 0)]));
    for number in 1..=3 {
        table.change_or_add(&key(number), at(u64::from(number)), |view| view.add(DataType::Gpc0, 0, 1));
    }
    table.change(&key(1), at(10), |view| view.add(DataType::Gpc0, 0, 1));
    table.change_or_add(&key(4), at(11), |_| ());
    let known: Vec<_> = (1..=4).filter(|number| read(&table, *number, DataType::Gpc0, at(12)).is_some()).collect();
    assert_eq!(known, [1, 3, 4]);
}

#[test]
fn nopurge_refuses_what_is_new() {
    let table = Table::new(&stick::Table { nopurge: true, ..model(1, None, &[]) });
    assert!(table.change_or_add(&key(1), at(0), |_| ()).is_some());
    assert!(table.change_or_add(&key(2), at(1), |_| ()).is_none());
    assert!(table.change_or_add(&key(1), at(2), |_| ()).is_some());
}

#[test]
fn what_is_tracked_stays() {
    let table = Arc::new(Table::new(&model(1, Some(1000), &[])));
    let entry = table.hold(&key(1), at(0)).unwrap();
    assert!(table.change_or_add(&key(2), at(1), |_| ()).is_none(), "nothing can go");
    assert!(!table.remove(&key(1), at(2)));
    assert_eq!(table.count(at(5000)), 1);
    drop(entry);
    assert_eq!(table.count(at(5000)), 0);
}

#[test]
fn a_flood_of_keys_keeps_a_table_at_its_size() {
    for size in [100, 10_000] {
        let table = Table::new(&model(size, Some(60_000), &[(DataType::ConnRate, 1, 10_000)]));
        for number in 0..200_000_u32 {
            table.change_or_add(&key(number), at(u64::from(number) / 1000), |view| view.add(DataType::ConnRate, 0, 1));
        }
        let count = table.count(at(300));
        assert!(count <= size && count > size * 9 / 10, "{count} of {size}");
        assert_eq!(table.keys(at(300)).len(), count);
    }
}

#[test]
fn workers_that_flood_at_once_keep_to_the_size_and_lose_no_count() {
    let table = Table::new(&model(5000, None, &[(DataType::Gpc0, 1, 0)]));
    std::thread::scope(|scope| {
        for worker in 0..4_u32 {
            let table = &table;
            scope.spawn(move || {
                for number in 0..20_000_u32 {
                    table.change_or_add(&key(worker << 24 | number), at(1), |_| ());
                    table.change_or_add(&key(u32::MAX), at(1), |view| view.add(DataType::Gpc0, 0, 1));
                }
            });
        }
    });
    assert!(table.count(at(2)) <= 5000);
    let counted = read(&table, u32::MAX, DataType::Gpc0, at(2));
    assert_eq!(counted, Some(80_000), "used all the time, so never the oldest");
}

#[test]
fn sessions_and_streams_are_counted_when_they_happen() {
    let types = [DataType::ConnCnt, DataType::ConnCur, DataType::SessCnt, DataType::HttpReqCnt, DataType::BytesInCnt];
    let table = Arc::new(Table::new(&model(10, None, &types.map(|what| (what, 1, 0)))));
    let read = |what| read(&table, 1, what, at(9));
    let mut tracking = Tracking::default();
    tracking.track(0, Owner::Session, table.hold(&key(1), at(0)).unwrap(), at(0));
    tracking.count_session(at(0));
    tracking.count_request(at(1));
    tracking.count_bytes(at(1), 100, 0);
    tracking.count_bytes(at(1), 150, 0);
    tracking.end_stream(at(2));
    assert_eq!(types.map(read), [Some(1), Some(1), Some(1), Some(1), Some(150)]);
    let other = Owner::Stream { is_backend: true };
    tracking.track(1, other, table.hold(&key(1), at(3)).unwrap(), at(3));
    tracking.count_request_of_backend(at(3));
    assert_eq!(types.map(read), [Some(2), Some(2), Some(1), Some(2), Some(150)]);
    tracking.end_stream(at(4));
    tracking.end(at(5));
    assert_eq!(read(DataType::ConnCur), Some(0));
    assert!(table.remove(&key(1), at(6)), "nobody counts there any more");
}

#[test]
fn a_counter_of_the_stream_hides_that_of_the_session() {
    let table = Arc::new(Table::new(&model(10, None, &[(DataType::HttpReqCnt, 1, 0)])));
    let mut tracking = Tracking::default();
    tracking.track(0, Owner::Session, table.hold(&key(1), at(0)).unwrap(), at(0));
    tracking.track(0, Owner::Stream { is_backend: false }, table.hold(&key(2), at(0)).unwrap(), at(0));
    tracking.count_request(at(1));
    assert_eq!(read(&table, 1, DataType::HttpReqCnt, at(1)), Some(0));
    assert_eq!(read(&table, 2, DataType::HttpReqCnt, at(1)), Some(1));
}

#[test]
fn entries_live_over_a_reload_that_keeps_their_kind() {
    let before = Tables::resolve(&[model(10, Some(1000), &[(DataType::Gpc0, 1, 0)])], None);
    let table = before.find("t").unwrap();
    table.change_or_add(&key(1), at(0), |view| view.add(DataType::Gpc0, 0, 1));
    let longer = Tables::resolve(&[model(20, Some(9000), &[(DataType::Gpc0, 1, 0)])], Some(&before));
    let table = longer.find("t").unwrap();
    assert_eq!((table.size(), read(table, 1, DataType::Gpc0, at(5000))), (20, Some(1)));
    let other = Tables::resolve(&[model(20, None, &[(DataType::Gpc1, 1, 0)])], Some(&longer));
    assert_eq!(other.find("t").unwrap().count(at(5000)), 0);
}

#[test]
fn arrays_stand_for_the_single_counters() {
    let table = Table::new(&model(10, None, &[(DataType::Gpc, 2, 0), (DataType::GpcRate, 2, 1000)]));
    table.change_or_add(&key(1), at(0), |view| {
        assert_eq!(view.add(DataType::Gpc0, 0, 2), Some(2));
        assert_eq!(view.add(DataType::Gpc1, 0, 3), Some(3));
        assert_eq!(view.add(DataType::Gpc1Rate, 0, 4), Some(4));
        assert_eq!((view.number(DataType::Gpc, 1), view.number(DataType::Gpc, 2)), (Some(3), None));
        assert_eq!(view.number(DataType::GpcRate, 1), Some(4));
        assert_eq!(view.number(DataType::ConnCnt, 0), None);
    });
}

#[test]
fn tables_are_shown_as_haproxy_shows_them() {
    let stores = [
        (DataType::ServerId, 1, 0),
        (DataType::ConnRate, 1, 30_000),
        (DataType::ServerKey, 1, 0),
        (DataType::Gpc, 2, 0),
        (DataType::GpcRate, 2, 1000),
    ];
    let table = Table::new(&model(100, Some(60_000), &stores));
    table.change_or_add(&key(0x7f00_0001), at(0), |view| {
        view.set(DataType::ServerId, 0, 2);
        view.add(DataType::ConnRate, 0, 3);
        view.add(DataType::GpcRate, 1, 1);
    });
    let mut text = String::new();
    show::head(&table, at(1000), &mut text);
    table.look(&key(0x7f00_0001), at(1000), |view| show::entry(&table, view, 0x100, &mut text));
    assert_eq!(
        text,
        "# table: t, type: ip, size:100, used:1\n\
         0x100: key=127.0.0.1 use=0 exp=59000 server_id=2 conn_rate(30000)=3 server_key=- gpc0=0 gpc1=0 \
         gpc0_rate(1000)=0 gpc1_rate(1000)=1\n"
    );
}

#[test]
fn neighbouring_keys_are_spread_over_the_locks() {
    for step in [1, 256, 65_536, 1 << 20] {
        let table = Table::new(&model(100_000, None, &[]));
        let mut counts = [0; 32];
        for number in 0..4096_u32 {
            let key = key(number.wrapping_mul(step));
            table.change_or_add(&key, at(0), |_| ());
            counts[(table.number_of(&key, at(0)).unwrap() & 0xff) as usize] += 1;
        }
        assert!(counts.iter().all(|count| (16..=512).contains(count)), "{step}: {counts:?}");
    }
}
