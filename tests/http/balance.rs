//! The packaged haproxy and vipgate choose the same servers: 10,000 keys for every algorithm and way of hashing, then some
//! with a server down, and some after it came back.

use std::fmt::Write as _;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use vipgate::balance::{Choice, Chooser, Wish, hash, key};
use vipgate::config::{self, HostFacts};
use vipgate::diag::Source;
use vipgate::model::balance::Balance;
use vipgate::model::proxy::Backend;
use vipgate::state::servers::{Admin, Registry};
use vipgate::time::Instant;

use super::rig::until;

const KEYS: usize = 10_000;
const KEYS_AFTER_A_CHANGE: usize = 1_000;

/// Lines of a backend beside its servers, and the options of these.
struct Case {
    lines: String,
    servers: [&'static str; 4],
}

const ALIKE: [&str; 4] = [""; 4];
const WEIGHTED: [&str; 4] = ["weight 10", "weight 20", "weight 5", "weight 40"];
const NUMBERED: [&str; 4] = ["id 12 weight 3", "weight 2", "id 7", "weight 5"];
const BACKUPS: [&str; 4] = ["", "backup", "backup weight 2", "disabled"];

fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |lines: String, servers| cases.push(Case { lines, servers });
    for algorithm in ["roundrobin", "static-rr", "leastconn", "first"] {
        for servers in [ALIKE, WEIGHTED, NUMBERED, BACKUPS] {
            add(format!("balance {algorithm}"), servers);
        }
        add(format!("balance {algorithm}\noption allbackups"), ["disabled", "backup", "backup weight 3", "backup"]);
    }
    for method in ["map-based", "consistent"] {
        for algorithm in [
            "source",
            "uri",
            "uri whole",
            "uri len 7",
            "uri depth 2",
            "uri path-only",
            "url_param id",
            "hdr(host)",
            "hdr(host) use_domain_only",
            "hdr(x-none)",
        ] {
            add(format!("balance {algorithm}\nhash-type {method}"), WEIGHTED);
        }
        for function in ["sdbm", "djb2", "wt6", "crc32"] {
            for modifier in ["", " avalanche"] {
                add(format!("balance hdr(x-key)\nhash-type {method} {function}{modifier}"), NUMBERED);
            }
        }
        add(format!("balance source\nhash-type {method} sdbm avalanche"), ALIKE);
        add(format!("balance hdr(x-key)\nhash-type {method}"), BACKUPS);
    }
    cases
}

/// What a request of this number asks.
struct Asked {
    source: Ipv4Addr,
    target: String,
    host: String,
    key: usize,
}

impl Asked {
    fn new(number: usize) -> Asked {
        let mixed = (number as u32).wrapping_mul(2_654_435_761);
        let target = format!("/{:x}/{}/{number}?a={}&id={}", mixed & 0xff, mixed >> 24, number % 7, mixed % 5000);
        let host = format!("h{}.d{}.example.com:{}", number % 11, mixed % 3000, 80 + number % 3);
        Asked { source: Ipv4Addr::from(mixed), target, host, key: mixed as usize % 100_000 }
    }

    fn write(&self, out: &mut String) {
        let Asked { source, target, host, key } = self;
        let _ = write!(out, "GET {target} HTTP/1.1\r\nHost: {host}\r\nX-Src: {source}\r\nX-Key: {key}\r\n\r\n");
    }
}

/// A haproxy with a frontend for each case on a socket of its own; the servers are its own, too.
struct Haproxy {
    process: Child,
    directory: tempfile::TempDir,
}

impl Haproxy {
    fn start(cases: &[Case]) -> Haproxy {
        let directory = tempfile::tempdir().unwrap();
        let at = directory.path().display();
        let mut text = format!(
            "global\n  stats socket {at}/admin level admin\n  nbthread 1\n  maxconn 500\ndefaults\n  mode http\n  timeout client 60s\n  \
             timeout server 60s\n  timeout connect 5s\n"
        );
        for server in 1..=4 {
            let _ = write!(
                text,
                "frontend s{server}\n  bind unix@{at}/s{server}\n  \
                 http-request return status 200 content-type text/plain string {server}\n"
            );
        }
        for (number, case) in cases.iter().enumerate() {
            let _ = write!(
                text,
                "frontend f{number}\n  bind unix@{at}/f{number}\n  http-request set-src hdr(x-src)\n  \
                 default_backend b{number}\n{}",
                backend(number, case, |server| format!("unix@{at}/s{server}"))
            );
        }
        let file = directory.path().join("haproxy.cfg");
        std::fs::write(&file, text).unwrap();
        let process = Command::new("haproxy").arg("-db").arg("-f").arg(&file).stdin(Stdio::null()).spawn();
        let haproxy =
            Haproxy { process: process.expect("this needs the packaged haproxy: `./dev test` installs it"), directory };
        let last = haproxy.directory.path().join(format!("f{}", cases.len() - 1));
        until("haproxy", || UnixStream::connect(&last).is_ok());
        haproxy
    }

    fn command(&self, text: &str) {
        let mut socket = UnixStream::connect(self.directory.path().join("admin")).unwrap();
        writeln!(socket, "{text}").unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        assert_eq!(answer.trim(), "", "{text}");
    }
}

impl Drop for Haproxy {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn backend(number: usize, case: &Case, address: impl Fn(usize) -> String) -> String {
    let mut text = format!("backend b{number}\n");
    for line in case.lines.lines() {
        let _ = writeln!(text, "  {line}");
    }
    for (server, options) in (1..).zip(case.servers) {
        let _ = writeln!(text, "  server s{server} {} {options}", address(server));
    }
    text
}

/// Requests sent in a row over one connection, and the servers that answered.
struct Asking {
    reader: BufReader<UnixStream>,
    asked: usize,
}

impl Asking {
    fn new(socket: &Path) -> Asking {
        Asking { reader: BufReader::new(UnixStream::connect(socket).unwrap()), asked: 0 }
    }

    fn servers(&mut self, count: usize) -> Vec<usize> {
        let mut requests = String::new();
        (self.asked..self.asked + count).for_each(|number| Asked::new(number).write(&mut requests));
        self.asked += count;
        let mut writer = self.reader.get_ref().try_clone().unwrap();
        std::thread::scope(|scope| {
            scope.spawn(move || writer.write_all(requests.as_bytes()).unwrap());
            (0..count).map(|_| self.server()).collect()
        })
    }

    fn server(&mut self) -> usize {
        let mut line = String::new();
        loop {
            line.clear();
            assert!(self.reader.read_line(&mut line).unwrap() > 0, "the connection ended");
            if line == "\r\n" {
                break;
            }
        }
        let mut body = [0];
        self.reader.read_exact(&mut body).unwrap();
        usize::from(body[0] - b'0')
    }
}

/// vipgate's choices.
struct Ours {
    backend: Backend,
    chooser: Chooser,
    asked: usize,
}

impl Ours {
    fn new(number: usize, case: &Case) -> Ours {
        let text = format!(
            "defaults\n  mode http\n  timeout client 60s\n  timeout server 60s\n  timeout connect 5s\nfrontend f\n  \
             bind 127.0.0.1:80\n  default_backend b{number}\n{}",
            backend(number, case, |server| format!("192.0.2.{server}:80"))
        );
        let source = Source::new("haproxy.cfg", text);
        let facts = HostFacts { node: "lb1".to_owned(), ..HostFacts::default() };
        let loaded = config::load(&[source], &facts);
        let model = loaded.model.unwrap_or_else(|| panic!("{}: {:?}", case.lines, loaded.diagnostics));
        let state = Registry::default().resolve(&model).remove(0);
        let chooser = Chooser::new(&model.backends[0], state, Arc::default());
        Ours { backend: model.backends[0].clone(), chooser, asked: 0 }
    }

    fn hash(&self, asked: &Asked) -> Option<u32> {
        let hashing = &self.backend.options.hashing;
        let of = |key: &[u8]| hash::of_bytes(hashing, key);
        let target = asked.target.as_bytes();
        match &self.backend.balance {
            Balance::Source => Some(hash::of_address(hashing, IpAddr::V4(asked.source))),
            Balance::Uri(part) => Some(of(key::of_target(part, target))),
            Balance::UrlParam { name } => key::of_query(name, target).map(of),
            Balance::Header { name, is_domain_only } => {
                let value = match name.as_str() {
                    "host" => asked.host.clone(),
                    "x-key" => asked.key.to_string(),
                    _ => String::new(),
                };
                key::of_field(value.as_bytes(), *is_domain_only).map(of)
            }
            _ => None,
        }
    }

    fn servers(&mut self, count: usize) -> Vec<usize> {
        let numbers = self.asked..self.asked + count;
        self.asked += count;
        let choose = |number| {
            let wish = Wish { now: Instant::ZERO, hash: self.hash(&Asked::new(number)), exclude: None };
            let Choice::Server(server) = self.chooser.choose(&wish) else { panic!("nobody is chosen") };
            assert!(self.chooser.reserve(server, Instant::ZERO));
            self.chooser.release(server);
            server + 1
        };
        numbers.map(choose).collect()
    }
}

#[test]
fn the_same_servers_are_chosen_as_by_haproxy() {
    let cases = cases();
    let haproxy = Haproxy::start(&cases);
    for (number, case) in cases.iter().enumerate() {
        let mut theirs = Asking::new(&haproxy.directory.path().join(format!("f{number}")));
        let mut ours = Ours::new(number, case);
        let states = Arc::clone(ours.chooser.backend());
        let set = |word: &str, admin: Admin| {
            haproxy.command(&format!("{word} server b{number}/s2"));
            states.servers[1].set_admin(admin, Instant::ZERO);
        };
        let mut compare = |count: usize, when: &str| {
            let (expected, got) = (theirs.servers(count), ours.servers(count));
            let wrong = expected.iter().zip(&got).position(|(expected, got)| expected != got);
            let near = wrong.map_or(0..0, |at| at.saturating_sub(3)..(at + 12).min(count));
            assert_eq!(
                got[near.clone()],
                expected[near],
                "'{}' with {:?}, {when}, request {wrong:?}: haproxy's are on the right",
                case.lines,
                case.servers
            );
        };
        compare(KEYS, "at first");
        set("disable", Admin::Maint);
        compare(KEYS_AFTER_A_CHANGE, "without s2");
        set("enable", Admin::Ready);
        compare(KEYS_AFTER_A_CHANGE, "with s2 again");
    }
}
