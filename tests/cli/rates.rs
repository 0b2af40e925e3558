//! Connections and sessions that come at a rate: as many as may, the rest waits, as the packaged haproxy has it.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use super::proxy::{BOTH, Proxy};

fn proxy(program: &[&str], of_process: &str, of_frontend: &str) -> Proxy {
    Proxy::serving(program, |port, directory| {
        format!(
            "global\n nbthread 1\n stats socket {}/socket level admin\n {of_process}\ndefaults\n mode http\n timeout \
             client 20s\n timeout connect 20s\n timeout server 20s\nfrontend fe\n bind 127.0.0.1:{port}\n \
             {of_frontend}\n http-request return status 200\n",
            directory.display()
        )
    })
}

/// How long five sessions take that come at once.
fn five(proxy: &Proxy) -> Duration {
    let began = Instant::now();
    let mut clients: Vec<TcpStream> = (0..5).map(|_| proxy.client()).collect();
    for client in &mut clients {
        client.write_all(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").expect("sent");
    }
    for mut client in clients {
        let mut said = String::new();
        client.read_to_string(&mut said).expect("it ends");
        assert!(said.starts_with("HTTP/1.1 200 "), "{said}");
    }
    began.elapsed()
}

/// Two a second: the fifth comes a second after the first at the earliest.
const LEAST: Duration = Duration::from_millis(990);

#[test]
fn sessions_above_a_rate_wait_and_none_is_lost() {
    for program in BOTH {
        for (process, frontend) in [
            ("", "rate-limit sessions 2"),
            ("maxsessrate 2", ""),
            ("maxconnrate 2", ""),
            ("maxsessrate 100", "rate-limit sessions 2"),
        ] {
            let took = five(&proxy(program, process, frontend));
            assert!(took >= LEAST, "{program:?} with '{process}' and '{frontend}': {took:?}");
        }
    }
}

#[test]
fn rates_are_shown_and_changed_at_run_time() {
    for program in BOTH {
        let proxy = proxy(program, "maxconnrate 7\n maxsessrate 2", "rate-limit sessions 9");
        let info = proxy.ask("show info");
        assert!(info.contains("\nConnRateLimit: 7\n") && info.contains("\nSessRateLimit: 2\n"), "{program:?}: {info}");
        let rate = proxy.ask("show stat fe 1 -1 typed");
        assert!(
            rate.lines().any(|line| line.contains(".rate_lim.") && line.ends_with(":u32:9")),
            "{program:?}: {rate}"
        );
        assert_eq!(proxy.ask("set rate-limit connections global"), "Expects an integer value.\n\n", "{program:?}");
        assert_eq!(proxy.ask("set rate-limit connections global -1"), "Value out of range.\n\n", "{program:?}");
        assert!(proxy.ask("set rate-limit all").starts_with("'set rate-limit' only supports :\n"), "{program:?}");
        assert_eq!(proxy.ask("set rate-limit connections global 0"), "\n", "{program:?}");
        assert_eq!(proxy.ask("set rate-limit sessions global 3"), "\n", "{program:?}");
        let info = proxy.ask("show info");
        assert!(info.contains("\nConnRateLimit: 0\n") && info.contains("\nSessRateLimit: 3\n"), "{program:?}: {info}");
    }
}
