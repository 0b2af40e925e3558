//! What the log says of states: word for word what the packaged haproxy logs after the same commands, in their order.

use std::io::Write;
use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use super::proxy::{self, BOTH, OURS, Proxy};
use super::{ports, until};

/// A syslog server, and what came to it without time, program and process.
struct Syslog {
    address: SocketAddr,
    lines: Arc<Mutex<Vec<String>>>,
}

impl Syslog {
    fn new() -> Syslog {
        let socket = UdpSocket::bind("127.0.0.1:0").expect("a port");
        let address = socket.local_addr().expect("an address");
        let lines: Arc<Mutex<Vec<String>>> = Arc::default();
        let heard = Arc::clone(&lines);
        std::thread::spawn(move || {
            let mut bytes = [0; 65_536];
            while let Ok(count) = socket.recv(&mut bytes) {
                let line = String::from_utf8_lossy(&bytes[..count]).trim_end().to_owned();
                heard.lock().expect("nobody panics with it").push(bare(&line));
            }
        });
        Syslog { address, lines }
    }

    /// Waits until so many lines are about traffic.
    fn wait_for_traffic(&self, count: usize) {
        let is_traffic = |line: &&String| line.starts_with("<134>");
        let count_now = || self.lines.lock().expect("nobody panics with it").iter().filter(is_traffic).count();
        until("traffic is logged", || count_now() == count);
    }

    /// Everything up to a line.
    fn up_to(&self, last: &str) -> Vec<String> {
        let heard = || self.lines.lock().expect("nobody panics with it").clone();
        until(&format!("the log says {last}"), || heard().iter().any(|line| line.ends_with(last)));
        heard().into_iter().take_while(|line| !line.ends_with(last)).collect()
    }
}

/// `<133>Nov 22 08:06:33 haproxy[10665]: Server...` as `<133>haproxy: Server...`
fn bare(line: &str) -> String {
    let Some((head, text)) = line.split_once(": ").filter(|_| line.starts_with('<')) else { return line.to_owned() };
    let (priority, rest) = head.split_once('>').unwrap_or_default();
    let tag = rest.rsplit(' ').next().and_then(|tag| tag.split('[').next()).unwrap_or_default();
    // A session may be logged before it leaves its server.
    let text = text.replace("1 sessions active", "0 sessions active");
    format!("{priority}>{tag}: {text}")
}

fn proxy(program: &[&str], syslog: &Syslog, sections: &str) -> Proxy {
    Proxy::serving(program, |port, directory| {
        format!(
            "global\n log {} local0\n stats socket {} level admin\ndefaults\n log global\n timeout client 60s\n \
             timeout connect 5s\n timeout server 60s\nfrontend fe\n bind 127.0.0.1:{port}\n log-format %b/%s\n \
             default_backend be\n{}",
            syslog.address,
            directory.join("socket").display(),
            sections.replace("OTHER", &ports::free().port().to_string()),
        )
    })
}

/// What both log of the same.
#[track_caller]
fn alike(sections: &str, script: impl Fn(&Proxy, &Syslog)) {
    let [theirs, ours] = BOTH.map(|program| {
        let syslog = Syslog::new();
        let proxy = proxy(program, &syslog, sections);
        until("the log is heard", || {
            proxy.ask("set server last/s state drain; set server last/s state ready");
            syslog.lines.lock().expect("nobody panics with it").iter().any(|line| line.contains("last/s"))
        });
        script(&proxy, &syslog);
        proxy.ask("disable server last/s");
        let about_last = |line: &String| !line.contains("last");
        syslog
            .up_to(
                "Server last/s is going DOWN for maintenance. 0 active and 0 backup servers left. 0 sessions \
                      active, 0 requeued, 0 remaining in queue.",
            )
            .into_iter()
            .filter(about_last)
            .collect::<Vec<_>>()
    });
    assert_eq!(ours, theirs);
    assert!(ours.len() > 3, "{ours:?}");
}

/// A server that answers each request with the same.
fn web() -> SocketAddr {
    proxy::server(|mut client| {
        while proxy::head(&mut client).is_some() {
            let _ = client.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
        }
    })
}

/// Runs ours in front of a server, and says what came to `SYSLOG` up to a line.
fn logged(text: &str, last: &str, script: impl Fn(&Proxy)) -> Vec<String> {
    let (syslog, server) = (Syslog::new(), web());
    let proxy = Proxy::serving(OURS, |port, directory| {
        let socket = directory.join("socket").display().to_string();
        let text = text.replace("SYSLOG", &syslog.address.to_string()).replace("SERVER", &server.to_string());
        format!("global\n nbthread 1\n stats socket {socket} level admin\n")
            + &text.replace("PORT", &port.to_string()).replace("OTHER", &ports::free().port().to_string())
    });
    script(&proxy);
    syslog.up_to(last)
}

const TIMES: &str = "defaults\n timeout client 60s\n timeout connect 5s\n timeout server 60s\n";

#[test]
fn every_step_of_a_request_has_its_line() {
    let text = TIMES.to_owned()
        + "frontend fe\n mode http\n bind 127.0.0.1:PORT\n log SYSLOG local0\n log-steps all\n \
           log-format \"%OG %b/%s %ST %tsc %{+Q}r\"\n http-request set-log-level warning\n default_backend be\n\
           backend be\n mode http\n server s1 SERVER\n";
    let lines = logged(&text, r#"txn_close be/s1 200 ---- "GET /2 HTTP/1.1""#, |proxy| {
        proxy.exchange("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
    });
    // As HAProxy 3.5 writes them.
    let of = |number: u32| {
        [
            r#"<134>haproxy: txn_accept fe/<NOSRV> 0 ---- "<BADREQ>""#.to_owned(),
            format!(r#"<134>haproxy: txn_request fe/<NOSRV> -1 ---- "GET /{number} HTTP/1.1""#),
            format!(r#"<132>haproxy: txn_connect be/s1 -1 ---- "GET /{number} HTTP/1.1""#),
            format!(r#"<132>haproxy: txn_response be/s1 200 ---- "GET /{number} HTTP/1.1""#),
            format!(r#"<132>haproxy: txn_close be/s1 200 ---- "GET /{number} HTTP/1.1""#),
        ]
    };
    let expected: Vec<String> = [of(1), of(2)].concat();
    assert_eq!(lines, expected[..9]);
}

#[test]
fn rules_write_lines_when_they_run() {
    let text = TIMES.to_owned()
        + "frontend fe\n mode http\n bind 127.0.0.1:PORT\n log SYSLOG local0\n \
           log-format \"%OG %b/%s %ST %tsc %[var(txn.x)]\"\n tcp-request connection do-log\n \
           tcp-request session do-log\n tcp-request content do-log\n http-request set-var(txn.x) int(1)\n \
           http-request do-log\n http-request set-var(txn.x) int(2)\n http-request do-log if { path /no }\n \
           http-after-response do-log\n default_backend be\n\
           backend be\n mode http\n http-request do-log\n http-response set-log-level notice\n \
           http-response do-log\n http-response set-log-level silent\n server s1 SERVER\n\
           frontend last\n bind 127.0.0.1:OTHER\n log SYSLOG local0\n";
    let lines = logged(&text, "Paused frontend last.", |proxy| {
        proxy.exchange("GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n");
        proxy.ask("disable frontend last");
    });
    assert_eq!(
        lines,
        [
            "<134>haproxy: tcp-req-conn fe/<NOSRV> 0 PR-- -",
            "<134>haproxy: tcp-req-sess fe/<NOSRV> 0 PR-- -",
            "<134>haproxy: tcp-req-cont fe/<NOSRV> -1 ---- -",
            "<134>haproxy: http-req fe/<NOSRV> -1 ---- 1",
            "<134>haproxy: http-req be/<NOSRV> -1 ---- 2",
            "<133>haproxy: http-res be/s1 200 ---- 2",
        ]
    );
}

#[test]
fn a_profile_says_how_lines_of_its_target_look() {
    let text = TIMES.to_owned()
        + "log-profile p\n log-tag mine\n on close format \"closed %HP\"\n on error format \"error %OG\"\n on connect drop\n\
           log-profile q\n on http-req format \"asked %HP\"\n on any drop\n\
           frontend fe\n mode http\n bind 127.0.0.1:PORT\n log SYSLOG format raw local0\n \
           log SYSLOG profile p local0\n log SYSLOG profile q local0\n log-format \"%OG\"\n \
           log-steps connect,close\n http-request do-log profile q if { path /q }\n http-request return status 200 if { path /q }\n \
           default_backend be\nbackend be\n mode http\n server s1 SERVER\n";
    let lines = logged(&text, "error sess_error", |proxy| {
        proxy.exchange("GET /1 HTTP/1.1\r\nHost: h\r\n\r\nGET /q HTTP/1.1\r\nHost: h\r\n\r\nNONSENSE\r\n\r\n");
    });
    assert_eq!(
        lines,
        [
            "txn_connect",
            "txn_close",
            "<134>mine: closed /1", // the first request
            "asked /q",
            "<134>haproxy: asked /q",
            "<134>haproxy: asked /q", // the rule's
            "txn_close",
            "<134>mine: closed /q",
            "sess_error",
        ]
    );
}

#[test]
fn states_that_last_no_time_are_logged_in_their_order() {
    alike(
        "backend be\n server s1 127.0.0.1:1\n server s2 127.0.0.1:2\nbackend last\n server s 127.0.0.1:1\n",
        |proxy, _| {
            proxy.ask("set server be/s1 state maint; set server be/s1 state ready");
            proxy.ask("disable server be/s1; disable server be/s2; enable server be/s1; enable server be/s2");
            proxy.ask("set server be/s1 state drain; set server be/s1 state maint; set server be/s1 state ready");
            proxy.ask("set server be/s1 state maint; set server be/s1 state drain; set server be/s1 state ready");
            proxy.ask("set server be/s2 state drain; set server be/s1 state drain; set server be/s2 state maint");
            proxy.ask("set server be/s2 health up; set server be/s2 state ready; set server be/s2 health down");
            proxy.ask("set server be/s2 state drain; set server be/s2 state maint; set server be/s2 state ready");
        },
    );
}

#[test]
fn those_that_follow_a_server_are_logged_behind_it() {
    let sections = "backend be\n server s1 127.0.0.1:1 agent-check agent-port 1 agent-inter 1h\n server s2 127.0.0.1:2 backup\nbackend last\n \
                    server s 127.0.0.1:1\n server s2 127.0.0.1:1 track be/s1 disabled\nbackend other\n \
                    server s1 127.0.0.1:1 track be/s1\n";
    alike(sections, |proxy, _| {
        proxy.ask("set server be/s1 health up");
        proxy.ask("set server be/s1 health down; set server be/s1 health up");
        proxy.ask("disable server be/s1; set server other/s1 state maint");
        proxy.ask("enable server be/s1; set server other/s1 state ready; set server other/s1 state drain");
        proxy.ask("disable server be/s1; disable server be/s2; set server other/s1 state ready; enable server be/s1");
    });
}

#[test]
fn a_message_stands_before_the_requests_that_come_after_it() {
    let address = proxy::server(drop);
    let sections =
        format!("backend be\n server s1 {address}\n server s2 {address}\nbackend last\n server s 127.0.0.1:1\n");
    alike(&sections, |proxy, syslog| {
        for round in 0..5 {
            proxy.ask(if round % 2 == 0 { "disable server be/s1" } else { "disable server be/s2" });
            proxy.exchange("");
            syslog.wait_for_traffic(round + 1);
            proxy.ask("enable server be/s1; enable server be/s2");
        }
    });
}

#[test]
fn frontends_that_pause_resume_and_end_are_logged() {
    let sections = "backend be\n server s1 127.0.0.1:1\nlisten both\n bind 127.0.0.1:OTHER\n server s1 127.0.0.1:1\n\
                    backend last\n server s 127.0.0.1:1\n";
    alike(sections, |proxy, _| {
        proxy.ask("disable frontend fe; enable frontend fe; disable frontend both; enable frontend both");
        proxy.ask("shutdown frontend both; shutdown frontend fe");
    });
}
