//! What `bind` lines and options about connections do to those that come in.

use crate::rig::{Peer, field, until};
use crate::rules::{get, on_both, status};

#[test]
fn a_bind_with_a_limit_of_its_own_keeps_others_waiting() {
    let text = "frontend f\n bind PORT maxconn 1\n http-request return status 200 hdr x-now %[fe_conn]";
    on_both("http", text, |connect| {
        let ask = |client: &mut Peer| {
            let head = client.send(get("/")).head();
            assert_eq!(status(&head), "200", "{head}");
            field(&head, "x-now").unwrap_or_default().to_owned()
        };
        let mut first = connect();
        assert_eq!(ask(&mut first), "1");
        let mut second = connect();
        second.send(get("/"));
        // The second one, which the kernel has accepted, is not served beside the first.
        (0..20).for_each(|_| assert_eq!(ask(&mut first), "1"));
        drop(first);
        assert_eq!(field(&second.head(), "x-now"), Some("1"));
    });
}

#[test]
fn connections_of_a_frontend_with_nolinger_are_reset_at_their_end() {
    let text = "frontend f\n bind PORT\n option nolinger\n http-request return status 200 content-type a/b string xyz";
    on_both("http", text, |connect| {
        let mut client = connect();
        client.send("GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
        let head = client.head();
        assert_eq!(status(&head), "200");
        assert_eq!(client.exactly(3), b"xyz");
        until("the connection is reset", || client.stream.take_error().is_ok_and(|error| error.is_some()));
    });
}

#[test]
fn rules_know_the_name_and_the_number_of_the_socket() {
    let text =
        "frontend f\n bind PORT name front id 7\n http-request return status 200 hdr x-socket %[so_name]/%[so_id]";
    on_both("http", text, |connect| {
        let head = connect().send(get("/")).head();
        assert_eq!(field(&head, "x-socket"), Some("front/7"), "{head}");
    });
}
