//! How servers are reached: through a SOCKS proxy, or by the client itself; and clients that hear nothing at all.

use std::io::Read;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};

use crate::rig::{Peer, Scripted, field};
use crate::rules::{get, on_both, status};

/// A SOCKS4 proxy that knows one port by which it refuses.
fn socks(refused: u16) -> Scripted {
    Scripted::new(move |mut near, _| {
        let request = near.exactly(8);
        let port = u16::from_be_bytes([request[2], request[3]]);
        while near.exactly(1) != [0] {}
        assert_eq!(request[..2], [4, 1]);
        if port == refused {
            near.send([0, 91, 0, 0, 0, 0, 0, 0]);
            return;
        }
        let address = SocketAddr::from((Ipv4Addr::from([request[4], request[5], request[6], request[7]]), port));
        let mut far = Peer::new(TcpStream::connect(address).unwrap());
        near.send([0, 90, 0, 0, 0, 0, 0, 0]);
        loop {
            let head = near.head();
            if head.is_empty() {
                return;
            }
            let (head, body) = far.send(head.replace("\r\n\r\n", "\r\nX-Passed: socks\r\n\r\n")).response();
            near.send(head + &body);
        }
    })
}

#[test]
fn traffic_goes_through_a_socks_proxy() {
    let proxy = socks(9);
    let text = format!(
        "frontend web\n bind PORT\n use_backend refused if {{ path /refused }}\n default_backend app\n\
         backend app\n server s SERVER socks4 {0}\n\
         backend refused\n retries 0\n server s 127.0.0.1:9 socks4 {0}\n",
        proxy.address
    );
    on_both("http", &text, |connect| {
        let before = proxy.connections();
        let mut client = connect();
        for _ in 0..2 {
            let (_, body) = client.send(get("/")).response();
            assert_eq!(field(&body, "x-passed"), Some("socks"), "{body}");
        }
        assert_eq!(proxy.connections(), before + 1, "the connection is used again");
        assert_eq!(status(&connect().send(get("/refused")).head()), "503");
    });
}

#[test]
fn clients_are_sent_to_a_server_that_says_so() {
    let text = "frontend web\n bind PORT\n http-request set-path /new%[path]\n default_backend app\n\
                backend app\n server s SERVER redir http://images.example\n";
    on_both("http", text, |connect| {
        for (request, location) in [
            (get("/a?b=c"), "http://images.example/new/a?b=c"),
            (get("/a").replace("GET", "HEAD"), "http://images.example/new/a"),
            (
                get("http://other.example/x").replace("www", "other").replace("other.example.com", "other.example"),
                "http://images.example/new/x",
            ),
        ] {
            let head = connect().send(request).head();
            assert_eq!((status(&head), field(&head, "location")), ("302", Some(location)));
            assert_eq!((field(&head, "cache-control"), field(&head, "content-length")), (Some("no-cache"), Some("0")));
        }
        let post = get("/a").replace("GET", "POST").replace("X-Gone: 1", "Content-Length: 0");
        let (head, body) = connect().send(post).response();
        assert!(status(&head) == "200" && body.starts_with("POST /new/a "), "other requests go to the server");
    });
}

#[test]
fn a_client_that_is_dropped_gets_no_answer() {
    let text = "frontend web\n bind PORT\n http-request silent-drop if { path /drop }\n default_backend app\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send(get("/drop"));
        // Whether the reset comes as far as here is the kernel's affair; no byte comes in any case.
        let mut said = Vec::new();
        client.stream.set_read_timeout(Some(std::time::Duration::from_millis(100))).unwrap();
        let _ = client.stream.read_to_end(&mut said);
        assert!(said.is_empty());
        assert_eq!(status(&connect().send(get("/")).head()), "200", "others are served");
    });
}
