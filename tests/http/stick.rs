//! Stick tables, against vipgate and the packaged HAProxy.

use crate::rig::{Peer, until};
use crate::rules::{get, on_both};

/// The status of a request on a connection of its own.
fn status(connect: &dyn Fn() -> Peer, request: &str) -> String {
    let head = connect().send(request).head();
    head.split(' ').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn connections_of_an_address_are_counted_and_limited() {
    let file = "listen li\n bind PORT\n stick-table type ip size 1m expire 1m store conn_rate(1m),conn_cnt\n \
                tcp-request connection track-sc0 src\n http-request deny if { sc0_conn_cnt gt 6 }\n \
                http-request return status 200 hdr x-n %[sc_conn_cnt(0)] hdr x-t %[sc0_tracked]";
    on_both("http", file, |connect| {
        // HAProxy was asked whether it serves: where the count starts differs.
        until("the limit", || status(connect, &get("/")) == "403");
        assert_eq!(status(connect, &get("/")), "403");
    });
}

#[test]
fn a_session_is_counted_while_it_lasts() {
    let file = "frontend f\n bind PORT\n tcp-request connection track-sc1 src table t\n \
                http-request return status 200 hdr x-cur %[sc1_conn_cur] hdr x-src %[src_conn_cur(t)] \
                hdr x-conv %[src,table_conn_cur(t)] hdr x-users %[sc1_trackers] hdr x-in %[src,in_table(t)]\n\
                backend t\n stick-table type ip size 100 store conn_cur";
    on_both("http", file, |connect| {
        let seen = |mut peer: Peer| {
            let head = peer.send(get("/")).head();
            let field = |name| crate::rig::field(&head, name).unwrap_or_default().to_owned();
            (peer, [field("x-cur"), field("x-src"), field("x-conv"), field("x-users"), field("x-in")])
        };
        // HAProxy was asked whether it serves: that connection may be there still.
        let mut first = None;
        until("one connection", || {
            drop(first.take());
            let (peer, counts) = seen(connect());
            first = Some(peer);
            counts == ["1", "1", "1", "1", "1"]
        });
        let (second, two) = seen(connect());
        assert_eq!(two, ["2", "2", "2", "2", "1"]);
        drop((first, second));
        until("both have ended", || seen(connect()).1 == ["1", "1", "1", "1", "1"]);
    });
}

#[test]
fn requests_and_their_ends_are_counted_by_what_they_carry() {
    let file = "frontend f\n bind PORT\n http-request track-sc0 hdr(x-key) table t\n \
                http-request sc-inc-gpc0(0) if { path /inc }\n http-request sc-set-gpt0(0) 7 if { path /tag }\n \
                http-request sc-inc-gpc(1,0) if { path /inc }\n http-request deny if { path /deny }\n \
                http-request return status 200 hdr x-all \"%[sc0_http_req_cnt] %[sc0_http_err_cnt] %[sc0_get_gpc0(t)] \
                %[sc0_get_gpt0] %[sc_get_gpc(1,0)] %[str(a),table_http_req_cnt(t)] \
                %[str(nobody),table_http_req_cnt(t)] %[table_cnt(t)] %[table_avl(t)]\"\n\
                backend t\n stick-table type string len 4 size 100 store http_req_cnt,http_err_cnt,gpc(2),gpt0";
    on_both("http", file, |connect| {
        let ask = |path: &str, key: &str| {
            let head = connect().send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Key: {key}\r\n\r\n")).head();
            crate::rig::field(&head, "x-all").unwrap_or_default().to_owned()
        };
        assert_eq!(ask("/", "a"), "1 0 0 0 0 1 0 1 99");
        assert_eq!(ask("/inc", "a"), "2 0 1 0 1 2 0 1 99");
        assert_eq!(ask("/tag", "a"), "3 0 1 7 1 3 0 1 99");
        assert_eq!(ask("/deny", "a"), "");
        assert_eq!(ask("/", "a"), "5 1 1 7 1 5 0 1 99");
        assert_eq!(ask("/", "longer"), "1 0 0 0 0 5 0 2 98", "keys are cut to their length");
        let head = connect().send("GET / HTTP/1.1\r\nHost: a\r\n\r\n").head();
        assert_eq!(crate::rig::field(&head, "x-all"), Some("5 0 2 98"), "no key, nothing tracked, no value");
    });
}

#[test]
fn answers_of_servers_are_counted_by_who_is_to_blame() {
    let server = crate::rig::Scripted::new(|mut peer, _| {
        loop {
            let sent = peer.head();
            let Some(path) = sent.split(' ').nth(1) else { return };
            let status = path.trim_start_matches('/').to_owned();
            peer.send(format!("HTTP/1.1 {status} X\r\nContent-Length: 3\r\n\r\nabc"));
        }
    });
    let file = "listen f\n bind PORT\n stick-table type integer size 10 store \
                http_req_cnt,http_err_cnt,http_fail_cnt,bytes_in_cnt,bytes_out_cnt\n \
                http-request return status 200 hdr x-all \"%[int(1),table_http_req_cnt(f)] \
                %[int(1),table_http_err_cnt(f)] %[int(1),table_http_fail_cnt(f)]\" if { path /ask }\n \
                http-request track-sc2 int(1)\n server s ADDRESS"
        .replace("ADDRESS", &server.address.to_string());
    on_both("http", &file, |connect| {
        let ask = || crate::rig::field(&connect().send(get("/ask")).head(), "x-all").unwrap_or_default().to_owned();
        for status in ["200", "404", "404", "500", "501", "503"] {
            assert_eq!(self::status(connect, &get(&format!("/{status}"))), status);
        }
        until("they have ended", || ask() == "6 2 2");
    });
}

/// Servers that answer with their names.
fn named(name: &'static str) -> crate::rig::Scripted {
    crate::rig::Scripted::each(move |peer, _| {
        peer.send(format!("HTTP/1.1 200 OK\r\nX-Server: {name}\r\nX-Token: token-{name}\r\nContent-Length: 0\r\n\r\n"));
    })
}

fn asked(connect: &dyn Fn() -> Peer, path: &str, key: &str) -> String {
    let head = connect().send(format!("GET {path} HTTP/1.1\r\nHost: a\r\nX-Key: {key}\r\n\r\n")).head();
    crate::rig::field(&head, "x-server").unwrap_or_default().to_owned()
}

#[test]
fn a_key_sticks_to_the_server_that_it_got_first() {
    let servers = ["one", "two", "three"].map(named);
    let lines: String =
        servers.iter().enumerate().map(|(at, server)| format!(" server s{at} {}\n", server.address)).collect();
    for srvkey in ["name", "addr"] {
        let file = format!(
            "listen f\n bind PORT\n stick-table type string len 20 size 10k srvkey {srvkey}\n stick on hdr(x-key)\n \
             stick match req.hdr(x-token) if {{ path /token }}\n stick store-response res.hdr(x-token)\n \
             http-response set-header x-id %[str(a),table_server_id(f)]\n{lines}"
        );
        on_both("http", &file, |connect| {
            let first: Vec<_> = ["a", "b", "c", "d"].map(|key| asked(connect, "/", key)).into();
            assert!(first.iter().any(|name| *name != first[0]), "they are spread: {first:?}");
            for _ in 0..3 {
                let again: Vec<_> = ["a", "b", "c", "d"].map(|key| asked(connect, "/", key)).into();
                assert_eq!(again, first);
            }
            for _ in 0..3 {
                let head = connect().send("GET /token HTTP/1.1\r\nHost: a\r\nX-Token: token-two\r\n\r\n").head();
                assert_eq!(crate::rig::field(&head, "x-server"), Some("two"));
            }
        });
    }
}

#[test]
fn rules_name_the_server() {
    let servers = ["one", "two"].map(named);
    let file = format!(
        "listen f\n bind PORT\n use-server s1 if {{ path /one }}\n use-server s2 unless {{ path /any }}\n \
         server s1 {}\n server s2 {}",
        servers[0].address, servers[1].address
    );
    on_both("http", &file, |connect| {
        for _ in 0..3 {
            assert_eq!(asked(connect, "/one", ""), "one");
            assert_eq!(asked(connect, "/two", ""), "two");
        }
        let any: Vec<_> = (0..4).map(|_| asked(connect, "/any", "")).collect();
        assert!(any.contains(&"one".to_owned()) && any.contains(&"two".to_owned()), "{any:?}");
    });
}

#[test]
fn numbers_are_those_of_the_configuration() {
    let server = named("one");
    let file = format!(
        "frontend web\n id 5\n bind PORT\n default_backend app\nbackend other\n server x {address}\nbackend app\n id 77\n \
         stick-table type string len 20 size 10k\n stick on hdr(x-key)\n \
         http-response set-header x-numbers %[fe_id]/%[be_id]/%[srv_id]\n \
         http-response set-header x-stuck %[str(a),table_server_id(app)]\n server s {address} id 9\n",
        address = server.address
    );
    on_both("http", &file, |connect| {
        let ask = || connect().send("GET / HTTP/1.1\r\nHost: a\r\nX-Key: a\r\n\r\n").head();
        let head = ask();
        assert_eq!(crate::rig::field(&head, "x-numbers"), Some("5/77/9"));
        until("the key is remembered", || crate::rig::field(&ask(), "x-stuck") == Some("9"));
    });
}
