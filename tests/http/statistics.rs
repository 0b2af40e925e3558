//! The statistics page and its CSV, as the packaged HAProxy has them.

use std::cell::RefCell;
use std::collections::BTreeMap;

use crate::rig::{Peer, field};
use crate::rules::on_both;

const PAGE: &str = "frontend web\n description shop of books\n bind PORT name door id 7\n option socket-stats\n default_backend app\n http-request deny if { path /secret }\n \
                    http-request redirect location /there if { path /here }\n stats enable\n stats uri /stats\n \
                    stats refresh 7s\n stats admin if { src 127.0.0.1 }\n\
                    backend app\n server s1 SERVER\n server s2 SERVER backup\n server s3 SERVER disabled\n";

const PASSWORD: &str =
    "frontend web\n bind PORT\n stats auth ann:pw\n stats auth bob:p:w\n stats realm Our\\ numbers\n";

/// Asks for a path on a connection of its own.
fn get(peer: Peer, path: &str) -> (String, String) {
    exchange(peer, format!("GET {path} HTTP/1.0\r\n\r\n"))
}

fn exchange(mut peer: Peer, request: String) -> (String, String) {
    let text = String::from_utf8(peer.send(request).rest()).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((&text, ""));
    let is_chunked = field(head, "transfer-encoding") == Some("chunked");
    (head.to_owned(), if is_chunked { unchunked(body) } else { body.to_owned() })
}

/// HAProxy sends its page in chunks, also over HTTP/1.0.
fn unchunked(mut body: &str) -> String {
    let mut out = String::new();
    while let Some((size, rest)) = body.split_once("\r\n") {
        let size = usize::from_str_radix(size, 16).unwrap();
        out += &rest[..size];
        body = rest[size..].trim_start_matches("\r\n");
    }
    out
}

fn post(peer: Peer, path: &str, form: &str) -> String {
    let kind = "Content-Type: application/x-www-form-urlencoded";
    let request = format!("POST {path} HTTP/1.0\r\n{kind}\r\nContent-Length: {}\r\n\r\n{form}", form.len());
    let (head, _) = exchange(peer, request);
    assert!(head.starts_with("HTTP/1.") && head.contains(" 303 "), "{head}");
    field(&head, "location").unwrap().to_owned()
}

type Rows = BTreeMap<String, BTreeMap<String, String>>;

/// Rows of a CSV by `proxy/server`, columns by name.
fn rows(csv: &str) -> Rows {
    let mut lines = csv.lines().filter(|line| !line.is_empty());
    let header: Vec<&str> = lines.next().unwrap().trim_start_matches("# ").split(',').collect();
    let row = |line: &str| {
        let cells: Vec<&str> = line.split(',').collect();
        assert_eq!(cells.len(), header.len(), "{line}");
        let named = header.iter().zip(&cells).map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned()));
        (format!("{}/{}", cells[0], cells[1]), named.collect())
    };
    lines.map(row).collect()
}

/// What two programs, or two moments, need not have in common: clocks, bytes (HAProxy counts its own form of heads), how
/// many connections overlapped for a moment, limits of the process, idle connections, and what only modules of HAProxy
/// count.
const APART: [&str; 31] = [
    "bin",
    "bout",
    "slim",
    "smax",
    "lastchg",
    "lastsess",
    "rate",
    "rate_max",
    "req_rate",
    "req_rate_max",
    "conn_rate",
    "conn_rate_max",
    "qtime",
    "ctime",
    "rtime",
    "ttime",
    "qtime_max",
    "ctime_max",
    "rtime_max",
    "ttime_max",
    "srv_icur",
    "idle_conn_cur",
    "safe_conn_cur",
    "used_conn_cur",
    "need_conn_est",
    "addr",
    "algo",
    "cookie",
    "downtime",
    "-",
    "",
];

/// What was counted between two answers; cells that are no numbers as they are now.
fn counted(before: &str, after: &str) -> Rows {
    let (before, mut after) = (rows(before), rows(after));
    for (name, row) in &mut after {
        row.retain(|name, _| {
            !APART.contains(&name.as_str()) && !["ssl_", "h1_", "h2_"].iter().any(|module| name.starts_with(module))
        });
        for (column, cell) in row {
            if let (Ok(then), Ok(now)) = (before[name][column].parse::<i64>(), cell.parse::<i64>()) {
                *cell = (now - then).to_string();
            }
        }
    }
    after
}

#[test]
fn counters_are_haproxys_after_the_same_traffic() {
    let seen = RefCell::new(Vec::new());
    on_both("http", PAGE, |connect| {
        let before = get(connect(), "/stats;csv").1;
        let mut peer = connect();
        for path in ["/", "/a", "/b"] {
            assert!(peer.send(format!("GET {path} HTTP/1.1\r\nHost: a\r\n\r\n")).response().0.contains(" 200 "));
        }
        drop(peer);
        assert!(get(connect(), "/secret").0.contains(" 403 "));
        assert!(get(connect(), "/here").0.contains(" 302 "));
        assert!(exchange(connect(), "nonsense\r\n\r\n".to_owned()).0.contains(" 400 "));
        let (head, csv) = get(connect(), "/stats;csv");
        assert!(head.contains("content-type: text/plain") && head.contains("cache-control: no-cache"), "{head}");
        seen.borrow_mut().push((before, csv));
    });
    let seen = seen.into_inner();
    let [vipgate, haproxy] = &seen[..] else { panic!("two answers") };
    assert!(seen.iter().all(|(_, csv)| rows(csv).contains_key("web/door")));
    let header = |csv: &str| csv.lines().next().unwrap().split(",-,").next().unwrap().to_owned();
    assert_eq!(header(&vipgate.1), header(&haproxy.1));
    let (ours, theirs) = (counted(&vipgate.0, &vipgate.1), counted(&haproxy.0, &haproxy.1));
    assert_eq!(ours.keys().collect::<Vec<_>>(), theirs.keys().collect::<Vec<_>>());
    for (name, row) in &theirs {
        for (column, cell) in row {
            assert_eq!(
                &ours[name][column], cell,
                "{name}: {column}, theirs on the right\n{}\n{}",
                vipgate.1, haproxy.1
            );
        }
    }
}

#[test]
fn the_address_says_what_is_wanted() {
    on_both("http", PAGE, |connect| {
        for path in ["/stats;csv", "/stats/;csv", "/stats?;csv;norefresh"] {
            assert!(get(connect(), path).1.starts_with("# pxname,svname,"), "{path}");
        }
        let (head, page) = get(connect(), "/stats");
        assert_eq!((field(&head, "refresh"), field(&head, "content-type")), (Some("7"), Some("text/html")));
        for text in [
            "HAProxy version 2.6",
            ", released 20",
            "<b>uptime = </b> 0d 0h00m",
            "class=\"maintain\"",
            "name=\"app/s1\"",
        ] {
            assert!(page.contains(text), "{text} is missing");
        }
        assert_eq!(field(&get(connect(), "/stats;norefresh").0, "refresh"), None);
        let json = get(connect(), "/stats;json").1;
        assert!(serde_json::from_str::<serde_json::Value>(&json).unwrap().as_array().unwrap().len() >= 5);
        assert!(get(connect(), "/stats;json-schema").1.starts_with('{'));
        assert!(get(connect(), "/stats;typed").1.starts_with("F."));
        let names = |path: &str| rows(&get(connect(), path).1).into_keys().collect::<Vec<_>>();
        assert_eq!(names("/stats;csv;scope=AP"), ["app/BACKEND", "app/s1", "app/s2", "app/s3"]);
        assert_eq!(names("/stats;csv;up"), ["app/BACKEND", "app/s1", "app/s2", "web/FRONTEND", "web/door"]);
        let (head, body) = exchange(connect(), "HEAD /stats HTTP/1.0\r\n\r\n".to_owned());
        assert!(head.contains(" 200 ") && body.is_empty());
        // Other methods are not the page's.
        let (_, echoed) =
            exchange(connect(), "DELETE /stats HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n".to_owned());
        assert!(echoed.starts_with("DELETE /stats"), "{echoed}");
    });
}

#[test]
fn a_form_changes_servers_and_leads_back() {
    on_both("http", PAGE, |connect| {
        let status = |server: &str| rows(&get(connect(), "/stats;csv").1)[&format!("app/{server}")]["status"].clone();
        assert_eq!(post(connect(), "/stats", "s=s1&action=maint&b=app"), "/stats;st=DONE");
        assert_eq!(status("s1"), "MAINT");
        assert_eq!(post(connect(), "/stats;norefresh", "s=s1&s=s2&action=drain&b=%232"), "/stats;st=DONE;norefresh");
        assert_eq!((status("s1").as_str(), status("s2").as_str()), ("DRAIN", "DRAIN"));
        assert_eq!(post(connect(), "/stats", "s=s1&s=nobody&action=ready&b=app"), "/stats;st=PART");
        assert_eq!(status("s1"), "no check");
        for wrong in ["s=nobody&action=ready&b=app", "s=s1&action=explode&b=app", "s=s1&action=ready&b=nobody"] {
            assert_eq!(post(connect(), "/stats", wrong), "/stats;st=ERRP", "{wrong}");
        }
        assert_eq!(post(connect(), "/stats", "action=ready&b=app"), "/stats;st=NONE");
        assert!(get(connect(), "/stats;st=DONE").1.contains("Action processed successfully."));
    });
}

#[test]
fn a_form_in_pieces_is_read_to_its_end() {
    on_both("http", PAGE, |connect| {
        let mut peer = connect();
        peer.send("POST /stats HTTP/1.1\r\nHost: a\r\nContent-Length: 23\r\n\r\ns=s1&act");
        std::thread::yield_now();
        let (head, _) = peer.send("ion=maint&b=app").response();
        assert_eq!(field(&head, "location"), Some("/stats;st=DONE"), "{head}");
        // The connection goes on.
        assert!(peer.send("GET /x HTTP/1.1\r\nHost: a\r\n\r\n").response().0.contains(" 200 "));
    });
}

#[test]
fn a_page_with_passwords_asks_for_one() {
    on_both("http", PASSWORD, |connect| {
        let (head, body) = get(connect(), "/haproxy?stats");
        assert!(head.contains(" 401 ") && body.contains("You need a valid user and password"), "{head}");
        assert_eq!(field(&head, "www-authenticate"), Some("Basic realm=\"Our numbers\""));
        let with = |credentials: &str| {
            let request = format!("GET /haproxy?stats;csv HTTP/1.0\r\nAuthorization: Basic {credentials}\r\n\r\n");
            exchange(connect(), request).0.contains(" 200 ")
        };
        // ann:pw, bob:p:w, ann:p
        assert_eq!(["YW5uOnB3", "Ym9iOnA6dw==", "YW5uOnA="].map(with), [true, true, false]);
        assert!(get(connect(), "/").0.contains(" 503 "));
        // Nobody may change anything.
        let login = "Authorization: Basic YW5uOnB3\r\nContent-Length: 0";
        let (head, _) = exchange(connect(), format!("POST /haproxy?stats HTTP/1.0\r\n{login}\r\n\r\n"));
        assert_eq!(field(&head, "location"), Some("/haproxy?stats;st=DENY"), "{head}");
    });
}

#[test]
fn rules_of_the_page_say_who_sees_it() {
    let rules = "frontend web\n bind PORT\n default_backend app\nbackend app\n stats uri /s\n stats hide-version\n stats scope .\n \
                 stats http-request deny if { path /s/no }\n stats http-request auth if { path /s/login }\n server s1 SERVER\n";
    on_both("http", rules, |connect| {
        assert!(get(connect(), "/s/no").0.contains(" 403 "));
        let (head, _) = get(connect(), "/s/login");
        assert_eq!(field(&head, "www-authenticate"), Some("Basic realm=\"HAProxy Statistics\""));
        assert_eq!(rows(&get(connect(), "/s;csv").1).into_keys().collect::<Vec<_>>(), ["app/BACKEND", "app/s1"]);
        let (_, page) = get(connect(), "/s");
        assert!(!page.contains("HAProxy version") && page.contains("Statistics Report for pid"));
    });
}

#[test]
fn a_page_of_defaults_is_everybodys_who_has_none() {
    let rules = "defaults\n mode http\n timeout client 5s\n timeout connect 5s\n timeout server 5s\n stats uri /theirs\n stats hide-version\n\
                 frontend web\n bind PORT\n default_backend app\n stats uri /mine\nbackend app\n server s1 SERVER\n";
    on_both("http", rules, |connect| {
        assert!(get(connect(), "/mine").1.contains("HAProxy version"));
        let theirs = get(connect(), "/theirs").1;
        assert!(theirs.contains("Statistics Report") && !theirs.contains("HAProxy version"));
    });
}
