//! RDP: clients keep their server by the cookie in their first packet.

use std::fmt::Write as _;

use crate::beside::same_on_both;
use crate::rig::{Peer, Scripted};
use crate::rules::on_both;

/// Users whose servers are compared.
const USERS: usize = 150;

/// A server that says its name and nothing more.
fn named(name: &'static str) -> Scripted {
    Scripted::new(move |mut peer: Peer, _| {
        peer.send(name);
        peer.end();
        peer.rest_quietly();
    })
}

/// What a client of RDP sends first.
fn request(cookie: &str) -> Vec<u8> {
    let text = format!("Cookie: {cookie}\r\n\x01\0\x08\0\x03\0\0\0");
    let length = u16::try_from(text.len() + 11).unwrap().to_be_bytes();
    let behind = u8::try_from(text.len() + 6).unwrap();
    [&[3, 0][..], &length, &[behind, 0xe0, 0, 0, 0, 0, 0], text.as_bytes()].concat()
}

/// The name that the server says to each of these cookies.
fn answers(connect: &dyn Fn() -> Peer, cookies: impl Iterator<Item = String>) -> Vec<(String, String)> {
    let ask = |cookie: String| {
        let mut client = connect();
        client.send(request(&cookie));
        client.end();
        let name = String::from_utf8_lossy(&client.rest()).into_owned();
        (cookie, name)
    };
    cookies.map(ask).collect()
}

/// A proxy for RDP with these lines.
fn file(lines: &str, servers: &[&Scripted]) -> String {
    let mut text = format!(
        "listen f\n bind PORT\n tcp-request inspect-delay 5s\n tcp-request content accept if RDP_COOKIE\n{lines}"
    );
    for (number, server) in (1..).zip(servers) {
        let _ = writeln!(text, " server s{number} {}", server.address);
    }
    text
}

#[test]
fn cookies_lead_to_the_servers_that_haproxy_chooses() {
    let servers = [named("one"), named("two"), named("three")];
    let servers: Vec<&Scripted> = servers.iter().collect();
    for (balance, name) in [("rdp-cookie", "mstshash"), ("rdp-cookie(USER)\n hash-type consistent wt6", "user")] {
        let text = file(&format!(" balance {balance}\n"), &servers);
        same_on_both("tcp", &text, |connect| {
            let found = answers(connect, (0..USERS).map(|user| format!("{name}=user{}", user * 7919)));
            for known in ["one", "two", "three"] {
                assert!(found.iter().any(|(_, answer)| answer == known), "nobody went to {known}");
            }
            found
        });
    }
}

#[test]
fn a_server_that_a_cookie_names_by_its_address_is_gone_back_to() {
    let (one, two) = (named("one"), named("two"));
    let named = |server: &Scripted| {
        let port = server.address.port();
        format!("msts={}.{}.0000", u32::from_le_bytes([127, 0, 0, 1]), u16::from_be_bytes(port.to_le_bytes()))
    };
    let text = file(" balance roundrobin\n persist rdp-cookie\n", &[&one, &two]);
    same_on_both("tcp", &text, |connect| {
        let cookies = [&one, &one, &two, &two, &two, &one].map(&named);
        let found = answers(connect, cookies.into_iter());
        let names: Vec<&str> = found.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["one", "one", "two", "two", "two", "one"]);
        found
    });
}

#[test]
fn cookies_that_name_nobody_take_their_turns() {
    let (one, two) = (named("one"), named("two"));
    let text = file(" balance roundrobin\n persist rdp-cookie(msts)\n", &[&one, &two]);
    on_both("tcp", &text, |connect| {
        let cookies = ["msts=1.2.0000", "msts=user", "msts=16777343.1", "other=16777343.1.0"];
        let found = answers(connect, cookies.into_iter().map(str::to_owned));
        // Whose turn was first depends on who connected before.
        assert!(found.windows(2).all(|pair| pair[0].1 != pair[1].1), "{found:?}");
    });
}
