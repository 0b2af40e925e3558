//! PROXY headers, beside the packaged HAProxy: what they say of the client, and what is no header.

use crate::rig::{Peer, Scripted, field};
use crate::rules::{get, on_both, status};

const SIGNATURE: &[u8] = b"\r\n\r\n\0\r\nQUIT\n";

/// A header of version 2 with values behind the addresses.
fn binary(command: u8, family: u8, addresses: &[u8], values: &[(u8, &[u8])]) -> Vec<u8> {
    let mut body = addresses.to_vec();
    for (kind, value) in values {
        body.push(*kind);
        body.extend((value.len() as u16).to_be_bytes());
        body.extend(*value);
    }
    [SIGNATURE, &[command, family], &(body.len() as u16).to_be_bytes(), &body].concat()
}

/// 192.0.2.7:1000 to 198.51.100.1:443.
const V4: [u8; 12] = [192, 0, 2, 7, 198, 51, 100, 1, 0x03, 0xe8, 0x01, 0xbb];

/// What rules see of the ends of the connection.
const ENDS: &str = "frontend web\n bind PORT accept-proxy\n default_backend app\n \
                    http-request set-header X-Ends %[src]:%[src_port]-%[dst]:%[dst_port]\n \
                    http-request set-header X-Peer %[fc_src]\n http-request set-header X-Proxied %[fc_rcvd_proxy]\n\
                    backend app\n server s SERVER\n";

fn ends(connect: &dyn Fn() -> Peer, header: impl AsRef<[u8]>) -> String {
    let mut client = connect();
    let (_, body) = client.send(header).send(get("/")).response();
    assert_eq!(field(&body, "x-peer"), Some("127.0.0.1"));
    assert_eq!(field(&body, "x-proxied"), Some("1"));
    field(&body, "x-ends").unwrap().to_owned()
}

#[test]
fn the_client_is_whom_the_header_names() {
    on_both("http", ENDS, |connect| {
        let four = "192.0.2.7:1000-198.51.100.1:443";
        let six = "2001:db8::7:1000-2001:db8::1:443";
        assert_eq!(ends(connect, "PROXY TCP4 192.0.2.7 198.51.100.1 1000 443\r\n"), four);
        assert_eq!(ends(connect, "PROXY TCP6 2001:db8::7 2001:db8::1 1000 443\r\n"), six);
        assert_eq!(ends(connect, binary(0x21, 0x11, &V4, &[])), four);
        let mut addresses = Vec::new();
        for last in [7, 1] {
            addresses.extend([0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last]);
        }
        addresses.extend([0x03, 0xe8, 0x01, 0xbb]);
        assert_eq!(ends(connect, binary(0x21, 0x21, &addresses, &[(0x04, b"padding")])), six);
    });
}

#[test]
fn a_proxy_that_speaks_for_itself_is_the_client() {
    on_both("http", ENDS, |connect| {
        for header in [b"PROXY UNKNOWN\r\n".to_vec(), binary(0x20, 0, &[], &[])] {
            assert!(ends(connect, header).starts_with("127.0.0.1:"));
        }
    });
}

#[test]
fn what_is_no_header_closes_the_connection() {
    on_both("http", ENDS, |connect| {
        let wrong_sum = binary(0x21, 0x11, &V4, &[(0x03, &[1, 2, 3, 4])]);
        let short_sum = binary(0x21, 0x11, &V4, &[(0x03, &[1, 2, 3])]);
        let cut_value = binary(0x21, 0x11, &[&V4[..], &[0xea, 0, 9, b'x']].concat(), &[]);
        for header in [
            get("/").into_bytes(),
            b"PROXY TCP4 1.2.3.4 5.6.7.8 1 2 3\r\n".to_vec(),
            b"PROXY TCP6 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(),
            b"PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n".to_vec(),
            binary(0x22, 0x11, &V4, &[]),
            binary(0x31, 0x11, &V4, &[]),
            binary(0x21, 0x11, &V4[..11], &[]),
            wrong_sum,
            short_sum,
            cut_value,
        ] {
            let mut client = connect();
            client.send(&header);
            assert!(client.try_head().is_none(), "{header:?}");
        }
        assert_eq!(status(&connect().send(binary(0x21, 0x11, &V4, &[])).send(get("/")).head()), "200");
    });
}

#[test]
fn a_header_may_come_in_pieces() {
    // HAProxy wants it at once.
    let proxy =
        crate::rules::ours("frontend web\n bind PORT accept-proxy\n http-request return status 200 hdr X-Src %[src]\n");
    let header = binary(0x21, 0x11, &V4, &[(0xea, b"value")]);
    let mut client = proxy.client();
    for byte in &header {
        client.send([*byte]);
    }
    assert_eq!(field(&client.send(get("/")).head(), "x-src"), Some("192.0.2.7"));
    assert_eq!(proxy.counters.bad_messages.value(), 0);
    proxy.client().send("GET /\r\n").rest_quietly();
    crate::rig::until("it is counted", || proxy.counters.bad_messages.value() == 1);
}

#[test]
fn values_of_the_header_are_there_for_rules() {
    let text = "frontend web\n bind PORT accept-proxy\n default_backend app\n \
                http-request set-header X-Authority %[fc_pp_authority]\n \
                http-request set-header X-Id %[fc_pp_unique_id,hex]\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let values: [(u8, &[u8]); 4] = [(0x04, b""), (0x02, b"a.example"), (0x05, b"\x01\xff"), (0xea, b"x")];
        let (_, body) = connect().send(binary(0x21, 0x11, &V4, &values)).send(get("/")).response();
        assert_eq!(field(&body, "x-authority"), Some("a.example"));
        assert_eq!(field(&body, "x-id"), Some("01FF"));
    });
}

#[test]
fn a_rule_asks_some_connections_for_a_header() {
    let text = "frontend web\n bind PORT\n default_backend app\n \
                tcp-request connection expect-proxy layer4 if { src 127.0.0.1 }\n \
                tcp-request connection reject if { src 192.0.2.7 }\n \
                tcp-request session reject if { src 192.0.2.66 }\n \
                http-request set-header X-Src %[src]\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let header = |client: &str| format!("PROXY TCP4 {client} 198.51.100.1 1000 443\r\n");
        let (_, body) = connect().send(header("192.0.2.7")).send(get("/")).response();
        assert_eq!(field(&body, "x-src"), Some("192.0.2.7"));
        let mut refused = connect();
        refused.send(header("192.0.2.66"));
        assert!(refused.try_head().is_none());
    });
}

#[test]
fn tcp_mode_passes_on_what_stands_behind_the_header() {
    let text = "listen web\n bind PORT accept-proxy\n server s SERVER\n";
    on_both("tcp", text, |connect| {
        let request = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
        let (_, body) = connect().send(format!("PROXY TCP4 1.1.1.1 2.2.2.2 1 2\r\n{request}")).response();
        assert_eq!(body, request);
    });
}

/// A server that answers every request with the bytes before its first one, in hexadecimal, its connection's number and
/// the ports of the client.
fn receiver() -> Scripted {
    Scripted::new(|mut peer, number| {
        let mut received = Vec::new();
        while !received.ends_with(b"GET ") {
            received.extend(peer.exactly(1));
        }
        received.truncate(received.len() - 4);
        let hex: String = received.iter().map(|byte| format!("{byte:02x}")).collect();
        while !peer.head().is_empty() {
            peer.send(format!("HTTP/1.1 200 OK\r\nX-Number: {number}\r\nContent-Length: {}\r\n\r\n{hex}", hex.len()));
        }
    })
}

/// The header that the server got before a request of this client, and the number of its connection.
fn received(client: &mut Peer) -> (Vec<u8>, String) {
    let (head, body) = client.send(get("/")).response();
    assert_eq!(status(&head), "200", "{head}");
    let bytes = body.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap());
    (bytes.map(|pair| u8::from_str_radix(pair, 16).unwrap()).collect(), field(&head, "x-number").unwrap().to_owned())
}

fn port_of(end: std::io::Result<std::net::SocketAddr>) -> [u8; 2] {
    end.unwrap().port().to_be_bytes()
}

#[test]
fn servers_hear_of_the_client_to_the_byte() {
    let server = receiver();
    let sends = |options: &str| {
        format!(
            "frontend web\n bind PORT\n unique-id-format id-%[src]\n default_backend app\n\
             backend app\n server s {} {options}\n",
            server.address
        )
    };
    on_both("http", &sends("send-proxy"), |connect| {
        let mut client = connect();
        let (from, to) = (client.stream.local_addr().unwrap().port(), client.stream.peer_addr().unwrap().port());
        let expected = format!("PROXY TCP4 127.0.0.1 127.0.0.1 {from} {to}\r\n");
        assert_eq!(String::from_utf8(received(&mut client).0).unwrap(), expected);
    });
    on_both("http", &sends("send-proxy send-proxy-v2"), |connect| {
        let mut client = connect();
        let ports = [port_of(client.stream.local_addr()), port_of(client.stream.peer_addr())].concat();
        let expected = binary(0x21, 0x11, &[&[127, 0, 0, 1, 127, 0, 0, 1], &ports[..]].concat(), &[]);
        assert_eq!(received(&mut client).0, expected);
    });
    on_both("http", &sends("send-proxy-v2 proxy-v2-options crc32c,unique-id"), |connect| {
        let mut client = connect();
        let ports = [port_of(client.stream.local_addr()), port_of(client.stream.peer_addr())].concat();
        let addresses = [&[127, 0, 0, 1, 127, 0, 0, 1], &ports[..]].concat();
        let mut expected = binary(0x21, 0x11, &addresses, &[(0x03, &[0; 4]), (0x05, b"id-127.0.0.1")]);
        let sum = crc32c::crc32c(&expected);
        expected[31..35].copy_from_slice(&sum.to_be_bytes());
        assert_eq!(received(&mut client).0, expected);
    });
    on_both("http", &sends("send-proxy-v2-ssl"), |connect| {
        let header = received(&mut connect()).0;
        assert_eq!(header[28..], [0x20, 0, 5, 0, 0, 0, 0, 0]);
    });
}

#[test]
fn what_a_proxy_in_front_said_is_passed_on() {
    let server = receiver();
    let text = format!(
        "frontend web\n bind PORT accept-proxy\n http-request set-dst-port int(8443)\n default_backend app\n\
         backend app\n server s {} send-proxy-v2 proxy-v2-options authority\n",
        server.address
    );
    on_both("http", &text, |connect| {
        let mut client = connect();
        client.send(binary(0x21, 0x11, &V4, &[(0x02, b"a.example"), (0xea, b"x")]));
        let mut addresses = V4;
        addresses[10..].copy_from_slice(&8443_u16.to_be_bytes());
        assert_eq!(received(&mut client).0, binary(0x21, 0x11, &addresses, &[(0x02, b"a.example")]));
    });
}

#[test]
fn a_connection_with_a_header_serves_the_client_that_it_names() {
    let server = receiver();
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n http-reuse always\n server s {} send-proxy\n",
        server.address
    );
    on_both("http", &text, |connect| {
        let (mut one, mut two) = (connect(), connect());
        let (first, number) = received(&mut one);
        assert_eq!(received(&mut one), (first.clone(), number.clone()));
        let (other, other_number) = received(&mut two);
        assert!(other != first && other_number != number);
        // HAProxy may have closed one of them meanwhile: nobody needs two at a time.
        assert_eq!(received(&mut one).0, first);
        assert_eq!(received(&mut two).0, other);
    });
}

#[test]
fn formats_make_values_of_the_header() {
    let server = receiver();
    let proxy = crate::rules::ours(&format!(
        "frontend web\n bind PORT\n default_backend app\n\
         backend app\n server s {} send-proxy-v2 set-proxy-v2-tlv-fmt(0xE1) %[req.hdr(host)]/%[src] \
         set-proxy-v2-tlv-fmt(226)\n",
        server.address
    ));
    let header = received(&mut proxy.client()).0;
    assert_eq!(header[28..], [&[0xe1, 0, 25][..], b"www.example.com/127.0.0.1", &[0xe2, 0, 0]].concat());
}

#[test]
fn tcp_sessions_begin_with_a_header_too() {
    let server = Scripted::new(|mut peer, _| {
        let header = peer.exactly(12);
        peer.send(header).end();
        peer.rest_quietly();
    });
    let text = format!("listen web\n bind PORT\n server s {} send-proxy-v2\n", server.address);
    on_both("tcp", &text, |connect| assert_eq!(connect().exactly(12), SIGNATURE));
}
