//! The runtime socket: the same commands are given to the packaged haproxy and to vipgate, and answered the same.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use nix::fcntl::{FcntlArg, FdFlag, fcntl};

use super::PROGRAM;
use super::proxy::{OURS, Proxy, THEIRS, answer};

/// Commands whose answers have to be equal to the byte, in this order: later ones see what earlier ones changed.
const SCRIPT: &[&str] = &[
    "show backend",
    "show cli level",
    "show env NOT_THERE",
    "get weight be/s1",
    "get weight be/s9",
    "get weight xx/s1",
    "get weight be",
    "set weight be/s1 300",
    "set weight be/s1 abc",
    "set weight be/s1 3x",
    "set weight be/s1 -5%",
    "set weight be/s1",
    "set weight be/s2 50%; get weight be/s2",
    "set server be/s1 state foo",
    "set server be/s1 state drain; set server be/s1 state ready",
    "set server be/s1 weight 12; get weight be/s1",
    "disable server be/s9",
    "disable server be/s1; enable server be/s1",
    "set server be/s1 addr",
    "set server be/s1 addr foo",
    "set server be/s1 addr 127.0.0.5 port 99",
    "set server be/s1 addr 127.0.0.5",
    "set server be/s1 addr 127.0.0.5 port 99",
    "set server be/s1 check-port 7",
    "set maxconn server be/s1 12x",
    "set maxconn server be/s1 abc",
    "set maxconn server be/s1",
    "set maxconn server be/s1 5",
    "set maxconn frontend fe",
    "set maxconn frontend xx 5",
    "set maxconn frontend fe 5",
    "set maxconn frontend fe -3",
    "shutdown frontend",
    "shutdown frontend xx",
    "shutdown frontend fe; shutdown frontend fe; enable frontend fe; disable frontend fe",
    "shutdown session",
    "shutdown session 0x12",
    "shutdown sessions server",
    "shutdown sessions server be/s1",
    "shutdown sessions server be/s9",
    "show sess 0x12",
    "disable frontend",
    "disable frontend xx",
    "enable frontend be",
    "disable frontend fe; disable frontend fe; enable frontend fe; enable frontend fe",
    "enable health be/s1",
    "enable health be/s2",
    "disable health be/s2",
    "disable health be/s1; show servers state be; enable health be/s1",
    "disable agent be/s1",
    "enable agent be/s1",
    "set server be/s1",
    "set server be/s1 health",
    "set server be/s1 health foo",
    "set server be/s1 agent up",
    "set server be/s2 agent foo",
    "set server be/s2 agent-addr",
    "set server be/s2 agent-addr foo",
    "set server be/s2 agent-addr 127.0.0.5 port 34",
    "set server be/s1 agent-addr 127.0.0.5",
    "set server be/s2 agent-port",
    "set server be/s2 agent-port x",
    "set server be/s2 agent-port 70000",
    "set server be/s1 agent-port 33",
    "set server be/s2 agent-send foo",
    "set server be/s1 agent-send foo",
    "disable agent be/s2; show servers state be",
    "set server be/s2 agent up",
    "set server be/s2 health down; show servers state be",
    "set server be/s2 health up; show servers state be",
    "set server be/s2 health stopping; show servers state be",
    "set server be/s2 health up",
    "set server be/s1 fqdn",
    "set server be/s1 fqdn foo.example",
    "set server be/s1 ssl on",
    "set server be/s1 check-addr",
    "set server be/s1 check-addr foo",
    "set server be/s1 check-port x",
    "set server be/s1 check-port 77777",
    "set server be/s2 check-port 7",
    "set severity-output number; set server be/s1 check-port x; disable frontend xx",
    "set severity-output string; disable frontend fe; disable frontend fe; enable frontend fe",
    "expert-mode",
    "expert-mode on; expert-mode; expert-mode off; expert-mode",
    "experimental-mode",
    "set var proc.x int(3)",
    "experimental-mode on; set var proc.x int(3); get var proc.x",
    "experimental-mode on; set var proc.x fmt %[int(3)]a; get var proc.x",
    "experimental-mode on; set var proc.x expr str(a),upper; get var proc.x",
    "experimental-mode on; set var proc.x",
    "experimental-mode on; set var sess.x int(3)",
    "experimental-mode on; set var xproc.x int(3)",
    "user; experimental-mode on",
    "get var",
    "get var proc.zz",
    "user; get var proc.zz",
    "enable dynamic-cookie backend",
    "enable dynamic-cookie backend xx",
    "enable dynamic-cookie backend be; disable dynamic-cookie backend be",
    "set dynamic-cookie-key backend be",
    "set dynamic-cookie-key backend be key",
    "operator; disable dynamic-cookie backend be",
    "show cache",
    "operator; show cache",
    "operator; show profiling",
    "user; show startup-logs",
    "user; show events buf0",
    "user; show table xx key k",
    "show peers",
    "show peers xx",
    "show stat domain xx",
    "show events buf0",
    "set timeout cli",
    "set table",
    "add server be/",
    "show tls-keys",
    "show ssl cert",
    "show ssl crt-list",
    "show ssl crl-file",
    "show ssl ocsp-response",
    "show servers state xx",
    "show stat xx 4 -1",
    "show stat x y z",
    "add server be/s1 127.0.0.1:1",
    "add server be/s9",
    "add server be/s9 127.0.0.1:1",
    "enable server be/s9; set weight be/s9 7; get weight be/s9",
    "disable server be/s9",
    "add server be",
    "add server xx/s1 127.0.0.1:1",
    "del server be",
    "del server xx/s1",
    "del server be/zz",
    "del server be/s1",
    "del server be/s9",
    "show map DIR/m.map",
    "get map DIR/m.map a.com",
    "get map DIR/m.map zz",
    "get map",
    "get acl DIR/n.lst 10.1.2.3",
    "get acl DIR/n.lst 1.2.3.4",
    "add map DIR/m.map",
    "add map DIR/m.map c.com be3; get map DIR/m.map c.com",
    "add map DIR/nowhere c.com be3",
    "add map DIR/m.map <<\nx.com be1\ny.com be2\n",
    "get map DIR/m.map y.com",
    "set map DIR/m.map c.com be4; get map DIR/m.map c.com",
    "set map DIR/m.map zz be4",
    "set map DIR/m.map c.com",
    "del map DIR/m.map c.com",
    "del map DIR/m.map c.com",
    "del acl DIR/n.lst",
    "add acl DIR/n.lst 1.0.0.0/8; get acl DIR/n.lst 1.2.3.4",
    "prepare map DIR/m.map",
    "add map @1 DIR/m.map k v; get map DIR/m.map k",
    "add map @9 DIR/m.map k v",
    "commit map DIR/m.map",
    "commit map @7 DIR/m.map",
    "commit map @1 DIR/m.map; get map DIR/m.map k; get map DIR/m.map a.com",
    "clear map DIR/m.map; show map DIR/m.map",
    "clear map",
    "prepare acl",
    "set severity-output string; get weight be/s9; show env NOT_THERE; get weight be/s1; set severity-output",
    "set timeout foo",
    "operator; disable server be/s1; show cli level",
    "user; operator",
    "user; show env",
];

/// A proxy with a map, a list, a ring and two servers.
pub fn proxy(program: &[&str]) -> Proxy {
    Proxy::serving(program, |port, directory| {
        let at = |name: &str| directory.join(name).display().to_string();
        std::fs::write(at("m.map"), "a.com be1\nb.com be2\n").expect("a file");
        std::fs::write(at("n.lst"), "10.0.0.0/8\n192.168.0.0/16\n").expect("a file");
        let text = format!(
            "global\n stats socket {} level admin mode 600\n stats timeout 10s\nring kept\n size 32768\n format raw\ndefaults\n log ring@kept local0\n mode http\n timeout client 5s\n \
         timeout connect 1s\n timeout server 5s\nfrontend fe\n bind 127.0.0.1:{port}\n acl net src -f {}\n \
         use_backend %[hdr(host),map({},be)] if net\n default_backend be\nbackend be\n server s1 127.0.0.1:1 check\n \
         server s2 127.0.0.1:2 weight 5 agent-check agent-port 9 agent-inter 1h\n",
            at("socket"),
            at("n.lst"),
            at("m.map")
        );
        text
    })
}

/// A row of `show servers state` without what depends on when it was asked for: how long the server has been so, and for
/// the one that is probed all the time what its probes say.
fn without_moments(line: &str) -> String {
    let mut words: Vec<&str> = line.split(' ').collect();
    if words.len() == 25 && words[1] == "be" {
        words[9] = "S";
        if words[3] == "s1" {
            (words[5], words[10], words[11], words[12]) = ("P", "P", "P", "P");
        }
    }
    words.join(" ")
}

#[test]
fn a_script_of_commands_is_answered_as_by_the_packaged_haproxy() {
    assert!(Path::new("/usr/sbin/haproxy").exists(), "the packaged haproxy is needed: apt install haproxy");
    let (ours, theirs) = (proxy(OURS), proxy(THEIRS));
    let differences: Vec<String> = SCRIPT
        .iter()
        .filter_map(|command| {
            let (ours, theirs) = (ours.ask(command), theirs.ask(command));
            // Entries are named by addresses of memory.
            let plain = |text: &str| -> String {
                let word = |word: &str| if word.starts_with("0x") { "0x" } else { word }.to_owned();
                let lines: String = text.split_inclusive('\n').map(without_moments).collect();
                lines.split_inclusive([' ', '\n']).map(word).collect::<Vec<_>>().join("|")
            };
            (plain(&ours) != plain(&theirs)).then(|| format!("{command}\n  vipgate: {ours:?}\n  haproxy: {theirs:?}"))
        })
        .collect();
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

#[test]
fn weights_change_where_haproxy_changes_them() {
    const BALANCES: [&str; 9] = [
        "roundrobin",
        "static-rr",
        "leastconn",
        "first",
        "random",
        "source",
        "source\n hash-type consistent",
        "hdr(host)",
        "uri\n hash-type consistent",
    ];
    let serve = |program| {
        Proxy::serving(program, |port, directory| {
            let backends: String = (0..)
                .zip(BALANCES)
                .map(|(number, balance)| {
                    format!("backend b{number}\n balance {balance}\n server s 127.0.0.1:1\n server t 127.0.0.1:2\n")
                })
                .collect();
            format!(
                "global\n stats socket {} level admin\ndefaults\n mode http\n timeout client 5s\n timeout connect 1s\n \
                 timeout server 5s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend b0\n{backends}",
                directory.join("socket").display()
            )
        })
    };
    let (ours, theirs) = (serve(OURS), serve(THEIRS));
    for (number, balance) in BALANCES.iter().enumerate() {
        let command = format!("set weight b{number}/s 3; get weight b{number}/s");
        assert_eq!(ours.ask(&command), theirs.ask(&command), "{balance}");
    }
}

#[test]
fn a_line_of_commands_is_answered_whole_however_it_arrives() {
    let proxy = proxy(OURS);
    let mut stream = UnixStream::connect(proxy.socket()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let mut heard = [0; 15];
    for part in ["get weight be/s2;", "get weight be/s2;", "get weight be/s2\n"] {
        stream.write_all(part.as_bytes()).expect("it reads");
        stream.read_exact(&mut heard).expect("it answers");
        assert_eq!(String::from_utf8_lossy(&heard), "5 (initial 5)\n\n");
    }
    assert_eq!(stream.read(&mut heard).expect("it closes"), 0);
    let unknown = proxy.ask(&"x".repeat(20_000));
    assert!(unknown.starts_with("Unknown command, but maybe"), "{unknown}");
}

#[test]
fn a_prompt_keeps_the_connection_open() {
    let proxy = proxy(OURS);
    let mut stream = UnixStream::connect(proxy.socket()).expect("it listens");
    stream.set_read_timeout(Some(Duration::from_secs(20))).expect("a limit");
    let mut hear = |line: &str, expected: &str| {
        stream.write_all(line.as_bytes()).expect("it reads");
        let mut heard = vec![0; expected.len()];
        stream.read_exact(&mut heard).expect("it answers");
        assert_eq!(String::from_utf8_lossy(&heard), expected);
    };
    hear("prompt\n", "\n> ");
    hear("get weight be/s2\n", "5 (initial 5)\n\n> ");
    hear("add map nowhere <<\n", "+ ");
    hear("a b\n", "+ ");
    hear("\n", "Unknown map identifier. Please use #<id> or <file>.\n\n> ");
}

#[test]
fn inherited_sockets_carry_traffic_commands_and_the_master_cli() {
    let listen = || TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a port");
    let (web, cli, master) = (listen(), listen(), listen());
    for socket in [&web, &cli, &master] {
        fcntl(socket, FcntlArg::F_SETFD(FdFlag::empty())).expect("kept over exec");
    }
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("cfg");
    let text = "global\n stats socket \"fd@${cli}\" level admin\ndefaults\n mode http\n timeout client 5s\n timeout connect \
                1s\n timeout server 5s\nfrontend fe\n bind \"fd@${web}\"\n http-request return status 200 hdr who \
                %[src]\n";
    std::fs::write(&path, text).expect("a file");
    let process = Command::new(PROGRAM)
        .args(["haproxy", "-Ws", "-S", &format!("fd@{}", master.as_raw_fd()), "-f", &path.display().to_string()])
        .env("web", web.as_raw_fd().to_string())
        .env("cli", cli.as_raw_fd().to_string())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("the program starts");
    let addresses = [&web, &cli, &master].map(|socket| socket.local_addr().expect("an address"));
    let proxy = Proxy { process, port: 0, directory };
    let ask = |number: usize, line: &str| answer(TcpStream::connect(addresses[number]).expect("it listens"), line);
    // The client that waits in the backlog is served as soon as the process runs.
    let page = ask(0, "GET / HTTP/1.0\r\n\r");
    assert!(page.starts_with("HTTP/1.1 200 OK\r\n") && page.contains("who: 127.0.0.1\r\n"), "{page}");
    assert_eq!(ask(1, "show backend"), "# name\n\n");
    assert!(ask(2, "@1 show info").contains("\nProcess_num: 1\n"));
    assert!(ask(2, "show proc").contains(" worker "));
    assert_eq!(ask(2, "@7 show info"), "Can't find the target PID matching the prefix '@7'\n");
    assert!(ask(2, "show info").starts_with("Unknown command, but maybe "), "it is the worker's");
    assert!(ask(2, "help").contains("\n  @master  "));
    assert_eq!(ask(2, "user;show cli level"), "user\n\n");
    let pid = proxy.process.id();
    assert_eq!(ask(2, "prompt;@1;show cli level;@master;quit"), format!("master> {pid}> admin\n\n{pid}> master> "));
    assert!(ask(2, "reload").starts_with("Success=1\n"));
    drop((proxy, OwnedFd::from(web), OwnedFd::from(cli), OwnedFd::from(master)));
}
