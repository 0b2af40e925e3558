//! Names in requests (`do-resolve`): the same file and the same name server for vipgate and the packaged haproxy.

use std::io::{Read, Write};
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};

use super::names::NameServer;
use super::proxy::{BOTH, Half, Proxy, head, server};

/// A server that answers with the head of the request.
fn echo() -> SocketAddr {
    server(|mut client| {
        while let Some(head) = head(&mut client) {
            let length = head.len();
            let _ = client.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{head}").as_bytes());
        }
    })
}

fn proxy(program: &[&str], name_server: SocketAddr, mode: &str, sections: &str) -> Proxy {
    Proxy::serving(program, |port, directory| {
        let sections = sections.replace("BIND", &format!("bind 127.0.0.1:{port}"));
        format!(
            "global\n nbthread 1\n stats socket {}/socket level admin\ndefaults\n mode {mode}\n timeout client 30s\n \
             timeout connect 30s\n timeout server 30s\nresolvers d\n nameserver a {name_server}\n timeout resolve 100ms\n \
             timeout retry 100ms\n resolve_retries 2\n hold valid 1h\n{sections}",
            directory.display()
        )
    })
}

#[test]
fn a_forward_proxy_connects_to_where_the_name_of_the_host_leads() {
    let names = NameServer::start();
    names.set("one.test", &["127.0.0.1"]);
    names.set("six.test", &["::1", "127.0.0.1"]);
    let port = echo().port();
    let sections = "frontend fe\n BIND\n http-request do-resolve(txn.address,d,ipv4) hdr(host),host_only\n \
                    http-request deny deny_status 403 unless { var(txn.address) -m found }\n default_backend be\n\
                    backend be\n http-request deny deny_status 410 if { var(txn.address) -m ip 10.0.0.0/8 }\n \
                    http-request set-dst var(txn.address)\n http-request set-dst-port hdr(host),port_only\n \
                    http-request set-header X-Address %[var(txn.address)]\n server clear 0.0.0.0:0\n";
    names.set("forged.test", &["10.0.0.1"]);
    for program in BOTH {
        let proxy = proxy(program, names.packets, "http", sections);
        for (name, expected) in [
            ("one.test", "200"),
            ("ONE.test", "200"),
            ("six.test", "200"),
            ("none.test", "403"),
            ("forged.test", "410"),
            ("one.test", "200"),
        ] {
            let said = proxy.exchange(&format!("GET /a HTTP/1.1\r\nHost: {name}:{port}\r\nConnection: close\r\n\r\n"));
            assert_eq!(said.split(' ').nth(1), Some(expected), "{program:?} {name}: {said}");
            if expected == "200" {
                assert!(said.to_ascii_lowercase().contains("x-address: 127.0.0.1\r\n"), "{program:?} {name}: {said}");
            }
        }
    }
}

#[test]
fn a_name_server_that_says_nothing_leaves_the_variable_alone() {
    let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).expect("a socket that says nothing");
    let sections = "frontend fe\n BIND\n http-request do-resolve(txn.address,d) req.hdr(host)\n \
                    http-request return status 200 if { var(txn.address) -m found }\n http-request return status 418 \
                    content-type text/plain string none\n";
    for program in BOTH {
        let proxy = proxy(program, silent.local_addr().expect("bound"), "http", sections);
        for head in ["GET / HTTP/1.1\r\nHost: one.test\r\n", "GET / HTTP/1.0\r\n"] {
            let said = proxy.exchange(&format!("{head}Connection: close\r\n\r\n"));
            assert_eq!(said.split(' ').nth(1), Some("418"), "{program:?}: {said}");
        }
    }
}

#[test]
fn a_tcp_session_goes_to_the_address_of_a_name() {
    let names = NameServer::start();
    names.set("one.test", &["127.0.0.1"]);
    let port = echo().port();
    let sections = format!(
        "listen fe\n BIND\n tcp-request inspect-delay 20s\n tcp-request content do-resolve(sess.address,d,ipv4) str(one.test)\n \
         tcp-request content set-dst var(sess.address)\n tcp-request content set-dst-port int({port})\n server clear 0.0.0.0:0\n"
    );
    for program in BOTH {
        let proxy = proxy(program, names.packets, "tcp", &sections);
        let mut client = proxy.client();
        client.write_all(b"GET /tcp HTTP/1.1\r\n\r\n").expect("it reads");
        client.half();
        let mut said = String::new();
        client.read_to_string(&mut said).expect("it ends");
        assert!(said.ends_with("GET /tcp HTTP/1.1\r\n\r\n"), "{program:?}: {said}");
    }
}
