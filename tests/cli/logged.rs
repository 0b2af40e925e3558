//! What the log says of states: word for word what the packaged haproxy logs after the same commands, in their order.

use std::net::{SocketAddr, UdpSocket};
use std::sync::{Arc, Mutex};

use super::proxy::{self, BOTH, Proxy};
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
    let (head, text) = line.split_once(": ").unwrap_or((line, ""));
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
