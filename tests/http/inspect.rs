//! Bytes that rules of tcp mode look at before a server is chosen, and before the client gets anything.

use std::io::{Read, Write};

use crate::rig::{Peer, Scripted, nobody};
use crate::rules::on_both;

/// A server that says its name and echoes what it gets.
fn named(name: &'static str) -> Scripted {
    Scripted::new(move |mut peer: Peer, _| {
        peer.send(name);
        let all = peer.rest();
        peer.send(all);
    })
}

/// Whether the connection ends without a byte, by an end or a reset.
fn is_refused(client: &mut Peer) -> bool {
    let mut byte = [0];
    match client.stream.read(&mut byte) {
        Ok(count) => count == 0,
        Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
    }
}

/// A TLS ClientHello for a server name.
fn hello(name: &str) -> Vec<u8> {
    let name = name.as_bytes();
    let long = |length: usize| u16::try_from(length).unwrap().to_be_bytes();
    let list = [&[0][..], &long(name.len()), name].concat();
    let list = [&long(list.len())[..], &list].concat();
    let extension = [&[0, 0][..], &long(list.len()), &list].concat();
    let extensions = [&long(extension.len())[..], &extension].concat();
    let body = [&[3, 3][..], &[7; 32], &[0], &[0, 2, 0x13, 0x01], &[1, 0], &extensions].concat();
    let length = u32::try_from(body.len()).unwrap().to_be_bytes();
    let handshake = [&[1][..], &length[1..], &body].concat();
    [&[0x16, 3, 1][..], &long(handshake.len()), &handshake].concat()
}

#[test]
fn a_server_name_chooses_the_backend_before_anything_is_relayed() {
    let (one, two) = (named("one"), named("two"));
    let file = format!(
        "frontend f\n bind PORT\n tcp-request inspect-delay 5s\n tcp-request content accept if {{ req.ssl_hello_type 1 }}\n \
         use_backend b1 if {{ req.ssl_sni -i one.example.com }}\n default_backend b2\n\
         backend b1\n server s {}\nbackend b2\n server s {}",
        one.address, two.address
    );
    on_both("tcp", &file, |connect| {
        for (name, server) in [("one.example.com", "one"), ("ONE.example.com", "one"), ("other.example.com", "two")] {
            let hello = hello(name);
            let mut client = connect();
            // In two parts: the rules wait for the rest.
            client.send(&hello[..40]);
            client.send(&hello[40..]).end();
            let answer = client.rest();
            assert_eq!(answer, [server.as_bytes(), &hello].concat(), "{name}");
        }
    });
}

#[test]
fn a_client_that_says_nothing_waits_for_the_delay_and_no_longer() {
    let server = named("late");
    let file = format!(
        "listen f\n bind PORT\n tcp-request inspect-delay 300ms\n tcp-request content reject if {{ req.len gt 0 }}\n \
         tcp-request content accept if WAIT_END\n tcp-request content reject\n server s {}",
        server.address
    );
    on_both("tcp", &file, |connect| {
        let mut silent = connect();
        assert_eq!(silent.exactly(4), b"late");
        let mut hasty = connect();
        hasty.send("x");
        assert!(is_refused(&mut hasty), "it spoke first");
    });
}

#[test]
fn bytes_of_the_request_are_compared_and_tracked() {
    let server = named("in");
    let file = format!(
        "listen f\n bind PORT\n stick-table type string len 10 size 10 store gpc0\n tcp-request inspect-delay 5s\n \
         tcp-request content track-sc0 req.payload(0,3)\n tcp-request content reject if {{ sc0_inc_gpc0 gt 2 }}\n \
         tcp-request content accept if {{ req.payload(0,3) -m str abc }}\n tcp-request content reject\n server s {}",
        server.address
    );
    on_both("tcp", &file, |connect| {
        for (bytes, answer) in [("abcd", "inabcd"), ("xyz", ""), ("abc", "inabc"), ("abc", ""), ("abx", "")] {
            let mut client = connect();
            client.send(&bytes[..1]);
            client.send(&bytes[1..]);
            if answer.is_empty() {
                assert!(is_refused(&mut client), "{bytes}");
            } else {
                client.end();
                assert_eq!(client.rest(), answer.as_bytes(), "{bytes}");
            }
        }
    });
}

#[test]
fn what_a_server_says_first_is_looked_at_before_the_client_gets_it() {
    for (name, is_refused) in [("bad", true), ("good", false)] {
        let server = Scripted::new(move |mut peer: Peer, _| {
            let heard = peer.exactly(5);
            let _ = peer.stream.write_all(&[name.as_bytes(), &heard].concat());
            let _ = peer.stream.read(&mut [0]);
        });
        let file = format!(
            "listen f\n bind PORT\n tcp-response inspect-delay 5s\n \
             tcp-response content reject if {{ res.payload(0,3) -m str bad }}\n \
             tcp-response content accept if {{ res.len gt 3 }}\n tcp-response content reject\n server s {}",
            server.address
        );
        on_both("tcp", &file, |connect| {
            let mut client = connect();
            client.send("hello");
            if is_refused {
                assert!(self::is_refused(&mut client));
            } else {
                assert_eq!(client.exactly(9), b"goodhello");
            }
        });
    }
}

#[test]
fn a_connection_becomes_http_when_a_rule_says_so() {
    let file = "frontend f\n bind PORT\n tcp-request inspect-delay 5s\n tcp-request content switch-mode http if HTTP\n \
                tcp-request content reject\n default_backend b\nbackend b\n mode http\n \
                http-request return status 200 hdr x-path %[path]";
    on_both("tcp", file, |connect| {
        let mut client = connect();
        for path in ["/a", "/b"] {
            let head = client.send(crate::rules::get(path)).head();
            assert_eq!(crate::rig::field(&head, "x-path"), Some(path), "{head}");
        }
        let mut other = connect();
        other.send("\x16\x03\x01 no request\r\n\r\n");
        assert!(is_refused(&mut other));
    });
}

#[test]
fn addresses_that_rules_set_are_those_of_the_session() {
    let file = "frontend f\n bind PORT\n tcp-request connection set-src ipv4(192.0.2.7)\n \
                tcp-request connection set-src-port int(77)\n http-request set-dst ipv4(192.0.2.9) if { path /dst }\n \
                http-request set-dst-port int(99) if { path /dst }\n http-request set-src hdr(x-kept) if { path /src }\n \
                http-request return status 200 hdr x-all \"%[src] %[src_port] %[dst] %[dst_port]\" unless { path /go }\n \
                default_backend b\nbackend b\n option forwardfor\n server s SERVER";
    on_both("http", file, |connect| {
        let ask = |path: &str| {
            let head = connect().send(crate::rules::get(path).replace("a, b", "192.0.2.55")).head();
            crate::rig::field(&head, "x-all").unwrap_or_default().to_owned()
        };
        assert!(ask("/").starts_with("192.0.2.7 77 127.0.0.1 "));
        assert_eq!(ask("/dst"), "192.0.2.7 77 192.0.2.9 99");
        assert!(ask("/src").starts_with("192.0.2.55 77 127.0.0.1 "));
        let mut client = connect();
        let head = client.send(crate::rules::get("/go")).head();
        let length = crate::rig::field(&head, "content-length").unwrap().parse().unwrap();
        let echoed = String::from_utf8(client.exactly(length)).unwrap();
        assert_eq!(crate::rig::field(&echoed, "x-forwarded-for"), Some("192.0.2.7"), "{echoed}");
    });
}

#[test]
fn a_server_without_an_address_is_where_the_client_wanted_to_go() {
    let one = named("one");
    let file = format!(
        "listen f\n bind PORT\n tcp-request content set-dst ipv4(127.0.0.1)\n \
         tcp-request content set-dst-port int({})\n server s 0.0.0.0:0",
        one.address.port()
    );
    on_both("tcp", &file, |connect| {
        let mut client = connect();
        client.send("x").end();
        assert_eq!(client.rest(), b"onex");
    });
}

#[test]
fn in_tcp_mode_rules_look_at_a_request_of_http_where_there_is_one() {
    let (one, two) = (named("one"), named("two"));
    let file = format!(
        "frontend f\n bind PORT\n tcp-request inspect-delay 5s\n acl is_app hdr(host) -i app.example.com\n \
         tcp-request content reject if {{ path_beg /private }}\n tcp-request content accept if HTTP\n \
         use_backend b1 if is_app\n default_backend b2\nbackend b1\n server s {}\nbackend b2\n server s {}",
        one.address, two.address
    );
    on_both("tcp", &file, |connect| {
        for (host, server) in [("App.example.com", "one"), ("other", "two")] {
            let request = format!("GET / HTTP/1.1\r\nHost: {host}\r\n\r\n");
            let mut client = connect();
            // In two parts: the rules wait for the rest of the head.
            client.send(&request[..20]);
            client.send(&request[20..]).end();
            assert_eq!(client.rest(), [server.as_bytes(), request.as_bytes()].concat(), "{host}");
        }
        assert!(is_refused(connect().send("GET /private/x HTTP/1.1\r\nHost: app.example.com\r\n\r\n")));
        // What is no HTTP is known to be none at once.
        let mut other = connect();
        other.send("\x01\x02").end();
        assert_eq!(other.rest(), b"two\x01\x02");
    });
}

#[test]
fn who_is_turned_away_sees_an_end_and_no_reset() {
    let nobody = nobody();
    let file = format!(
        "frontend f\n bind PORT\n tcp-request inspect-delay 5s\n \
         tcp-request content reject if {{ req.payload(0,1) -m str r }}\n \
         tcp-request content accept if {{ req.len gt 0 }}\n \
         use_backend none if {{ req.payload(0,1) -m str n }}\n default_backend refused\n\
         backend none\nbackend refused\n retries 0\n server s {nobody}"
    );
    on_both("tcp", &file, |connect| {
        for bytes in ["reject", "none", "connect"] {
            let mut client = connect();
            client.send(bytes);
            assert_eq!(client.stream.read(&mut [0]).expect("no reset"), 0, "{bytes}");
        }
    });
}
