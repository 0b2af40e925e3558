//! What tells about servers beside the traffic: agents, servers that follow others, programs that check. After the same
//! answers a server stands as it does for the packaged haproxy.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, Mutex};

use super::proxy::{self, BOTH, OURS, Proxy};
use super::{comes, until};

/// An agent: says one line to each who asks.
struct Agent {
    address: SocketAddr,
    line: Arc<Mutex<&'static str>>,
}

impl Agent {
    fn new(line: &'static str) -> Agent {
        let line = Arc::new(Mutex::new(line));
        let said = Arc::clone(&line);
        let address = proxy::server(move |mut client| {
            let line = *said.lock().expect("nobody panics with it");
            let _ = client.write_all(format!("{line}\n").as_bytes());
        });
        Agent { address, line }
    }

    fn say(&self, line: &'static str) {
        *self.line.lock().expect("nobody panics with it") = line;
    }
}

/// A server that takes connections; each of its clients stays until the other side goes.
fn server() -> SocketAddr {
    proxy::server(|mut client| {
        let mut bytes = [0; 4096];
        while let Ok(1..) = client.read(&mut bytes) {}
    })
}

/// A proxy in tcp mode in front of the backends that are written there.
fn proxy(program: &[&str], backends: &str) -> Proxy {
    Proxy::serving(program, |port, directory| {
        format!(
            "global\n stats socket {} level admin\n external-check\n{}defaults\n timeout client 60s\n timeout connect 5s\n \
             timeout server 60s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\n{}",
            directory.join("socket").display(),
            // vipgate says by itself that programs may be run.
            if program == OURS { "" } else { " insecure-fork-wanted\n" },
            backends.replace("DIR", &directory.display().to_string())
        )
    })
}

/// A column of the statistics about a server.
fn column(proxy: &Proxy, server: &str, name: &str) -> String {
    let rows = proxy.ask("show stat");
    let mut rows = rows.lines();
    let names: Vec<&str> = rows.next().unwrap_or_default().trim_start_matches("# ").split(',').collect();
    let at = names.iter().position(|known| *known == name).expect("such a column");
    let row = rows.find(|row| row.starts_with(&format!("be,{server},"))).unwrap_or_default().to_owned();
    row.split(',').nth(at).unwrap_or_default().to_owned()
}

#[track_caller]
fn becomes(proxy: &Proxy, what: &str, server: &str, columns: &[(&str, &str)]) {
    let mut last = Vec::new();
    let is_so = comes(|| {
        last = columns.iter().map(|(name, _)| column(proxy, server, name)).collect();
        last.iter().zip(columns).all(|(found, (_, expected))| found == expected)
    });
    assert!(is_so, "{what}: {columns:?}, but it is {last:?}");
}

#[test]
fn an_agent_changes_weight_state_and_limit_of_its_server() {
    for program in BOTH {
        let (agent, server) = (Agent::new("up 100%"), server());
        let proxy = proxy(
            program,
            &format!(
                "backend be\n server s {server} weight 40 maxconn 9 check inter 200ms agent-check agent-port {} agent-inter 100ms\n",
                agent.address.port()
            ),
        );
        becomes(&proxy, "at first", "s", &[("status", "UP"), ("weight", "40"), ("agent_status", "L7OK")]);
        for (line, columns) in [
            ("50%", &[("status", "UP"), ("weight", "20")][..]),
            ("0%", &[("status", "UP"), ("weight", "0")]),
            ("100%", &[("status", "UP"), ("weight", "40")]),
            ("maxconn:3", &[("slim", "3")]),
            ("drain", &[("status", "DRAIN (agent)")]),
            ("ready", &[("status", "UP")]),
            ("down #overloaded", &[("status", "DOWN (agent)"), ("agent_status", "L7STS")]),
            ("up", &[("status", "UP"), ("agent_status", "L7OK")]),
            ("stopped #on purpose", &[("status", "DOWN (agent)"), ("agent_status", "L7STS")]),
            ("fail #broken", &[("status", "DOWN (agent)"), ("agent_status", "L7STS")]),
            ("up ready 100%", &[("status", "UP"), ("weight", "40")]),
            ("maint", &[("status", "MAINT")]),
            ("ready up", &[("status", "UP")]),
            (
                "nonsense",
                &[("status", "UP"), ("agent_status", "CHECKED"), ("last_agt", "agent reports an error : nonsense")],
            ),
        ] {
            agent.say(line);
            becomes(&proxy, &format!("{} told {line}", program[0]), "s", columns);
        }
    }
}

#[test]
fn a_server_that_follows_another_goes_where_it_goes() {
    for program in BOTH {
        let (agent, server) = (Agent::new("up"), server());
        let proxy = proxy(
            program,
            &format!(
                "backend be\n server first {server} check inter 200ms agent-check agent-port {} agent-inter 100ms\n \
                 server second {server} track first\n server third {server} track be/second\n",
                agent.address.port()
            ),
        );
        let both = |what: &str, second: &str| {
            ["second", "third"].iter().for_each(|name| becomes(&proxy, what, name, &[("status", second)]));
        };
        becomes(&proxy, "at first", "first", &[("status", "UP"), ("agent_status", "L7OK")]);
        both(program[0], "UP");
        both("nothing is told of checks of its own", "UP");
        for name in ["check_status", "agent_status", "chkfail"] {
            assert_eq!(column(&proxy, "second", name), "", "{} {name}", program[0]);
        }
        agent.say("drain");
        becomes(&proxy, "drained", "first", &[("status", "DRAIN (agent)")]);
        both(program[0], "DRAIN (agent)");
        agent.say("ready");
        both(program[0], "UP");
        agent.say("down");
        becomes(&proxy, "down", "first", &[("status", "DOWN (agent)")]);
        both(program[0], "DOWN (agent)");
        agent.say("up");
        becomes(&proxy, "up", "first", &[("status", "UP")]);
        both(program[0], "UP");
        proxy.ask("disable server be/first");
        becomes(&proxy, "maintenance", "first", &[("status", "MAINT"), ("check_status", "")]);
        becomes(&proxy, "maintenance", "second", &[("status", "MAINT (via be/first)")]);
        becomes(&proxy, "maintenance", "third", &[("status", "MAINT (via be/second)")]);
        proxy.ask("enable server be/first");
        both(program[0], "UP");
    }
}

/// A session that has come to its server.
fn session(proxy: &Proxy, server: &str, count: &str) -> TcpStream {
    let client = proxy.client();
    until("the session is with its server", || column(proxy, server, "scur") == count);
    client
}

/// Whether the other side has closed, in whatever manner; waits for it.
fn is_closed(mut client: TcpStream) -> bool {
    match client.read(&mut [0]) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// Whether nothing has come by now.
fn is_open(client: &TcpStream) -> bool {
    client.set_nonblocking(true).expect("it can");
    let is_quiet = client.peek(&mut [0]).is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock);
    client.set_nonblocking(false).expect("it can");
    is_quiet
}

#[test]
fn sessions_of_a_server_that_goes_down_are_closed_where_that_is_written() {
    for program in BOTH {
        for (option, closes) in [("on-marked-down shutdown-sessions", true), ("rise 1", false)] {
            let (agent, server) = (Agent::new("up"), server());
            let backend = format!(
                "backend be\n server s {server} check inter 200ms agent-check agent-port {} agent-inter 100ms {option}\n",
                agent.address.port()
            );
            let proxy = proxy(program, &backend);
            becomes(&proxy, "at first", "s", &[("status", "UP"), ("agent_status", "L7OK")]);
            let client = session(&proxy, "s", "1");
            agent.say("down");
            becomes(&proxy, "down", "s", &[("status", "DOWN (agent)")]);
            if closes {
                assert!(is_closed(client), "{}", program[0]);
            } else {
                assert!(is_open(&client), "{}", program[0]);
                assert_eq!(column(&proxy, "s", "scur"), "1");
            }
        }
    }
}

#[test]
fn sessions_of_backup_servers_are_closed_when_a_server_is_back_that_says_so() {
    for program in BOTH {
        let (agent, server) = (Agent::new("up"), server());
        let backend = format!(
            "backend be\n server s {server} check inter 200ms agent-check agent-port {} agent-inter 100ms \
             on-marked-up shutdown-backup-sessions\n server spare {server} backup\n",
            agent.address.port()
        );
        let proxy = proxy(program, &backend);
        becomes(&proxy, "at first", "s", &[("status", "UP"), ("agent_status", "L7OK")]);
        agent.say("down");
        becomes(&proxy, "down", "s", &[("status", "DOWN (agent)")]);
        let client = session(&proxy, "spare", "1");
        agent.say("up");
        assert!(is_closed(client), "{}", program[0]);
        let _other = session(&proxy, "s", "1");
    }
}

#[test]
fn a_program_judges_a_server_by_what_it_is_told() {
    for program in BOTH {
        let server = server();
        let proxy = Proxy::serving(program, |port, directory| {
            let script = directory.join("check");
            let told = directory.join("told");
            // Passes while the file `down` is missing.
            let text = format!(
                "#!/bin/sh\necho \"$@ $HAPROXY_PROXY_NAME $HAPROXY_SERVER_NAME $HAPROXY_SERVER_PORT\" > {}\n[ ! -e {} ]\n",
                told.display(),
                directory.join("down").display()
            );
            write_program(&script, &text);
            format!(
                "global\n stats socket {} level admin\n external-check\n{}defaults\n timeout client 60s\n timeout connect 5s\n \
                 timeout server 60s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\n\
                 backend be\n option external-check\n external-check path /usr/bin:/bin\n external-check command {}\n \
                 server s {server} check inter 100ms rise 1 fall 1\n",
                directory.join("socket").display(),
                if program == OURS { "" } else { " insecure-fork-wanted\n" },
                script.display()
            )
        });
        becomes(&proxy, program[0], "s", &[("status", "UP"), ("check_status", "PROCOK")]);
        let told = std::fs::read_to_string(proxy.path("told")).expect("it was run");
        assert_eq!(
            told.trim_end(),
            format!("NOT_USED NOT_USED 127.0.0.1 {0} be s {0}", server.port()),
            "{}",
            program[0]
        );
        std::fs::write(proxy.path("down"), "").expect("a file");
        becomes(&proxy, program[0], "s", &[("status", "DOWN"), ("check_status", "PROCERR")]);
        std::fs::remove_file(proxy.path("down")).expect("it is there");
        becomes(&proxy, program[0], "s", &[("status", "UP")]);
    }
}

fn write_program(path: &Path, text: &str) {
    std::fs::write(path, text).expect("a file");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("a program");
}

/// With lines of the global section, and a server that says what its first client sent.
fn told(program: &[&str], of_process: &str, of_backend: &str) -> Vec<u8> {
    let (tell, told) = std::sync::mpsc::channel();
    let server = proxy::server(move |mut client| {
        let mut bytes = vec![0; 4096];
        let count = client.read(&mut bytes).unwrap_or_default();
        bytes.truncate(count);
        let _ = tell.send(bytes);
    });
    let _proxy = Proxy::serving(program, |port, directory| {
        format!(
            "global\n stats socket {} level admin\n {of_process}\ndefaults\n timeout client 60s\n timeout connect 5s\n \
             timeout server 60s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n {}\n",
            directory.join("socket").display(),
            of_backend.replace("SERVER", &server.to_string()).replace("PORT", &server.port().to_string()),
        )
    });
    told.recv_timeout(std::time::Duration::from_secs(60)).expect("the server is checked")
}

#[test]
fn headers_of_checks_tell_addresses_where_servers_cannot_do_without() {
    for program in BOTH {
        let command = |of_process: &str| {
            let header = told(program, of_process, "server s SERVER check send-proxy-v2 check-send-proxy");
            (header[12], header.len())
        };
        assert_eq!(command(""), (0x20, 16), "{program:?}");
        assert_eq!(command("pp2-never-send-local"), (0x21, 28), "{program:?}");
    }
}

#[test]
fn checks_know_their_own_connection_and_no_client() {
    let lines =
        "option tcp-check\n tcp-check send-lf \"%[src]|%[dst_port]|%[bc_dst]|%[bc_dst_port]|\"\n server s SERVER check";
    for program in BOTH {
        let said = String::from_utf8(told(program, "", lines)).expect("it is text");
        let parts: Vec<&str> = said.split('|').collect();
        assert_eq!(parts[..3], ["", "", "127.0.0.1"], "{program:?}: {said}");
        assert!(parts[3].parse::<u16>().is_ok_and(|port| port > 0), "{program:?}: {said}");
    }
}

#[test]
fn programs_see_the_environment_where_it_is_kept() {
    let server = server();
    for (line, status) in [("external-check preserve-env", "UP"), ("external-check", "DOWN")] {
        let proxy = Proxy::serving(OURS, |port, directory| {
            let probe = directory.join("probe");
            std::fs::write(&probe, "#!/bin/sh\n[ \"$KEPT\" = yes ] && [ -n \"$HAPROXY_SERVER_NAME\" ]\n")
                .expect("a file");
            std::fs::set_permissions(&probe, std::fs::Permissions::from_mode(0o755)).expect("it may be run");
            format!(
                "global\n stats socket {} level admin\n {line}\n setenv KEPT yes\ndefaults\n timeout client 60s\n timeout \
                 connect 5s\n timeout server 60s\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n \
                 option external-check\n external-check command {}\n server s {server} check inter 100ms fall 1 rise 1\n",
                directory.join("socket").display(),
                probe.display()
            )
        });
        becomes(
            &proxy,
            line,
            "s",
            &[("status", status), ("check_status", if status == "UP" { "PROCOK" } else { "PROCERR" })],
        );
    }
}
