//! Names of servers that are followed at run time: the same file and the same name server for vipgate and the packaged
//! haproxy, which have to give the same servers the same addresses.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener, UdpSocket};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use super::proxy::{BOTH, OURS, Proxy};
use super::until;

/// What a name has: addresses, and machines of a service as weight, port and name.
#[derive(Clone, Debug, Default)]
struct Records {
    addresses: Vec<IpAddr>,
    services: Vec<(u16, u16, String)>,
}

/// A name server on loopback. A name that it does not have does not exist.
pub struct NameServer {
    pub packets: SocketAddr,
    stream: SocketAddr,
    zone: Arc<Mutex<BTreeMap<String, Records>>>,
}

impl NameServer {
    pub fn start() -> NameServer {
        let zone: Arc<Mutex<BTreeMap<String, Records>>> = Arc::default();
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a listener");
        let (packets, stream) = (socket.local_addr().expect("bound"), listener.local_addr().expect("bound"));
        let known = Arc::clone(&zone);
        thread::spawn(move || {
            let mut question = [0; 512];
            while let Ok((length, client)) = socket.recv_from(&mut question) {
                let _ = socket.send_to(&answer(&question[..length], &known), client);
            }
        });
        let known = Arc::clone(&zone);
        thread::spawn(move || {
            for connection in listener.incoming() {
                let (Ok(mut connection), known) = (connection, Arc::clone(&known)) else { return };
                thread::spawn(move || {
                    let mut length = [0; 2];
                    while connection.read_exact(&mut length).is_ok() {
                        let mut question = vec![0; usize::from(u16::from_be_bytes(length))];
                        connection.read_exact(&mut question).expect("a whole question");
                        let answer = answer(&question, &known);
                        let length = u16::try_from(answer.len()).expect("a short answer").to_be_bytes();
                        if connection.write_all(&[&length, answer.as_slice()].concat()).is_err() {
                            return;
                        }
                    }
                });
            }
        });
        NameServer { packets, stream, zone }
    }

    pub fn set(&self, name: &str, addresses: &[&str]) {
        let addresses = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        self.put(name, Records { addresses, ..Records::default() });
    }

    fn serve(&self, name: &str, services: &[(u16, u16, &str)]) {
        let services = services.iter().map(|(weight, port, target)| (*weight, *port, (*target).to_owned())).collect();
        self.put(name, Records { services, ..Records::default() });
    }

    fn put(&self, name: &str, records: Records) {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).insert(name.to_owned(), records);
    }

    fn forget(&self, name: &str) {
        self.zone.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
    }
}

/// The answer to a question with one name.
fn answer(question: &[u8], zone: &Mutex<BTreeMap<String, Records>>) -> Vec<u8> {
    let mut labels = Vec::new();
    let mut at = 12;
    while question[at] > 0 {
        let end = at + 1 + usize::from(question[at]);
        labels.push(String::from_utf8_lossy(&question[at + 1..end]).to_ascii_lowercase());
        at = end;
    }
    let kind = u16::from_be_bytes([question[at + 1], question[at + 2]]);
    let zone = zone.lock().unwrap_or_else(PoisonError::into_inner);
    let found = zone.get(&labels.join("."));
    let data: Vec<Vec<u8>> = found.map_or(Vec::new(), |records| data(records, kind));
    let code = if found.is_some() { 0 } else { 3 };
    let mut bytes = question[..2].to_vec();
    bytes.extend([0x81, 0x80 | code, 0, 1, 0, u8::try_from(data.len()).expect("few records"), 0, 0, 0, 0]);
    bytes.extend(&question[12..at + 5]);
    for data in data {
        bytes.extend([0xc0, 0x0c]);
        bytes.extend(kind.to_be_bytes());
        bytes.extend([0, 1, 0, 0, 0, 60]);
        bytes.extend(u16::try_from(data.len()).expect("a short record").to_be_bytes());
        bytes.extend(data);
    }
    bytes
}

fn data(records: &Records, kind: u16) -> Vec<Vec<u8>> {
    let addresses = records.addresses.iter().filter_map(|address| match (address, kind) {
        (IpAddr::V4(address), 1) => Some(address.octets().to_vec()),
        (IpAddr::V6(address), 28) => Some(address.octets().to_vec()),
        _ => None,
    });
    let services = records.services.iter().filter(|_| kind == 33).map(|(weight, port, target)| {
        let mut data = [[0, 1], weight.to_be_bytes(), port.to_be_bytes()].concat();
        for label in target.split('.') {
            data.push(u8::try_from(label.len()).expect("a short label"));
            data.extend(label.as_bytes());
        }
        data.push(0);
        data
    });
    addresses.chain(services).collect()
}

/// A file with these name servers and servers; answers hold for a moment only.
fn proxy(program: &[&str], name_servers: &str, servers: &str) -> Proxy {
    Proxy::serving(program, |port, directory| {
        let directory = directory.display();
        format!(
            "global\n nbthread 1\n stats socket {directory}/socket level admin\n server-state-file {directory}/kept\n\
             defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n load-server-state-from-file \
             global\nresolvers d\n {name_servers}\n timeout resolve 100ms\n timeout retry 500ms\n hold nx 100ms\n hold other \
             100ms\n hold timeout 1h\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n{servers}\n"
        )
    })
}

/// Name, address, states, weight, name, port and service of each server.
fn states(proxy: &Proxy) -> Vec<String> {
    let row = |line: &str| {
        let fields: Vec<&str> = line.split(' ').collect();
        [3, 4, 5, 6, 7, 17, 18, 19].map(|field| fields[field]).join(" ")
    };
    let dump = proxy.ask("show servers state be");
    dump.lines().skip(2).filter(|line| !line.is_empty()).map(row).collect()
}

/// The states once so many servers have an address.
fn placed(proxy: &Proxy, count: usize) -> Vec<String> {
    let is_placed = |row: &&String| row.split(' ').nth(1) != Some("-");
    let mut rows = Vec::new();
    until("servers have addresses", || {
        rows = states(proxy);
        rows.iter().filter(is_placed).count() == count
    });
    rows
}

#[test]
fn the_same_servers_have_the_same_addresses_as_in_haproxy() {
    let names = NameServer::start();
    names.set("one.test", &["127.0.0.2"]);
    names.set("both.test", &["127.0.0.3", "::1"]);
    names.set("many.test", &["127.0.1.1", "127.0.1.2", "127.0.1.3"]);
    names.set("near.test", &["127.0.1.1", "10.1.2.3", "127.0.1.2"]);
    names.set("dup.test", &["127.0.1.1"]);
    names.serve("_http._tcp.test", &[(256, 9001, "x.test"), (0, 9002, "y.test"), (65_535, 9003, "z.test")]);
    for (name, address) in [("x.test", "127.0.2.1"), ("y.test", "127.0.2.2"), ("z.test", "127.0.2.3")] {
        names.set(name, &[address]);
    }
    let servers = " default-server resolvers d init-addr none resolve-prefer ipv4\n server s1 one.test:8001 resolve-prefer ipv6\n \
                   server s2 one.test:8002 init-addr 192.0.2.9\n server v4 both.test:1\n server near near.test:8 resolve-net 10.0.0.0/8\n server-template m 4 many.test:8003\n server-template d 2 \
                   dup.test:1 resolve-opts allow-dup-ip\n server-template r 4 _http._tcp.test\n server flat _http._tcp.test \
                   resolve-opts ignore-weight\n";
    let server = format!("nameserver a {}", names.packets);
    let [theirs, ours] = BOTH.map(|program| {
        let proxy = proxy(program, &server, servers);
        // One of many.test and two of the service have nothing left.
        placed(&proxy, 12)
    });
    assert_eq!(ours, theirs);
    assert_eq!(theirs.iter().filter(|row| row.starts_with("d")).count(), 2);
    assert!(theirs.contains(&"near 10.1.2.3 2 0 1 near.test 8 -".to_owned()), "{theirs:?}");
    assert!(theirs.iter().any(|row| row.ends_with(" 2 64 256 z.test 9003 _http._tcp.test")), "{theirs:?}");
}

#[test]
fn a_name_that_goes_and_comes_takes_its_server_along_as_in_haproxy() {
    for program in BOTH {
        let names = NameServer::start();
        names.set("one.test", &["127.0.0.2"]);
        let server = format!("nameserver a {}\n nameserver t tcp@{}", names.packets, names.stream);
        let proxy = proxy(program, &server, " server s one.test:80 resolvers d init-addr none resolve-prefer ipv4\n");
        let status = || {
            let rows = proxy.ask("show stat");
            let row = rows.lines().find(|row| row.starts_with("be,s,")).expect("the server").to_owned();
            row.split(',').nth(17).expect("its state").to_owned()
        };
        assert_eq!(placed(&proxy, 1), ["s 127.0.0.2 2 0 1 one.test 80 -"]);
        assert_eq!(status(), "no check");
        names.set("one.test", &["127.0.0.4"]);
        until("the address changes", || states(&proxy) == ["s 127.0.0.4 2 0 1 one.test 80 -"]);
        names.forget("one.test");
        until("the server is out of service", || states(&proxy) == ["s - 0 32 1 one.test 80 -"]);
        assert_eq!(status(), "MAINT (resolution)");
        names.set("one.test", &["127.0.0.5"]);
        until("it is back", || states(&proxy) == ["s 127.0.0.5 2 0 1 one.test 80 -"]);
        let counters = proxy.ask("show resolvers d");
        assert!(counters.starts_with("Resolvers section d\n nameserver a:\n  sent: "), "{counters}");
        let valid = counters.lines().find_map(|line| line.trim().strip_prefix("valid:")).expect("a counter");
        assert_ne!(valid.trim(), "0");
        assert_eq!(proxy.ask("show resolvers none"), "Can't find that resolvers section\n\n");
    }
}

#[test]
fn the_operator_renames_a_server_and_a_file_keeps_it_as_in_haproxy() {
    let [theirs, ours] = BOTH.map(|program| {
        let names = NameServer::start();
        names.set("one.test", &["127.0.0.2"]);
        names.set("two.test", &["127.0.0.3"]);
        let servers = " default-server init-addr last,none resolve-prefer ipv4\n server s one.test:80 resolvers d\n server t \
                       one.test:80 init-addr 127.0.0.9\n server u 127.0.0.8:80\n";
        let first = proxy(program, &format!("nameserver a {}", names.packets), servers);
        placed(&first, 3);
        let answers = [
            "set server be/s fqdn two.test",
            "set server be/s fqdn two.test",
            "set server be/s fqdn a/b",
            "set server be/s fqdn",
            "set server be/t fqdn two.test",
            "set server be/u fqdn two.test",
            // haproxy's dump tells of the name with the next change of the state.
            "set server be/s state maint",
            "set server be/s state ready",
        ]
        .map(|command| first.ask(command));
        until("it has the other address", || states(&first)[0] == "s 127.0.0.3 2 64 1 two.test 80 -");
        let kept = first.ask("show servers state");
        drop(first);
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket that says nothing");
        let server = format!("nameserver a {}", silent.local_addr().expect("bound"));
        let second = Proxy::serving(program, |port, directory| {
            std::fs::write(directory.join("kept"), kept.trim_end_matches('\n').to_owned() + "\n").expect("a file");
            format!(
                "global\n nbthread 1\n stats socket {0}/socket level admin\n server-state-file {0}/kept\ndefaults\n mode http\n \
                 timeout client 5s\n timeout connect 5s\n timeout server 5s\n load-server-state-from-file global\nresolvers d\n \
                 {server}\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n{servers}",
                directory.display()
            )
        });
        let rows = placed(&second, 3);
        for state in ["maint", "ready"] {
            assert_eq!(second.ask(&format!("set server be/s state {state}")), "\n");
        }
        until("it has its other name", || states(&second)[0] == "s 127.0.0.3 2 64 1 two.test 80 -");
        (answers, rows[1..].to_vec())
    });
    assert_eq!(ours, theirs);
}

#[test]
fn a_reload_keeps_addresses_of_names() {
    let names = NameServer::start();
    names.set("one.test", &["127.0.0.2"]);
    let server = format!("nameserver a {}", names.packets);
    let proxy = proxy(OURS, &server, " server s one.test:80 resolvers d init-addr none resolve-prefer ipv4\n");
    let before = placed(&proxy, 1);
    // Nobody answers well any more, and that does not count for an hour.
    let file = proxy.path("cfg");
    let text = std::fs::read_to_string(&file).expect("the file").replace("hold nx 100ms", "hold nx 1h");
    std::fs::write(&file, text + "backend more\n server x 127.0.0.1:1\n").expect("the file");
    kill(Pid::from_raw(proxy.process.id().cast_signed()), Signal::SIGHUP).expect("it runs");
    until("the file was read", || proxy.ask("show backend").contains("more"));
    assert_eq!(states(&proxy), before);
}
