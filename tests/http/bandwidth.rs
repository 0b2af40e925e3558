//! Bandwidth limits. HAProxy has them from 2.7 on, so these run against vipgate alone. What may go in an hour comes at once,
//! and the rest not while a test runs: no clock decides.

use std::io::{ErrorKind, Read};
use std::time::Duration;

use vipgate::sys::clock;

use crate::rig::{Peer, Proxy, Scripted};
use crate::rules::{get, ours};

/// More than is spliced from, and than the kernel keeps for a connection.
const LARGE: usize = 20 << 20;

/// A server whose bodies are as long as the path says.
fn lengths() -> Scripted {
    Scripted::each(|peer, head| {
        let digits = head.split(['/', ' ']).find_map(|word| word.parse::<usize>().ok());
        let length = digits.expect("a length in the path");
        peer.send(format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
        // The client may have gone.
        let _ = std::io::Write::write_all(&mut peer.stream, &vec![b'x'; length]);
    })
}

/// What comes of a body while another client gets a whole one.
fn part(proxy: &Proxy, client: &mut Peer, least: usize) -> usize {
    client.head();
    client.exactly(least);
    let mut other = proxy.client();
    let head = other.send(get(&format!("/free/{LARGE}"))).head();
    assert!(head.starts_with("HTTP/1.1 200"), "{head}");
    other.exactly(LARGE);
    client.stream.set_nonblocking(true).unwrap();
    let more = client.stream.read(&mut [0; 65536]);
    client.stream.set_nonblocking(false).unwrap();
    match more {
        Ok(count) => least + count,
        Err(error) => {
            assert_eq!(error.kind(), ErrorKind::WouldBlock);
            least
        }
    }
}

#[test]
fn a_response_goes_no_faster_than_its_limit_and_others_as_fast_as_they_can() {
    let server = lengths();
    let proxy = ours(&format!(
        "listen f\n bind PORT\n http-request set-bandwidth-limit slow if {{ path_beg /slow }}\n \
         http-request set-bandwidth-limit slow limit 5000 period 2h if {{ path_beg /slow/own }}\n \
         http-response set-bandwidth-limit slow limit str(700) if {{ capture.req.uri -m beg /late }}\n \
         http-request set-bandwidth-limit both if {{ path_beg /slow/both }}\n \
         filter bwlim-out slow default-limit 1000 default-period 1h\n \
         filter bwlim-out both default-limit 300 default-period 1h min-size 10\n server s {}\n",
        server.address
    ));
    for (path, bytes) in [("/slow", 1000), ("/slow/own", 5000), ("/late", 700), ("/slow/both", 300)] {
        for length in [8000, LARGE] {
            let mut client = proxy.client();
            client.send(get(&format!("{path}/{length}")));
            assert_eq!(part(&proxy, &mut client, bytes), bytes, "{path} {length}");
        }
    }
    let mut client = proxy.client();
    client.send(get("/slow/999"));
    let head = client.head();
    assert_eq!(client.body(&head).len(), 999, "what fits in the limit comes at once");
    assert_eq!(client.send(get("/slow/998")).response().1.len(), 998, "each stream has a limit of its own");
}

#[test]
fn a_limit_is_reached_in_time_and_not_before() {
    let server = lengths();
    let proxy = ours(&format!(
        "listen f\n bind PORT\n http-request set-bandwidth-limit slow\n \
         filter bwlim-out slow default-limit 100k default-period 200ms\n server s {}\n",
        server.address
    ));
    let began = clock::now();
    let mut client = proxy.client();
    client.send(get("/400000")).head();
    client.exactly(400_000);
    // Less what may go at once.
    let least = Duration::from_millis(200 * (400_000 - 60_000) / 102_400);
    let lasted = clock::now().since(began);
    assert!(lasted >= least, "{lasted:?} for what takes {least:?}");
    assert_eq!(client.send(get("/9")).response().1.len(), 9);
}

#[test]
fn a_request_goes_no_faster_than_its_limit() {
    let (heard, hears) = std::sync::mpsc::sync_channel(1);
    let server = Scripted::new(move |mut peer: Peer, _| {
        let head = peer.head();
        assert!(head.starts_with("POST"), "{head}");
        peer.exactly(2000);
        peer.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        heard.send(peer.stream.read(&mut [0]).map_err(|error| error.kind())).unwrap();
    });
    let proxy = ours(&format!(
        "listen f\n bind PORT\n http-request set-bandwidth-limit up\n \
         filter bwlim-in up default-limit 2000 default-period 1h\n server s {}\n",
        server.address
    ));
    let mut client = proxy.client();
    client.send(format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {}\r\n\r\n", 5 << 20));
    client.send(vec![b'x'; 100_000]);
    assert_eq!(hears.recv().unwrap(), Err(ErrorKind::WouldBlock), "no more than that comes");
}

#[test]
fn streams_of_a_key_share_the_rate_of_a_table() {
    let server = lengths();
    let proxy = ours(&format!(
        "listen f\n bind PORT\n filter bwlim-out shared key req.hdr(x-who),lower limit 3000 table t\n \
         http-request set-bandwidth-limit shared unless {{ path_beg /free }}\n server s {}\n\
         backend t\n stick-table type string size 100 expire 1h store bytes_out_rate(1h)\n",
        server.address
    ));
    let ask = |who: &str| {
        let mut client = proxy.client();
        client.send(format!("GET /9000 HTTP/1.1\r\nHost: a\r\nX-Who: {who}\r\n\r\n"));
        client
    };
    let mut first = ask("a");
    assert_eq!(part(&proxy, &mut first, 3000), 3000);
    assert_eq!(part(&proxy, &mut ask("A"), 0), 0, "the first had it all");
    assert_eq!(part(&proxy, &mut ask("b"), 3000), 3000);
}

#[test]
fn bytes_of_tcp_mode_are_limited_both_ways() {
    let server = Scripted::new(|mut peer: Peer, _| {
        peer.exactly(400);
        let _ = std::io::Write::write_all(&mut peer.stream, &vec![b'y'; LARGE]);
        peer.rest_quietly();
    });
    let proxy = ours(&format!(
        "listen f\n mode tcp\n bind PORT\n tcp-request content set-bandwidth-limit up\n tcp-response content set-bandwidth-limit down\n \
         filter bwlim-in up default-limit 400 default-period 1h\n \
         filter bwlim-out down default-limit 600 default-period 1h\n server s {}\n",
        server.address
    ));
    let mut client = proxy.client();
    client.send(vec![b'x'; 1000]);
    client.exactly(600);
    client.stream.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
    assert_eq!(client.stream.read(&mut [0; 10]).unwrap_err().kind(), ErrorKind::WouldBlock);
}
