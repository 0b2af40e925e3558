//! Backends in log mode as targets of logs. The packaged haproxy has none; what is expected here is what 3.5 does.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};

use super::proxy::{OURS, Proxy};
use super::syslog::{bytes, line, listener, next, received, receiver};
use super::{ports, until};

/// A proxy whose lines are paths of requests, and go to the backend `logs` of these lines.
fn proxy(lines: &str) -> Proxy {
    Proxy::serving(OURS, |port, directory| {
        format!(
            "global\n nbthread 1\n stats socket {} level admin\ndefaults\n mode http\n timeout client 5s\n timeout connect 5s\n \
             timeout server 5s\nbackend logs\n mode log\n{lines}\nfrontend fe\n log backend@logs format priority local0\n \
             log-format %HP\n bind 127.0.0.1:{port}\n http-request return status 200\n",
            directory.join("socket").display()
        )
    })
}

fn request(proxy: &Proxy, path: &str) {
    let answer = proxy.exchange(&format!("GET {path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"));
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
}

#[test]
fn messages_take_turns_by_weight() {
    let ((one, to_one), (two, to_two)) = (receiver(), receiver());
    let proxy = proxy(&format!(
        " balance roundrobin\n server s1 udp@127.0.0.1:{to_one}\n server s2 udp@127.0.0.1:{to_two} weight 2"
    ));
    (0..6).for_each(|number| request(&proxy, &format!("/{number}")));
    assert_eq!([(); 2].map(|()| received(&one)), ["<134>/2\n", "<134>/5\n"]);
    assert_eq!([(); 4].map(|()| received(&two)), ["<134>/0\n", "<134>/1\n", "<134>/3\n", "<134>/4\n"]);
    // What is sent counts as no traffic, and the runtime socket adds no server.
    assert!(proxy.ask("show stat logs 2 -1").contains("logs,BACKEND,0,0,0,0,1,0,0,0,0,0,,0,0,0,0,UP,3,2,0,"));
    assert!(proxy.ask("show stat").contains(",syslog,roundrobin,"));
    assert!(proxy.ask("add server logs/s3 127.0.0.1:514").contains("uses mode log"));
    proxy.ask("set server logs/s2 state maint");
    request(&proxy, "/6");
    assert_eq!(received(&one), "<134>/6\n");
}

#[test]
fn messages_with_the_same_key_go_to_the_same_server() {
    let servers = [receiver(), receiver(), receiver()];
    let address = |number: usize| format!("udp@127.0.0.1:{}", servers[number].1);
    let proxy = proxy(&format!(
        " balance log-hash 'field(2,/),lower'\n server s1 {}\n server s2 {} weight 2\n server s3 {}",
        address(0),
        address(1),
        address(2)
    ));
    for key in ["x1", "x3", "x4", "x7", "xa", "xd", "xE"] {
        request(&proxy, &format!("/{key}/first"));
        request(&proxy, &format!("/{}/second", key.to_uppercase()));
    }
    for (number, keys) in [["x4", "xd"].as_slice(), &["x1", "xa", "xE"], &["x3", "x7"]].into_iter().enumerate() {
        for key in keys {
            let expected = [format!("<134>/{key}/first\n"), format!("<134>/{}/second\n", key.to_uppercase())];
            assert_eq!([(); 2].map(|()| received(&servers[number].0)), expected);
        }
    }
}

#[test]
fn one_server_gets_everything_until_its_checks_fail() {
    let ((first, to_first), (second, to_second)) = (listener(), listener());
    let proxy = proxy(&format!(
        " balance sticky\n default-server check inter 100ms fall 1 rise 1\n server a {to_first}\n \
         server b tcp@{to_second} log-proto octet-count"
    ));
    request(&proxy, "/one");
    let (mut reader, one) = line(&first);
    request(&proxy, "/two");
    assert_eq!([one, next(&mut reader)], ["<134>/one\n", "<134>/two\n"]);
    drop((reader, first));
    until("its checks fail", || proxy.ask("show servers state logs").contains(" a 127.0.0.1 0 "));
    ["/a", "/b"].into_iter().for_each(|path| request(&proxy, path));
    assert_eq!(bytes(&second, 18), "7 <134>/a7 <134>/b");
    assert_eq!(proxy.ask("show events logs/a"), "<134>/one\n<134>/two\n\n");
}

#[test]
fn as_much_as_its_buffer_holds_waits_for_a_server_that_is_away() {
    let away = ports::free();
    let proxy = proxy(&format!(" server a {away} log-bufsize 16"));
    ["/1", "/2", "/3"].into_iter().for_each(|path| request(&proxy, path));
    let listed = "    logs/a     : type=buffer, 1 dropped, created from log backend\n";
    until("two wait", || proxy.ask("show events").contains(listed));
    let server = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, away.port()))).expect("its port");
    let (mut reader, one) = line(&server);
    assert_eq!([one, next(&mut reader)], ["<134>/1\n", "<134>/2\n"]);
}

#[test]
fn a_message_without_a_server_is_lost_and_the_next_one_is_not() {
    let (socket, port) = receiver();
    let proxy = proxy(&format!(" balance random\n server a udp@127.0.0.1:{port} disabled"));
    request(&proxy, "/lost");
    until("it is counted", || proxy.ask("show info").contains("\nDroppedLogs: 1\n"));
    proxy.ask("enable server logs/a");
    request(&proxy, "/sent");
    assert_eq!(received(&socket), "<134>/sent\n");
}
