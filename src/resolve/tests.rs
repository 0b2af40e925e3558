use std::net::IpAddr;
use std::time::Duration;

use super::*;
use crate::model::balance::Balance;
use crate::model::naming::{Family, First, Lack, NameServer, Naming, Resolvers, Transport};
use crate::model::{Model, fixture};
use crate::state::naming::{News, Renewal, Section, Tallies, Tally};
use crate::time::Instant;
use crate::wire::dns;

const A: u16 = 1;
const AAAA: u16 = 28;
const SRV: u16 = 33;

/// A machine on a clock of its own, with the model that it changes.
struct Bench {
    now: Instant,
    machine: Machine,
    model: Model,
    counted: Vec<Section>,
}

/// A question that was asked.
/// The number of a name, and the address that it is told to have.
type Told = (u64, Option<IpAddr>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Asked {
    id: u16,
    name: String,
    kind: u16,
    bytes: Vec<u8>,
}

fn naming(host: &str) -> Naming {
    let naming = Naming {
        resolvers: Some("mydns".into()),
        lack: Some(Lack::Unknown),
        first: vec![First::Nothing],
        preference: Some(Family::V4),
        ..Naming::default()
    };
    match host.starts_with('_') {
        true => Naming { service: Some(host.into()), ..naming },
        false => Naming { host: Some(host.into()), ..naming },
    }
}

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap()
}

impl Bench {
    /// Servers `s0`, `s1`... with these names, two name servers, both families.
    fn new(hosts: &[&str]) -> Bench {
        let mut backend = fixture::backend(Balance::RoundRobin, &vec![1; hosts.len()]);
        for (server, host) in backend.servers.iter_mut().zip(hosts) {
            server.options.naming = naming(host);
            server.address = "0.0.0.0:80".parse().unwrap();
        }
        let mut model = fixture::model(vec![backend]);
        let server = |name: &str| NameServer {
            name: name.to_owned(),
            address: "192.0.2.53:53".parse().unwrap(),
            transport: Transport::Udp,
        };
        model.resolvers =
            vec![Resolvers { servers: vec![server("a"), server("b")], ..Resolvers::new("mydns".to_owned()) }];
        let tallies = || std::sync::Arc::new(Tallies::default());
        let servers = vec![("a".to_owned(), tallies()), ("b".to_owned(), tallies())];
        let counted = vec![Section { name: "mydns".to_owned(), servers }];
        let mut last = 0;
        let machine = Machine::new(move || {
            last += 1;
            last
        });
        let now = Instant::ZERO + Duration::from_secs(1000);
        let mut bench = Bench { now, machine, model, counted };
        bench.configure();
        bench
    }

    fn configure(&mut self) {
        self.machine.configure(self.now, &self.model, &self.counted, true);
        self.machine.handle_timeout(self.now);
    }

    fn pass(&mut self, milliseconds: u64) {
        self.now += Duration::from_millis(milliseconds);
        self.machine.handle_timeout(self.now);
    }

    /// What was asked since the last look; the model has what came of answers.
    fn asked(&mut self) -> Vec<Asked> {
        self.outputs().0
    }

    /// What changed since the last look.
    fn renewals(&mut self) -> Vec<Renewal> {
        self.outputs().1
    }

    fn outputs(&mut self) -> (Vec<Asked>, Vec<Renewal>, Vec<Told>) {
        let (mut asked, mut renewals, mut told) = (Vec::new(), Vec::new(), Vec::new());
        while let Some(output) = self.machine.poll_output() {
            match output {
                Output::Ask { question, .. } => asked.push(read(question)),
                Output::Renew(renewal) => renewals.push(renewal),
                Output::Tell { token, address } => told.push((token, address)),
            }
        }
        place(&mut self.model, &renewals);
        (asked, renewals, told)
    }

    /// An answer of a name server with these records, or with that code.
    fn answer(&mut self, server: usize, asked: &Asked, code: u8, records: &[Vec<u8>]) {
        let mut bytes = asked.id.to_be_bytes().to_vec();
        bytes.extend([0x81, 0x80 | code, 0, 1, 0, records.len() as u8, 0, 0, 0, 0]);
        let end = asked.bytes[12..].iter().position(|byte| *byte == 0).unwrap() + 12 + 5;
        bytes.extend(&asked.bytes[12..end]);
        records.iter().for_each(|record| bytes.extend(record));
        self.machine.handle_reply(self.now, 0, server, &bytes);
    }

    fn places(&self) -> Vec<String> {
        let shown = |server: &crate::model::proxy::Server| match server.options.naming.lack {
            Some(lack) => format!("{lack:?}"),
            None => server.address.to_string(),
        };
        self.model.backends[0].servers.iter().map(shown).collect()
    }

    fn count(&self, server: usize, tally: Tally) -> u64 {
        self.counted[0].servers[server].1.get(tally)
    }
}

fn read(bytes: Vec<u8>) -> Asked {
    let end = bytes[12..].iter().position(|byte| *byte == 0).unwrap() + 12;
    let mut labels = Vec::new();
    let mut at = 12;
    while at < end {
        let length = usize::from(bytes[at]);
        labels.push(String::from_utf8(bytes[at + 1..at + 1 + length].to_vec()).unwrap());
        at += 1 + length;
    }
    let kind = u16::from_be_bytes([bytes[end + 1], bytes[end + 2]]);
    Asked { id: dns::id(&bytes).unwrap(), name: labels.join("."), kind, bytes }
}

/// A record of the name that was asked for.
fn record(kind: u16, data: &[u8]) -> Vec<u8> {
    let mut bytes = vec![0xc0, 0x0c];
    bytes.extend(kind.to_be_bytes());
    bytes.extend([0, 1, 0, 0, 0, 60]);
    bytes.extend((data.len() as u16).to_be_bytes());
    bytes.extend(data);
    bytes
}

fn a(last: u8) -> Vec<u8> {
    record(A, &[192, 0, 2, last])
}

fn srv(weight: u16, port: u16, target: &str) -> Vec<u8> {
    let mut data = vec![0, 1];
    data.extend(weight.to_be_bytes());
    data.extend(port.to_be_bytes());
    for label in target.split('.') {
        data.push(label.len() as u8);
        data.extend(label.as_bytes());
    }
    data.push(0);
    record(SRV, &data)
}

const NX: u8 = 3;

#[test]
fn a_name_is_asked_for_at_once_and_again_after_the_interval() {
    let mut bench = Bench::new(&["web.test"]);
    let asked = bench.asked();
    assert_eq!((asked.len(), asked[0].name.as_str(), asked[0].kind), (1, "web.test", A));
    bench.answer(0, &asked[0], 0, &[a(1)]);
    let renewals = bench.renewals();
    let news = News::Place { address: Some(ip("192.0.2.1")), record: None };
    assert_eq!((renewals.len(), &renewals[0].news, renewals[0].by.as_deref()), (1, &news, Some("mydns/a")));
    assert_eq!(bench.machine.poll_timeout(), Some(bench.now + Duration::from_secs(1)));
    bench.pass(999);
    assert_eq!(bench.asked(), []);
    bench.pass(1);
    assert_eq!(bench.asked().len(), 1);
    assert_eq!((bench.count(0, Tally::Valid), bench.count(0, Tally::Update)), (1, 1));
}

#[test]
fn the_second_answer_comes_too_late() {
    let mut bench = Bench::new(&["web.test"]);
    let asked = bench.asked().remove(0);
    bench.answer(1, &asked, 0, &[a(1)]);
    bench.answer(0, &asked, NX, &[]);
    assert_eq!(bench.renewals().len(), 1);
    assert_eq!((bench.count(0, Tally::Outdated), bench.count(0, Tally::Nx)), (1, 0));
}

#[test]
fn a_bad_answer_waits_for_a_good_one() {
    let mut bench = Bench::new(&["web.test"]);
    let asked = bench.asked().remove(0);
    bench.answer(0, &asked, NX, &[]);
    assert_eq!(bench.asked(), []);
    bench.answer(1, &asked, 0, &[a(1)]);
    assert_eq!(bench.renewals().len(), 1);
}

#[test]
fn the_other_family_is_asked_for_when_everybody_failed() {
    let mut bench = Bench::new(&["web.test"]);
    let first = bench.asked().remove(0);
    bench.answer(0, &first, 0, &[]);
    bench.answer(1, &first, 0, &[]);
    let second = bench.asked().remove(0);
    assert_eq!((first.kind, second.kind), (A, AAAA));
    assert_ne!(first.id, second.id);
    bench.answer(0, &second, 0, &[record(AAAA, &[0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1])]);
    bench.outputs();
    assert_eq!(bench.places(), ["[2001:db8::1]:80"]);
}

#[test]
fn silence_is_asked_again_as_often_as_the_section_says_and_then_counts() {
    let mut bench = Bench::new(&["web.test"]);
    assert_eq!(bench.asked().len(), 1);
    for _ in 0..2 {
        bench.pass(1000);
        let asked = bench.asked();
        assert_eq!((asked.len(), asked[0].kind), (1, A));
    }
    bench.pass(1000);
    assert_eq!(bench.asked(), []);
    assert_eq!((bench.count(0, Tally::Timeout), bench.count(1, Tally::Timeout)), (1, 1));
    // It begins anew after the interval.
    bench.pass(1000);
    assert_eq!(bench.asked().len(), 1);
}

/// Has every question answered with that code until nothing is asked for so long.
fn fail_for(bench: &mut Bench, code: u8, milliseconds: u64) {
    let until = bench.now + Duration::from_millis(milliseconds);
    while bench.now < until {
        for asked in bench.asked() {
            bench.answer(0, &asked, code, &[]);
            bench.answer(1, &asked, code, &[]);
        }
        bench.pass(100);
    }
    bench.outputs();
}

#[test]
fn a_good_answer_holds_for_as_long_as_the_section_says() {
    for (code, lack) in [(NX, Lack::Nx), (5, Lack::Refused), (2, Lack::Other)] {
        let mut bench = Bench::new(&["web.test"]);
        let asked = bench.asked().remove(0);
        bench.answer(0, &asked, 0, &[a(1)]);
        bench.outputs();
        bench.configure();
        fail_for(&mut bench, code, 29_000);
        assert_eq!(bench.places(), ["192.0.2.1:80"], "{lack:?}");
        fail_for(&mut bench, code, 5_000);
        assert_eq!(bench.places(), [format!("{lack:?}")]);
    }
}

#[test]
fn an_address_stays_as_long_as_the_name_has_it() {
    let mut bench = Bench::new(&["web.test"]);
    let asked = bench.asked().remove(0);
    bench.answer(0, &asked, 0, &[a(1), a(2), a(3)]);
    bench.outputs();
    let first = bench.places();
    bench.configure();
    let last: u8 = first[0].split(['.', ':']).nth(3).unwrap().parse().unwrap();
    for records in [[a(7), a(last)], [a(last), a(9)]] {
        bench.pass(1000);
        let asked = bench.asked().remove(0);
        bench.answer(0, &asked, 0, &records);
        assert_eq!(bench.renewals(), []);
    }
    bench.pass(1000);
    let asked = bench.asked().remove(0);
    bench.answer(0, &asked, 0, &[a(9)]);
    bench.outputs();
    assert_eq!(bench.places(), ["192.0.2.9:80"]);
}

#[test]
fn servers_of_one_name_share_its_addresses() {
    let mut bench = Bench::new(&["web.test"; 3]);
    let asked = bench.asked();
    assert_eq!(asked.len(), 1);
    bench.answer(0, &asked[0], 0, &[a(1), a(2)]);
    let renewals = bench.renewals();
    assert_eq!(renewals.iter().map(|one| one.by.as_deref()).collect::<Vec<_>>(), [Some("mydns/a"), Some("DNS cache")]);
    let mut places = bench.places();
    assert_eq!(places.pop().as_deref(), Some("Unknown"));
    places.sort();
    assert_eq!(places, ["192.0.2.1:80", "192.0.2.2:80"]);
    // One of them goes, with the server that had it.
    bench.configure();
    bench.pass(1000);
    let asked = bench.asked().remove(0);
    bench.answer(0, &asked, 0, &[a(1)]);
    bench.outputs();
    let mut places = bench.places();
    places.sort();
    assert_eq!(places, ["192.0.2.1:80", "NoAddress", "Unknown"]);
}

#[test]
fn servers_may_have_the_same_address_where_that_is_allowed() {
    let mut bench = Bench::new(&["web.test"; 2]);
    bench.model.backends[0].servers.iter_mut().for_each(|server| server.options.naming.allows_duplicates = true);
    bench.configure();
    let asked = bench.asked().remove(0);
    bench.answer(0, &asked, 0, &[a(1)]);
    bench.outputs();
    assert_eq!(bench.places(), ["192.0.2.1:80", "192.0.2.1:80"]);
}

#[test]
fn a_service_gives_servers_their_names_ports_and_weights() {
    let mut bench = Bench::new(&["_http._tcp.test"; 3]);
    let asked = bench.asked().remove(0);
    assert_eq!(asked.kind, SRV);
    bench.answer(0, &asked, 0, &[srv(0, 8001, "a.test"), srv(65_535, 8002, "b.test")]);
    let weights: Vec<_> = bench
        .renewals()
        .into_iter()
        .map(|renewal| match renewal.news {
            News::Place { record: Some(record), .. } => (record.host, record.port, record.weight),
            other => panic!("{other:?}"),
        })
        .collect();
    assert!(
        weights.contains(&("a.test".into(), 8001, Some(0))) && weights.contains(&("b.test".into(), 8002, Some(256)))
    );
    bench.configure();
    for asked in bench.asked() {
        let last = if asked.name == "a.test" { 1 } else { 2 };
        bench.answer(0, &asked, 0, &[a(last)]);
    }
    bench.outputs();
    let mut places = bench.places();
    places.sort();
    assert_eq!(places, ["192.0.2.1:8001", "192.0.2.2:8002", "Unknown"]);
}

#[test]
fn a_server_whose_record_is_gone_is_free_for_another_one() {
    let mut bench = Bench::new(&["_http._tcp.test"]);
    for (target, port, last) in [("a.test", 8001, 1), ("b.test", 8002, 2)] {
        while let Some(asked) = bench.asked().into_iter().next() {
            match asked.kind {
                SRV => bench.answer(0, &asked, 0, &[srv(1, port, target)]),
                _ => bench.answer(0, &asked, 0, &[a(last)]),
            }
            bench.outputs();
            bench.configure();
        }
        assert_eq!(bench.places(), [format!("192.0.2.{last}:{port}")]);
        assert_eq!(bench.model.backends[0].servers[0].options.naming.host.as_deref(), Some(target));
        bench.pass(1001);
    }
}

#[test]
fn whoever_asks_for_a_name_is_told_from_what_is_known() {
    let mut bench = Bench::new(&[]);
    let wish = |token| Wish { name: "Web.Test.".into(), preference: Some(Family::V4), token };
    bench.machine.ask(bench.now, "mydns", wish(1));
    let (asked, ..) = bench.outputs();
    bench.answer(0, &asked[0], 0, &[a(1)]);
    assert_eq!(bench.outputs().2, [(1, Some(ip("192.0.2.1")))]);
    bench.machine.ask(bench.now + Duration::from_secs(9), "mydns", wish(2));
    assert_eq!(bench.outputs(), (vec![], vec![], vec![(2, Some(ip("192.0.2.1")))]));
    bench.pass(10_000);
    bench.machine.ask(bench.now, "mydns", wish(3));
    assert_eq!(bench.outputs().0.len(), 1);
    bench.machine.ask(bench.now, "other", wish(4));
    bench.machine.ask(bench.now, "mydns", Wish { name: "a..b".into(), ..wish(5) });
    assert_eq!(bench.outputs().2, [(4, None), (5, None)]);
}

#[test]
fn whoever_asks_for_a_name_without_address_is_told_so() {
    let mut bench = Bench::new(&[]);
    bench.machine.ask(bench.now, "mydns", Wish { name: "nx.test".into(), preference: None, token: 7 });
    let mut told = Vec::new();
    for _ in 0..40 {
        let (asked, _, some) = bench.outputs();
        told.extend(some);
        for asked in asked {
            bench.answer(0, &asked, NX, &[]);
            bench.answer(1, &asked, NX, &[]);
        }
        bench.pass(100);
    }
    assert_eq!(told, [(7, None)]);
}

#[test]
fn hostile_bytes_cost_a_counter() {
    let mut bench = Bench::new(&["web.test"]);
    let asked = bench.asked().remove(0);
    bench.machine.handle_reply(bench.now, 0, 0, b"\x00");
    bench.machine.handle_reply(bench.now, 0, 0, &[0; 513]);
    bench.machine.handle_reply(bench.now, 9, 9, b"");
    bench.machine.handle_reply(bench.now, 0, 1, &[asked.id.to_be_bytes().as_slice(), &[0xff; 40]].concat());
    assert_eq!((bench.count(0, Tally::Invalid), bench.count(0, Tally::TooBig)), (1, 1));
    bench.answer(1, &asked, 0, &[a(1)]);
    assert_eq!(bench.renewals().len(), 1);
}
