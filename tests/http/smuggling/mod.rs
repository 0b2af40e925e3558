//! Messages that two parsers could read differently: what vipgate and the packaged HAProxy make of them is in the tables of
//! `docs/reference/ambiguous.md`, and nothing ambiguous ever reaches a server.

mod judge;
mod page;

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;

use vipgate::model::proxy::{DoubtfulFraming, Mode};

use crate::rig::{PATIENCE, Peer, Proxy, Scripted, until};
use crate::rules::{Packaged, read};

use page::{Row, bytes, rows, update};

/// As short as a busy machine allows: some cases end with the client's timeouts. A server has more.
const DEFAULTS: &str = "defaults\n mode http\n timeout connect 2s\n timeout client 2s\n timeout server 9s\n \
                        timeout http-request 2s\n timeout http-keep-alive 500ms\n";

/// How many rows are under way at once: their time limits have to hold on a busy machine.
const AT_ONCE: usize = 12;

/// Asks for the rows in turn, some at once.
fn in_turn<T: Send>(cases: Vec<T>, ask: impl Fn(T) -> Row + Sync) -> Vec<Row> {
    let (mut found, mut cases) = (Vec::new(), cases.into_iter().peekable());
    while cases.peek().is_some() {
        let some: Vec<T> = cases.by_ref().take(AT_ONCE).collect();
        found.extend(thread::scope(|scope| {
            let asked: Vec<_> = some.into_iter().map(|case| scope.spawn(|| ask(case))).collect();
            asked.into_iter().map(|asked| asked.join().unwrap()).collect::<Vec<_>>()
        }));
    }
    found
}

/// What came on the connections of a server.
type Record = Arc<Mutex<Vec<Vec<u8>>>>;

/// A server that answers whatever it can count as a request, and remembers every byte.
fn recorder() -> (Scripted, Record) {
    let record = Record::default();
    let seen = Arc::clone(&record);
    let server = Scripted::new(move |mut peer: Peer, _| {
        let place = {
            let mut seen = seen.lock().unwrap();
            seen.push(Vec::new());
            seen.len() - 1
        };
        let (mut answered, mut buffer) = (0, [0; 65_536]);
        while let Ok(count) = peer.stream.read(&mut buffer) {
            if count == 0 {
                return;
            }
            let found = {
                let all = &mut seen.lock().unwrap()[place];
                all.extend_from_slice(&buffer[..count]);
                judge::requests(all).map_or(answered + 1, |found| found.len())
            };
            for _ in answered..found {
                let _ = peer.stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
            }
            answered = found;
        }
    });
    (server, record)
}

/// A server whose first response is these bytes; the others are clean.
fn odd_server(first: Vec<u8>) -> Scripted {
    Scripted::new(move |mut peer: Peer, number| {
        let mut is_first = number == 0;
        while !peer.head().is_empty() {
            let clean: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nclean";
            let answer = if std::mem::take(&mut is_first) { &first } else { clean };
            if peer.stream.write_all(answer).is_err() {
                return;
            }
        }
    })
}

fn ask(address: SocketAddr, sent: &[u8]) -> Vec<u8> {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    // A proxy may refuse before it has read everything.
    let _ = stream.write_all(sent);
    let mut got = Vec::new();
    let _ = stream.read_to_end(&mut got);
    got
}

/// Statuses of the responses, and their bodies together.
fn responses(mut got: &[u8]) -> (String, String) {
    let (mut statuses, mut bodies) = (Vec::new(), String::new());
    while let Some(end) = got.windows(4).position(|four| four == b"\r\n\r\n") {
        let head = String::from_utf8_lossy(&got[..end]).to_lowercase();
        let status = head.split_ascii_whitespace().nth(1).unwrap_or_default().to_owned();
        let rest = &got[end + 4..];
        let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
        let is_chunked = head.contains("transfer-encoding: chunked");
        let length = match length {
            _ if status.starts_with('1') => 0,
            _ if is_chunked => rest.windows(5).position(|five| five == b"0\r\n\r\n").map_or(rest.len(), |at| at + 5),
            Some(length) => rest.len().min(length),
            None => rest.len(),
        };
        bodies += &String::from_utf8_lossy(&rest[..length]);
        statuses.push(status);
        got = &rest[length..];
    }
    (if statuses.is_empty() { "closed".to_owned() } else { statuses.join(" ") }, bodies)
}

/// One running HAProxy with a proxy for each server; their addresses.
fn packaged(servers: &[SocketAddr]) -> (Packaged, tempfile::TempDir, Vec<SocketAddr>) {
    // An address of this process and this HAProxy alone: nobody else takes a port between its release here and haproxy's
    // bind, which shares it with whoever has it.
    static COUNT: AtomicU8 = AtomicU8::new(1);
    let [.., a, b] = std::process::id().to_be_bytes();
    let number = COUNT.fetch_add(1, Ordering::Relaxed);
    let place = || TcpListener::bind(SocketAddr::from(([127, 1 + a % 254, b, number], 0))).unwrap();
    let places: Vec<TcpListener> = servers.iter().map(|_| place()).collect();
    let addresses: Vec<SocketAddr> = places.iter().map(|place| place.local_addr().unwrap()).collect();
    drop(places);
    let mut text = format!("global\n maxconn 1000\n{DEFAULTS}");
    for (number, (address, server)) in addresses.iter().zip(servers).enumerate() {
        text += &format!("listen web{number}\n bind {address}\n server s {server}\n");
    }
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("haproxy.cfg");
    std::fs::write(&path, text).unwrap();
    let mut command = Command::new("haproxy");
    command.arg("-db").arg("-f").arg(&path).stdout(Stdio::null()).stderr(Stdio::null());
    let packaged = Packaged(command.spawn().expect("this needs the packaged haproxy: `./dev test` installs it"));
    until("haproxy serves", || addresses.last().is_none_or(|last| TcpStream::connect(last).is_ok()));
    (packaged, directory, addresses)
}

fn ours(server: SocketAddr, framing: DoubtfulFraming) -> Proxy {
    Proxy::start(Mode::Http, &[], |model| {
        let bind = SocketAddr::from(([127, 0, 0, 1], model.frontends[0].binds[0].endpoint.tcp().unwrap().port()));
        *model = read("web.cfg", &format!("{DEFAULTS}listen web\n bind {bind}\n server s {server}\n"));
        assert_eq!(model.frontends[0].doubtful_framing, DoubtfulFraming::Close, "that of every haproxy.cfg");
        model.frontends[0].doubtful_framing = framing;
    })
}

/// What the server saw: how many requests, or that it cannot be told.
fn reached(record: &Record) -> Result<usize, String> {
    let connections = record.lock().unwrap();
    connections.iter().try_fold(0, |sum, bytes| Ok(sum + judge::requests(bytes)?.len()))
}

fn told(statuses: &str, reached: &Result<usize, String>) -> String {
    match reached {
        Ok(0) => statuses.to_owned(),
        Ok(1) => format!("{statuses}, 1 request"),
        Ok(count) => format!("{statuses}, {count} requests"),
        Err(_) => format!("{statuses}, **ambiguous**"),
    }
}

/// Holds the outcomes against the page, or writes them into it.
fn compare(heading: &str, before: &[Row], after: &[Row]) {
    if std::env::var_os("UPDATE").is_some() {
        return update(heading, after);
    }
    for (expected, found) in before.iter().zip(after) {
        assert_eq!(expected, found, "{}", expected.text);
    }
}

#[test]
fn ambiguous_requests_end_as_the_page_says_and_reach_no_server() {
    let rows = rows("Requests");
    assert!(rows.len() >= 60, "{}", rows.len());
    let theirs: Vec<_> = rows.iter().map(|_| recorder()).collect();
    let servers: Vec<_> = theirs.iter().map(|(server, _)| server.address).collect();
    let (_packaged, _directory, addresses) = packaged(&servers);
    let cases: Vec<_> = rows.iter().zip(theirs).zip(addresses).collect();
    let found = in_turn(cases, |((row, (_server, record)), address)| {
        let sent = bytes(&row.text);
        let ask_ours = |framing| {
            let (server, record) = recorder();
            let proxy = ours(server.address, framing);
            let statuses = responses(&ask(proxy.address, &sent)).0;
            let reached = reached(&record);
            if let Err(why) = &reached {
                panic!("{}: {why}\nthe server got {:?}", row.name, record.lock().unwrap());
            }
            told(&statuses, &reached)
        };
        thread::scope(|scope| {
            let haproxy = scope.spawn(|| told(&responses(&ask(address, &sent)).0, &reached(&record)));
            let vipgate = scope.spawn(|| ask_ours(DoubtfulFraming::Refuse));
            let lenient = ask_ours(DoubtfulFraming::Close);
            Row { vipgate: vipgate.join().unwrap(), lenient, haproxy: haproxy.join().unwrap(), ..row.clone() }
        })
    });
    compare("Requests", &rows, &found);
}

#[test]
fn ambiguous_responses_end_as_the_page_says_and_poison_nothing() {
    let rows = rows("Responses");
    assert!(rows.len() >= 20, "{}", rows.len());
    let theirs: Vec<_> = rows.iter().map(|row| odd_server(bytes(&row.text)).address).collect();
    let (_packaged, _directory, addresses) = packaged(&theirs);
    let twice = b"GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n";
    let found = in_turn(rows.iter().zip(addresses).collect(), |(row, address)| {
        let ask_ours = |framing| {
            let server = odd_server(bytes(&row.text));
            let proxy = ours(server.address, framing);
            let (statuses, bodies) = responses(&ask(proxy.address, twice));
            assert!(!bodies.contains("evil"), "{}: {bodies}", row.name);
            statuses
        };
        thread::scope(|scope| {
            let haproxy = scope.spawn(|| responses(&ask(address, twice)).0);
            let vipgate = scope.spawn(|| ask_ours(DoubtfulFraming::Refuse));
            let lenient = ask_ours(DoubtfulFraming::Close);
            Row { vipgate: vipgate.join().unwrap(), lenient, haproxy: haproxy.join().unwrap(), ..row.clone() }
        })
    });
    compare("Responses", &rows, &found);
}
