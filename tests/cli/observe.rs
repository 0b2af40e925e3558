//! `observe`, `on-error` and `error-limit`: after the same traffic a server stands as it does for the packaged haproxy.

use std::io::Write;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::proxy::{self, BOTH, Proxy};
use super::{comes, until};

/// A server that answers with the status that is the path: `/500`. Connections of probes bring nothing and get nothing.
fn server() -> SocketAddr {
    proxy::server(|mut client| {
        let Some(head) = proxy::head(&mut client) else { return };
        let status = head.chars().skip(5).take(3).collect::<String>();
        // `/000` is no answer.
        if status != "000" {
            let answer = format!("HTTP/1.1 {status} x\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
            let _ = client.write_all(answer.as_bytes());
        }
    })
}

fn proxy(program: &[&str], options: &str, server: SocketAddr) -> Proxy {
    let proxy = Proxy::serving(program, |port, directory| {
        format!(
            "global\n stats socket {} level admin\ndefaults\n mode http\n timeout client 20s\n timeout connect 5s\n \
             timeout server 20s\n retries 0\nfrontend fe\n bind 127.0.0.1:{port}\n default_backend be\nbackend be\n \
             server s {server} check inter 1h {options}\n",
            directory.join("socket").display()
        )
    });
    until("its probe has passed", || stands(&proxy).contains("L4OK"));
    proxy
}

/// State, code of the last result, and what the check counts.
fn stands(proxy: &Proxy) -> String {
    // The columns before the text of the last result, which may have commas.
    let rows = proxy.ask("show stat be 4 -1");
    let mut rows = rows.lines();
    let names: Vec<&str> = rows.next().unwrap_or_default().trim_start_matches("# ").split(',').collect();
    let values: Vec<&str> = rows.next().unwrap_or_default().split(',').collect();
    let value = |name: &str| names.iter().position(|known| *known == name).and_then(|at| values.get(at)).copied();
    let counted = proxy.ask("show servers state be");
    let counter = counted.lines().nth(2).and_then(|row| row.split(' ').nth(12)).unwrap_or("?");
    format!("{} {} {counter}", value("status").unwrap_or("?"), value("check_status").unwrap_or("?"))
}

fn ask(proxy: &Proxy, status: u16) {
    let answer = proxy.exchange(&format!("GET /{status:03} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 "), "{answer}");
}

#[test]
fn errors_of_the_traffic_count_as_they_do_for_the_packaged_haproxy() {
    let address = server();
    for (options, statuses, expected) in [
        ("observe layer7 error-limit 3", &[500, 502, 503][..], "UP 2/3 HANA 3"),
        ("observe layer7 error-limit 3 on-error fail-check", &[500, 500, 200, 500, 500], "UP L4OK 4"),
        ("observe layer7 error-limit 3", &[501, 505, 404, 501], "UP L4OK 4"),
        ("observe layer7 error-limit 2", &[0, 0], "UP 2/3 HANA 3"),
        ("observe layer7 error-limit 2 on-error fastinter", &[500, 500], "UP L4OK 4"),
        ("observe layer7 error-limit 2 on-error sudden-death", &[500, 500], "UP 1/3 HANA 2"),
        ("observe layer7 error-limit 2 on-error sudden-death", &[500, 500, 500, 500], "DOWN HANA 0"),
        ("observe layer7 error-limit 1 on-error mark-down", &[200, 500], "DOWN HANA 0"),
        ("observe layer4 error-limit 1 on-error mark-down", &[500, 0], "UP L4OK 4"),
    ] {
        for program in BOTH {
            let proxy = proxy(program, options, address);
            statuses.iter().for_each(|status| ask(&proxy, *status));
            let what = format!("{} {options}: {statuses:?} makes {expected}", program[0]);
            let mut last = String::new();
            let is_so = comes(|| {
                last = stands(&proxy);
                last == expected
            });
            assert!(is_so, "{what}, but it is {last}");
        }
    }
}

#[test]
fn connections_that_fail_take_a_server_down_where_layer_4_is_observed() {
    let address = server();
    for program in BOTH {
        let proxy = proxy(program, "observe layer4 error-limit 2 on-error mark-down", address);
        let closed =
            TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|socket| socket.local_addr()).expect("a port");
        proxy.ask(&format!("set server be/s addr 127.0.0.1 port {}", closed.port()));
        ask(&proxy, 200);
        ask(&proxy, 200);
        until("it is down", || stands(&proxy).starts_with("DOWN"));
    }
}
