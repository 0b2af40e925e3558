//! What fetches tell of proxies, servers and connections, and of fields and cookies that HAProxy shows in its own way: beside
//! the packaged HAProxy's, expression by expression.

use std::fmt::Write as _;

use crate::beside::{exchange, same_on_both};
use crate::rig::field;
use crate::rules::{get, on_both, ours};

/// A rule for each expression, which puts its value into a field of its own.
fn told(rules: &str, name: &str, expressions: &[&str]) -> String {
    expressions.iter().enumerate().fold(String::new(), |mut text, (number, expression)| {
        writeln!(text, " {rules} set-header X-{name}{number} \"{expression} is %[{expression}]\"").unwrap();
        text
    })
}

/// What a frontend knows of others.
const OF_FRONTENDS: [&str; 22] = [
    "be_conn_free(app)",
    "connslots(app)",
    "nbsrv(app)",
    "queue(app)",
    "avg_queue(app)",
    "be_conn(app)",
    "srv_conn(app/s)",
    "srv_conn_free(app/s)",
    "srv_weight(app/s)",
    "srv_uweight(app/s)",
    "srv_iweight(app/s)",
    "srv_queue(app/s)",
    "srv_is_up(app/s)",
    "be_conn_free(free)",
    "connslots(free)",
    "srv_conn_free(free/s)",
    "src_is_local",
    "dst_is_local",
    "so_id",
    "so_name",
    "fe_id",
    "fc_err",
];

/// What a backend knows of itself.
const OF_BACKENDS: [&str; 10] = [
    "be_name",
    "be_id",
    "be_conn",
    "be_conn_free",
    "connslots",
    "nbsrv",
    "srv_conn_free(s)",
    "srv_weight(s)",
    "srv_is_up(s)",
    "fc_err_str",
];

/// What is known once a server has answered.
const OF_RESPONSES: [&str; 9] =
    ["srv_name", "srv_id", "be_name", "bc_src", "bc_dst", "bc_dst_port", "bc_http_major", "status", "hdr(x-made)"];

#[test]
fn figures_are_those_of_haproxy() {
    let text = format!(
        "frontend web\n bind PORT name in id 7\n id 21\n default_backend app\n{}{}\
         backend app\n id 22\n{} http-response set-header X-Made a\n{}\
         \n server s SERVER id 9 weight 7 maxconn 10 maxqueue 5\n\
         backend free\n server s SERVER\n",
        told("http-request", "F", &OF_FRONTENDS),
        told("http-response", "G", &["fe_name", "be_name", "srv_name", "bc_dst_port"]),
        told("http-request", "B", &OF_BACKENDS),
        told("http-response", "R", &OF_RESPONSES),
    );
    same_on_both("http", &text, |connect| {
        let request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        vec![("one request".to_owned(), exchange(connect, request))]
    });
}

#[test]
fn rates_count_what_came() {
    let text = "frontend web\n bind PORT\n default_backend app\n http-request set-header X-Rates \
                \"%[fe_req_rate(web)] %[fe_sess_rate(web)] %[be_sess_rate(app)] %[srv_sess_rate(app/s)]\"\n\
                backend app\n server s SERVER\n";
    on_both("http", text, |connect| {
        // As many as it takes within a second.
        crate::rig::until("all of them are seen", || {
            let (_, body) = connect().send(get("/")).response();
            let rates = field(&body, "x-rates").unwrap().to_owned();
            rates.split(' ').all(|rate| rate.parse::<u32>().unwrap() > 0)
        });
    });
}

#[test]
fn rules_see_no_field_about_the_connection_alone() {
    let names = ["req.hdr_cnt(connection)", "req.hdr_names", "req.hdr_cnt(te)", "req.hdr(connection)"];
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n{}backend app\n server s SERVER\n",
        told("http-request", "C", &names)
    );
    same_on_both("http", &text, |connect| {
        let of = |fields: &str| {
            let mut peer = connect();
            let (_, body) = peer.send(format!("GET / HTTP/1.1\r\nHost: a\r\n{fields}\r\n")).response();
            (0..names.len()).map(|at| field(&body, &format!("x-c{at}")).unwrap_or_default().to_owned() + "\n").collect()
        };
        ["", "Connection: keep-alive\r\n", "Connection: Keep-Alive\r\nTE: trailers\r\n", "connection: close\r\n"]
            .map(|fields| (fields.to_owned(), of(fields)))
            .to_vec()
    });
}

#[test]
fn cookies_have_blanks_and_commas_between_them() {
    let cookies = ["req.cook(s)", "req.cook(a)", "req.cook_cnt(s)", "req.cook_cnt", "cookie(s)"];
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n{}backend app\n server s SERVER\n",
        told("http-request", "K", &cookies)
    );
    same_on_both("http", &text, |connect| {
        let of = |cookie: &str| {
            let mut peer = connect();
            let (_, body) = peer.send(format!("GET / HTTP/1.1\r\nHost: a\r\nCookie: {cookie}\r\n\r\n")).response();
            let value = |at| field(&body, &format!("x-k{at}")).unwrap_or_default().to_owned() + "\n";
            (0..cookies.len()).map(value).collect()
        };
        ["s=1; s=2", "s = 1", "s=1,a=b", "a=\"x,y\"; s=2", "s=; a", "x=1;s=2 ,a= 3"]
            .map(|cookie| (cookie.to_owned(), of(cookie)))
            .to_vec()
    });
}

#[test]
fn rules_of_a_backend_fill_slots_of_the_frontend() {
    let text = "frontend web\n bind PORT\n declare capture response len 3\n default_backend app\n \
                http-response set-header X-Kept \"<%[capture.res.hdr(0)]>\"\n\
                backend app\n http-response set-header X-Long abcdef\n http-response capture res.hdr(x-long) id 0\n \
                http-response capture res.hdr(x-long) id 1\n server s SERVER\n";
    on_both("http", text, |connect| {
        let (head, _) = connect().send(get("/")).response();
        assert_eq!(field(&head, "x-kept"), Some("<abc>"), "{head}");
    });
}

#[test]
fn answers_of_ours_know_how_the_stream_ended() {
    let nobody = crate::ports::free();
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n http-after-response set-header X-End \
         \"%[txn.sess_term_state] %[txn.conn_retries] %ts %rc\"\n\
         backend app\n retries 0\n server s {nobody}\n"
    );
    let proxy = ours(&text);
    let (head, _) = proxy.client().send(get("/")).response();
    assert!(head.starts_with("HTTP/1.1 503 "), "{head}");
    assert_eq!(field(&head, "x-end"), Some("SC 0 SC 0"), "{head}");
}

#[test]
fn responses_know_what_the_server_took() {
    let server = crate::rig::Scripted::echo();
    let text = format!(
        "frontend web\n bind PORT\n default_backend app\n http-response set-header X-Times \
         \"%[bc.timer.connect] %[req.timer.queue] %[res.timer.hdr] %[bc_reused] %[res.bytes_in] %[bc_rtt(us)]\"\n\
         backend app\n server s {}\n",
        server.address
    );
    let proxy = ours(&text);
    let mut client = proxy.client();
    for is_reused in ["0", "1"] {
        let (head, body) = client.send(get("/")).response();
        let times = field(&head, "x-times").unwrap().to_owned();
        let times: Vec<&str> = times.split(' ').collect();
        assert!(times[..3].iter().all(|time| time.parse::<i64>().unwrap() >= 0), "{times:?}");
        assert_eq!(times[3], is_reused, "{times:?}");
        assert!(times[4].parse::<usize>().unwrap() > body.len(), "{times:?}");
        assert!(times[5].parse::<i64>().unwrap() > 0, "{times:?}");
    }
}
